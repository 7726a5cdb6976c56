/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the next writer will say of the files that it opens for writing. */
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "journal/internal.h"

/* Whoever owns the directory is its writer, or could be: what this process may not do, that one may
 * not. Of others it is not known under which user they will write. */
static bool is_writers_user(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && found.st_uid == geteuid();
}

/* Files that are made when they are not there. */
static tj_status foretell_made(const char *path, bool check_rights, tj_error *error)
{
    static const char *const names[] = {TJ__WRITER_LOCK_NAME, "lock.mdb", TJ__RESERVE_NAME};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char file[PATH_MAX];
        TJ_TRY(tj__path_join(file, sizeof file, path, names[i], error));
        TJ_TRY(tj__file_may_create(file, check_rights, error));
    }
    return TJ_OK;
}

/* Files that are written to as they are. */
static tj_status foretell_kept(const char *path, uint64_t first, uint64_t last, tj_error *error)
{
    char log[PATH_MAX];
    char file[TJ__SEGMENT_PATH_SIZE];
    TJ_TRY(tj__path_join(file, sizeof file, path, "data.mdb", error));
    TJ_TRY(tj__file_may_write(file, error));
    TJ_TRY(tj__path_join(log, sizeof log, path, TJ__LOG_DIRECTORY, error));
    for (uint64_t ordinal = first; ordinal <= last; ordinal++) {
        TJ_TRY(tj__segment_path(file, log, ordinal, error));
        TJ_TRY(tj__file_may_write(file, error));
    }
    return TJ_OK;
}

tj_status tj__journal_foretell_files(const char *path, uint64_t first, uint64_t last,
                                     tj_error *error)
{
    bool check_rights = is_writers_user(path);
    TJ_TRY(foretell_made(path, check_rights, error));
    return check_rights ? foretell_kept(path, first, last, error) : TJ_OK;
}
