/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is at a path, and paths as text. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_fail.h"

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

tj_status tj__path_names_whole(const char *path, dev_t device, ino_t inode, uint64_t size,
                               bool *same, bool *whole, tj_error *error)
{
    struct statx info;
    if (statx(AT_FDCWD, path, 0, STATX_INO | STATX_SIZE, &info) == 0) {
        *same = info.stx_ino == inode && makedev(info.stx_dev_major, info.stx_dev_minor) == device;
        *whole = info.stx_size >= size;
        return TJ_OK;
    }
    if (!means_nothing_there(errno)) {
        return FAIL_ERRNO(path, error, errno, "looking at %s", path);
    }
    *same = *whole = false;
    return TJ_OK;
}

tj_status tj__path_names(const char *path, dev_t device, ino_t inode, bool *same, tj_error *error)
{
    bool whole = false;
    return tj__path_names_whole(path, device, inode, 0, same, &whole, error);
}

tj_status tj__path_names_open(const char *path, int fd, bool *same, tj_error *error)
{
    struct stat held;
    return fstat(fd, &held) == 0 ? tj__path_names(path, held.st_dev, held.st_ino, same, error)
                                 : FAIL_ERRNO(path, error, errno, "looking at %s", path);
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

size_t tj__path_trimmed_size(const char *path)
{
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/') {
        size--;
    }
    return size;
}

tj_status tj__path_parent(const char *path, char out[PATH_MAX], tj_error *error)
{
    size_t size = tj__path_trimmed_size(path);
    while (size > 0 && path[size - 1] != '/') {
        size--;
    }
    while (size > 1 && path[size - 1] == '/') {
        size--;
    }
    if (size >= PATH_MAX) {
        return FAIL_ERRNO(path, error, ENAMETOOLONG, "naming the directory of %s", path);
    }
    memcpy(out, path, size);
    out[size] = '\0';
    if (size == 0) {
        memcpy(out, ".", sizeof ".");
    }
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
    if (!path[0]) {
        return tj__fail(error, TJ_INVALID, "the path is empty");
    }
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
