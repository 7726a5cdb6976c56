/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The rows of data.mdb alone, for monitoring. */
#include <limits.h>
#include <sys/stat.h>

#include <tesser/verify.h>

#include "base/error.h"
#include "base/file.h"
#include "rows/row.h"
#include "table/inspect.h"

/* A writer may be faster than a look, which then begins again: what counts is the last look. */
static tj_status keep_first(tj_error *first, const tj_error *fault)
{
    if (first->status == TJ_OK) {
        *first = *fault;
    }
    return TJ_OK;
}

static tj_status see_row(void *context, const tj__row *row, tj_error *error)
{
    tj_error fault = TJ_ERROR_INIT;
    (void)error;
    return tj__row_decodes(row, &fault) == TJ_OK ? TJ_OK : keep_first(context, &fault);
}

static tj_status see_fault(void *context, uint8_t table, const tj_error *fault, tj_error *error)
{
    (void)table;
    (void)error;
    return keep_first(context, fault);
}

static tj_status begin(void *context, tj_error *error)
{
    (void)error;
    *(tj_error *)context = (tj_error)TJ_ERROR_INIT;
    return TJ_OK;
}

static tj_status is_small(const char *path, uint64_t size_max, bool *small, tj_error *error)
{
    char data_path[PATH_MAX];
    bool there = false;
    struct stat found;
    TJ_TRY(tj__path_join(data_path, sizeof data_path, path, "data.mdb", error));
    TJ_TRY(tj__path_look(data_path, &there, &found, error));
    *small = there && (size_max == 0 || (uint64_t)found.st_size <= size_max);
    return TJ_OK;
}

tj_status tj_verify_rows(const char *path, uint64_t size_max, bool *looked, tj_error *error)
{
    bool small = false;
    tj_error first = TJ_ERROR_INIT;
    tj__inspection found;
    tj__inspector inspector = {
        .row = see_row, .fault = see_fault, .begin = begin, .context = &first};
    if (!path) {
        return tj__fail(error, TJ_MISUSE, "a path is needed");
    }
    TJ_TRY(is_small(path, size_max, &small, error));
    if (looked) {
        *looked = small;
    }
    if (!small) {
        return TJ_OK;
    }
    TJ_TRY(tj__data_inspect(path, &inspector, &found, error));
    return first.status == TJ_OK ? TJ_OK : tj__error_pass(error, &first);
}
