/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * record --socket: many programs write through one. One thread serves all clients, round by round:
 * it takes the lines that are there, commits them together, so that they share a flush, and sends
 * each client its answers. What comes meanwhile waits in the sockets and is the next round's. So a
 * line that comes alone is committed at once, and the more come the fewer flushes each costs; and
 * nothing is handed from one thread to another.
 */
#include "record/client.h"
#include "record/listener.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define CLIENTS_MAX 256
#define LINES_A_TURN 64 /* of one client, before the others' turn */
#define GOODBYE_MS 2000 /* for answers that clients have not read, at the end */
#define CROWDED_MS 100  /* until it is tried again to let one in, where files are short */

/* So many lines, or of so many bytes together, are committed at once; and if a round has taken so
 * many, it ends, also where there are more. */
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

typedef struct recorder {
    command_line *cli;
    tj_store *store;
    listener listener;
    client *clients;
    size_t client_count;
    size_t taken; /* lines, in this round */
    bool crowded;
    bool full_told;
    bool closed; /* the store takes nothing more */
    tj_error failure;
    batch batch;
} recorder;

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

/* ---- committing ------------------------------------------------------------------------------ */

static void settle(recorder *r, reply *to, tj_status status, uint64_t sequence,
                   const tj_error *error)
{
    if (status == TJ_OK) {
        reply_durable(to, sequence);
        return;
    }
    reply_refused(to, error);
    if (status == TJ_CLOSED && !r->closed) {
        r->closed = true;
        r->failure = *error;
    }
}

static void commit_batch(recorder *r)
{
    batch *b = &r->batch;
    tj_txn_commit_all(b->items, b->count);
    for (size_t i = 0; i < b->count; i++) {
        settle(r, b->replies[i], b->items[i].status, b->items[i].sequence, &b->errors[i]);
    }
    b->count = b->size = 0;
}

static void take_line(recorder *r, client *c, tj_str line)
{
    batch *b = &r->batch;
    tj_txn *txn = NULL;
    tj_error error;
    reply *to = client_reply(c);
    b->options[b->count] = (tj_commit_options)TJ_COMMIT_OPTIONS_INIT;
    tj_status status = record_begin(r->store, line, &txn, &b->options[b->count], &error);
    if (status != TJ_OK) {
        cut_line_one(&error);
        settle(r, to, status, 0, &error);
        return;
    }
    b->items[b->count] = (tj_commit_item){
        .txn = txn, .options = &b->options[b->count], .error = &b->errors[b->count]};
    b->replies[b->count++] = to;
    b->size += line.size;
    if (b->count == BATCH_MAX || b->size >= BATCH_SIZE_MAX) {
        commit_batch(r);
    }
}

static void take_lines(recorder *r, client *c)
{
    c->held = false;
    for (size_t taken = 0; client_may_take(c); taken++, r->taken++) {
        tj_str line = {NULL, 0};
        tj_error error;
        bool more = false;
        if (taken == LINES_A_TURN) {
            c->held = true;
            return;
        }
        if (client_next(c, &line, &more, &error) != TJ_OK) {
            reply_refused(client_reply(c), &error);
        } else if (!more) {
            return;
        } else if (trimmed(line).size > 0) {
            take_line(r, c, line);
        }
    }
    c->held = !c->ended && !c->gone;
}

/* ---- serving --------------------------------------------------------------------------------- */

enum { POLL_LISTENER, POLL_CLIENTS };

/* Returns how many milliseconds to wait at most. A client in whose socket something was left is
 * always readable: it is not asked whether it is, but read. */
static int what_to_poll(recorder *r, struct pollfd *fds)
{
    int wait_ms = r->crowded ? CROWDED_MS : -1;
    bool room = r->client_count < CLIENTS_MAX && !r->crowded;
    r->crowded = false;
    fds[POLL_LISTENER] = (struct pollfd){.fd = room ? r->listener.fd : -1, .events = POLLIN};
    struct pollfd *at = &fds[POLL_CLIENTS];
    for (const client *c = r->clients; c; c = c->next, at++) {
        bool may_take = client_may_take(c);
        wait_ms = may_take && (c->held || c->left > 0) ? 0 : wait_ms;
        *at = (struct pollfd){
            .fd = c->gone || c->left > 0 ? -1 : c->fd,
            .events = (short)((may_take ? POLLIN : 0) | (c->out_size > 0 ? POLLOUT : 0))};
    }
    return wait_ms;
}

