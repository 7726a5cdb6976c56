/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which file systems can hold a journal. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/error.h"
#include "base/file.h"
#include "journal/internal.h"

typedef struct file_system {
    unsigned long magic;
    const char *name;
    const char *refused; /* why it cannot hold a journal, NULL when it can */
    const char *warning; /* what a writer should know of it, or NULL */
} file_system;

#define COPIES                                                                                 \
    "it copies on write: what the journal keeps in reserve may not be there when the disk is " \
    "full"

#define UNKNOWN "nothing is known of its flushes and memory maps"

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
        if (!slash) {
            memcpy(path, ".", 2);
        } else if (slash == path) {
            path[1] = '\0';
        } else {
            *slash = '\0';
        }
    }
}

static const file_system *find(unsigned long magic)
{
    for (size_t i = 0; i < sizeof file_systems / sizeof file_systems[0]; i++) {
        if (file_systems[i].magic == magic) {
            return &file_systems[i];
        }
    }
    return NULL;
}

/* *found: NULL when nothing is known of it. */
static tj_status look(const char *path, unsigned long *magic, const file_system **found,
                      tj_error *error)
{
    char existing[PATH_MAX];
    struct statfs space;
    snprintf(existing, sizeof existing, "%s", path);
    TJ_TRY(nearest_existing(existing, error));
    if (statfs(existing, &space) != 0) {
        return tj__fail_errno(error, errno, "asking for the file system of %s", existing);
    }
    *magic = (unsigned long)space.f_type & 0xFFFFFFFFul;
    *found = find(*magic);
    return TJ_OK;
}

tj_status tj__journal_place(const char *path, tj__place *out, tj_error *error)
{
    unsigned long magic = 0;
    const file_system *known = NULL;
    TJ_TRY(look(path, &magic, &known, error));
    if (known) {
        snprintf(out->name, sizeof out->name, "%s", known->name);
    } else {
        snprintf(out->name, sizeof out->name, "of unknown type 0x%lx", magic);
    }
    out->refused = known ? known->refused : UNKNOWN;
    out->warning = known ? known->warning : NULL;
    return TJ_OK;
}

/* *place: what holds the path, or will. */
static tj_status check(const char *path, tj__place *place, tj_error *error)
{
    TJ_TRY(tj__journal_place(path, place, error));
    return !place->refused
               ? TJ_OK
               : tj__fail(error, TJ_UNSUPPORTED,
                          "%s is on a file system (%s) that cannot hold a journal: %s; choose a "
                          "path on ext4, xfs, btrfs, f2fs or zfs",
                          path, place->name, place->refused);
}

tj_status tj__journal_place_check(const char *path, tj_error *error)
{
    tj__place place;
    return check(path, &place, error);
}

tj_status tj__journal_check_file_system(const tj__journal *journal, tj_error *error)
{
    tj__place place;
    tj__place of_log; /* log/ may be a link or a mount */
    TJ_TRY(check(journal->path, &place, error));
    TJ_TRY(check(journal->log_path, &of_log, error));
    const tj__place *worse = place.warning ? &place : &of_log;
    if (worse->warning && !journal->config.read_only) {
        tj__trace(&journal->config, TJ_TRACE_WARNING, "%s is on %s: %s", journal->path, worse->name,
                  worse->warning);
    }
    return TJ_OK;
}
