// SPDX-License-Identifier: MIT OR Apache-2.0
//! A state that cannot be loaded is not replaced by a runtime that went on from defaults.

use std::ffi::{CStr, CString};
use std::path::{Path, PathBuf};
use std::ptr;

use tempfile::TempDir;
use tesser_journal::{ErrorKind, JournalOptions, LmdbJournal};
use tesser_journal_sys as sys;
use tesser_portfolio::{LiveState, StateRepository};

/// A journal with a strategy's state of which a float cannot hold a number.
fn unreadable() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    record(&path, r#"{"strategy_state":{"big":1e999}}"#);
    (directory, path)
}

/// One commit as a line of `tesser-journal record` would make it.
fn record(path: &Path, line: &str) {
    let path = CString::new(path.to_str().unwrap()).unwrap();
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

#[test]
fn a_runtime_that_went_on_from_defaults_saves_nothing() {
    let (_directory, path) = unreadable();
    for load_first in [true, false] {
        let states = LmdbJournal::open(&path).unwrap().state_repo();
        if load_first {
            states.load().unwrap_err();
        }
        let sentence = states.save(&LiveState::default()).unwrap_err().to_string();
        assert!(sentence.contains("nothing was saved: the state that is stored"), "{sentence}");
        assert!(sentence.contains("number out of range"), "{sentence}");
        assert!(sentence.contains("TESSER_JOURNAL_REPLACE_UNREADABLE=1"), "{sentence}");
        states.load().unwrap_err();
    }
    let mut commit = LmdbJournal::open(&path).unwrap().transaction().unwrap();
    let error = commit.put_state(&LiveState::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn whoever_decides_replaces_it() {
    let (_directory, path) = unreadable();
    let journal = JournalOptions::new().replace_unreadable(true).open(&path).unwrap();
    let states = journal.state_repo();
    states.load().unwrap_err();
    states.save(&LiveState::default()).unwrap();
    states.load().unwrap();
}

#[test]
fn another_commit_that_mends_it_is_seen() {
    let (_directory, path) = unreadable();
    let journal = LmdbJournal::open(&path).unwrap();
    let states = journal.state_repo();
    states.save(&LiveState::default()).unwrap_err();
    let mut commit = journal.transaction().unwrap();
    commit.set_strategy_state(None).unwrap();
    commit.commit().unwrap();
    states.save(&LiveState::default()).unwrap();
}

#[test]
fn a_test_can_have_a_small_journal() {
    let directory = tempfile::tempdir().unwrap();
    let journal = JournalOptions::new()
        .durability(tesser_journal::Durability::Os)
        .segment_size_bytes(64 << 10)
        .open(directory.path().join("journal"))
        .unwrap();
    journal.state_repo().save(&LiveState::default()).unwrap();
}
