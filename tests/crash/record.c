/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The system calls that are watched, and the marks that a workload leaves among them. */
#include "crash/record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "crash/support.h"

#define FD_MAX 4096
#define FILES_MAX 4096
#define SHOWN __attribute__((visibility("default")))

typedef struct open_fd {
    bool watched;
    bool directory;
    bool durable; /* O_DSYNC */
    uint32_t file;
    char path[256]; /* of a directory */
} open_fd;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[512];
static size_t root_size;
static trace *recorded; /* NULL: nothing is recorded */
static open_fd fds[FD_MAX];
static ino_t inodes[FILES_MAX]; /* of file first_number + index + 1 */
static uint32_t first_number;
static uint32_t file_count;
static unsigned flush_time_us;

/* ---- what is watched -------------------------------------------------------------------- */

void record_begin(const char *directory, uint32_t first_file, trace *into)
{
    pthread_mutex_lock(&lock);
    root_size = (size_t)snprintf(root, sizeof root, "%s", directory);
    memset(fds, 0, sizeof fds);
    first_number = first_file;
    file_count = 0;
    recorded = into;
    pthread_mutex_unlock(&lock);
}

void record_end(void)
{
    pthread_mutex_lock(&lock);
    recorded = NULL;
    pthread_mutex_unlock(&lock);
}

void record_end_killed(void)
{
    pthread_mutex_lock(&lock); /* for good */
}

void record_slow_flushes(unsigned microseconds)
{
    flush_time_us = microseconds;
}

/* The part of a path below the root, "" for the root itself, NULL for any other path. */
static const char *below_root(const char *path)
{
    if (!recorded || strncmp(path, root, root_size) != 0) {
        return NULL;
    }
    if (path[root_size] == '\0') {
        return "";
    }
    return path[root_size] == '/' ? path + root_size + 1 : NULL;
}

static open_fd *watched_fd(int fd)
{
    return recorded && fd >= 0 && fd < FD_MAX && fds[fd].watched ? &fds[fd] : NULL;
}

static void add(event added)
{
    trace_add(recorded, &added);
}

static void add_mark(event_kind kind, uint64_t number, uint64_t sequence)
{
    pthread_mutex_lock(&lock);
    if (recorded) {
        add((event){.kind = kind, .offset = number, .size = sequence});
    }
    pthread_mutex_unlock(&lock);
}

void record_attempt(uint64_t number)
{
    add_mark(EVENT_ATTEMPT, number, 0);
}

void record_ack(uint64_t number, uint64_t sequence)
{
    add_mark(EVENT_ACK, number, sequence);
}

void record_opened(uint64_t sequence)
{
    add_mark(EVENT_OPENED, 0, sequence);
}

void record_closed(uint64_t sequence)
{
    add_mark(EVENT_CLOSED, 0, sequence);
}

/* ---- opening and closing ---------------------------------------------------------------- */

static uint32_t new_file(ino_t inode)
{
    if (file_count == FILES_MAX) {
        die("more than %d files", FILES_MAX);
    }
    inodes[file_count++] = inode;
    return first_number + file_count;
}

/* The number of the newest file with this inode: inodes are used again. */
static uint32_t file_of(ino_t inode)
{
    for (uint32_t i = file_count; i > 0; i--) {
        if (inodes[i - 1] == inode) {
            return first_number + i;
        }
    }
    return 0;
}

static void note_open(int fd, const char *path, int flags, bool was_there)
{
    struct stat info;
    if (fd >= FD_MAX || fstat(fd, &info) != 0) {
        die("descriptor %d of %s cannot be watched", fd, path);
    }
    open_fd *slot = &fds[fd];
    *slot = (open_fd){.watched = true, .directory = S_ISDIR(info.st_mode)};
    if (slot->directory) {
        snprintf(slot->path, sizeof slot->path, "%s", path);
        return;
    }
    slot->durable = (flags & O_DSYNC) != 0;
    slot->file = was_there ? file_of(info.st_ino) : 0;
    if (slot->file == 0) {
        slot->file = new_file(info.st_ino);
        add((event){.kind = was_there ? EVENT_KNOWN : EVENT_CREATE,
                    .file = slot->file,
                    .path = (char *)path});
    }
    if (was_there && (flags & O_TRUNC) != 0) {
        add((event){.kind = EVENT_RESIZE, .file = slot->file});
    }
}

