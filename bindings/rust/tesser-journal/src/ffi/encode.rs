// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tesser's values as the library's structs: views of the caller's memory, field by field.

use std::any::Any;
use std::collections::HashMap;
use std::marker::PhantomData;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use tesser_core::{
    AssetId, Cash, CashBook, ExchangeId, Order, OrderRequest, OrderStatus, OrderType, Position,
    Side, Symbol, TimeInForce,
};
use tesser_journal_sys as sys;
use tesser_portfolio::{LiveState, PortfolioState, SubAccountState};
use uuid::Uuid;

use super::{decimal_in, view};
use crate::error::{JournalError, Result};
use crate::ledger::{LedgerEntry, LedgerType};
use crate::members::{self, Checkpoint};

/// Tesser's name of the exchange that is none.
pub(super) const UNSPECIFIED: &str = "unspecified";
/// Tesser's code of the symbol or asset that is none (number 0).
pub(super) const UNKNOWN: &str = "UNKNOWN";

/// A struct of the library that points into a value of the caller's (`'a`) and into what it keeps.
pub(super) struct Encoded<'a, T> {
    pub(super) raw: T,
    _kept: Kept,
    _caller: PhantomData<&'a ()>,
}

impl<T> Encoded<'_, T> {
    fn new(raw: T, kept: Kept) -> Self {
        Self { raw, _kept: kept, _caller: PhantomData }
    }
}

/// What an encoded struct points at beside the caller's memory: arrays and JSON texts.
#[derive(Default)]
struct Kept(Vec<Box<dyn Any>>);

/// Symbols whose names were just looked up: thousands of orders are of a few of them.
struct Symbols([Option<(Symbol, sys::tj_symbol)>; 64]);

impl Symbols {
    fn new() -> Self {
        Self([None; 64])
    }

    fn encode(&mut self, symbol: Symbol) -> Result<sys::tj_symbol> {
        let place = usize::from(symbol.exchange.as_raw()) * 7 + symbol.market_id as usize;
        let slot = &mut self.0[place % 64];
        match slot {
            Some((known, raw)) if *known == symbol => Ok(*raw),
            _ => Ok(slot.insert((symbol, symbol_in(symbol)?)).1),
        }
    }
}

impl Kept {
    /// The array's first element and length; moving the vector does not move its elements.
    fn array<T: 'static>(&mut self, mut items: Vec<T>) -> (*mut T, usize) {
        let array = (items.as_mut_ptr(), items.len());
        self.0.push(Box::new(items));
        array
    }

    fn json(&mut self, value: &Value) -> sys::tj_str {
        let text = value.to_string();
        let text_view = view(&text);
        self.0.push(Box::new(text));
        text_view
    }
}

// ---- whole values ------------------------------------------------------------------------------

pub(super) fn live_state(state: &LiveState) -> Result<Encoded<'_, sys::tj_live_state>> {
    let mut kept = Kept::default();
    let mut raw = sys::tj_live_state::default();
    if let Some(state) = &state.portfolio {
        raw.has_portfolio = true;
        raw.portfolio = portfolio(&mut kept, state).map_err(|error| error.of("portfolio"))?;
    }
    (raw.open_orders, raw.open_order_count) = kept.array(orders_in(&state.open_orders)?);
    let prices = state.last_prices.iter().map(|(symbol, price)| price_in(*symbol, *price));
    (raw.last_prices, raw.last_price_count) = kept.array(all(prices)?);
    if let Some(time) = &state.last_candle_ts {
        raw.has_last_candle_ts = true;
        raw.last_candle_ts = time_in(time).map_err(|error| error.of("last_candle_ts"))?;
    }
    if let Some(value) = &state.strategy_state {
        raw.strategy_state = kept.json(value);
    }
    if let Some(state) = members::checkpoint(state)? {
        raw.has_execution_checkpoint = true;
        raw.execution_checkpoint = checkpoint(&mut kept, state)?;
    }
    Ok(Encoded::new(raw, kept))
}

pub(super) fn order(order: &Order) -> Result<Encoded<'_, sys::tj_order>> {
    let mut raw = sys::tj_order::default();
    put_order(&mut raw, order, &mut Symbols::new())?;
    Ok(Encoded::new(raw, Kept::default()))
}

pub(super) fn position(position: &Position) -> Result<Encoded<'_, sys::tj_position>> {
    let raw = position_in(position.symbol, position)?;
    Ok(Encoded::new(raw, Kept::default()))
}

