/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Is there a journal, or a place where one may be made? */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "history/base.h"
#include "journal/internal.h"

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++) {
        if (strcmp(name, *names) == 0) {
            return true;
        }
    }
    return false;
}

/* Calls back for every name but . and .. until a status other than TJ_OK. */
static tj_status each_entry(const char *path,
                            tj_status (*visit)(const char *directory, const char *name,
                                               tj_error *error),
                            tj_error *error)
{
    DIR *directory = opendir(path);
    if (!directory) {
        return tj__fail_errno(error, errno, "opening directory %s", path);
    }
    tj_status status = TJ_OK;
    struct dirent *entry;
    while (status == TJ_OK && (errno = 0, entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            status = visit(path, entry->d_name, error);
        }
    }
    if (status == TJ_OK && errno != 0) {
        status = tj__fail_errno(error, errno, "reading directory %s", path);
    }
    closedir(directory);
    return status;
}

static bool has_note_of_backups(const char *path)
{
    char note[PATH_MAX];
    struct stat found;
    bool there = false;
    return tj__path_join(note, sizeof note, path, "backups", NULL) == TJ_OK &&
           tj__path_look(note, &there, &found, NULL) == TJ_OK && there && S_ISREG(found.st_mode);
}

static bool has_bases(const char *path)
{
    char history[PATH_MAX];
    bool any = false;
    if (tj__path_join(history, sizeof history, path, TJ__HISTORY_DIRECTORY, NULL) != TJ_OK) {
        return false;
    }
    for (int kind = 0; kind <= TJ__BASE_REST && !any; kind++) {
        tj__base_list list = {0};
        any = tj__base_list_read(history, (tj__base_kind)kind, &list, NULL) == TJ_OK &&
              list.count > 0;
        tj__base_list_dispose(&list);
    }
    return any;
}

/* What a journal leaves when its data.mdb and its log are gone. */
static tj_status refuse_remains(const char *path, tj_error *error)
{
    const char *what = has_note_of_backups(path) ? "the note of its backups"
                       : has_bases(path)         ? "what stands in history/"
                                                 : NULL;
    return !what ? TJ_OK
                 : tj__fail(error, TJ_EXISTS,
                            "a journal was at %s: its data.mdb and its log are gone, and %s is "
                            "left; put them back, restore a backup with `tesser-journal restore "
                            "BACKUP --into NEW`, or choose another directory",
                            path, what);
}

static tj_status refuse_foreign_entry(const char *directory, const char *name, tj_error *error)
{
    static const char *const ours[] = {TJ__WRITER_LOCK_NAME,
                                       TJ__LOG_DIRECTORY,
                                       TJ__CREATING_DIRECTORY,
                                       TJ__RESERVE_NAME,
                                       "lock.mdb",
                                       "lost+found",
                                       NULL};
    if (is_one_of(name, ours)) {
        return TJ_OK;
    }
    return tj__fail(error, TJ_EXISTS,
                    "%s holds \"%s\", which is no part of a journal: choose an empty or a new "
                    "directory",
                    directory, name);
}

/* Whether the first segment is as a creation leaves it: prepared, which is zeros, and not begun. */
static tj_status is_blank(const char *path, bool *blank, tj_error *error)
{
    uint8_t piece[TJ__SEGMENT_HEADER_SIZE];
    int fd = -1;
    size_t got = sizeof piece;
    *blank = true;
    TJ_TRY(tj__file_open(path, O_RDONLY | O_NONBLOCK, &fd, error));
    tj_status status = TJ_OK;
    for (uint64_t at = 0; status == TJ_OK && *blank && got == sizeof piece; at += got) {
        status = tj__file_read_some(fd, path, piece, sizeof piece, at, &got, error);
        *blank = got == 0 ||
                 (at < TJ__FIRST_SEGMENT_SIZE_MAX && tj__bytes_all_zero(tj__bytes_of(piece, got)));
    }
    tj__file_close(fd);
    return status;
}

/* A segment is begun by a commit. So without data.mdb a log may hold nothing but the first, not
 * begun. */
static tj_status refuse_orphan_log(const char *path, tj_error *error)
{
    char log_path[PATH_MAX];
    char first[TJ__SEGMENT_PATH_SIZE];
    bool there = false;
    struct stat found;
    tj__segment_list segments = {0};
    TJ_TRY(tj__path_join(log_path, sizeof log_path, path, TJ__LOG_DIRECTORY, error));
    TJ_TRY(tj__path_look(log_path, &there, &found, error));
    if (!there) {
        return TJ_OK;
    }
    TJ_TRY(tj__segment_list_read(log_path, &segments, error));
    bool used = segments.count > 1 || (segments.count == 1 && segments.ordinals[0] != 1);
    bool look_inside = segments.count == 1 && !used;
    tj__segment_list_dispose(&segments);
    if (look_inside) {
        bool blank = false;
        TJ_TRY(tj__segment_path(first, log_path, 1, error));
        TJ_TRY(is_blank(first, &blank, error));
        used = !blank;
    }
    return used ? tj__fail(error, TJ_CORRUPT,
                           "%s/data.mdb is missing, but the log beside it holds commits: put the "
                           "file back, or have it built from them with `tesser-journal repair -j "
                           "%s --into NEW --swap`",
                           path, path)
                : TJ_OK;
}

static tj_status look_for_data(const char *path, bool *found, tj_error *error)
{
    char data_path[PATH_MAX];
    struct stat seen;
    TJ_TRY(tj__path_join(data_path, sizeof data_path, path, "data.mdb", error));
    return tj__path_look(data_path, found, &seen, error);
}

tj_status tj__journal_look(const char *path, bool *found, tj_error *error)
{
    *found = false;
    bool there = false;
    struct stat seen;
    TJ_TRY(tj__path_look(path, &there, &seen, error));
    if (!there) {
        return TJ_OK;
    }
    if (!S_ISDIR(seen.st_mode)) {
        return tj__fail(error, TJ_EXISTS, "%s is not a directory", path);
    }
    TJ_TRY(look_for_data(path, found, error));
    if (*found) {
        return tj__env_check(path, error);
    }
    tj_error failure = TJ_ERROR_INIT;
    TJ_TRY(tj__journal_refuse_backup(path, error));
    tj_status status = refuse_orphan_log(path, &failure);
    if (status == TJ_OK) {
        status = refuse_remains(path, &failure);
    }
    if (status == TJ_OK) {
        status = each_entry(path, refuse_foreign_entry, &failure);
    }
    if (status != TJ_OK) { /* or another process has created it meanwhile, and begun the log */
        TJ_TRY(look_for_data(path, found, error));
        return *found ? tj__env_check(path, error) : tj__error_pass(error, &failure);
    }
    return TJ_OK;
}
