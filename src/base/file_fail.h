/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Shared by the files behind file.h: a failure has the path as its place. */
#ifndef TJ_BASE_FILE_FAIL_H
#define TJ_BASE_FILE_FAIL_H

#include "base/error.h"

static inline tj_status at_path(tj_status status, const char *path, tj_error *error)
{
    tj__error_place(error, "%s", path);
    return status;
}

#define FAIL_ERRNO(path, error, os_errno, ...) \
    at_path(tj__fail_errno(error, os_errno, __VA_ARGS__), path, error)

#endif
