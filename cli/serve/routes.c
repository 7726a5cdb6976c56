/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * serve: which command answers which path. A request is one run of a command that looks on, with
 * the options that its parameters name: what the page shows is what the command line says.
 */
#include "serve/serve.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

/* Longest answer. */
#define ANSWER_SIZE_MAX ((size_t)64 << 20)
/* As many points as a wide screen has columns. */
#define POINTS "1600"

#define JSON_TYPE "application/json"
#define USAGE_ADVICE "/api/openapi.json has all requests."

#define TABLE "book at columns where sort limit"

static const route routes[] = {
    {.path = "/healthz", .command = &command_check, .options = "writer", .probe = true},
    {.path = "/metrics",
     .command = &command_metrics,
     .type = "text/plain; version=0.0.4; charset=utf-8",
     .always = true},
    {.path = "/api/health",
     .command = &command_check,
     .options = "writer max-lag min-free max-backup-age min-history"},
    {.path = "/api/status", .command = &command_status},
    {.path = "/api/state", .command = &command_state_show, .options = "book at"},
    {.path = "/api/portfolio",
     .command = &command_state_show,
     .options = "book at",
     .form = &option_head},
    {.path = "/api/positions",
     .command = &command_state_show,
     .options = TABLE,
     .form = &option_rows,
     .table = "positions"},
    {.path = "/api/balances",
     .command = &command_state_show,
     .options = TABLE,
     .form = &option_rows,
     .table = "balances"},
    {.path = "/api/orders",
     .command = &command_state_show,
     .options = TABLE,
     .form = &option_rows,
     .table = "orders"},
    {.path = "/api/prices",
     .command = &command_state_show,
     .options = TABLE,
     .form = &option_rows,
     .table = "prices"},
    {.path = "/api/algos", .command = &command_algo_list, .options = "book at"},
    {.path = "/api/ledger",
     .command = &command_ledger_list,
     .options = TABLE " exchange asset type from-sequence to-sequence from-time to-time desc "
                      "by-time",
     .form = &option_rows},
    {.path = "/api/history",
     .command = &command_history,
     .options = "book from to kind key limit desc old",
     .form = &option_list,
     .past = true},
    {.path = "/api/diff",
     .command = &command_diff,
     .options = "book kind key",
     .arguments = "from to",
     .past = true},
    {.path = "/api/equity",
     .command = &command_equity,
     .options = "book from to exact thinned",
     .form = &option_points,
     .form_value = POINTS,
     .past = true},
};

const route *route_find(const char *path)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (strcmp(routes[i].path, path) == 0) {
            return &routes[i];
        }
    }
    return NULL;
}

/* ---- answers ------------------------------------------------------------------------------ */

/* Takes the body, which was allocated. Held once. */
static answer *answer_new(int http, const char *type, char *body, size_t size)
{
    answer *made = need(malloc(sizeof *made));
    *made = (answer){.http = http, .type = type, .body = body, .size = size};
    atomic_init(&made->holders, 1);
    return made;
}

answer *answer_hold(answer *held)
{
    atomic_fetch_add(&held->holders, 1);
    return held;
}

void answer_release(answer *held)
{
    if (held && atomic_fetch_sub(&held->holders, 1) == 1) {
        free(held->body);
        free(held);
    }
}

/* What is written is gathered up to ANSWER_SIZE_MAX. */
typedef struct sink {
    char *data;
    size_t size;
    size_t capacity;
} sink;

static ssize_t sink_write(void *cookie, const char *data, size_t size)
{
    sink *s = cookie;
    if (size > ANSWER_SIZE_MAX - s->size) {
        errno = EFBIG;
        return 0;
    }
    if (size > s->capacity - s->size) {
        s->capacity = 2 * (s->size + size);
        s->data = need(realloc(s->data, s->capacity));
    }
    memcpy(s->data + s->size, data, size);
    s->size += size;
    return (ssize_t)size;
}

static output sink_output(sink *s)
{
    cookie_io_functions_t calls = {.write = sink_write};
    return (output){.stream = need(fopencookie(s, "w", calls))};
}

answer *answer_refuse(int http, const char *format, ...)
{
    tj_error error = {.status = http == 503 ? TJ_UNAVAILABLE : TJ_MISUSE};
    command_line cli = {.usage = http != 503, .advice = USAGE_ADVICE};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error.message, sizeof error.message, format, arguments);
    va_end(arguments);
    sink s = {0};
    cli.out = sink_output(&s);
    failure_json(&cli, error.status, &error, &cli.out);
    fclose(cli.out.stream);
    return answer_new(http, JSON_TYPE, s.data, s.size);
}

/* ---- requests ----------------------------------------------------------------------------- */

static bool has_word(const char *words, tj_str word, size_t *place)
{
    *place = 0;
    for (const char *at = words ? words : ""; *at; *place += 1) {
        size_t size = strcspn(at, " ");
        if (tj_str_equal((tj_str){at, size}, word)) {
            return true;
        }
        at += size + strspn(at + size, " ");
    }
    return false;
}

static const option_spec *option_of(const command_spec *command, tj_str name)
{
    const option_spec *const *option = command->options;
    while (option && *option && !tj_str_equal(tj_str_of((*option)->name), name)) {
        option++;
    }
    if (option && *option) {
        return *option;
    }
    return tj_str_equal(name, TJ_STR("book")) ? &option_book : NULL;
}

static char *text_of(tj_str text)
{
    return need(strndup(text.data ? text.data : "", text.size));
}

