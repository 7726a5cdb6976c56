/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file history.h
 * What was: the state after any commit, the commits themselves, what changed between two of them.
 *
 * A journal's log holds every commit since its creation, or since its retention began; what is read
 * here is read from it, exactly, in the writing process and in any other, beside the writer.
 * Nothing is guessed: what is not kept any more is TJ_NOT_FOUND with the range that is.
 *
 * A store in memory keeps no history: TJ_UNSUPPORTED.
 */
#ifndef TESSER_HISTORY_H
#define TESSER_HISTORY_H

#include <tesser/repository.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A moment: right after a commit, by its sequence or by time. By time it is right after the newest
 * commit that was not made later. All zero is the newest commit.
 */
typedef struct tj_moment {
    uint64_t sequence; /**< 0: by time, or the newest */
    bool has_time;
    tj_time time;
} tj_moment;

#define TJ_MOMENT_INIT \
    {                  \
        0, false, 0    \
    }

/**
 * Reads a moment: a plain number is a commit's sequence, anything else an RFC 3339 time
 * (tj_time_parse).
 *
 * @param text borrowed
 * @param out  unchanged on failure
 * @return TJ_OK; TJ_INVALID; TJ_LIMIT
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_moment_parse(tj_str text, tj_moment *out, tj_error *error);

/** Of which commits a store has the history. */
typedef struct tj_history_range {
    uint64_t sequence_first; /**< the oldest commit that is kept, 0 before the first commit */
    tj_time time_first;      /**< when it was made */
    uint64_t sequence_last;  /**< the newest that is acknowledged */
    tj_time time_last;
} tj_history_range;

/**
 * Finds out of which commits the store has the history.
 *
 * @param out all zero before the first commit; unchanged on failure
 * @return TJ_OK; TJ_UNSUPPORTED for a store in memory; TJ_CORRUPT naming the place; or as
 *         tj_state_load
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_history_range_get(tj_store *store, tj_history_range *out,
                                                 tj_error *error);

/**
 * Finds the commit that a moment means.
 *
 * A time that has passed and is behind the newest commit means the newest: nothing came since.
 * @param sequence receives it; unchanged on failure
 * @return TJ_OK; TJ_NOT_FOUND for a moment before the first commit that is kept, behind the newest
 *         (by sequence), or still to come (by time): the sentence names the range; or as
 *         tj_history_range_get
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_moment_find(tj_store *store, tj_moment moment, uint64_t *sequence,
                                           tj_error *error);

/**
 * Loads the LiveState as it was.
 *
 * @param moment when
 * @param out    as of tj_state_load; `sequence` in it is the commit that the moment means
 * @return as tj_state_load and tj_moment_find; TJ_NOT_FOUND also for a book that was not there yet
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_state_load_at(tj_state_repository *repository, tj_moment moment,
                                             tj_live_state **out, tj_error *error);

/** One algorithm as it was: tj_algo_load of the past. As tj_state_load_at. Threads: any. */
TJ_API TJ_CHECKED tj_status tj_algo_load_at(tj_algo_repository *repository, tj_moment moment,
                                            const tj_uuid *id, tj_algo_record **out,
                                            tj_error *error);

/** All algorithms as they were: tj_algo_load_all of the past. As tj_state_load_at. Threads: any. */
TJ_API TJ_CHECKED tj_status tj_algo_load_all_at(tj_algo_repository *repository, tj_moment moment,
                                                tj_algo_list **out, tj_error *error);

/**
 * Finds entries among those that the ledger had: tj_ledger_find of the past. The ledger only grows,
 * so they are what it has today, up to a sequence.
 *
 * @param query borrowed; NULL means all of them by sequence
 * @param out   released with tj_ledger_list_free; NULL on failure
 * @return as tj_ledger_find and tj_moment_find
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_ledger_find_at(tj_ledger_repository *repository, tj_moment moment,
                                              const tj_ledger_query *query, tj_ledger_list **out,
                                              tj_error *error);

#ifdef __cplusplus
}
#endif
#endif