static int open_watching(int directory, const char *path, int flags, mode_t mode)
{
    pthread_mutex_lock(&lock);
    struct stat info;
    const char *below = below_root(path);
    bool was_there = below && stat(path, &info) == 0;
    int fd = (int)syscall(SYS_openat, directory, path, flags, mode);
    int code = errno;
    if (fd >= 0 && below) {
        note_open(fd, below, flags, was_there);
    } else if (fd >= 0 && fd < FD_MAX) {
        fds[fd].watched = false;
    }
    pthread_mutex_unlock(&lock);
    errno = code;
    return fd;
}

static mode_t mode_argument(int flags, va_list arguments)
{
    return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

SHOWN int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_argument(flags, arguments);
    va_end(arguments);
    return open_watching(AT_FDCWD, path, flags, mode);
}

SHOWN int open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_argument(flags, arguments);
    va_end(arguments);
    return open_watching(AT_FDCWD, path, flags, mode);
}

SHOWN int openat(int directory, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_argument(flags, arguments);
    va_end(arguments);
    return open_watching(directory, path, flags, mode);
}

/* libc's own does not come by open. */
SHOWN int mkostemp(char *path, int flags)
{
    static unsigned made;
    char *end = path + strlen(path) - 6;
    snprintf(end, 7, "%06u", __atomic_fetch_add(&made, 1, __ATOMIC_RELAXED) % 1000000);
    return open_watching(AT_FDCWD, path, flags | O_RDWR | O_CREAT | O_EXCL, 0600);
}

SHOWN int close(int fd)
{
    pthread_mutex_lock(&lock);
    if (fd >= 0 && fd < FD_MAX) {
        fds[fd].watched = false;
    }
    pthread_mutex_unlock(&lock);
    return (int)syscall(SYS_close, fd);
}

/* ---- writing ---------------------------------------------------------------------------- */

static ssize_t write_watching(int fd, const struct iovec *parts, int count, off_t offset)
{
    ssize_t wrote = offset < 0 ? syscall(SYS_writev, fd, parts, count)
                               : syscall(SYS_pwritev, fd, parts, count, offset, 0);
    return wrote;
}

/* Writes, and records what was really written. Without an offset the descriptor's own counts. */
static ssize_t record_write(int fd, const struct iovec *parts, int count, off_t offset)
{
    pthread_mutex_lock(&lock);
    const open_fd *slot = watched_fd(fd);
    off_t at = slot && offset < 0 ? lseek(fd, 0, SEEK_CUR) : offset;
    ssize_t wrote = write_watching(fd, parts, count, offset);
    int code = errno;
    size_t rest = wrote > 0 && slot ? (size_t)wrote : 0;
    for (int i = 0; i < count && rest > 0; i++) {
        size_t size = parts[i].iov_len < rest ? parts[i].iov_len : rest;
        add((event){.kind = slot->durable ? EVENT_WRITE_DURABLE : EVENT_WRITE,
                    .file = slot->file,
                    .offset = (uint64_t)at,
                    .size = size,
                    .data = parts[i].iov_base});
        at += (off_t)size;
        rest -= size;
    }
    pthread_mutex_unlock(&lock);
    errno = code;
    return wrote;
}

SHOWN ssize_t write(int fd, const void *data, size_t size)
{
    struct iovec part = {(void *)data, size};
    return record_write(fd, &part, 1, -1);
}

SHOWN ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    struct iovec part = {(void *)data, size};
    return record_write(fd, &part, 1, offset);
}

SHOWN ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    return pwrite(fd, data, size, offset);
}

SHOWN ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return record_write(fd, parts, count, -1);
}

SHOWN ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    return record_write(fd, parts, count, offset);
}

SHOWN int ftruncate(int fd, off_t size)
{
    pthread_mutex_lock(&lock);
    int failed = (int)syscall(SYS_ftruncate, fd, size);
    const open_fd *slot = watched_fd(fd);
    if (failed == 0 && slot) {
        add((event){.kind = EVENT_RESIZE, .file = slot->file, .size = (uint64_t)size});
    }
    pthread_mutex_unlock(&lock);
    return failed;
}

SHOWN int ftruncate64(int fd, off64_t size)
{
    return ftruncate(fd, size);
}

SHOWN int fallocate(int fd, int mode, off_t offset, off_t size)
{
    pthread_mutex_lock(&lock);
    int failed = (int)syscall(SYS_fallocate, fd, mode, offset, size);
    const open_fd *slot = watched_fd(fd);
    if (failed == 0 && slot) {
        if (mode != 0) {
            die("fallocate with mode %d is not modelled", mode);
        }
        add((event){.kind = EVENT_GROW, .file = slot->file, .size = (uint64_t)(offset + size)});
    }
    pthread_mutex_unlock(&lock);
    return failed;
}

