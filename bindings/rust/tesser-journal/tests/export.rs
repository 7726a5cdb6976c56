// SPDX-License-Identifier: MIT OR Apache-2.0
//! The way back: what is exported, Tesser's own published SQLite stores read with equal values.

#[path = "../examples/program/state.rs"]
#[allow(dead_code)]
mod state;
#[allow(dead_code)]
mod support;

use std::collections::HashMap;

use serde_json::Value;
use tesser_core::ExchangeId;
use tesser_execution::{AlgoStateRepository, SqliteAlgoStateRepository, StoredAlgoState};
use tesser_journal::LmdbJournal;
use tesser_portfolio::{LiveState, SqliteStateRepository, StateRepository};
use uuid::Uuid;

use state::{algos, describe, full_state};
use support::export;

/// Keys of two venues for one code in [`full_state`]: a price, a position, and two balances.
const VENUES_THAT_MEET: usize = 4;

/// Tesser reads JSON to 127 levels.
fn shallow(mut strategy_state: Value) -> Value {
    strategy_state["deep"] = Value::Null;
    strategy_state
}

fn exportable_state(round: usize) -> LiveState {
    let mut state = full_state(round);
    // Reading its own JSON, Tesser takes this key for a new exchange that is named "unspecified".
    let portfolio = state.portfolio.as_mut().unwrap();
    portfolio.sub_accounts.remove(&ExchangeId::UNSPECIFIED).unwrap();
    LiveState { strategy_state: state.strategy_state.map(shallow), ..state }
}

fn exportable_algos(round: usize) -> HashMap<Uuid, StoredAlgoState> {
    let mut algos = algos(round);
    for algo in algos.values_mut() {
        algo.state["strategy"] = shallow(algo.state["strategy"].take());
    }
    algos
}

#[test]
fn the_published_sqlite_stores_read_an_export() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    let journal = LmdbJournal::open(&path).unwrap();
    for round in 0..12 {
        for (id, algo) in exportable_algos(round) {
            journal.algo_repo().save(&id, &algo).unwrap();
        }
        journal.state_repo().save(&exportable_state(round)).unwrap();
        let exported = directory.path().join(format!("exported-{round}"));
        // Tesser reads two venues with one code, but its own next save keeps one of them.
        assert_eq!(export(&path, &exported, true), VENUES_THAT_MEET);

        // As Tesser's runtime names them.
        let state_path = exported.join("state.db");
        let loaded = SqliteStateRepository::new(state_path.clone()).load().unwrap();
        assert_eq!(describe(&loaded), describe(&exportable_state(round)), "round {round}");
        let algos = SqliteAlgoStateRepository::new(&state_path.with_extension("algos.db")).unwrap();
        assert_eq!(algos.load_all().unwrap(), exportable_algos(round), "round {round}");
    }
}
