// SPDX-License-Identifier: MIT OR Apache-2.0
//! Against the newest published crates: the ledger beside Tesser's own store, and the state with
//! the execution checkpoint that tesser-portfolio 0.9.3 has.

use chrono::DateTime;
use serde_json::json;
use tesser_core::{AssetId, ExchangeId};
use tesser_journal::{CommitOptions, LmdbJournal};
use tesser_journal_ledger::{JournalLedger, to_journal};
use tesser_ledger::{
    LedgerEntry, LedgerError, LedgerQuery, LedgerRepository, LedgerSequencer, LedgerType,
    SqliteLedgerRepository,
};
use tesser_portfolio::{ExecutionCheckpoint, LiveState, StateRepository};
use uuid::Uuid;

fn entry(n: u64) -> LedgerEntry {
    let types = [
        LedgerType::TradeRealizedPnl,
        LedgerType::Fee,
        LedgerType::Funding,
        LedgerType::TransferIn,
        LedgerType::TransferOut,
        LedgerType::Adjustment,
    ];
    let venue = ["binance_perp", "bybit_linear"][n as usize % 2];
    LedgerEntry {
        id: Uuid::from_u128(u128::from(n)),
        sequence: n,
        timestamp: DateTime::from_timestamp_nanos(
            1_763_900_005_123_456_789 + 1_000_000_000 * n as i64,
        ),
        exchange: venue.into(),
        asset: AssetId::from_code(venue.into(), "USDT"),
        amount: format!("-{n}.2500").parse().unwrap(),
        entry_type: types[n as usize % 6],
        reference_id: format!("trade-{n}"),
        meta: (n % 3 == 0).then(|| json!({"symbol": "BTCUSDT", "n": n, "rate": 0.1})),
    }
}

/// Both stores with the same entries.
fn both(directory: &std::path::Path) -> [Box<dyn LedgerRepository>; 2] {
    let journal = LmdbJournal::open(directory.join("journal")).unwrap();
    let ours = JournalLedger::from(journal.ledger_repo());
    let sqlite = SqliteLedgerRepository::new(directory.join("ledger.db")).unwrap();
    let both: [Box<dyn LedgerRepository>; 2] = [Box::new(ours), Box::new(sqlite)];
    let entries: Vec<_> = (1..=24).map(entry).collect();
    for ledger in &both {
        assert_eq!(ledger.latest_sequence().unwrap(), None);
        ledger.append_batch(&[]).unwrap();
        ledger.append(&entries[0]).unwrap();
        ledger.append_batch(&entries[1..]).unwrap();
    }
    both
}

#[test]
fn finds_what_tessers_own_store_finds() {
    let directory = tempfile::tempdir().unwrap();
    let [ours, sqlite] = both(directory.path());
    let all = LedgerQuery::default;
    let ascending = LedgerQuery { ascending: true, ..all() };
    let queries = [
        all(),
        ascending.clone(),
        all().with_exchange("bybit_linear".into()),
        all().with_exchange("nowhere".into()),
        all().with_asset(AssetId::from("binance_perp:USDT")),
        all().with_type(LedgerType::Funding),
        all().with_sequence_range(Some(5), Some(9)),
        ascending.clone().with_sequence_range(Some(20), None),
        all().with_time_range(Some(entry(11).timestamp), Some(entry(13).timestamp)),
        all().with_limit(2),
        ascending.with_limit(3).with_type(LedgerType::Fee),
        all().with_limit(0),
    ];
    for query in queries {
        let found = [ours.query(query.clone()), sqlite.query(query.clone())];
        let [ours, sqlite] = found.map(|found| format!("{:?}", found.unwrap()));
        assert_eq!(ours, sqlite, "{query:?}");
    }
    assert_eq!(ours.latest_sequence().unwrap(), Some(24));
    assert_eq!(LedgerSequencer::bootstrap(ours.as_ref()).unwrap().next(), 25);
    assert!(matches!(ours.append(&entry(24)), Err(LedgerError::InvalidState(_))));
}

#[test]
fn an_id_is_booked_once_as_in_tessers_own_store() {
    let directory = tempfile::tempdir().unwrap();
    for ledger in both(directory.path()) {
        let again = LedgerEntry { sequence: 26, ..entry(3) };
        let refused = ledger.append_batch(&[entry(25), again]);
        assert!(matches!(refused, Err(LedgerError::Storage(_))), "{refused:?}");
        assert_eq!(ledger.latest_sequence().unwrap(), Some(24));
    }
}

#[test]
fn a_fill_and_its_entries_are_one_commit() {
    let directory = tempfile::tempdir().unwrap();
    let journal = LmdbJournal::open(directory.path().join("journal")).unwrap();
    let ledger = JournalLedger::from(journal.ledger_repo());
    let mut commit = journal.transaction().unwrap();
    commit.put_price("binance_perp:BTCUSDT".into(), "64250.10".parse().unwrap()).unwrap();
    commit.append_ledger(&to_journal(entry(7))).unwrap();
    commit.commit_with(&CommitOptions { sync: true, ..Default::default() }).unwrap();
    assert_eq!(journal.state_repo().load().unwrap().last_prices.len(), 1);
    let found = ledger.query(LedgerQuery::default()).unwrap();
    assert_eq!(format!("{found:?}"), format!("{:?}", [entry(7)]));
}

#[test]
fn the_execution_checkpoint_comes_back_equal() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    let times = [Some(1_763_900_005_000_039_595), None, Some(-1)];
    for (n, time) in times.into_iter().enumerate() {
        let states = LmdbJournal::open(&path).unwrap().state_repo();
        let mut state = LiveState {
            execution_checkpoint: ExecutionCheckpoint {
                last_timestamp: time.map(DateTime::from_timestamp_nanos),
                exec_ids: (0..n).map(|id| format!("exec-{id} \u{20ac}")).collect(),
            },
            ..LiveState::default()
        };
        state.last_prices.insert("okx:BTC".into(), "1.10".parse().unwrap());
        states.save(&state).unwrap();
        drop(states);
        let loaded = LmdbJournal::open(&path).unwrap().state_repo().load().unwrap();
        assert_eq!(format!("{loaded:?}"), format!("{state:?}"));
    }
}

#[test]
fn an_exchange_that_is_none_stays_none() {
    let directory = tempfile::tempdir().unwrap();
    let journal = LmdbJournal::open(directory.path().join("journal")).unwrap();
    let ledger = JournalLedger::from(journal.ledger_repo());
    let none = LedgerEntry { exchange: ExchangeId::UNSPECIFIED, asset: "USDT".into(), ..entry(1) };
    ledger.append(&none).unwrap();
    let found = ledger.query(LedgerQuery::default().with_exchange(ExchangeId::UNSPECIFIED));
    assert_eq!(format!("{:?}", found.unwrap()), format!("{:?}", [none]));
}
