// SPDX-License-Identifier: MIT OR Apache-2.0
//! UUIDs (RFC 9562), the keys of algorithms, ledger entries and commits.

use std::ffi::{c_char, c_int};

use crate::*;

/// Bytes that hold a UUID as text: 36 characters and a NUL.
pub const TJ_UUID_TEXT_SIZE: usize = 37;

/// A UUID in network byte order. All zero is the nil UUID.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_uuid {
    /// The sixteen bytes.
    pub bytes: [u8; 16],
}

unsafe extern "C" {
    /// Reads the 36-character form, upper or lower case.
    ///
    /// - `out`: unchanged on failure
    ///
    /// Returns `TJ_OK`; `TJ_INVALID` if the text has any other form
    ///
    /// Threads: any.
    pub fn tj_uuid_parse(text: tj_str, out: *mut tj_uuid, error: *mut tj_error) -> tj_status;

    /// Writes the 36-character form in lower case, NUL-terminated. Threads: any.
    pub fn tj_uuid_format(id: tj_uuid, buffer: *mut c_char);

    /// A new random UUID (version 4). Threads: any.
    pub fn tj_uuid_generate() -> tj_uuid;

    /// Byte order: below, equal to or above zero. Threads: any.
    pub fn tj_uuid_compare(a: tj_uuid, b: tj_uuid) -> c_int;

    /// Whether all bytes are zero. Threads: any.
    pub fn tj_uuid_is_nil(id: tj_uuid) -> bool;
}
