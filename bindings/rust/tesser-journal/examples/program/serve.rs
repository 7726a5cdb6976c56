// SPDX-License-Identifier: MIT OR Apache-2.0
//! Measures single calls for benches/compare.rs. A request is a line "OPERATION SIZE COUNT", its
//! answer a line with the nanoseconds of each call.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{BufRead, stdin};
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::time::Instant;

use anyhow::{Error, Result, bail};
use rust_decimal::Decimal;
use serde_json::json;
use tesser_execution::{AlgoStateRepository, StoredAlgoState};
use tesser_journal::{LmdbJournal, LmdbStateRepository};
use tesser_portfolio::{LiveState, SqliteStateRepository, StateRepository};
use uuid::Uuid;

use crate::state;

/// A book of `size` open orders in each of the two stores.
struct Subject {
    state: LiveState,
    journal: LmdbJournal,
    states: LmdbStateRepository,
    sqlite: SqliteStateRepository,
    saves: usize,
    /// Where journals are made, and how many were.
    directory: PathBuf,
    created: usize,
}

pub fn serve(directory: &Path) -> Result<()> {
    let mut subjects = HashMap::new();
    for line in stdin().lock().lines() {
        let line = line?;
        let words: Vec<_> = line.split_whitespace().collect();
        let [operation, size, count] = words[..] else {
            bail!("not a request: {line}");
        };
        let (size, count): (usize, usize) = (size.parse()?, count.parse()?);
        let subject = match subjects.entry(size) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(Subject::new(directory.join(size.to_string()), size)?),
        };
        let times = subject.measure(operation, count)?;
        println!("{}", times.iter().map(u128::to_string).collect::<Vec<_>>().join(" "));
    }
    Ok(())
}

/// What a call returns is dropped within its time.
fn timed<T>(count: usize, mut work: impl FnMut(usize) -> Result<T>) -> Result<Vec<u128>> {
    (0..count)
        .map(|n| {
            let start = Instant::now();
            drop(work(n)?);
            Ok(start.elapsed().as_nanos())
        })
        .collect()
}

impl Subject {
    fn new(directory: PathBuf, size: usize) -> Result<Self> {
        let journal = LmdbJournal::open(&directory)?;
        let subject = Self {
            state: LiveState {
                open_orders: (0..size).map(|n| state::order(n, 0)).collect(),
                ..state::full_state(0)
            },
            states: journal.state_repo(),
            journal,
            sqlite: SqliteStateRepository::new(directory.with_extension("sqlite")),
            saves: 0,
            directory: directory.with_extension("new"),
            created: 0,
        };
        subject.states.save(&subject.state)?;
        subject.sqlite.save(&without_venues(&subject.state))?;
        Ok(subject)
    }

    fn measure(&mut self, operation: &str, count: usize) -> Result<Vec<u128>> {
        match operation {
            "create" => (0..count).map(|_| self.create()).collect(),
            "save" => self.save(count),
            "load" => timed(count, |_| Ok(self.states.load()?)),
            "load-sqlite" => timed(count, |_| Ok(self.sqlite.load()?)),
            "algo" => {
                let algos = self.journal.algo_repo();
                timed(count, |n| algos.save(&Uuid::from_u128(n as u128 % 16), &algo(n)))
            }
            "algo-threads" => self.save_algos_by_threads(count),
            other => bail!("no such operation: {other}"),
        }
    }

    /// A journal where nothing is; closing it is not in the time.
    fn create(&mut self) -> Result<u128> {
        self.created += 1;
        let directory = self.directory.join(self.created.to_string());
        std::fs::create_dir_all(&self.directory)?;
        let start = Instant::now();
        let journal = LmdbJournal::open(&directory)?;
        let time = start.elapsed().as_nanos();
        drop(journal);
        std::fs::remove_dir_all(&directory)?;
        Ok(time)
    }

    /// One order changes before each save.
    fn save(&mut self, count: usize) -> Result<Vec<u128>> {
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            self.saves += 1;
            let n = self.saves * 7919 % self.state.open_orders.len();
            self.state.open_orders[n].filled_quantity = Decimal::new(self.saves as i64, 3);
            times.extend(timed(1, |_| self.states.save(&self.state).map_err(Error::from))?);
        }
        Ok(times)
    }

    /// 64 threads; the one time is that of a save on average.
    fn save_algos_by_threads(&self, count: usize) -> Result<Vec<u128>> {
        const THREADS: usize = 64;
        let start_line = Barrier::new(THREADS + 1);
        std::thread::scope(|scope| {
            let work = |thread: usize| {
                let algos = self.journal.algo_repo();
                start_line.wait();
                (0..count).try_for_each(|n| algos.save(&Uuid::from_u128(thread as u128), &algo(n)))
            };
            let threads: Vec<_> =
                (0..THREADS).map(|thread| scope.spawn(move || work(thread))).collect();
            start_line.wait();
            let start = Instant::now();
            for thread in threads {
                thread.join().expect("it does not panic")?;
            }
            Ok(vec![start.elapsed().as_nanos() / (THREADS * count) as u128])
        })
    }
}

fn algo(n: usize) -> StoredAlgoState {
    StoredAlgoState {
        algo_type: "TWAP".into(),
        state: json!({"slice": n, "filled": "12.50", "pending": ["order-00001", "order-00002"]}),
    }
}

/// The SQLite store refuses no state, but reads back neither two venues under one code nor deep
/// JSON.
fn without_venues(state: &LiveState) -> LiveState {
    LiveState { strategy_state: Some(json!({"fast": 12, "slow": 26})), ..state.clone() }
}
