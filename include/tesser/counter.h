/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file counter.h
 * Durable counters that only rise (promise P13): client order ids that are never given twice.
 */
#ifndef TESSER_COUNTER_H
#define TESSER_COUNTER_H

#include <tesser/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Longest name of a counter, in bytes. */
#define TJ_COUNTER_NAME_SIZE_MAX 128

/**
 * How far each counter skips when a writer opens a journal that was copied, or put back from a copy
 * (its writer.lock was written in another place): the original may have gone on, and have handed
 * out numbers that the copy does not know of. Once for each copy; a warning says so (tj_trace_fn).
 */
#define TJ_COUNTER_COPY_SKIP UINT64_C(1000000000)

/**
 * Reserves a block of numbers: first, first + 1, ... first + count - 1. No other reservation,
 * before or after a crash, ever gives one of them again.
 *
 * Reserve blocks (say 1,000) and hand their numbers out from memory: a number then costs nothing,
 * and a crash loses at most the rest of a block. A new counter starts at 1.
 * On a full disk it may use the reserve, as a critical commit.
 * @param book  NULL means the configured book
 * @param name  1 to TJ_COUNTER_NAME_SIZE_MAX bytes of UTF-8 without control characters
 * @param count at least 1
 * @param first receives the first number of the block
 * @return TJ_OK; TJ_MISUSE for a count of 0; TJ_LIMIT when the counter would pass 2^63 - 1, or for
 *         a name that is too long; TJ_INVALID for any other name; as tj_txn_commit
 * Threads: any.
 * Durability: always flushed before it returns, also with TJ_DURABILITY_OS. Source: P13.
 */
TJ_API TJ_CHECKED tj_status tj_counter_reserve(tj_store *store, const char *book, const char *name,
                                               uint64_t count, uint64_t *first, tj_error *error);

/**
 * The first number that is not reserved yet; 1 for a counter that was never used.
 *
 * @param book NULL means the configured book
 * @param name as of tj_counter_reserve
 * @param out  receives it
 * @return as tj_state_load, and for the name as tj_counter_reserve
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_counter_next(tj_store *store, const char *book, const char *name,
                                            uint64_t *out, tj_error *error);

#ifdef __cplusplus
}
#endif
#endif
