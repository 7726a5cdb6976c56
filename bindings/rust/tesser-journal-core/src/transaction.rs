// SPDX-License-Identifier: MIT OR Apache-2.0
//! One commit over everything that a book has.

use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use tesser_journal_sys as sys;

use crate::decimal::Decimal;
use crate::error::{Result, call};
use crate::journal::{Store, c_text};
use crate::raw::{view, view_or_none};
use crate::submit::Commit;
use crate::value::{Algo, Balance, LedgerEntry, Order, Position, Symbol, Time, Uuid};

/// How to commit.
#[derive(Clone, Copy, Debug, Default)]
pub struct CommitOptions<'a> {
    /// The caller's own id: a commit whose id is among the 65,536 newest is not applied again, so
    /// that a retry is safe.
    pub id: Option<Uuid>,
    /// Refuse when the state has changed after this commit.
    pub expected_sequence: Option<u64>,
    /// Return after this time although the disk does not answer. Not for [`Transaction::submit`].
    pub deadline: Option<Duration>,
    /// Flush before acknowledging, whatever the journal was opened with.
    pub sync: bool,
    /// An exit, a cancel, a risk limit: may use the space kept in reserve for a full disk.
    pub critical: bool,
    /// Why the commit is made, at most 1,024 bytes.
    pub note: Option<&'a str>,
}

impl CommitOptions<'_> {
    fn raw(&self) -> sys::tj_commit_options {
        sys::tj_commit_options {
            commit_id: self.id.map(Uuid::raw).unwrap_or_default(),
            expected_sequence: self.expected_sequence.unwrap_or(0),
            deadline_ms: self
                .deadline
                .map_or(0, |time| u32::try_from(time.as_millis()).unwrap_or(u32::MAX).max(1)),
            sync: self.sync,
            critical: self.critical,
            note: view_or_none(self.note),
            ..sys::tj_commit_options::default()
        }
    }
}

/// A commit being put together: all of its changes or none. Dropped without a commit, it changes
/// nothing. Its cost follows the changes, not the size of the state.
///
/// Every change fails when a value cannot be stored, naming it; the commit is then as before that
/// call. `account` names the exchange of a sub-account; `None` is the portfolio's own.
pub struct Transaction {
    /// NULL once it was released.
    raw: *mut sys::tj_txn,
    store: Arc<Store>,
}

// SAFETY: the header lets a transaction belong to one thread at a time, whichever; `&mut self` on
// every change keeps to that.
unsafe impl Send for Transaction {}

impl Drop for Transaction {
    fn drop(&mut self) {
        // SAFETY: it was begun and not released, or is NULL, which is allowed.
        unsafe { sys::tj_txn_abort(self.raw) }
    }
}

/// A change: its documentation, its signature, and the call.
macro_rules! changes {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),*) |$txn:ident, $error:ident| $call:expr;)*) => {
        // SAFETY of every call: the transaction was begun and not released, and all other pointers
        // are to values that outlive the call, which copies what it keeps.
        impl Transaction {
            $($(#[$doc])*
            ///
            /// # Errors
            /// See [`Transaction`].
            pub fn $name(&mut self, $($argument: $type),*) -> Result<()> {
                let $txn = self.raw;
                // SAFETY: see above.
                call(|$error| unsafe { $call })
            })*
        }
    };
}

