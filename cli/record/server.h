/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A thread that serves some of the clients: those whose descriptors come in its inbox. */
#ifndef TJ_CLI_RECORD_SERVER_H
#define TJ_CLI_RECORD_SERVER_H

#include <stdatomic.h>

#include "record/client.h"

/* Of one thread. */
#define SERVER_CLIENTS_MAX 256
/* So many lines, or of so many bytes together, are committed at once. */
#define BATCH_MAX 256
#define BATCH_SIZE_MAX ((size_t)256 << 10)

/* The lines that were taken and are not committed yet. */
typedef struct batch {
    size_t count;
    size_t size; /* in bytes */
    tj_commit_item items[BATCH_MAX];
    tj_commit_options options[BATCH_MAX];
    tj_error errors[BATCH_MAX];
    reply *replies[BATCH_MAX];
} batch;

typedef struct server {
    tj_store *store;
    int inbox;                   /* a pipe; when its other end is closed, the thread ends */
    int bell;                    /* an eventfd, rung when a client has left or the store closed */
    _Atomic size_t client_count; /* raised by who sends one */
    _Atomic bool closed;         /* the store takes nothing more, */
    tj_error failure;            /* because of this */
    client *clients;
    size_t taken; /* lines, in this round */
    batch batch;
} server;

/* Serves until the end; for pthread_create. */
void *server_run(void *context);

#endif
