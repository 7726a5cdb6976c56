// SPDX-License-Identifier: MIT OR Apache-2.0
//! Durable counters that only rise (promise P13): client order ids that are never given twice.

use std::ffi::c_char;

use crate::*;

/// Longest name of a counter, in bytes.
pub const TJ_COUNTER_NAME_SIZE_MAX: usize = 128;

/// How far each counter skips when a writer opens a journal that was copied, or put back from a
/// copy (its writer.lock was written in another place): the original may have gone on, and have
/// handed out numbers that the copy does not know of. Once for each copy; a warning says so
/// (`tj_trace_fn`).
pub const TJ_COUNTER_COPY_SKIP: u64 = 1_000_000_000;

unsafe extern "C" {
    /// Reserves a block of numbers: first, first + 1, ... first + count - 1. No other
    /// reservation, before or after a crash, ever gives one of them again.
    ///
    /// Reserve blocks (say 1,000) and hand their numbers out from memory: a number then costs
    /// nothing, and a crash loses at most the rest of a block. A new counter starts at 1. On a
    /// full disk it may use the reserve, as a critical commit.
    /// - `book`: NULL means the configured book
    /// - `name`: 1 to `TJ_COUNTER_NAME_SIZE_MAX` bytes of UTF-8 without control characters
    /// - `count`: at least 1
    /// - `first`: receives the first number of the block
    ///
    /// Returns `TJ_OK`; `TJ_MISUSE` for a count of 0; `TJ_LIMIT` when the counter would pass 2^63 -
    /// 1, or for a name that is too long; `TJ_INVALID` for any other name; as `tj_txn_commit`
    ///
    /// Threads: any.
    ///
    /// Durability: always flushed before it returns, also with `TJ_DURABILITY_OS`. Source: P13.
    pub fn tj_counter_reserve(
        store: *mut tj_store,
        book: *const c_char,
        name: *const c_char,
        count: u64,
        first: *mut u64,
        error: *mut tj_error,
    ) -> tj_status;

    /// The first number that is not reserved yet; 1 for a counter that was never used.
    ///
    /// - `book`: NULL means the configured book
    /// - `name`: as of `tj_counter_reserve`
    /// - `out`: receives it
    ///
    /// Returns as `tj_state_load`, and for the name as `tj_counter_reserve`
    ///
    /// Threads: any.
    pub fn tj_counter_next(
        store: *mut tj_store,
        book: *const c_char,
        name: *const c_char,
        out: *mut u64,
        error: *mut tj_error,
    ) -> tj_status;
}
