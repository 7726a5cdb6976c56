// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who is traded where: symbols and assets with their exchange (promise P12).
//!
//! Canonical form, as Tesser has it: the exchange in ASCII lower case, the code in ASCII upper
//! case, joined by a colon: "binance_perp:BTCUSDT". Without an exchange only the code: "BTCUSDT".
//! Values passed in may have any case and surrounding spaces; what is stored and loaded is
//! canonical. "binance:BTCUSDT" and "BTCUSDT" are different identities.

use std::ffi::{c_char, c_int};

use crate::*;

/// Longest exchange name, in bytes.
pub const TJ_EXCHANGE_SIZE_MAX: usize = 64;

/// Longest code of a symbol or an asset, in bytes.
pub const TJ_CODE_SIZE_MAX: usize = 128;

/// Bytes that hold any identity as text, with colon and NUL.
pub const TJ_IDENTITY_TEXT_SIZE: usize = TJ_EXCHANGE_SIZE_MAX + 1 + TJ_CODE_SIZE_MAX + 1;

/// An exchange (empty: unspecified) and a code. Borrowed views.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_identity {
    /// E.g. "binance_perp"; size 0 when unspecified
    pub exchange: tj_str,
    /// E.g. "BTCUSDT" or "USDT"; never empty in a valid identity
    pub code: tj_str,
}

/// A market: what an order or a position names.
pub type tj_symbol = tj_identity;

/// A currency or coin: what a balance or a ledger entry names.
pub type tj_asset = tj_identity;

unsafe extern "C" {
    /// Splits "exchange:CODE" or "CODE" at the first colon into views of the text, without
    /// changing their case; spaces around either part are left out.
    ///
    /// - `out`: unchanged on failure
    ///
    /// Returns `TJ_OK`; `TJ_INVALID` if a part is empty or holds control characters, or the
    /// exchange a slash (ccxt's "BTC/USDT:USDT" is "binance:BTC/USDT:USDT" here); `TJ_LIMIT` if a
    /// part is too long
    ///
    /// Threads: any.
    pub fn tj_identity_parse(
        text: tj_str,
        out: *mut tj_identity,
        error: *mut tj_error,
    ) -> tj_status;

    /// Writes the canonical text of an identity.
    ///
    /// - `buffer`: receives the NUL-terminated text
    ///
    /// Returns its length; 0 if the identity is not valid
    ///
    /// Threads: any.
    pub fn tj_identity_format(id: tj_identity, buffer: *mut c_char) -> usize;

    /// Order of the canonical texts: below, equal to or above zero. Threads: any.
    pub fn tj_identity_compare(a: tj_identity, b: tj_identity) -> c_int;
}
