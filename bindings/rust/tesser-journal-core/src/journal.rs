// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opening a journal, and what it has.

use std::ffi::{CStr, CString, c_char};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use tesser_journal_sys as sys;

use crate::error::{Error, Result, Status, call};
use crate::raw::{Owned, view};
use crate::state::{Algos, Ledger, State};
use crate::submit::Reservation;
use crate::transaction::Transaction;

/// What an acknowledged commit survives.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Durability {
    /// A power cut.
    #[default]
    Sync,
    /// The end of the process, not that of the system.
    Os,
}

/// How a journal is opened.
#[derive(Clone, Debug, Default)]
pub struct Options {
    path: PathBuf,
    book: Option<String>,
    durability: Durability,
    in_memory: bool,
    read_only: bool,
    must_exist: bool,
}

impl Options {
    /// The journal in this directory, which is made when nothing is there.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    /// One that is gone with the process: for tests.
    pub fn in_memory() -> Self {
        Self { in_memory: true, ..Self::default() }
    }

    /// The book that is meant where none is named; "default" without this.
    pub fn book(mut self, name: impl Into<String>) -> Self {
        self.book = Some(name.into());
        self
    }

    /// What an acknowledged commit survives.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Looks on beside a writer.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Fails where no journal is.
    pub fn must_exist(mut self) -> Self {
        self.must_exist = true;
        self
    }

    /// Opens it, recovering what a crash left.
    ///
    /// # Errors
    /// With one sentence: the cause, the place and the next step.
    pub fn open(&self) -> Result<Journal> {
        let path = c_text(self.path.as_os_str().as_bytes(), "path")?;
        let book = self.book.as_deref().map(|name| c_text(name.as_bytes(), "book")).transpose()?;
        let config = sys::tj_config {
            r#type: if self.in_memory { sys::TJ_ENGINE_MEMORY } else { sys::TJ_ENGINE_LMDB },
            path: if self.in_memory { ptr::null() } else { path.as_ptr() },
            book: book.as_ref().map_or(ptr::null(), |name| name.as_ptr()),
            durability: match self.durability {
                Durability::Sync => sys::TJ_DURABILITY_SYNC,
                Durability::Os => sys::TJ_DURABILITY_OS,
            },
            read_only: self.read_only,
            must_exist: self.must_exist,
            ..sys::tj_config::default()
        };
        let mut store = ptr::null_mut();
        // SAFETY: the texts of the configuration live until the call returns.
        call(|error| unsafe { sys::tj_store_open(&config, &mut store, error) })?;
        Ok(Journal { store: Arc::new(Store(store)) })
    }
}

pub(crate) fn c_text(bytes: &[u8], what: &str) -> Result<CString> {
    CString::new(bytes).map_err(|_| Error::new(Status::Invalid, format!("the {what} holds a NUL")))
}

/// An open store; closed when nothing refers to it.
pub(crate) struct Store(pub(crate) *mut sys::tj_store);

// SAFETY: the header says "Threads: any" for every call made here but closing, and a store is
// dropped only when nothing else refers to it.
unsafe impl Send for Store {}
// SAFETY: as above.
unsafe impl Sync for Store {}

