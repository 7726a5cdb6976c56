// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one interface to stored state: LiveState, algorithms, ledger, and the commit that spans
//! them. The same calls work on every engine; calling code never names one.
//!
//! Every write is one commit: atomic over everything in it (P2), and acknowledged (the call
//! returns `TJ_OK`) only when it is as durable as the store promises (P1). After any other status
//! nothing of the commit is visible, except that after `TJ_CLOSED` ("outcome unknown") reopening
//! tells.

use std::ffi::c_char;
use std::marker::PhantomData;

use crate::*;

/// How many of the newest commit ids a journal remembers.
pub const TJ_COMMIT_ID_KEPT: usize = 65536;

/// LiveState of one book. Owned by its store.
#[repr(C)]
pub struct tj_state_repository {
    _opaque: [u8; 0],
    _not_send: PhantomData<*mut ()>,
}

/// Algorithms of one book. Owned by its store.
#[repr(C)]
pub struct tj_algo_repository {
    _opaque: [u8; 0],
    _not_send: PhantomData<*mut ()>,
}

/// Ledger of one book. Owned by its store.
#[repr(C)]
pub struct tj_ledger_repository {
    _opaque: [u8; 0],
    _not_send: PhantomData<*mut ()>,
}

/// A commit being put together: any number of changes in any books, applied all or none by
/// `tj_txn_commit`. It holds no lock and sees no database; its cost follows the changes, not the
/// state.
#[repr(C)]
pub struct tj_txn {
    _opaque: [u8; 0],
    _not_send: PhantomData<*mut ()>,
}

/// How to commit. Start from `TJ_COMMIT_OPTIONS_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_commit_options {
    /// Size of this struct, for versions to come.
    pub struct_size: usize,
    /// The caller's own id; nil: none. A commit with an id is always written, and one whose id is
    /// among the `TJ_COMMIT_ID_KEPT` newest ids is not applied again: the earlier sequence is
    /// returned (safe retries).
    pub commit_id: tj_uuid,
    /// Not 0: `TJ_CONFLICT` when a LiveState this commit touches has changed after that sequence
    /// (`tj_live_state.sequence`), or when there is no such commit yet.
    pub expected_sequence: u64,
    /// Not 0: milliseconds after which the call returns although the disk does not answer.
    /// `TJ_UNAVAILABLE`: not applied; `TJ_UNKNOWN`: it may be durable now or later. Committing
    /// again with the same commit id is safe. For `tj_txn_commit` only; costs a switch to another
    /// thread, so that it is `TJ_MISUSE` with no_threads.
    pub deadline_ms: u32,
    /// Flush before acknowledging, also in a store opened with `TJ_DURABILITY_OS`.
    pub sync: bool,
    /// An exit, a cancel, a risk limit: may use the space that is kept in reserve for when the
    /// disk is full. A commit that only deletes may always.
    pub critical: bool,
    /// Why the commit is made, at most 1,024 bytes of UTF-8; absent: nothing. It is kept in the log
    /// beside the commit. Borrowed for the call.
    pub note: tj_str,
}

/// One of several transactions that are committed together.
#[repr(C)]
pub struct tj_commit_item {
    /// Released, and NULL then.
    pub txn: *mut tj_txn,
    /// NULL: the defaults; deadline_ms must be 0.
    pub options: *const tj_commit_options,
    /// Receives what `tj_txn_commit` would return.
    pub status: tj_status,
    /// Receives the commit's number when status is `TJ_OK`.
    pub sequence: u64,
    /// Receives details when it is not; may be NULL.
    pub error: *mut tj_error,
}

