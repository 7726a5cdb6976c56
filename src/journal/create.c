/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Is there a journal, and making one that is either whole or not there.
 *
 * Creation builds everything inside the directory, which may be a mount point and so cannot be
 * renamed into place, and commits by one rename:
 *   1. log/ with the first segment, begun and flushed
 *   2. creating/data.mdb with all tables and the position before the first record, flushed
 *   3. rename creating/data.mdb to data.mdb, flush the directory
 * A crash before 3 leaves no data.mdb; what is left has no acknowledged commit in it, is
 * recognised, removed and made again. writer.lock is held throughout.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "journal/internal.h"

#define CREATING_DIRECTORY "creating"

/* ---- file system ------------------------------------------------------------------------ */

typedef struct file_system {
    unsigned long magic;
    const char *name;
    const char *refused; /* why it cannot hold a journal, NULL when it can */
    const char *warning; /* what a writer should know of it, or NULL */
} file_system;

#define COPIES                                                                                 \
    "it copies on write: what the journal keeps in reserve may not be there when the disk is " \
    "full"

static const file_system file_systems[] = {
    {0xEF53, "ext4", NULL, NULL},
    {0x58465342, "xfs", NULL, NULL},
    {0x9123683E, "btrfs", NULL, NULL},
    {0xF2F52010, "f2fs", NULL, NULL},
    {0x2FC12FC1, "zfs", NULL, COPIES},
    {0xCA451A4E, "bcachefs", NULL, COPIES},
    {0x01021994, "tmpfs", NULL,
     "it is memory, and everything in it is gone after a restart of the machine"},
    {0x858458F6, "ramfs", "it cannot be preallocated and is gone with the machine", NULL},
    {0x794C7630, "overlayfs", "files change their identity when they are first written", NULL},
    {0x6969, "nfs", "it shows stale pages to memory maps of other machines", NULL},
    {0x01021997, "9p", "its memory maps are not coherent", NULL},
    {0xFF534D42, "cifs", "its memory maps and locks are not coherent", NULL},
    {0xFE534D42, "smb", "its memory maps and locks are not coherent", NULL},
    {0x65735546, "fuse", "its flushes and memory maps cannot be relied on", NULL},
    {0x9FA0, "procfs", "it holds no files", NULL},
    {0x62656572, "sysfs", "it holds no files", NULL},
};

/* The nearest directory above a path that exists, in place. */
static tj_status nearest_existing(char *path, tj_error *error)
{
    for (;;) {
        bool there = false;
        struct stat found;
        TJ_TRY(tj__path_look(path, &there, &found, error));
        if (there) {
            return TJ_OK;
        }
        char *slash = strrchr(path, '/');
        if (slash == NULL) {
            memcpy(path, ".", 2);
        } else if (slash == path) {
            path[1] = '\0';
        } else {
            *slash = '\0';
        }
    }
}

tj_status tj__journal_check_file_system(const char *path, const tj_config *config, tj_error *error)
{
    char existing[PATH_MAX];
    snprintf(existing, sizeof existing, "%s", path);
    TJ_TRY(nearest_existing(existing, error));
    struct statfs found;
    if (statfs(existing, &found) != 0) {
        return tj__fail_errno(error, errno, "asking for the file system of %s", existing);
    }
    unsigned long magic = (unsigned long)found.f_type & 0xFFFFFFFFul;
    const file_system *known = NULL;
    for (size_t i = 0; i < sizeof file_systems / sizeof file_systems[0]; i++) {
        if (file_systems[i].magic == magic) {
            known = &file_systems[i];
        }
    }
    if (known == NULL || known->refused != NULL) {
        char unknown[64];
        snprintf(unknown, sizeof unknown, "of unknown type 0x%lx", magic);
        return tj__fail(error, TJ_UNSUPPORTED,
                        "%s is on a file system (%s) that cannot hold a journal: %s; choose a path "
                        "on ext4, xfs, btrfs, f2fs or zfs",
                        path, known ? known->name : unknown,
                        known ? known->refused : "nothing is known of its flushes and memory maps");
    }
    if (known->warning != NULL && !config->read_only) {
        tj__trace(config, TJ_TRACE_WARNING, "%s is on %s: %s", path, known->name, known->warning);
    }
    return TJ_OK;
}

