// SPDX-License-Identifier: MIT OR Apache-2.0
//! A small runtime. Linked to this crate it keeps what it saves; linked to the published
//! tesser-journal 0.9.1 (`demo-published`) the same source shows that one's failure.
//!
//! ```text
//! program save DIR ROUND    saves a full state and algorithms, says "saved", waits to be killed
//! program check DIR ROUND   loads both and compares
//! program serve DIR         measures what it is asked for on standard input
//! ```

mod serve;
mod state;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tesser_execution::AlgoStateRepository;
use tesser_journal::LmdbJournal;
use tesser_portfolio::StateRepository;

fn save(directory: &Path, round: usize) -> Result<()> {
    let journal = LmdbJournal::open(directory)?;
    journal.state_repo().save(&state::full_state(round))?;
    for (id, algo) in state::algos(round) {
        journal.algo_repo().save(&id, &algo)?;
    }
    println!("saved");
    loop {
        std::thread::sleep(Duration::from_secs(60));
    }
}

fn check(directory: &Path, round: usize) -> Result<()> {
    let journal = LmdbJournal::open(directory)?;
    let loaded = journal.state_repo().load().context("the state does not load")?;
    let (loaded, saved) = (state::describe(&loaded), state::describe(&state::full_state(round)));
    for (loaded, saved) in loaded.iter().zip(&saved) {
        ensure!(loaded == saved, "saved:  {saved}\nloaded: {loaded}");
    }
    ensure!(loaded.len() == saved.len(), "{} of {} values", loaded.len(), saved.len());
    let algos = journal.algo_repo().load_all().context("the algorithms do not load")?;
    ensure!(algos == state::algos(round), "the algorithms differ: {algos:?}");
    println!("equal: {} values and {} algorithms", saved.len(), algos.len());
    Ok(())
}

fn run() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["save", directory, round] => save(directory.as_ref(), round.parse()?),
        ["check", directory, round] => check(directory.as_ref(), round.parse()?),
        ["serve", directory] => serve::serve(directory.as_ref()),
        _ => bail!("usage: program save DIR ROUND | check DIR ROUND | serve DIR"),
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}
