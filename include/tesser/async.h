/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file async.h
 * Commits without waiting: for event loops. A submitted commit is decided at once and made durable
 * behind the caller's back; its completion arrives through a file descriptor to poll and a
 * callback.
 *
 *     struct pollfd p = {tj_store_completion_fd(store), POLLIN, 0};
 *     tj_txn_submit(txn, NULL, on_done, order, NULL, &err);    does not wait for the disk
 *     ... poll(&p, ...) says that something is done ...
 *     tj_store_complete(store, 0, NULL, &err);                 calls on_done, on this thread
 */
#ifndef TESSER_ASYNC_H
#define TESSER_ASYNC_H

#include <tesser/repository.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How many submitted commits may wait for their completion to be taken. */
#define TJ_SUBMITTED_MAX 65536

/**
 * Receives the outcome of one submitted commit: on TJ_OK it is as durable as was asked for.
 *
 * Called by tj_store_complete on its thread, in the order of the sequences, with no lock held: it
 * may submit, save and load, but not close the store.
 * @param context  as given to tj_txn_submit
 * @param status   as of tj_txn_commit
 * @param sequence of the commit
 * @param error    details when status is not TJ_OK, else NULL; borrowed
 */
typedef void tj_commit_done(void *context, tj_status status, uint64_t sequence,
                            const tj_error *error);

/**
 * Commits without waiting for the disk. The transaction is released in every case.
 *
 * @param options  NULL: the defaults; deadline_ms must be 0
 * @param done     called exactly once when this returns TJ_OK, unless the store is closed before
 *                 its completion was taken, and not otherwise; may be NULL
 * @param context  passed to done
 * @param sequence receives the commit's number, which a load in this process may not show yet; may
 *                 be NULL
 * @return TJ_OK: it is on its way; TJ_BUSY: TJ_SUBMITTED_MAX completions were not taken, nothing
 *         happened; TJ_MISUSE; otherwise as tj_txn_commit
 * Threads: handle for the transaction, any for its store. It does not wait for a flush, except
 * while the log changes segments or LMDB is too far behind (tj_lmdb_info.lag_bytes).
 * Durability: none yet on return.
 */
TJ_API TJ_CHECKED tj_status tj_txn_submit(tj_txn *txn, const tj_commit_options *options,
                                          tj_commit_done *done, void *context, uint64_t *sequence,
                                          tj_error *error);

/**
 * Reserves a block of numbers as tj_counter_reserve does, without waiting for the disk.
 *
 * None of them may be handed out before done has received TJ_OK: a crash before that may give them
 * again. So reserve the next block while the last one still has numbers.
 * @param book    NULL means the configured book
 * @param name    as of tj_counter_reserve
 * @param count   as of tj_counter_reserve
 * @param done    as of tj_txn_submit; receives what tj_counter_reserve would return
 * @param context passed to done
 * @param first   receives the first number of the block
 * @return TJ_OK: it is on its way; TJ_BUSY as of tj_txn_submit; otherwise as tj_counter_reserve
 * Threads: any; it waits as tj_txn_submit does.
 * Durability: none yet on return; flushed before done is called, also with TJ_DURABILITY_OS.
 */
TJ_API TJ_CHECKED tj_status tj_counter_submit(tj_store *store, const char *book, const char *name,
                                              uint64_t count, tj_commit_done *done, void *context,
                                              uint64_t *first, tj_error *error);

/**
 * The file descriptor (an eventfd) that is readable while completions wait to be taken. Poll it by
 * level, not by edge (EPOLLET), and do not read it. It belongs to the store.
 *
 * @return the descriptor; -1 when the store is NULL, read-only, or there is none left to be had
 * Threads: any.
 */
TJ_API int tj_store_completion_fd(tj_store *store);

/**
 * Takes the completions that are there and calls their callbacks. Of those that callbacks bring
 * about, some may be left to the next call.
 *
 * Stores that share a journal share its completions: whoever takes one calls its callback.
 * @param wait_ms how long to wait for the first one, in milliseconds; 0: not at all. With
 *                no_threads the call that waits flushes what is in flight
 * @param count   receives how many were taken; may be NULL
 * @return TJ_OK, also when there was none; TJ_MISUSE; TJ_CLOSED in a forked child
 * Threads: any; two threads may take at once, each callback is called once.
 */
TJ_API TJ_CHECKED tj_status tj_store_complete(tj_store *store, uint32_t wait_ms, size_t *count,
                                              tj_error *error);

/**
 * Takes completions until none is in flight: before a store is closed, so that no callback is
 * dropped. What callbacks submit meanwhile is waited for, too.
 *
 * @param wait_ms how long at most, in milliseconds; 0: as long as it takes
 * @return TJ_OK: nothing is in flight; TJ_UNAVAILABLE: the time is up, and something still is;
 *         TJ_MISUSE; TJ_CLOSED in a forked child
 * Threads: any.
 * Durability: what was submitted before the call and succeeded is as durable as was asked for.
 */
TJ_API TJ_CHECKED tj_status tj_store_drain(tj_store *store, uint32_t wait_ms, tj_error *error);

#ifdef __cplusplus
}
#endif
#endif
