// SPDX-License-Identifier: MIT OR Apache-2.0
//! What goes in through Tesser's traits comes out equal, and what cannot is refused with a sentence.

#[path = "../examples/program/state.rs"]
mod state;

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde_json::json;
use tempfile::TempDir;
use tesser_core::{AssetId, ExchangeId, Symbol};
use tesser_execution::{AlgoStateRepository, StoredAlgoState};
use tesser_journal::{
    Durability, ErrorKind, JournalError, JournalOptions, LmdbAlgoStateRepository, LmdbJournal,
    LmdbStateRepository, MAP_SIZE_BYTES,
};
use tesser_portfolio::{LiveState, PortfolioError, PortfolioState, StateRepository};
use uuid::Uuid;

use state::{algos, describe, full_state};

fn scratch() -> (TempDir, LmdbJournal) {
    let directory = tempfile::tempdir().unwrap();
    let journal = LmdbJournal::open(directory.path().join("journal")).unwrap();
    (directory, journal)
}

/// The sentence with which a save is refused.
fn refusal(journal: &LmdbJournal, state: &LiveState) -> String {
    match journal.state_repo().save(state).unwrap_err() {
        PortfolioError::Internal(sentence) => sentence,
        other => panic!("{other}"),
    }
}

#[test]
fn has_every_item_of_the_published_crate() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<LmdbJournal>();
    shared::<LmdbStateRepository>();
    shared::<LmdbAlgoStateRepository>();
    let _: fn(&'static str) -> anyhow::Result<LmdbJournal> = LmdbJournal::open;
    let _: fn(&LmdbJournal) -> LmdbStateRepository = LmdbJournal::state_repo;
    let _: fn(&LmdbJournal) -> LmdbAlgoStateRepository = LmdbJournal::algo_repo;
    let _: fn(&LmdbJournal) -> &Path = LmdbJournal::path;
    let _: usize = MAP_SIZE_BYTES;
    let _: &dyn StateRepository<Snapshot = LiveState> = &scratch().1.state_repo();
    let _: &dyn AlgoStateRepository<State = StoredAlgoState> = &scratch().1.algo_repo();
    assert_eq!(MAP_SIZE_BYTES, 10 << 30);
}

#[test]
fn a_new_journal_holds_the_defaults() {
    let (_directory, journal) = scratch();
    let (state, sequence) = journal.state_repo().load_with_sequence().unwrap();
    assert_eq!(describe(&state), describe(&LiveState::default()));
    assert_eq!(sequence, 0);
    assert!(journal.algo_repo().load_all().unwrap().is_empty());
    assert_eq!(journal.ledger_repo().latest_sequence().unwrap(), None);
}

#[test]
fn full_states_come_back_equal_after_every_save_and_restart() {
    let (directory, mut journal) = scratch();
    for round in 0..60 {
        journal.state_repo().save(&full_state(round)).unwrap();
        let loaded = journal.state_repo().load().unwrap();
        assert_eq!(describe(&loaded), describe(&full_state(round)), "round {round}");
        drop(journal);
        journal = LmdbJournal::open(directory.path().join("journal")).unwrap();
        let loaded = journal.state_repo().load().unwrap();
        assert_eq!(describe(&loaded), describe(&full_state(round)), "restart {round}");
    }
}

#[test]
fn states_may_shrink_to_nothing() {
    let (_directory, journal) = scratch();
    let states = journal.state_repo();
    states.save(&full_state(1)).unwrap();
    let state = LiveState { portfolio: Some(PortfolioState::default()), ..LiveState::default() };
    states.save(&state).unwrap();
    let loaded = states.load().unwrap();
    assert_eq!(describe(&loaded), describe(&state));
    assert_eq!(loaded.portfolio.unwrap().reporting_currency, AssetId::unspecified());
    states.save(&LiveState::default()).unwrap();
    assert_eq!(describe(&states.load().unwrap()), describe(&LiveState::default()));
}

#[test]
fn two_venues_with_one_code_stay_two() {
    let (_directory, journal) = scratch();
    let state = full_state(0);
    journal.state_repo().save(&state).unwrap();
    let prices = journal.state_repo().load().unwrap().last_prices;
    assert_eq!(prices[&"binance_perp:BTCUSDT".into()].to_string(), "64250.10");
    assert_eq!(
        prices[&"bybit_linear:BTCUSDT".into()].to_string(),
        "0.0000000000000000000000000001"
    );
    assert_eq!(prices[&"BTCUSDT".into()].to_string(), "7.9228162514264337593543950335");
}