pub(super) fn balance(cash: &Cash) -> Result<Encoded<'_, sys::tj_balance>> {
    let raw = balance_in(cash.currency, cash)?;
    Ok(Encoded::new(raw, Kept::default()))
}

#[cfg(feature = "execution")]
pub(super) fn algo<'a>(plugin: &'a str, payload: &'a Value) -> Encoded<'a, sys::tj_algo_state> {
    let mut kept = Kept::default();
    let raw = sys::tj_algo_state { plugin: view(plugin), payload: kept.json(payload) };
    Encoded::new(raw, kept)
}

/// Entries as one array, which is what the library takes.
pub(super) fn ledger(entries: &[LedgerEntry]) -> Result<Encoded<'_, Vec<sys::tj_ledger_entry>>> {
    let mut kept = Kept::default();
    let raw = all(entries.iter().map(|entry| {
        ledger_entry(&mut kept, entry)
            .map_err(|error| error.of(format_args!("ledger entry {}", entry.id)))
    }))?;
    Ok(Encoded::new(raw, kept))
}

/// Collects into a vector that never grows, which `collect` into a `Result` cannot promise.
fn all<T>(items: impl ExactSizeIterator<Item = Result<T>>) -> Result<Vec<T>> {
    let mut vector = Vec::with_capacity(items.len());
    for item in items {
        vector.push(item?);
    }
    Ok(vector)
}

// ---- their parts -------------------------------------------------------------------------------

fn portfolio(kept: &mut Kept, state: &PortfolioState) -> Result<sys::tj_portfolio> {
    let mut raw = sys::tj_portfolio {
        reporting_currency: asset_in(state.reporting_currency)?,
        initial_equity: decimal_in(state.initial_equity),
        peak_equity: decimal_in(state.peak_equity),
        liquidate_only: state.liquidate_only,
        ..Default::default()
    };
    (raw.has_drawdown_limit, raw.drawdown_limit) = optional(state.drawdown_limit);
    (raw.positions, raw.position_count) = positions(kept, &state.positions)?;
    (raw.balances, raw.balance_count) = balances(kept, &state.balances)?;
    let accounts = state.sub_accounts.iter();
    let accounts = all(accounts.map(|(exchange, account)| sub_account(kept, *exchange, account)))?;
    (raw.sub_accounts, raw.sub_account_count) = kept.array(accounts);
    Ok(raw)
}

fn sub_account(
    kept: &mut Kept,
    key: ExchangeId,
    account: &SubAccountState,
) -> Result<sys::tj_sub_account> {
    same(key, account.exchange)?;
    let mut raw = sys::tj_sub_account { exchange: exchange_in(key)?, ..Default::default() };
    let holdings = positions(kept, &account.positions).and_then(|all| {
        (raw.positions, raw.position_count) = all;
        (raw.balances, raw.balance_count) = balances(kept, &account.balances)?;
        Ok(())
    });
    holdings.map_err(|error| error.of(format_args!("sub-account {key}")))?;
    Ok(raw)
}

fn positions(
    kept: &mut Kept,
    map: &HashMap<Symbol, Position>,
) -> Result<(*mut sys::tj_position, usize)> {
    let raw = map.iter().map(|(symbol, position)| position_in(*symbol, position));
    Ok(kept.array(all(raw)?))
}

fn position_in(key: Symbol, position: &Position) -> Result<sys::tj_position> {
    let encode = || {
        same(key, position.symbol)?;
        let (has_entry_price, entry_price) = optional(position.entry_price);
        Ok(sys::tj_position {
            symbol: symbol_in(key)?,
            side: position.side.map_or(sys::TJ_SIDE_NONE, side_in),
            quantity: decimal_in(position.quantity),
            has_entry_price,
            entry_price,
            unrealized_pnl: decimal_in(position.unrealized_pnl),
            updated_at: time_in(&position.updated_at)?,
            ..Default::default()
        })
    };
    encode().map_err(|error: JournalError| error.of(format_args!("position {key}")))
}

fn balances(kept: &mut Kept, book: &CashBook) -> Result<(*mut sys::tj_balance, usize)> {
    let raw = book.0.iter().map(|(currency, cash)| balance_in(*currency, cash));
    Ok(kept.array(all(raw)?))
}

fn balance_in(key: AssetId, cash: &Cash) -> Result<sys::tj_balance> {
    let encode = || {
        same(key, cash.currency)?;
        Ok(sys::tj_balance {
            currency: asset_in(key)?,
            quantity: decimal_in(cash.quantity),
            conversion_rate: decimal_in(cash.conversion_rate),
            ..Default::default()
        })
    };
    encode().map_err(|error: JournalError| error.of(format_args!("balance {key}")))
}

