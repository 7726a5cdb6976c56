/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One client of the recorder's socket: its lines, and its answers, which it gets in their order. */
#ifndef TJ_CLI_RECORD_CLIENT_H
#define TJ_CLI_RECORD_CLIENT_H

#include "record/record.h"

/* The longest line of a client, how many of its lines may wait for the disk, and how much of its
 * answers may wait for it. Beyond these nothing more is read from it. */
#define CLIENT_LINE_SIZE_MAX ((size_t)1 << 20)
#define CLIENT_WAITING_MAX 256
#define CLIENT_OUT_SIZE_MAX ((size_t)64 << 10)

typedef struct client client;

/* The answer to one line, once it is known. */
typedef struct reply {
    struct reply *next;
    uint64_t line;
    uint64_t sequence; /* of its commit; 0: it failed */
    char *failure;     /* the whole answer then */
    bool known;
} reply;

struct client {
    client *next;
    int fd;
    line_reader reader;
    bool ended;    /* it sends nothing more */
    bool gone;     /* it reads nothing more */
    bool held;     /* lines were read that are left for later */
    bool readable; /* and there may be more in the socket */
    bool peeks;    /* what was read may be left in the socket, */
    size_t left;   /* so many bytes */
    reply *first, **last;
    size_t waiting; /* replies */
    char *out;
    size_t out_size, out_capacity;
};

client *client_new(int fd);
void client_free(client *c);
/* Whether its next line may be taken now. */
bool client_may_take(const client *c);
/* Whether there may be one. */
bool client_has_more(const client *c);
/* Reads some of what it has sent. */
void client_fetch(client *c);
/* Takes what was read out of the socket. */
void client_take_out(client *c);
/* Its next line that was read. `more` is false when there is none yet, or ever. A line that is too
 * long ends it and is TJ_LIMIT. */
tj_status client_next(client *c, tj_str *line, bool *more, tj_error *error);
/* Adds the reply to the line that was taken last. */
reply *client_reply(client *c);
void reply_durable(reply *r, uint64_t sequence);
void reply_refused(reply *r, const tj_error *cause);
/* Sends what is known and as much as it takes without waiting. */
void client_send(client *c);
/* Whether it waits for nothing and nothing waits for it. */
bool client_done(const client *c);

#endif
