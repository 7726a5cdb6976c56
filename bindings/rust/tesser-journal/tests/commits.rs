// SPDX-License-Identifier: MIT OR Apache-2.0
//! Commits over state, algorithms and ledger, and the ledger itself.

#[path = "../examples/program/state.rs"]
#[allow(dead_code)]
mod state;

use chrono::DateTime;
use serde_json::json;
use tempfile::TempDir;
use tesser_core::{AssetId, ExchangeId};
use tesser_execution::AlgoStateRepository;
use tesser_journal::{
    CommitOptions, ErrorKind, JournalOptions, LedgerEntry, LedgerQuery, LedgerType, LmdbJournal,
};
use tesser_portfolio::StateRepository;
use uuid::Uuid;

use state::{algos, describe, full_state, order};

fn scratch() -> (TempDir, LmdbJournal) {
    let directory = tempfile::tempdir().unwrap();
    let journal = LmdbJournal::open(directory.path().join("journal")).unwrap();
    (directory, journal)
}

fn entry(n: u64) -> LedgerEntry {
    LedgerEntry {
        id: Uuid::from_u128(u128::from(n)),
        sequence: n,
        timestamp: DateTime::from_timestamp_nanos(1_763_900_005_000_039_595 + n as i64),
        exchange: [ExchangeId::from("binance_perp"), ExchangeId::UNSPECIFIED][n as usize % 2],
        asset: [AssetId::from("binance_perp:USDT"), AssetId::from("BTC")][n as usize % 2],
        amount: format!("-{n}.2500").parse().unwrap(),
        entry_type: [
            LedgerType::TradeRealizedPnl,
            LedgerType::Fee,
            LedgerType::Funding,
            LedgerType::TransferIn,
            LedgerType::TransferOut,
            LedgerType::Adjustment,
        ][n as usize % 6],
        reference_id: if n % 4 == 0 { String::new() } else { format!("trade-{n}") },
        meta: (n % 3 == 0).then(|| json!({"symbol": "binance_perp:BTCUSDT", "n": n})),
    }
}

#[test]
fn a_commit_spans_state_algorithms_and_ledger() {
    let (_directory, journal) = scratch();
    journal.state_repo().save(&full_state(5)).unwrap();
    let mut expected = full_state(5);
    let (id, algo) = algos(5).into_iter().next().unwrap();

    let mut commit = journal.transaction().unwrap();
    commit.put_order(&order(7, 99)).unwrap();
    commit.delete_order("order-00008").unwrap();
    commit.put_price("okx:SOLUSDT".into(), "140.00".parse().unwrap()).unwrap();
    commit.set_last_candle_ts(None).unwrap();
    commit.set_strategy_state(Some(&json!({"after": "fill"}))).unwrap();
    commit.put_algo(&id, &algo).unwrap();
    commit.append_ledger(&entry(0)).unwrap();
    let sequence = commit.commit().unwrap();

    let place = expected.open_orders.iter().position(|order| order.id == "order-00007");
    expected.open_orders[place.unwrap()] = order(7, 99);
    expected.open_orders.retain(|order| order.id != "order-00008");
    expected.last_prices.insert("okx:SOLUSDT".into(), "140.00".parse().unwrap());
    expected.last_candle_ts = None;
    expected.strategy_state = Some(json!({"after": "fill"}));
    let (loaded, loaded_sequence) = journal.state_repo().load_with_sequence().unwrap();
    assert_eq!(describe(&loaded), describe(&expected));
    assert_eq!(loaded_sequence, sequence);
    assert_eq!(journal.algo_repo().load_all().unwrap(), [(id, algo)].into());
    let ledger = journal.ledger_repo().query(&LedgerQuery::default()).unwrap();
    assert_eq!(ledger, [LedgerEntry { sequence: 1, ..entry(0) }]);
}

#[test]
fn holdings_are_changed_one_by_one() {
    let (_directory, journal) = scratch();
    let mut expected = full_state(2);
    journal.state_repo().save(&expected).unwrap();
    let portfolio = expected.portfolio.as_mut().unwrap();
    let bybit = ExchangeId::from("bybit_linear");
    let account = portfolio.sub_accounts.get_mut(&bybit).unwrap();

    let mut commit = journal.transaction().unwrap();
    let position = account.positions.get_mut(&"bybit_linear:ETHUSDT".into()).unwrap();
    position.quantity = "3.50".parse().unwrap();
    commit.put_position(Some(bybit), position).unwrap();
    let cash = portfolio.balances.get_mut("binance_perp:USDT").unwrap();
    cash.quantity = "0.10".parse().unwrap();
    commit.put_balance(None, cash).unwrap();
    portfolio.positions.remove(&"BTCUSDT".into()).unwrap();
    commit.delete_position(None, "BTCUSDT".into()).unwrap();
    account.balances.0.remove(&"bybit_linear:BTC".into()).unwrap();
    commit.delete_balance(Some(bybit), "bybit_linear:BTC".into()).unwrap();
    commit.commit().unwrap();

    assert_eq!(describe(&journal.state_repo().load().unwrap()), describe(&expected));
}

#[test]
fn what_is_dropped_or_fails_changes_nothing() {
    let (_directory, journal) = scratch();
    let mut commit = journal.transaction().unwrap();
    commit.put_state(&full_state(1)).unwrap();
    drop(commit);
    let mut commit = journal.transaction().unwrap();
    commit.append_ledger(&entry(1)).unwrap();
    commit.put_position(None, &position()).unwrap();
    let error = commit.commit().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("portfolio"), "{error}");
    let (_, sequence) = journal.state_repo().load_with_sequence().unwrap();
    assert_eq!(sequence, 0);
    assert_eq!(journal.ledger_repo().latest_sequence().unwrap(), None);
}

