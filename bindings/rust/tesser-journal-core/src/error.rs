// SPDX-License-Identifier: MIT OR Apache-2.0
//! What failed: a status to branch on, a sentence to read.

use std::ffi::CStr;
use std::fmt;

use tesser_journal_sys as sys;

/// What the functions of this crate return.
pub type Result<T> = std::result::Result<T, Error>;

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $status:ident,)*) => {
        /// What went wrong, to branch on. The library's `docs/ERRORS.md` has a paragraph on each.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[non_exhaustive]
        pub enum Status {
            $($(#[$doc])* $name,)*
        }

        impl Status {
            fn of(status: sys::tj_status) -> Self {
                match status {
                    $(sys::$status => Self::$name,)*
                    _ => Self::Misuse,
                }
            }

            fn number(self) -> sys::tj_status {
                match self {
                    $(Self::$name => sys::$status,)*
                }
            }
        }
    };
}

statuses! {
    /// The call itself is wrong.
    Misuse = TJ_MISUSE,
    /// Memory could not be allocated; nothing changed.
    NoMemory = TJ_NOMEM,
    /// No such journal, book or file.
    NotFound = TJ_NOT_FOUND,
    /// It is already there.
    Exists = TJ_EXISTS,
    /// Another writer holds the journal, or all reader slots are taken.
    Busy = TJ_BUSY,
    /// No space left; nothing changed.
    Full = TJ_FULL,
    /// The journal was opened for reading, or the file system is read-only.
    ReadOnly = TJ_READONLY,
    /// The system refused a file operation.
    Io = TJ_IO,
    /// Stored bytes are not what was written.
    Corrupt = TJ_CORRUPT,
    /// Written by a newer format version than this library reads.
    FormatNewer = TJ_FORMAT_NEWER,
    /// A documented limit is exceeded.
    Limit = TJ_LIMIT,
    /// The state is not what the caller expected.
    Conflict = TJ_CONFLICT,
    /// The journal takes no more commits after a failure, or belongs to another process.
    Closed = TJ_CLOSED,
    /// A server cannot be reached, or the deadline passed before the commit began; not applied.
    Unavailable = TJ_UNAVAILABLE,
    /// This build, file system or file kind is not supported.
    Unsupported = TJ_UNSUPPORTED,
    /// A value that cannot be stored.
    Invalid = TJ_INVALID,
    /// The exact result needs more digits than a decimal holds.
    Inexact = TJ_INEXACT,
    /// The deadline passed: the commit may be durable now, or later.
    Unknown = TJ_UNKNOWN,
}

/// A failure. Its text is one sentence: the cause with values, the place, and what to do where that
/// helps.
#[derive(Clone, Debug)]
pub struct Error {
    status: Status,
    place: String,
    message: String,
}

impl Error {
    pub(crate) fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, place: String::new(), message: message.into() }
    }

    pub(crate) fn of(status: sys::tj_status, error: &sys::tj_error) -> Self {
        // SAFETY: the library ends both with a NUL, and a fresh error holds only NULs.
        let [place, message] = [error.place.as_ptr(), error.message.as_ptr()]
            .map(|text| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned());
        Self { status: Status::of(status), place, message }
    }

    /// What went wrong, to branch on.
    pub fn status(&self) -> Status {
        self.status
    }

    /// What can be done about it, in a sentence.
    pub fn advice(&self) -> &'static str {
        // SAFETY: a static text that ends with a NUL.
        let text = unsafe {
            CStr::from_ptr(sys::tj_advice_text(sys::tj_status_advice(self.status.number())))
        };
        text.to_str().unwrap_or_default()
    }

    /// The file that it was about, or nothing.
    pub fn place(&self) -> &str {
        &self.place
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Makes one call of the library, which is handed a place for its error.
pub(crate) fn call(function: impl FnOnce(*mut sys::tj_error) -> sys::tj_status) -> Result<()> {
    let mut error = sys::tj_error::default();
    match function(&mut error) {
        sys::TJ_OK => Ok(()),
        status => Err(Error::of(status, &error)),
    }
}
