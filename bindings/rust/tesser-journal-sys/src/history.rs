// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was: the state after any commit, the commits themselves, what changed between two of them.
//!
//! A journal's log holds every commit since its creation, or since its retention began; what is
//! read here is read from it, exactly, in the writing process and in any other, beside the writer.
//! Nothing is guessed: what is not kept any more is `TJ_NOT_FOUND` with the range that is.
//!
//! A store in memory keeps no history: `TJ_UNSUPPORTED`.

use std::ffi::{c_char, c_uint};
use std::marker::PhantomData;

use crate::*;

/// A moment: right after a commit, by its sequence or by time. By time it is right after the newest
/// commit that was not made later. All zero is the newest commit.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_moment {
    /// 0: by time, or the newest
    pub sequence: u64,
    /// Whether `time` is set.
    pub has_time: bool,
    /// When.
    pub time: tj_time,
}

/// Of which commits a store has the history.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_history_range {
    /// The oldest commit that is kept, 0 before the first commit
    pub sequence_first: u64,
    /// When it was made
    pub time_first: tj_time,
    /// The newest that is acknowledged
    pub sequence_last: u64,
    /// When that was made.
    pub time_last: tj_time,
}

/// What a change is about; the comment is its name, as `tj_entity_kind_name` has it.
pub type tj_entity_kind = c_uint;

/// "portfolio": its own members
pub const TJ_ENTITY_PORTFOLIO: tj_entity_kind = 1;

/// "portfolio_equity"
pub const TJ_ENTITY_EQUITY: tj_entity_kind = 2;

/// "last_candle_ts"
pub const TJ_ENTITY_LAST_CANDLE: tj_entity_kind = 3;

/// "strategy_state"
pub const TJ_ENTITY_STRATEGY_STATE: tj_entity_kind = 4;

/// "execution_checkpoint": its own members
pub const TJ_ENTITY_CHECKPOINT: tj_entity_kind = 5;

/// "member": an unknown top-level one of a state
pub const TJ_ENTITY_MEMBER: tj_entity_kind = 6;

/// "balance"
pub const TJ_ENTITY_BALANCE: tj_entity_kind = 7;

/// "position"
pub const TJ_ENTITY_POSITION: tj_entity_kind = 8;

/// "sub_account": its own members
pub const TJ_ENTITY_SUB_ACCOUNT: tj_entity_kind = 9;

/// "last_price"
pub const TJ_ENTITY_PRICE: tj_entity_kind = 10;

/// "order"
pub const TJ_ENTITY_ORDER: tj_entity_kind = 11;

/// "exec_id" of the execution checkpoint
pub const TJ_ENTITY_EXEC_ID: tj_entity_kind = 12;

/// "algo"
pub const TJ_ENTITY_ALGO: tj_entity_kind = 13;

/// "ledger": an entry
pub const TJ_ENTITY_LEDGER: tj_entity_kind = 14;

/// "book"
pub const TJ_ENTITY_BOOK: tj_entity_kind = 15;

/// "counter": its value is the next number
pub const TJ_ENTITY_COUNTER: tj_entity_kind = 16;

/// "quarantined": what an import could not decode
pub const TJ_ENTITY_QUARANTINED: tj_entity_kind = 17;

/// One entity that a commit changed, or that two moments differ in.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_change {
    /// Kind.
    pub kind: tj_entity_kind,
    /// Name of its book
    pub book: tj_str,
    /// Of a balance or position: its sub-account, "" for the portfolio's own
    pub owner: tj_str,
    /// An order's id, a symbol, a UUID, a number; "" where there is only one
    pub key: tj_str,
    /// Nothing but its place in its list is another one
    pub moved: bool,
    /// JSON in Tesser's spelling; absent: it was not there
    pub old_value: tj_str,
    /// The same; absent: it is gone
    pub new_value: tj_str,
}

/// Which commits to read; start from `TJ_HISTORY_QUERY_INIT` and set what matters.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_history_query {
    /// Size of this struct, for versions to come.
    pub struct_size: usize,
    /// From this commit on; 0: from the oldest that is kept
    pub sequence_first: u64,
    /// Up to and including; 0: to the newest, and what comes
    pub sequence_last: u64,
    /// Whether `time_first` is set.
    pub has_time_first: bool,
    /// Those made at this time or later
    pub time_first: tj_time,
    /// Whether `time_last` is set.
    pub has_time_last: bool,
    /// At this time or earlier
    pub time_last: tj_time,
    /// Only changes in this book; NULL: in all
    pub book: *const c_char,
    /// Only of these: 1 << `tj_entity_kind` each; 0: all
    pub kinds: u64,
    /// Only of this key; absent: all. Of a symbol in any spelling
    pub key: tj_str,
    /// At most so many commits; 0: all
    pub limit: usize,
    /// Newest first
    pub descending: bool,
    /// With what each entity was before
    pub old_values: bool,
}

