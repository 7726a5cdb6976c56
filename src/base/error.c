/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The message of an error, what errno means as a status, and what each status advises. */
#include "base/error.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static const struct {
    const char *name;
    tj_advice advice;
} statuses[] = {
    [TJ_OK] = {"OK", TJ_ADVICE_NONE},
    [TJ_MISUSE] = {"MISUSE", TJ_ADVICE_FIX_CALL},
    [TJ_NOMEM] = {"NOMEM", TJ_ADVICE_RETRY},
    [TJ_NOT_FOUND] = {"NOT_FOUND", TJ_ADVICE_FIX_CALL},
    [TJ_EXISTS] = {"EXISTS", TJ_ADVICE_FIX_CALL},
    [TJ_BUSY] = {"BUSY", TJ_ADVICE_OPERATOR},
    [TJ_FULL] = {"FULL", TJ_ADVICE_OPERATOR},
    [TJ_READONLY] = {"READONLY", TJ_ADVICE_OPERATOR},
    [TJ_IO] = {"IO", TJ_ADVICE_OPERATOR},
    [TJ_CORRUPT] = {"CORRUPT", TJ_ADVICE_STOP},
    [TJ_FORMAT_NEWER] = {"FORMAT_NEWER", TJ_ADVICE_OPERATOR},
    [TJ_LIMIT] = {"LIMIT", TJ_ADVICE_FIX_CALL},
    [TJ_CONFLICT] = {"CONFLICT", TJ_ADVICE_FIX_CALL},
    [TJ_CLOSED] = {"CLOSED", TJ_ADVICE_STOP},
    [TJ_UNAVAILABLE] = {"UNAVAILABLE", TJ_ADVICE_RETRY},
    [TJ_UNSUPPORTED] = {"UNSUPPORTED", TJ_ADVICE_FIX_CONFIG},
    [TJ_INVALID] = {"INVALID", TJ_ADVICE_FIX_CALL},
    [TJ_INEXACT] = {"INEXACT", TJ_ADVICE_FIX_CALL},
    [TJ_UNKNOWN] = {"UNKNOWN", TJ_ADVICE_RETRY},
};
#define STATUS_COUNT (sizeof statuses / sizeof *statuses)

const char *tj_status_name(tj_status status)
{
    return (size_t)status < STATUS_COUNT ? statuses[status].name : "NO_STATUS";
}

tj_advice tj_status_advice(tj_status status)
{
    return (size_t)status < STATUS_COUNT ? statuses[status].advice : TJ_ADVICE_STOP;
}

const char *tj_advice_text(tj_advice advice)
{
    switch (advice) {
    case TJ_ADVICE_NONE:
        break;
    case TJ_ADVICE_RETRY:
        return "Try again later.";
    case TJ_ADVICE_FIX_CALL:
        return "Correct the call or its input.";
    case TJ_ADVICE_FIX_CONFIG:
        return "Correct the configuration.";
    case TJ_ADVICE_OPERATOR:
        return "A person must look at this system.";
    case TJ_ADVICE_STOP:
        return "Stop trading on this journal: close it and open it again. If that is refused, "
               "`tesser-journal verify` tells what is damaged, and `tesser-journal repair --into "
               "NEW` builds a sound journal beside it.";
    }
    return "";
}

/* Where to cut a text of more than size - 1 bytes so that "..." fits and no UTF-8 character is
 * left in halves. */
static size_t cut_before(const char *text, size_t size)
{
    size_t end = size - sizeof "...";
    while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80) {
        end--;
    }
    return end;
}

/* Formats into out + at, which has `size` bytes in all, and marks a cut with "...". The text is
 * made elsewhere first: an argument may point into out. */
static void format_at(char *out, size_t at, size_t size, const char *format, va_list arguments)
{
    char text[TJ_ERROR_MESSAGE_SIZE + 1];
    vsnprintf(text, sizeof text, format, arguments);
    size_t length = strlen(text);
    if (at + length < size) {
        memcpy(out + at, text, length + 1);
        return;
    }
    memcpy(out + at, text, size - at - 1);
    size_t end = cut_before(out, size);
    memcpy(out + end, "...", sizeof "...");
}

static void start(tj_error *error, tj_status status, int os_errno)
{
    error->status = status;
    error->os_errno = os_errno;
    error->engine_code = 0;
    error->place[0] = '\0';
}

tj_status tj__fail(tj_error *error, tj_status status, const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        format_at(error->message, 0, sizeof error->message, format, arguments);
        va_end(arguments);
        start(error, status, 0);
    }
    return status;
}

static tj_status status_of_errno(int os_errno)
{
    switch (os_errno) {
    case ENOSPC:
    case EDQUOT:
        return TJ_FULL;
    case ENOMEM:
        return TJ_NOMEM;
    case EROFS:
        return TJ_READONLY;
    case ENOENT:
        return TJ_NOT_FOUND;
    default:
        return TJ_IO;
    }
}

/* The system's sentence without its capital, unless that begins an abbreviation. */
static void put_errno_text(tj_error *error, int os_errno)
{
    char scratch[128];
    const char *text = strerror_r(os_errno, scratch, sizeof scratch);
    snprintf(error->message, sizeof error->message, "%s", text);
    if (islower((unsigned char)error->message[1])) {
        error->message[0] = (char)tolower((unsigned char)error->message[0]);
    }
}

static void append(tj_error *error, const char *format, va_list arguments)
{
    size_t length = strnlen(error->message, sizeof error->message - 1);
    size_t room = sizeof error->message - length;
    if (room <= sizeof ": ...") {
        return;
    }
    memcpy(error->message + length, ": ", 3);
    format_at(error->message, length + 2, sizeof error->message, format, arguments);
}

/* Most often it is the process's own limit, and not the file system's. */
static void explain_size_limit(tj_error *error)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        tj__error_context(error,
                          "this process may make no file of more than %" PRIu64
                          " KiB: raise its limit (ulimit -f, LimitFSIZE=)",
                          (uint64_t)limit.rlim_cur >> 10);
    }
}

tj_status tj__fail_errno(tj_error *error, int os_errno, const char *format, ...)
{
    tj_status status = status_of_errno(os_errno);
    if (error) {
        start(error, status, os_errno);
        put_errno_text(error, os_errno);
        va_list arguments;
        va_start(arguments, format);
        append(error, format, arguments);
        va_end(arguments);
        if (os_errno == EFBIG) {
            explain_size_limit(error);
        }
    }
    return status;
}

void tj__error_context(tj_error *error, const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        append(error, format, arguments);
        va_end(arguments);
    }
}

tj_status tj__error_pass(tj_error *error, const tj_error *kept)
{
    if (kept->status != TJ_OK && error) {
        *error = *kept;
    }
    return kept->status;
}

void tj__error_place(tj_error *error, const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        format_at(error->place, 0, sizeof error->place, format, arguments);
        va_end(arguments);
    }
}

_Noreturn void tj__abort(const char *condition, const char *file, int line)
{
    fprintf(stderr, "tesser-journal: impossible state: %s (%s:%d)\n", condition, file, line);
    abort();
}
