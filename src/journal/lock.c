/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "journal/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
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

#define HOLDER_AT 0
#define MAGIC_AT 512
#define BOOT_AT 520
#define DEVICE_AT 536
#define INODE_AT 544
#define EPOCH_AT 552
#define PID_AT 560
#define STATE_AT 568
#define DURABILITY_AT 572
#define ACKNOWLEDGED_AT 576
#define RECOVERED_AT 584
#define CUT_AT 592

static const char mark_magic[8] = {'T', 'J', 'M', 'A', 'R', 'K', '0', '1'};

enum mark_state { MARK_VOID = 0, MARK_VALID = 1, MARK_CLEAN = 2 };

struct tj__lock {
    char path[PATH_MAX];
    int fd;
    int data_fd; /* of data.mdb, which a writer locks too */
    uint8_t *page;
    uint8_t boot_id[16];
    dev_t device;
    ino_t inode;
    bool writer;
    bool may_share; /* a store may need a block: see base/in_place.h */
};

/* The two words that change while others look are read and written as atomics in place. */
static _Atomic uint32_t *state_word(const tj__lock *lock)
{
    return (_Atomic uint32_t *)(void *)(lock->page + STATE_AT);
}

static _Atomic uint64_t *acknowledged_word(const tj__lock *lock)
{
    return (_Atomic uint64_t *)(void *)(lock->page + ACKNOWLEDGED_AT);
}

/* The random UUID that the kernel draws at every boot, as 16 bytes. */
static void read_boot_id(uint8_t out[16])
{
    char text[64] = {0};
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    tj_uuid id = {{0}};
    if (fd >= 0) {
        ssize_t got = read(fd, text, sizeof text - 1);
        if (got >= TJ_UUID_TEXT_SIZE - 1) {
            tj_str view = {text, TJ_UUID_TEXT_SIZE - 1};
            if (tj_uuid_parse(view, &id, NULL) != TJ_OK) {
                memset(&id, 0, sizeof id);
            }
        }
        close(fd);
    }
    memcpy(out, id.bytes, 16);
}

static tj_status map_page(tj__lock *lock, int protection, tj_error *error)
{
    struct stat now;
    if (fstat(lock->fd, &now) != 0) {
        return tj__fail_errno(error, errno, "looking at %s", lock->path);
    }
    if (now.st_size < TJ__LOCK_SIZE) {
        return tj__fail(error, TJ_CORRUPT, "%s has %lld bytes instead of %d", lock->path,
                        (long long)now.st_size, TJ__LOCK_SIZE);
    }
    void *page = mmap(NULL, TJ__LOCK_SIZE, protection, MAP_SHARED, lock->fd, 0);
    if (page == MAP_FAILED) {
        return tj__fail_errno(error, errno, "mapping %s", lock->path);
    }
    lock->page = page;
    lock->device = now.st_dev;
    lock->inode = now.st_ino;
    read_boot_id(lock->boot_id);
    return TJ_OK;
}

/* A page that was never written, or only in part, is made whole before it is mapped: a store into a
 * hole of a full disk would be a SIGBUS. */
static tj_status make_whole(tj__lock *lock, tj_error *error)
{
    struct stat now;
    if (fstat(lock->fd, &now) != 0) {
        return tj__fail_errno(error, errno, "looking at %s", lock->path);
    }
    if (now.st_size >= TJ__LOCK_SIZE) {
        return TJ_OK;
    }
    uint8_t zeros[TJ__LOCK_SIZE] = {0};
    if (now.st_size == 0) {
        tj__file_in_place(lock->fd);
    }
    TJ_TRY(tj__file_write_at(lock->fd, lock->path, zeros, sizeof zeros, 0, error));
    return tj__file_sync(lock->fd, lock->path, error);
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
    if (lock == NULL) {
        return tj__fail(error, TJ_NOMEM, "no memory for the writer's lock");
    }
    lock->fd = -1;
    lock->data_fd = -1;
    tj_status status =
        tj__path_join(lock->path, sizeof lock->path, directory, TJ__LOCK_NAME, error);
    if (status != TJ_OK) {
        free(lock);
        return status;
    }
    *out = lock;
    return TJ_OK;
}

static struct flock whole_file(short type)
{
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    return range;
}

/* Whether the pid in the page is of a process that is gone (or of another pid namespace). */
static bool holder_is_gone(const uint8_t *page)
{
    int64_t pid = (int64_t)tj__load_u64(page + PID_AT);
    return pid <= 0 || pid > INT_MAX || (kill((pid_t)pid, 0) != 0 && errno == ESRCH);
}

