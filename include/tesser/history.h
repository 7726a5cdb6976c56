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
 * @return TJ_OK; TJ_NOT_FOUND for a time before the first commit that is kept or still to come, and
 *         for a sequence behind the newest: the sentence names the range; or as
 *         tj_history_range_get. Whether the state of an early sequence is still kept shows when it
 *         is loaded
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

/* ---- commits --------------------------------------------------------------------------- */

/** What a change is about; the comment is its name, as tj_entity_kind_name has it. */
typedef enum tj_entity_kind {
    TJ_ENTITY_PORTFOLIO = 1,      /**< "portfolio": its own members */
    TJ_ENTITY_EQUITY = 2,         /**< "portfolio_equity" */
    TJ_ENTITY_LAST_CANDLE = 3,    /**< "last_candle_ts" */
    TJ_ENTITY_STRATEGY_STATE = 4, /**< "strategy_state" */
    TJ_ENTITY_CHECKPOINT = 5,     /**< "execution_checkpoint": its own members */
    TJ_ENTITY_MEMBER = 6,         /**< "member": an unknown top-level one of a state */
    TJ_ENTITY_BALANCE = 7,        /**< "balance" */
    TJ_ENTITY_POSITION = 8,       /**< "position" */
    TJ_ENTITY_SUB_ACCOUNT = 9,    /**< "sub_account": its own members */
    TJ_ENTITY_PRICE = 10,         /**< "last_price" */
    TJ_ENTITY_ORDER = 11,         /**< "order" */
    TJ_ENTITY_EXEC_ID = 12,       /**< "exec_id" of the execution checkpoint */
    TJ_ENTITY_ALGO = 13,          /**< "algo" */
    TJ_ENTITY_LEDGER = 14,        /**< "ledger": an entry */
    TJ_ENTITY_BOOK = 15,          /**< "book" */
    TJ_ENTITY_COUNTER = 16,       /**< "counter": its value is the next number */
    TJ_ENTITY_QUARANTINED = 17    /**< "quarantined": what an import could not decode */
} tj_entity_kind;

/** The name of a kind, NULL for a number that is none. Threads: any. */
TJ_API const char *tj_entity_kind_name(tj_entity_kind kind);

/**
 * The kind of a name.
 *
 * @param out unchanged on failure
 * @return TJ_OK; TJ_INVALID naming those that there are
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_entity_kind_parse(tj_str text, tj_entity_kind *out, tj_error *error);

/** One entity that a commit changed, or that two moments differ in. */
typedef struct tj_change {
    tj_entity_kind kind;
    tj_str book;      /**< name of its book */
    tj_str owner;     /**< of a balance or position: its sub-account, "" for the portfolio's own */
    tj_str key;       /**< an order's id, a symbol, a UUID, a number; "" where there is only one */
    bool moved;       /**< nothing but its place in its list is another one */
    tj_str old_value; /**< JSON in Tesser's spelling; absent: it was not there */
    tj_str new_value; /**< the same; absent: it is gone */
} tj_change;

/** Which commits to read; start from TJ_HISTORY_QUERY_INIT and set what matters. */
typedef struct tj_history_query {
    size_t struct_size;
    uint64_t sequence_first; /**< from this commit on; 0: from the oldest that is kept */
    uint64_t sequence_last;  /**< up to and including; 0: to the newest, and what comes */
    bool has_time_first;
    tj_time time_first; /**< those made at this time or later */
    bool has_time_last;
    tj_time time_last; /**< at this time or earlier */
    const char *book;  /**< only changes in this book; NULL: in all */
    uint64_t kinds;    /**< only of these: 1 << tj_entity_kind each; 0: all */
    tj_str key;        /**< only of this key; absent: all. Of a symbol in any spelling */
    size_t limit;      /**< at most so many commits; 0: all */
    bool descending;   /**< newest first */
    bool old_values;   /**< with what each entity was before */
} tj_history_query;

#define TJ_HISTORY_QUERY_INIT                                                                   \
    {                                                                                           \
        sizeof(tj_history_query), 0, 0, false, 0, false, 0, NULL, 0, {NULL, 0}, 0, false, false \
    }

/** A commit as it was made, with those of its changes that were asked for. */
typedef struct tj_history_commit {
    uint64_t sequence;
    tj_time time;
    uint64_t epoch;    /**< of the writer: it rises each time a journal is opened for writing */
    tj_uuid commit_id; /**< nil: none */
    tj_str note;       /**< why it was made; "" when nobody said */
    const tj_change *changes;
    size_t change_count;
} tj_history_commit;

