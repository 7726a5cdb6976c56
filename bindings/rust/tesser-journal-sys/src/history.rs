// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was: the state after any commit, the commits themselves, what changed between two of them.
//!
//! A journal's log holds every commit since its creation, or since its retention began; what is
//! read here is read from it, exactly, in the writing process and in any other, beside the writer.
//! Nothing is guessed: what is not kept any more is `TJ_NOT_FOUND` with the range that is.
//!
//! A store in memory keeps no history: `TJ_UNSUPPORTED`.

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
    /// Returns `TJ_OK`; `TJ_NOT_FOUND` for a moment before the first commit that is kept, behind
    /// the newest (by sequence), or still to come (by time): the sentence names the range; or as
    /// `tj_history_range_get`
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
}
