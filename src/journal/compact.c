/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Giving the disk back what data.mdb has no use for: LMDB keeps the pages of what was deleted.
 *
 * When everything is applied and the log is closed, a copy without free pages is built in
 * creating/, as a creation builds its first one, flushed, compared, and renamed over data.mdb under
 * the writer's lock. The old and the new one hold the same rows at the same position, so a crash at
 * any moment leaves a journal that is whole, and what was not renamed is removed by the next
 * writer.
 */
#include <errno.h>
#include <inttypes.h>
#include <sys/statvfs.h>

#include "base/error.h"
#include "base/file.h"
#include "history/digest.h"
#include "journal/internal.h"
#include "table/inspect.h"

tj_status tj__journal_compact_look(const char *path, tj_compact_report *report, tj_error *error)
{
    return tj__data_sizes(path, &report->bytes_before, &report->bytes_after, error);
}

static tj_status check_space(const tj__journal *journal, uint64_t needed, tj_error *error)
{
    struct statvfs space;
    if (statvfs(journal->path, &space) != 0) {
        return tj__fail_errno(error, errno, "asking for the free space of %s", journal->path);
    }
    uint64_t free_now = (uint64_t)space.f_bavail * space.f_frsize;
    return free_now >= needed ? TJ_OK
                              : tj__fail(error, TJ_FULL,
                                         "the compacted data.mdb of %s needs %" PRIu64
                                         " KiB beside the old one, and %" PRIu64
                                         " KiB are free: free some space on its file system",
                                         journal->path, needed >> 10, free_now >> 10);
}

/* ---- comparing ------------------------------------------------------------------------------- */

static tj_status see_row(void *context, const tj__row *row, tj_error *error)
{
    if (row->damaged) {
        return tj__fail(error, TJ_CORRUPT, "a row at offset %" PRIu64 " of %s is damaged",
                        row->offset, row->file);
    }
    tj__digest_add(context, row);
    return TJ_OK;
}

static tj_status see_fault(void *context, uint8_t table, const tj_error *fault, tj_error *error)
{
    (void)context;
    (void)table;
    return tj__error_pass(error, fault);
}

static tj_status begin(void *context, tj_error *error)
{
    (void)error;
    *(tj__digest *)context = (tj__digest){0};
    return TJ_OK;
}

static tj_status digest(const char *directory, tj__digest *out, tj__position *position,
                        tj_error *error)
{
    tj__inspection seen;
    tj__inspector inspector = {.row = see_row, .fault = see_fault, .begin = begin, .context = out};
    TJ_TRY(tj__data_inspect(directory, &inspector, &seen, error));
    *position = seen.position;
    return TJ_OK;
}

static tj_status compare(const char *path, const char *creating, tj_error *error)
{
    tj__digest old;
    tj__digest new;
    tj__position old_at;
    tj__position new_at;
    TJ_TRY(digest(path, &old, &old_at, error));
    TJ_TRY(digest(creating, &new, &new_at, error));
    bool same = tj__digest_differs(&old, &new) == 0 && old_at.sequence == new_at.sequence &&
                old_at.hash == new_at.hash;
    return same ? TJ_OK
                : tj__fail(error, TJ_CORRUPT,
                           "the compacted copy of %s/data.mdb does not hold what that holds, and "
                           "was not used",
                           path);
}

/* ---- replacing ------------------------------------------------------------------------------- */

static tj_status copy(tj__journal *journal, const char *creating, const char *built, uint64_t bytes,
                      tj_error *error)
{
    tj__journal_create_tidy(journal->path);
    TJ_TRY(tj__directory_make(creating, journal->path, error));
    TJ_TRY(tj__env_copy_compacted(journal->env, built, bytes, error));
    return compare(journal->path, creating, error);
}

tj_status tj__journal_compact(tj__journal *journal, tj_compact_report *report, tj_error *error)
{
    char creating[PATH_MAX];
    char built[PATH_MAX];
    TJ_TRY(tj__path_join(creating, sizeof creating, journal->path, TJ__CREATING_DIRECTORY, error));
    TJ_TRY(tj__path_join(built, sizeof built, creating, "data.mdb", error));
    TJ_TRY(tj__journal_compact_look(journal->path, report, error));
    if (report->bytes_after >= report->bytes_before) {
        return TJ_OK;
    }
    TJ_TRY(check_space(journal, report->bytes_after, error));
    tj_status status = copy(journal, creating, built, report->bytes_after, error);
    if (status == TJ_OK) {
        tj__env_close(journal->env); /* the old file's: this journal is being closed */
        journal->env = NULL;
        status = tj__data_replace(journal->path, built, error);
    }
    report->written = status == TJ_OK;
    tj__journal_create_tidy(journal->path);
    return status;
}