/// Each is written where it stays: a large state has thousands, and they are large.
fn orders_in(orders: &[Order]) -> Result<Vec<sys::tj_order>> {
    let mut symbols = Symbols::new();
    let mut array = Vec::with_capacity(orders.len());
    for order in orders {
        array.push(sys::tj_order::default());
        put_order(array.last_mut().expect("it was just pushed"), order, &mut symbols)?;
    }
    Ok(array)
}

/// Fills in an order that holds the defaults.
fn put_order(raw: &mut sys::tj_order, order: &Order, symbols: &mut Symbols) -> Result<()> {
    let mut put = || {
        raw.id = view(&order.id);
        put_request(&mut raw.request, &order.request, symbols)?;
        raw.status = status_in(order.status);
        raw.filled_quantity = decimal_in(order.filled_quantity);
        (raw.has_avg_fill_price, raw.avg_fill_price) = optional(order.avg_fill_price);
        raw.created_at = time_in(&order.created_at)?;
        raw.updated_at = time_in(&order.updated_at)?;
        Ok(())
    };
    put().map_err(|error: JournalError| error.of(format_args!("order {:?}", order.id)))
}

fn put_request(
    raw: &mut sys::tj_order_request,
    request: &OrderRequest,
    symbols: &mut Symbols,
) -> Result<()> {
    raw.symbol = symbols.encode(request.symbol)?;
    raw.side = side_in(request.side);
    raw.order_type = order_type_in(request.order_type);
    raw.quantity = decimal_in(request.quantity);
    raw.time_in_force = request.time_in_force.map_or(sys::TJ_TIF_NONE, time_in_force_in);
    raw.client_order_id = request.client_order_id.as_deref().map(view).unwrap_or_default();
    (raw.has_price, raw.price) = optional(request.price);
    (raw.has_trigger_price, raw.trigger_price) = optional(request.trigger_price);
    (raw.has_take_profit, raw.take_profit) = optional(request.take_profit);
    (raw.has_stop_loss, raw.stop_loss) = optional(request.stop_loss);
    (raw.has_display_quantity, raw.display_quantity) = optional(request.display_quantity);
    Ok(())
}

pub(super) fn price_in(symbol: Symbol, price: Decimal) -> Result<sys::tj_price> {
    let encode = || Ok(sys::tj_price { symbol: symbol_in(symbol)?, price: decimal_in(price) });
    encode().map_err(|error: JournalError| error.of(format_args!("last price of {symbol}")))
}

fn checkpoint(kept: &mut Kept, state: Checkpoint) -> Result<sys::tj_execution_checkpoint> {
    let mut raw = sys::tj_execution_checkpoint::default();
    if let Some(time) = &state.last_timestamp {
        raw.has_last_timestamp = true;
        raw.last_timestamp = time_in(time).map_err(|error| error.of("execution_checkpoint"))?;
    }
    let ids = state.exec_ids.iter().map(|id| view(id)).collect();
    (raw.exec_ids, raw.exec_id_count) = kept.array(ids);
    kept.array(state.exec_ids);
    Ok(raw)
}

fn ledger_entry(kept: &mut Kept, entry: &LedgerEntry) -> Result<sys::tj_ledger_entry> {
    Ok(sys::tj_ledger_entry {
        id: uuid_in(&entry.id),
        sequence: entry.sequence,
        time: time_in(&entry.timestamp)?,
        exchange: exchange_in(entry.exchange)?,
        asset: asset_in(entry.asset)?,
        amount: decimal_in(entry.amount),
        r#type: ledger_type_in(entry.entry_type),
        reference: view(&entry.reference_id),
        meta: entry.meta.as_ref().map(|meta| kept.json(meta)).unwrap_or_default(),
    })
}

// ---- single members ----------------------------------------------------------------------------

fn optional(value: Option<Decimal>) -> (bool, sys::tj_decimal) {
    (value.is_some(), value.map(decimal_in).unwrap_or_default())
}

/// A map's key and the name inside its value must agree: one of them would be lost.
fn same<T: PartialEq + std::fmt::Display>(key: T, name: T) -> Result<()> {
    if key == name {
        return Ok(());
    }
    Err(JournalError::invalid(format!(
        "the value under the key {key} names {name}; both must be the same"
    )))
}

pub(super) fn exchange_in(exchange: ExchangeId) -> Result<sys::tj_str> {
    let name = exchange.name();
    if name.starts_with("exchange#") {
        return Err(unnamed("exchange", u32::from(exchange.as_raw())));
    }
    Ok(view(name))
}

