// SPDX-License-Identifier: MIT OR Apache-2.0
//! What another program does with a journal: records a line, and exports for Tesser's runtime.

use std::ffi::{CStr, CString};
use std::path::{Path, PathBuf};
use std::ptr;

use tempfile::TempDir;
use tesser_journal_sys as sys;

fn c_path(path: &Path) -> CString {
    CString::new(path.to_str().unwrap()).unwrap()
}

/// One commit as a line of `tesser-journal record` would make it.
pub fn record(path: &Path, line: &str) {
    let path = c_path(path);
    let config = sys::tj_config { path: path.as_ptr(), shared: true, ..Default::default() };
    let line = sys::tj_str { data: line.as_ptr().cast(), size: line.len() };
    let mut error = sys::tj_error::default();
    let (mut store, mut txn) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: every pointer is valid for its call, the store is closed once, and the commit releases
    // the transaction.
    unsafe {
        let mut done = sys::tj_store_open(&config, &mut store, &mut error) == sys::TJ_OK
            && sys::tj_txn_begin(store, &mut txn, &mut error) == sys::TJ_OK;
        done = done && sys::tj_txn_apply_json(txn, line, ptr::null_mut(), &mut error) == sys::TJ_OK;
        done =
            done && sys::tj_txn_commit(txn, ptr::null(), ptr::null_mut(), &mut error) == sys::TJ_OK;
        assert!(done, "{:?}", CStr::from_ptr(error.message.as_ptr()));
        sys::tj_store_close(store, ptr::null_mut());
    }
}

/// A journal in a directory of its own, with that one commit.
pub fn journal(line: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    record(&path, line);
    (directory, path)
}

/// As `tesser-journal --journal JOURNAL export --format tesser INTO`, with `--force`: returns for how
/// many values that was needed.
pub fn export(journal: &Path, into: &Path, force: bool) -> usize {
    let (journal, into) = (c_path(journal), c_path(into));
    let config = sys::tj_config { path: journal.as_ptr(), shared: true, ..Default::default() };
    let options = sys::tj_export_options { force, ..Default::default() };
    let mut error = sys::tj_error::default();
    let (mut store, mut report) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: every pointer is valid for its call; report and store are released once.
    unsafe {
        let opened = sys::tj_store_open(&config, &mut store, &mut error) == sys::TJ_OK;
        let done = opened
            && sys::tj_export_tesser(store, into.as_ptr(), &options, &mut report, &mut error)
                == sys::TJ_OK;
        assert!(done, "{:?}", CStr::from_ptr(error.message.as_ptr()));
        let refused = (*report).refused_count;
        sys::tj_export_report_free(report);
        sys::tj_store_close(store, ptr::null_mut());
        refused
    }
}