impl Store {
    /// NULL is what it is when it was closed.
    fn close(&mut self) -> Result<()> {
        let store = std::mem::replace(&mut self.0, ptr::null_mut());
        // SAFETY: the store was opened and is closed once; NULL is allowed by the second call.
        unsafe {
            if !store.is_null() {
                let _ = sys::tj_store_drain(store, 0, ptr::null_mut());
            }
            call(|error| sys::tj_store_close(store, error))
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

/// An open journal. Clones are the same one; it is closed when the last of them, its books,
/// transactions and commits are gone.
///
/// ```
/// use tesser_journal_core::{Decimal, Options};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let journal = Options::in_memory().open()?;
/// let mut commit = journal.begin()?;
/// commit.set_equity(Some("10000.50".parse()?))?;
/// commit.commit()?; // durable
/// let state = journal.book()?.load()?;
/// assert_eq!(state.equity().unwrap().to_string(), "10000.50");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Journal {
    pub(crate) store: Arc<Store>,
}

impl Journal {
    /// Opens the journal in this directory, which is made when nothing is there.
    ///
    /// # Errors
    /// See [`Options::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Options::at(path.as_ref()).open()
    }

    /// Begins a commit.
    ///
    /// # Errors
    /// When the journal takes no more commits.
    pub fn begin(&self) -> Result<Transaction> {
        Transaction::begin(&self.store)
    }

    /// The book that the journal was opened with.
    ///
    /// # Errors
    /// When memory is short.
    pub fn book(&self) -> Result<Book> {
        Book::of(&self.store, ptr::null())
    }

    /// A book by its name; whether it is there is told by what is done with it.
    ///
    /// # Errors
    /// When the name is no book's name.
    pub fn book_named(&self, name: &str) -> Result<Book> {
        let name = c_text(name.as_bytes(), "book")?;
        Book::of(&self.store, name.as_ptr())
    }

    /// Creates a book beside those that are stored.
    ///
    /// # Errors
    /// [`Status::Exists`] when it is there already; when the name is no book's name.
    pub fn create_book(&self, name: &str) -> Result<Book> {
        let name = c_text(name.as_bytes(), "book")?;
        // SAFETY: the store is open, and the name lives until the call returns.
        call(|error| unsafe { sys::tj_store_book_create(self.store.0, name.as_ptr(), error) })?;
        Book::of(&self.store, name.as_ptr())
    }

    /// Reserves numbers that are never given twice, and returns the first of them.
    ///
    /// # Errors
    /// When the name is no counter's name, or it cannot be made durable.
    pub fn reserve(&self, counter: &str, count: u64) -> Result<u64> {
        let name = c_text(counter.as_bytes(), "counter's name")?;
        let mut first = 0;
        // SAFETY: the store is open, and the name lives until the call returns.
        call(|error| unsafe {
            let book = ptr::null();
            sys::tj_counter_reserve(self.store.0, book, name.as_ptr(), count, &mut first, error)
        })?;
        Ok(first)
    }

    /// The same without waiting for the disk: awaited, it gives the numbers.
    ///
    /// # Errors
    /// When the name is no counter's name, or the counter can go no further.
    pub fn submit_reserve(&self, counter: &str, count: u64) -> Result<Reservation> {
        let name = c_text(counter.as_bytes(), "counter's name")?;
        Reservation::submit(&self.store, &name, count)
    }

    /// Takes the submitted commits that are done, and wakes who waits for them; how many there
    /// were. It waits for the first one at most for this time.
    ///
    /// # Errors
    /// In the child of a fork.
    pub fn complete(&self, wait: Duration) -> Result<usize> {
        complete(&self.store, wait)
    }

    /// Takes submitted commits until none is in flight, for at most this time; zero: as long as it
    /// takes. Closing does the same.
    ///
    /// # Errors
    /// [`Status::Unavailable`] when the time is up.
    pub fn drain(&self, wait: Duration) -> Result<()> {
        // SAFETY: the store is open.
        call(|error| unsafe { sys::tj_store_drain(self.store.0, milliseconds(wait), error) })
    }

    /// Closes it, when this is the only handle; else the last one does. Dropping it does the same
    /// and tells no failure.
    ///
    /// # Errors
    /// What could not be done; nothing that was acknowledged is lost by it.
    pub fn close(self) -> Result<()> {
        match Arc::try_unwrap(self.store) {
            Ok(mut store) => store.close(),
            Err(_) => Ok(()),
        }
    }
}

/// The descriptor that is readable while submitted commits are done and not taken: to poll, and
/// then to call [`Journal::complete`].
///
/// # Panics
/// When the journal is open for reading, in which nothing is submitted, or the process has no
/// descriptor left.
impl AsFd for Journal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the store is open.
        let fd = unsafe { sys::tj_store_completion_fd(self.store.0) };
        assert!(fd >= 0, "this journal has no descriptor for what is submitted");
        // SAFETY: it is the store's own, until that is closed.
        unsafe { BorrowedFd::borrow_raw(fd) }
    }
}

fn milliseconds(wait: Duration) -> u32 {
    let rounded = wait.as_millis() + u128::from(wait.subsec_nanos() % 1_000_000 != 0);
    u32::try_from(rounded).unwrap_or(u32::MAX)
}

