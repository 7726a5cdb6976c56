/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reads the file and its -wal until neither changes meanwhile; refuses a hot rollback journal. */
#include "migrate/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/error.h"
#include "base/file.h"

#define PATH_SIZE 4096
#define ATTEMPTS 5
#define VERSION_WRITE_AT 18 /* 2: the file is in WAL mode; both bytes */
#define HEADER_SIZE 100

/* What tells whether a file has changed. */
typedef struct stamp {
    bool there;
    off_t size;
    struct timespec changed;
    ino_t inode;
} stamp;

typedef struct files {
    const char *path;
    char wal[PATH_SIZE];
    char journal[PATH_SIZE];
} files;

/* As SQLite does it: they stand beside the file that the path names, whatever links lead there. */
static tj_status name_files(const char *path, files *f, tj_error *error)
{
    char *real = realpath(path, NULL);
    if (!real) {
        return tj__fail_errno(error, errno, "following %s to its file", path);
    }
    f->path = path;
    int wal = snprintf(f->wal, sizeof f->wal, "%s-wal", real);
    int journal = snprintf(f->journal, sizeof f->journal, "%s-journal", real);
    free(real);
    if ((size_t)wal >= sizeof f->wal || (size_t)journal >= sizeof f->journal) {
        return tj__fail(error, TJ_LIMIT, "the path %s is too long", path);
    }
    return TJ_OK;
}

static tj_status stamp_of(const char *path, stamp *out, tj_error *error)
{
    struct stat info;
    bool there = false;
    *out = (stamp){0};
    TJ_TRY(tj__path_look(path, &there, &info, error)); /* a -wal may be a link that leads nowhere */
    if (!there) {
        return TJ_OK;
    }
    if (!S_ISREG(info.st_mode)) {
        return tj__fail(error, TJ_UNSUPPORTED, "%s is not a regular file", path);
    }
    *out = (stamp){true, info.st_size, info.st_mtim, info.st_ino};
    return TJ_OK;
}

static bool same_stamp(const stamp *a, const stamp *b)
{
    return a->there == b->there && a->size == b->size && a->inode == b->inode &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* A file with another name, or mounted by itself, may have its -wal and -journal beside that name,
 * where they cannot be found: what is read would be an older state. */
static tj_status refuse_other_names(const files *f, tj_error *error)
{
    struct statx info;
    stamp wal;
    TJ_TRY(stamp_of(f->wal, &wal, error));
    if (wal.there) {
        return TJ_OK;
    }
    if (statx(AT_FDCWD, f->path, 0, STATX_NLINK, &info) != 0) {
        return tj__fail_errno(error, errno, "looking at %s", f->path);
    }
    bool mounted = (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
    if (mounted || info.stx_nlink > 1) {
        return tj__fail(error, TJ_UNSUPPORTED,
                        "%s %s, and its -wal, which holds the newest state, would lie beside the "
                        "name that Tesser uses: import it by that name, or a copy of all its files",
                        f->path,
                        mounted ? "is mounted by itself" : "is a hard link to a file of two names");
    }
    return TJ_OK;
}

/* A rollback journal that is not empty belongs to a transaction that was cut: the file holds half
 * of it. One whose head is zeroed belongs to a finished one. */
static tj_status refuse_journal(const files *f, tj_error *error)
{
    tj__buffer head = {0};
    stamp there;
    TJ_TRY(stamp_of(f->journal, &there, error));
    if (!there.there || there.size == 0) {
        return TJ_OK;
    }
    tj_status status = tj__file_read_own(f->journal, (size_t)TJ_IMPORT_FILE_SIZE_MAX, &head, error);
    bool hot = status == TJ_OK && head.size > 0 && head.data[0] != 0;
    tj__buffer_dispose(&head);
    if (hot) {
        return tj__fail(
            error, TJ_UNSUPPORTED,
            "%s lies beside %s: a transaction was cut in the middle. Open a copy of both "
            "with SQLite once, which takes it back, and import the copy",
            f->journal, f->path);
    }
    return status;
}

/* Reads both files once; *settled when neither changed meanwhile. */
static tj_status read_once(const files *f, tj__image *image, tj__buffer *wal, bool *settled,
                           tj_error *error)
{
    stamp before[2];
    stamp after[2];
    tj__buffer_clear(&image->bytes);
    tj__buffer_clear(wal);
    TJ_TRY(stamp_of(f->path, &before[0], error));
    TJ_TRY(stamp_of(f->wal, &before[1], error));
    TJ_TRY(tj__file_read_all(f->path, (size_t)TJ_IMPORT_FILE_SIZE_MAX, &image->bytes, error));
    if (before[1].there) {
        tj_status status = tj__file_read_own(f->wal, (size_t)TJ_IMPORT_FILE_SIZE_MAX, wal, error);
        if (status != TJ_OK && status != TJ_NOT_FOUND) {
            return status;
        }
    }
    TJ_TRY(stamp_of(f->path, &after[0], error));
    TJ_TRY(stamp_of(f->wal, &after[1], error));
    *settled = same_stamp(&before[0], &after[0]) && same_stamp(&before[1], &after[1]);
    return TJ_OK;
}

static tj_status read_settled(const files *f, tj__image *image, tj__buffer *wal, tj_error *error)
{
    static const struct timespec pause = {0, 50 * 1000 * 1000};
    bool settled = false;
    for (int i = 0; i < ATTEMPTS && !settled; i++) {
        if (i > 0) {
            (void)nanosleep(&pause, NULL);
        }
        TJ_TRY(read_once(f, image, wal, &settled, error));
    }
    return settled
               ? TJ_OK
               : tj__fail(error, TJ_BUSY,
                          "%s is being written by another program; stop it and try again", f->path);
}

tj_status tj__image_is_all_log(const char *path, uint64_t size, bool *is, tj_error *error)
{
    files f;
    stamp wal = {0};
    if (size == 0) {
        TJ_TRY(name_files(path, &f, error));
        TJ_TRY(stamp_of(f.wal, &wal, error));
    }
    *is = wal.there && wal.size > 0;
    return TJ_OK;
}

tj_status tj__image_read(const char *path, tj__image *image, tj_error *error)
{
    files f;
    tj__buffer wal = {0};
    *image = (tj__image){0};
    TJ_TRY(name_files(path, &f, error));
    TJ_TRY(refuse_journal(&f, error));
    TJ_TRY(refuse_other_names(&f, error));
    tj_status status = read_settled(&f, image, &wal, error);
    if (status == TJ_OK && wal.size > 0) {
        status = tj__wal_apply(f.wal, tj__buffer_bytes(&wal), image, error);
    }
    if (status == TJ_OK && image->bytes.size >= HEADER_SIZE) {
        /* What the -wal had is applied, and a database in memory has none. */
        uint8_t *version = image->bytes.data + VERSION_WRITE_AT;
        for (int i = 0; i < 2; i++) {
            version[i] = version[i] == 2 ? 1 : version[i];
        }
    }
    tj__buffer_dispose(&wal);
    if (status != TJ_OK) {
        tj__image_dispose(image);
    }
    return status;
}

void tj__image_dispose(tj__image *image)
{
    tj__buffer_dispose(&image->bytes);
}
