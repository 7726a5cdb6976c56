/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Stand-ins for the system calls that can touch a journal: they count those whose path or
 * descriptor lies below a directory, and let a chosen one fail, or come out short. Calls of LMDB
 * and SQLite are among them. A program includes this once.
 */
#ifndef TJ_TESTS_FAULT_CALLS_H
#define TJ_TESTS_FAULT_CALLS_H

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "support/stand_in.h"

#define CALLS_MAX 4096
#define CALL_PATH_SIZE (4096 + 256)
/* In place of an errno: half of what was asked for; or the process is killed before the call. */
#define CALL_SHORT (-1)
#define CALL_KILL (-2)

typedef enum call_kind {
    CALL_OPEN,
    CALL_CREATE, /* an open that may make the file */
    CALL_STAT,
    CALL_LIST, /* of a directory */
    CALL_READ,
    CALL_WRITE,
    CALL_FLUSH,
    CALL_RESIZE,
    CALL_NAME, /* rename, unlink, mkdir, rmdir */
    CALL_MODE, /* chmod, chown */
    CALL_MAP,
    CALL_LOCK,
    CALL_SPACE, /* of the file system */
    CALL_KINDS
} call_kind;

#define CALLS_THAT_WRITE (1u << CALL_WRITE | 1u << CALL_FLUSH | 1u << CALL_RESIZE | 1u << CALL_NAME)

/* What a call of each kind may plausibly answer; 0 ends the list. */
static const int call_codes[CALL_KINDS][10] = {
    [CALL_OPEN] = {EIO, ENOMEM, EACCES, EPERM, EMFILE, EROFS, ELOOP, EINTR},
    [CALL_CREATE] = {EIO, ENOMEM, EACCES, EPERM, EMFILE, ENOSPC, EDQUOT, EROFS, EINTR},
    [CALL_STAT] = {EIO, ENOMEM, EACCES, ELOOP},
    [CALL_LIST] = {EIO, ENOMEM, EACCES, EMFILE},
    [CALL_READ] = {EIO, EINTR, CALL_SHORT},
    [CALL_WRITE] = {EIO, ENOSPC, EDQUOT, EINTR, CALL_SHORT},
    [CALL_FLUSH] = {EIO, ENOSPC, EDQUOT},
    [CALL_RESIZE] = {EIO, ENOSPC, EDQUOT, EINTR, EPERM},
    [CALL_NAME] = {EIO, ENOSPC, EDQUOT, EACCES, EPERM, EROFS},
    [CALL_MODE] = {EIO, EPERM, EROFS},
    [CALL_MAP] = {ENOMEM, EACCES, EPERM},
    [CALL_LOCK] = {EIO, ENOLCK, EINTR},
    [CALL_SPACE] = {EIO, ENOMEM, EACCES},
};

static struct {
    char root[512]; /* calls below it are counted; empty: none are */
    unsigned kinds; /* bit of each kind that is counted */
    long calls;
    long fail_at; /* number of the call that fails; 0: none does */
    bool lasting; /* and so do all after it */
    int only;     /* it fails only if it is of this kind; CALL_KINDS: any is */
    int code;
    unsigned char kind_of[CALLS_MAX]; /* of each call that was counted */
    /* the call that failed */
    bool failed;
    char name[32];
    char path[CALL_PATH_SIZE];
    /* called instead of flushing a log segment; NULL: nothing is */
    void (*stall)(void);
} io;

/* Counts the calls below this directory from here on, and lets one fail. */
static inline void calls_watch(const char *root, unsigned kinds, long fail_at, int code)
{
    io.failed = false;
    io.calls = 0;
    io.kinds = kinds;
    io.fail_at = fail_at;
    io.lasting = false;
    io.only = CALL_KINDS;
    io.code = code;
    snprintf(io.root, sizeof io.root, "%.*s", (int)sizeof io.root - 1, root);
}

