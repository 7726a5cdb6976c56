/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file repository.h
 * The one interface to stored state: LiveState, algorithms, ledger, and the commit that spans
 * them. The same calls work on every engine; calling code never names one.
 *
 * Every write is one commit: atomic over everything in it (P2), and acknowledged (the call
 * returns TJ_OK) only when it is as durable as the store promises (P1). After any other status
 * nothing of the commit is visible, except that after TJ_CLOSED ("outcome unknown") reopening
 * tells.
 */
#ifndef TESSER_REPOSITORY_H
#define TESSER_REPOSITORY_H

#include <tesser/algo.h>
#include <tesser/ledger.h>
#include <tesser/state.h>
#include <tesser/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/** LiveState of one book. Owned by its store. */
typedef struct tj_state_repository tj_state_repository;
/** Algorithms of one book. Owned by its store. */
typedef struct tj_algo_repository tj_algo_repository;
/** Ledger of one book. Owned by its store. */
typedef struct tj_ledger_repository tj_ledger_repository;

/**
 * The repositories of a book.
 *
 * Asking again for the same book gives the same handle. Whether the book exists is checked by
 * the calls that use it: TJ_NOT_FOUND when the journal holds other books but not this one.
 * @param book NULL means the configured book
 * @return the handle, valid until tj_store_close; NULL if the name is no book name or memory is
 *         short (calls with a NULL repository return TJ_MISUSE)
 * Threads: any.
 */
TJ_API tj_state_repository *tj_store_state_repository(tj_store *store, const char *book);
/** As tj_store_state_repository. Threads: any. */
TJ_API tj_algo_repository *tj_store_algo_repository(tj_store *store, const char *book);
/** As tj_store_state_repository. Threads: any. */
TJ_API tj_ledger_repository *tj_store_ledger_repository(tj_store *store, const char *book);

/* ---- LiveState ------------------------------------------------------------------------- */

/**
 * Loads the LiveState: exactly the state after some commit, never older than the last save that
 * this process had acknowledged when it called (P4).
 *
 * @param out receives the state, released with tj_live_state_free; the default (empty) state when
 *            nothing was ever stored in the journal; NULL on failure
 * @return TJ_OK; TJ_NOT_FOUND when other books are stored but not this one; TJ_CORRUPT when any row
 *         is undecodable (never a partial portfolio, P6); TJ_BUSY, TJ_IO, TJ_CLOSED, TJ_NOMEM
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_state_load(tj_state_repository *repository, tj_live_state **out,
                                          tj_error *error);

/**
 * Saves the LiveState: finds what changed since the newest save and commits only that.
 *
 * It replaces the book's state; absent `extra` members keep what is stored (state.h). An unchanged
 * state adds nothing to the log, but the call still waits until what it equals is durable.
 * @param state borrowed for the call
 * @return as tj_txn_commit, and TJ_INVALID naming the value when one is not valid or an order id,
 *         symbol, currency, exchange or exec id stands twice
 * Threads: any; concurrent savers share a flush. Durability: P1.
 */
TJ_API TJ_CHECKED tj_status tj_state_save(tj_state_repository *repository,
                                          const tj_live_state *state, tj_error *error);

/* ---- algorithms ------------------------------------------------------------------------ */

/**
 * Saves the state of one algorithm, new or not.
 *
 * @param id    its key; the caller's own
 * @param state borrowed for the call; the payload is checked to be JSON and kept byte for byte
 * @return as tj_txn_commit, and TJ_INVALID or TJ_LIMIT for the state
 * Threads: any. Durability: P1.
 */
TJ_API TJ_CHECKED tj_status tj_algo_save(tj_algo_repository *repository, const tj_uuid *id,
                                         const tj_algo_state *state, tj_error *error);

/**
 * Loads one algorithm.
 *
 * @param out released with tj_algo_record_free; NULL on failure
 * @return TJ_OK; TJ_NOT_FOUND; TJ_CORRUPT when it is stored but undecodable; as tj_state_load
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_algo_load(tj_algo_repository *repository, const tj_uuid *id,
                                         tj_algo_record **out, tj_error *error);

/**
 * Loads all algorithms of the book, sorted by id, and lists apart those that cannot be decoded.
 *
 * @param out released with tj_algo_list_free; NULL on failure
 * @return TJ_OK, also with quarantined ones; as tj_state_load
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_algo_load_all(tj_algo_repository *repository, tj_algo_list **out,
                                             tj_error *error);

/**
 * Deletes one algorithm. Deleting what is not there is TJ_OK, as in Tesser's stores.
 *
 * @return as tj_txn_commit
 * Threads: any. Durability: P1.
 */
