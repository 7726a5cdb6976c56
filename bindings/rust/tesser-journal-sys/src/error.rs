// SPDX-License-Identifier: MIT OR Apache-2.0
//! How every call of this library reports failure: a status to branch on, a sentence to read.

use std::ffi::{c_char, c_int, c_uint};

/// TJ_ERROR_PLACE_SIZE
pub const TJ_ERROR_PLACE_SIZE: usize = 256;

/// TJ_ERROR_MESSAGE_SIZE
pub const TJ_ERROR_MESSAGE_SIZE: usize = 1024;

/// The outcome of a call. Numbers are stable and never reused; docs/ERRORS.md has a paragraph on
/// each, and the command line exits with 10 + the number.
pub type tj_status = c_uint;

/// .
pub const TJ_OK: tj_status = 0;

/// The call itself is wrong: a NULL handle, a closed transaction
pub const TJ_MISUSE: tj_status = 1;

/// Memory could not be allocated; nothing changed
pub const TJ_NOMEM: tj_status = 2;

/// No such journal, book, algorithm or file
pub const TJ_NOT_FOUND: tj_status = 3;

/// It is already there, and would have to be replaced
pub const TJ_EXISTS: tj_status = 4;

/// Another writer holds the journal, or all reader slots are taken
pub const TJ_BUSY: tj_status = 5;

/// No space left; nothing changed, try again when there is space
pub const TJ_FULL: tj_status = 6;

/// The journal was opened for reading, or the file system is read-only
pub const TJ_READONLY: tj_status = 7;

/// The system refused a file operation
pub const TJ_IO: tj_status = 8;

/// Stored bytes are not what was written
pub const TJ_CORRUPT: tj_status = 9;

/// Written by a newer format version than this library reads
pub const TJ_FORMAT_NEWER: tj_status = 10;

/// A documented limit is exceeded
pub const TJ_LIMIT: tj_status = 11;

/// The state is not what the caller expected
pub const TJ_CONFLICT: tj_status = 12;

/// The handle is poisoned by a failure, or another process's
pub const TJ_CLOSED: tj_status = 13;

/// A server or engine cannot be reached now
pub const TJ_UNAVAILABLE: tj_status = 14;

/// This build, file system or file kind is not supported
pub const TJ_UNSUPPORTED: tj_status = 15;

/// Malformed data from outside: JSON, decimal, UUID, configuration
pub const TJ_INVALID: tj_status = 16;

/// The exact result needs more digits than a decimal holds
pub const TJ_INEXACT: tj_status = 17;

/// The deadline passed: the commit may be durable now, or later
pub const TJ_UNKNOWN: tj_status = 18;

/// What the caller can do about a status.
pub type tj_advice = c_uint;

/// Nothing is wrong
pub const TJ_ADVICE_NONE: tj_advice = 0;

/// The same call may succeed later
pub const TJ_ADVICE_RETRY: tj_advice = 1;

/// The program or its input must change
pub const TJ_ADVICE_FIX_CALL: tj_advice = 2;

/// The configuration must change
pub const TJ_ADVICE_FIX_CONFIG: tj_advice = 3;

/// A person must look: free space, permissions, another writer
pub const TJ_ADVICE_OPERATOR: tj_advice = 4;

/// Stop trading on this handle; reopen, or repair
pub const TJ_ADVICE_STOP: tj_advice = 5;

/// The details of a failure. Owned by the caller, never allocates, may be reused for the next
/// call. On `TJ_OK` it is left as it was.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_error {
    /// Same as the returned status
    pub status: tj_status,
    /// Errno of the system call that failed, or 0
    pub os_errno: c_int,
    /// Code of the underlying engine (LMDB's), or 0
    pub engine_code: c_int,
    /// File, key, line or setting concerned, or ""
    pub place: [c_char; TJ_ERROR_PLACE_SIZE],
    /// One line: root cause, then context outward
    pub message: [c_char; TJ_ERROR_MESSAGE_SIZE],
}

unsafe extern "C" {
    /// The name of a status as it appears in documentation, e.g. "CORRUPT".
    ///
    /// Returns static text; "NO_STATUS" for a number that is no status
    ///
    /// Threads: any.
    pub fn tj_status_name(status: tj_status) -> *const c_char;

    /// What to do about a status.
    ///
    /// Threads: any.
    pub fn tj_status_advice(status: tj_status) -> tj_advice;

    /// An advice as one sentence, e.g. "Try again later."
    ///
    /// Returns static text; "" for `TJ_ADVICE_NONE`
    ///
    /// Threads: any.
    pub fn tj_advice_text(advice: tj_advice) -> *const c_char;
}