/* Nothing is counted any more, nothing fails. */
static inline void calls_ignore(void)
{
    io.root[0] = '\0';
}

/* ---- which calls ---------------------------------------------------------------------------- */

static bool call_is_below(const char *path)
{
    size_t size = strlen(io.root);
    return (strncmp(path, io.root, size) == 0 && (path[size] == '/' || path[size] == '\0')) ||
           strcmp(path, "/proc/sys/kernel/random/boot_id") == 0;
}

static bool call_path_of(int fd, char path[CALL_PATH_SIZE])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = syscall(SYS_readlinkat, AT_FDCWD, link, path, CALL_PATH_SIZE - 1);
    path[size > 0 ? size : 0] = '\0';
    return size > 0;
}

/* A path that starts at a descriptor. */
static void call_path_at(int directory, const char *path, char out[CALL_PATH_SIZE])
{
    if (path[0] == '/' || directory == AT_FDCWD || !call_path_of(directory, out)) {
        snprintf(out, CALL_PATH_SIZE, "%s", path);
    } else if (path[0] != '\0') {
        size_t size = strlen(out);
        snprintf(out + size, CALL_PATH_SIZE - size, "/%s", path);
    }
}

/* Whether this call is the one that fails, with errno set; a short one does not fail. */
static bool call_fails(call_kind kind, const char *name, const char *path)
{
    if (io.root[0] == '\0' || (io.kinds >> kind & 1) == 0 || !call_is_below(path)) {
        return false;
    }
    if (io.calls < CALLS_MAX) {
        io.kind_of[io.calls] = (unsigned char)kind;
    }
    bool comes_short = kind == CALL_READ || kind == CALL_WRITE;
    long number = ++io.calls;
    bool chosen = number == io.fail_at || (io.lasting && io.fail_at > 0 && number > io.fail_at);
    chosen = chosen && (io.only == CALL_KINDS || io.only == (int)kind);
    if (!chosen || (io.code == CALL_SHORT && !comes_short)) {
        return false;
    }
    if (io.code == CALL_KILL) {
        (void)raise(SIGKILL);
    }
    io.failed = true;
    snprintf(io.name, sizeof io.name, "%s", name);
    snprintf(io.path, sizeof io.path, "%s", path);
    errno = io.code;
    return true;
}

static bool fd_fails(call_kind kind, const char *name, int fd)
{
    char path[CALL_PATH_SIZE];
    int before = errno;
    bool known = io.root[0] != '\0' && call_path_of(fd, path);
    errno = before;
    return known && call_fails(kind, name, path);
}

static bool at_fails(call_kind kind, const char *name, int directory, const char *path)
{
    char whole[CALL_PATH_SIZE];
    if (io.root[0] == '\0') {
        return false;
    }
    call_path_at(directory, path, whole);
    return call_fails(kind, name, whole);
}

/* The function that is stood in for. */
#define NEXT(type, name) \
    type;                \
    *(void **)(&next) = dlsym(RTLD_NEXT, name)

/* ---- opening -------------------------------------------------------------------------------- */

static int call_open(int directory, const char *path, int flags, mode_t mode)
{
    bool creates = (flags & O_CREAT) != 0;
    return at_fails(creates ? CALL_CREATE : CALL_OPEN, "open", directory, path)
               ? -1
               : (int)syscall(SYS_openat, directory, path, flags, mode);
}

#define CALL_MODE_ARGUMENT(flags)         \
    mode_t mode = 0;                      \
    va_list arguments;                    \
    va_start(arguments, flags);           \
    if ((flags & (O_CREAT)) != 0) {       \
        mode = va_arg(arguments, mode_t); \
    }                                     \
    va_end(arguments)

STAND_IN int open(const char *path, int flags, ...)
{
    CALL_MODE_ARGUMENT(flags);
    return call_open(AT_FDCWD, path, flags, mode);
}