pub(crate) fn complete(store: &Store, wait: Duration) -> Result<usize> {
    let mut count = 0;
    // SAFETY: the store is open.
    call(|error| unsafe {
        sys::tj_store_complete(store.0, milliseconds(wait), &mut count, error)
    })?;
    Ok(count)
}

/// A book of a journal: a portfolio of its own, with its algorithms and its ledger.
#[derive(Clone)]
pub struct Book {
    state: *mut sys::tj_state_repository,
    algos: *mut sys::tj_algo_repository,
    ledger: *mut sys::tj_ledger_repository,
    /// The repositories live as long as it does.
    _store: Arc<Store>,
}

// SAFETY: the header says "Threads: any" for all calls on repositories.
unsafe impl Send for Book {}
// SAFETY: as above.
unsafe impl Sync for Book {}

// SAFETY of every call below: the repository lives as long as the store, and all other pointers are
// to values that outlive the call.
impl Book {
    fn of(store: &Arc<Store>, name: *const c_char) -> Result<Self> {
        // SAFETY: the store is open; the name is NULL or lives until the calls return.
        let (state, algos, ledger) = unsafe {
            (
                sys::tj_store_state_repository(store.0, name),
                sys::tj_store_algo_repository(store.0, name),
                sys::tj_store_ledger_repository(store.0, name),
            )
        };
        if state.is_null() || algos.is_null() || ledger.is_null() {
            // SAFETY: as above, and not NULL: the configured book's name was checked at opening.
            let name = if name.is_null() { c"" } else { unsafe { CStr::from_ptr(name) } };
            return Err(Error::new(Status::Invalid, format!("{name:?} is no name of a book")));
        }
        Ok(Self { state, algos, ledger, _store: Arc::clone(store) })
    }

    /// The newest state; empty before anything was stored.
    ///
    /// # Errors
    /// [`Status::NotFound`] when other books are stored but not this one; [`Status::Corrupt`] when a
    /// row cannot be decoded.
    pub fn load(&self) -> Result<State> {
        Owned::load(sys::tj_live_state_free, |out, error| {
            // SAFETY: see above.
            unsafe { sys::tj_state_load(self.state, out, error) }
        })
        .map(State)
    }

    /// The state as it was: after a commit ("4711") or at a time ("2026-11-28T12:00:00Z").
    ///
    /// # Errors
    /// As [`Book::load`]; when the moment is none, or history is not kept from so early on.
    pub fn load_at(&self, moment: &str) -> Result<State> {
        let mut at = sys::tj_moment::default();
        // SAFETY: see above.
        call(|error| unsafe { sys::tj_moment_parse(view(moment), &mut at, error) })?;
        Owned::load(sys::tj_live_state_free, |out, error| {
            // SAFETY: see above.
            unsafe { sys::tj_state_load_at(self.state, at, out, error) }
        })
        .map(State)
    }

    /// All algorithms.
    ///
    /// # Errors
    /// As [`Book::load`]; one that cannot be decoded is no failure.
    pub fn algos(&self) -> Result<Algos> {
        Owned::load(sys::tj_algo_list_free, |out, error| {
            // SAFETY: see above.
            unsafe { sys::tj_algo_load_all(self.algos, out, error) }
        })
        .map(Algos)
    }

    /// The ledger's entries from this number on.
    ///
    /// # Errors
    /// As [`Book::load`].
    pub fn ledger_from(&self, sequence: u64) -> Result<Ledger> {
        let query =
            sys::tj_ledger_query { sequence_first: sequence, ..sys::tj_ledger_query::default() };
        Owned::load(sys::tj_ledger_list_free, |out, error| {
            // SAFETY: see above.
            unsafe { sys::tj_ledger_find(self.ledger, &query, out, error) }
        })
        .map(Ledger)
    }

    /// The number of the ledger's newest entry, 0 before the first.
    ///
    /// # Errors
    /// As [`Book::load`].
    pub fn ledger_latest(&self) -> Result<u64> {
        let mut latest = 0;
        // SAFETY: see above.
        call(|error| unsafe { sys::tj_ledger_latest(self.ledger, &mut latest, error) })?;
        Ok(latest)
    }
}
