// SPDX-License-Identifier: MIT OR Apache-2.0
//! The state of running execution algorithms: a plugin name and its JSON payload.

use crate::*;

/// Longest plugin name, in bytes.
pub const TJ_PLUGIN_SIZE_MAX: usize = 256;

/// State of one algorithm (Tesser's StoredAlgoState).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_algo_state {
    /// 1 to `TJ_PLUGIN_SIZE_MAX` bytes of UTF-8, e.g. "TWAP"
    pub plugin: tj_str,
    /// Any valid JSON text up to `TJ_JSON_SIZE_MAX`; kept byte for byte
    pub payload: tj_str,
}

/// An algorithm with its key.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_algo_record {
    /// Its key.
    pub id: tj_uuid,
    /// Its state.
    pub state: tj_algo_state,
}

/// A stored algorithm that cannot be decoded: kept as it is, never dropped, never guessed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_algo_quarantined {
    /// Its key.
    pub id: tj_uuid,
    /// The stored bytes
    pub raw: tj_str,
    /// One sentence
    pub reason: tj_str,
}

/// All algorithms of a book, sorted by id.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_algo_list {
    /// Records.
    pub records: *mut tj_algo_record,
    /// How many there are.
    pub count: usize,
    /// Quarantined.
    pub quarantined: *mut tj_algo_quarantined,
    /// How many there are in `quarantineds`.
    pub quarantined_count: usize,
}

unsafe extern "C" {
    /// Releases a record that this library returned. NULL is allowed. Threads: any, one at a
    /// time.
    pub fn tj_algo_record_free(record: *mut tj_algo_record);

    /// Releases a list that this library returned. NULL is allowed. Threads: any, one at a time.
    pub fn tj_algo_list_free(list: *mut tj_algo_list);
}
