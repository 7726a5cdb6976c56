/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Failures and warnings on standard error, and the exit codes. */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>

const exit_code exit_code_table[] = {
    {0, "OK", "it is done"},
    {EXIT_USAGE, "USAGE", "the arguments are wrong; --help tells"},
    {EXIT_PARTIAL, "PARTIAL", "done, but not all of it: the report tells what is in quarantine"},
    {EXIT_DURABLE, "DURABLE",
     "it is done and durable, but the answer was lost or closing failed: do not repeat it"},
    {EXIT_WARNING, "WARNING", "doctor has something to say that does not stop anything yet"},
    {EXIT_WRONG, "WRONG", "doctor found something that is wrong"},
    {11, "MISUSE", "the program called its library wrongly: please report it"},
    {12, "NOMEM", "memory could not be allocated; nothing changed"},
    {13, "NOT_FOUND", "no such journal, book, algorithm or file"},
    {14, "EXISTS", "it is already there, and would have to be replaced"},
    {15, "BUSY", "another writer holds the journal, or all reader slots are taken"},
    {16, "FULL", "no space left; nothing changed"},
    {17, "READONLY", "the file system or the journal cannot be written"},
    {18, "IO", "the system refused a file operation"},
    {19, "CORRUPT", "stored bytes are not what was written"},
    {20, "FORMAT_NEWER", "written by a newer version than this one reads"},
    {21, "LIMIT", "a documented limit is exceeded"},
    {22, "CONFLICT", "what is stored is not what was expected"},
    {23, "CLOSED", "the journal stopped taking commits after a failure; open it again"},
    {24, "UNAVAILABLE", "a server or engine cannot be reached now"},
    {25, "UNSUPPORTED", "this build, file system or kind of file is not supported"},
    {26, "INVALID", "malformed input: JSON, a decimal, a UUID, configuration"},
    {27, "INEXACT", "the exact result needs more digits than a decimal holds"},
    {28, "UNKNOWN", "the deadline passed: the commit may be durable now, or later"},
    {EXIT_SPACE_LOW, "SPACE_LOW", "check: space on the journal's disk is low"},
    {EXIT_WRITER_DEAD, "WRITER_DEAD", "check: no writer is running"},
    {EXIT_LAG, "LAG", "check: LMDB is too far behind the log"},
    {EXIT_BACKUP_OLD, "BACKUP_OLD", "check: the newest backup is too old"},
    {EXIT_HISTORY_SHORT, "HISTORY_SHORT", "check: states are not kept for long enough"},
    {EXIT_UNREPLICATED, "UNREPLICATED",
     "check: commits are acknowledged that no standby has, or wait for one"},
    {128 + 13, "SIGPIPE", "whoever read the output went away; what was done by then stays"},
};
const size_t exit_code_count = sizeof exit_code_table / sizeof exit_code_table[0];

const char *exit_code_name(int code)
{
    size_t at = 0;
    while (exit_code_table[at].code != code) {
        at++;
    }
    return exit_code_table[at].name;
}

tj_status fail(tj_error *error, tj_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    *error = (tj_error){.status = status};
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return status;
}

static tj_status status_of_errno(int os_errno)
{
    switch (os_errno) {
    case ENOENT:
        return TJ_NOT_FOUND;
    case ENOMEM:
        return TJ_NOMEM;
    case ENOSPC:
    case EDQUOT:
        return TJ_FULL;
    case EROFS:
        return TJ_READONLY;
    default:
        return TJ_IO;
    }
}

tj_status fail_errno(tj_error *error, int os_errno, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *what = text_format(format, arguments);
    va_end(arguments);
    struct rlimit limit;
    if (os_errno == EFBIG && getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
        limit.rlim_cur != RLIM_INFINITY) {
        (void)fail(error, status_of_errno(os_errno),
                   "%s: %s: this process may make no file of more than %" PRIu64
                   " KiB: raise its limit (ulimit -f, LimitFSIZE=)",
                   strerror(os_errno), what, (uint64_t)limit.rlim_cur >> 10);
    } else {
        (void)fail(error, status_of_errno(os_errno), "%s: %s", strerror(os_errno), what);
    }
    error->os_errno = os_errno;
    free(what);
    return error->status;
}

void cut_line_one(tj_error *error)
{
    static const char one[] = "line 1, ";
    char *both = strstr(error->message, "(line 1, column "); /* of what stands twice */
    if (both) {
        both++;
        memmove(both, both + strlen(one), strlen(both + strlen(one)) + 1);
    }
    char *at =
        strncmp(error->place, one, strlen(one)) == 0 ? strstr(error->message, error->place) : NULL;
    if (at) {
        memmove(at, at + strlen(one), strlen(at + strlen(one)) + 1);
        memmove(error->place, error->place + strlen(one), strlen(error->place + strlen(one)) + 1);
    }
}

tj_status fail_line(tj_error *error, tj_status status, const char *name, uint64_t number,
                    const tj_error *cause)
{
    tj_error inner = *cause;
    if (number == 0) { /* nothing was read yet */
        *error = inner;
        return status;
    }
    cut_line_one(&inner);
    const char *before = name ? name : "line";
    const char *between = name ? ":" : " ";
    (void)fail(error, status, "%s%s%" PRIu64 ": %s", before, between, number, inner.message);
    error->os_errno = cause->os_errno;
    snprintf(error->place, sizeof error->place, "%s%s%" PRIu64 "%s%.64s", before, between, number,
             inner.place[0] ? ", " : "", inner.place);
    return status;
}

