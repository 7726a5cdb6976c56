/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The server's own parts, which are built where libmicrohttpd is. */
#ifndef TJ_CLI_SERVE_HTTP_H
#define TJ_CLI_SERVE_HTTP_H

#include <microhttpd.h>

#include "serve/serve.h"

/* What is used of libmicrohttpd, without the prefix. */
/* clang-format off */
#define HTTP_FUNCTIONS(X) \
    X(add_response_header) X(create_response_from_buffer) X(create_response_from_callback) \
    X(destroy_response) X(get_connection_info) X(get_connection_values_n) \
    X(lookup_connection_value) X(queue_response) X(quiesce_daemon) X(resume_connection) \
    X(start_daemon) X(stop_daemon) X(suspend_connection)
/* clang-format on */
#define HTTP_MEMBER(name) __typeof__(&MHD_##name) name;
typedef struct http_library {
    HTTP_FUNCTIONS(HTTP_MEMBER)
} http_library;

extern http_library lib;

typedef enum visitor_state { VISITOR_ASKS, VISITOR_READS, VISITOR_LISTENS } visitor_state;

/* One connection. */
typedef struct visitor {
    struct visitor *next;
    struct visitor **at;
    int fd;
    int64_t since_ms; /* of what it does now */
    visitor_state state;
} visitor;

/* Who is told of what changes, one event at a time: the newest replaces one that was not sent. */
typedef struct listener {
    struct listener *next;
    struct listener **at;
    struct MHD_Connection *connection;
    http_server *server;
    bool asleep;
    bool pulse; /* to be told that nothing is new */
    bool news;
    char *text; /* what it is being told, NULL: nothing; `sent` bytes of it are on the way */
    size_t sent;
} listener;

/* One request and its answer. */
typedef struct exchange {
    job job; /* the first member */
    http_server *server;
    struct MHD_Connection *connection;
    bool asked;
} exchange;

struct http_server {
    http_options options;
    desk desk;
    struct MHD_Daemon *daemon;
    pthread_mutex_t lock; /* of what follows */
    visitor *visitors;
    size_t visitor_count;
    listener *listeners;
    size_t listener_count;
    char *event; /* what listeners are told; NULL: nothing yet */
    int64_t pulse_ms;
    bool ending;
    journal_watch watch;
};

/* ---- answers to requests (http_request.c) ------------------------------------------- */

/* Called by the library, as its names have it. */
enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path,
                           const char *method, const char *version, const char *data, size_t *size,
                           void **of_exchange);
void *on_line(void *context, const char *line, struct MHD_Connection *connection);
void on_completed(void *context, struct MHD_Connection *connection, void **of_exchange,
                  enum MHD_RequestTerminationCode how);
/* Sends it with the headers that all answers have. */
enum MHD_Result respond(struct MHD_Connection *connection, int http, const char *type,
                        struct MHD_Response *response);
/* Takes the refusal. */
enum MHD_Result refuse(exchange *e, answer *refusal);

/* ---- events (http_events.c) --------------------------------------------------------- */

enum MHD_Result answer_events(exchange *e);
/* The server's lock is held. */
void wake_listeners(http_server *server, bool news);

/* ---- connections (http.c) ----------------------------------------------------------- */

void note_visitor(http_server *server, struct MHD_Connection *connection, visitor_state state);

#endif
