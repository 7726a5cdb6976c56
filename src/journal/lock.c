/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Taking and releasing the lock, and who holds it. What else its page says: mark.c. */
#include "journal/lock_page.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/in_place.h"

static tj_status refuse_other(const tj__lock *lock, tj_error *error)
{
    return tj__fail(error, TJ_CORRUPT,
                    "%s is not a regular file: move it away, the next writer makes a new one",
                    lock->path);
}

static tj_status map_page(tj__lock *lock, int protection, tj_error *error)
{
    struct stat now;
    if (fstat(lock->fd, &now) != 0) {
        return tj__fail_errno(error, errno, "looking at %s", lock->path);
    }
    if (!S_ISREG(now.st_mode)) {
        return refuse_other(lock, error);
    }
    if (now.st_size < TJ__LOCK_SIZE) {
        return tj__fail(error, TJ_NOT_FOUND, "%s has %lld bytes instead of %d", lock->path,
                        (long long)now.st_size, TJ__LOCK_SIZE);
    }
    TJ_TRY(tj__boot_read(lock->fd, &lock->boot, error));
    void *page = mmap(NULL, TJ__LOCK_SIZE, protection, MAP_SHARED, lock->fd, 0);
    if (page == MAP_FAILED) {
        return tj__fail_errno(error, errno, "mapping %s", lock->path);
    }
    lock->page = page;
    lock->device = now.st_dev;
    lock->inode = now.st_ino;
    return TJ_OK;
}

/* A page that was never written, or only in part, or is a hole of a sparse copy, is made whole
 * before it is mapped: a store into a hole of a full disk would be a SIGBUS. It needs no flush:
 * after a power cut the mark is not believed, and a page that is gone is made again. */
static tj_status make_whole(tj__lock *lock, tj_error *error)
{
    struct stat now;
    if (fstat(lock->fd, &now) != 0) {
        return tj__fail_errno(error, errno, "looking at %s", lock->path);
    }
    if (now.st_size >= TJ__LOCK_SIZE) {
        bool is_hole = now.st_blocks == 0;
        int code = is_hole ? posix_fallocate(lock->fd, 0, TJ__LOCK_SIZE) : 0;
        return code == 0 ? TJ_OK
                         : tj__fail_errno(error, code, "reserving %d bytes for %s", TJ__LOCK_SIZE,
                                          lock->path);
    }
    uint8_t zeros[TJ__LOCK_SIZE] = {0};
    if (now.st_size == 0) {
        tj__file_in_place(lock->fd);
    }
    return tj__file_write_at(lock->fd, lock->path, zeros, sizeof zeros, 0, error);
}

/* With its own bytes: it then has a block of its own, where there is one. */
static void rewrite_page(const tj__lock *lock)
{
    uint8_t page[TJ__LOCK_SIZE];
    if (tj__file_read_at(lock->fd, lock->path, page, sizeof page, 0, NULL) == TJ_OK) {
        (void)tj__file_write_at(lock->fd, lock->path, page, sizeof page, 0, NULL);
    }
}

static tj_status new_lock(const char *directory, tj__lock **out, tj_error *error)
{
    tj__lock *lock = calloc(1, sizeof *lock);
    if (!lock) {
        return tj__fail(error, TJ_NOMEM, "no memory for the writer's lock");
    }
    lock->fd = -1;
    lock->data_fd = -1;
    tj_status status =
        tj__path_join(lock->path, sizeof lock->path, directory, TJ__WRITER_LOCK_NAME, error);
    if (status != TJ_OK) {
        free(lock);
        return status;
    }
    *out = lock;
    return TJ_OK;
}