/* ---- is there one? ---------------------------------------------------------------------- */

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names != NULL; names++) {
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
    if (directory == NULL) {
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

static tj_status refuse_foreign_entry(const char *directory, const char *name, tj_error *error)
{
    static const char *const ours[] = {TJ__LOCK_NAME,
                                       TJ__LOG_DIRECTORY,
                                       CREATING_DIRECTORY,
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

/* Without data.mdb a log may hold nothing but the begun, empty first segment of a creation. */
static tj_status refuse_orphan_log(const char *path, tj_error *error)
{
    char log_path[PATH_MAX];
    TJ_TRY(tj__path_join(log_path, sizeof log_path, path, TJ__LOG_DIRECTORY, error));
    bool there = false;
    struct stat found;
    TJ_TRY(tj__path_look(log_path, &there, &found, error));
    if (!there) {
        return TJ_OK;
    }
    tj__segment_list segments = {0};
    TJ_TRY(tj__segment_list_read(log_path, &segments, error));
    char segment_path[TJ__SEGMENT_PATH_SIZE];
    uint8_t after_header[TJ__RECORD_ALIGN] = {0};
    static const uint8_t zeros[TJ__RECORD_ALIGN] = {0};
    bool used = segments.count > 1 || (segments.count == 1 && segments.ordinals[0] != 1);
    tj_status status = TJ_OK;
    if (segments.count > 0 && !used) {
        int fd = -1;
        size_t got = 0;
        status = tj__segment_path(segment_path, log_path, 1, error);
        if (status == TJ_OK) {
            status = tj__file_open(segment_path, O_RDONLY, &fd, error);
        }
        if (status == TJ_OK) {
            status = tj__file_read_some(fd, segment_path, after_header, sizeof after_header,
                                        TJ__SEGMENT_HEADER_SIZE, &got, error);
        }
        tj__file_close(fd);
        used = memcmp(after_header, zeros, sizeof zeros) != 0;
    }
    tj__segment_list_dispose(&segments);
    if (status == TJ_OK && used) {
        status = tj__fail(error, TJ_CORRUPT,
                          "%s/data.mdb is missing, but the log beside it holds commits: put the "
                          "file back, or restore a copy of the whole journal",
                          path);
    }
    return status;
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
    char data_path[PATH_MAX];
    TJ_TRY(tj__path_join(data_path, sizeof data_path, path, "data.mdb", error));
    TJ_TRY(tj__path_look(data_path, &there, &seen, error));
    if (there) {
        *found = true;
        return tj__env_check(path, error);
    }
    TJ_TRY(each_entry(path, refuse_foreign_entry, error));
    return refuse_orphan_log(path, error);
}

/* ---- making one ------------------------------------------------------------------------- */

static tj_status remove_entry(const char *directory, const char *name, tj_error *error)
{
    char path[PATH_MAX];
    TJ_TRY(tj__path_join(path, sizeof path, directory, name, error));
    return tj__file_remove(path, error);
}

/* Empties a directory that an interrupted creation may have left, or makes it. */
static tj_status fresh_directory(const char *path, tj_error *error)
{
    bool there = false;
    struct stat found;
    TJ_TRY(tj__path_look(path, &there, &found, error));
    return there ? each_entry(path, remove_entry, error) : tj__directory_create(path, error);
}

static tj_status create_first_segment(const tj__journal *journal, const tj__superblock *superblock,
                                      tj_error *error)
{
    TJ_TRY(fresh_directory(journal->log_path, error));
    tj__segment_header header = {
        .journal_id = superblock->journal_id,
        .ordinal = 1,
        .first_sequence = 1,
        .created_at = superblock->created_at,
        .segment_size = journal->config.segment_size_bytes,
    };
    return tj__segment_prepare(journal->log_path, 1, journal->config.segment_size_bytes, &header,
                               NULL, error);
}

tj_status tj__journal_create_tidy(const char *path, tj_error *error)
{
    char creating[PATH_MAX];
    TJ_TRY(tj__path_join(creating, sizeof creating, path, CREATING_DIRECTORY, error));
    bool there = false;
    struct stat found;
    TJ_TRY(tj__path_look(creating, &there, &found, error));
    if (!there) {
        return TJ_OK;
    }
    TJ_TRY(each_entry(creating, remove_entry, error));
    if (rmdir(creating) != 0) {
        return tj__fail_errno(error, errno, "removing %s", creating);
    }
    return TJ_OK;
}

static tj_status create_tables(const tj__journal *journal, const tj__superblock *superblock,
                               tj_error *error)
{
    char creating[PATH_MAX];
    char from[PATH_MAX];
    char to[PATH_MAX];
    TJ_TRY(tj__path_join(creating, sizeof creating, journal->path, CREATING_DIRECTORY, error));
    TJ_TRY(tj__path_join(from, sizeof from, creating, "data.mdb", error));
    TJ_TRY(tj__path_join(to, sizeof to, journal->path, "data.mdb", error));
    TJ_TRY(fresh_directory(creating, error));
    tj__position start = {.ordinal = 1, .offset = TJ__SEGMENT_HEADER_SIZE};
    TJ_TRY(tj__env_create(creating, superblock, &start, journal->config.map_size_bytes, error));
    TJ_TRY(tj__file_rename(from, to, error));
    TJ_TRY(tj__directory_sync(journal->path, error));
    return tj__journal_create_tidy(journal->path, error);
}

tj_status tj__journal_create(const tj__journal *journal, tj_error *error)
{
    tj__superblock superblock = {
        .format_version = TJ__TABLE_FORMAT_VERSION,
        .page_size = (uint32_t)sysconf(_SC_PAGESIZE),
        .journal_id = tj_uuid_generate(),
        .created_at = tj_time_now(),
        .tables = TJ__TABLES_ALL,
        .first_segment = 1,
    };
    TJ_TRY(tj__journal_check_space(journal, error));
    TJ_TRY(create_first_segment(journal, &superblock, error));
    return create_tables(journal, &superblock, error);
}
