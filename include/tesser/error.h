/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file error.h
 * How every call of this library reports failure: a status to branch on, a sentence to read.
 */
#ifndef TESSER_ERROR_H
#define TESSER_ERROR_H

#include <tesser/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The outcome of a call. Numbers are stable and never reused; docs/ERRORS.md has a paragraph
 * on each, and the command line exits with 10 + the number.
 */
typedef enum tj_status {
    TJ_OK = 0,
    TJ_MISUSE = 1,    /**< the call itself is wrong: a NULL handle, a closed transaction */
    TJ_NOMEM = 2,     /**< memory could not be allocated; nothing changed */
    TJ_NOT_FOUND = 3, /**< no such journal, book, algorithm or file */
    TJ_EXISTS = 4,    /**< it is already there, and would have to be replaced */
    TJ_BUSY = 5,      /**< another writer holds the journal, or all reader slots are taken */
    TJ_FULL = 6,      /**< no space left; nothing changed, try again when there is space */
    TJ_READONLY = 7,  /**< the journal was opened for reading, or the file system is read-only */
    TJ_IO = 8,        /**< the system refused a file operation */
    TJ_CORRUPT = 9,   /**< stored bytes are not what was written */
    TJ_FORMAT_NEWER = 10, /**< written by a newer format version than this library reads */
    TJ_LIMIT = 11,        /**< a documented limit is exceeded */
    TJ_CONFLICT = 12,     /**< the state is not what the caller expected */
    TJ_CLOSED = 13,       /**< the handle is poisoned by a failure, or another process's */
    TJ_UNAVAILABLE = 14,  /**< a server or engine cannot be reached now */
    TJ_UNSUPPORTED = 15,  /**< this build, file system or file kind is not supported */
    TJ_INVALID = 16,      /**< malformed data from outside: JSON, decimal, UUID, configuration */
    TJ_INEXACT = 17,      /**< the exact result needs more digits than a decimal holds */
    TJ_UNKNOWN = 18       /**< the deadline passed: the commit may be durable now, or later */
} tj_status;

/** What the caller can do about a status. */
typedef enum tj_advice {
    TJ_ADVICE_NONE = 0,       /**< nothing is wrong */
    TJ_ADVICE_RETRY = 1,      /**< the same call may succeed later */
    TJ_ADVICE_FIX_CALL = 2,   /**< the program or its input must change */
    TJ_ADVICE_FIX_CONFIG = 3, /**< the configuration must change */
    TJ_ADVICE_OPERATOR = 4,   /**< a person must look: free space, permissions, another writer */
    TJ_ADVICE_STOP = 5        /**< stop trading on this handle; reopen, or repair */
} tj_advice;

#define TJ_ERROR_PLACE_SIZE 256
#define TJ_ERROR_MESSAGE_SIZE 1024

/**
 * The details of a failure. Owned by the caller, never allocates, may be reused for the next
 * call. On TJ_OK it is left as it was.
 */
typedef struct tj_error {
    tj_status status;                    /**< same as the returned status */
    int os_errno;                        /**< errno of the system call that failed, or 0 */
    int engine_code;                     /**< code of the underlying engine (LMDB's), or 0 */
    char place[TJ_ERROR_PLACE_SIZE];     /**< file, key, line or setting concerned, or "" */
    char message[TJ_ERROR_MESSAGE_SIZE]; /**< one line: root cause, then context outward */
} tj_error;

/** An empty tj_error. */
#define TJ_ERROR_INIT       \
    {                       \
        TJ_OK, 0, 0, "", "" \
    }

/**
 * The name of a status as it appears in documentation, e.g. "CORRUPT".
 *
 * @return static text; "NO_STATUS" for a number that is no status
 * Threads: any.
 */
TJ_API const char *tj_status_name(tj_status status);

/**
 * What to do about a status.
 *
 * Threads: any.
 */
TJ_API tj_advice tj_status_advice(tj_status status);

/**
 * An advice as one sentence, e.g. "Try again later."
 *
 * @return static text; "" for TJ_ADVICE_NONE
 * Threads: any.
 */
TJ_API const char *tj_advice_text(tj_advice advice);

#ifdef __cplusplus
}
#endif
#endif
