// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was loaded. It stays as it was loaded, and what is read from it borrows from it.

use tesser_journal_sys as sys;

use crate::decimal::Decimal;
use crate::raw::{Owned, items, text};
use crate::value::{Algo, Balance, LedgerEntry, Order, Position, Symbol, Time, Uuid};

/// The live snapshot of a book.
pub struct State(pub(crate) Owned<sys::tj_live_state>);

impl State {
    /// The commit that it is the state after; 0 before the first.
    pub fn sequence(&self) -> u64 {
        self.0.sequence
    }

    /// The equity.
    pub fn equity(&self) -> Option<Decimal> {
        self.0.has_portfolio_equity.then_some(Decimal(self.0.portfolio_equity))
    }

    /// The portfolio.
    pub fn portfolio(&self) -> Option<Portfolio<'_>> {
        self.0.has_portfolio.then_some(Portfolio(&self.0.portfolio))
    }

    /// Open orders, in the order in which they came.
    pub fn orders(&self) -> impl ExactSizeIterator<Item = Order<'_>> {
        items(self, self.0.open_orders, self.0.open_order_count).iter().map(Order::of)
    }

    /// The last price of each symbol.
    pub fn prices(&self) -> impl ExactSizeIterator<Item = (Symbol<'_>, Decimal)> {
        items(self, self.0.last_prices, self.0.last_price_count)
            .iter()
            .map(|raw| (Symbol::of(raw, &raw.symbol), Decimal(raw.price)))
    }

    /// When the last candle was.
    pub fn last_candle(&self) -> Option<Time> {
        self.0.has_last_candle_ts.then_some(self.0.last_candle_ts)
    }

    /// The strategy's state: the text of any JSON value.
    pub fn strategy_state(&self) -> Option<&str> {
        text(self, self.0.strategy_state)
    }
}

/// The portfolio of a [`State`].
#[derive(Clone, Copy)]
pub struct Portfolio<'a>(&'a sys::tj_portfolio);

impl<'a> Portfolio<'a> {
    /// Positions.
    pub fn positions(&self) -> impl ExactSizeIterator<Item = Position<'a>> + use<'a> {
        items(self.0, self.0.positions, self.0.position_count).iter().map(Position::of)
    }

    /// Balances.
    pub fn balances(&self) -> impl ExactSizeIterator<Item = Balance<'a>> + use<'a> {
        items(self.0, self.0.balances, self.0.balance_count).iter().map(Balance::of)
    }

    /// Accounts on exchanges.
    pub fn sub_accounts(&self) -> impl ExactSizeIterator<Item = SubAccount<'a>> + use<'a> {
        items(self.0, self.0.sub_accounts, self.0.sub_account_count).iter().map(SubAccount)
    }

    /// What all is counted in.
    pub fn reporting_currency(&self) -> Symbol<'a> {
        Symbol::of(self.0, &self.0.reporting_currency)
    }

    /// The equity at the beginning.
    pub fn initial_equity(&self) -> Decimal {
        Decimal(self.0.initial_equity)
    }

    /// The highest equity so far.
    pub fn peak_equity(&self) -> Decimal {
        Decimal(self.0.peak_equity)
    }

    /// The share of the peak that may be lost.
    pub fn drawdown_limit(&self) -> Option<Decimal> {
        self.0.has_drawdown_limit.then_some(Decimal(self.0.drawdown_limit))
    }

    /// Whether positions may only be made smaller.
    pub fn liquidate_only(&self) -> bool {
        self.0.liquidate_only
    }
}

/// An account on an exchange.
#[derive(Clone, Copy)]
pub struct SubAccount<'a>(&'a sys::tj_sub_account);

impl<'a> SubAccount<'a> {
    /// Which.
    pub fn exchange(&self) -> &'a str {
        text(self.0, self.0.exchange).unwrap_or("")
    }

    /// Positions.
    pub fn positions(&self) -> impl ExactSizeIterator<Item = Position<'a>> + use<'a> {
        items(self.0, self.0.positions, self.0.position_count).iter().map(Position::of)
    }

    /// Balances.
    pub fn balances(&self) -> impl ExactSizeIterator<Item = Balance<'a>> + use<'a> {
        items(self.0, self.0.balances, self.0.balance_count).iter().map(Balance::of)
    }
}

/// The algorithms of a book.
pub struct Algos(pub(crate) Owned<sys::tj_algo_list>);

impl Algos {
    /// Those that can be decoded, sorted by id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Algo<'_>> {
        items(self, self.0.records, self.0.count).iter().map(Algo::of)
    }

    /// The ids of those that cannot, each with the reason.
    pub fn quarantined(&self) -> impl ExactSizeIterator<Item = (Uuid, &str)> {
        items(self, self.0.quarantined, self.0.quarantined_count)
            .iter()
            .map(|raw| (Uuid(raw.id.bytes), text(raw, raw.reason).unwrap_or("")))
    }
}

/// Entries of a book's ledger.
pub struct Ledger(pub(crate) Owned<sys::tj_ledger_list>);

impl Ledger {
    /// Sorted by sequence.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = LedgerEntry<'_>> {
        items(self, self.0.entries, self.0.count).iter().map(LedgerEntry::of)
    }
}
