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

/* *known: what holds the path, or will. */
static tj_status check(const char *path, const file_system **known, tj_error *error)
{
    char existing[PATH_MAX];
    snprintf(existing, sizeof existing, "%s", path);
    TJ_TRY(nearest_existing(existing, error));
    struct statfs found;
    if (statfs(existing, &found) != 0) {
        return tj__fail_errno(error, errno, "asking for the file system of %s", existing);
    }
    unsigned long magic = (unsigned long)found.f_type & 0xFFFFFFFFul;
    *known = find(magic);
    if (!*known || (*known)->refused) {
        char unknown[64];
        snprintf(unknown, sizeof unknown, "of unknown type 0x%lx", magic);
        return tj__fail(error, TJ_UNSUPPORTED,
                        "%s is on a file system (%s) that cannot hold a journal: %s; choose a path "
                        "on ext4, xfs, btrfs, f2fs or zfs",
                        path, *known ? (*known)->name : unknown,
                        *known ? (*known)->refused
                               : "nothing is known of its flushes and memory maps");
    }
    return TJ_OK;
}

tj_status tj__journal_check_file_system(const tj__journal *journal, tj_error *error)
{
    const file_system *known = NULL;
    const file_system *of_log = NULL; /* log/ may be a link or a mount */
    TJ_TRY(check(journal->path, &known, error));
    TJ_TRY(check(journal->log_path, &of_log, error));
    if (!known->warning) {
        known = of_log;
    }
    if (known->warning && !journal->config.read_only) {
        tj__trace(&journal->config, TJ_TRACE_WARNING, "%s is on %s: %s", journal->path, known->name,
                  known->warning);
    }
    return TJ_OK;
}
