/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Filling in tj_error: the root cause first, then each layer appends its own context. */
#ifndef TJ_BASE_ERROR_H
#define TJ_BASE_ERROR_H

#include <tesser/error.h>

/* Sets status and message and returns the status. error may be NULL. Clears place and codes. */
tj_status tj__fail(tj_error *error, tj_status status, const char *format, ...) TJ_PRINTF(3, 4);

/* As tj__fail for a failed system call: maps errno (ENOSPC and EDQUOT to FULL, ENOMEM to NOMEM,
 * EROFS to READONLY, ENOENT to NOT_FOUND, others to IO), stores it and puts its text first:
 * "no space left on device: appending to ./journal/log/0000000001.log". */
tj_status tj__fail_errno(tj_error *error, int os_errno, const char *format, ...) TJ_PRINTF(3, 4);

/* Gives the caller a failure that was kept apart, because a second try might have succeeded or it
 * is told to several callers. Returns its status; TJ_OK leaves error as it is. error may be
 * NULL. */
tj_status tj__error_pass(tj_error *error, const tj_error *kept);

/* Appends ": " and the text to the message already there. */
void tj__error_context(tj_error *error, const char *format, ...) TJ_PRINTF(2, 3);

/* Notes which file, key, line or setting is concerned. */
void tj__error_place(tj_error *error, const char *format, ...) TJ_PRINTF(2, 3);

/* Returns from the calling function when expression is not TJ_OK. For functions that hold
 * nothing to release. */
#define TJ_TRY(expression)                   \
    do {                                     \
        tj_status try_status = (expression); \
        if (try_status != TJ_OK) {           \
            return try_status;               \
        }                                    \
    } while (0)

/* Impossible internal state only: one line on standard error, the only thing this library ever
 * prints, then abort; also in release builds. */
#define TJ_ASSERT(condition) ((condition) ? (void)0 : tj__abort(#condition, __FILE__, __LINE__))
_Noreturn void tj__abort(const char *condition, const char *file, int line);

#endif
