// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ledger, with the members that tesser-ledger gives its entries. That crate needs tesser-core
//! 0.9.2, with which the published tesser-execution cannot be built, so it is not a dependency.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use tesser_core::{AssetId, ExchangeId};
use uuid::Uuid;

use crate::error::Result;
use crate::ffi::Store;

/// What moved the money.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum LedgerType {
    /// Profit or loss of a closed trade.
    TradeRealizedPnl,
    /// A fee.
    Fee,
    /// A funding payment.
    Funding,
    /// A deposit.
    TransferIn,
    /// A withdrawal.
    TransferOut,
    /// Anything else.
    Adjustment,
}

/// One movement of money.
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerEntry {
    /// Its own id.
    pub id: Uuid,
    /// Its number in the book's ledger; 0 when appending: the next one.
    pub sequence: u64,
    /// When it happened.
    pub timestamp: DateTime<Utc>,
    /// Where.
    pub exchange: ExchangeId,
    /// Of what.
    pub asset: AssetId,
    /// How much; positive into the account.
    pub amount: Decimal,
    /// What moved it.
    pub entry_type: LedgerType,
    /// An order or trade id, for example; may be empty.
    pub reference_id: String,
    /// Anything else.
    pub meta: Option<Value>,
}

/// Which entries to find; the default is all, the newest first, as in tesser-ledger.
#[derive(Clone, Debug, Default)]
pub struct LedgerQuery {
    /// Only of this exchange.
    pub exchange: Option<ExchangeId>,
    /// Only of this asset.
    pub asset: Option<AssetId>,
    /// Only of this type.
    pub entry_type: Option<LedgerType>,
    /// From this number on.
    pub start_sequence: Option<u64>,
    /// Up to this number.
    pub end_sequence: Option<u64>,
    /// From this time on.
    pub start_time: Option<DateTime<Utc>>,
    /// Up to this time.
    pub end_time: Option<DateTime<Utc>>,
    /// At most so many.
    pub limit: Option<usize>,
    /// The oldest first.
    pub ascending: bool,
}

/// The ledger of one book of a journal: append-only, numbered.
#[derive(Clone)]
pub struct LmdbLedgerRepository {
    store: Arc<Store>,
}

impl LmdbLedgerRepository {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Appends entries, all or none, and returns the number of the last one. Durable when it
    /// returns.
    ///
    /// # Errors
    /// When a number is not above the newest so far, when the ledger has an entry's id already
    /// ([`ErrorKind::Exists`](crate::ErrorKind::Exists)), so that a fill reported twice is booked
    /// once, and as for a save.
    pub fn append(&self, entries: &[LedgerEntry]) -> Result<u64> {
        self.store.append_ledger(entries)
    }

    /// The number of the newest entry, if there is one.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn latest_sequence(&self) -> Result<Option<u64>> {
        let latest = self.store.latest_ledger()?;
        Ok((latest > 0).then_some(latest))
    }

    /// Finds entries, in the order of their numbers.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn query(&self, query: &LedgerQuery) -> Result<Vec<LedgerEntry>> {
        match query.finds_nothing() {
            true => Ok(Vec::new()),
            false => self.store.find_ledger(query),
        }
    }
}

impl LedgerQuery {
    /// A limit or an upper bound of 0 means no bound in the library.
    fn finds_nothing(&self) -> bool {
        self.limit == Some(0) || self.end_sequence == Some(0)
    }
}