/// An exchange that is none gives an identity without one, not one at "unspecified".
fn identity(exchange: ExchangeId, code: &'static str) -> Result<sys::tj_identity> {
    let exchange = match exchange {
        ExchangeId::UNSPECIFIED => sys::tj_str::default(),
        _ => exchange_in(exchange)?,
    };
    let code = view(code);
    Ok(sys::tj_identity { exchange, code })
}

pub(super) fn symbol_in(symbol: Symbol) -> Result<sys::tj_symbol> {
    let code = symbol.code();
    // Registered codes are in upper case.
    if code.starts_with("symbol#") {
        return Err(unnamed("symbol", symbol.market_id));
    }
    identity(symbol.exchange, code)
}

pub(super) fn asset_in(asset: AssetId) -> Result<sys::tj_asset> {
    let code = asset.code();
    if code.starts_with("asset#") {
        return Err(unnamed("asset", asset.asset_id));
    }
    identity(asset.exchange, code)
}

fn unnamed(what: &str, number: u32) -> JournalError {
    JournalError::invalid(format!(
        "{what} number {number} was never registered in this process, so it has no name to store"
    ))
}

pub(super) fn uuid_in(id: &Uuid) -> sys::tj_uuid {
    sys::tj_uuid { bytes: *id.as_bytes() }
}

/// Every order has two, so what cannot be told is looked at elsewhere.
#[inline]
pub(super) fn time_in(time: &DateTime<Utc>) -> Result<sys::tj_time> {
    match time.timestamp_nanos_opt() {
        Some(nanos) if time.timestamp_subsec_nanos() < NANOS_PER_SECOND => Ok(nanos),
        _ => Err(refuse_time(time)),
    }
}

const NANOS_PER_SECOND: u32 = 1_000_000_000;

#[cold]
fn refuse_time(time: &DateTime<Utc>) -> JournalError {
    JournalError::invalid(if time.timestamp_subsec_nanos() >= NANOS_PER_SECOND {
        format!("{time} is inside a leap second, which the journal cannot hold")
    } else {
        format!(
            "{time} is outside of what nanoseconds since 1970 can tell (the years 1677 to 2262)"
        )
    })
}

fn side_in(side: Side) -> sys::tj_side {
    match side {
        Side::Buy => sys::TJ_SIDE_BUY,
        Side::Sell => sys::TJ_SIDE_SELL,
    }
}

fn order_type_in(kind: OrderType) -> sys::tj_order_type {
    match kind {
        OrderType::Market => sys::TJ_ORDER_MARKET,
        OrderType::Limit => sys::TJ_ORDER_LIMIT,
        OrderType::StopMarket => sys::TJ_ORDER_STOP_MARKET,
    }
}

fn time_in_force_in(force: TimeInForce) -> sys::tj_time_in_force {
    match force {
        TimeInForce::GoodTilCanceled => sys::TJ_TIF_GOOD_TIL_CANCELED,
        TimeInForce::ImmediateOrCancel => sys::TJ_TIF_IMMEDIATE_OR_CANCEL,
        TimeInForce::FillOrKill => sys::TJ_TIF_FILL_OR_KILL,
    }
}

fn status_in(status: OrderStatus) -> sys::tj_order_status {
    match status {
        OrderStatus::PendingNew => sys::TJ_ORDER_PENDING_NEW,
        OrderStatus::Accepted => sys::TJ_ORDER_ACCEPTED,
        OrderStatus::PartiallyFilled => sys::TJ_ORDER_PARTIALLY_FILLED,
        OrderStatus::Filled => sys::TJ_ORDER_FILLED,
        OrderStatus::Canceled => sys::TJ_ORDER_CANCELED,
        OrderStatus::Rejected => sys::TJ_ORDER_REJECTED,
    }
}

pub(super) fn ledger_type_in(kind: LedgerType) -> sys::tj_ledger_type {
    match kind {
        LedgerType::TradeRealizedPnl => sys::TJ_LEDGER_TRADE_REALIZED_PNL,
        LedgerType::Fee => sys::TJ_LEDGER_FEE,
        LedgerType::Funding => sys::TJ_LEDGER_FUNDING,
        LedgerType::TransferIn => sys::TJ_LEDGER_TRANSFER_IN,
        LedgerType::TransferOut => sys::TJ_LEDGER_TRANSFER_OUT,
        LedgerType::Adjustment => sys::TJ_LEDGER_ADJUSTMENT,
    }
}
