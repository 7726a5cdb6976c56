/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A client's lines and answers, in memory that is bounded. */
#include "record/client.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define LEFT_SIZE_MAX 16384 /* of what was read, in the socket */

client *client_new(int fd)
{
    client *c = need(calloc(1, sizeof *c));
    int from_its_beginning = 0;
    c->fd = fd;
    c->peeks = setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &from_its_beginning,
                          sizeof from_its_beginning) == 0;
    c->reader = (line_reader){.fd = fd, .name = "the client", .limit = CLIENT_LINE_SIZE_MAX};
    c->last = &c->first;
    return c;
}

static void drop_first(client *c)
{
    reply *first = c->first;
    c->first = first->next;
    c->last = c->first ? c->last : &c->first;
    c->waiting--;
    free(first->failure);
    free(first);
}

void client_free(client *c)
{
    while (c->first) {
        drop_first(c);
    }
    client_take_out(c); /* or the kernel would tell it that the connection was reset */
    close(c->fd);
    free(c->reader.data);
    free(c->out);
    free(c);
}

bool client_may_take(const client *c)
{
    return !c->ended && !c->gone && c->waiting < CLIENT_WAITING_MAX &&
           c->out_size < CLIENT_OUT_SIZE_MAX;
}

bool client_has_more(const client *c)
{
    return (c->held || c->readable) && client_may_take(c);
}

/*
 * Who waits in recv(2) for an answer is woken there whenever something is taken out of the socket,
 * which has room again then, and sleeps on: two switches of the processor for nothing, at each
 * line. So a line of a client that waits is looked at and left there, until several are, or nothing
 * comes behind it; the kernel keeps where the next look begins (SO_PEEK_OFF).
 */
static bool may_wait(const client *c)
{
    return c->peeks && !c->first && c->out_size == 0 && c->reader.start == c->reader.size;
}

static bool may_stay(const client *c)
{
    size_t size = c->reader.size - c->reader.start;
    const char *line = c->reader.data + c->reader.start;
    return size > 0 && c->left <= LEFT_SIZE_MAX && memchr(line, '\n', size) == line + size - 1;
}

void client_take_out(client *c)
{
    char seen[LEFT_SIZE_MAX];
    while (c->left > 0 && !c->gone) {
        size_t size = c->left < sizeof seen ? c->left : sizeof seen;
        ssize_t got = recv(c->fd, seen, size, MSG_DONTWAIT);
        c->gone = got == 0 || (got < 0 && errno != EINTR);
        c->left -= got > 0 ? (size_t)got : 0;
    }
}

void client_fetch(client *c)
{
    size_t got = 0;
    bool more = false;
    tj_error error; /* it was killed, or reset its side */
    bool peek = may_wait(c);
    if (!peek) {
        client_take_out(c);
    }
    if (line_receive(&c->reader, peek ? MSG_PEEK : 0, &got, &more, &error) != TJ_OK) {
        c->ended = c->gone = true;
    }
    c->readable = more;
    c->left += peek ? got : 0;
    if (!may_stay(c)) {
        client_take_out(c);
    }
}

tj_status client_next(client *c, tj_str *line, bool *more, tj_error *error)
{
    *more = line_buffered(&c->reader);
    if (!*more) {
        return TJ_OK;
    }
    tj_status status = line_next(&c->reader, line, more, error);
    c->ended = status != TJ_OK || !*more;
    return status;
}

reply *client_reply(client *c)
{
    reply *r = need(calloc(1, sizeof *r));
    r->line = c->reader.number;
    *c->last = r;
    c->last = &r->next;
    c->waiting++;
    return r;
}

void reply_durable(reply *r, uint64_t sequence)
{
    r->sequence = sequence;
    r->known = true;
}

void reply_refused(reply *r, const tj_error *cause)
{
    size_t size = 0;
    output text = {.stream = need(open_memstream(&r->failure, &size))};
    record_refused(&text, r->line, cause);
    need(fclose(text.stream) == 0 ? r->failure : NULL);
    r->known = true;
}

static void append(client *c, const char *text, size_t size)
{
    if (c->out_size + size > c->out_capacity) {
        c->out_capacity = 2 * (c->out_size + size);
        c->out = need(realloc(c->out, c->out_capacity));
    }
    memcpy(c->out + c->out_size, text, size);
    c->out_size += size;
}

/* Answers leave in the order of the lines: what is known waits for what stands before it. */
static void gather(client *c)
{
    while (c->first && c->first->known) {
        char text[64];
        const reply *r = c->first;
        if (r->failure) {
            append(c, r->failure, strlen(r->failure));
        } else {
            int size = snprintf(text, sizeof text, RECORD_DURABLE, r->sequence);
            append(c, text, (size_t)size);
        }
        drop_first(c);
    }
}

void client_send(client *c)
{
    gather(c);
    while (c->out_size > 0 && !c->gone) {
        ssize_t sent = send(c->fd, c->out, c->out_size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) {
            c->out_size -= (size_t)sent;
            memmove(c->out, c->out + sent, c->out_size);
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            c->gone = true;
        }
    }
    if (c->out_size > 0) {
        client_take_out(c); /* it is to be polled */
    }
}

bool client_done(const client *c)
{
    return (c->ended || c->gone) && !c->first && (c->out_size == 0 || c->gone);
}
