// SPDX-License-Identifier: MIT OR Apache-2.0
//! Points in time: nanoseconds since 1970-01-01T00:00:00Z, UTC.

use std::ffi::c_char;

use crate::*;

/// Bytes that hold any `tj_time` as text, with its NUL.
pub const TJ_TIME_TEXT_SIZE: usize = 40;

/// Nanoseconds since the Unix epoch, UTC; from 1677-09-21 to 2262-04-11.
pub type tj_time = i64;

unsafe extern "C" {
    /// Reads an RFC 3339 time: date, 'T' or 't' or a space, time, up to 9 fraction digits, 'Z',
    /// 'z' or an offset (which is subtracted: the result is UTC).
    ///
    /// - `out`: unchanged on failure
    ///
    /// Returns `TJ_OK`; `TJ_INVALID` if the text has another form or no such date exists (a leap
    /// second, :60, is not representable); `TJ_LIMIT` beyond the range of `tj_time` or 9 fraction
    /// digits
    ///
    /// Threads: any.
    pub fn tj_time_parse(text: tj_str, out: *mut tj_time, error: *mut tj_error) -> tj_status;

    /// Writes a time as Tesser does: UTC, 'Z', with 0, 3, 6 or 9 fraction digits, as few as
    /// needed.
    ///
    /// Returns length of the text
    ///
    /// Threads: any.
    pub fn tj_time_format(time: tj_time, buffer: *mut c_char) -> usize;

    /// The system's clock now; the last time that can be stored when it is beyond. Threads: any.
    pub fn tj_time_now() -> tj_time;
}
