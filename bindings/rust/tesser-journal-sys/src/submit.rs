// SPDX-License-Identifier: MIT OR Apache-2.0
//! Commits without waiting: for event loops. A submitted commit is decided at once and made
//! durable behind the caller's back; its completion arrives through a file descriptor to poll and
//! a callback.
//!
//! struct pollfd p = {`tj_store_completion_fd(store)`, POLLIN, 0}; `tj_txn_submit(txn, NULL,
//! on_done, order, NULL, &err)`;    does not wait for the disk ... poll(&p, ...) says that
//! something is done ... `tj_store_complete(store, 0, NULL, &err)`;                 calls
//! on_done, on this thread

use std::ffi::{c_char, c_int, c_void};

use crate::*;

/// How many submitted commits may wait for their completion to be taken.
pub const TJ_SUBMITTED_MAX: usize = 65536;

/// Receives the outcome of one submitted commit: on `TJ_OK` it is as durable as was asked for.
///
/// Called by `tj_store_complete` on its thread, in the order of the sequences, with no lock held:
/// it may submit, save and load, but not close the store.
/// - `context`: as given to `tj_txn_submit`
/// - `status`: as of `tj_txn_commit`
/// - `sequence`: of the commit
/// - `error`: details when status is not `TJ_OK`, else NULL; borrowed
pub type tj_commit_done = unsafe extern "C" fn(
    context: *mut c_void,
    status: tj_status,
    sequence: u64,
    error: *const tj_error,
);

unsafe extern "C" {
    /// Commits without waiting for the disk. The transaction is released in every case.
    ///
    /// - `options`: NULL: the defaults; deadline_ms must be 0
    /// - `done`: called exactly once when this returns `TJ_OK`, unless the store is closed before
    ///   its completion was taken, and not otherwise; may be NULL
    /// - `context`: passed to done
    /// - `sequence`: receives the commit's number, which a load in this process may not show yet;
    ///   may be NULL
    ///
    /// Returns `TJ_OK`: it is on its way; `TJ_BUSY`: `TJ_SUBMITTED_MAX` completions were not
    /// taken, nothing happened; `TJ_MISUSE`; otherwise as `tj_txn_commit`
    ///
    /// Threads: handle for the transaction, any for its store. It does not wait for a flush,
    /// except while the log changes segments or LMDB is too far behind
    /// (`tj_lmdb_info.lag_bytes`).
    ///
    /// Durability: none yet on return.
    pub fn tj_txn_submit(
        txn: *mut tj_txn,
        options: *const tj_commit_options,
        done: Option<tj_commit_done>,
        context: *mut c_void,
        sequence: *mut u64,
        error: *mut tj_error,
    ) -> tj_status;

    /// Reserves a block of numbers as `tj_counter_reserve` does, without waiting for the disk.
    ///
    /// None of them may be handed out before done has received `TJ_OK`: a crash before that may
    /// give them again. So reserve the next block while the last one still has numbers.
    /// - `book`: NULL means the configured book
    /// - `name`: as of `tj_counter_reserve`
    /// - `count`: as of `tj_counter_reserve`
    /// - `done`: as of `tj_txn_submit`; receives what `tj_counter_reserve` would return
    /// - `context`: passed to done
    /// - `first`: receives the first number of the block
    ///
    /// Returns `TJ_OK`: it is on its way; `TJ_BUSY` as of `tj_txn_submit`; otherwise as
    /// `tj_counter_reserve`
    ///
    /// Threads: any; it waits as `tj_txn_submit` does.
    ///
    /// Durability: none yet on return; flushed before done is called, also with
    /// `TJ_DURABILITY_OS`.
    pub fn tj_counter_submit(
        store: *mut tj_store,
        book: *const c_char,
        name: *const c_char,
        count: u64,
        done: Option<tj_commit_done>,
        context: *mut c_void,
        first: *mut u64,
        error: *mut tj_error,
    ) -> tj_status;

    /// The file descriptor (an eventfd) that is readable while completions wait to be taken. Poll
    /// it by level, not by edge (EPOLLET), and do not read it. It belongs to the store.
    ///
    /// Returns the descriptor; -1 when the store is NULL, read-only, or there is none left to be
    /// had
    ///
    /// Threads: any.
    pub fn tj_store_completion_fd(store: *mut tj_store) -> c_int;

    /// Takes the completions that are there and calls their callbacks. Of those that callbacks
    /// bring about, some may be left to the next call.
    ///
    /// Stores that share a journal share its completions: whoever takes one calls its callback.
    /// - `wait_ms`: how long to wait for the first one, in milliseconds; 0: not at all. With
    ///   no_threads the call that waits flushes what is in flight
    /// - `count`: receives how many were taken; may be NULL
    ///
    /// Returns `TJ_OK`, also when there was none; `TJ_MISUSE`; `TJ_CLOSED` in a forked child
    ///
    /// Threads: any; two threads may take at once, each callback is called once.
    pub fn tj_store_complete(
        store: *mut tj_store,
        wait_ms: u32,
        count: *mut usize,
        error: *mut tj_error,
    ) -> tj_status;

    /// Takes completions until none is in flight: before a store is closed, so that no callback is
    /// dropped. What callbacks submit meanwhile is waited for, too.
    ///
    /// - `wait_ms`: how long at most, in milliseconds; 0: as long as it takes
    ///
    /// Returns `TJ_OK`: nothing is in flight; `TJ_UNAVAILABLE`: the time is up, and something
    /// still is; `TJ_MISUSE`; `TJ_CLOSED` in a forked child
    ///
    /// Threads: any.
    ///
    /// Durability: what was submitted before the call and succeeded is as durable as was asked
    /// for.
    pub fn tj_store_drain(store: *mut tj_store, wait_ms: u32, error: *mut tj_error) -> tj_status;
}