STAND_IN int open64(const char *path, int flags, ...)
{
    CALL_MODE_ARGUMENT(flags);
    return call_open(AT_FDCWD, path, flags, mode);
}

STAND_IN int openat(int directory, const char *path, int flags, ...)
{
    CALL_MODE_ARGUMENT(flags);
    return call_open(directory, path, flags, mode);
}

/* ---- looking -------------------------------------------------------------------------------- */

static int call_stat(const char *name, int directory, const char *path, struct stat *out, int flags)
{
    return at_fails(CALL_STAT, name, directory, path)
               ? -1
               : (int)syscall(SYS_newfstatat, directory, path, out, flags);
}

STAND_IN int stat(const char *restrict path, struct stat *restrict out)
{
    return call_stat("stat", AT_FDCWD, path, out, 0);
}

STAND_IN int lstat(const char *restrict path, struct stat *restrict out)
{
    return call_stat("lstat", AT_FDCWD, path, out, AT_SYMLINK_NOFOLLOW);
}

STAND_IN int fstatat(int directory, const char *restrict path, struct stat *restrict out, int flags)
{
    return call_stat("fstatat", directory, path, out, flags);
}

STAND_IN int fstat(int fd, struct stat *out)
{
    return fd_fails(CALL_STAT, "fstat", fd) ? -1 : (int)syscall(SYS_fstat, fd, out);
}

/* What LMDB of Debian 12 calls. */
int __fxstat(int version, int fd, struct stat *out);
STAND_IN int __fxstat(int version, int fd, struct stat *out)
{
    (void)version;
    return fd_fails(CALL_STAT, "fstat", fd) ? -1 : (int)syscall(SYS_fstat, fd, out);
}

STAND_IN int statx(int directory, const char *restrict path, int flags, unsigned mask,
                   struct statx *restrict out)
{
    return at_fails(CALL_STAT, "statx", directory, path)
               ? -1
               : (int)syscall(SYS_statx, directory, path, flags, mask, out);
}

STAND_IN int access(const char *path, int mode)
{
    return at_fails(CALL_STAT, "access", AT_FDCWD, path)
               ? -1
               : (int)syscall(SYS_faccessat, AT_FDCWD, path, mode);
}

STAND_IN ssize_t readlink(const char *restrict path, char *restrict out, size_t size)
{
    return at_fails(CALL_STAT, "readlink", AT_FDCWD, path)
               ? -1
               : syscall(SYS_readlinkat, AT_FDCWD, path, out, size);
}

STAND_IN int statfs(const char *path, struct statfs *out)
{
    return at_fails(CALL_SPACE, "statfs", AT_FDCWD, path) ? -1
                                                          : (int)syscall(SYS_statfs, path, out);
}

STAND_IN int fstatfs(int fd, struct statfs *out)
{
    return fd_fails(CALL_SPACE, "fstatfs", fd) ? -1 : (int)syscall(SYS_fstatfs, fd, out);
}

STAND_IN int statvfs(const char *restrict path, struct statvfs *restrict out)
{
    int NEXT((*next)(const char *, struct statvfs *), "statvfs");
    return at_fails(CALL_SPACE, "statvfs", AT_FDCWD, path) ? -1 : next(path, out);
}

STAND_IN int fstatvfs(int fd, struct statvfs *out)
{
    int NEXT((*next)(int, struct statvfs *), "fstatvfs");
    return fd_fails(CALL_SPACE, "fstatvfs", fd) ? -1 : next(fd, out);
}

STAND_IN int ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return fd_fails(CALL_SPACE, "ioctl", fd) ? -1 : (int)syscall(SYS_ioctl, fd, request, argument);
}

STAND_IN DIR *opendir(const char *path)
{
    DIR *NEXT((*next)(const char *), "opendir");
    return at_fails(CALL_LIST, "opendir", AT_FDCWD, path) ? NULL : next(path);
}

