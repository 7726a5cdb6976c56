/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Joining, leading and finishing a batch, and what poisons the log. */
#include "log/group.h"

#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/thread.h"

/* A leader waits for more savers until none has come for so long, or for so long in all. */
#define GATHER_QUIET_NS 20000u
#define GATHER_TOTAL_NS 150000u
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

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void tj__group_init(tj__group *group, bool sync, uint64_t sequence, const tj__log_file *file)
{
    *group = (tj__group){.sync = sync, .handed = sequence, .file = *file};
    group->open = &group->batches[0];
    group->open->last_sequence = sequence;
    atomic_init(&group->appended, sequence);
    atomic_init(&group->acknowledged, sequence);
    atomic_init(&group->durable, sequence);
    tj__mutex_init(&group->lock);
}

void tj__group_dispose(tj__group *group)
{
    tj__file_close(group->file.fd);
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

/* The sentence for a record that was not acknowledged and will not be. */
static tj_status fail_poisoned(tj__group *group, uint64_t sequence, tj_error *error)
{
    TJ_ASSERT(atomic_load(&group->poisoned));
    pthread_mutex_lock(&group->lock);
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
    if (!group->sync || first >= due) {
        return;
    }
    if (group->gather_pause > 0) {
        group->gather_pause--;
        return;
    }
    uint64_t seen = first;
    uint64_t start = monotonic_ns();
    uint64_t now = start;
    uint64_t changed = start;
    while (seen < due && now - changed < GATHER_QUIET_NS && now - start < GATHER_TOTAL_NS) {
        (void)sched_yield();
        now = monotonic_ns();
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

/* P8: a log that was moved or replaced while it was open takes no more records. */
static tj_status look_at_place(const tj__group *group, tj_error *error)
{
    if (group->in_place) {
        TJ_TRY(group->in_place(group->context, error));
    }
    return tj__log_file_in_place(&group->file, error);
}

static void check_place(tj__group *group, tj_error *cause)
{
    uint64_t now = monotonic_ns();
    if (atomic_load(&group->appended) == group->handed ||
        now - group->place_checked_ns < TJ__PLACE_CHECK_NS) {
        return;
    }
    tj_error seen = TJ_ERROR_INIT;
    tj_status status = look_at_place(group, &seen);
    if (status == TJ_OK) {
        group->place_checked_ns = now;
    } else if (status == TJ_CLOSED) {
        (void)tj__error_pass(cause, &seen);
        tj__group_poison(group, cause);
    }
    /* A look that failed says nothing about the files, which are open and locked: the next batch
     * looks again. */
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

static tj_status write_bytes(tj__group *group, const tj__batch *batch, tj_error *error)
{
    const tj__log_file *file = &group->file;
    tj_status status = TJ_OK;
    for (int tries = 0; tries < 2 && batch->bytes.size > 0; tries++) {
        status = tj__file_write_at(file->fd, file->path, batch->bytes.data, batch->bytes.size,
                                   batch->offset, error);
        if (status != TJ_FULL || !group->make_space || !group->make_space(group->context)) {
            break;
        }
    }
    return status;
}

/* A full disk may refuse the very first byte: then nothing of the batch is in the log. */
static bool nothing_entered(const tj__group *group, const tj__batch *batch)
{
    uint8_t first = 0;
    size_t got = 0;
    return tj__file_read_some(group->file.fd, group->file.path, &first, 1, batch->offset, &got,
                              NULL) == TJ_OK &&
           got == 1 && first == 0;
}

static tj_status write_batch(tj__group *group, const tj__batch *batch, tj_error *error)
{
    const tj__log_file *file = &group->file;
    tj_status status = write_bytes(group, batch, error);
    if (status == TJ_FULL && nothing_entered(group, batch)) {
        pthread_mutex_lock(&group->lock);
        group->handed = atomic_load(&group->acknowledged);
        pthread_mutex_unlock(&group->lock);
    }
    TJ_TRY(status);
    if (group->sync || batch->flush) {
        TJ_TRY(tj__file_sync_data(file->fd, file->path, error));
    }
    return TJ_OK;
}

/* Acknowledges a batch. The callback comes first: who sees a sequence acknowledged may rely on it.
 */
static tj_status publish(tj__group *group, const tj__batch *batch, tj_error *error)
{
    if (group->sync || batch->flush) {
        atomic_store(&group->durable, batch->last_sequence);
    }
    if (batch->last_sequence > atomic_load(&group->acknowledged)) {
        if (group->on_acknowledged) {
            TJ_TRY(group->on_acknowledged(group->context, batch->last_sequence, error));
        }
        atomic_store(&group->acknowledged, batch->last_sequence);
    }
    return TJ_OK;
}

/* Ends a batch: its followers may go, and the turn passes to the claimant of the open batch. */
static void finish(tj__group *group, tj__batch *batch, tj_status status, const tj_error *cause)
{
    int replaced = -1;
    pthread_mutex_lock(&group->lock);
    if (status != TJ_OK) {
        poison_locked(group, cause);
    }
    if (batch->successor) {
        replaced = group->file.fd;
        group->file = *batch->successor;
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
    tj__file_close(replaced);
}

static void recycle(tj__buffer *bytes)
{
    if (bytes->capacity > BATCH_MEMORY_KEPT) {
        tj__buffer_dispose(bytes);
    }
    tj__buffer_clear(bytes);
}

/* Writes the open batch; the caller has claimed it and has the turn. */
static void lead(tj__group *group, tj__batch *batch)
{
    tj_error cause = TJ_ERROR_INIT;
    gather(group);
    check_place(group, &cause);
    bool wanted = close_batch(group);
    tj_status status = wanted ? write_batch(group, batch, &cause) : TJ_OK;
    if (wanted && status == TJ_OK && !atomic_load(&group->poisoned)) {
        status = publish(group, batch, &cause);
    }
    recycle(&batch->bytes);
    finish(group, batch, status, &cause);
}

/* Takes part in a batch that is open or in flight until it is finished. Unlocks. */
static void join_and_unlock(tj__group *group, tj__batch *batch)
{
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
    lead(group, batch);
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
        join_and_unlock(group, sequence > group->handed ? group->open : other_batch(group));
    }
    return atomic_load(&group->acknowledged) >= sequence ? TJ_OK
                                                         : fail_poisoned(group, sequence, error);
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
    return atomic_load(&group->durable) >= sequence ? TJ_OK : fail_poisoned(group, sequence, error);
}

tj_status tj__group_enter(tj__group *group, size_t size, tj__batch **batch, tj_error *error)
{
    pthread_mutex_lock(&group->lock);
    if (group->open->bytes.size > 0 && group->open->bytes.size + size > TJ__BATCH_SIZE_SOFT_MAX &&
        !atomic_load(&group->poisoned)) {
        /* No one else appends, so the batch that is open afterwards is empty. */
        join_and_unlock(group, group->open);
        pthread_mutex_lock(&group->lock);
    }
    tj__batch *open = group->open;
    if (atomic_load(&group->poisoned)) {
        pthread_mutex_unlock(&group->lock);
        return fail_poisoned(group, UINT64_MAX, error);
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

tj_status tj__group_leave_sealed(tj__group *group, const tj__log_file *successor, tj_error *error)
{
    tj__batch *batch = group->open;
    tj__log_file next = *successor;
    batch->flush = true;
    batch->successor = &next;
    join_and_unlock(group, batch);
    if (atomic_load(&group->poisoned)) {
        return fail_poisoned(group, UINT64_MAX, error);
    }
    return TJ_OK;
}
