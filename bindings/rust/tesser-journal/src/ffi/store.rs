// SPDX-License-Identifier: MIT OR Apache-2.0
//! An opened journal and the calls on it.

use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use tesser_core::{AssetId, ExchangeId};
use tesser_journal_sys as sys;
use tesser_portfolio::LiveState;

use super::{Owned, call, decode, encode, items};
use crate::error::{ErrorKind, JournalError, Result};
use crate::ledger::{LedgerEntry, LedgerQuery, LedgerType};

/// How to open; zeros mean the library's defaults.
#[derive(Clone, Copy, Default)]
pub(crate) struct OpenOptions {
    pub(crate) map_size_bytes: u64,
    pub(crate) segment_size_bytes: u64,
    pub(crate) os_durability: bool,
    pub(crate) read_only: bool,
    pub(crate) must_exist: bool,
    pub(crate) replace_unreadable: bool,
}

/// An opened store of the library.
struct Handle(NonNull<sys::tj_store>);

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: it was opened, and nothing refers to it any more. What cannot be written while
        // closing is in the log: the next open recovers it, so there is nothing to report.
        unsafe { sys::tj_store_close(self.0.as_ptr(), ptr::null_mut()) };
    }
}

/// One book of an opened journal. Closed when dropped.
pub(crate) struct Store {
    handle: Handle,
    states: *mut sys::tj_state_repository,
    #[cfg(feature = "execution")]
    pub(super) algos: *mut sys::tj_algo_repository,
    ledger: *mut sys::tj_ledger_repository,
    book: CString,
    /// The stored state was loaded, or may be replaced unread.
    replaceable: AtomicBool,
}

// SAFETY: the header says "Threads: any" for every call made here but closing, and a store is
// dropped only when nothing else refers to it.
unsafe impl Send for Store {}
// SAFETY: as above.
unsafe impl Sync for Store {}

fn c_text(what: &str, text: &OsStr) -> Result<CString> {
    CString::new(text.as_bytes())
        .map_err(|_| JournalError::invalid(format!("the {what} {text:?} holds a NUL byte")))
}

impl Store {
    /// Opens a journal; opens of the same one in this process share it.
    pub(crate) fn open(path: &Path, book: &str, options: OpenOptions) -> Result<Self> {
        let path = c_text("path", path.as_os_str())?;
        let book = c_text("book name", OsStr::new(book))?;
        let config = sys::tj_config {
            path: path.as_ptr(),
            book: book.as_ptr(),
            durability: match options.os_durability {
                true => sys::TJ_DURABILITY_OS,
                false => sys::TJ_DURABILITY_SYNC,
            },
            read_only: options.read_only,
            must_exist: options.must_exist,
            shared: true,
            lmdb: sys::tj_lmdb_config {
                map_size_bytes: options.map_size_bytes,
                segment_size_bytes: options.segment_size_bytes,
                ..Default::default()
            },
            ..Default::default()
        };
        let mut store = ptr::null_mut();
        // SAFETY: configuration, its texts and the place for the store outlive the call.
        call(|error| unsafe { sys::tj_store_open(&config, &mut store, error) })?;
        let handle = NonNull::new(store)
            .map(Handle)
            .ok_or_else(|| JournalError::new(ErrorKind::Misuse, "the library opened nothing"))?;
        // SAFETY: the store is open; NULL means its configured book. Every call takes a NULL
        // repository (no memory) for an error.
        unsafe {
            Ok(Self {
                handle,
                states: sys::tj_store_state_repository(store, ptr::null()),
                #[cfg(feature = "execution")]
                algos: sys::tj_store_algo_repository(store, ptr::null()),
                ledger: sys::tj_store_ledger_repository(store, ptr::null()),
                book,
                replaceable: AtomicBool::new(options.replace_unreadable),
            })
        }
    }

    pub(super) fn raw(&self) -> *mut sys::tj_store {
        self.handle.0.as_ptr()
    }

    /// The journal's directory as the library knows it.
    pub(crate) fn path(&self) -> Result<PathBuf> {
        let mut info = Box::new(sys::tj_store_info::default());
        // SAFETY: the store is open and the struct initialized.
        call(|error| unsafe { sys::tj_store_info_get(self.raw(), &mut *info, error) })?;
        // SAFETY: the library ends the path with a NUL.
        let path = unsafe { CStr::from_ptr(info.path.as_ptr()) };
        Ok(PathBuf::from(OsStr::from_bytes(path.to_bytes())))
    }