TJ_API TJ_CHECKED tj_status tj_algo_delete(tj_algo_repository *repository, const tj_uuid *id,
                                           tj_error *error);

/* ---- ledger ---------------------------------------------------------------------------- */

/**
 * Appends entries, all or none.
 *
 * An entry with sequence 0 gets the book's next number; one with a number must be above the
 * newest so far.
 * @param entries borrowed for the call
 * @param last    receives the sequence of the last entry; may be NULL
 * @return as tj_txn_commit; TJ_INVALID for an entry; TJ_CONFLICT for a sequence not above the
 *         newest; TJ_EXISTS for an id that the book has, or that stands twice
 * Threads: any. Durability: P1.
 */
TJ_API TJ_CHECKED tj_status tj_ledger_append(tj_ledger_repository *repository,
                                             const tj_ledger_entry *entries, size_t count,
                                             uint64_t *last, tj_error *error);

/** The sequence of the newest entry, 0 when there is none. As tj_state_load. Threads: any. */
TJ_API TJ_CHECKED tj_status tj_ledger_latest(tj_ledger_repository *repository, uint64_t *out,
                                             tj_error *error);

/**
 * Finds entries, by an index on sequence or on time.
 *
 * @param query borrowed; NULL means all entries by sequence
 * @param out   released with tj_ledger_list_free; NULL on failure
 * @return as tj_state_load
 * Threads: any.
 */
TJ_API TJ_CHECKED tj_status tj_ledger_find(tj_ledger_repository *repository,
                                           const tj_ledger_query *query, tj_ledger_list **out,
                                           tj_error *error);

/* ---- one commit over everything --------------------------------------------------------- */

/**
 * A commit being put together: any number of changes in any books, applied all or none by
 * tj_txn_commit. It holds no lock and sees no database; its cost follows the changes, not the
 * state.
 */
typedef struct tj_txn tj_txn;

/**
 * Begins a transaction.
 *
 * @param out released by tj_txn_commit or tj_txn_abort, before its store is closed; NULL on failure
 * @return TJ_OK; TJ_MISUSE; TJ_READONLY; TJ_NOMEM
 * Threads: any; the transaction itself belongs to one thread at a time.
 */
TJ_API TJ_CHECKED tj_status tj_txn_begin(tj_store *store, tj_txn **out, tj_error *error);

/**
 * Chooses the book that the following calls on this transaction change; the configured book
 * until then.
 *
 * @param book NULL means the configured book
 * @return TJ_OK; TJ_INVALID for a name that is no book name
 * Threads: handle.
 */
TJ_API TJ_CHECKED tj_status tj_txn_use_book(tj_txn *txn, const char *book, tj_error *error);

/* Each of the following notes one change; of two to the same thing the later one counts. All values
 * are copied. They return TJ_OK, TJ_INVALID (naming the value), TJ_LIMIT, TJ_MISUSE or TJ_NOMEM,
 * and after a failure the transaction is as before that call. Deleting what is not there is TJ_OK.
 * Threads: handle. */

/** Replaces the whole LiveState, as tj_state_save. */
TJ_API TJ_CHECKED tj_status tj_txn_put_state(tj_txn *txn, const tj_live_state *state,
                                             tj_error *error);
/** Puts one open order: in its place when its id is there, else at the end of the list. */
TJ_API TJ_CHECKED tj_status tj_txn_put_order(tj_txn *txn, const tj_order *order, tj_error *error);
/** Deletes one open order. */
TJ_API TJ_CHECKED tj_status tj_txn_delete_order(tj_txn *txn, tj_str id, tj_error *error);
/** Puts the portfolio's own members (its arrays are ignored). */
TJ_API TJ_CHECKED tj_status tj_txn_put_portfolio(tj_txn *txn, const tj_portfolio *portfolio,
                                                 tj_error *error);
/** Deletes the portfolio with all its positions, balances and sub-accounts. */
TJ_API TJ_CHECKED tj_status tj_txn_delete_portfolio(tj_txn *txn, tj_error *error);
/** Puts a sub-account's own members (its arrays are ignored). The commit needs a portfolio. */
TJ_API TJ_CHECKED tj_status tj_txn_put_sub_account(tj_txn *txn, const tj_sub_account *account,
                                                   tj_error *error);