STAND_IN DIR *fdopendir(int fd)
{
    DIR *NEXT((*next)(int), "fdopendir");
    return fd_fails(CALL_LIST, "fdopendir", fd) ? NULL : next(fd);
}

STAND_IN struct dirent *readdir(DIR *stream)
{
    struct dirent *NEXT((*next)(DIR *), "readdir");
    return fd_fails(CALL_LIST, "readdir", dirfd(stream)) ? NULL : next(stream);
}

/* ---- reading and writing --------------------------------------------------------------------- */

/* Half of a size, when this call is to come out short. */
static size_t call_halved(size_t size, bool chosen)
{
    return chosen && size > 1 ? size / 2 : size;
}

#define CALL_TRANSFER(kind, name, fd, size, real) \
    bool chosen = fd_fails(kind, name, fd);       \
    if (chosen && io.code != CALL_SHORT) {        \
        return -1;                                \
    }                                             \
    size = call_halved(size, chosen);             \
    return real

STAND_IN ssize_t read(int fd, void *data, size_t size)
{
    CALL_TRANSFER(CALL_READ, "read", fd, size, syscall(SYS_read, fd, data, size));
}

/* LMDB and SQLite take a short read for the end of the file; local file systems give no other. */
static bool call_is_foreign(void *caller)
{
    Dl_info from;
    return dladdr(caller, &from) != 0 &&
           (strstr(from.dli_fname, "liblmdb") || strstr(from.dli_fname, "libsqlite3"));
}

STAND_IN ssize_t pread(int fd, void *data, size_t size, off_t offset)
{
    bool chosen = fd_fails(CALL_READ, "pread", fd);
    if (chosen && io.code != CALL_SHORT) {
        return -1;
    }
    chosen = chosen && !call_is_foreign(__builtin_return_address(0));
    return syscall(SYS_pread64, fd, data, call_halved(size, chosen), offset);
}

STAND_IN ssize_t pread64(int fd, void *data, size_t size, off64_t offset)
{
    return pread(fd, data, size, offset);
}

STAND_IN ssize_t write(int fd, const void *data, size_t size)
{
    CALL_TRANSFER(CALL_WRITE, "write", fd, size, syscall(SYS_write, fd, data, size));
}

STAND_IN ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    CALL_TRANSFER(CALL_WRITE, "pwrite", fd, size, syscall(SYS_pwrite64, fd, data, size, offset));
}

STAND_IN ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    return pwrite(fd, data, size, offset);
}

STAND_IN ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    bool chosen = fd_fails(CALL_WRITE, "writev", fd);
    if (chosen && io.code != CALL_SHORT) {
        return -1;
    }
    return syscall(SYS_writev, fd, pieces, chosen && count > 1 ? count / 2 : count);
}

STAND_IN ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t offset)
{
    bool chosen = fd_fails(CALL_WRITE, "pwritev", fd);
    if (chosen && io.code != CALL_SHORT) {
        return -1;
    }
    return syscall(SYS_pwritev, fd, pieces, chosen && count > 1 ? count / 2 : count, offset, 0);
}

/* ---- flushing and sizes ---------------------------------------------------------------------- */