    pub(crate) fn create_book(&self) -> Result<()> {
        // SAFETY: the store is open and the name ends with a NUL.
        call(|error| unsafe { sys::tj_store_book_create(self.raw(), self.book.as_ptr(), error) })
    }

    // ---- LiveState -----------------------------------------------------------------------------

    /// The state and the sequence of the commit it is from.
    pub(crate) fn load_state(&self) -> Result<(LiveState, u64)> {
        let raw = Owned::load(sys::tj_live_state_free, |out, error| {
            // SAFETY: the repository lives as long as the store, the pointers as long as the call.
            unsafe { sys::tj_state_load(self.states, out, error) }
        })?;
        let state = decode::live_state(&raw)?;
        self.replaceable.store(true, Ordering::Relaxed);
        Ok((state, raw.sequence))
    }

    /// Tesser's runtime goes on from defaults when a load fails, and its next save would replace what
    /// could not be loaded. So a stored state is loaded once before the first save over it.
    pub(crate) fn check_replaceable(&self) -> Result<()> {
        if self.replaceable.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.load_state().map(|_| ()).map_err(|cause| {
            let sentence = format!(
                "nothing was saved: the state that is stored cannot be loaded, and this save would \
                 replace it ({cause}). Stop, and bring a state in with `tesser-journal state \
                 import`, or give the stored one up with JournalOptions::replace_unreadable or \
                 TESSER_JOURNAL_REPLACE_UNREADABLE=1"
            );
            JournalError::new(cause.kind(), sentence)
        })
    }

    pub(crate) fn is_book(&self, name: &CStr) -> bool {
        self.book.as_c_str() == name
    }

    pub(crate) fn save_state(&self, state: &LiveState) -> Result<()> {
        self.check_replaceable()?;
        let encoded = encode::live_state(state)?;
        // SAFETY: as in load_state; what the state points at outlives the call.
        call(|error| unsafe { sys::tj_state_save(self.states, &encoded.raw, error) })
    }

    // ---- ledger --------------------------------------------------------------------------------

    /// Appends entries, all or none, and returns the sequence of the last one.
    pub(crate) fn append_ledger(&self, entries: &[LedgerEntry]) -> Result<u64> {
        let encoded = encode::ledger(entries)?;
        let (first, count) = (encoded.raw.as_ptr(), encoded.raw.len());
        let mut last = 0;
        // SAFETY: as in load_state; the entries outlive the call.
        call(|error| unsafe {
            sys::tj_ledger_append(self.ledger, first, count, &mut last, error)
        })?;
        Ok(last)
    }

    pub(crate) fn latest_ledger(&self) -> Result<u64> {
        let mut latest = 0;
        // SAFETY: as in load_state.
        call(|error| unsafe { sys::tj_ledger_latest(self.ledger, &mut latest, error) })?;
        Ok(latest)
    }

    pub(crate) fn find_ledger(&self, query: &LedgerQuery) -> Result<Vec<LedgerEntry>> {
        let raw_query = ledger_query(query)?;
        let list = Owned::load(sys::tj_ledger_list_free, |out, error| {
            // SAFETY: as in load_state; names of exchanges and assets live as long as the process.
            unsafe { sys::tj_ledger_find(self.ledger, &raw_query, out, error) }
        })?;
        let entries = items(&*list, |list| (list.entries, list.count));
        entries.iter().map(decode::ledger_entry).collect()
    }
}

fn ledger_query(query: &LedgerQuery) -> Result<sys::tj_ledger_query> {
    let bound = |time: &Option<DateTime<Utc>>| time.as_ref().map(encode::time_in).transpose();
    let (first, last) = (bound(&query.start_time)?, bound(&query.end_time)?);
    let exchange = query.exchange.map(|exchange: ExchangeId| encode::exchange_in(exchange));
    let asset = query.asset.map(|asset: AssetId| encode::asset_in(asset));
    let kind = query.entry_type.map(|kind: LedgerType| encode::ledger_type_in(kind));
    Ok(sys::tj_ledger_query {
        exchange: exchange.transpose()?.unwrap_or_default(),
        asset: asset.transpose()?.unwrap_or_default(),
        r#type: kind.unwrap_or_default(),
        sequence_first: query.start_sequence.unwrap_or_default(),
        sequence_last: query.end_sequence.unwrap_or_default(),
        has_time_first: first.is_some(),
        time_first: first.unwrap_or_default(),
        has_time_last: last.is_some(),
        time_last: last.unwrap_or_default(),
        limit: query.limit.unwrap_or_default(),
        descending: !query.ascending,
        ..Default::default()
    })
}
