// SPDX-License-Identifier: MIT OR Apache-2.0
//! A commit being put together.

use std::ffi::CString;
use std::ptr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use tesser_core::{AssetId, Cash, ExchangeId, Order, Position, Symbol};
use tesser_journal_sys as sys;
use tesser_portfolio::LiveState;
use uuid::Uuid;

use super::{Store, call, encode, view};
use crate::error::{JournalError, Result};
use crate::ledger::LedgerEntry;
use crate::transaction::CommitOptions;

/// Aborted when dropped without a commit.
pub(crate) struct Txn {
    /// NULL once committed.
    pub(super) raw: *mut sys::tj_txn,
    /// A transaction is used while its store is open.
    store: Arc<Store>,
    /// It changes the book that the store was opened with.
    own_book: bool,
}

// SAFETY: the header lets a transaction belong to one thread at a time, whichever; `&mut self` on
// every change keeps to that.
unsafe impl Send for Txn {}

impl Drop for Txn {
    fn drop(&mut self) {
        // SAFETY: it was begun and not committed, or is NULL, which is allowed.
        unsafe { sys::tj_txn_abort(self.raw) }
    }
}

/// The sub-account's name; absent for the portfolio's own.
fn owner(sub_account: Option<ExchangeId>) -> Result<sys::tj_str> {
    sub_account.map_or(Ok(sys::tj_str::default()), encode::exchange_in)
}

// SAFETY of every call below: the transaction was begun and neither committed nor aborted, and all
// other pointers are to values that outlive the call, which copies what it keeps.
impl Txn {
    pub(crate) fn begin(store: &Arc<Store>) -> Result<Self> {
        let mut raw = ptr::null_mut();
        // SAFETY: the store is open.
        call(|error| unsafe { sys::tj_txn_begin(store.raw(), &mut raw, error) })?;
        Ok(Self { raw, store: Arc::clone(store), own_book: true })
    }

    pub(crate) fn use_book(&mut self, book: &str) -> Result<()> {
        let name = CString::new(book)
            .map_err(|_| JournalError::invalid(format!("the book name {book:?} holds a NUL")))?;
        // SAFETY: see above.
        call(|error| unsafe { sys::tj_txn_use_book(self.raw, name.as_ptr(), error) })?;
        self.own_book = self.store.is_book(&name);
        Ok(())
    }

    pub(crate) fn put_state(&mut self, state: &LiveState) -> Result<()> {
        if self.own_book {
            self.store.check_replaceable()?;
        }
        let state = encode::live_state(state)?;
        // SAFETY: see above.
        call(|error| unsafe { sys::tj_txn_put_state(self.raw, &state.raw, error) })
    }

    pub(crate) fn put_order(&mut self, order: &Order) -> Result<()> {
        let order = encode::order(order)?;
        // SAFETY: see above.
        call(|error| unsafe { sys::tj_txn_put_order(self.raw, &order.raw, error) })
    }

    pub(crate) fn delete_order(&mut self, id: &str) -> Result<()> {
        // SAFETY: see above.
        call(|error| unsafe { sys::tj_txn_delete_order(self.raw, view(id), error) })
    }

    pub(crate) fn put_position(
        &mut self,
        sub_account: Option<ExchangeId>,
        position: &Position,
    ) -> Result<()> {
        let owner = owner(sub_account)?;
        let position = encode::position(position)?;
        // SAFETY: see above.
        call(|error| unsafe { sys::tj_txn_put_position(self.raw, owner, &position.raw, error) })
    }

    pub(crate) fn delete_position(
        &mut self,
        sub_account: Option<ExchangeId>,
        symbol: Symbol,
    ) -> Result<()> {
        let (owner, symbol) = (owner(sub_account)?, encode::symbol_in(symbol)?);
        // SAFETY: see above.
        call(|error| unsafe { sys::tj_txn_delete_position(self.raw, owner, symbol, error) })
    }

    pub(crate) fn put_balance(
        &mut self,
        sub_account: Option<ExchangeId>,
        cash: &Cash,
    ) -> Result<()> {
        let owner = owner(sub_account)?;
        let balance = encode::balance(cash)?;
        // SAFETY: see above.
        call(|error| unsafe { sys::tj_txn_put_balance(self.raw, owner, &balance.raw, error) })
    }

    pub(crate) fn delete_balance(
        &mut self,
        sub_account: Option<ExchangeId>,
        currency: AssetId,
    ) -> Result<()> {
        let (owner, currency) = (owner(sub_account)?, encode::asset_in(currency)?);
        // SAFETY: see above.
        call(|error| unsafe { sys::tj_txn_delete_balance(self.raw, owner, currency, error) })
    }

    pub(crate) fn put_price(&mut self, symbol: Symbol, price: Decimal) -> Result<()> {
        let price = encode::price_in(symbol, price)?;
        // SAFETY: see above.
        call(|error| unsafe { sys::tj_txn_put_price(self.raw, &price, error) })
    }

    pub(crate) fn set_last_candle_ts(&mut self, time: Option<DateTime<Utc>>) -> Result<()> {
        let time = time.as_ref().map(encode::time_in).transpose()?;
        let time = time.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: see above.
        call(|error| unsafe { sys::tj_txn_set_last_candle_ts(self.raw, time, error) })
    }

    pub(crate) fn set_strategy_state(&mut self, state: Option<&Value>) -> Result<()> {
        let text = state.map(Value::to_string);
        let json = text.as_deref().map(view).unwrap_or_default();
        // SAFETY: see above.
        call(|error| unsafe { sys::tj_txn_set_strategy_state(self.raw, json, error) })
    }

    pub(crate) fn delete_algo(&mut self, id: &Uuid) -> Result<()> {
        let id = encode::uuid_in(id);
        // SAFETY: see above.
        call(|error| unsafe { sys::tj_txn_delete_algo(self.raw, &id, error) })
    }

    pub(crate) fn append_ledger(&mut self, entry: &LedgerEntry) -> Result<()> {
        let entries = encode::ledger(std::slice::from_ref(entry))?;
        let entry = entries.raw.as_ptr();
        // SAFETY: see above; the array has one entry.
        call(|error| unsafe { sys::tj_txn_append_ledger(self.raw, entry, error) })
    }

    /// Commits and returns the sequence.
    pub(crate) fn commit(mut self, options: &CommitOptions) -> Result<u64> {
        let options = sys::tj_commit_options {
            commit_id: encode::uuid_in(&options.id.unwrap_or_default()),
            expected_sequence: options.expected_sequence.unwrap_or_default(),
            deadline_ms: match options.deadline {
                Some(limit) => u32::try_from(limit.as_millis()).unwrap_or(u32::MAX).max(1),
                None => 0,
            },
            sync: options.sync,
            critical: options.critical,
            ..Default::default()
        };
        let mut sequence = 0;
        // The commit releases the transaction in every case.
        let raw = std::mem::replace(&mut self.raw, ptr::null_mut());
        // SAFETY: see above.
        call(|error| unsafe { sys::tj_txn_commit(raw, &options, &mut sequence, error) })?;
        Ok(sequence)
    }
}