/// A commit as it was made, with those of its changes that were asked for.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_history_commit {
    /// Sequence.
    pub sequence: u64,
    /// When.
    pub time: tj_time,
    /// Of the writer: it rises each time a journal is opened for writing
    pub epoch: u64,
    /// Nil: none
    pub commit_id: tj_uuid,
    /// Why it was made; "" when nobody said
    pub note: tj_str,
    /// Changes.
    pub changes: *const tj_change,
    /// Change count.
    pub change_count: usize,
}

/// Commits being read.
#[repr(C)]
pub struct tj_history {
    _opaque: [u8; 0],
    _not_send: PhantomData<*mut ()>,
}

/// What is different between two moments, by table, book, kind and key.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_history_diff {
    /// The commits that the moments mean
    pub sequence_from: u64,
    /// Sequence to.
    pub sequence_to: u64,
    /// Old_value at the first moment, new_value at the second
    pub changes: *mut tj_change,
    /// How many there are.
    pub count: usize,
}

/// The equity that one commit left.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_equity_point {
    /// Sequence.
    pub sequence: u64,
    /// When.
    pub time: tj_time,
    /// Portfolio_equity of the book
    pub equity: tj_decimal,
    /// The highest of all kept commits up to here
    pub peak: tj_decimal,
    /// (peak - equity) / peak, 6 digits behind the point; 0 where the peak is not above 0
    pub drawdown: tj_decimal,
}

/// Equity over time.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_equity_curve {
    /// In the order of time
    pub points: *mut tj_equity_point,
    /// How many there are.
    pub count: usize,
    /// Of the points
    pub drawdown_max: tj_decimal,
    /// What was between two points is not known: neither a peak nor a drawdown there
    pub thinned: bool,
}

/// How close an equity curve looks.
pub type tj_equity_detail = c_uint;

/// Exact, up to `TJ_EQUITY_EXACT_COMMITS_MAX`; more are thinned
pub const TJ_EQUITY_AUTOMATIC: tj_equity_detail = 0;

/// A point for each commit that changed the equity, none left out
pub const TJ_EQUITY_EXACT: tj_equity_detail = 1;

/// A point for each state that is at hand without reading the log (about one for each of its
/// segments, also of before it begins) and one for the last moment
pub const TJ_EQUITY_THINNED: tj_equity_detail = 2;

/// Commits that are read for a curve unless it is asked to be exact: a few seconds.
pub const TJ_EQUITY_EXACT_COMMITS_MAX: u64 = 10000000;

/// Which curve to draw; start from `TJ_EQUITY_QUERY_INIT` and set what matters.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_equity_query {
    /// Size of this struct, for versions to come.
    pub struct_size: usize,
    /// First moment; all zero: from the oldest that is kept
    pub from: tj_moment,
    /// Last moment; all zero: to the newest
    pub to: tj_moment,
    /// How close it looks.
    pub detail: tj_equity_detail,
}

/// How to roll back. Start from `TJ_ROLLBACK_OPTIONS_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_rollback_options {
    /// Size of this struct, for versions to come.
    pub struct_size: usize,
    /// Only tell what would change
    pub dry_run: bool,
    /// Leave the execution checkpoint, with its exec ids, as it is now
    pub keep_checkpoint: bool,
    /// Why, kept with the commit (`TJ_COMMIT_NOTE_SIZE_MAX`); absent: which commit was gone back to
    pub note: tj_str,
}

/// Ledger entries of one asset that a rollback leaves where they are.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_ledger_sum {
    /// Asset.
    pub asset: tj_asset,
    /// How many there are.
    pub count: usize,
    /// Of all of them together
    pub amount: tj_decimal,
}

/// What a rollback did, or would do.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_rollback_report {
    /// Dry run.
    pub dry_run: bool,
    /// Book.
    pub book: tj_str,
    /// The commit that was gone back to
    pub sequence_to: u64,
    /// The commit that did it; 0: a dry run, or nothing was different
    pub sequence: u64,
    /// Old_value: before the rollback; new_value: since
    pub changes: *mut tj_change,
    /// Change count.
    pub change_count: usize,
    /// Entries made since, which stay; by asset
    pub ledger: *mut tj_ledger_sum,
    /// Ledger count.
    pub ledger_count: usize,
    /// The execution checkpoint goes back: executions since are not known any more and, fetched
    /// again, would be booked twice
    pub checkpoint_back: bool,
    /// It would have, and was kept as it is
    pub checkpoint_kept: bool,
}

