/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * serve: server-sent events, one connection for each who looks on. It sleeps until there is news.
 */
#include "serve/http.h"

#include <stdlib.h>

/* Who looks on at once. */
#define LISTENERS_MAX 128

/* What is next for a listener, in new memory; NULL: it has been told everything. */
static char *next_text(listener *l)
{
    const char *event = l->server->event;
    char *text = NULL;
    if (l->news && event) {
        need(asprintf(&text, "event: journal\ndata: %s\n\n", event) < 0 ? NULL : text);
        l->news = false;
    } else if (l->pulse) {
        text = need(strdup(": well\n\n"));
    }
    l->pulse = false;
    return text;
}

/* As much as there is room for. */
static size_t send_part(listener *l, char *buffer, size_t size)
{
    size_t left = strlen(l->text + l->sent);
    size_t used = left < size ? left : size;
    memcpy(buffer, l->text + l->sent, used);
    l->sent += used;
    if (used == left) {
        free(l->text);
        l->text = NULL;
        l->sent = 0;
    }
    return used;
}

/* 0: it sleeps until there is something. */
static ssize_t read_events(void *context, uint64_t position, char *buffer, size_t size)
{
    listener *l = context;
    http_server *server = l->server;
    ssize_t used = 0;
    (void)position;
    pthread_mutex_lock(&server->lock);
    l->text = l->text ? l->text : next_text(l);
    if (server->ending) {
        used = MHD_CONTENT_READER_END_OF_STREAM;
    } else if (l->text) {
        used = (ssize_t)send_part(l, buffer, size);
    } else {
        lib.suspend_connection(l->connection);
        l->asleep = true;
    }
    pthread_mutex_unlock(&server->lock);
    return used;
}

static void free_listener(void *context)
{
    listener *l = context;
    http_server *server = l->server;
    pthread_mutex_lock(&server->lock);
    *l->at = l->next;
    if (l->next) {
        l->next->at = l->at;
    }
    server->listener_count--;
    pthread_mutex_unlock(&server->lock);
    free(l->text);
    free(l);
}

static listener *add_listener(http_server *server, struct MHD_Connection *connection)
{
    listener *l = NULL;
    pthread_mutex_lock(&server->lock);
    if (server->listener_count < LISTENERS_MAX && !server->ending) {
        l = need(calloc(1, sizeof *l));
        *l = (listener){server->listeners, &server->listeners, connection, server,
                        .news = true,      .pulse = true};
        if (l->next) {
            l->next->at = &l->next;
        }
        server->listeners = l;
        server->listener_count++;
    }
    pthread_mutex_unlock(&server->lock);
    return l;
}

void wake_listeners(http_server *server, bool news)
{
    for (listener *l = server->listeners; l; l = l->next) {
        l->news = l->news || news;
        l->pulse = true;
        if (l->asleep) {
            l->asleep = false;
            lib.resume_connection(l->connection);
        }
    }
    server->pulse_ms = now_ms();
}

enum MHD_Result answer_events(exchange *e)
{
    listener *l = add_listener(e->server, e->connection);
    if (!l) {
        return refuse(e, answer_refuse(503, "%d listen already", LISTENERS_MAX));
    }
    note_visitor(e->server, e->connection, VISITOR_LISTENS);
    return respond(
        e->connection, 200, "text/event-stream",
        lib.create_response_from_callback(MHD_SIZE_UNKNOWN, 2048, read_events, l, free_listener));
}
