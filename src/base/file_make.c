/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Opening and making files and directories, as their owner; names; reading whole files. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_fail.h"

#define FILE_MODE 0660
#define DIRECTORY_MODE 0770
#define READ_PIECE_SIZE ((size_t)64 << 10)

/* "No space left" may be said of the files that a file system can hold; then its bytes are no
 * help. */
static void explain_no_file(const char *path, tj_error *error)
{
    char directory[PATH_MAX];
    struct statvfs space;
    const char *slash = strrchr(path, '/');
    int size = !slash ? 1 : slash == path ? 1 : (int)(slash - path);
    snprintf(directory, sizeof directory, "%.*s", size, !slash ? "." : path);
    if (statvfs(directory, &space) == 0 && space.f_files > 0 && space.f_favail == 0) {
        tj__error_context(error,
                          "no file can be made: all %" PRIu64 " inodes of the file system are "
                          "taken, though %" PRIu64 " KiB are free; remove some files",
                          (uint64_t)space.f_files, (uint64_t)space.f_bavail * space.f_frsize >> 10);
    }
}

static tj_status open_failed(const char *path, int os_errno, tj_error *error)
{
    tj_status status = FAIL_ERRNO(path, error, os_errno, "opening %s", path);
    if (os_errno == ENOSPC) {
        explain_no_file(path, error);
    }
    return status;
}

static tj_status open_file(const char *path, int flags, int *fd, tj_error *error)
{
    int opened = -1;
    do {
        opened = open(path, flags | O_CLOEXEC, FILE_MODE);
    } while (opened < 0 && errno == EINTR);
    if (opened < 0) {
        return open_failed(path, errno, error);
    }
    *fd = opened;
    return TJ_OK;
}

/* A pipe in the place of a file is not waited for. */
tj_status tj__file_open(const char *path, int flags, int *fd, tj_error *error)
{
    return open_file(path, flags | O_NONBLOCK, fd, error);
}

/* What the model allows to whom; of a directory, as a file in it. Not to everybody what only a
 * directory like /tmp must. */
static mode_t mode_after(const struct stat *model, bool is_directory)
{
    if (is_directory) {
        return model->st_mode & (S_ISDIR(model->st_mode) ? 06775 : 0777);
    }
    return model->st_mode & (S_ISDIR(model->st_mode) ? FILE_MODE : 0666);
}

/* A failure is passed over: a container's root may not, and then it is as it was without. */
static void own_as(int fd, const char *model, bool is_directory)
{
    struct stat as;
    struct stat made;
    if (!model || geteuid() != 0 || stat(model, &as) != 0 || fstat(fd, &made) != 0 ||
        (as.st_uid == made.st_uid && as.st_gid == made.st_gid)) {
        return;
    }
    if (fchown(fd, as.st_uid, as.st_gid) == 0) {
        (void)!fchmod(fd, mode_after(&as, is_directory));
    }
}

static const char *directory_of(const char *path, char out[PATH_MAX])
{
    return tj__path_parent(path, out, NULL) == TJ_OK ? out : NULL;
}

static tj_status refuse_link(const char *path, tj_error *error)
{
    return FAIL_ERRNO(path, error, ELOOP,
                      "opening %s, where no symbolic link is followed: put the file itself there, "
                      "or remove the link",
                      path);
}

/* A directory, a pipe, a socket, a device. */
static tj_status refuse_other(const char *path, tj_error *error)
{
    return at_path(tj__fail(error, TJ_CORRUPT,
                            "%s is not a regular file: move it away, and a new one is made", path),
                   path, error);
}

tj_status tj__file_create(const char *path, int flags, const char *model, int *fd, tj_error *error)
{
    int opened = -1;
    char directory[PATH_MAX];
    bool exclusive = (flags & O_EXCL) != 0;
    flags |= O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    do {
        opened = exclusive ? -1 : open(path, flags);
        if (exclusive || (opened < 0 && errno == ENOENT)) {
            opened = open(path, flags | O_CREAT | O_EXCL, FILE_MODE);
            if (opened >= 0) {
                own_as(opened, model ? model : directory_of(path, directory), false);
            }
        }
        /* Another process was faster, or removed it again. */
    } while (opened < 0 && (errno == EINTR || (errno == EEXIST && !exclusive)));
    if (opened < 0 && errno == ELOOP) {
        return refuse_link(path, error);
    }
    if (opened < 0) {
        return errno == EISDIR || errno == ENXIO ? refuse_other(path, error)
                                                 : open_failed(path, errno, error);
    }
    struct stat found;
    if (fstat(opened, &found) == 0 && !S_ISREG(found.st_mode)) {
        tj__file_close(opened);
        return refuse_other(path, error);
    }
    *fd = opened;
    return TJ_OK;
}

