// SPDX-License-Identifier: MIT OR Apache-2.0
//! What failed: a kind to branch on, a sentence to read.

use std::fmt;

/// What this crate's own functions return.
pub type Result<T> = std::result::Result<T, JournalError>;

/// What went wrong, to branch on. The library's `docs/ERRORS.md` has a paragraph on each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The call itself is wrong.
    Misuse,
    /// Memory could not be allocated; nothing changed.
    NoMemory,
    /// No such journal, book or file.
    NotFound,
    /// It is already there.
    Exists,
    /// Another writer holds the journal, or all reader slots are taken.
    Busy,
    /// No space left; nothing changed.
    Full,
    /// The journal was opened for reading, or the file system is read-only.
    ReadOnly,
    /// The system refused a file operation.
    Io,
    /// Stored bytes are not what was written.
    Corrupt,
    /// Written by a newer format version than this library reads.
    FormatNewer,
    /// A documented limit is exceeded.
    Limit,
    /// The state is not what the caller expected.
    Conflict,
    /// The journal takes no more commits after a failure, or belongs to another process.
    Closed,
    /// The disk did not answer in time; not applied.
    Unavailable,
    /// This build, file system or file kind is not supported.
    Unsupported,
    /// A value that cannot be stored, or that Tesser's types cannot hold.
    Invalid,
    /// The exact result needs more digits than a decimal holds.
    Inexact,
    /// The deadline passed: the commit may be durable now, or later.
    Unknown,
}

/// A failure. Its text is one sentence: the cause with values, the place, and what to do where that
/// helps.
#[derive(Clone, Debug)]
pub struct JournalError {
    kind: ErrorKind,
    message: String,
}

impl JournalError {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, message }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// Says of what the failure was: context goes outward, as in the library.
    pub(crate) fn of(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{}: {what}", self.message);
        self
    }

    /// What went wrong, to branch on.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The sentence alone, as [`fmt::Display`] gives it.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for JournalError {}