unsafe extern "C" {
    /// Reads a moment: a plain number is a commit's sequence, anything else an RFC 3339 time
    /// (`tj_time_parse`).
    ///
    /// - `text`: borrowed
    /// - `out`: unchanged on failure
    ///
    /// Returns `TJ_OK`; `TJ_INVALID`; `TJ_LIMIT`
    ///
    /// Threads: any.
    pub fn tj_moment_parse(text: tj_str, out: *mut tj_moment, error: *mut tj_error) -> tj_status;

    /// Finds out of which commits the store has the history.
    ///
    /// - `out`: all zero before the first commit; unchanged on failure
    ///
    /// Returns `TJ_OK`; `TJ_UNSUPPORTED` for a store in memory; `TJ_CORRUPT` naming the place; or
    /// as `tj_state_load`
    ///
    /// Threads: any.
    pub fn tj_history_range_get(
        store: *mut tj_store,
        out: *mut tj_history_range,
        error: *mut tj_error,
    ) -> tj_status;

    /// Finds the commit that a moment means.
    ///
    /// A time that has passed and is behind the newest commit means the newest: nothing came since.
    ///
    /// - `sequence`: receives it; unchanged on failure
    ///
    /// Returns `TJ_OK`; `TJ_NOT_FOUND` for a time before the first commit that is kept or still to
    /// come, and for a sequence behind the newest: the sentence names the range; or as
    /// `tj_history_range_get`. Whether the state of an early sequence is still kept shows when it
    /// is loaded
    ///
    /// Threads: any.
    pub fn tj_moment_find(
        store: *mut tj_store,
        moment: tj_moment,
        sequence: *mut u64,
        error: *mut tj_error,
    ) -> tj_status;

    /// Loads the LiveState as it was.
    ///
    /// - `moment`: when
    /// - `out`: as of `tj_state_load`; `sequence` in it is the commit that the moment means
    ///
    /// Returns as `tj_state_load` and `tj_moment_find`; `TJ_NOT_FOUND` also for a book that was not
    /// there yet
    ///
    /// Threads: any.
    pub fn tj_state_load_at(
        repository: *mut tj_state_repository,
        moment: tj_moment,
        out: *mut *mut tj_live_state,
        error: *mut tj_error,
    ) -> tj_status;

    /// One algorithm as it was: `tj_algo_load` of the past. As `tj_state_load_at`. Threads: any.
    pub fn tj_algo_load_at(
        repository: *mut tj_algo_repository,
        moment: tj_moment,
        id: *const tj_uuid,
        out: *mut *mut tj_algo_record,
        error: *mut tj_error,
    ) -> tj_status;

    /// All algorithms as they were: `tj_algo_load_all` of the past. As `tj_state_load_at`. Threads:
    /// any.
    pub fn tj_algo_load_all_at(
        repository: *mut tj_algo_repository,
        moment: tj_moment,
        out: *mut *mut tj_algo_list,
        error: *mut tj_error,
    ) -> tj_status;

    /// Finds entries among those that the ledger had: `tj_ledger_find` of the past. The ledger only
    /// grows, so they are what it has today, up to a sequence.
    ///
    /// - `query`: borrowed; NULL means all of them by sequence
    /// - `out`: released with `tj_ledger_list_free`; NULL on failure
    ///
    /// Returns as `tj_ledger_find` and `tj_moment_find`
    ///
    /// Threads: any.
    pub fn tj_ledger_find_at(
        repository: *mut tj_ledger_repository,
        moment: tj_moment,
        query: *const tj_ledger_query,
        out: *mut *mut tj_ledger_list,
        error: *mut tj_error,
    ) -> tj_status;

    /// The name of a kind, NULL for a number that is none. Threads: any.
    pub fn tj_entity_kind_name(kind: tj_entity_kind) -> *const c_char;

    /// The kind of a name.
    ///
    /// - `out`: unchanged on failure
    ///
    /// Returns `TJ_OK`; `TJ_INVALID` naming those that there are
    ///
    /// Threads: any.
    pub fn tj_entity_kind_parse(
        text: tj_str,
        out: *mut tj_entity_kind,
        error: *mut tj_error,
    ) -> tj_status;

    /// Begins to read commits.
    ///
    /// With book, kinds or key only commits that changed such an entity are given, and of their
    /// changes only those. Otherwise all are given, also those without a change.
    ///
    /// - `query`: borrowed for the call; NULL means all commits, oldest first
    /// - `out`: released with `tj_history_close`, before its store is closed; NULL on failure
    ///
    /// Returns `TJ_OK`; `TJ_INVALID` for a key that nothing of these kinds can have; `TJ_NOT_FOUND`
    /// for a book that is not there, or a first commit that is not kept; or as `tj_moment_find`
    ///
    /// Threads: any; the history itself belongs to one thread at a time.
    pub fn tj_history_open(
        store: *mut tj_store,
        query: *const tj_history_query,
        out: *mut *mut tj_history,
        error: *mut tj_error,
    ) -> tj_status;

    /// Gives the next commit.
    ///
    /// Where there is none, it may be called again: oldest first and without an end, it goes on
    /// with commits that were acknowledged since, by this process or another.
    ///
    /// - `out`: receives the commit, valid until the next call on this history; NULL when there is
    ///   none (any more, or yet)
    ///
    /// Returns `TJ_OK`; `TJ_NOT_FOUND` when the place was left to retention meanwhile;
    /// `TJ_CORRUPT`, `TJ_FORMAT_NEWER` naming the commit; `TJ_IO`, `TJ_CLOSED`, `TJ_NOMEM`
    ///
    /// Threads: handle.
    pub fn tj_history_next(
        history: *mut tj_history,
        out: *mut *const tj_history_commit,
        error: *mut tj_error,
    ) -> tj_status;

    /// Ends the reading of commits. NULL is allowed. Threads: handle.
    pub fn tj_history_close(history: *mut tj_history);

    /// Compares two moments, entity by entity. It costs what was committed between them.
    ///
    /// - `from`: the moment of the old values; it may be the later one
    /// - `to`: the moment of the new values
    /// - `query`: borrowed; of it book, kinds and key say what to compare; NULL: everything
    /// - `out`: released with `tj_history_diff_free`; NULL on failure
    ///
    /// Returns as `tj_history_open`
    ///
    /// Threads: any.
    pub fn tj_history_diff_load(
        store: *mut tj_store,
        from: tj_moment,
        to: tj_moment,
        query: *const tj_history_query,
        out: *mut *mut tj_history_diff,
        error: *mut tj_error,
    ) -> tj_status;

    /// Releases what `tj_history_diff_load` returned. NULL is allowed. Threads: any, one at a time.
    pub fn tj_history_diff_free(diff: *mut tj_history_diff);

    /// Reads the equity of a book over time. What is kept before the first moment counts for the
    /// peak.
    ///
    /// - `query`: borrowed; NULL: all that is kept
    /// - `out`: released with `tj_equity_curve_free`; without points where no commit has an equity;
    ///   NULL on failure
    ///
    /// Returns as `tj_state_load_at`; TJ_MISUSE for a detail that is none
    ///
    /// Threads: any.
    pub fn tj_equity_curve_find(
        repository: *mut tj_state_repository,
        query: *const tj_equity_query,
        out: *mut *mut tj_equity_curve,
        error: *mut tj_error,
    ) -> tj_status;

    /// The curve between two moments: `tj_equity_curve_find` with `TJ_EQUITY_AUTOMATIC`.
    ///
    /// - `from`: first moment; all zero: from the oldest commit that is kept
    /// - `to`: last moment; all zero: to the newest
    /// - `out`: as of `tj_equity_curve_find`
    ///
    /// Returns as `tj_equity_curve_find`
    ///
    /// Threads: any.
    pub fn tj_equity_curve_load(
        repository: *mut tj_state_repository,
        from: tj_moment,
        to: tj_moment,
        out: *mut *mut tj_equity_curve,
        error: *mut tj_error,
    ) -> tj_status;

    /// Releases what `tj_equity_curve_find` and `tj_equity_curve_load` returned. NULL is allowed.
    /// Threads: any, one at a time.
    pub fn tj_equity_curve_free(curve: *mut tj_equity_curve);

    /// Takes the LiveState and the algorithms of a book back to what they were, by a new commit.
    ///
    /// Afterwards they are, byte for byte and with the order of their lists, as they were right
    /// after the moment; only what is different is written. Everything else stays: the ledger (the
    /// report says what was booked since), counters, commit ids, other books, what is in
    /// quarantine. Sequence and time go on, and rolling back to a moment before this commit takes
    /// it back again.
    ///
    /// Other commits wait meanwhile. A runtime that has the state in memory must load it again
    /// before it saves: its next whole save would undo this.
    ///
    /// - `to`: the moment
    /// - `options`: borrowed; NULL: the defaults
    /// - `report`: released with `tj_rollback_report_free`; may be NULL; NULL on failure
    ///
    /// Returns as `tj_txn_commit` and `tj_moment_find`; `TJ_NOT_FOUND` also for a book that was not
    /// there yet; `TJ_LIMIT` when the differences are more than a commit can have (64 MiB)
    ///
    /// Threads: any. Durability: P1.
    pub fn tj_state_rollback(
        repository: *mut tj_state_repository,
        to: tj_moment,
        options: *const tj_rollback_options,
        report: *mut *mut tj_rollback_report,
        error: *mut tj_error,
    ) -> tj_status;

    /// Releases what `tj_state_rollback` returned. NULL is allowed. Threads: any, one at a time.
    pub fn tj_rollback_report_free(report: *mut tj_rollback_report);
}
