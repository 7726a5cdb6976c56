// SPDX-License-Identifier: MIT OR Apache-2.0
//! Values to and from JSON in Tesser's own spelling.
//!
//! Reading: errors name line and column (`TJ_INVALID`); a key that stands twice in an object that
//! this version decodes is such an error and is named; members it does not know go into `extra`
//! byte for byte; payloads keep their bytes. Numbers of any size keep their text; decimals
//! may have an exponent when they can be held exactly. A byte order mark may begin a text. Depth is
//! limited to `TJ_JSON_DEPTH_MAX`, and a text whose values, as far as they are decoded, have less
//! than 8 bytes each is `TJ_LIMIT` when it is long: it would take many times its size in memory.
//!
//! Writing: compact, maps sorted by key, decimals as strings,
//! times in RFC 3339 UTC, absent optionals as null, except `portfolio_equity` and
//! `execution_checkpoint`, which are left out.

use crate::*;

/// Deepest nesting of arrays and objects that is read.
pub const TJ_JSON_DEPTH_MAX: usize = 256;

unsafe extern "C" {
    /// Reads a LiveState. Each of its members may be missing; an object that has others alone is no
    /// LiveState.
    ///
    /// - `text`: borrowed
    /// - `out`: receives the state, released with `tj_live_state_free`; NULL on failure
    ///
    /// Returns `TJ_OK`; `TJ_INVALID` with line and column; `TJ_LIMIT`; `TJ_NOMEM`
    ///
    /// Threads: any.
    pub fn tj_live_state_from_json(
        text: tj_str,
        out: *mut *mut tj_live_state,
        error: *mut tj_error,
    ) -> tj_status;

    /// Writes a LiveState.
    ///
    /// - `out`: receives the text, released with `tj_text_dispose`; emptied on failure
    ///
    /// Returns `TJ_OK`; `TJ_INVALID` if an embedded JSON text or a value is not valid, naming it;
    /// `TJ_NOMEM`
    ///
    /// Threads: any.
    pub fn tj_live_state_to_json(
        state: *const tj_live_state,
        out: *mut tj_text,
        error: *mut tj_error,
    ) -> tj_status;

    /// Reads one algorithm record: {"plugin":..,"payload":..} or Tesser's
    /// {"algo_type":..,"state":..}.
    ///
    /// - `out`: receives the record with a nil id, released with `tj_algo_record_free`; NULL on
    ///   failure
    ///
    /// Returns as `tj_live_state_from_json`
    ///
    /// Threads: any.
    pub fn tj_algo_record_from_json(
        text: tj_str,
        out: *mut *mut tj_algo_record,
        error: *mut tj_error,
    ) -> tj_status;

    /// Writes {"algo_type":..,"state":..}, the payload byte for byte. As `tj_live_state_to_json`.
    pub fn tj_algo_state_to_json(
        state: *const tj_algo_state,
        out: *mut tj_text,
        error: *mut tj_error,
    ) -> tj_status;

    /// Reads an object from UUID to algorithm record, as in Tesser's export of all algorithms.
    ///
    /// - `out`: released with `tj_algo_list_free`; NULL on failure
    ///
    /// Returns as `tj_live_state_from_json`
    ///
    /// Threads: any.
    pub fn tj_algo_list_from_json(
        text: tj_str,
        out: *mut *mut tj_algo_list,
        error: *mut tj_error,
    ) -> tj_status;

    /// The inverse of `tj_algo_list_from_json`; quarantined records are left out.
    ///
    /// As `tj_live_state_to_json`.
    pub fn tj_algo_list_to_json(
        list: *const tj_algo_list,
        out: *mut tj_text,
        error: *mut tj_error,
    ) -> tj_status;

    /// Reads one ledger entry.
    ///
    /// - `out`: receives a list of one, released with `tj_ledger_list_free`; NULL on failure
    ///
    /// Returns as `tj_live_state_from_json`
    ///
    /// Threads: any.
    pub fn tj_ledger_entry_from_json(
        text: tj_str,
        out: *mut *mut tj_ledger_list,
        error: *mut tj_error,
    ) -> tj_status;

    /// Writes one ledger entry. As `tj_live_state_to_json`.
    pub fn tj_ledger_entry_to_json(
        entry: *const tj_ledger_entry,
        out: *mut tj_text,
        error: *mut tj_error,
    ) -> tj_status;
}
