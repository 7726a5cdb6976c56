// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which version a program was built for, and which it runs with.
//!
//! Within one SONAME a program that was built for an older version runs with a newer one:
//! docs/ARCHITECTURE.md, "What may grow".

use std::ffi::{c_char, c_uint};

/// The version of these declarations.
pub const TJ_VERSION_MAJOR: c_uint = 0;

/// TJ_VERSION_MINOR
pub const TJ_VERSION_MINOR: c_uint = 1;

/// TJ_VERSION_PATCH
pub const TJ_VERSION_PATCH: c_uint = 0;

unsafe extern "C" {
    /// The version of the library that the program runs with, e.g. "0.1.0".
    ///
    /// Returns a constant text. Threads: any.
    pub fn tj_version() -> *const c_char;
}