bool tj__lock_is_locked(const tj__lock *lock, off_t byte)
{
    struct flock range = tj__lock_byte(F_RDLCK, byte);
    return fcntl(lock->fd, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK;
}

/* Whether the pid in the page is of a process that is gone (or of another pid namespace). */
static bool holder_is_gone(const uint8_t *page)
{
    int64_t pid = (int64_t)tj__load_u64(page + TJ__LOCK_PID_AT);
    return pid <= 0 || pid > INT_MAX || (kill((pid_t)pid, 0) != 0 && errno == ESRCH);
}

static void copy_holder(const uint8_t *page, char holder[TJ__HOLDER_SIZE])
{
    memcpy(holder, page + TJ__LOCK_HOLDER_AT, TJ__HOLDER_SIZE - 1);
    holder[TJ__HOLDER_SIZE - 1] = '\0';
    for (char *c = holder; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20) {
            *c = ' ';
        }
    }
}

static tj_status refuse_second_writer(const tj__lock *lock, const char *directory, tj_error *error)
{
    uint8_t page[TJ__LOCK_SIZE] = {0};
    char holder[TJ__HOLDER_SIZE] = "";
    size_t got = 0;
    if (tj__file_read_some(lock->fd, lock->path, page, sizeof page, 0, &got, NULL) == TJ_OK) {
        copy_holder(page, holder);
    }
    if (holder[0] == '\0' || holder_is_gone(page)) {
        snprintf(holder, sizeof holder,
                 "a process that is just opening it, or one of another pid "
                 "namespace");
    }
    tj__fail(error, TJ_BUSY,
             "journal %s is held by another writer (%s): stop it first, or open the journal "
             "read-only to look on",
             directory, holder);
    tj__error_place(error, "%s", lock->path);
    return TJ_BUSY;
}

/* One that is new is owned as data.mdb or, while a journal is made, as its directory. */
static tj_status open_or_make(tj__lock *lock, const char *directory, tj_error *error)
{
    char data_path[PATH_MAX];
    bool there = false;
    struct stat found;
    TJ_TRY(tj__path_join(data_path, sizeof data_path, directory, "data.mdb", error));
    TJ_TRY(tj__path_look(data_path, &there, &found, error));
    return tj__file_create(lock->path, O_RDWR, there ? data_path : directory, &lock->fd, error);
}

tj_status tj__lock_take(const char *directory, tj__lock **out, tj_error *error)
{
    *out = NULL;
    tj__lock *lock = NULL;
    TJ_TRY(new_lock(directory, &lock, error));
    lock->writer = true;
    tj_status status = open_or_make(lock, directory, error);
    if (status != TJ_OK) {
        goto done;
    }
    struct flock range = tj__lock_byte(F_WRLCK, TJ__LOCK_HELD);
    if (fcntl(lock->fd, F_OFD_SETLK, &range) != 0) {
        status = errno == EAGAIN || errno == EACCES
                     ? refuse_second_writer(lock, directory, error)
                     : tj__fail_errno(error, errno, "locking %s", lock->path);
        goto done;
    }
    lock->may_share = tj__file_may_share(lock->fd);
    status = make_whole(lock, error);
    if (status == TJ_OK && lock->may_share) {
        rewrite_page(lock);
    }
    if (status == TJ_OK) {
        status = map_page(lock, PROT_READ | PROT_WRITE, error);
    }
done:
    if (status != TJ_OK) {
        tj__lock_release(lock);
        return status;
    }
    *out = lock;
    return TJ_OK;
}

tj_status tj__lock_take_data(tj__lock *lock, const char *data_path, tj_error *error)
{
    TJ_TRY(tj__file_open(data_path, O_RDWR, &lock->data_fd, error));
    struct flock range = tj__lock_byte(F_WRLCK, TJ__LOCK_HELD);
    if (fcntl(lock->data_fd, F_OFD_SETLK, &range) == 0) {
        return TJ_OK;
    }
    if (errno != EAGAIN && errno != EACCES) {
        return tj__fail_errno(error, errno, "locking %s", data_path);
    }
    tj__fail(error, TJ_BUSY,
             "%s is held by another writer, whose writer.lock was removed or replaced: stop it "
             "first (`fuser %s` names it), or open the journal read-only to look on",
             data_path, data_path);
    tj__error_place(error, "%s", data_path);
    return TJ_BUSY;
}

