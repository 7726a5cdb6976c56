/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A way to the server that breaks: what is sent is passed on, until the next request or reply is to
 * be lost, torn, late or held. One fault at a time; whichever connection has traffic next meets it.
 * Or it is silent: connections are accepted, and nothing is passed on before it speaks again.
 */
#ifndef TJ_TESTS_POSTGRES_PROXY_H
#define TJ_TESTS_POSTGRES_PROXY_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "database.h"

typedef enum proxy_fault {
    PROXY_NONE,
    PROXY_LOSE_REPLY,   /* the server has done it, and nobody hears of it */
    PROXY_TEAR_REQUEST, /* half of it arrives */
    PROXY_LATE_REPLY,   /* later than an answer is waited for */
    PROXY_HOLD_REQUEST  /* an append, until the hold is ended; it is given up meanwhile */
} proxy_fault;

typedef struct proxy {
    char directory[64];
    int listener;
    pthread_t thread;
    _Atomic proxy_fault fault; /* the next one; whoever meets it clears it */
    _Atomic unsigned met;
    _Atomic bool held;
    _Atomic bool silent;
    _Atomic unsigned connections; /* that live */
    unsigned late_ms;
    bool renumbers; /* tells another number of the server's process, as a pooler does */
    bool is_old;    /* tells that the server is PostgreSQL 13 */
} proxy;

typedef struct proxied {
    proxy *p;
    int client;
    int server;
} proxied;

static int proxy_socket(const char *directory, bool listening)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.5432", directory);
    if (listening) {
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
        assert_int_equal(listen(fd, 64), 0);
        return fd;
    }
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool pass_on(int to, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(to, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

static bool meet(proxy *p, proxy_fault fault)
{
    proxy_fault armed = fault;
    bool mine = atomic_compare_exchange_strong(&p->fault, &armed, PROXY_NONE);
    atomic_fetch_add(&p->met, mine);
    return mine;
}

/* False: the connection breaks. */
static bool pass_request(const proxied *c, const char *bytes, size_t size)
{
    if (meet(c->p, PROXY_TEAR_REQUEST)) {
        (void)pass_on(c->server, bytes, size / 2);
        return false;
    }
    /* An append: the end of a view may still be on its way. */
    if (memmem(bytes, size, "append", strlen("append")) && meet(c->p, PROXY_HOLD_REQUEST)) {
        atomic_store(&c->p->held, true);
        while (atomic_load(&c->p->held)) {
            (void)usleep(1000);
        }
    }
    return pass_on(c->server, bytes, size);
}

/* BackendKeyData: 'K', its length 12, process, key. */
static void renumber(char *bytes, size_t size)
{
    static const char head[] = {'K', 0, 0, 0, 12};
    char *found = memmem(bytes, size, head, sizeof head);
    if (found && found + 9 <= bytes + size) {
        found[8] ^= 1;
    }
}

/* ParameterStatus: the name, a zero, "15.18 (Debian ...)". */
static void make_old(char *bytes, size_t size)
{
    static const char name[] = "server_version";
    char *found = memmem(bytes, size, name, sizeof name);
    if (found && found + sizeof name + 2 <= bytes + size) {
        memcpy(found + sizeof name, "13", 2);
    }
}

static bool pass_reply(const proxied *c, char *bytes, size_t size)
{
    if (c->p->is_old) {
        make_old(bytes, size);
    }
    if (c->p->renumbers) {
        renumber(bytes, size);
    }
    if (meet(c->p, PROXY_LOSE_REPLY)) {
        return false;
    }
    if (meet(c->p, PROXY_LATE_REPLY)) {
        (void)usleep(1000 * c->p->late_ms);
    }
    return pass_on(c->client, bytes, size);
}

static void await_speech(proxy *p)
{
    while (atomic_load(&p->silent)) {
        (void)usleep(1000);
    }
}

static void *proxy_connection(void *context)
{
    proxied *c = context;
    char bytes[1 << 16];
    struct pollfd both[2] = {{.fd = c->client, .events = POLLIN},
                             {.fd = c->server, .events = POLLIN}};
    for (bool whole = true; whole && poll(both, 2, -1) > 0;) {
        for (int i = 0; i < 2 && whole; i++) {
            if (both[i].revents == 0) {
                continue;
            }
            ssize_t size = recv(both[i].fd, bytes, sizeof bytes, 0);
            await_speech(c->p);
            whole = size > 0 && (i == 0 ? pass_request(c, bytes, (size_t)size)
                                        : pass_reply(c, bytes, (size_t)size));
        }
    }
    close(c->client);
    close(c->server);
    atomic_fetch_sub(&c->p->connections, 1);
    free(c);
    return NULL;
}

static void *proxy_main(void *context)
{
    proxy *p = context;
    for (;;) {
        pthread_t thread;
        int client = accept(p->listener, NULL, NULL);
        if (client < 0) {
            return NULL;
        }
        int server = proxy_socket(getenv("TJ_POSTGRES_DIRECTORY"), false);
        if (server < 0) {
            close(client);
            continue;
        }
        proxied *c = malloc(sizeof *c);
        *c = (proxied){p, client, server};
        atomic_fetch_add(&p->connections, 1);
        if (pthread_create(&thread, NULL, proxy_connection, c) == 0) {
            pthread_detach(thread);
        }
    }
}

static void proxy_start(proxy *p)
{
    *p = (proxy){.directory = "/tmp/tj-proxy-XXXXXX"};
    assert_non_null(mkdtemp(p->directory));
    p->listener = proxy_socket(p->directory, true);
    assert_int_equal(pthread_create(&p->thread, NULL, proxy_main, p), 0);
}

static inline void proxy_url(const proxy *p, char out[URL_SIZE])
{
    snprintf(out, URL_SIZE, "host=%s user=postgres dbname=postgres", p->directory);
}

/* When nobody uses it any more; what a test that failed has left open is not waited for. */
static void proxy_stop(proxy *p)
{
    char path[128];
    (void)shutdown(p->listener, SHUT_RDWR);
    assert_int_equal(pthread_join(p->thread, NULL), 0);
    close(p->listener);
    for (int i = 0; i < 10000 && atomic_load(&p->connections) > 0; i++) {
        (void)usleep(1000);
    }
    snprintf(path, sizeof path, "%s/.s.PGSQL.5432", p->directory);
    (void)unlink(path);
    (void)rmdir(p->directory);
}

#endif