#[test]
fn a_negative_zero_keeps_its_sign_and_scale() {
    let (_directory, journal) = scratch();
    let mut zero = Decimal::new(0, 3);
    zero.set_sign_negative(true);
    let mut state = LiveState::default();
    state.last_prices.insert("BTCUSDT".into(), zero);
    journal.state_repo().save(&state).unwrap();
    let loaded = journal.state_repo().load().unwrap().last_prices[&"BTCUSDT".into()];
    assert_eq!((loaded.is_sign_negative(), loaded.scale()), (true, 3));
}

#[test]
fn algorithms_come_back_equal() {
    let (directory, journal) = scratch();
    for round in 0..10 {
        for (id, algo) in algos(round) {
            journal.algo_repo().save(&id, &algo).unwrap();
        }
        assert_eq!(journal.algo_repo().load_all().unwrap(), algos(round));
    }
    journal.algo_repo().delete(&Uuid::from_u128(1)).unwrap();
    journal.algo_repo().delete(&Uuid::from_u128(99)).unwrap();
    drop(journal);
    let journal = LmdbJournal::open(directory.path().join("journal")).unwrap();
    let mut left = algos(9);
    left.remove(&Uuid::from_u128(1));
    assert_eq!(journal.algo_repo().load_all().unwrap(), left);
}

#[test]
fn opening_twice_gives_one_journal() {
    let (directory, first) = scratch();
    let second = LmdbJournal::open(directory.path().join("journal")).unwrap();
    let states = second.state_repo();
    first.state_repo().save(&full_state(3)).unwrap();
    drop((first, second));
    assert_eq!(describe(&states.load().unwrap()), describe(&full_state(3)));
    states.save(&full_state(4)).unwrap();
    let third = LmdbJournal::open(directory.path().join("journal")).unwrap();
    assert_eq!(describe(&third.state_repo().load().unwrap()), describe(&full_state(4)));
}

#[test]
fn any_number_of_threads_may_save_and_load() {
    let (_directory, journal) = scratch();
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let (states, algorithms) = (journal.state_repo(), journal.algo_repo());
            scope.spawn(move || {
                let algo = algos(thread).remove(&Uuid::from_u128(1)).unwrap();
                for n in 0..10 {
                    let id = Uuid::from_u128((thread * 10 + n) as u128);
                    algorithms.save(&id, &algo).unwrap();
                    states.save(&full_state(thread)).unwrap();
                    assert_eq!(states.load().unwrap().open_orders.len(), 144);
                }
            });
        }
    });
    assert_eq!(journal.algo_repo().load_all().unwrap().len(), 160);
}

#[test]
fn paths_follow_the_published_rules() {
    let directory = tempfile::tempdir().unwrap();
    let named = LmdbJournal::open(directory.path().join("state.db")).unwrap();
    assert_eq!(named.path(), directory.path().join("state.lmdb"));
    std::fs::write(directory.path().join("algos.sqlite"), "a file").unwrap();
    let beside = LmdbJournal::open(directory.path().join("algos.sqlite")).unwrap();
    assert_eq!(beside.path(), directory.path().join("algos.lmdb"));
    let deep = directory.path().join("a/b/c");
    assert_eq!(LmdbJournal::open(&deep).unwrap().path(), deep);
}

#[test]
fn books_are_apart_and_created_knowingly() {
    let directory = tempfile::tempdir().unwrap();
    let open = |book: &str| JournalOptions::new().book(book).open(directory.path()).unwrap();
    open("alpha").state_repo().save(&full_state(1)).unwrap();
    let beta = open("beta");
    let sentence = beta.state_repo().load().unwrap_err().to_string();
    assert!(sentence.contains("beta"), "{sentence}");
    beta.create_book().unwrap();
    assert_eq!(beta.create_book().unwrap_err().kind(), ErrorKind::Exists);
    beta.state_repo().save(&full_state(2)).unwrap();
    let loaded = open("alpha").state_repo().load().unwrap();
    assert_eq!(describe(&loaded), describe(&full_state(1)));
}