SHOWN int posix_fallocate(int fd, off_t offset, off_t size)
{
    return fallocate(fd, 0, offset, size) == 0 ? 0 : errno;
}

/* ---- flushing --------------------------------------------------------------------------- */

static int flush_watching(int fd, long number)
{
    pthread_mutex_lock(&lock);
    open_fd *slot = watched_fd(fd);
    open_fd seen = slot ? *slot : (open_fd){0};
    uint64_t covers = recorded ? recorded->count : 0;
    pthread_mutex_unlock(&lock);
    int failed = (int)syscall(number, fd);
    if (failed != 0 || !slot) {
        return failed;
    }
    if (flush_time_us > 0) {
        usleep(flush_time_us);
    }
    pthread_mutex_lock(&lock);
    if (recorded) {
        add((event){.kind = seen.directory ? EVENT_FLUSH_DIRECTORY : EVENT_FLUSH,
                    .file = seen.file,
                    .covers = covers,
                    .path = seen.directory ? seen.path : NULL});
    }
    pthread_mutex_unlock(&lock);
    return 0;
}

SHOWN int fsync(int fd)
{
    return flush_watching(fd, SYS_fsync);
}

SHOWN int fdatasync(int fd)
{
    return flush_watching(fd, SYS_fdatasync);
}

/* ---- names ------------------------------------------------------------------------------ */

/* Does a call on one path and records it when it succeeds. */
static int change_name(event_kind kind, const char *path, long number, int argument)
{
    pthread_mutex_lock(&lock);
    const char *below = below_root(path);
    int failed = (int)syscall(number, AT_FDCWD, path, argument);
    int code = errno;
    if (failed == 0 && below) {
        add((event){.kind = kind, .path = (char *)below});
    }
    pthread_mutex_unlock(&lock);
    errno = code;
    return failed;
}

SHOWN int mkdir(const char *path, mode_t mode)
{
    return change_name(EVENT_MKDIR, path, SYS_mkdirat, (int)mode);
}

SHOWN int rmdir(const char *path)
{
    return change_name(EVENT_RMDIR, path, SYS_unlinkat, AT_REMOVEDIR);
}

SHOWN int unlink(const char *path)
{
    return change_name(EVENT_UNLINK, path, SYS_unlinkat, 0);
}

/* By an open directory. */
SHOWN int unlinkat(int directory, const char *name, int flags)
{
    char path[PATH_MAX];
    pthread_mutex_lock(&lock);
    open_fd *slot = watched_fd(directory);
    int failed = (int)syscall(SYS_unlinkat, directory, name, flags);
    int code = errno;
    if (failed == 0 && slot) {
        snprintf(path, sizeof path, "%s%s%s", slot->path, slot->path[0] == '\0' ? "" : "/", name);
        add((event){.kind = (flags & AT_REMOVEDIR) != 0 ? EVENT_RMDIR : EVENT_UNLINK,
                    .path = path});
    }
    pthread_mutex_unlock(&lock);
    errno = code;
    return failed;
}

SHOWN int link(const char *from, const char *to)
{
    pthread_mutex_lock(&lock);
    const char *from_below = below_root(from);
    const char *to_below = below_root(to);
    int failed = (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    int code = errno;
    if (failed == 0 && from_below && to_below) {
        add((event){.kind = EVENT_LINK, .path = (char *)from_below, .to = (char *)to_below});
    }
    pthread_mutex_unlock(&lock);
    errno = code;
    return failed;
}

static int rename_watching(const char *from, const char *to, unsigned flags)
{
    pthread_mutex_lock(&lock);
    const char *from_below = below_root(from);
    const char *to_below = below_root(to);
    int failed = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
    int code = errno;
    if (failed == 0 && (from_below || to_below)) {
        if (!from_below || !to_below) {
            die("%s was renamed to %s, across the border of what is watched", from, to);
        }
        add((event){.kind = flags & RENAME_EXCHANGE ? EVENT_EXCHANGE : EVENT_RENAME,
                    .path = (char *)from_below,
                    .to = (char *)to_below});
    }
    pthread_mutex_unlock(&lock);
    errno = code;
    return failed;
}

SHOWN int rename(const char *from, const char *to)
{
    return rename_watching(from, to, 0);
}

SHOWN int renameat2(int from_directory, const char *from, int to_directory, const char *to,
                    unsigned flags)
{
    if (from_directory != AT_FDCWD || to_directory != AT_FDCWD) {
        die("renaming %s by an open directory is not modelled", from);
    }
    return rename_watching(from, to, flags);
}
