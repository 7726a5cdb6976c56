/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Joining, leading and finishing a batch, and what poisons a group. */
#include "base/group.h"

#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/thread.h"

/* Gathering before a flush of a file. */
#define GATHER_QUIET_NS 20000u
#define GATHER_TOTAL_NS 150000u
/* An appender waits so long for room, where it does not write itself; and so long for each byte. */
#define ROOM_WAIT_NS 2000000u
#define ROOM_WAIT_BYTE_NS 32u
#define ROOM_LOOK_US 200
/* After waits in vain, so many batches at most are closed without one. */
#define GATHER_PENALTY_MAX 63u
/* A buffer that one large record has grown beyond this is given back. */
#define BATCH_MEMORY_KEPT (2 * TJ__BATCH_SIZE_SOFT_MAX)

static void sleep_while(_Atomic uint32_t *word, uint32_t value)
{
    while (atomic_load(word) == value) {
        /* Any return is taken as "look again": a signal, a late wake, a value that has changed. */
        (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
    }
}

static void wake(_Atomic uint32_t *word, int count)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

void tj__group_init(tj__group *group, const tj__group_ops *ops, void *context, bool sync,
                    uint64_t sequence)
{
    *group = (tj__group){.ops = ops,
                         .context = context,
                         .sync = sync,
                         .gather_quiet_ns = sync ? GATHER_QUIET_NS : 0,
                         .gather_total_ns = GATHER_TOTAL_NS,
                         .handed = sequence};
    group->open = &group->batches[0];
    group->open->last_sequence = sequence;
    atomic_init(&group->appended, sequence);
    atomic_init(&group->acknowledged, sequence);
    atomic_init(&group->durable, sequence);
    tj__mutex_init(&group->lock);
}

void tj__group_dispose(tj__group *group)
{
    tj__buffer_dispose(&group->batches[0].bytes);
    tj__buffer_dispose(&group->batches[1].bytes);
    pthread_mutex_destroy(&group->lock);
}

/* The batch that is not open: in flight, or idle. */
static tj__batch *other_batch(tj__group *group)
{
    return group->open == &group->batches[0] ? &group->batches[1] : &group->batches[0];
}

static void poison_locked(tj__group *group, const tj_error *cause)
{
    if (!atomic_load(&group->poisoned)) {
        group->cause = *cause;
        atomic_store(&group->poisoned, true);
    }
}

void tj__group_poison(tj__group *group, const tj_error *cause)
{
    pthread_mutex_lock(&group->lock);
    poison_locked(group, cause);
    pthread_mutex_unlock(&group->lock);
}

/* The sentence for a record that was not acknowledged: because it never will be, or is not yet. */
static tj_status fail_waiting(tj__group *group, uint64_t sequence, tj_error *error)
{
    pthread_mutex_lock(&group->lock);
    if (!atomic_load(&group->poisoned)) {
        TJ_ASSERT(group->doubt.status == TJ_UNKNOWN);
        (void)tj__error_pass(error, &group->doubt);
        pthread_mutex_unlock(&group->lock);
        return TJ_UNKNOWN;
    }
    const char *outcome = sequence <= group->handed
                              ? "outcome unknown until the journal is opened again"
                              : "not applied";
    tj__fail(error, TJ_CLOSED, "%s: %s", outcome, group->cause.message);
    if (error) {
        error->os_errno = group->cause.os_errno;
        tj__error_place(error, "%s", group->cause.place);
    }
    pthread_mutex_unlock(&group->lock);
    return TJ_CLOSED;
}

/*
 * Waits a moment for savers who are likely to come: those that the last batch has released, when
 * they are known to come back at once. Without it they would miss this flush and fill only the next
 * one, and two half-full batches would take turns.
 */
static void gather(tj__group *group)
{
    uint64_t due = group->handed + group->expected;
    uint64_t first = atomic_load(&group->appended);
    if (group->gather_quiet_ns == 0 || first >= due) {
        return;
    }
    if (group->gather_pause > 0) {
        group->gather_pause--;
        return;
    }
    uint64_t seen = first;
    uint64_t start = tj__monotonic_ns();
    uint64_t now = start;
    uint64_t changed = start;
    while (seen < due && now - changed < group->gather_quiet_ns &&
           now - start < group->gather_total_ns) {
        (void)sched_yield();
        now = tj__monotonic_ns();
        uint64_t appended = atomic_load(&group->appended);
        if (appended != seen) {
            seen = appended;
            changed = now;
        }
    }
    if (seen > first) {
        group->gather_penalty = 0;
    } else if (group->gather_penalty < GATHER_PENALTY_MAX) {
        group->gather_penalty = 2 * group->gather_penalty + 1;
    }
    group->gather_pause = group->gather_penalty;
}

/* Whether the owner finds that it must not write any more. */
static void check(tj__group *group, tj_error *cause)
{
    tj_error seen = TJ_ERROR_INIT;
    if (!group->ops->check || atomic_load(&group->appended) == group->handed) {
        return;
    }
    if (group->ops->check(group->context, &seen) == TJ_CLOSED) {
        (void)tj__error_pass(cause, &seen);
        tj__group_poison(group, cause);
    }
}

/* Closes the open batch and opens the other one. False when it must not be written any more. */
static bool close_batch(tj__group *group)
{
    pthread_mutex_lock(&group->lock);
    tj__batch *closed = group->open;
    tj__batch *next = other_batch(group);
    next->last_sequence = closed->last_sequence;
    next->waiters = 0;
    next->claimed = false;
    next->flush = false;
    next->successor = NULL;
    atomic_store(&next->turn, 0);
    group->open = next;
    bool wanted = !atomic_load(&group->poisoned);
    if (wanted) {
        group->handed = closed->last_sequence;
    }
    pthread_mutex_unlock(&group->lock);
    return wanted;
}

static tj_status write_batch(tj__group *group, const tj__batch *batch, tj_error *error)
{
    bool entered = true;
    bool flush = group->sync || batch->flush;
    tj_status status = group->ops->write(group->context, batch, flush, &entered, error);
    if (!entered) {
        pthread_mutex_lock(&group->lock);
        group->handed = atomic_load(&group->acknowledged);
        pthread_mutex_unlock(&group->lock);
    }
    return status;
}

/* Acknowledges a batch. */
static tj_status publish(tj__group *group, const tj__batch *batch, tj_error *error)
{
    if (group->sync || batch->flush) {
        atomic_store(&group->durable, batch->last_sequence);
    }
    if (batch->last_sequence > atomic_load(&group->acknowledged)) {
        if (group->ops->acknowledged) {
            TJ_TRY(group->ops->acknowledged(group->context, batch->last_sequence, error));
        }
        atomic_store(&group->acknowledged, batch->last_sequence);
    }
    return TJ_OK;
}

/* Ends a batch: its followers may go, and the turn passes to the claimant of the open batch. */
static void finish(tj__group *group, tj__batch *batch, tj_status status, const tj_error *cause)
{
    pthread_mutex_lock(&group->lock);
    if (status == TJ_UNKNOWN) {
        group->doubt = *cause;
        group->unsettled = batch;
    } else if (status != TJ_OK) {
        poison_locked(group, cause);
    }
    bool followed = batch->waiters > 1;
    tj__batch *next = group->open->claimed ? group->open : NULL;
    group->busy = next != NULL;
    group->expected = batch->waiters + group->open->waiters;
    atomic_fetch_add(&batch->finished, 1);
    pthread_mutex_unlock(&group->lock);
    if (next) {
        atomic_store(&next->turn, 1);
        wake(&next->turn, 1);
    }
    if (followed) {
        wake(&batch->finished, INT_MAX);
    }
}

static void recycle(tj__buffer *bytes)
{
    if (bytes->capacity > BATCH_MEMORY_KEPT) {
        tj__buffer_dispose(bytes);
    }
    tj__buffer_clear(bytes);
}

/* Writes a closed batch. */
static tj_status settle(tj__group *group, tj__batch *batch, tj_error *cause)
{
    tj_status status = write_batch(group, batch, cause);
    if (status == TJ_OK && !atomic_load(&group->poisoned)) {
        status = publish(group, batch, cause);
    }
    return status;
}

/* Gives up the open batch, which stays open: what is before it is still not settled. */
static void give_up(tj__group *group, tj__batch *batch, const tj_error *cause)
{
    pthread_mutex_lock(&group->lock);
    group->doubt = *cause;
    group->busy = false;
    batch->claimed = false;
    batch->waiters = 0;
    atomic_store(&batch->turn, 0);
    atomic_fetch_add(&batch->finished, 1);
    pthread_mutex_unlock(&group->lock);
    wake(&batch->finished, INT_MAX);
}

static void end_batch(tj__group *group, tj__batch *batch)
{
    if (group->ops->ended) {
        group->ops->ended(group->context, batch);
    }
    recycle(&batch->bytes);
}

/* Writes the batch that was left unsettled. False when it still is. */
static bool settle_earlier(tj__group *group, tj__batch *open)
{
    tj_error cause = TJ_ERROR_INIT;
    tj__batch *earlier = group->unsettled;
    tj_status status = settle(group, earlier, &cause);
    if (status == TJ_UNKNOWN) {
        give_up(group, open, &cause);
        return false;
    }
    end_batch(group, earlier);
    pthread_mutex_lock(&group->lock);
    group->unsettled = NULL;
    if (status != TJ_OK) {
        poison_locked(group, &cause);
    }
    pthread_mutex_unlock(&group->lock);
    return true;
}

/* Writes the open batch; the caller has claimed it and has the turn. */
static void lead(tj__group *group, tj__batch *batch, uint64_t since)
{
    tj_error cause = TJ_ERROR_INIT;
    group->led_since = since;
    if (group->unsettled && !settle_earlier(group, batch)) {
        return;
    }
    gather(group);
    check(group, &cause);
    bool wanted = close_batch(group);
    tj_status status = wanted ? settle(group, batch, &cause) : TJ_OK;
    if (status != TJ_UNKNOWN) {
        end_batch(group, batch);
    }
    finish(group, batch, status, &cause);
}

/* Takes part in a batch that is open or in flight until it is finished. Unlocks. */
static void join_and_unlock(tj__group *group, tj__batch *batch)
{
    uint64_t since = group->timed ? tj__monotonic_ns() : 0;
    uint32_t unfinished = atomic_load(&batch->finished);
    bool leads = !batch->claimed;
    bool at_once = leads && !group->busy;
    batch->waiters++;
    if (leads) {
        batch->claimed = true;
        group->busy = true;
    }
    pthread_mutex_unlock(&group->lock);
    if (!leads) {
        sleep_while(&batch->finished, unfinished);
        return;
    }
    if (!at_once) {
        sleep_while(&batch->turn, 0);
    }
    lead(group, batch, since);
}

tj_status tj__group_wait(tj__group *group, uint64_t sequence, tj_error *error)
{
    if (atomic_load(&group->acknowledged) >= sequence) {
        return TJ_OK;
    }
    if (sequence > atomic_load(&group->appended)) {
        return tj__fail(error, TJ_MISUSE, "sequence %" PRIu64 " was never appended", sequence);
    }
    pthread_mutex_lock(&group->lock);
    if (atomic_load(&group->acknowledged) >= sequence || atomic_load(&group->poisoned)) {
        pthread_mutex_unlock(&group->lock);
    } else {
        bool open = sequence > group->handed || group->unsettled;
        join_and_unlock(group, open ? group->open : other_batch(group));
    }
    return atomic_load(&group->acknowledged) >= sequence ? TJ_OK
                                                         : fail_waiting(group, sequence, error);
}

tj_status tj__group_sync(tj__group *group, uint64_t sequence, tj_error *error)
{
    if (group->sync) {
        return tj__group_wait(group, sequence, error);
    }
    pthread_mutex_lock(&group->lock);
    if (atomic_load(&group->durable) >= sequence || atomic_load(&group->poisoned)) {
        pthread_mutex_unlock(&group->lock);
    } else {
        group->open->flush = true;
        join_and_unlock(group, group->open);
    }
    return atomic_load(&group->durable) >= sequence ? TJ_OK : fail_waiting(group, sequence, error);
}

static bool is_full(const tj__group *group, size_t size, size_t max)
{
    size_t used = group->open->bytes.size;
    return used > 0 && used + size > max;
}

/* Lets others write for a moment. So who appends faster than they can write is slowed down, long
 * before there is no room at all. Locked on entry and exit. */
static void await_room_locked(tj__group *group, size_t size)
{
    uint64_t until = tj__monotonic_ns() + ROOM_WAIT_NS + size * ROOM_WAIT_BYTE_NS;
    while (is_full(group, size, TJ__BATCH_SIZE_SOFT_MAX) && !atomic_load(&group->poisoned) &&
           tj__monotonic_ns() < until) {
        pthread_mutex_unlock(&group->lock);
        (void)usleep(ROOM_LOOK_US);
        pthread_mutex_lock(&group->lock);
    }
}

static tj_status refuse_full(tj__group *group, tj_error *error)
{
    size_t waiting = group->open->bytes.size;
    bool doubtful = group->unsettled != NULL;
    tj_error doubt = group->doubt;
    pthread_mutex_unlock(&group->lock);
    return doubtful
               ? tj__fail(error, TJ_UNAVAILABLE, "not applied: %s", doubt.message)
               : tj__fail(error, TJ_UNAVAILABLE,
                          "not applied: commits of %zu bytes wait to be written already", waiting);
}

tj_status tj__group_enter(tj__group *group, size_t size, tj__batch **batch, tj_error *error)
{
    size_t max = group->size_max > 0 ? group->size_max : TJ__BATCH_SIZE_SOFT_MAX;
    pthread_mutex_lock(&group->lock);
    if (group->size_max > 0) {
        await_room_locked(group, size);
    } else if (is_full(group, size, max) && !atomic_load(&group->poisoned)) {
        /* No one else appends, so the batch that is open afterwards is empty, or was given up. */
        join_and_unlock(group, group->open);
        pthread_mutex_lock(&group->lock);
    }
    tj__batch *open = group->open;
    if (atomic_load(&group->poisoned)) {
        pthread_mutex_unlock(&group->lock);
        return fail_waiting(group, UINT64_MAX, error);
    }
    if (is_full(group, size, max)) {
        return refuse_full(group, error);
    }
    if (!tj__buffer_reserve(&open->bytes, size)) {
        /* The records that are in the batch already stay in it. */
        open->bytes.failed = false;
        pthread_mutex_unlock(&group->lock);
        return tj__fail(error, TJ_NOMEM, "no memory for a log record of %zu bytes", size);
    }
    *batch = open;
    return TJ_OK;
}

void tj__group_leave(tj__group *group, uint64_t sequence)
{
    group->open->last_sequence = sequence;
    atomic_store(&group->appended, sequence);
    pthread_mutex_unlock(&group->lock);
}

tj_status tj__group_leave_sealed(tj__group *group, void *successor, tj_error *error)
{
    tj__batch *batch = group->open;
    batch->flush = true;
    batch->successor = successor;
    join_and_unlock(group, batch);
    if (atomic_load(&group->poisoned)) {
        return fail_waiting(group, UINT64_MAX, error);
    }
    return TJ_OK;
}