fn position() -> tesser_core::Position {
    let positions = full_state(0).portfolio.unwrap().positions;
    positions.into_values().next().unwrap()
}

#[test]
fn a_transaction_outlives_the_journals_handles() {
    let (directory, journal) = scratch();
    let mut commit = journal.transaction().unwrap();
    drop(journal);
    commit.put_state(&full_state(1)).unwrap();
    commit.commit().unwrap();
    let journal = LmdbJournal::open(directory.path().join("journal")).unwrap();
    assert_eq!(describe(&journal.state_repo().load().unwrap()), describe(&full_state(1)));
}

#[test]
fn a_commit_can_expect_a_state_and_be_repeated() {
    let (_directory, journal) = scratch();
    journal.state_repo().save(&full_state(1)).unwrap();
    let (_, seen) = journal.state_repo().load_with_sequence().unwrap();
    journal.state_repo().save(&full_state(2)).unwrap();
    let change = || {
        let mut commit = journal.transaction().unwrap();
        commit.put_order(&order(500, 1)).unwrap();
        commit
    };
    let options = CommitOptions { expected_sequence: Some(seen), ..Default::default() };
    let error = change().commit_with(&options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);

    let id = Some(Uuid::from_u128(42));
    let options = CommitOptions { id, sync: true, critical: true, ..Default::default() };
    let first = change().commit_with(&options).unwrap();
    assert_eq!(change().commit_with(&options).unwrap(), first);
    let limit = Some(std::time::Duration::from_secs(60));
    let options = CommitOptions { deadline: limit, ..Default::default() };
    let mut later = change();
    later.delete_order("order-00500").unwrap();
    assert_eq!(later.commit_with(&options).unwrap(), first + 1);
}

#[test]
fn a_commit_may_go_into_several_books() {
    let (directory, journal) = scratch();
    let mut commit = journal.transaction().unwrap();
    commit.put_state(&full_state(1)).unwrap();
    commit.commit().unwrap();
    let hedge = JournalOptions::new().book("hedge").open(journal.path()).unwrap();
    hedge.create_book().unwrap();
    let mut commit = hedge.transaction().unwrap();
    commit.put_state(&full_state(2)).unwrap();
    commit.use_book("default").unwrap();
    commit.put_state(&full_state(3)).unwrap();
    commit.commit().unwrap();
    assert_eq!(describe(&hedge.state_repo().load().unwrap()), describe(&full_state(2)));
    assert_eq!(describe(&journal.state_repo().load().unwrap()), describe(&full_state(3)));
    assert_eq!(journal.path(), directory.path().join("journal"));
}

#[test]
fn the_ledger_finds_what_is_asked_for() {
    let (directory, journal) = scratch();
    let ledger = journal.ledger_repo();
    let entries: Vec<_> = (1..=24).map(entry).collect();
    assert_eq!(ledger.append(&entries).unwrap(), 24);
    assert_eq!(ledger.append(&entries).unwrap_err().kind(), ErrorKind::Conflict);
    drop((ledger, journal));
    let journal = LmdbJournal::open(directory.path().join("journal")).unwrap();
    let ledger = journal.ledger_repo();
    assert_eq!(ledger.latest_sequence().unwrap(), Some(24));

    let find = |query: LedgerQuery| ledger.query(&query).unwrap();
    let of = |keep: &dyn Fn(&LedgerEntry) -> bool| {
        entries.iter().rev().filter(|entry| keep(entry)).cloned().collect::<Vec<_>>()
    };
    let all = LedgerQuery::default;
    assert_eq!(find(all()), of(&|_| true));
    assert_eq!(find(LedgerQuery { ascending: true, ..all() }), entries);
    let exchange = Some(ExchangeId::UNSPECIFIED);
    let found = find(LedgerQuery { exchange, ..all() });
    assert_eq!(found, of(&|entry| entry.exchange == ExchangeId::UNSPECIFIED));
    let asset = Some(AssetId::from("binance_perp:USDT"));
    let found = find(LedgerQuery { asset, ..all() });
    assert_eq!(found, of(&|entry| Some(entry.asset) == asset));
    let entry_type = Some(LedgerType::Funding);
    let found = find(LedgerQuery { entry_type, ..all() });
    assert_eq!(found, of(&|entry| Some(entry.entry_type) == entry_type));
    let (start_sequence, end_sequence) = (Some(5), Some(9));
    let found = find(LedgerQuery { start_sequence, end_sequence, ..all() });
    assert_eq!(found, of(&|entry| (5..=9).contains(&entry.sequence)));
    let (start_time, end_time) = (Some(entry(11).timestamp), Some(entry(13).timestamp));
    let found = find(LedgerQuery { start_time, end_time, ..all() });
    assert_eq!(found, of(&|entry| (11..=13).contains(&entry.sequence)));
    assert_eq!(find(LedgerQuery { limit: Some(2), ..all() }), of(&|entry| entry.sequence > 22));
    assert_eq!(find(LedgerQuery { limit: Some(0), ..all() }), []);
    assert_eq!(find(LedgerQuery { end_sequence: Some(0), ..all() }), []);
}
