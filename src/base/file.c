/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Looking at paths, making and opening files as their owner, and reading, writing and flushing. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.h"

#define FILE_MODE 0660
#define DIRECTORY_MODE 0770
#define READ_PIECE_SIZE ((size_t)64 << 10)
/* With less free than this, an EIO from a write is probably a full disk. */
#define NEARLY_FULL_BYTES ((uint64_t)1 << 20)

static tj_status at_path(tj_status status, const char *path, tj_error *error)
{
    tj__error_place(error, "%s", path);
    return status;
}

#define FAIL_ERRNO(path, error, os_errno, ...) \
    at_path(tj__fail_errno(error, os_errno, __VA_ARGS__), path, error)

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

/* What the model allows to whom; of a directory, as a file in it. */
static mode_t mode_after(const struct stat *model, bool is_directory)
{
    if (is_directory) {
        return model->st_mode & (S_ISDIR(model->st_mode) ? 07777 : 0777);
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

tj_status tj__file_create(const char *path, int flags, const char *model, int *fd, tj_error *error)
{
    int opened = -1;
    bool exclusive = (flags & O_EXCL) != 0;
    flags |= O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    do {
        opened = exclusive ? -1 : open(path, flags);
        if (exclusive || (opened < 0 && errno == ENOENT)) {
            opened = open(path, flags | O_CREAT | O_EXCL, FILE_MODE);
            if (opened >= 0) {
                own_as(opened, model, false);
            }
        }
        /* Another process was faster, or removed it again. */
    } while (opened < 0 && (errno == EINTR || (errno == EEXIST && !exclusive)));
    if (opened < 0 && errno == ELOOP) {
        return FAIL_ERRNO(path, error, ELOOP,
                          "opening %s, where no symbolic link is followed: put the file itself "
                          "there, or remove the link",
                          path);
    }
    if (opened < 0) {
        return open_failed(path, errno, error);
    }
    *fd = opened;
    return TJ_OK;
}

void tj__file_close(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

/* Some file systems report a full disk as EIO, so the free space is looked at. */
static void explain_eio(int fd, tj_error *error)
{
    struct statvfs space;
    if (fstatvfs(fd, &space) != 0) {
        return;
    }
    uint64_t free_bytes = (uint64_t)space.f_bavail * space.f_frsize;
    if (free_bytes < NEARLY_FULL_BYTES) {
        tj__error_context(error, "the disk is possibly full (%" PRIu64 " KiB free)",
                          free_bytes >> 10);
    }
}

void tj__explain_size_limit(int os_errno, tj_error *error)
{
    struct rlimit limit;
    if (os_errno == EFBIG && getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
        limit.rlim_cur != RLIM_INFINITY) {
        tj__error_context(error,
                          "this process may make no file of more than %" PRIu64
                          " KiB: raise its limit (ulimit -f, LimitFSIZE=)",
                          (uint64_t)limit.rlim_cur >> 10);
    }
}

static tj_status write_failed(int fd, const char *path, int os_errno, size_t size, uint64_t offset,
                              tj_error *error)
{
    tj_status status = FAIL_ERRNO(
        path, error, os_errno, "writing %zu bytes at offset %" PRIu64 " of %s", size, offset, path);
    if (os_errno == EIO) {
        explain_eio(fd, error);
    }
    tj__explain_size_limit(os_errno, error);
    return status;
}

tj_status tj__file_write_at(int fd, const char *path, const void *data, size_t size,
                            uint64_t offset, tj_error *error)
{
    const uint8_t *from = data;
    size_t done = 0;
    while (done < size) {
        ssize_t wrote = pwrite(fd, from + done, size - done, (off_t)(offset + done));
        if (wrote > 0) {
            done += (size_t)wrote;
        } else if (wrote == 0 || errno != EINTR) {
            return write_failed(fd, path, wrote == 0 ? EIO : errno, size, offset, error);
        }
    }
    return TJ_OK;
}

tj_status tj__file_read_some(int fd, const char *path, void *data, size_t size, uint64_t offset,
                             size_t *got, tj_error *error)
{
    uint8_t *to = data;
    size_t done = 0;
    while (done < size) {
        ssize_t count = pread(fd, to + done, size - done, (off_t)(offset + done));
        if (count > 0) {
            done += (size_t)count;
        } else if (count == 0) {
            break;
        } else if (errno != EINTR) {
            return FAIL_ERRNO(path, error, errno, "reading %zu bytes at offset %" PRIu64 " of %s",
                              size, offset, path);
        }
    }
    *got = done;
    return TJ_OK;
}

tj_status tj__file_read_at(int fd, const char *path, void *data, size_t size, uint64_t offset,
                           tj_error *error)
{
    size_t got = 0;
    TJ_TRY(tj__file_read_some(fd, path, data, size, offset, &got, error));
    if (got == size) {
        return TJ_OK;
    }
    return at_path(tj__fail(error, TJ_CORRUPT,
                            "%s is too short: it has %zu of the %zu bytes at offset %" PRIu64, path,
                            got, size, offset),
                   path, error);
}

tj_status tj__file_size(int fd, const char *path, uint64_t *size, tj_error *error)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return FAIL_ERRNO(path, error, errno, "looking at the size of %s", path);
    }
    *size = (uint64_t)info.st_size;
    return TJ_OK;
}

tj_status tj__file_resize(int fd, const char *path, uint64_t size, tj_error *error)
{
    if (ftruncate(fd, (off_t)size) != 0) {
        return FAIL_ERRNO(path, error, errno, "making %s %" PRIu64 " bytes long", path, size);
    }
    return TJ_OK;
}

static tj_status flushed(int result, int fd, const char *path, tj_error *error)
{
    if (result == 0) {
        return TJ_OK;
    }
    int os_errno = errno;
    tj_status status = FAIL_ERRNO(path, error, os_errno, "flushing %s", path);
    if (os_errno == EIO) {
        explain_eio(fd, error);
    }
    return status;
}

tj_status tj__file_sync_data(int fd, const char *path, tj_error *error)
{
    return flushed(fdatasync(fd), fd, path, error);
}

tj_status tj__file_sync(int fd, const char *path, tj_error *error)
{
    return flushed(fsync(fd), fd, path, error);
}

tj_status tj__file_write_back(int fd, const char *path, uint64_t offset, size_t size,
                              tj_error *error)
{
    unsigned how = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    int result = sync_file_range(fd, (off_t)offset, (off_t)size, how);
    if (result != 0 && errno == ENOSYS) {
        return TJ_OK; /* the flush finds all of it to do */
    }
    return flushed(result, fd, path, error);
}

void tj__file_start_write_back(int fd)
{
    (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

tj_status tj__directory_sync(const char *path, tj_error *error)
{
    int fd = -1;
    TJ_TRY(tj__file_open(path, O_RDONLY | O_DIRECTORY, &fd, error));
    tj_status status = tj__file_sync(fd, path, error);
    tj__file_close(fd);
    return status;
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

static bool means_nothing_there(int os_errno)
{
    return os_errno == ENOENT || os_errno == ENOTDIR;
}

/* Where stat finds nothing: a link that leads nowhere, or what another process has made
 * meanwhile. */
static tj_status look_again(const char *path, bool *there, struct stat *info, tj_error *error)
{
    *there = lstat(path, info) == 0;
    if (!*there) {
        *info = (struct stat){0};
        return means_nothing_there(errno) ? TJ_OK
                                          : FAIL_ERRNO(path, error, errno, "looking at %s", path);
    }
    if (!S_ISLNK(info->st_mode)) {
        return TJ_OK;
    }
    return at_path(tj__fail(error, TJ_IO,
                            "%s is a symbolic link that leads nowhere: mount or put back what it "
                            "names, or remove the link",
                            path),
                   path, error);
}

tj_status tj__path_look(const char *path, bool *there, struct stat *found, tj_error *error)
{
    struct stat info = {0};
    bool is_there = stat(path, &info) == 0;
    if (!is_there && !means_nothing_there(errno)) {
        return FAIL_ERRNO(path, error, errno, "looking at %s", path);
    }
    if (!is_there) {
        TJ_TRY(look_again(path, &is_there, &info, error));
    }
    *there = is_there;
    *found = info;
    return TJ_OK;
}

tj_status tj__path_names(const char *path, dev_t device, ino_t inode, bool *same, tj_error *error)
{
    struct statx info;
    if (statx(AT_FDCWD, path, 0, STATX_INO, &info) == 0) {
        *same = info.stx_ino == inode && makedev(info.stx_dev_major, info.stx_dev_minor) == device;
        return TJ_OK;
    }
    if (!means_nothing_there(errno)) {
        return FAIL_ERRNO(path, error, errno, "looking at %s", path);
    }
    *same = false;
    return TJ_OK;
}

tj_status tj__directory_sync_parent(const char *path, tj_error *error)
{
    char parent[PATH_MAX];
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/') {
        size--;
    }
    while (size > 0 && path[size - 1] != '/') {
        size--;
    }
    if (size >= sizeof parent) {
        return FAIL_ERRNO(path, error, ENAMETOOLONG, "flushing the directory of %s", path);
    }
    memcpy(parent, path, size);
    parent[size] = '\0';
    return tj__directory_sync(size == 0 ? "." : parent, error);
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
               : FAIL_ERRNO(path, error, ENOTDIR, "creating the directory %s", path);
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

tj_status tj__directory_create(const char *path, tj_error *error)
{
    char partial[PATH_MAX];
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/') {
        size--;
    }
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
        if (made && i < size) {
            TJ_TRY(tj__directory_sync_parent(partial, error));
        }
    }
    return TJ_OK;
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

tj_status tj__path_join(char *out, size_t size, const char *directory, const char *name,
                        tj_error *error)
{
    size_t length = strlen(directory);
    const char *separator = length > 0 && directory[length - 1] == '/' ? "" : "/";
    size_t needed = length + strlen(separator) + strlen(name) + 1;
    if (needed > size) {
        return tj__fail(error, TJ_LIMIT, "the path %s%s%s is longer than %zu bytes", directory,
                        separator, name, size - 1);
    }
    snprintf(out, size, "%s%s%s", directory, separator, name);
    return TJ_OK;
}

/* Behind any leading "./"; "" for "." itself. */
static const char *skip_here(const char *path)
{
    while (path[0] == '.' && (path[1] == '/' || path[1] == '\0')) {
        path++;
        path += strspn(path, "/");
    }
    return path;
}

tj_status tj__path_absolute(const char *path, char *out, size_t size, tj_error *error)
{
    char here[PATH_MAX] = "";
    const char *rest = skip_here(path);
    if (path[0] != '/' && !getcwd(here, sizeof here)) {
        return at_path(tj__fail(error, TJ_IO,
                                "the working directory, from which %s is named, cannot be told "
                                "(%s): give the path from the root",
                                path, strerrordesc_np(errno)),
                       path, error);
    }
    if (path[0] != '/' && rest[0] != '\0') {
        return tj__path_join(out, size, here, rest, error);
    }
    int written = snprintf(out, size, "%s", path[0] == '/' ? path : here);
    return (size_t)written < size
               ? TJ_OK
               : tj__fail(error, TJ_LIMIT, "the path %s is longer than %zu bytes", path, size - 1);
}
