// SPDX-License-Identifier: MIT OR Apache-2.0
//! One commit over state, algorithms and ledger.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use tesser_core::{AssetId, Cash, ExchangeId, Order, Position, Symbol};
#[cfg(feature = "execution")]
use tesser_execution::StoredAlgoState;
use tesser_portfolio::LiveState;
use uuid::Uuid;

use crate::error::Result;
use crate::ffi::{Store, Txn};
use crate::ledger::LedgerEntry;

/// A commit being put together: all of its changes or none. Dropped without a commit, it changes
/// nothing. Its cost follows the changes, not the size of the state.
///
/// Every change fails when a value cannot be stored, naming it; the commit is then as before that
/// call.
///
/// ```
/// # use tesser_journal::LmdbJournal;
/// # use tesser_portfolio::StateRepository;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let journal = LmdbJournal::open(directory.path().join("journal"))?;
/// let mut commit = journal.transaction()?;
/// commit.put_price("binance_perp:BTCUSDT".into(), "64250.10".parse()?)?;
/// commit.set_strategy_state(Some(&serde_json::json!({"fast": 12, "slow": 26})))?;
/// commit.commit()?; // both are on the disk
/// # assert_eq!(journal.state_repo().load()?.strategy_state.unwrap()["slow"], 26);
/// # Ok(())
/// # }
/// ```
pub struct Transaction {
    inner: Txn,
}

/// How to commit.
#[derive(Clone, Copy, Debug, Default)]
pub struct CommitOptions {
    /// The caller's own id: a commit whose id is among the 65,536 newest is not applied again, so
    /// that a retry is safe.
    pub id: Option<Uuid>,
    /// Refuse when the state has changed after this commit (of
    /// [`load_with_sequence`](crate::LmdbStateRepository::load_with_sequence)).
    pub expected_sequence: Option<u64>,
    /// Return after this time although the disk does not answer.
    pub deadline: Option<Duration>,
    /// Flush before acknowledging, whatever the journal was opened with.
    pub sync: bool,
    /// An exit, a cancel, a risk limit: may use the space kept in reserve for a full disk.
    pub critical: bool,
}

impl Transaction {
    pub(crate) fn begin(store: &Arc<Store>) -> Result<Self> {
        let inner = Txn::begin(store)?;
        Ok(Self { inner })
    }

    /// Chooses the book that the following calls change.
    ///
    /// # Errors
    /// When the name is no book's name.
    pub fn use_book(&mut self, name: &str) -> Result<()> {
        self.inner.use_book(name)
    }

    /// Replaces the whole snapshot, as a save.
    ///
    /// # Errors
    /// See [`Transaction`]; so for all that follow. Also where the stored state cannot be loaded, as
    /// a save.
    pub fn put_state(&mut self, state: &LiveState) -> Result<()> {
        self.inner.put_state(state)
    }

    /// Puts an open order: in its place when its id is there, else at the end.
    ///
    /// # Errors
    /// See [`Transaction`].
    pub fn put_order(&mut self, order: &Order) -> Result<()> {
        self.inner.put_order(order)
    }

    /// Deletes an open order.
    ///
    /// # Errors
    /// See [`Transaction`].
    pub fn delete_order(&mut self, id: &str) -> Result<()> {
        self.inner.delete_order(id)
    }

    /// Puts a position into the portfolio's own, or into the sub-account of an exchange.
    ///
    /// # Errors
    /// See [`Transaction`].
    pub fn put_position(&mut self, at: Option<ExchangeId>, position: &Position) -> Result<()> {
        self.inner.put_position(at, position)
    }

    /// Deletes a position.
    ///
    /// # Errors
    /// See [`Transaction`].
    pub fn delete_position(&mut self, at: Option<ExchangeId>, symbol: Symbol) -> Result<()> {
        self.inner.delete_position(at, symbol)
    }

    /// Puts a balance into the portfolio's own, or into the sub-account of an exchange.
    ///
    /// # Errors
    /// See [`Transaction`].
    pub fn put_balance(&mut self, at: Option<ExchangeId>, cash: &Cash) -> Result<()> {
        self.inner.put_balance(at, cash)
    }

    /// Deletes a balance.
    ///
    /// # Errors
    /// See [`Transaction`].
    pub fn delete_balance(&mut self, at: Option<ExchangeId>, currency: AssetId) -> Result<()> {
        self.inner.delete_balance(at, currency)
    }

    /// Puts the last price of a symbol.
    ///
    /// # Errors
    /// See [`Transaction`].
    pub fn put_price(&mut self, symbol: Symbol, price: Decimal) -> Result<()> {
        self.inner.put_price(symbol, price)
    }

    /// Sets or removes the time of the last candle.
    ///
    /// # Errors
    /// See [`Transaction`].
    pub fn set_last_candle_ts(&mut self, time: Option<DateTime<Utc>>) -> Result<()> {
        self.inner.set_last_candle_ts(time)
    }

    /// Sets or removes the strategy's state.
    ///
    /// # Errors
    /// See [`Transaction`].
    pub fn set_strategy_state(&mut self, state: Option<&Value>) -> Result<()> {
        self.inner.set_strategy_state(state)
    }

    /// Puts the state of an algorithm.
    ///
    /// # Errors
    /// See [`Transaction`].
    #[cfg(feature = "execution")]
    pub fn put_algo(&mut self, id: &Uuid, state: &StoredAlgoState) -> Result<()> {
        self.inner.put_algo(id, &state.algo_type, &state.state)
    }

    /// Deletes an algorithm.
    ///
    /// # Errors
    /// See [`Transaction`].
    pub fn delete_algo(&mut self, id: &Uuid) -> Result<()> {
        self.inner.delete_algo(id)
    }

    /// Appends an entry to the ledger.
    ///
    /// # Errors
    /// See [`Transaction`].
    pub fn append_ledger(&mut self, entry: &LedgerEntry) -> Result<()> {
        self.inner.append_ledger(entry)
    }

    /// Commits, and returns the commit's number in the journal. Durable when it returns.
    ///
    /// # Errors
    /// Nothing changed, except that after [`ErrorKind::Closed`](crate::ErrorKind) and
    /// [`ErrorKind::Unknown`](crate::ErrorKind) opening again tells.
    pub fn commit(self) -> Result<u64> {
        self.inner.commit(&CommitOptions::default())
    }

    /// Commits with options; as [`Transaction::commit`].
    ///
    /// # Errors
    /// As [`Transaction::commit`]; [`ErrorKind::Conflict`](crate::ErrorKind) when the state is not
    /// the expected one.
    pub fn commit_with(self, options: &CommitOptions) -> Result<u64> {
        self.inner.commit(options)
    }
}
