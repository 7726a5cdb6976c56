/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Taking and releasing the lock, reading who holds it, and the words of its page. */
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
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/in_place.h"
#include "base/metrics.h"
#include "journal/boot.h"

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
#define MOUNT_AT 600
#define BIRTH_AT 608
#define MARK_END 616
#define METRICS_LAYOUT_AT 1024
#define METRICS_TURN_AT 1028
#define METRICS_AT 1032
#define METRICS_LAYOUT 2
/* In layout 1 what a newer one has behind them is not there, and 0. */
#define METRICS_NUMBERS_V1 344
/* Whoever reads while it is written tries again so often. */
#define METRICS_TRIES 1000

_Static_assert(METRICS_AT + 8 * TJ__METRICS_NUMBERS <= TJ__LOCK_SIZE, "they have one page");

/* Bytes that are locked. */
#define HELD_BYTE 0
#define PUBLISHED_BYTE 1

static const char mark_magic[8] = {'T', 'J', 'M', 'A', 'R', 'K', '0', '1'};

enum mark_state { MARK_VOID = 0, MARK_VALID = 1, MARK_CLEAN = 2, MARK_LIVING = 3 };

struct tj__lock {
    char path[PATH_MAX];
    int fd;
    int data_fd; /* of data.mdb, which a writer locks too */
    uint8_t *page;
    tj__boot boot;
    dev_t device;
    ino_t inode;
    bool writer;
    bool may_share; /* a store may need a block: see base/in_place.h */
    bool published; /* by this handle: the mark in the page is its own */
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

static tj_status map_page(tj__lock *lock, int protection, tj_error *error)
{
    struct stat now;
    if (fstat(lock->fd, &now) != 0) {
        return tj__fail_errno(error, errno, "looking at %s", lock->path);
    }
    if (!S_ISREG(now.st_mode)) {
        return tj__fail(error, TJ_CORRUPT,
                        "%s is not a regular file: move it away, the next writer makes a new one",
                        lock->path);
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

static struct flock one_byte(short type, off_t byte)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
}

/* Whether another open file holds the lock on this byte. A read lock may be asked about with a
 * read-only descriptor; it meets the writer's. */
static bool is_locked(const tj__lock *lock, off_t byte)
{
    struct flock range = one_byte(F_RDLCK, byte);
    return fcntl(lock->fd, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK;
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
    struct flock range = one_byte(F_WRLCK, HELD_BYTE);
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
    struct flock range = one_byte(F_WRLCK, HELD_BYTE);
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
    if (there) {
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
    memcpy(lock->page + HOLDER_AT, text, sizeof text);
    tj__store_u64(lock->page + PID_AT, (uint64_t)getpid());
}

void tj__lock_publish(tj__lock *lock, const tj__mark *mark)
{
    atomic_store_explicit(state_word(lock), MARK_VOID, memory_order_seq_cst);
    memcpy(lock->page + MAGIC_AT, mark_magic, sizeof mark_magic);
    memcpy(lock->page + BOOT_AT, lock->boot.id.bytes, sizeof lock->boot.id.bytes);
    tj__store_u64(lock->page + MOUNT_AT, lock->boot.mount);
    tj__store_u64(lock->page + BIRTH_AT, lock->boot.birth);
    tj__store_u64(lock->page + DEVICE_AT, (uint64_t)lock->device);
    tj__store_u64(lock->page + INODE_AT, (uint64_t)lock->inode);
    tj__store_u64(lock->page + EPOCH_AT, mark->epoch);
    tj__store_u32(lock->page + DURABILITY_AT, (uint32_t)mark->durability);
    tj__store_u64(lock->page + RECOVERED_AT, (uint64_t)mark->recovered_at);
    tj__store_u64(lock->page + CUT_AT, mark->recovered_bytes_cut);
    atomic_store_explicit(acknowledged_word(lock), mark->acknowledged, memory_order_release);
    atomic_store_explicit(state_word(lock), lock->boot.known ? MARK_VALID : MARK_LIVING,
                          memory_order_seq_cst);
    /* Without it, fewer believe the mark. */
    struct flock range = one_byte(F_WRLCK, PUBLISHED_BYTE);
    (void)fcntl(lock->fd, F_OFD_SETLK, &range);
    lock->published = true;
}

void tj__lock_advance(tj__lock *lock, uint64_t acknowledged)
{
    atomic_store_explicit(acknowledged_word(lock), acknowledged, memory_order_release);
}

void tj__lock_clean(tj__lock *lock)
{
    memset(lock->page + HOLDER_AT, 0, MAGIC_AT);
    atomic_store_explicit(state_word(lock), lock->boot.known ? MARK_CLEAN : MARK_VOID,
                          memory_order_release);
}

/* ---- metrics --------------------------------------------------------------------------------- */

static _Atomic uint32_t *turn_word(const tj__lock *lock)
{
    return (_Atomic uint32_t *)(void *)(lock->page + METRICS_TURN_AT);
}

static _Atomic uint64_t *number_word(const tj__lock *lock, size_t index)
{
    return (_Atomic uint64_t *)(void *)(lock->page + METRICS_AT + 8 * index);
}

/* How many numbers there are. A newer version may write more, in another layout: those are not
 * known. */
static size_t numbers_told(const tj__lock *lock)
{
    uint32_t layout = tj__load_u32(lock->page + METRICS_LAYOUT_AT);
    return layout == METRICS_LAYOUT ? TJ__METRICS_NUMBERS : layout == 1 ? METRICS_NUMBERS_V1 : 0;
}

void tj__lock_tell_metrics(tj__lock *lock, const tj_metrics *metrics)
{
    const uint64_t *numbers = &metrics->since;
    uint32_t turn = atomic_load(turn_word(lock)) | 1;
    tj__store_u32(lock->page + METRICS_LAYOUT_AT, METRICS_LAYOUT);
    atomic_store(turn_word(lock), turn);
    for (size_t i = 0; i < TJ__METRICS_NUMBERS; i++) {
        atomic_store_explicit(number_word(lock, i), numbers[i], memory_order_release);
    }
    atomic_store(turn_word(lock), turn + 1);
}

void tj__lock_metrics(const tj__lock *lock, tj_metrics *metrics)
{
    size_t count = lock ? numbers_told(lock) : 0;
    if (count == 0) {
        return;
    }
    for (int tries = 0; tries < METRICS_TRIES; tries++) {
        uint64_t *numbers = &metrics->since;
        uint32_t turn = atomic_load(turn_word(lock));
        for (size_t i = 0; i < count; i++) {
            numbers[i] = atomic_load_explicit(number_word(lock, i), memory_order_acquire);
        }
        if ((turn & 1) == 0 && atomic_load(turn_word(lock)) == turn) {
            return;
        }
    }
    memset(&metrics->since, 0, 8 * TJ__METRICS_NUMBERS); /* a writer died while it told them */
}

/* ---- the mark ------------------------------------------------------------------------------- */

static bool is_of_this_boot(const tj__lock *lock)
{
    return lock->boot.known &&
           memcmp(lock->page + BOOT_AT, lock->boot.id.bytes, sizeof lock->boot.id.bytes) == 0;
}

static bool is_of_this_mount(const tj__lock *lock)
{
    uint64_t mount = tj__load_u64(lock->page + MOUNT_AT);
    return mount == lock->boot.mount || mount == 0 || lock->boot.mount == 0;
}

static bool is_of_this_inode(const tj__lock *lock)
{
    uint64_t birth = tj__load_u64(lock->page + BIRTH_AT);
    return tj__load_u64(lock->page + INODE_AT) == (uint64_t)lock->inode &&
           (birth == lock->boot.birth || birth == 0 || lock->boot.birth == 0);
}

static bool is_of_this_device(const tj__lock *lock)
{
    return tj__load_u64(lock->page + DEVICE_AT) == (uint64_t)lock->device;
}

static bool is_of_another_file(const tj__lock *lock)
{
    bool device_lasts = major(lock->device) != 0;
    return memcmp(lock->page + MAGIC_AT, mark_magic, sizeof mark_magic) == 0 &&
           (!is_of_this_inode(lock) || (device_lasts && !is_of_this_device(lock)));
}

tj__mark tj__lock_mark(const tj__lock *lock)
{
    tj__mark mark = {0};
    if (!lock) {
        return mark;
    }
    /* Before anything is read: what a writer publishes is there before it locks the byte. */
    bool same = is_of_this_boot(lock) && is_of_this_mount(lock);
    bool living = !same && (lock->writer ? lock->published : is_locked(lock, PUBLISHED_BYTE));
    uint32_t state = atomic_load_explicit(state_word(lock), memory_order_acquire);
    mark.elsewhere = is_of_another_file(lock);
    mark.recovered_at = (tj_time)tj__load_u64(lock->page + RECOVERED_AT);
    mark.recovered_bytes_cut = tj__load_u64(lock->page + CUT_AT);
    if (state == MARK_VOID || state > MARK_LIVING || (state == MARK_LIVING && !living) ||
        memcmp(lock->page + MAGIC_AT, mark_magic, sizeof mark_magic) != 0 ||
        !is_of_this_device(lock) || !is_of_this_inode(lock)) {
        return mark;
    }
    mark.durability = (tj_durability)tj__load_u32(lock->page + DURABILITY_AT);
    mark.newest = living || (is_of_this_boot(lock) && is_of_this_mount(lock));
    mark.valid = mark.newest || (is_of_this_boot(lock) && mark.durability == TJ_DURABILITY_SYNC);
    mark.clean = mark.newest && state == MARK_CLEAN;
    mark.epoch = tj__load_u64(lock->page + EPOCH_AT);
    mark.acknowledged = atomic_load_explicit(acknowledged_word(lock), memory_order_acquire);
    return mark;
}

/* The first byte of a part that is not zero; its end: there is none. */
static uint64_t first_nonzero(const tj__lock *lock, uint64_t from, uint64_t end)
{
    while (from < end && lock->page[from] == 0) {
        from++;
    }
    return from;
}

tj__mark_place tj__lock_place(const tj__lock *lock)
{
    tj__mark_place place = {0};
    if (lock && memcmp(lock->page + MAGIC_AT, mark_magic, sizeof mark_magic) == 0 &&
        atomic_load_explicit(state_word(lock), memory_order_acquire) != MARK_VOID) {
        place.inode = tj__load_u64(lock->page + INODE_AT);
        place.birth = tj__load_u64(lock->page + BIRTH_AT);
    }
    return place;
}

bool tj__mark_place_differs(const tj__mark_place *a, const tj__mark_place *b)
{
    return a->inode != 0 && b->inode != 0 &&
           (a->inode != b->inode || (a->birth != 0 && b->birth != 0 && a->birth != b->birth));
}

static bool mark_is_written(const tj__lock *lock)
{
    return memcmp(lock->page + MAGIC_AT, mark_magic, sizeof mark_magic) == 0 &&
           tj__load_u32(lock->page + STATE_AT) <= MARK_LIVING &&
           tj__load_u32(lock->page + DURABILITY_AT) <= TJ_DURABILITY_OS;
}

uint64_t tj__lock_stray(const tj__lock *lock)
{
    if (!lock) {
        return TJ__LOCK_SIZE;
    }
    const uint8_t *zero = memchr(lock->page, 0, MAGIC_AT);
    uint64_t holder_end = zero ? (uint64_t)(zero - lock->page) : MAGIC_AT;
    uint32_t layout = tj__load_u32(lock->page + METRICS_LAYOUT_AT);
    size_t count = numbers_told(lock);
    uint64_t told_end = count > 0     ? METRICS_AT + 8 * count
                        : layout == 0 ? METRICS_LAYOUT_AT
                                      : TJ__LOCK_SIZE;
    const struct {
        uint64_t from;
        uint64_t end;
    } blanks[] = {{holder_end, MAGIC_AT},
                  {mark_is_written(lock) ? MARK_END : MAGIC_AT, METRICS_LAYOUT_AT},
                  {told_end, TJ__LOCK_SIZE}};
    for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++) {
        uint64_t found = first_nonzero(lock, blanks[i].from, blanks[i].end);
        if (found < blanks[i].end) {
            return found;
        }
    }
    return TJ__LOCK_SIZE;
}

bool tj__lock_knows_boot(const tj__lock *lock)
{
    return lock->boot.known;
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

bool tj__lock_is_held(const tj__lock *lock)
{
    return lock && (lock->writer || is_locked(lock, HELD_BYTE));
}

bool tj__lock_holder(const tj__lock *lock, char holder[TJ__HOLDER_SIZE], int64_t *pid)
{
    holder[0] = '\0';
    *pid = 0;
    if (!tj__lock_is_held(lock)) {
        return false;
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