tj_status tj__lock_look(const char *directory, tj__lock **out, tj_error *error)
{
    *out = NULL;
    tj__lock *lock = NULL;
    TJ_TRY(new_lock(directory, &lock, error));
    tj_error failure = TJ_ERROR_INIT;
    bool there = false;
    struct stat found;
    tj_status status = tj__path_look(lock->path, &there, &found, &failure);
    if (there && !S_ISREG(found.st_mode)) { /* a socket cannot even be opened */
        status = refuse_other(lock, &failure);
    } else if (there) {
        status = tj__file_open(lock->path, O_RDONLY | O_NONBLOCK, &lock->fd, &failure);
    }
    if (there && status == TJ_OK) {
        status = map_page(lock, PROT_READ, &failure);
    }
    if (!there || status != TJ_OK) {
        tj__lock_release(lock);
        return status == TJ_OK || status == TJ_NOT_FOUND ? TJ_OK : tj__error_pass(error, &failure);
    }
    *out = lock;
    return TJ_OK;
}

tj_status tj__lock_ready(const tj__lock *lock, tj_error *error)
{
    if (!lock->may_share || tj__map_is_backed(lock->page, TJ__LOCK_SIZE)) {
        return TJ_OK;
    }
    return tj__fail_errno(error, ENOSPC,
                          "%s shares its block with a copy or a snapshot, or is copied on write, "
                          "and must be written: free some space",
                          lock->path);
}

void tj__lock_sign(tj__lock *lock)
{
    char host[65] = "";
    char since[TJ_TIME_TEXT_SIZE];
    char text[TJ__HOLDER_SIZE] = "";
    gethostname(host, sizeof host - 1);
    tj_time_format(tj_time_now() / 1000000000 * 1000000000, since);
    snprintf(text, sizeof text, "pid %lld, program %s, host %s, since %s", (long long)getpid(),
             program_invocation_short_name, host, since);
    memcpy(lock->page + TJ__LOCK_HOLDER_AT, text, sizeof text);
    tj__store_u64(lock->page + TJ__LOCK_PID_AT, (uint64_t)getpid());
}

bool tj__lock_knows_boot(const tj__lock *lock)
{
    return lock->boot.known;
}

tj_status tj__lock_same_file(const tj__lock *lock, tj_error *error)
{
    bool same = false;
    bool whole = false;
    TJ_TRY(tj__path_names_whole(lock->path, lock->device, lock->inode, TJ__LOCK_SIZE, &same, &whole,
                                error));
    if (same && whole) {
        return TJ_OK;
    }
    if (same) {
        return tj__fail(error, TJ_CLOSED,
                        "%s was cut short while it was open, and what it says is gone: open the "
                        "journal again, the next writer makes it whole",
                        lock->path);
    }
    return tj__fail(error, TJ_CLOSED,
                    "%s was replaced or removed while it was open: the journal at this path is no "
                    "longer the one that was opened; open it again",
                    lock->path);
}

bool tj__lock_is_held(const tj__lock *lock)
{
    return lock && (lock->writer || tj__lock_is_locked(lock, TJ__LOCK_HELD));
}

bool tj__lock_holder(const tj__lock *lock, char holder[TJ__HOLDER_SIZE], int64_t *pid)
{
    holder[0] = '\0';
    *pid = 0;
    if (!tj__lock_is_held(lock)) {
        return false;
    }
    copy_holder(lock->page, holder);
    *pid = (int64_t)tj__load_u64(lock->page + TJ__LOCK_PID_AT);
    return true;
}

/* The mapping keeps the locked file description open just as the descriptor does. */
void tj__lock_abandon(tj__lock *lock)
{
    munmap(lock->page, TJ__LOCK_SIZE);
    lock->page = NULL;
    close(lock->fd);
    tj__file_close(lock->data_fd);
    lock->fd = -1;
    lock->data_fd = -1;
}

void tj__lock_release(tj__lock *lock)
{
    if (!lock) {
        return;
    }
    if (lock->page) {
        munmap(lock->page, TJ__LOCK_SIZE);
    }
    tj__file_close(lock->data_fd);
    tj__file_close(lock->fd);
    free(lock);
}
