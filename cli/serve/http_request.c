/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* serve: from a request to its answer: refused, a file of the page, or for the desk. */
#include "serve/http.h"

#include <stdlib.h>

/* ---- responses ---------------------------------------------------------------------------- */

static const char *const headers[][2] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src "
     "'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cache-Control", "no-store"},
};

enum MHD_Result respond(struct MHD_Connection *connection, int http, const char *type,
                        struct MHD_Response *response)
{
    if (!response) {
        return MHD_NO;
    }
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        (void)lib.add_response_header(response, headers[i][0], headers[i][1]);
    }
    (void)lib.add_response_header(response, "Content-Type", type);
    if (http == 401) {
        (void)lib.add_response_header(response, "WWW-Authenticate",
                                      "Basic realm=\"tesser-journal\", charset=\"UTF-8\"");
    }
    if (http == 405) {
        (void)lib.add_response_header(response, "Allow", "GET, HEAD");
    }
    if (http == 413) {
        (void)lib.add_response_header(response, "Connection", "close");
    }
    if (http == 503) {
        (void)lib.add_response_header(response, "Retry-After", "1");
    }
    enum MHD_Result queued = lib.queue_response(connection, (unsigned)http, response);
    lib.destroy_response(response);
    return queued;
}

/* The exchange holds the answer until it is sent. */
static enum MHD_Result send_answer(exchange *e)
{
    const answer *ready = e->job.answer;
    return respond(
        e->connection, ready->http, ready->type,
        lib.create_response_from_buffer(ready->size, ready->body, MHD_RESPMEM_PERSISTENT));
}

enum MHD_Result refuse(exchange *e, answer *refusal)
{
    e->job.answer = refusal;
    return send_answer(e);
}

/* ---- who may ask -------------------------------------------------------------------------- */

static const char *header_of(struct MHD_Connection *connection, const char *name)
{
    return lib.lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* NULL when the request may be answered. */
static answer *refusal_of(struct MHD_Connection *connection, const http_options *options,
                          const char *method)
{
    const char *length = header_of(connection, "Content-Length");
    if (options->token && !access_token(header_of(connection, "Authorization"), options->token)) {
        return answer_refuse(401, "the token is missing or wrong: it is in the file that "
                                  "--token-file names; browsers ask for it as a password");
    }
    if (!options->token && !access_loopback(header_of(connection, "Host"))) {
        return answer_refuse(403, "without a token this server answers to 127.0.0.1, [::1] and "
                                  "localhost only, and was asked by another name");
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        return answer_refuse(405, "nothing can be written here: only GET and HEAD are answered");
    }
    if ((length && strcmp(length, "0") != 0) || header_of(connection, "Transfer-Encoding")) {
        return answer_refuse(413, "a request has no body here");
    }
    return NULL;
}

/* ---- requests ----------------------------------------------------------------------------- */

typedef struct parameters {
    request *request;
    answer *refusal;
} parameters;

static enum MHD_Result take_parameter(void *context, enum MHD_ValueKind kind, const char *name,
                                      size_t name_size, const char *value, size_t value_size)
{
    parameters *p = context;
    (void)kind;
    if ((name_size > 0 && memchr(name, 0, name_size)) ||
        (value_size > 0 && memchr(value, 0, value_size))) {
        p->refusal = answer_refuse(400, "a parameter has a byte that is zero");
    } else {
        p->refusal =
            request_add(p->request, (tj_str){name, name_size}, (tj_str){value, value_size});
    }
    return p->refusal ? MHD_NO : MHD_YES;
}

/* The lane's thread, with the desk's lock held: it was held, too, when the connection slept. */
static void on_done(job *asked)
{
    lib.resume_connection(((exchange *)asked)->connection);
}

static enum MHD_Result ask_desk(exchange *e)
{
    desk *d = &e->server->desk;
    pthread_mutex_lock(&d->lock);
    bool taken = desk_take(d, &e->job);
    if (taken) {
        lib.suspend_connection(e->connection);
    }
    pthread_mutex_unlock(&d->lock);
    return taken ? MHD_YES : refuse(e, answer_refuse(503, "too much is asked at once: ask again"));
}

static enum MHD_Result answer_route(exchange *e, const route *found)
{
    parameters p = {.request = &e->job.request};
    e->job.request.route = found;
    e->job.request.past = found->past;
    e->job.done = on_done;
    (void)lib.get_connection_values_n(e->connection, MHD_GET_ARGUMENT_KIND, take_parameter, &p);
    return p.refusal ? refuse(e, p.refusal) : ask_desk(e);
}

static enum MHD_Result answer_file(exchange *e, const char *path)
{
    for (size_t i = 0; i < page_file_count; i++) {
        const page_file *file = &page_files[i];
        if (strcmp(file->path, path) == 0) {
            return respond(e->connection, 200, file->type,
                           lib.create_response_from_buffer(
                               file->size, (void *)(uintptr_t)file->data, MHD_RESPMEM_PERSISTENT));
        }
    }
    return refuse(e, answer_refuse(404, "there is nothing at this path"));
}

/* What is decoded ends where such a byte stands. */
static bool path_has_zero(const char *url)
{
    return memmem(url, strcspn(url, "?"), "%00", 3) != NULL;
}

static enum MHD_Result answer_first(exchange *e, const char *path, const char *method)
{
    answer *refusal = refusal_of(e->connection, &e->server->options, method);
    const route *found = route_find(path);
    note_visitor(e->server, e->connection, VISITOR_READS);
    e->asked = true;
    if (refusal) {
        return refuse(e, refusal);
    }
    if (path_has_zero(e->job.request.url)) {
        return refuse(e, answer_refuse(400, "the path has a byte that is zero"));
    }
    if (strcmp(path, "/api/events") == 0) {
        return answer_events(e);
    }
    return found ? answer_route(e, found) : answer_file(e, path);
}

/* Called with a new request, and again when the desk has its answer. */
enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path,
                           const char *method, const char *version, const char *data, size_t *size,
                           void **of_exchange)
{
    exchange *e = *of_exchange;
    (void)context;
    (void)version;
    (void)data;
    *size = 0;
    e->connection = connection;
    return e->asked ? send_answer(e) : answer_first(e, path, method);
}

/* Before anything is known of a request but its line. */
void *on_line(void *context, const char *line, struct MHD_Connection *connection)
{
    exchange *e = need(calloc(1, sizeof *e));
    (void)connection;
    e->server = context;
    e->job.request.url = need(strdup(line));
    return e;
}

void on_completed(void *context, struct MHD_Connection *connection, void **of_exchange,
                  enum MHD_RequestTerminationCode how)
{
    exchange *e = *of_exchange;
    (void)how;
    note_visitor(context, connection, VISITOR_ASKS);
    if (e) {
        answer_release(e->job.answer);
        request_dispose(&e->job.request);
        free(e);
    }
    *of_exchange = NULL;
}
