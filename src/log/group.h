/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Group commit: many threads, one flush.
 *
 * There are two batches, each a run of bytes for one offset of one file. One is open: records are
 * added to it. The other is in flight (being written and flushed) or idle. They change places when
 * a leader closes the open one.
 *
 * The turn is the right to close a batch and to use the file; at most one thread has it (`busy`).
 *
 *   waiter, open batch, unclaimed, nobody busy   claims the batch, takes the turn, leads
 *   waiter, open batch, unclaimed, busy          claims the batch, sleeps on its `turn` word, leads
 *   waiter, batch claimed, open or in flight     follows: sleeps until its `finished` word changes
 *   leader   gathers, closes, writes, flushes, publishes; then, in one locked step, finishes its
 *   batch
 *            and gives the turn to whoever claimed the open one, or ends `busy`; wakes that thread
 *            first, and its own followers by one futex call. Nobody takes a lock after having been
 *            woken.
 *
 * So a lone saver does everything on its own thread, without a futex call; and while savers queue,
 * the disk waits for one thread to be woken, never for all of them.
 *
 * Who may touch what:
 *   - `lock` guards the open batch, which batch is open, busy, handed, cause, the waiter counts of
 *     both batches, and changes of `file`. It is held while one record is encoded, never during
 *     I/O.
 *   - The thread with the turn owns the batch in flight (but for its waiter count), and uses `file`
 *     without the lock, because nobody else changes it. What it wrote passes to the next one with
 *     the turn through the lock or the `turn` word.
 *   - The appender (one thread at a time, the caller sees to it) adds to the open batch.
 *   - Anyone may read the atomics. acknowledged and durable are stored with the turn, appended by
 *     the appender, poisoned under the lock.
 *
 * Invariants:
 *   - acknowledged <= handed <= appended. Records in (handed, appended] are in the open batch;
 *     those in (acknowledged, handed] are in the batch in flight, or failed.
 *   - A thread sleeps only on a claimed batch, and who claimed it has the turn or will be given it:
 *     so every sleeper is woken. `finished` changes once each time a batch was closed, after
 *     acknowledged was stored or poisoned was set; a follower has read it under the lock before: no
 *     wake is missed.
 *   - `finished` is changed before the turn passes on, so before the batch is used again: a futex
 *     wake that comes late wakes someone needlessly, who looks at the word and sleeps on.
 *   - Once poisoned is set, nothing is handed over any more. So `handed` separates for good what
 *     may be on the disk (unknown) from what cannot be (not applied).
 */
#ifndef TJ_LOG_GROUP_H
#define TJ_LOG_GROUP_H

#include <pthread.h>
#include <stdatomic.h>

#include "log/successor.h"

/* The open batch takes more records up to this size; a single larger record is let in alone. */
#define TJ__BATCH_SIZE_SOFT_MAX ((size_t)4 << 20)

/* For so long after the files were seen in their places they are taken to be there: looking costs
 * as much as encoding a commit. */
#define TJ__PLACE_CHECK_NS 1000000u

typedef struct tj__batch {
    tj__buffer bytes;
    uint64_t offset;        /* of the first byte, in `file`; set by who adds the first one */
    uint64_t last_sequence; /* everything up to it is written when this batch is */
    uint64_t waiters;       /* threads that claimed it or follow it */
    bool claimed;
    bool flush;                /* flush it whatever the durability is */
    tj__log_file *successor;   /* becomes `file` after this batch, when it ends with a seal */
    _Atomic uint32_t turn;     /* 1: its claimant has been given the turn */
    _Atomic uint32_t finished; /* counts the times it was closed and done */
} tj__batch;

typedef struct tj__group {
    bool sync; /* acknowledge after the flush, not after the write */
    tj_status (*on_acknowledged)(void *context, uint64_t sequence, tj_error *error);
    bool (*make_space)(void *context);
    tj_status (*in_place)(void *context, tj_error *error);
    void *context;

    pthread_mutex_t lock;
    tj__batch batches[2];
    tj__batch *open;
    bool busy;
    uint64_t handed; /* last sequence of the newest batch that was given to pwrite */
    tj_error cause;
    tj__log_file file;

    _Atomic uint64_t appended;
    _Atomic uint64_t acknowledged;
    _Atomic uint64_t durable;
    _Atomic bool poisoned;

    /* With the turn. How many savers are likely to come before the next batch is closed, and how
     * many batches to close without waiting for them, because the last waits were in vain. */
    uint64_t expected;
    uint32_t gather_pause;
    uint32_t gather_penalty;
    uint64_t place_checked_ns; /* when the files were last seen in their places */
} tj__group;

/* Everything up to `sequence` is on the disk. The group owns file->fd. */
void tj__group_init(tj__group *group, bool sync, uint64_t sequence, const tj__log_file *file);
void tj__group_dispose(tj__group *group);

/* Locks the group and reserves room for `size` more bytes in its open batch, after having waited
 * for its flush when it is full. On failure it is not locked: TJ_NOMEM, TJ_CLOSED (not applied). */
tj_status tj__group_enter(tj__group *group, size_t size, tj__batch **batch, tj_error *error);
/* Unlocks; everything up to sequence is in the batch now. */
void tj__group_leave(tj__group *group, uint64_t sequence);
/* Unlocks instead of tj__group_leave, for a batch that now ends with a seal: writes and flushes it,
 * and goes over to the successor, whose descriptor is the group's from here on. */
tj_status tj__group_leave_sealed(tj__group *group, const tj__log_file *successor, tj_error *error);

/* As their tj__log_writer namesakes. */
tj_status tj__group_wait(tj__group *group, uint64_t sequence, tj_error *error);
tj_status tj__group_sync(tj__group *group, uint64_t sequence, tj_error *error);
void tj__group_poison(tj__group *group, const tj_error *cause);

#endif
