// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opening a journal.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(feature = "execution")]
use crate::algo::LmdbAlgoStateRepository;
use crate::error::{ErrorKind, Result};
use crate::ffi::{OpenOptions, Store};
use crate::ledger::LmdbLedgerRepository;
use crate::state::LmdbStateRepository;
use crate::transaction::Transaction;

/// Size of LMDB's map when none is chosen: 10 GiB of address space, not of disk. It grows by itself.
pub const MAP_SIZE_BYTES: usize = 10 * 1024 * 1024 * 1024;

/// What an acknowledged save survives.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Durability {
    /// A power cut: it is flushed to the disk.
    #[default]
    Sync,
    /// A killed process: it is written to the kernel.
    Os,
}

/// How to open a journal; starts from the defaults of [`LmdbJournal::open`].
///
/// ```no_run
/// use tesser_journal::{Durability, JournalOptions};
///
/// let journal = JournalOptions::new()
///     .book("momentum")
///     .durability(Durability::Os)
///     .open("./journal")?;
/// # Ok::<(), tesser_journal::JournalError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct JournalOptions {
    book: Option<String>,
    map_size_bytes: usize,
    segment_size_bytes: u64,
    durability: Durability,
    read_only: bool,
    must_exist: bool,
    replace_unreadable: bool,
}

impl JournalOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The book to use: one journal can hold several strategies. Beside stored books a new one must
    /// be created ([`LmdbJournal::create_book`]), so that a misspelt name never trades from empty.
    #[must_use]
    pub fn book(mut self, name: impl Into<String>) -> Self {
        self.book = Some(name.into());
        self
    }

    /// Size of LMDB's map to begin with, instead of [`MAP_SIZE_BYTES`].
    #[must_use]
    pub fn map_size_bytes(mut self, bytes: usize) -> Self {
        self.map_size_bytes = bytes;
        self
    }

    /// Size of the files of the log, from 64 KiB; 0 means the library's default. With
    /// [`Durability::Os`] a small one makes creating journals cheap: for tests.
    #[must_use]
    pub fn segment_size_bytes(mut self, bytes: u64) -> Self {
        self.segment_size_bytes = bytes;
        self
    }

    /// What an acknowledged save survives.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Look on, beside a running writer too; saves are refused.
    #[must_use]
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Do not create a journal that is not there.
    #[must_use]
    pub fn must_exist(mut self, must_exist: bool) -> Self {
        self.must_exist = must_exist;
        self
    }

    /// Let a save replace a stored state that cannot be loaded. Without it such a save is refused:
    /// a runtime that went on from defaults would otherwise destroy what may yet be recovered.
    #[must_use]
    pub fn replace_unreadable(mut self, replace: bool) -> Self {
        self.replace_unreadable = replace;
        self
    }

    /// Opens the journal at `path`.
    ///
    /// # Errors
    /// As [`LmdbJournal::open`].
    pub fn open(&self, path: impl AsRef<Path>) -> Result<LmdbJournal> {
        let options = OpenOptions {
            map_size_bytes: self.map_size_bytes as u64,
            segment_size_bytes: self.segment_size_bytes,
            os_durability: self.durability == Durability::Os,
            read_only: self.read_only,
            must_exist: self.must_exist,
            replace_unreadable: self.replace_unreadable,
        };
        let book = self.book.as_deref().unwrap_or("default");
        let store = Store::open(path.as_ref(), book, options)?;
        Ok(LmdbJournal { path: store.path()?, store: Arc::new(store) })
    }
}

/// An opened journal. Clones and repositories share it; the last one dropped closes it, and writes
/// what is due. Nothing acknowledged is lost without that either.
#[derive(Clone)]
pub struct LmdbJournal {
    path: PathBuf,
    store: Arc<Store>,
}

impl LmdbJournal {
    /// Opens or creates the journal in the directory `path`. A file, or a name that ends in `.db`,
    /// means the directory beside it that ends in `.lmdb`.
    ///
    /// Opening it again in this process, with the same options, gives the same journal.
    ///
    /// Two variables of the environment are for programs whose call cannot be changed, such as
    /// Tesser's own: `TESSER_JOURNAL_READ_ONLY=1` looks on beside a running writer (`tesser-cli state
    /// inspect`), `TESSER_JOURNAL_REPLACE_UNREADABLE=1` is [`JournalOptions::replace_unreadable`].
    ///
    /// # Errors
    /// When another process writes it (naming that one), when it cannot be read, when the directory
    /// holds something else. A directory of the published crate is to be imported first; the
    /// sentence names the command.
    pub fn open(path: impl AsRef<Path>) -> anyhow::Result<Self> {
        let asked = |name| std::env::var_os(name).is_some_and(|value| value == "1");
        let options = JournalOptions::new()
            .read_only(asked("TESSER_JOURNAL_READ_ONLY"))
            .replace_unreadable(asked("TESSER_JOURNAL_REPLACE_UNREADABLE"));
        Ok(options.open(path).map_err(|error| match error.kind() {
            ErrorKind::Busy => error.of(
                "to look on beside it use `tesser-journal state show`, JournalOptions::read_only \
                 or TESSER_JOURNAL_READ_ONLY=1",
            ),
            _ => error,
        })?)
    }

    /// The repository of portfolio snapshots.
    #[must_use]
    pub fn state_repo(&self) -> LmdbStateRepository {
        LmdbStateRepository::new(Arc::clone(&self.store))
    }

    /// The repository of execution algorithms.
    #[cfg(feature = "execution")]
    #[must_use]
    pub fn algo_repo(&self) -> LmdbAlgoStateRepository {
        LmdbAlgoStateRepository::new(Arc::clone(&self.store))
    }

    /// The ledger. The crate `tesser-journal-ledger` makes it a `tesser_ledger::LedgerRepository`.
    #[must_use]
    pub fn ledger_repo(&self) -> LmdbLedgerRepository {
        LmdbLedgerRepository::new(Arc::clone(&self.store))
    }

    /// Begins a commit over state, algorithms and ledger: all of it or none.
    ///
    /// # Errors
    /// When the journal is read-only, or memory is short.
    pub fn transaction(&self) -> Result<Transaction> {
        Transaction::begin(&self.store)
    }

    /// Creates the book that this journal was opened with, beside others. The very first book of a
    /// journal needs no call.
    ///
    /// # Errors
    /// When it is there already, and as for a save.
    pub fn create_book(&self) -> Result<()> {
        self.store.create_book()
    }

    /// The journal's directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Debug for LmdbJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LmdbJournal").field("path", &self.path).finish_non_exhaustive()
    }
}