tj_status tj__file_may_create(const char *path, bool check_rights, tj_error *error)
{
    struct stat found;
    if (lstat(path, &found) != 0) {
        if (errno != ENOENT) {
            return FAIL_ERRNO(path, error, errno, "looking at %s", path);
        }
        char directory[PATH_MAX];
        return check_rights && directory_of(path, directory) ? tj__file_may_write(directory, error)
                                                             : TJ_OK;
    }
    if (S_ISLNK(found.st_mode)) {
        return refuse_link(path, error);
    }
    if (!S_ISREG(found.st_mode)) {
        return refuse_other(path, error);
    }
    return check_rights ? tj__file_may_write(path, error) : TJ_OK;
}

tj_status tj__file_may_write(const char *path, tj_error *error)
{
    return faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) != 0 && errno == EACCES
               ? open_failed(path, EACCES, error)
               : TJ_OK;
}

tj_status tj__file_rename(const char *from, const char *to, tj_error *error)
{
    if (rename(from, to) != 0) {
        return FAIL_ERRNO(from, error, errno, "renaming %s to %s", from, to);
    }
    return TJ_OK;
}

tj_status tj__file_rename_new(const char *from, const char *to, tj_error *error)
{
    int failed = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
    if (failed != 0 && (errno == EINVAL || errno == ENOSYS)) { /* not on this file system */
        failed = link(from, to) == 0 ? unlink(from) : -1;
    }
    if (failed == 0) {
        return TJ_OK;
    }
    if (errno == EEXIST) {
        return at_path(tj__fail(error, TJ_EXISTS, "%s is already there and is not replaced", to),
                       to, error);
    }
    return FAIL_ERRNO(from, error, errno, "renaming %s to %s", from, to);
}

tj_status tj__file_remove(const char *path, tj_error *error)
{
    if (unlink(path) != 0 && errno != ENOENT) {
        return FAIL_ERRNO(path, error, errno, "removing %s", path);
    }
    return TJ_OK;
}

tj_status tj__directory_sync(const char *path, tj_error *error)
{
    int fd = -1;
    TJ_TRY(tj__file_open(path, O_RDONLY | O_DIRECTORY, &fd, error));
    tj_status status = tj__file_sync(fd, path, error);
    tj__file_close(fd);
    return status;
}

tj_status tj__file_system_sync(const char *path, tj_error *error)
{
    int fd = -1;
    TJ_TRY(tj__file_open(path, O_RDONLY, &fd, error));
    tj_status status = syncfs(fd) == 0
                           ? TJ_OK
                           : tj__fail_errno(error, errno, "flushing the file system of %s", path);
    tj__file_close(fd);
    return status;
}

tj_status tj__directory_sync_parent(const char *path, tj_error *error)
{
    char parent[PATH_MAX];
    tj_error failure = TJ_ERROR_INIT;
    TJ_TRY(tj__path_parent(path, parent, error));
    if (tj__directory_sync(parent, &failure) != TJ_OK && failure.os_errno == EACCES) {
        return tj__file_system_sync(path, error); /* names can be made there, and not be read */
    }
    return tj__error_pass(error, &failure);
}

tj_status tj__path_appeared(const char *path, tj_error *error)
{
    tj_status status = tj__directory_sync_parent(path, error);
    if (status != TJ_OK) {
        tj__error_context(error,
                          "%s is there and whole, but a power cut may take it away: see to "
                          "the disk, remove it, and do this again",
                          path);
    }
    return status;
}

static tj_status create_one(const char *path, bool *made, tj_error *error)
{
    bool there = false;
    struct stat found;
    TJ_TRY(tj__path_look(path, &there, &found, error));
    if (!there && mkdir(path, DIRECTORY_MODE) == 0) {
        *made = true;
        return TJ_OK;
    }
    if (!there && errno != EEXIST) {
        return FAIL_ERRNO(path, error, errno, "creating the directory %s", path);
    }
    if (!there) { /* another process was faster */
        TJ_TRY(tj__path_look(path, &there, &found, error));
    }
    return S_ISDIR(found.st_mode)
               ? TJ_OK
               : at_path(tj__fail(error, TJ_INVALID, "%s is no directory, and one is needed there",
                                  path),
                         path, error);
}