/** Commits being read. */
typedef struct tj_history tj_history;

/**
 * Begins to read commits.
 *
 * With book, kinds or key only commits that changed such an entity are given, and of their changes
 * only those. Otherwise all are given, also those without a change.
 * @param query borrowed for the call; NULL means all commits, oldest first
 * @param out   released with tj_history_close, before its store is closed; NULL on failure
 * @return TJ_OK; TJ_INVALID for a key that nothing of these kinds can have; TJ_NOT_FOUND for a book
 *         that is not there, or a first commit that is not kept; or as tj_moment_find
 * Threads: any; the history itself belongs to one thread at a time.
 */
TJ_API TJ_CHECKED tj_status tj_history_open(tj_store *store, const tj_history_query *query,
                                            tj_history **out, tj_error *error);

/**
 * Gives the next commit.
 *
 * Where there is none, it may be called again: oldest first and without an end, it goes on with
 * commits that were acknowledged since, by this process or another.
 * @param out receives the commit, valid until the next call on this history; NULL when there is
 *            none (any more, or yet)
 * @return TJ_OK; TJ_NOT_FOUND when the place was left to retention meanwhile; TJ_CORRUPT,
 *         TJ_FORMAT_NEWER naming the commit; TJ_IO, TJ_CLOSED, TJ_NOMEM
 * Threads: handle.
 */
TJ_API TJ_CHECKED tj_status tj_history_next(tj_history *history, const tj_history_commit **out,
                                            tj_error *error);

/** Ends the reading of commits. NULL is allowed. Threads: handle. */
TJ_API void tj_history_close(tj_history *history);

/* ---- differences ------------------------------------------------------------------------ */

/** What is different between two moments, by table, book, kind and key. */
typedef struct tj_history_diff {
    uint64_t sequence_from; /**< the commits that the moments mean */
    uint64_t sequence_to;
    tj_change *changes; /**< old_value at the first moment, new_value at the second */
    size_t count;
} tj_history_diff;

/**
 * Compares two moments, entity by entity. It costs what was committed between them.
 *
 * @param from  the moment of the old values; it may be the later one
 * @param to    the moment of the new values
 * @param query borrowed; of it book, kinds and key say what to compare; NULL: everything
 * @param out   released with tj_history_diff_free; NULL on failure
 * @return as tj_history_open
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_history_diff_load(tj_store *store, tj_moment from, tj_moment to,
                                                 const tj_history_query *query,
                                                 tj_history_diff **out, tj_error *error);

/** Releases what tj_history_diff_load returned. NULL is allowed. Threads: any, one at a time. */
TJ_API void tj_history_diff_free(tj_history_diff *diff);

/* ---- the equity curve ------------------------------------------------------------------- */

/** The equity that one commit left. */
typedef struct tj_equity_point {
    uint64_t sequence;
    tj_time time;
    tj_decimal equity;   /**< portfolio_equity of the book */
    tj_decimal peak;     /**< the highest of all kept commits up to here */
    tj_decimal drawdown; /**< (peak - equity) / peak, 6 digits behind the point; 0 where the peak is
                              not above 0 */
} tj_equity_point;

/** Equity over time. */
typedef struct tj_equity_curve {
    tj_equity_point *points; /**< in the order of time */
    size_t count;
    tj_decimal drawdown_max; /**< of the points */
    bool thinned;            /**< what was between two points is not known: neither a peak nor a
                                  drawdown there */
} tj_equity_curve;

/** How close an equity curve looks. */
typedef enum tj_equity_detail {
    TJ_EQUITY_AUTOMATIC = 0, /**< exact, up to TJ_EQUITY_EXACT_COMMITS_MAX; more are thinned */
    TJ_EQUITY_EXACT = 1,     /**< a point for each commit that changed the equity, none left out */
    TJ_EQUITY_THINNED = 2    /**< a point for each state that is at hand without reading the log
                                  (about one for each of its segments, also of before it begins) and
                                  one for the last moment */
} tj_equity_detail;

/** Commits that are read for a curve unless it is asked to be exact: a few seconds. */
#define TJ_EQUITY_EXACT_COMMITS_MAX 10000000

/** Which curve to draw; start from TJ_EQUITY_QUERY_INIT and set what matters. */
typedef struct tj_equity_query {
    size_t struct_size;
    tj_moment from; /**< first moment; all zero: from the oldest that is kept */
    tj_moment to;   /**< last moment; all zero: to the newest */
    tj_equity_detail detail;
} tj_equity_query;