unsafe extern "C" {
    /// The repositories of a book.
    ///
    /// Asking again for the same book gives the same handle. Whether the book exists is checked
    /// by the calls that use it: `TJ_NOT_FOUND` when the journal holds other books but not this
    /// one.
    /// - `book`: NULL means the configured book
    ///
    /// Returns the handle, valid until `tj_store_close`; NULL if the name is no book name or
    /// memory is short (calls with a NULL repository return `TJ_MISUSE`)
    ///
    /// Threads: any.
    pub fn tj_store_state_repository(
        store: *mut tj_store,
        book: *const c_char,
    ) -> *mut tj_state_repository;

    /// As `tj_store_state_repository`. Threads: any.
    pub fn tj_store_algo_repository(
        store: *mut tj_store,
        book: *const c_char,
    ) -> *mut tj_algo_repository;

    /// As `tj_store_state_repository`. Threads: any.
    pub fn tj_store_ledger_repository(
        store: *mut tj_store,
        book: *const c_char,
    ) -> *mut tj_ledger_repository;

    /// Loads the LiveState: exactly the state after some commit, never older than the last save
    /// that this process had acknowledged when it called (P4).
    ///
    /// - `out`: receives the state, released with `tj_live_state_free`; the default (empty) state
    ///   when nothing was ever stored in the journal; NULL on failure
    ///
    /// Returns `TJ_OK`; `TJ_NOT_FOUND` when other books are stored but not this one; `TJ_CORRUPT`
    /// when any row is undecodable (never a partial portfolio, P6); `TJ_BUSY`, `TJ_IO`,
    /// `TJ_CLOSED`, `TJ_NOMEM`
    ///
    /// Threads: any.
    pub fn tj_state_load(
        repository: *mut tj_state_repository,
        out: *mut *mut tj_live_state,
        error: *mut tj_error,
    ) -> tj_status;

    /// Saves the LiveState: finds what changed since the newest save and commits only that.
    ///
    /// It replaces the book's state; absent `extra` members keep what is stored (state.h). An
    /// unchanged state adds nothing to the log, but the call still waits until what it equals is
    /// durable.
    /// - `state`: borrowed for the call
    ///
    /// Returns as `tj_txn_commit`, and `TJ_INVALID` naming the value when one is not valid or an
    /// order id, symbol, currency, exchange or exec id stands twice
    ///
    /// Threads: any; concurrent savers share a flush. Durability: P1.
    pub fn tj_state_save(
        repository: *mut tj_state_repository,
        state: *const tj_live_state,
        error: *mut tj_error,
    ) -> tj_status;

    /// Saves the state of one algorithm, new or not.
    ///
    /// - `id`: its key; the caller's own
    /// - `state`: borrowed for the call; the payload is checked to be JSON and kept byte for byte
    ///
    /// Returns as `tj_txn_commit`, and `TJ_INVALID` or `TJ_LIMIT` for the state
    ///
    /// Threads: any. Durability: P1.
    pub fn tj_algo_save(
        repository: *mut tj_algo_repository,
        id: *const tj_uuid,
        state: *const tj_algo_state,
        error: *mut tj_error,
    ) -> tj_status;

    /// Loads one algorithm.
    ///
    /// - `out`: released with `tj_algo_record_free`; NULL on failure
    ///
    /// Returns `TJ_OK`; `TJ_NOT_FOUND`; `TJ_CORRUPT` when it is stored but undecodable; as
    /// `tj_state_load`
    ///
    /// Threads: any.
    pub fn tj_algo_load(
        repository: *mut tj_algo_repository,
        id: *const tj_uuid,
        out: *mut *mut tj_algo_record,
        error: *mut tj_error,
    ) -> tj_status;

    /// Loads all algorithms of the book, sorted by id, and lists apart those that cannot be
    /// decoded.
    ///
    /// - `out`: released with `tj_algo_list_free`; NULL on failure
    ///
    /// Returns `TJ_OK`, also with quarantined ones; as `tj_state_load`
    ///
    /// Threads: any.
    pub fn tj_algo_load_all(
        repository: *mut tj_algo_repository,
        out: *mut *mut tj_algo_list,
        error: *mut tj_error,
    ) -> tj_status;

    /// Deletes one algorithm. Deleting what is not there is `TJ_OK`, as in Tesser's stores.
    ///
    /// Returns as `tj_txn_commit`
    ///
    /// Threads: any. Durability: P1.
    pub fn tj_algo_delete(
        repository: *mut tj_algo_repository,
        id: *const tj_uuid,
        error: *mut tj_error,
    ) -> tj_status;

    /// Appends entries, all or none.
    ///
    /// An entry with sequence 0 gets the book's next number; one with a number must be above the
    /// newest so far.
    /// - `entries`: borrowed for the call
    /// - `last`: receives the sequence of the last entry; may be NULL
    ///
    /// Returns as `tj_txn_commit`; `TJ_INVALID` for an entry; `TJ_CONFLICT` for a sequence not
    /// above the newest; `TJ_EXISTS` for an id that the book has, or that stands twice
    ///
    /// Threads: any. Durability: P1.
    pub fn tj_ledger_append(
        repository: *mut tj_ledger_repository,
        entries: *const tj_ledger_entry,
        count: usize,
        last: *mut u64,
        error: *mut tj_error,
    ) -> tj_status;

    /// The sequence of the newest entry, 0 when there is none. As `tj_state_load`. Threads: any.
    pub fn tj_ledger_latest(
        repository: *mut tj_ledger_repository,
        out: *mut u64,
        error: *mut tj_error,
    ) -> tj_status;

    /// Finds entries, by an index on sequence or on time.
    ///
    /// - `query`: borrowed; NULL means all entries by sequence
    /// - `out`: released with `tj_ledger_list_free`; NULL on failure
    ///
    /// Returns as `tj_state_load`
    ///
    /// Threads: any.
    pub fn tj_ledger_find(
        repository: *mut tj_ledger_repository,
        query: *const tj_ledger_query,
        out: *mut *mut tj_ledger_list,
        error: *mut tj_error,
    ) -> tj_status;

    /// Begins a transaction.
    ///
    /// - `out`: released by `tj_txn_commit` or `tj_txn_abort`, before its store is closed; NULL on
    ///   failure
    ///
    /// Returns `TJ_OK`; `TJ_MISUSE`; `TJ_READONLY`; `TJ_NOMEM`
    ///
    /// Threads: any; the transaction itself belongs to one thread at a time.
    pub fn tj_txn_begin(
        store: *mut tj_store,
        out: *mut *mut tj_txn,
        error: *mut tj_error,
    ) -> tj_status;

    /// Chooses the book that the following calls on this transaction change; the configured book
    /// until then.
    ///
    /// - `book`: NULL means the configured book
    ///
    /// Returns `TJ_OK`; `TJ_INVALID` for a name that is no book name
    ///
    /// Threads: handle.
    pub fn tj_txn_use_book(
        txn: *mut tj_txn,
        book: *const c_char,
        error: *mut tj_error,
    ) -> tj_status;

    /// Replaces the whole LiveState, as `tj_state_save`.
    pub fn tj_txn_put_state(
        txn: *mut tj_txn,
        state: *const tj_live_state,
        error: *mut tj_error,
    ) -> tj_status;

    /// Puts one open order: in its place when its id is there, else at the end of the list.
    pub fn tj_txn_put_order(
        txn: *mut tj_txn,
        order: *const tj_order,
        error: *mut tj_error,
    ) -> tj_status;

    /// Deletes one open order.
    pub fn tj_txn_delete_order(txn: *mut tj_txn, id: tj_str, error: *mut tj_error) -> tj_status;

    /// Puts the portfolio's own members (its arrays are ignored).
    pub fn tj_txn_put_portfolio(
        txn: *mut tj_txn,
        portfolio: *const tj_portfolio,
        error: *mut tj_error,
    ) -> tj_status;

    /// Deletes the portfolio with all its positions, balances and sub-accounts.
    pub fn tj_txn_delete_portfolio(txn: *mut tj_txn, error: *mut tj_error) -> tj_status;

    /// Puts a sub-account's own members (its arrays are ignored). The commit needs a portfolio.
    pub fn tj_txn_put_sub_account(
        txn: *mut tj_txn,
        account: *const tj_sub_account,
        error: *mut tj_error,
    ) -> tj_status;

    /// Deletes a sub-account with its positions and balances.
    pub fn tj_txn_delete_sub_account(
        txn: *mut tj_txn,
        exchange: tj_str,
        error: *mut tj_error,
    ) -> tj_status;

    /// Puts one position. `sub_account`: name of its exchange, absent for the portfolio's own.
    /// The commit needs a portfolio; a sub-account that is not there yet is created.
    pub fn tj_txn_put_position(
        txn: *mut tj_txn,
        sub_account: tj_str,
        position: *const tj_position,
        error: *mut tj_error,
    ) -> tj_status;

    /// Deletes one position. `sub_account`: as in `tj_txn_put_position`
    pub fn tj_txn_delete_position(
        txn: *mut tj_txn,
        sub_account: tj_str,
        symbol: tj_symbol,
        error: *mut tj_error,
    ) -> tj_status;

    /// Puts one balance; as `tj_txn_put_position`.
    pub fn tj_txn_put_balance(
        txn: *mut tj_txn,
        sub_account: tj_str,
        balance: *const tj_balance,
        error: *mut tj_error,
    ) -> tj_status;

    /// Deletes one balance. `sub_account`: as in `tj_txn_put_position`
    pub fn tj_txn_delete_balance(
        txn: *mut tj_txn,
        sub_account: tj_str,
        currency: tj_asset,
        error: *mut tj_error,
    ) -> tj_status;

    /// Puts the last price of one symbol.
    pub fn tj_txn_put_price(
        txn: *mut tj_txn,
        price: *const tj_price,
        error: *mut tj_error,
    ) -> tj_status;

    /// Deletes the last price of one symbol.
    pub fn tj_txn_delete_price(
        txn: *mut tj_txn,
        symbol: tj_symbol,
        error: *mut tj_error,
    ) -> tj_status;

    /// Sets the portfolio's equity. `equity`: NULL removes it
    pub fn tj_txn_set_portfolio_equity(
        txn: *mut tj_txn,
        equity: *const tj_decimal,
        error: *mut tj_error,
    ) -> tj_status;

    /// Sets the time of the last candle. `time`: NULL removes it
    pub fn tj_txn_set_last_candle_ts(
        txn: *mut tj_txn,
        time: *const tj_time,
        error: *mut tj_error,
    ) -> tj_status;

    /// Sets the strategy's state. `json`: any JSON text; absent or "null" removes it
    pub fn tj_txn_set_strategy_state(
        txn: *mut tj_txn,
        json: tj_str,
        error: *mut tj_error,
    ) -> tj_status;

    /// Sets the execution checkpoint. `checkpoint`: the whole checkpoint; NULL removes it
    pub fn tj_txn_set_execution_checkpoint(
        txn: *mut tj_txn,
        checkpoint: *const tj_execution_checkpoint,
        error: *mut tj_error,
    ) -> tj_status;

    /// Replaces all unknown top-level members. `json`: an object; "{}" removes them
    pub fn tj_txn_set_extra(txn: *mut tj_txn, json: tj_str, error: *mut tj_error) -> tj_status;

    /// Puts the state of one algorithm, as `tj_algo_save`.
    pub fn tj_txn_put_algo(
        txn: *mut tj_txn,
        id: *const tj_uuid,
        state: *const tj_algo_state,
        error: *mut tj_error,
    ) -> tj_status;

    /// Deletes one algorithm, as `tj_algo_delete`.
    pub fn tj_txn_delete_algo(
        txn: *mut tj_txn,
        id: *const tj_uuid,
        error: *mut tj_error,
    ) -> tj_status;

    /// Appends one ledger entry, as `tj_ledger_append`.
    pub fn tj_txn_append_ledger(
        txn: *mut tj_txn,
        entry: *const tj_ledger_entry,
        error: *mut tj_error,
    ) -> tj_status;

    /// Commits: all changes or none, acknowledged when as durable as the store promises.
    ///
    /// The transaction is released in every case.
    /// - `options`: NULL: the defaults
    /// - `sequence`: receives the commit's number in the journal (for a commit that changes
    ///   nothing: the newest number, whose durability was waited for); may be NULL
    ///
    /// Returns `TJ_OK`; `TJ_FULL`, `TJ_NOMEM`, `TJ_LIMIT` (more than 64 MiB of changes),
    /// `TJ_CONFLICT`, `TJ_NOT_FOUND` (book), `TJ_INVALID` (a position without a portfolio),
    /// `TJ_READONLY`: nothing changed; `TJ_UNAVAILABLE`, `TJ_UNKNOWN`: see deadline_ms;
    /// `TJ_CLOSED`: the handle no longer takes commits, and the message says whether this one was
    /// not applied or is unknown until the store is opened again (P7)
    ///
    /// Threads: handle; commits of different transactions run concurrently and share flushes.
    ///
    /// Durability: P1. Source: P2, P7.
    pub fn tj_txn_commit(
        txn: *mut tj_txn,
        options: *const tj_commit_options,
        sequence: *mut u64,
        error: *mut tj_error,
    ) -> tj_status;

    /// Commits several transactions, each by itself, with one flush (one for each 4 MiB, where they
    /// are large): for a program that has gathered what many ask for, and has nothing else to do
    /// until it can answer them all.
    ///
    /// They are committed in their order; others may come between them. One that fails leaves the
    /// others as they are. `tj_txn_submit` does not wait instead.
    /// - `items`: the transactions of one journal, each once, and what became of them
    /// - `count`: how many; 0 is allowed
    ///
    /// Threads: handle, as `tj_txn_commit`.
    ///
    /// Durability: P1 for each whose status is `TJ_OK`.
    pub fn tj_txn_commit_all(items: *mut tj_commit_item, count: usize);

    /// Notes the changes that a JSON object spells out: one line of `tesser-journal record`.
    ///
    /// Members, all optional: `book` (name, for the rest of the line), `id` (UUID: the commit
    /// id), `state` (a whole LiveState), `portfolio` (its own members, or null to delete it),
    /// `portfolio_equity`, `last_candle_ts`, `strategy_state`, `execution_checkpoint` (null
    /// removes each), `extra` (an object: replaces the unknown top-level members), `ledger` (a
    /// list of entries; a missing sequence is the next number), and maps from key to new value,
    /// or to null to delete: `orders` (by id), `positions`, `balances`, `last_prices`,
    /// `sub_accounts` (by exchange; in each, `positions` and `balances` are such maps), `algos`
    /// (by UUID). Any other member is an error.
    /// - `json`: borrowed
    /// - `options`: receives the commit id when there is one; may be NULL when there is none
    ///
    /// Returns `TJ_OK`; `TJ_INVALID` with line, column or the value's name; `TJ_LIMIT`;
    /// `TJ_NOMEM`. After a failure abort the transaction: it may hold a part
    ///
    /// Threads: handle.
    pub fn tj_txn_apply_json(
        txn: *mut tj_txn,
        json: tj_str,
        options: *mut tj_commit_options,
        error: *mut tj_error,
    ) -> tj_status;

    /// Drops a transaction. NULL is allowed. Threads: handle.
    pub fn tj_txn_abort(txn: *mut tj_txn);
}