static void note_events(recorder *r, const struct pollfd *fds)
{
    const struct pollfd *at = &fds[POLL_CLIENTS];
    for (client *c = r->clients; c; c = c->next, at++) {
        /* It closed both sides, and nothing that may be read now is left. */
        bool over = (at->revents & (POLLHUP | POLLIN)) == POLLHUP;
        c->gone = c->gone || over || at->revents & POLLERR;
        c->readable = at->revents & POLLIN || c->left > 0;
    }
}

static bool has_more(const recorder *r)
{
    const client *c = r->clients;
    while (c && !client_has_more(c)) {
        c = c->next;
    }
    return c != NULL;
}

static void serve_clients(recorder *r)
{
    r->taken = 0;
    do {
        for (client *c = r->clients; c; c = c->next) {
            if (c->readable && !c->held && client_may_take(c)) {
                client_fetch(c);
            }
            take_lines(r, c);
        }
    } while (r->taken < BATCH_MAX && has_more(r));
    commit_batch(r);
}

static void send_answers(recorder *r)
{
    for (client **link = &r->clients; *link;) {
        client *c = *link;
        client_send(c);
        if (client_done(c)) {
            *link = c->next;
            r->client_count--;
            client_free(c);
        } else {
            link = &c->next;
        }
    }
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

static void let_in(recorder *r)
{
    while (r->client_count < CLIENTS_MAX) {
        int fd = listener_accept(&r->listener, &r->crowded);
        if (fd < 0) {
            return;
        }
        client *c = client_new(fd);
        c->next = r->clients;
        r->clients = c;
        r->client_count++;
    }
    if (!r->full_told) {
        tell_full(r);
    }
}

/* The signals come while it waits, and at no other moment. */
static void serve(recorder *r, const sigset_t *while_waiting)
{
    struct pollfd fds[POLL_CLIENTS + CLIENTS_MAX];
    while (!stopped && !r->closed) {
        int wait_ms = what_to_poll(r, fds);
        nfds_t count = POLL_CLIENTS + r->client_count;
        struct timespec wait = {.tv_nsec = (long)wait_ms * 1000000};
        if (ppoll(fds, count, wait_ms < 0 ? NULL : &wait, while_waiting) < 0) {
            continue;
        }
        note_events(r, fds);
        serve_clients(r);
        send_answers(r);
        if (fds[POLL_LISTENER].revents) { /* behind those whose places in fds are known */
            let_in(r);
        }
    }
}

/* What was taken is answered; who does not read is not waited for long. */
static void say_goodbye(recorder *r)
{
    struct pollfd fds[POLL_CLIENTS + CLIENTS_MAX];
    for (client *c = r->clients; c; c = c->next) {
        c->ended = true;
    }
    send_answers(r);
    for (int left = GOODBYE_MS; r->clients && left > 0; left -= 50) {
        what_to_poll(r, fds);
        (void)poll(&fds[POLL_CLIENTS], r->client_count, 50);
        send_answers(r);
    }
    while (r->clients) {
        client *next = r->clients->next;
        client_free(r->clients);
        r->clients = next;
    }
}

tj_status record_socket(command_line *cli, tj_store *store, tj_error *error)
{
    recorder *r = need(calloc(1, sizeof *r));
    r->cli = cli;
    r->store = store;
    const struct sigaction stop = {.sa_handler = on_signal};
    sigset_t signals, before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, &before);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    tj_status status = listener_open(&r->listener, cli, error);
    if (status == TJ_OK) {
        out_line(&cli->out, "recording from %s", r->listener.path);
        out_flush(&cli->out);
        serve(r, &before);
        say_goodbye(r);
    }
    listener_close(&r->listener);
    if (r->closed) {
        *error = r->failure;
        status = TJ_CLOSED;
    }
    free(r);
    return status;
}