tj_status tj__directory_make(const char *path, const char *model, tj_error *error)
{
    if (mkdir(path, DIRECTORY_MODE) != 0) {
        return errno == EEXIST
                   ? at_path(tj__fail(error, TJ_EXISTS, "%s is already there", path), path, error)
                   : FAIL_ERRNO(path, error, errno, "creating the directory %s", path);
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        own_as(fd, model, true);
    }
    tj__file_close(fd);
    return TJ_OK;
}

/* As root it may; else only the mode is this user's to give. */
void tj__directory_as(const char *path, const char *like)
{
    struct stat as;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && stat(like, &as) == 0) {
        own_as(fd, like, true);
        (void)!fchmod(fd, as.st_mode & 07777);
    }
    tj__file_close(fd);
}

static tj_status create(const char *path, bool flush_last, tj_error *error)
{
    char partial[PATH_MAX];
    size_t size = tj__path_trimmed_size(path);
    if (size == 0 || size >= sizeof partial) {
        return FAIL_ERRNO(path, error, size == 0 ? ENOENT : ENAMETOOLONG,
                          "creating the directory \"%s\"", path);
    }
    for (size_t i = 1; i <= size; i++) {
        if (i < size && (path[i] != '/' || path[i - 1] == '/')) {
            continue;
        }
        memcpy(partial, path, i);
        partial[i] = '\0';
        bool made = false;
        TJ_TRY(create_one(partial, &made, error));
        if (made && (i < size || flush_last)) {
            TJ_TRY(tj__directory_sync_parent(partial, error));
        }
    }
    return TJ_OK;
}

tj_status tj__directory_create(const char *path, tj_error *error)
{
    return create(path, true, error);
}

tj_status tj__directory_create_unflushed(const char *path, tj_error *error)
{
    return create(path, false, error);
}

/* Appends what the descriptor gives until its end or until more than `limit` bytes are there. */
static tj_status read_to_end(int fd, const char *path, size_t limit, tj__buffer *out,
                             tj_error *error)
{
    size_t before = out->size;
    for (;;) {
        if (!tj__buffer_reserve(out, READ_PIECE_SIZE)) {
            return at_path(tj__fail(error, TJ_NOMEM, "out of memory reading %s", path), path,
                           error);
        }
        ssize_t count = read(fd, out->data + out->size, out->capacity - out->size);
        if (count == 0) {
            return TJ_OK;
        }
        if (count < 0 && errno != EINTR) {
            return FAIL_ERRNO(path, error, errno, "reading %s", path);
        }
        out->size += count > 0 ? (size_t)count : 0;
        if (out->size - before > limit) {
            return at_path(tj__fail(error, TJ_LIMIT,
                                    "%s has more than %zu bytes, the most that are read", path,
                                    limit),
                           path, error);
        }
    }
}

tj_status tj__file_read_all(const char *path, size_t limit, tj__buffer *out, tj_error *error)
{
    size_t before = out->size;
    bool from_stdin = strcmp(path, "-") == 0;
    int fd = STDIN_FILENO;
    if (!from_stdin) {
        TJ_TRY(open_file(path, O_RDONLY, &fd, error));
    }
    tj_status status = read_to_end(fd, from_stdin ? "standard input" : path, limit, out, error);
    if (!from_stdin) {
        tj__file_close(fd);
    }
    if (status != TJ_OK) {
        out->size = before;
    }
    return status;
}

tj_status tj__file_read_own(const char *path, size_t limit, tj__buffer *out, tj_error *error)
{
    int fd = -1;
    size_t before = out->size;
    struct stat found;
    TJ_TRY(tj__file_open(path, O_RDONLY, &fd, error));
    tj_status status = TJ_OK;
    if (fstat(fd, &found) != 0) {
        status = FAIL_ERRNO(path, error, errno, "looking at %s", path);
    } else if (!S_ISREG(found.st_mode)) {
        status =
            at_path(tj__fail(error, TJ_CORRUPT, "%s is not a regular file", path), path, error);
    } else {
        status = read_to_end(fd, path, limit, out, error);
    }
    tj__file_close(fd);
    if (status != TJ_OK) {
        out->size = before;
    }
    return status;
}
