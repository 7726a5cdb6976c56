/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the page of writer.lock says: the mark and what is believed of it, what a writer counted. */
#include "journal/lock_page.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/buffer.h"
#include "base/metrics.h"

#define MAGIC_AT 512
#define BOOT_AT 520
#define DEVICE_AT 536
#define INODE_AT 544
#define EPOCH_AT 552
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

static const char mark_magic[8] = {'T', 'J', 'M', 'A', 'R', 'K', '0', '1'};

enum mark_state { MARK_VOID = 0, MARK_VALID = 1, MARK_CLEAN = 2, MARK_LIVING = 3 };

/* The two words that change while others look are read and written as atomics in place. */
static _Atomic uint32_t *state_word(const tj__lock *lock)
{
    return (_Atomic uint32_t *)(void *)(lock->page + STATE_AT);
}

static _Atomic uint64_t *acknowledged_word(const tj__lock *lock)
{
    return (_Atomic uint64_t *)(void *)(lock->page + ACKNOWLEDGED_AT);
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
    struct flock range = tj__lock_byte(F_WRLCK, TJ__LOCK_PUBLISHED);
    (void)fcntl(lock->fd, F_OFD_SETLK, &range);
    lock->published = true;
}

void tj__lock_advance(tj__lock *lock, uint64_t acknowledged)
{
    atomic_store_explicit(acknowledged_word(lock), acknowledged, memory_order_release);
}

void tj__lock_clean(tj__lock *lock)
{
    memset(lock->page + TJ__LOCK_HOLDER_AT, 0, MAGIC_AT);
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

/* ---- the mark, believed or not --------------------------------------------------------------- */

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
    bool living =
        !same && (lock->writer ? lock->published : tj__lock_is_locked(lock, TJ__LOCK_PUBLISHED));
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