#define TJ_EQUITY_QUERY_INIT                                                       \
    {                                                                              \
        sizeof(tj_equity_query), {0, false, 0}, {0, false, 0}, TJ_EQUITY_AUTOMATIC \
    }

/**
 * Reads the equity of a book over time. What is kept before the first moment counts for the peak.
 *
 * @param query borrowed; NULL: all that is kept
 * @param out   released with tj_equity_curve_free; without points where no commit has an equity;
 *              NULL on failure
 * @return as tj_state_load_at; TJ_MISUSE for a detail that is none
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_equity_curve_find(tj_state_repository *repository,
                                                 const tj_equity_query *query,
                                                 tj_equity_curve **out, tj_error *error);

/**
 * The curve between two moments: tj_equity_curve_find with TJ_EQUITY_AUTOMATIC.
 *
 * @param from first moment; all zero: from the oldest commit that is kept
 * @param to   last moment; all zero: to the newest
 * @param out  as of tj_equity_curve_find
 * @return as tj_equity_curve_find
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_equity_curve_load(tj_state_repository *repository, tj_moment from,
                                                 tj_moment to, tj_equity_curve **out,
                                                 tj_error *error);

/** Releases what tj_equity_curve_find and tj_equity_curve_load returned. NULL is allowed.
 * Threads: any, one at a time. */
TJ_API void tj_equity_curve_free(tj_equity_curve *curve);

/* ---- going back ------------------------------------------------------------------------- */

/** How to roll back. Start from TJ_ROLLBACK_OPTIONS_INIT. */
typedef struct tj_rollback_options {
    size_t struct_size;
    bool dry_run;         /**< only tell what would change */
    bool keep_checkpoint; /**< leave the execution checkpoint, with its exec ids, as it is now */
    tj_str note;          /**< why, kept with the commit (TJ_COMMIT_NOTE_SIZE_MAX); absent: which
                               commit was gone back to */
} tj_rollback_options;

#define TJ_ROLLBACK_OPTIONS_INIT                   \
    {                                              \
        sizeof(tj_rollback_options), false, false, \
        {                                          \
            NULL, 0                                \
        }                                          \
    }

/** Ledger entries of one asset that a rollback leaves where they are. */
typedef struct tj_ledger_sum {
    tj_asset asset;
    size_t count;
    tj_decimal amount; /**< of all of them together */
} tj_ledger_sum;

/** What a rollback did, or would do. */
typedef struct tj_rollback_report {
    bool dry_run;
    tj_str book;
    uint64_t sequence_to; /**< the commit that was gone back to */
    uint64_t sequence;    /**< the commit that did it; 0: a dry run, or nothing was different */
    tj_change *changes;   /**< old_value: before the rollback; new_value: since */
    size_t change_count;
    tj_ledger_sum *ledger; /**< entries made since, which stay; by asset */
    size_t ledger_count;
    bool checkpoint_back; /**< the execution checkpoint goes back: executions since are not known
                               any more and, fetched again, would be booked twice */
    bool checkpoint_kept; /**< it would have, and was kept as it is */
} tj_rollback_report;

/**
 * Takes the LiveState and the algorithms of a book back to what they were, by a new commit.
 *
 * Afterwards they are, byte for byte and with the order of their lists, as they were right after
 * the moment; only what is different is written. Everything else stays: the ledger (the report says
 * what was booked since), counters, commit ids, other books, what is in quarantine. Sequence and
 * time go on, and rolling back to a moment before this commit takes it back again.
 *
 * Other commits wait meanwhile. A runtime that has the state in memory must load it again before it
 * saves: its next whole save would undo this.
 * @param to      the moment
 * @param options borrowed; NULL: the defaults
 * @param report  released with tj_rollback_report_free; may be NULL; NULL on failure
 * @return as tj_txn_commit and tj_moment_find; TJ_NOT_FOUND also for a book that was not there yet;
 *         TJ_LIMIT when the differences are more than a commit can have (64 MiB)
 * Threads: any. Durability: P1.
 */
TJ_API TJ_CHECKED tj_status tj_state_rollback(tj_state_repository *repository, tj_moment to,
                                              const tj_rollback_options *options,
                                              tj_rollback_report **report, tj_error *error);

/** Releases what tj_state_rollback returned. NULL is allowed. Threads: any, one at a time. */
TJ_API void tj_rollback_report_free(tj_rollback_report *report);

#ifdef __cplusplus
}
#endif
#endif
