/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Round by round a server takes the lines that are there, commits them together, so that they share
 * a flush, and sends each client its answers. What comes meanwhile waits in the sockets and is the
 * next round's. So a line that comes alone is committed at once, and the more come the fewer
 * flushes each costs; and nothing of a line is handed from one thread to another.
 */
#include "record/server.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define LINES_A_TURN 64 /* of one client, before the others' turn */
#define GOODBYE_MS 2000 /* for answers that clients have not read, at the end */

/* ---- committing ------------------------------------------------------------------------------ */

static void settle(server *s, reply *to, tj_status status, uint64_t sequence, const tj_error *error)
{
    if (status == TJ_OK) {
        reply_durable(to, sequence);
        return;
    }
    reply_refused(to, error);
    if (status == TJ_CLOSED && !s->closed) {
        s->failure = *error;
        s->closed = true;
    }
}

static void commit_batch(server *s)
{
    batch *b = &s->batch;
    tj_txn_commit_all(b->items, b->count);
    for (size_t i = 0; i < b->count; i++) {
        settle(s, b->replies[i], b->items[i].status, b->items[i].sequence, &b->errors[i]);
    }
    b->count = b->size = 0;
}

static void take_line(server *s, client *c, tj_str line)
{
    batch *b = &s->batch;
    tj_txn *txn = NULL;
    tj_error error;
    reply *to = client_reply(c);
    b->options[b->count] = (tj_commit_options)TJ_COMMIT_OPTIONS_INIT;
    tj_status status = record_begin(s->store, line, &txn, &b->options[b->count], &error);
    if (status != TJ_OK) {
        cut_line_one(&error);
        settle(s, to, status, 0, &error);
        return;
    }
    b->items[b->count] = (tj_commit_item){
        .txn = txn, .options = &b->options[b->count], .error = &b->errors[b->count]};
    b->replies[b->count++] = to;
    b->size += line.size;
    if (b->count == BATCH_MAX || b->size >= BATCH_SIZE_MAX) {
        commit_batch(s);
    }
}

static void take_lines(server *s, client *c)
{
    c->held = false;
    for (size_t taken = 0; client_may_take(c); taken++, s->taken++) {
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
            take_line(s, c, line);
        }
    }
    c->held = !c->ended && !c->gone;
}

/* ---- serving --------------------------------------------------------------------------------- */

enum { POLL_INBOX, POLL_CLIENTS };

/* Returns of how many, and says for how many milliseconds at most. A client in whose socket
 * something was left is always readable: it is not asked whether it is, but read. */
static nfds_t what_to_poll(const server *s, struct pollfd *fds, int *wait_ms)
{
    *wait_ms = -1;
    fds[POLL_INBOX] = (struct pollfd){.fd = s->inbox, .events = POLLIN};
    struct pollfd *at = &fds[POLL_CLIENTS];
    for (const client *c = s->clients; c; c = c->next, at++) {
        bool may_take = client_may_take(c);
        *wait_ms = may_take && (c->held || c->left > 0) ? 0 : *wait_ms;
        *at = (struct pollfd){
            .fd = c->gone || c->left > 0 ? -1 : c->fd,
            .events = (short)((may_take ? POLLIN : 0) | (c->out_size > 0 ? POLLOUT : 0))};
    }
    return (nfds_t)(at - fds);
}

static void note_events(server *s, const struct pollfd *fds)
{
    const struct pollfd *at = &fds[POLL_CLIENTS];
    for (client *c = s->clients; c; c = c->next, at++) {
        /* It closed both sides, and nothing that may be read now is left. */
        bool over = (at->revents & (POLLHUP | POLLIN)) == POLLHUP;
        c->gone = c->gone || over || at->revents & POLLERR;
        c->readable = at->revents & POLLIN || c->left > 0;
    }
}

static bool has_more(const server *s)
{
    const client *c = s->clients;
    while (c && !client_has_more(c)) {
        c = c->next;
    }
    return c != NULL;
}

/* Returns of how many clients. */
static size_t take_turns(server *s)
{
    size_t busy = 0;
    for (client *c = s->clients; c; c = c->next) {
        size_t before = s->taken;
        if (c->readable && !c->held && client_may_take(c)) {
            client_fetch(c);
        }
        take_lines(s, c);
        busy += s->taken > before;
    }
    return busy;
}

/* One that sends while no other does fills a batch: nobody else waits for that. */
static void serve_clients(server *s)
{
    s->taken = 0;
    while (take_turns(s) == 1 && s->taken < BATCH_MAX && has_more(s)) {
        continue;
    }
    commit_batch(s);
}

/* What is told to who lets others in. An eventfd that is rung so seldom is never full. */
static void ring(const server *s)
{
    uint64_t one = 1;
    ssize_t put = write(s->bell, &one, sizeof one);
    (void)put;
}

static void leave(server *s, client *c)
{
    client_free(c);
    s->client_count--;
    ring(s);
}

static void send_answers(server *s)
{
    for (client **link = &s->clients; *link;) {
        client *c = *link;
        client_send(c);
        if (client_done(c)) {
            *link = c->next;
            leave(s, c);
        } else {
            link = &c->next;
        }
    }
}

/* Takes up those who were sent here. False when no more will be. */
static bool welcome(server *s)
{
    int fds[SERVER_CLIENTS_MAX];
    ssize_t size = read(s->inbox, fds, sizeof fds);
    for (size_t i = 0; size > 0 && i < (size_t)size / sizeof *fds; i++) {
        client *c = client_new(fds[i]);
        c->next = s->clients;
        s->clients = c;
    }
    return size != 0;
}

/* What was taken is answered; who does not read is not waited for long. */
static void say_goodbye(server *s)
{
    struct pollfd fds[POLL_CLIENTS + SERVER_CLIENTS_MAX];
    for (client *c = s->clients; c; c = c->next) {
        c->ended = true;
    }
    send_answers(s);
    int64_t until = now_ms() + GOODBYE_MS;
    for (int64_t left = GOODBYE_MS; s->clients && left > 0; left = until - now_ms()) {
        int wait_ms;
        nfds_t count = what_to_poll(s, fds, &wait_ms);
        (void)poll(&fds[POLL_CLIENTS], count - POLL_CLIENTS, (int)left);
        send_answers(s);
    }
    while (s->clients) {
        client *next = s->clients->next;
        leave(s, s->clients);
        s->clients = next;
    }
}

void *server_run(void *context)
{
    server *s = context;
    struct pollfd fds[POLL_CLIENTS + SERVER_CLIENTS_MAX];
    bool open = true;
    while (open && !s->closed) {
        int wait_ms;
        nfds_t count = what_to_poll(s, fds, &wait_ms);
        if (poll(fds, count, wait_ms) < 0) {
            continue;
        }
        note_events(s, fds);
        serve_clients(s);
        send_answers(s);
        if (fds[POLL_INBOX].revents) { /* behind those whose places in fds are known */
            open = welcome(s);
        }
    }
    if (s->closed) {
        ring(s);
    }
    say_goodbye(s);
    return NULL;
}