changes! {
    /// Puts an open order: in its place when its id is there, else at the end.
    fn put_order(order: &Order<'_>) |txn, error| sys::tj_txn_put_order(txn, &order.raw(), error);
    /// Deletes an open order.
    fn delete_order(id: &str) |txn, error| sys::tj_txn_delete_order(txn, view(id), error);
    /// Puts a position.
    fn put_position(account: Option<&str>, position: &Position<'_>)
        |txn, error| sys::tj_txn_put_position(txn, view_or_none(account), &position.raw(), error);
    /// Deletes a position.
    fn delete_position(account: Option<&str>, symbol: Symbol<'_>)
        |txn, error| sys::tj_txn_delete_position(txn, view_or_none(account), symbol.raw(), error);
    /// Puts a balance.
    fn put_balance(account: Option<&str>, balance: &Balance<'_>)
        |txn, error| sys::tj_txn_put_balance(txn, view_or_none(account), &balance.raw(), error);
    /// Deletes a balance.
    fn delete_balance(account: Option<&str>, currency: Symbol<'_>)
        |txn, error| sys::tj_txn_delete_balance(txn, view_or_none(account), currency.raw(), error);
    /// Puts the last price of a symbol.
    fn put_price(symbol: Symbol<'_>, price: Decimal) |txn, error| {
        sys::tj_txn_put_price(txn, &sys::tj_price { symbol: symbol.raw(), price: price.0 }, error)
    };
    /// Deletes the last price of a symbol.
    fn delete_price(symbol: Symbol<'_>)
        |txn, error| sys::tj_txn_delete_price(txn, symbol.raw(), error);
    /// Sets the equity, or takes it away.
    fn set_equity(equity: Option<Decimal>) |txn, error| {
        let equity = equity.as_ref().map_or(ptr::null(), |value| &raw const value.0);
        sys::tj_txn_set_portfolio_equity(txn, equity, error)
    };
    /// Sets when the last candle was, or takes it away.
    fn set_last_candle(time: Option<Time>) |txn, error| {
        let time = time.as_ref().map_or(ptr::null(), ptr::from_ref);
        sys::tj_txn_set_last_candle_ts(txn, time, error)
    };
    /// Sets the strategy's state, which may be any JSON value, or takes it away.
    fn set_strategy_state(json: Option<&str>)
        |txn, error| sys::tj_txn_set_strategy_state(txn, view_or_none(json), error);
    /// Puts the state of an algorithm.
    fn put_algo(algo: &Algo<'_>)
        |txn, error| sys::tj_txn_put_algo(txn, &algo.id.raw(), &algo.raw(), error);
    /// Deletes an algorithm.
    fn delete_algo(id: Uuid) |txn, error| sys::tj_txn_delete_algo(txn, &id.raw(), error);
    /// Appends to the ledger.
    fn append_ledger(entry: &LedgerEntry<'_>)
        |txn, error| sys::tj_txn_append_ledger(txn, &entry.raw(), error);
    /// Applies changes as JSON, as a line of `tesser-journal record` has them: also those that have
    /// no call here, such as a whole portfolio.
    fn apply_json(json: &str)
        |txn, error| sys::tj_txn_apply_json(txn, view(json), ptr::null_mut(), error);
}

impl Transaction {
    pub(crate) fn begin(store: &Arc<Store>) -> Result<Self> {
        let mut raw = ptr::null_mut();
        // SAFETY: the store is open.
        call(|error| unsafe { sys::tj_txn_begin(store.0, &mut raw, error) })?;
        Ok(Self { raw, store: Arc::clone(store) })
    }

    /// Chooses the book that the following calls change.
    ///
    /// # Errors
    /// When the name is no book's name.
    pub fn use_book(&mut self, name: &str) -> Result<()> {
        let name = c_text(name.as_bytes(), "book")?;
        // SAFETY: the transaction was begun and not released; the name outlives the call.
        call(|error| unsafe { sys::tj_txn_use_book(self.raw, name.as_ptr(), error) })
    }

    fn release(&mut self) -> *mut sys::tj_txn {
        std::mem::replace(&mut self.raw, ptr::null_mut())
    }

    /// Commits, and returns its number when it is as durable as the journal promises.
    ///
    /// # Errors
    /// Then nothing changed, but for [`Status::Unknown`](crate::Status::Unknown) and
    /// [`Status::Closed`](crate::Status::Closed), whose sentences say what is known.
    pub fn commit(self) -> Result<u64> {
        self.commit_with(&CommitOptions::default())
    }

    /// As [`Transaction::commit`].
    ///
    /// # Errors
    /// See [`Transaction::commit`].
    pub fn commit_with(mut self, options: &CommitOptions<'_>) -> Result<u64> {
        let mut sequence = 0;
        let txn = self.release();
        // SAFETY: the transaction was begun, and is released by the call in every case.
        call(|error| unsafe { sys::tj_txn_commit(txn, &options.raw(), &mut sequence, error) })?;
        Ok(sequence)
    }

    /// Commits without waiting for the disk; what it returns is to be awaited. See
    /// [`Journal::complete`](crate::Journal::complete) for who takes what is done.
    ///
    /// # Errors
    /// Then nothing happened.
    pub fn submit(self) -> Result<Commit> {
        self.submit_with(&CommitOptions::default())
    }

    /// As [`Transaction::submit`].
    ///
    /// # Errors
    /// See [`Transaction::submit`].
    pub fn submit_with(mut self, options: &CommitOptions<'_>) -> Result<Commit> {
        let txn = self.release();
        Commit::submit(&self.store, txn, &options.raw())
    }
}
