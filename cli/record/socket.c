/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * record --socket: many programs write through one. This thread lets them in and shares them out
 * between two that serve them: so one may wait for the disk while the other works, and neither
 * hands the other a line.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "record/listener.h"
#include "record/server.h"

#define CLIENTS_MAX SERVER_CLIENTS_MAX
#define SERVERS 2
#define CROWDED_MS 100 /* until it is tried again to let one in, where files are short */

/* A thread that serves, and how clients are sent to it. */
typedef struct worker {
    server server;
    pthread_t thread;
    int outbox; /* the other end of its inbox; -1: it does not run */
} worker;

typedef struct recorder {
    command_line *cli;
    listener listener;
    int bell;
    bool crowded;
    bool full_told, crowded_told;
    worker workers[SERVERS];
} recorder;

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

/* ---- the threads ----------------------------------------------------------------------------- */

static tj_status start(recorder *r, worker *w, tj_store *store, tj_error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return fail_errno(error, errno, "making a pipe");
    }
    w->server.store = store;
    w->server.bell = r->bell;
    w->server.inbox = ends[0];
    w->outbox = ends[1];
    int failed = pthread_create(&w->thread, NULL, server_run, &w->server);
    if (failed != 0) {
        close(ends[0]);
        close(ends[1]);
        w->outbox = -1;
        return fail_errno(error, failed, "starting a thread");
    }
    return TJ_OK;
}

static tj_status start_all(recorder *r, tj_store *store, tj_error *error)
{
    r->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    tj_status status = r->bell >= 0 ? TJ_OK : fail_errno(error, errno, "making an eventfd");
    for (size_t i = 0; i < SERVERS; i++) {
        r->workers[i].outbox = -1;
    }
    for (size_t i = 0; status == TJ_OK && i < SERVERS; i++) {
        status = start(r, &r->workers[i], store, error);
    }
    return status;
}

/* What they have taken is answered. */
static void end_all(recorder *r)
{
    for (size_t i = 0; i < SERVERS; i++) {
        if (r->workers[i].outbox >= 0) {
            close(r->workers[i].outbox);
        }
    }
    for (size_t i = 0; i < SERVERS; i++) {
        if (r->workers[i].outbox >= 0) {
            pthread_join(r->workers[i].thread, NULL);
            close(r->workers[i].server.inbox);
        }
    }
    if (r->bell >= 0) {
        close(r->bell);
    }
}

/* The one whose store takes nothing more, or NULL. */
static const server *closed_one(const recorder *r)
{
    for (size_t i = 0; i < SERVERS; i++) {
        if (r->workers[i].server.closed) {
            return &r->workers[i].server;
        }
    }
    return NULL;
}

/* ---- letting in ------------------------------------------------------------------------------ */

static size_t client_count(const recorder *r)
{
    size_t count = 0;
    for (size_t i = 0; i < SERVERS; i++) {
        count += r->workers[i].server.client_count;
    }
    return count;
}

/* To the one that has the fewest. */
static void send_to_server(recorder *r, int fd)
{
    worker *to = &r->workers[0];
    for (size_t i = 1; i < SERVERS; i++) {
        if (r->workers[i].server.client_count < to->server.client_count) {
            to = &r->workers[i];
        }
    }
    to->server.client_count++;
    ssize_t put = write(to->outbox, &fd, sizeof fd);
    need(put == (ssize_t)sizeof fd ? to : NULL); /* a pipe has room for all there may be */
}

static void tell_full(recorder *r)
{
    char text[256];
    snprintf(text, sizeof text,
             "%d clients are connected to %.100s, which is all there may be: others wait until one "
             "leaves",
             CLIENTS_MAX, r->listener.path);
    report_trace(r->cli, TJ_TRACE_WARNING, text);
    r->full_told = true;
}

static void tell_crowded(recorder *r, int os_errno)
{
    char text[256];
    snprintf(text, sizeof text, "clients of %.100s cannot be let in now, and wait: %s",
             r->listener.path, strerror(os_errno));
    report_trace(r->cli, TJ_TRACE_WARNING, text);
    r->crowded_told = true;
}

static void let_in(recorder *r)
{
    while (client_count(r) < CLIENTS_MAX) {
        int fd = listener_accept(&r->listener, &r->crowded);
        if (fd < 0 && r->crowded && !r->crowded_told) {
            tell_crowded(r, errno);
        }
        if (fd < 0) {
            return;
        }
        send_to_server(r, fd);
    }
    if (!r->full_told) {
        tell_full(r);
    }
}

/* The signals come while it waits, and at no other moment. */
static void serve(recorder *r, const sigset_t *while_waiting)
{
    while (!stopped && !closed_one(r)) {
        bool room = client_count(r) < CLIENTS_MAX && !r->crowded;
        struct pollfd fds[] = {{.fd = r->bell, .events = POLLIN},
                               {.fd = room ? r->listener.fd : -1, .events = POLLIN}};
        struct timespec wait = {.tv_nsec = CROWDED_MS * 1000000};
        if (ppoll(fds, 2, r->crowded ? &wait : NULL, while_waiting) < 0) {
            continue;
        }
        r->crowded = false;
        if (fds[0].revents) {
            uint64_t rung;
            ssize_t got = read(r->bell, &rung, sizeof rung);
            (void)got;
        }
        let_in(r);
    }
}

static void block_signals(sigset_t *before)
{
    const struct sigaction stop = {.sa_handler = on_signal};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, before); /* in the threads that begin from here on, too */
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
}

tj_status record_socket(command_line *cli, tj_store *store, tj_error *error)
{
    sigset_t before;
    recorder *r = need(calloc(1, sizeof *r));
    r->cli = cli;
    block_signals(&before);
    tj_status status = listener_open(&r->listener, cli, error);
    if (status == TJ_OK) {
        status = start_all(r, store, error);
        if (status == TJ_OK) {
            out_line(&cli->out, "recording from %s", r->listener.path);
            out_flush(&cli->out);
            serve(r, &before);
        }
        end_all(r);
    }
    listener_close(&r->listener);
    const server *closed = closed_one(r);
    if (closed) {
        *error = closed->failure;
        status = TJ_CLOSED;
    }
    free(r);
    return status;
}
