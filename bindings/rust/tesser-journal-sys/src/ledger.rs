// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ledger entries: every movement of money, append-only, by sequence and time.

use std::ffi::c_uint;

use crate::*;

/// Longest reference of a ledger entry, in bytes.
pub const TJ_REFERENCE_SIZE_MAX: usize = 1024;

/// What moved the money; the comment is Tesser's spelling.
pub type tj_ledger_type = c_uint;

/// "trade_realized_pnl"
pub const TJ_LEDGER_TRADE_REALIZED_PNL: tj_ledger_type = 1;

/// "fee"
pub const TJ_LEDGER_FEE: tj_ledger_type = 2;

/// "funding"
pub const TJ_LEDGER_FUNDING: tj_ledger_type = 3;

/// "transfer_in"
pub const TJ_LEDGER_TRANSFER_IN: tj_ledger_type = 4;

/// "transfer_out"
pub const TJ_LEDGER_TRANSFER_OUT: tj_ledger_type = 5;

/// "adjustment"
pub const TJ_LEDGER_ADJUSTMENT: tj_ledger_type = 6;

/// One entry of a book's ledger.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_ledger_entry {
    /// Its own in the book: what is appended under an id that the book has is refused, so that a
    /// fill reported twice is booked once. Derive it from what is booked, or use
    /// `tj_uuid_generate`; nil is an id like any other.
    pub id: tj_uuid,
    /// The book's own numbering; 0 when appending: the next number
    pub sequence: u64,
    /// When it happened.
    pub time: tj_time,
    /// Name of the exchange; canonical lower case when loaded
    pub exchange: tj_str,
    /// The asset.
    pub asset: tj_asset,
    /// Positive into the account
    pub amount: tj_decimal,
    /// Of which kind it is.
    pub r#type: tj_ledger_type,
    /// E.g. an order or trade id; may be empty
    pub reference: tj_str,
    /// Any JSON text; absent means none
    pub meta: tj_str,
}

/// Entries as a query found them.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_ledger_list {
    /// Entries.
    pub entries: *mut tj_ledger_entry,
    /// How many there are.
    pub count: usize,
}

/// Which entries to find; start from `TJ_LEDGER_QUERY_INIT` and set what matters.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_ledger_query {
    /// Size of this struct, for versions to come.
    pub struct_size: usize,
    /// Only this exchange; absent: all
    pub exchange: tj_str,
    /// Only this asset; absent code: all
    pub asset: tj_asset,
    /// Only this type; 0: all
    pub r#type: tj_ledger_type,
    /// From here on; 0: from the start
    pub sequence_first: u64,
    /// Up to and including; 0: to the end
    pub sequence_last: u64,
    /// Whether `time_first` is given.
    pub has_time_first: bool,
    /// From here on
    pub time_first: tj_time,
    /// Whether `time_last` is given.
    pub has_time_last: bool,
    /// Up to and including
    pub time_last: tj_time,
    /// At most so many; 0: all
    pub limit: usize,
    /// Newest (highest sequence, or time) first
    pub descending: bool,
    /// Order by (time, sequence) instead of by sequence
    pub by_time: bool,
}

unsafe extern "C" {
    /// Releases a list that this library returned. NULL is allowed. Threads: any, one at a time.
    pub fn tj_ledger_list_free(list: *mut tj_ledger_list);
}