/** Deletes a sub-account with its positions and balances. */
TJ_API TJ_CHECKED tj_status tj_txn_delete_sub_account(tj_txn *txn, tj_str exchange,
                                                      tj_error *error);
/** Puts one position. @param sub_account name of its exchange, absent for the portfolio's own.
 * The commit needs a portfolio; a sub-account that is not there yet is created. */
TJ_API TJ_CHECKED tj_status tj_txn_put_position(tj_txn *txn, tj_str sub_account,
                                                const tj_position *position, tj_error *error);
/** Deletes one position. @param sub_account as in tj_txn_put_position */
TJ_API TJ_CHECKED tj_status tj_txn_delete_position(tj_txn *txn, tj_str sub_account,
                                                   tj_symbol symbol, tj_error *error);
/** Puts one balance; as tj_txn_put_position. */
TJ_API TJ_CHECKED tj_status tj_txn_put_balance(tj_txn *txn, tj_str sub_account,
                                               const tj_balance *balance, tj_error *error);
/** Deletes one balance. @param sub_account as in tj_txn_put_position */
TJ_API TJ_CHECKED tj_status tj_txn_delete_balance(tj_txn *txn, tj_str sub_account,
                                                  tj_asset currency, tj_error *error);
/** Puts the last price of one symbol. */
TJ_API TJ_CHECKED tj_status tj_txn_put_price(tj_txn *txn, const tj_price *price, tj_error *error);
/** Deletes the last price of one symbol. */
TJ_API TJ_CHECKED tj_status tj_txn_delete_price(tj_txn *txn, tj_symbol symbol, tj_error *error);
/** Sets the portfolio's equity. @param equity NULL removes it */
TJ_API TJ_CHECKED tj_status tj_txn_set_portfolio_equity(tj_txn *txn, const tj_decimal *equity,
                                                        tj_error *error);
/** Sets the time of the last candle. @param time NULL removes it */
TJ_API TJ_CHECKED tj_status tj_txn_set_last_candle_ts(tj_txn *txn, const tj_time *time,
                                                      tj_error *error);
/** Sets the strategy's state. @param json any JSON text; absent or "null" removes it */
TJ_API TJ_CHECKED tj_status tj_txn_set_strategy_state(tj_txn *txn, tj_str json, tj_error *error);
/** Sets the execution checkpoint. @param checkpoint the whole checkpoint; NULL removes it */
TJ_API TJ_CHECKED tj_status tj_txn_set_execution_checkpoint(
    tj_txn *txn, const tj_execution_checkpoint *checkpoint, tj_error *error);
/** Replaces all unknown top-level members. @param json an object; "{}" removes them */
TJ_API TJ_CHECKED tj_status tj_txn_set_extra(tj_txn *txn, tj_str json, tj_error *error);
/** Puts the state of one algorithm, as tj_algo_save. */
TJ_API TJ_CHECKED tj_status tj_txn_put_algo(tj_txn *txn, const tj_uuid *id,
                                            const tj_algo_state *state, tj_error *error);
/** Deletes one algorithm, as tj_algo_delete. */
TJ_API TJ_CHECKED tj_status tj_txn_delete_algo(tj_txn *txn, const tj_uuid *id, tj_error *error);
/** Appends one ledger entry, as tj_ledger_append. */
TJ_API TJ_CHECKED tj_status tj_txn_append_ledger(tj_txn *txn, const tj_ledger_entry *entry,
                                                 tj_error *error);

/** How to commit. Start from TJ_COMMIT_OPTIONS_INIT. */
typedef struct tj_commit_options {
    size_t struct_size;
    /** The caller's own id; nil: none. A commit with an id is always written, and one whose id is
     * among the TJ_COMMIT_ID_KEPT newest ids is not applied again: the earlier sequence is returned
     * (safe retries). */
    tj_uuid commit_id;
    /** Not 0: TJ_CONFLICT when a LiveState this commit touches has changed after that sequence
     * (tj_live_state.sequence), or when there is no such commit yet. */
    uint64_t expected_sequence;
    /** Not 0: milliseconds after which the call returns although the disk does not answer.
     * TJ_UNAVAILABLE: not applied; TJ_UNKNOWN: it may be durable now or later. Committing again
     * with the same commit id is safe. For tj_txn_commit only; costs a switch to another thread, so
     * that it is TJ_MISUSE with no_threads. */
    uint32_t deadline_ms;
    /** Flush before acknowledging, also in a store opened with TJ_DURABILITY_OS. */
    bool sync;
    /** An exit, a cancel, a risk limit: may use the space that is kept in reserve for when the disk
     * is full. A commit that only deletes may always. */
    bool critical;
    /** Why the commit is made ("rollback to 4711"), at most TJ_COMMIT_NOTE_SIZE_MAX bytes of UTF-8;
     * absent: nothing. It is kept in the log beside the commit, as long as the log is; a commit
     * that changes nothing and has no id is not written, nor is its note. Borrowed for the call. */
    tj_str note;
} tj_commit_options;

