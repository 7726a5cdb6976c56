// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ledger of a [`tesser_journal`] as a [`tesser_ledger::LedgerRepository`].
//!
//! ```
//! use tesser_journal::LmdbJournal;
//! use tesser_journal_ledger::JournalLedger;
//! use tesser_ledger::{LedgerEntry, LedgerQuery, LedgerRepository, LedgerType};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("journal");
//! let journal = LmdbJournal::open(&path)?;
//! let ledger = JournalLedger::from(journal.ledger_repo());
//! let usdt = "binance_perp:USDT".into();
//! let fee = "-0.12".parse()?;
//! ledger.append(&LedgerEntry::new("binance_perp".into(), usdt, fee, LedgerType::Fee, "trade-1"))?;
//! assert_eq!(ledger.query(LedgerQuery::default())?[0].amount.to_string(), "-0.12");
//! # Ok(())
//! # }
//! ```

use tesser_journal::{ErrorKind, JournalError, LmdbLedgerRepository};
use tesser_ledger::{LedgerEntry, LedgerError, LedgerQuery, LedgerRepository, LedgerResult};

/// The ledger of one book of a journal.
#[derive(Clone)]
pub struct JournalLedger(LmdbLedgerRepository);

impl From<LmdbLedgerRepository> for JournalLedger {
    fn from(ledger: LmdbLedgerRepository) -> Self {
        Self(ledger)
    }
}

impl LedgerRepository for JournalLedger {
    /// Appends entries, all or none; durable when it returns. A sequence of 0 gets the next number.
    fn append_batch(&self, entries: &[LedgerEntry]) -> LedgerResult<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let entries: Vec<_> = entries.iter().cloned().map(to_journal).collect();
        self.0.append(&entries).map(|_| ()).map_err(failure)
    }

    fn latest_sequence(&self) -> LedgerResult<Option<u64>> {
        self.0.latest_sequence().map_err(failure)
    }

    fn query(&self, query: LedgerQuery) -> LedgerResult<Vec<LedgerEntry>> {
        let found = self.0.query(&tesser_journal::LedgerQuery {
            exchange: query.exchange,
            asset: query.asset,
            entry_type: query.entry_type.map(type_to_journal),
            start_sequence: query.start_sequence,
            end_sequence: query.end_sequence,
            start_time: query.start_time,
            end_time: query.end_time,
            limit: query.limit,
            ascending: query.ascending,
        });
        Ok(found.map_err(failure)?.into_iter().map(from_journal).collect())
    }
}

fn failure(error: JournalError) -> LedgerError {
    let sentence = error.to_string();
    match error.kind() {
        ErrorKind::Invalid | ErrorKind::Limit => LedgerError::Serialization(sentence),
        ErrorKind::Conflict => LedgerError::InvalidState(sentence),
        _ => LedgerError::Storage(sentence),
    }
}

/// An entry as [`tesser_journal::Transaction::append_ledger`] takes it.
#[must_use]
pub fn to_journal(entry: LedgerEntry) -> tesser_journal::LedgerEntry {
    tesser_journal::LedgerEntry {
        id: entry.id,
        sequence: entry.sequence,
        timestamp: entry.timestamp,
        exchange: entry.exchange,
        asset: entry.asset,
        amount: entry.amount,
        entry_type: type_to_journal(entry.entry_type),
        reference_id: entry.reference_id,
        meta: entry.meta,
    }
}

/// The inverse of [`to_journal`].
#[must_use]
pub fn from_journal(entry: tesser_journal::LedgerEntry) -> LedgerEntry {
    LedgerEntry {
        id: entry.id,
        sequence: entry.sequence,
        timestamp: entry.timestamp,
        exchange: entry.exchange,
        asset: entry.asset,
        amount: entry.amount,
        entry_type: type_from_journal(entry.entry_type),
        reference_id: entry.reference_id,
        meta: entry.meta,
    }
}

fn type_to_journal(kind: tesser_ledger::LedgerType) -> tesser_journal::LedgerType {
    use tesser_journal::LedgerType as To;
    use tesser_ledger::LedgerType as From;
    match kind {
        From::TradeRealizedPnl => To::TradeRealizedPnl,
        From::Fee => To::Fee,
        From::Funding => To::Funding,
        From::TransferIn => To::TransferIn,
        From::TransferOut => To::TransferOut,
        From::Adjustment => To::Adjustment,
    }
}

fn type_from_journal(kind: tesser_journal::LedgerType) -> tesser_ledger::LedgerType {
    use tesser_journal::LedgerType as From;
    use tesser_ledger::LedgerType as To;
    match kind {
        From::TradeRealizedPnl => To::TradeRealizedPnl,
        From::Fee => To::Fee,
        From::Funding => To::Funding,
        From::TransferIn => To::TransferIn,
        From::TransferOut => To::TransferOut,
        From::Adjustment => To::Adjustment,
    }
}
