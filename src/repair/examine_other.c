/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a journal has beside the log, data.mdb and the bases. Nothing that is kept stands there, so
 * nothing in it is damage; but every byte is counted, and told of where nobody should have written.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "backup/note.h"
#include "base/error.h"
#include "base/file.h"
#include "journal/journal.h"
#include "repair/examine.h"

static const char *const files[] = {TJ__WRITER_LOCK_NAME, "lock.mdb", "reserve",
                                    TJ__BACKUP_NOTE_NAME, TJ__BACKUP_NOTE_NAME ".tmp"};

static uint64_t size_of(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && S_ISREG(found.st_mode) ? (uint64_t)found.st_size : 0;
}

static void note_unfinished(tj__examination *x, const char *path, uint64_t size)
{
    tj_finding *finding =
        tj__findings_add(&x->findings, TJ_FINDING_NOTE,
                         "%s was left unfinished by a crash; nothing needs its %" PRIu64
                         " bytes, and a writer removes or replaces it",
                         path, size);
    tj__finding_at(&x->findings, finding, path, 0);
}

/* The spare one has a name of that kind and is finished: it waits for a disk without inodes. */
static bool is_unfinished(const char *name)
{
    size_t size = strlen(name);
    return size > 4 && strcmp(name + size - 4, ".tmp") == 0 &&
           strcmp(name, TJ__SEGMENT_SPARE_NAME) != 0;
}

static bool is_counted(const char *name)
{
    return is_unfinished(name) || strcmp(name, TJ__SEGMENT_SPARE_NAME) == 0;
}

/* A writer's own are no leftovers, and may be gone again. */
static void see_file(tj__examination *x, const char *directory, const char *name)
{
    char path[PATH_MAX];
    struct stat found;
    if (tj__path_join(path, sizeof path, directory, name, NULL) != TJ_OK ||
        stat(path, &found) != 0 || !S_ISREG(found.st_mode)) {
        return;
    }
    x->other_bytes += (uint64_t)found.st_size;
    if (is_unfinished(name) && !x->writer_alive) {
        note_unfinished(x, path, (uint64_t)found.st_size);
    }
}

static tj_status list_unfinished(tj__examination *x, const char *path, tj_error *error)
{
    DIR *directory = opendir(path);
    if (!directory) {
        return errno == ENOENT ? TJ_OK : tj__fail_errno(error, errno, "opening directory %s", path);
    }
    struct dirent *entry;
    while ((entry = readdir(directory))) {
        if (is_counted(entry->d_name)) {
            see_file(x, path, entry->d_name);
        }
    }
    closedir(directory);
    return TJ_OK;
}

/* x->lock_stray was found with the log, which the mark is about. */
static void check_lock(tj__examination *x, const char *path)
{
    struct stat found;
    if (stat(path, &found) != 0 || x->writer_alive) {
        return;
    }
    uint64_t size = (uint64_t)found.st_size;
    uint64_t stray = x->lock_stray == TJ__LOCK_SIZE && size > TJ__LOCK_SIZE ? TJ__LOCK_SIZE
                     : x->lock_stray < TJ__LOCK_SIZE                        ? x->lock_stray
                                                                            : size;
    if (size < TJ__LOCK_SIZE) {
        tj_finding *finding = tj__findings_add(&x->findings, TJ_FINDING_NOTE,
                                               "%s has %" PRIu64 " bytes instead of %d, and so no "
                                               "mark; the next writer makes it whole",
                                               path, size, TJ__LOCK_SIZE);
        tj__finding_at(&x->findings, finding, path, 0);
    } else if (stray < size) {
        tj_finding *finding = tj__findings_add(
            &x->findings, TJ_FINDING_NOTE,
            "%s holds at offset %" PRIu64 " what no writer writes; nothing needs it", path, stray);
        tj__finding_at(&x->findings, finding, path, stray);
    }
}

/* What holds nothing, or could be read, may still stop the next writer. What is no regular file was
 * told with the directory. */
static void foretell_writer(tj__examination *x)
{
    tj_error why = TJ_ERROR_INIT;
    const tj__run *newest = tj__examination_run(x, x->end);
    uint64_t first = x->data.position.ordinal;
    uint64_t last = newest ? newest->end.ordinal : first;
    if (!x->writer_alive && x->data_on_chain &&
        tj__journal_foretell_files(x->path, first, last, &why) == TJ_IO) {
        (void)tj__findings_add_error(&x->findings, TJ_FINDING_UNCHECKED, &why);
    }
}

tj_status tj__examine_other(tj__examination *x, tj_error *error)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[PATH_MAX];
        TJ_TRY(tj__path_join(path, sizeof path, x->path, files[i], error));
        x->other_bytes += size_of(path);
        if (strcmp(files[i], TJ__WRITER_LOCK_NAME) == 0) {
            check_lock(x, path);
        }
    }
    foretell_writer(x);
    TJ_TRY(list_unfinished(x, x->log_path, error));
    return x->has_history ? list_unfinished(x, x->history_path, error) : TJ_OK;
}