/** Longest note of a commit, in bytes. */
#define TJ_COMMIT_NOTE_SIZE_MAX 1024

/** How many of the newest commit ids a journal remembers. */
#define TJ_COMMIT_ID_KEPT 65536

#define TJ_COMMIT_OPTIONS_INIT                                \
    {                                                         \
        sizeof(tj_commit_options), {{0}}, 0, 0, false, false, \
        {                                                     \
            NULL, 0                                           \
        }                                                     \
    }

/**
 * Commits: all changes or none, acknowledged when as durable as the store promises.
 *
 * The transaction is released in every case.
 * @param options  NULL: the defaults
 * @param sequence receives the commit's number in the journal (for a commit that changes nothing:
 *                 the newest number, whose durability was waited for); may be NULL
 * @return TJ_OK; TJ_FULL, TJ_NOMEM, TJ_LIMIT (more than 64 MiB of changes), TJ_CONFLICT,
 *         TJ_NOT_FOUND (book), TJ_INVALID (a position without a portfolio), TJ_READONLY: nothing
 *         changed; TJ_UNAVAILABLE, TJ_UNKNOWN: see deadline_ms; TJ_CLOSED: the handle no longer
 *         takes commits, and the message says whether this one was not applied or is unknown until
 *         the store is opened again (P7)
 * Threads: handle; commits of different transactions run concurrently and share flushes.
 * Durability: P1. Source: P2, P7.
 */
TJ_API TJ_CHECKED tj_status tj_txn_commit(tj_txn *txn, const tj_commit_options *options,
                                          uint64_t *sequence, tj_error *error);

/** One of several transactions that are committed together. */
typedef struct tj_commit_item {
    tj_txn *txn;                      /**< released, and NULL then */
    const tj_commit_options *options; /**< NULL: the defaults; deadline_ms must be 0 */
    tj_status status;                 /**< receives what tj_txn_commit would return */
    uint64_t sequence;                /**< receives the commit's number when status is TJ_OK */
    tj_error *error;                  /**< receives details when it is not; may be NULL */
} tj_commit_item;

/**
 * Commits several transactions, each by itself, with one flush (one for each 4 MiB, where they are
 * large): for a program that has gathered what many ask for, and has nothing else to do until it
 * can answer them all.
 *
 * They are committed in their order; others may come between them. One that fails leaves the others
 * as they are. tj_txn_submit does not wait instead.
 * @param items the transactions of one journal, each once, and what became of them
 * @param count how many; 0 is allowed
 * Threads: handle, as tj_txn_commit.
 * Durability: P1 for each whose status is TJ_OK.
 */
TJ_API void tj_txn_commit_all(tj_commit_item *items, size_t count);

/**
 * Notes the changes that a JSON object spells out: one line of `tesser-journal record`.
 *
 * Members, all optional: `book` (name, for the rest of the line), `id` (UUID: the commit id),
 * `state` (a whole LiveState), `portfolio` (its own members, or null to delete it),
 * `portfolio_equity`, `last_candle_ts`, `strategy_state`, `execution_checkpoint` (null removes
 * each), `extra` (an object: replaces the unknown top-level members), `ledger` (a list of entries;
 * a missing sequence is the next number), and maps from key to new value, or to null to delete:
 * `orders` (by id), `positions`, `balances`, `last_prices`, `sub_accounts` (by exchange; in each,
 * `positions` and `balances` are such maps), `algos` (by UUID). Any other member is an error.
 * @param json    borrowed
 * @param options receives the commit id when there is one; may be NULL when there is none
 * @return TJ_OK; TJ_INVALID with line, column or the value's name; TJ_LIMIT; TJ_NOMEM. After a
 *         failure abort the transaction: it may hold a part
 * Threads: handle.
 */
TJ_API TJ_CHECKED tj_status tj_txn_apply_json(tj_txn *txn, tj_str json, tj_commit_options *options,
                                              tj_error *error);

/** Drops a transaction. NULL is allowed. Threads: handle. */
TJ_API void tj_txn_abort(tj_txn *txn);

#ifdef __cplusplus
}
#endif
#endif
