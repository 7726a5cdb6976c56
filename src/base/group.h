/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Group commit: many threads, one write for all of them. Where a batch is written to is its owner's
 * matter: a file that is flushed, or a server that answers.
 *
 * There are two batches of bytes. One is open: records are added to it. The other is in flight, or
 * idle. They change places when a leader closes the open one.
 *
 * The turn is the right to close a batch and to write; at most one thread has it (`busy`).
 *
 *   waiter, open batch, unclaimed, nobody busy   claims the batch, takes the turn, leads
 *   waiter, open batch, unclaimed, busy          claims the batch, sleeps on its `turn` word, leads
 *   waiter, batch claimed, open or in flight     follows: sleeps until its `finished` word changes
 *   leader   gathers, closes, writes, publishes; then, in one locked step, finishes its batch and
 *            gives the turn to whoever claimed the open one, or ends `busy`; wakes that thread
 *            first, and its own followers by one futex call. Nobody takes a lock after having been
 *            woken.
 *
 * So a lone saver does everything on its own thread, without a futex call; and while savers queue,
 * the disk waits for one thread to be woken, never for all of them.
 *
 * A write of which nobody can say yet whether it went through (TJ_UNKNOWN) leaves its batch
 * unsettled: closed, with nobody waiting for it. Whoever leads next writes it again before its own.
 *
 * Who may touch what:
 *   - `lock` guards the open batch, which batch is open, busy, handed, cause, doubt, unsettled, and
 *     the waiter counts of both batches. It is held while one record is encoded, never during I/O.
 *   - The thread with the turn owns the batch in flight (but for its waiter count), and what the
 *     owner writes to. What it did passes to the next one with the turn through the lock or the
 *     `turn` word. It alone changes `unsettled`.
 *   - The appender (one thread at a time, the caller sees to it) adds to the open batch.
 *   - Anyone may read the atomics. acknowledged and durable are stored with the turn, appended by
 *     the appender, poisoned under the lock.
 *
 * Invariants:
 *   - acknowledged <= handed <= appended. Records in (handed, appended] are in the open batch;
 *     those in (acknowledged, handed] are in the batch in flight, unsettled, or failed.
 *   - A thread sleeps only on a claimed batch, and who claimed it has the turn or will be given it:
 *     so every sleeper is woken. `finished` changes once each time a batch was closed or given up,
 *     after acknowledged was stored or poisoned was set; a follower has read it under the lock
 *     before: no wake is missed.
 *   - `finished` is changed before the turn passes on, so before the batch is used again: a futex
 *     wake that comes late wakes someone needlessly, who looks at the word and sleeps on.
 *   - Once poisoned is set, nothing is handed over any more. So `handed` separates for good what
 *     may be written (unknown) from what cannot be (not applied).
 */
#ifndef TJ_BASE_GROUP_H
#define TJ_BASE_GROUP_H

#include <pthread.h>
#include <stdatomic.h>

#include <tesser/error.h>

#include "base/buffer.h"

/* The open batch takes more records up to this size; a single larger record is let in alone. */
#define TJ__BATCH_SIZE_SOFT_MAX ((size_t)4 << 20)

typedef struct tj__batch {
    tj__buffer bytes;
    uint64_t offset;        /* the owner's: where the bytes go */
    void *successor;        /* the owner's: what follows behind them; NULL: more of the same */
    uint64_t last_sequence; /* everything up to it is written when this batch is */
    uint64_t waiters;       /* threads that claimed it or follow it */
    bool claimed;
    bool flush;                /* flush it whatever the durability is */
    _Atomic uint32_t turn;     /* 1: its claimant has been given the turn */
    _Atomic uint32_t finished; /* counts the times it was closed and done, or given up */
} tj__batch;

/* What the owner does, always with the turn. */
typedef struct tj__group_ops {
    /* May provide. Before a batch is closed that holds records. TJ_CLOSED: neither they nor any
     * others must be written. Other failures say nothing. */
    tj_status (*check)(void *context, tj_error *error);
    /* Must provide. Writes the batch, which may be empty, and flushes it if asked to. After a
     * failure *entered says whether something of it may have got there (it is true before).
     * TJ_UNKNOWN: not settled, the same batch comes again. */
    tj_status (*write)(void *context, const tj__batch *batch, bool flush, bool *entered,
                       tj_error *error);
    /* May provide. Everything up to sequence is written and, with sync, flushed. Comes before it is
     * acknowledged: who sees that may rely on this. */
    tj_status (*acknowledged)(void *context, uint64_t sequence, tj_error *error);
    /* May provide. The batch is done with, written or not. */
    void (*ended)(void *context, const tj__batch *batch);
} tj__group_ops;

typedef struct tj__group {
    const tj__group_ops *ops;
    void *context;
    bool sync; /* acknowledge after the flush, not after the write */
    /* A write takes so long that a moment's wait for more savers is worth it: until none has come
     * for so long, or for so long in all. 0: it does not. */
    uint32_t gather_quiet_ns;
    uint32_t gather_total_ns;
    /* 0: an appender that finds the open batch full waits for its write. Else others write, which
     * may take for ever: an appender waits a moment, and the batch grows up to this size. */
    size_t size_max;
    bool timed; /* `write` looks at led_since */

    pthread_mutex_t lock;
    tj__batch batches[2];
    tj__batch *open;
    bool busy;
    uint64_t handed;      /* last sequence of the newest batch that was given to `write` */
    tj__batch *unsettled; /* the one that is not open, or NULL */
    tj_error cause;       /* of being poisoned */
    tj_error doubt;       /* of the newest batch that was left unsettled */

    _Atomic uint64_t appended;
    _Atomic uint64_t acknowledged;
    _Atomic uint64_t durable;
    _Atomic bool poisoned;

    /* With the turn. Since when (monotonic ns) whoever leads has waited, if that is `timed`. */
    uint64_t led_since;
    /* How many savers are likely to come before the next batch is closed, and how
     * many batches to close without waiting for them, because the last waits were in vain. */
    uint64_t expected;
    uint32_t gather_pause;
    uint32_t gather_penalty;
} tj__group;

/* Everything up to `sequence` is durable. */
void tj__group_init(tj__group *group, const tj__group_ops *ops, void *context, bool sync,
                    uint64_t sequence);
void tj__group_dispose(tj__group *group);

/* Locks the group and reserves room for `size` more bytes in its open batch, after having waited
 * for its write when it is full. On failure it is not locked: TJ_NOMEM, TJ_CLOSED (not applied),
 * TJ_UNAVAILABLE (not applied: the batch is full, and what is before it is not written). */
tj_status tj__group_enter(tj__group *group, size_t size, tj__batch **batch, tj_error *error);
/* Unlocks; everything up to sequence is in the batch now. */
void tj__group_leave(tj__group *group, uint64_t sequence);
/* Unlocks instead of tj__group_leave, for a batch that now ends with what its successor goes on
 * from: writes and flushes it. */
tj_status tj__group_leave_sealed(tj__group *group, void *successor, tj_error *error);

/* Waits until a sequence is acknowledged. TJ_CLOSED with "outcome unknown" or "not applied" in the
 * message; TJ_UNKNOWN. */
tj_status tj__group_wait(tj__group *group, uint64_t sequence, tj_error *error);
/* The same, and flushed. */
tj_status tj__group_sync(tj__group *group, uint64_t sequence, tj_error *error);
void tj__group_poison(tj__group *group, const tj_error *cause);

#endif