tj_status usage_error(command_line *cli, tj_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    *error = (tj_error){.status = TJ_MISUSE};
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    cli->usage = true;
    return TJ_MISUSE;
}

void note_durable(command_line *cli, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(cli->durable, sizeof cli->durable, format, arguments);
    va_end(arguments);
}

void note_commit(command_line *cli, uint64_t sequence)
{
    note_durable(cli, "commit %" PRIu64 " is durable", sequence);
    cli->sequence = sequence;
}

void note_commits(command_line *cli, uint64_t first, uint64_t sequence)
{
    note_commit(cli, sequence);
    if (first < sequence) {
        note_durable(cli, "commits %" PRIu64 " to %" PRIu64 " are durable", first, sequence);
    }
}

void forget_durable(command_line *cli)
{
    cli->durable[0] = '\0';
    cli->sequence = 0;
}

static char *advice_on(const command_line *cli, tj_status status, const tj_error *error)
{
    char *text = NULL;
    int size;
    if (cli->durable[0]) {
        size = asprintf(&text, "It is done: do not repeat it.");
    } else if (status == TJ_CORRUPT && cli->journal[0] && !cli->advice) {
        char *word = word_text(cli->journal);
        size = asprintf(&text,
                        "Stop trading on this journal. `tesser-journal verify -j %s --deep` tells "
                        "what is damaged and whether the newest state is whole; `tesser-journal "
                        "repair -j %s --into NEW` builds a sound journal beside it, which it "
                        "leaves as it is.",
                        word, word);
        free(word);
    } else if (status == TJ_CORRUPT && cli->server[0] && !cli->advice) {
        size = asprintf(&text, "%s",
                        "Stop trading on this journal. `tesser-journal verify --deep` tells what "
                        "is damaged and whether the newest state is whole; restore the server from "
                        "a backup of its own, up to a moment before, on another server first.");
    } else if (error->os_errno == EACCES && !cli->advice) {
        size = asprintf(&text, "Run it as the user that the files belong to, or as root; `ls -l` "
                               "shows whose they are.");
    } else if (cli->advice || !cli->usage) {
        size = asprintf(&text, "%s",
                        cli->advice ? cli->advice : tj_advice_text(tj_status_advice(status)));
    } else if (cli->command) {
        size = asprintf(&text, "See 'tesser-journal %s --help'.", cli->command->name);
    } else {
        size = asprintf(&text, "See 'tesser-journal --help'.");
    }
    return need(size < 0 ? NULL : text);
}

static int exit_code_of(const command_line *cli, tj_status status)
{
    return cli->durable[0] ? EXIT_DURABLE
           : cli->usage    ? EXIT_USAGE
                           : EXIT_STATUS_BASE + (int)status;
}

/* What a person reads of a failure. Released with free. */
static char *message_of(const command_line *cli, const tj_error *error)
{
    char *message = NULL;
    int size = asprintf(&message, "%s%s%s", cli->durable,
                        cli->durable[0] ? ", but what followed failed: " : "", error->message);
    return need(size < 0 ? NULL : message);
}

void failure_json(const command_line *cli, tj_status status, const tj_error *error, output *out)
{
    char *advice = advice_on(cli, status, error);
    char *message = message_of(cli, error);
    const char *name = cli->durable[0] ? "DURABLE"
                       : cli->usage    ? "USAGE"
                                       : tj_status_name(error->status);
    json_writer json = {.out = out};
    json_open(&json, NULL, '{');
    json_text(&json, "error", tj_str_of(message));
    json_text(&json, "status", tj_str_of(name));
    json_unsigned(&json, "exit_code", (uint64_t)exit_code_of(cli, status));
    json_text(&json, "place", tj_str_of(error->place));
    json_text(&json, "advice", tj_str_of(advice));
    if (cli->sequence > 0) {
        json_unsigned(&json, "seq", cli->sequence);
    }
    json_close(&json, '}');
    free(message);
    free(advice);
}

int report_failure(const command_line *cli, tj_status status, const tj_error *error)
{
    if (given(cli, &option_json)) {
        output out = {.stream = stderr};
        failure_json(cli, status, error, &out);
        return exit_code_of(cli, status);
    }
    char *advice = advice_on(cli, status, error);
    char *message = message_of(cli, error);
    char *safe = safe_text(tj_str_of(message));
    fprintf(stderr, "tesser-journal: %s\n%s%s", safe, advice, advice[0] ? "\n" : "");
    free(safe);
    free(message);
    free(advice);
    return exit_code_of(cli, status);
}

void report_trace(void *context, tj_trace_level level, const char *message)
{
    static const char *const names[] = {"", "info", "warning", "error"};
    const command_line *cli = context;
    if (level < TJ_TRACE_WARNING && !given(cli, &option_verbose)) {
        return;
    }
    /* Lines of several threads must not mix. */
    flockfile(stderr);
    if (given(cli, &option_json)) {
        output out = {.stream = stderr};
        json_writer json = {.out = &out};
        json_open(&json, NULL, '{');
        json_text(&json, names[level], tj_str_of(message));
        json_close(&json, '}');
    } else {
        char *safe = safe_text(tj_str_of(message));
        fprintf(stderr, "tesser-journal: %s: %s\n", names[level], safe);
        free(safe);
    }
    funlockfile(stderr);
}
