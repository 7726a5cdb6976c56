// SPDX-License-Identifier: MIT OR Apache-2.0
//! Durable memory for a [Tesser](https://github.com/tesserspace/tesser) runtime: its portfolio
//! snapshot ([`LiveState`](tesser_portfolio::LiveState)), its execution algorithms and its ledger
//! survive a killed process and a power cut.
//!
//! This crate takes the place of the published `tesser-journal`, with the same names. A runtime
//! that uses that one changes nothing but where Cargo finds it:
//!
//! ```toml
//! [patch.crates-io]
//! tesser-journal = { git = "..." }
//! ```
//!
//! In a workspace whose members depend on each other by path, as Tesser's own, that line does nothing
//! alone: the repository's `bindings/rust/README.md` has what it takes, and how to see that it took.
//!
//! ```
//! use tesser_journal::LmdbJournal;
//! use tesser_portfolio::StateRepository;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("journal");
//! let journal = LmdbJournal::open(&path)?;
//! let states = journal.state_repo();
//!
//! let mut state = states.load()?; // defaults only when nothing was ever stored
//! state.last_prices.insert("binance_perp:BTCUSDT".into(), "64250.10".parse()?);
//! state.last_prices.insert("bybit_linear:BTCUSDT".into(), "64251.50".parse()?);
//! states.save(&state)?; // on the disk when it returns
//! drop((states, journal)); // the last clone closes it
//!
//! let state = LmdbJournal::open(&path)?.state_repo().load()?;
//! assert_eq!(state.last_prices[&"bybit_linear:BTCUSDT".into()].to_string(), "64251.50");
//! # Ok(())
//! # }
//! ```
//!
//! What differs from the published crate:
//! - what was saved can be loaded: prices, orders, positions and the strategy's state included;
//! - a save costs what changed, not the size of the state, and saves of many threads share a flush;
//! - symbols and assets keep their exchange, so that two venues with one code stay two;
//! - opening a directory twice in one process gives the same journal; in another process it is
//!   refused with the holder's name, unless it is only to look on ([`JournalOptions::read_only`]);
//! - what cannot be read is an error with its cause and place, never an empty portfolio, and is not
//!   saved over ([`JournalOptions::replace_unreadable`]);
//! - [`LmdbJournal::transaction`] commits state, algorithms and ledger together, and
//!   [`LmdbJournal::ledger_repo`] keeps a ledger.
//!
//! What a runtime should know:
//! - Tesser's runtime opens its ledger by itself, in SQLite: `tesser-journal-ledger` puts it on the
//!   journal, with one expression.
//! - Open the journal again in a forked child; there, the handles of the parent refuse to work.
//! - Saves wait for the disk: call them where blocking is allowed, such as `spawn_blocking`. Any
//!   number of threads may do so at once.
//! - A value of a map must name the same symbol, asset or exchange as its key.
//! - `Some(null)` as a strategy's state is the same as none. Decimals keep their digits and scale.
//! - The symbol or asset number 0 is stored as `UNKNOWN`, and the exchange that is none, where one
//!   is needed, as `unspecified`: the names that Tesser gives them.
//! - tesser-portfolio 0.9.3 has an execution checkpoint in its state, 0.9.1 and 0.9.2 have not;
//!   saving with those removes a checkpoint that is stored.
#![deny(unsafe_code)]

#[cfg(feature = "execution")]
mod algo;
mod error;
#[allow(unsafe_code)]
mod ffi;
mod journal;
mod ledger;
mod members;
mod state;
mod transaction;

#[cfg(feature = "execution")]
pub use algo::{BrokenAlgo, LmdbAlgoStateRepository};
pub use error::{ErrorKind, JournalError, Result};
pub use journal::{Durability, JournalOptions, LmdbJournal, MAP_SIZE_BYTES};
pub use ledger::{LedgerEntry, LedgerQuery, LedgerType, LmdbLedgerRepository};
pub use state::LmdbStateRepository;
pub use transaction::{CommitOptions, Transaction};
