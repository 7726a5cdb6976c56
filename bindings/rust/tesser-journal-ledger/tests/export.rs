// SPDX-License-Identifier: MIT OR Apache-2.0
//! The way back: Tesser's runtime opens its ledger in the state's file.
#![allow(unsafe_code)]

#[allow(dead_code)]
#[path = "../../tesser-journal/tests/support/mod.rs"]
mod support;

use tesser_journal::LmdbJournal;
use tesser_journal_ledger::JournalLedger;
use tesser_ledger::{
    LedgerEntry, LedgerQuery, LedgerRepository, LedgerType, SqliteLedgerRepository,
};
use tesser_portfolio::{LiveState, SqliteStateRepository, StateRepository};

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
    support::export(&path, &exported, false);
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