#[test]
fn options_are_passed_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    let missing = JournalOptions::new().must_exist(true).open(&path).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let options = JournalOptions::new().durability(Durability::Os).map_size_bytes(64 << 20);
    let journal = options.open(&path).unwrap();
    journal.state_repo().save(&full_state(1)).unwrap();
    let other = JournalOptions::new().open(&path).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Conflict);
    drop(journal);
    let looking_on = JournalOptions::new().read_only(true).open(&path).unwrap();
    assert_eq!(looking_on.state_repo().load().unwrap().open_orders.len(), 144);
    let sentence = refusal(&looking_on, &full_state(2));
    assert!(sentence.contains("read-only"), "{sentence}");
}

#[test]
fn a_directory_of_something_else_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("data.mdb"), [7; 8192]).unwrap();
    let error = LmdbJournal::open(directory.path()).unwrap_err();
    let error = error.downcast_ref::<JournalError>().unwrap();
    assert!(error.message().contains("data.mdb"), "{error}");
    assert_eq!(std::fs::read(directory.path().join("data.mdb")).unwrap(), [7; 8192]);
}

#[test]
fn a_key_that_names_something_else_is_refused() {
    let (_directory, journal) = scratch();
    let mut state = full_state(0);
    let positions = &mut state.portfolio.as_mut().unwrap().positions;
    positions.get_mut(&"BTCUSDT".into()).unwrap().symbol = "ETHUSDT".into();
    assert_eq!(
        refusal(&journal, &state),
        "the value under the key unspecified:BTCUSDT names unspecified:ETHUSDT; both must be the \
         same: position unspecified:BTCUSDT: portfolio"
    );
}

#[test]
fn what_has_no_name_is_refused() {
    let (_directory, journal) = scratch();
    let mut state = LiveState::default();
    let symbol = Symbol::new(ExchangeId::from("binance_perp"), 4711);
    state.last_prices.insert(symbol, Decimal::ONE);
    assert_eq!(
        refusal(&journal, &state),
        "symbol number 4711 was never registered in this process, so it has no name to store: last \
         price of binance_perp:symbol#4711"
    );
    state.last_prices = [(Symbol::new(ExchangeId::from_raw(999), 0), Decimal::ONE)].into();
    let sentence = refusal(&journal, &state);
    assert!(sentence.starts_with("exchange number 999 was never registered"), "{sentence}");
}

#[test]
fn a_symbol_that_is_none_comes_back_as_none() {
    let (_directory, journal) = scratch();
    let exchange = ExchangeId::from("binance_perp");
    let mut state = LiveState::default();
    state.last_prices.insert(Symbol::unspecified(), Decimal::ONE);
    state.last_prices.insert(Symbol::new(exchange, 0), Decimal::TEN);
    journal.state_repo().save(&state).unwrap();
    let loaded = journal.state_repo().load().unwrap();
    assert_eq!(loaded.last_prices, state.last_prices);
}

#[test]
fn times_that_nanoseconds_cannot_tell_are_refused() {
    let (_directory, journal) = scratch();
    let mut state =
        LiveState { last_candle_ts: Some(DateTime::<Utc>::MAX_UTC), ..LiveState::default() };
    let sentence = refusal(&journal, &state);
    assert!(sentence.contains("(the years 1677 to 2262): last_candle_ts"), "{sentence}");
    for edge in [i64::MIN, i64::MAX] {
        state.last_candle_ts = Some(DateTime::from_timestamp_nanos(edge));
        journal.state_repo().save(&state).unwrap();
        let loaded = journal.state_repo().load().unwrap();
        assert_eq!(loaded.last_candle_ts, state.last_candle_ts);
    }
    let leap = "2016-12-31T23:59:60.5Z".parse::<DateTime<Utc>>().unwrap();
    state.last_candle_ts = Some(leap + TimeDelta::zero());
    let sentence = refusal(&journal, &state);
    assert!(sentence.contains("leap second"), "{sentence}");
}

#[test]
fn the_librarys_own_refusals_arrive_whole() {
    let (_directory, journal) = scratch();
    let mut state = full_state(0);
    state.open_orders[1].id = state.open_orders[0].id.clone();
    let sentence = refusal(&journal, &state);
    assert!(sentence.contains("order-00000"), "{sentence}");
    let nameless = StoredAlgoState { algo_type: String::new(), state: json!({}) };
    let error = journal.algo_repo().save(&Uuid::from_u128(1), &nameless).unwrap_err();
    assert_eq!(error.downcast_ref::<JournalError>().unwrap().kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("plugin"), "{error}");
    assert_eq!(describe(&journal.state_repo().load().unwrap()), describe(&LiveState::default()));
}
