/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * serve: HTTP, by libmicrohttpd. One thread of its own talks to all connections; what takes time is
 * done at the desk, and the connection sleeps meanwhile. The library is loaded by this command
 * alone: it brings a dozen others with it.
 */
#include "serve/http.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define LIBRARY "libmicrohttpd.so.12"

/* Connections at once; what one may use before its request is read, in bytes. */
#define CONNECTIONS_MAX 2000
#define REQUEST_SIZE_MAX ((size_t)16 << 10)
/* How long a connection may be idle, and how long an answer may take to be read. */
#define IDLE_S 10
#define READ_MS 60000
/* While so many are connected, who has not asked yet is waited for a second only. */
#define CROWD (CONNECTIONS_MAX / 2)
#define CROWD_MS 1000
/* A listener hears something at least so often. */
#define PULSE_MS 15000

http_library lib;

tj_status http_load(tj_error *error)
{
    void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        return fail(error, TJ_UNSUPPORTED, "%s: install libmicrohttpd12, which 'serve' alone needs",
                    dlerror());
    }
#define LOAD(name)                                           \
    *(void **)&lib.name = dlsym(handle, "MHD_" #name);       \
    if (!lib.name) {                                         \
        return fail(error, TJ_UNSUPPORTED, "%s", dlerror()); \
    }
    HTTP_FUNCTIONS(LOAD)
#undef LOAD
    return TJ_OK;
}

/* ---- connections -------------------------------------------------------------------------- */

void note_visitor(http_server *server, struct MHD_Connection *connection, visitor_state state)
{
    const union MHD_ConnectionInfo *info =
        lib.get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    visitor *v = info->socket_context;
    pthread_mutex_lock(&server->lock);
    if (v) {
        v->state = state;
        v->since_ms = now_ms();
    }
    pthread_mutex_unlock(&server->lock);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **of_connection,
                          enum MHD_ConnectionNotificationCode what)
{
    http_server *server = context;
    pthread_mutex_lock(&server->lock);
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            lib.get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        visitor *v = need(calloc(1, sizeof *v));
        *v = (visitor){server->visitors, &server->visitors, info->connect_fd, now_ms(),
                       VISITOR_ASKS};
        if (v->next) {
            v->next->at = &v->next;
        }
        server->visitors = v;
        server->visitor_count++;
        *of_connection = v;
    } else {
        visitor *v = *of_connection;
        *v->at = v->next;
        if (v->next) {
            v->next->at = v->at;
        }
        server->visitor_count--;
        free(v);
        *of_connection = NULL;
    }
    pthread_mutex_unlock(&server->lock);
}

/* libmicrohttpd waits anew with each byte; whoever takes too long over all is sent away. */
static void send_slow_away(http_server *server)
{
    int64_t now = now_ms();
    int64_t patience = server->visitor_count > CROWD ? CROWD_MS : IDLE_S * 1000;
    for (visitor *v = server->visitors; v; v = v->next) {
        int64_t bound = v->state == VISITOR_ASKS ? patience : READ_MS;
        if (v->state != VISITOR_LISTENS && now - v->since_ms > bound) {
            (void)shutdown(v->fd, SHUT_RDWR);
        }
    }
}

/* ---- beginning, ticking, end -------------------------------------------------------------- */

/* How many connections the process may have, with room for its own files. */
static unsigned raise_limit(void)
{
    struct rlimit files = {0};
    rlim_t wanted = CONNECTIONS_MAX + 100;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < wanted) {
        files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    return files.rlim_cur < wanted && files.rlim_cur > 150 ? (unsigned)files.rlim_cur - 100
                                                           : CONNECTIONS_MAX;
}

tj_status http_start(const http_options *options, http_server **out, tj_error *error)
{
    http_server *server = need(calloc(1, sizeof *server));
    *server = (http_server){.options = *options, .watch = {.cli = options->cli}};
    pthread_mutex_init(&server->lock, NULL);
    tj_status status = desk_start(&server->desk, options->cli, error);
    if (status != TJ_OK) {
        return status; /* the program ends */
    }
    server->daemon = lib.start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC, 0, NULL, NULL,
        on_request, server, MHD_OPTION_LISTEN_SOCKET, options->socket, MHD_OPTION_CONNECTION_LIMIT,
        raise_limit(), MHD_OPTION_CONNECTION_MEMORY_LIMIT, REQUEST_SIZE_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, server, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
        MHD_OPTION_URI_LOG_CALLBACK, on_line, server, MHD_OPTION_END);
    if (!server->daemon) {
        return fail(error, TJ_IO, "the HTTP server could not be started");
    }
    *out = server;
    return TJ_OK;
}

void http_tick(http_server *server)
{
    pthread_mutex_lock(&server->lock);
    bool watched = server->listener_count > 0;
    if (!watched) {
        free(server->event);
        server->event = NULL;
    }
    send_slow_away(server);
    pthread_mutex_unlock(&server->lock);
    if (!watched) {
        watch_end(&server->watch);
        return;
    }
    const char *news = watch_look(&server->watch, &server->desk);
    if (news) {
        desk_forget(&server->desk);
    }
    pthread_mutex_lock(&server->lock);
    if (news) {
        free(server->event);
        server->event = need(strdup(news));
    }
    if (news || now_ms() - server->pulse_ms > PULSE_MS) {
        wake_listeners(server, news != NULL);
    }
    pthread_mutex_unlock(&server->lock);
}

void http_stop(http_server *server)
{
    (void)lib.quiesce_daemon(server->daemon);
    desk_stop(&server->desk);
    pthread_mutex_lock(&server->lock);
    server->ending = true;
    wake_listeners(server, false);
    pthread_mutex_unlock(&server->lock);
    lib.stop_daemon(server->daemon);
    watch_end(&server->watch);
    free(server->event);
    free(server);
}