static void copy_holder(const uint8_t *page, char holder[TJ__HOLDER_SIZE])
{
    memcpy(holder, page + HOLDER_AT, TJ__HOLDER_SIZE - 1);
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

tj_status tj__lock_take(const char *directory, tj__lock **out, tj_error *error)
{
    *out = NULL;
    tj__lock *lock = NULL;
    TJ_TRY(new_lock(directory, &lock, error));
    lock->writer = true;
    tj_status status = tj__file_open(lock->path, O_RDWR | O_CREAT, &lock->fd, error);
    if (status != TJ_OK) {
        goto done;
    }
    struct flock range = whole_file(F_WRLCK);
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
    struct flock range = whole_file(F_WRLCK);
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
    bool there = false;
    struct stat found;
    tj_status status = tj__path_look(lock->path, &there, &found, error);
    if (there) {
        status = tj__file_open(lock->path, O_RDONLY, &lock->fd, error);
    }
    if (there && status == TJ_OK) {
        status = map_page(lock, PROT_READ, error);
    }
    if (!there || status != TJ_OK) {
        tj__lock_release(lock);
        return status;
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
    memcpy(lock->page + HOLDER_AT, text, sizeof text);
    tj__store_u64(lock->page + PID_AT, (uint64_t)getpid());
}

void tj__lock_publish(tj__lock *lock, const tj__mark *mark)
{
    atomic_store_explicit(state_word(lock), MARK_VOID, memory_order_seq_cst);
    memcpy(lock->page + MAGIC_AT, mark_magic, sizeof mark_magic);
    memcpy(lock->page + BOOT_AT, lock->boot_id, sizeof lock->boot_id);
    tj__store_u64(lock->page + DEVICE_AT, (uint64_t)lock->device);
    tj__store_u64(lock->page + INODE_AT, (uint64_t)lock->inode);
    tj__store_u64(lock->page + EPOCH_AT, mark->epoch);
    tj__store_u32(lock->page + DURABILITY_AT, (uint32_t)mark->durability);
    tj__store_u64(lock->page + RECOVERED_AT, (uint64_t)mark->recovered_at);
    tj__store_u64(lock->page + CUT_AT, mark->recovered_bytes_cut);
    atomic_store_explicit(acknowledged_word(lock), mark->acknowledged, memory_order_release);
    atomic_store_explicit(state_word(lock), MARK_VALID, memory_order_seq_cst);
}

void tj__lock_advance(tj__lock *lock, uint64_t acknowledged)
{
    atomic_store_explicit(acknowledged_word(lock), acknowledged, memory_order_release);
}

void tj__lock_clean(tj__lock *lock)
{
    memset(lock->page + HOLDER_AT, 0, MAGIC_AT);
    atomic_store_explicit(state_word(lock), MARK_CLEAN, memory_order_release);
}

tj__mark tj__lock_mark(const tj__lock *lock)
{
    tj__mark mark = {0};
    if (lock == NULL) {
        return mark;
    }
    uint32_t state = atomic_load_explicit(state_word(lock), memory_order_acquire);
    mark.recovered_at = (tj_time)tj__load_u64(lock->page + RECOVERED_AT);
    mark.recovered_bytes_cut = tj__load_u64(lock->page + CUT_AT);
    if ((state != MARK_VALID && state != MARK_CLEAN) ||
        memcmp(lock->page + MAGIC_AT, mark_magic, sizeof mark_magic) != 0 ||
        memcmp(lock->page + BOOT_AT, lock->boot_id, sizeof lock->boot_id) != 0 ||
        tj__load_u64(lock->page + DEVICE_AT) != (uint64_t)lock->device ||
        tj__load_u64(lock->page + INODE_AT) != (uint64_t)lock->inode) {
        return mark;
    }
    mark.valid = true;
    mark.clean = state == MARK_CLEAN;
    mark.durability = (tj_durability)tj__load_u32(lock->page + DURABILITY_AT);
    mark.epoch = tj__load_u64(lock->page + EPOCH_AT);
    mark.acknowledged = atomic_load_explicit(acknowledged_word(lock), memory_order_acquire);
    return mark;
}

tj_status tj__lock_same_file(const tj__lock *lock, tj_error *error)
{
    bool same = false;
    TJ_TRY(tj__path_names(lock->path, lock->device, lock->inode, &same, error));
    if (same) {
        return TJ_OK;
    }
    return tj__fail(error, TJ_CLOSED,
                    "%s was replaced or removed while it was open: the journal at this path is no "
                    "longer the one that was opened; open it again",
                    lock->path);
}

bool tj__lock_holder(const tj__lock *lock, char holder[TJ__HOLDER_SIZE], int64_t *pid)
{
    holder[0] = '\0';
    *pid = 0;
    if (lock == NULL) {
        return false;
    }
    if (!lock->writer) {
        /* A read lock may be asked about with a read-only descriptor; it meets the writer's. */
        struct flock range = whole_file(F_RDLCK);
        if (fcntl(lock->fd, F_OFD_GETLK, &range) != 0 || range.l_type == F_UNLCK) {
            return false;
        }
    }
    copy_holder(lock->page, holder);
    *pid = (int64_t)tj__load_u64(lock->page + PID_AT);
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
    if (lock == NULL) {
        return;
    }
    if (lock->page != NULL) {
        munmap(lock->page, TJ__LOCK_SIZE);
    }
    tj__file_close(lock->data_fd);
    tj__file_close(lock->fd);
    free(lock);
}
