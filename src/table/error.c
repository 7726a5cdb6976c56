/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* LMDB's codes as our statuses, in our words. */
#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"
#include "table/internal.h"

static tj_status status_of_code(int code)
{
    switch (code) {
    case MDB_MAP_FULL:
        return TJ_FULL;
    case MDB_READERS_FULL:
        return TJ_BUSY;
    case MDB_TXN_FULL:
        return TJ_LIMIT;
    case MDB_PANIC:
        return TJ_CLOSED;
    case MDB_VERSION_MISMATCH:
        return TJ_UNSUPPORTED;
    case MDB_NOTFOUND:
    case MDB_PAGE_NOTFOUND:
    case MDB_CORRUPTED:
    case MDB_INVALID:
    case MDB_INCOMPATIBLE:
        return TJ_CORRUPT;
    case MDB_BAD_VALSIZE:
        return TJ_MISUSE;
    default:
        return TJ_IO;
    }
}

tj_status tj__fail_lmdb(tj_error *error, int code, const char *format, ...)
{
    char what[TJ_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (code > 0) {
        return tj__fail_errno(error, code, "%s", what);
    }
    tj_status status = tj__fail(error, status_of_code(code), "%s: %s", mdb_strerror(code), what);
    if (error) {
        error->engine_code = code;
    }
    return status;
}