STAND_IN int fdatasync(int fd)
{
    char path[CALL_PATH_SIZE];
    if (io.stall && call_path_of(fd, path) && strstr(path, ".log")) {
        io.stall();
    }
    return fd_fails(CALL_FLUSH, "fdatasync", fd) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

STAND_IN int fsync(int fd)
{
    return fd_fails(CALL_FLUSH, "fsync", fd) ? -1 : (int)syscall(SYS_fsync, fd);
}

STAND_IN int msync(void *start, size_t size, int flags)
{
    return (int)syscall(SYS_msync, start, size, flags);
}

STAND_IN int sync_file_range(int fd, off64_t offset, off64_t size, unsigned flags)
{
    return fd_fails(CALL_FLUSH, "sync_file_range", fd)
               ? -1
               : (int)syscall(SYS_sync_file_range, fd, offset, size, flags);
}

STAND_IN int ftruncate(int fd, off_t size)
{
    return fd_fails(CALL_RESIZE, "ftruncate", fd) ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

STAND_IN int ftruncate64(int fd, off64_t size)
{
    return ftruncate(fd, size);
}

STAND_IN int truncate(const char *path, off_t size)
{
    return at_fails(CALL_RESIZE, "truncate", AT_FDCWD, path)
               ? -1
               : (int)syscall(SYS_truncate, path, size);
}

STAND_IN int fallocate(int fd, int mode, off_t offset, off_t size)
{
    return fd_fails(CALL_RESIZE, "fallocate", fd)
               ? -1
               : (int)syscall(SYS_fallocate, fd, mode, offset, size);
}

STAND_IN int posix_fallocate(int fd, off_t offset, off_t size)
{
    return fallocate(fd, 0, offset, size) == 0 ? 0 : errno;
}

/* ---- names and owners ------------------------------------------------------------------------ */

STAND_IN int rename(const char *from, const char *to)
{
    return at_fails(CALL_NAME, "rename", AT_FDCWD, from)
               ? -1
               : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

STAND_IN int renameat(int from_directory, const char *from, int to_directory, const char *to)
{
    return at_fails(CALL_NAME, "renameat", from_directory, from)
               ? -1
               : (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, 0);
}

STAND_IN int renameat2(int from_directory, const char *from, int to_directory, const char *to,
                       unsigned flags)
{
    return at_fails(CALL_NAME, "renameat2", from_directory, from)
               ? -1
               : (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, flags);
}

STAND_IN int unlink(const char *path)
{
    return at_fails(CALL_NAME, "unlink", AT_FDCWD, path)
               ? -1
               : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

STAND_IN int unlinkat(int directory, const char *path, int flags)
{
    return at_fails(CALL_NAME, "unlinkat", directory, path)
               ? -1
               : (int)syscall(SYS_unlinkat, directory, path, flags);
}

STAND_IN int rmdir(const char *path)
{
    return at_fails(CALL_NAME, "rmdir", AT_FDCWD, path)
               ? -1
               : (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}

STAND_IN int mkdir(const char *path, mode_t mode)
{
    return at_fails(CALL_NAME, "mkdir", AT_FDCWD, path)
               ? -1
               : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

STAND_IN int mkdirat(int directory, const char *path, mode_t mode)
{
    return at_fails(CALL_NAME, "mkdirat", directory, path)
               ? -1
               : (int)syscall(SYS_mkdirat, directory, path, mode);
}

STAND_IN int fchmod(int fd, mode_t mode)
{
    return fd_fails(CALL_MODE, "fchmod", fd) ? -1 : (int)syscall(SYS_fchmod, fd, mode);
}

STAND_IN int fchown(int fd, uid_t owner, gid_t group)
{
    return fd_fails(CALL_MODE, "fchown", fd) ? -1 : (int)syscall(SYS_fchown, fd, owner, group);
}

STAND_IN int fchownat(int directory, const char *path, uid_t owner, gid_t group, int flags)
{
    return at_fails(CALL_MODE, "fchownat", directory, path)
               ? -1
               : (int)syscall(SYS_fchownat, directory, path, owner, group, flags);
}

/* ---- maps and locks -------------------------------------------------------------------------- */

STAND_IN void *mmap(void *start, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (fd >= 0 && fd_fails(CALL_MAP, "mmap", fd)) {
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, start, size, protection, flags, fd, offset);
}

STAND_IN int flock(int fd, int operation)
{
    return fd_fails(CALL_LOCK, "flock", fd) ? -1 : (int)syscall(SYS_flock, fd, operation);
}

STAND_IN int fcntl(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return fd_fails(CALL_LOCK, "fcntl", fd) ? -1 : (int)syscall(SYS_fcntl, fd, command, argument);
}

#endif
