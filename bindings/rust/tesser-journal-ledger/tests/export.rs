// SPDX-License-Identifier: MIT OR Apache-2.0
//! The way back: Tesser's runtime opens its ledger in the state's file.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::path::Path;
use std::ptr;

use tesser_journal::LmdbJournal;
use tesser_journal_ledger::JournalLedger;
use tesser_journal_sys as sys;
use tesser_ledger::{
    LedgerEntry, LedgerQuery, LedgerRepository, LedgerType, SqliteLedgerRepository,
};
use tesser_portfolio::{LiveState, SqliteStateRepository, StateRepository};

fn c_path(path: &Path) -> CString {
    CString::new(path.to_str().unwrap()).unwrap()
}

/// As `tesser-journal --journal JOURNAL export INTO`.
fn export(journal: &Path, into: &Path) {
    let (journal, into) = (c_path(journal), c_path(into));
    let config = sys::tj_config { path: journal.as_ptr(), shared: true, ..Default::default() };
    let options = sys::tj_export_options::default();
    let mut error = sys::tj_error::default();
    let (mut store, mut report) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: every pointer is valid for its call; report and store are released once.
    unsafe {
        let opened = sys::tj_store_open(&config, &mut store, &mut error) == sys::TJ_OK;
        let done = opened
            && sys::tj_export_tesser(store, into.as_ptr(), &options, &mut report, &mut error)
                == sys::TJ_OK;
        assert!(done, "{:?}", CStr::from_ptr(error.message.as_ptr()));
        sys::tj_export_report_free(report);
        sys::tj_store_close(store, ptr::null_mut());
    }
}

#[test]
fn state_and_ledger_are_read_from_one_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    let journal = LmdbJournal::open(&path).unwrap();
    let ledger = JournalLedger::from(journal.ledger_repo());
    for n in 1..=5 {
        let (usdt, amount) = ("okx:USDT".into(), format!("-{n}.50").parse().unwrap());
        let entry = LedgerEntry::new("okx".into(), usdt, amount, LedgerType::Fee, format!("t-{n}"));
        ledger.append(&entry).unwrap();
    }
    let mut state = LiveState::default();
    state.last_prices.insert("BTCUSDT".into(), "64250.10".parse().unwrap());
    journal.state_repo().save(&state).unwrap();

    let exported = directory.path().join("exported");
    export(&path, &exported);
    let state_path = exported.join("state.db");
    let loaded = SqliteStateRepository::new(state_path.clone()).load().unwrap();
    assert_eq!(loaded.last_prices, state.last_prices);
    let all = || LedgerQuery { ascending: true, ..LedgerQuery::default() };
    let tessers = SqliteLedgerRepository::new(state_path).unwrap();
    assert_eq!(
        format!("{:?}", tessers.query(all()).unwrap()),
        format!("{:?}", ledger.query(all()).unwrap())
    );
    assert_eq!(tessers.latest_sequence().unwrap(), Some(5));
}