static answer *add_option(request *asked, const option_spec *option, tj_str value)
{
    bool empty = value.size == 0;
    if (asked->parameter_count == PARAMETERS_MAX) {
        return answer_refuse(400, "a request has at most %d parameters", PARAMETERS_MAX);
    }
    if (option->value && empty) {
        return answer_refuse(400, "%s needs a value, %s", option->name, option->value);
    }
    if (!option->value && !empty && !tj_str_equal(value, TJ_STR("true"))) {
        return answer_refuse(400, "%s is there or not: it may be \"true\" and nothing else",
                             option->name);
    }
    asked->past = asked->past || option == &option_at;
    asked->parameters[asked->parameter_count++] = (parameter){option, text_of(value)};
    return NULL;
}

answer *request_add(request *asked, tj_str name, tj_str value)
{
    size_t place = 0;
    char quoted[64];
    if (name.size > 0 && has_word(asked->route->arguments, name, &place)) {
        if (value.size == 0) {
            return answer_refuse(400, "%.*s needs a value, SEQ|TIME", (int)name.size, name.data);
        }
        free(asked->arguments[place]);
        asked->arguments[place] = text_of(value);
        return NULL;
    }
    if (name.size > 0 && has_word(asked->route->options, name, &place)) {
        return add_option(asked, option_of(asked->route->command, name), value);
    }
    (void)tj_text_visible(name, quoted, sizeof quoted);
    return answer_refuse(400, "%s has no parameter \"%s\"", asked->route->path, quoted);
}

void request_dispose(request *asked)
{
    for (size_t i = 0; i < asked->parameter_count; i++) {
        free(asked->parameters[i].value);
    }
    for (size_t i = 0; i < ARGUMENTS_MAX; i++) {
        free(asked->arguments[i]);
    }
    free(asked->url);
    *asked = (request){0};
}

/* ---- running the command ------------------------------------------------------------------ */

static int http_status(const command_line *cli, tj_status status)
{
    if (cli->usage) {
        return 400;
    }
    switch (status) {
    case TJ_NOT_FOUND:
        return 404;
    case TJ_INVALID:
    case TJ_LIMIT: /* of what is asked for: a look comes to no other */
        return 400;
    case TJ_BUSY:
    case TJ_UNAVAILABLE:
    case TJ_CLOSED:
        return 503;
    case TJ_UNSUPPORTED:
        return 501;
    default:
        return 500;
    }
}

command_line *run_new(const command_line *cli, const command_spec *command)
{
    const option_spec *const ours[] = {&option_config, &option_journal, &option_book};
    command_line *run = need(calloc(1, sizeof *run));
    run->command = command;
    run->within_server = true;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (given(cli, ours[i])) {
            (void)option_give(run, ours[i], option_value(cli, ours[i]), NULL);
        }
    }
    return run;
}

static void give_options(command_line *run, const request *asked)
{
    const route *r = asked->route;
    (void)option_give(run, r->form ? r->form : &option_json, r->form_value ? r->form_value : "",
                      NULL);
    if (r->table) {
        (void)option_give(run, &option_table, r->table, NULL);
    }
    for (size_t i = 0; i < asked->parameter_count; i++) {
        (void)option_give(run, asked->parameters[i].option, asked->parameters[i].value, NULL);
    }
}

static tj_status run_command(command_line *run, const request *asked, tj_error *error)
{
    run->arguments = (char **)(uintptr_t)asked->arguments;
    while (run->argument_count < ARGUMENTS_MAX && asked->arguments[run->argument_count]) {
        run->argument_count++;
    }
    if (run->argument_count < run->command->arguments_min) {
        return usage_error(run, error, "%s needs %s", asked->route->path, asked->route->arguments);
    }
    return run->command->run(run, error);
}

/* Whoever follows the advice is in another directory than this process. */
static void name_from_root(command_line *run)
{
    char *path = run->journal[0] ? realpath(run->journal, NULL) : NULL;
    if (path) {
        snprintf(run->journal, sizeof run->journal, "%s", path);
    }
    free(path);
}

/* What a failure leaves of an answer is replaced by the failure. */
static int tell_failure(command_line *run, tj_status status, const tj_error *error, sink *s)
{
    s->size = 0;
    name_from_root(run);
    run->out = sink_output(s);
    run->advice = run->usage ? USAGE_ADVICE : NULL;
    failure_json(run, status, error, &run->out);
    fclose(run->out.stream);
    return http_status(run, status);
}

answer *request_answer(const command_line *cli, const request *asked)
{
    const route *r = asked->route;
    tj_error error = TJ_ERROR_INIT;
    sink s = {0};
    command_line *run = run_new(cli, r->command);
    run->out = sink_output(&s);
    give_options(run, asked);
    tj_status status = run_command(run, asked, &error);
    out_flush(&run->out);
    int os_errno = run->out.os_errno;
    fclose(run->out.stream);
    int http = r->probe && run->exit_code != 0 ? 503 : 200;
    const char *type = r->type ? r->type : JSON_TYPE;
    if (os_errno == EFBIG) {
        free(s.data);
        free(run);
        return answer_refuse(413, "the answer has more than %zu MiB: ask for less of it",
                             ANSWER_SIZE_MAX >> 20);
    }
    if (status != TJ_OK && !(r->always && s.size > 0)) {
        http = tell_failure(run, status, &error, &s);
        http = r->probe ? 503 : http;
        type = JSON_TYPE;
    }
    free(run);
    return answer_new(http, type, s.data, s.size);
}
