// SPDX-License-Identifier: MIT OR Apache-2.0
//! The library's structs as Tesser's values. What Tesser's types cannot hold is an error, never
//! something near it.

use std::collections::HashMap;
use std::hash::Hash;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use tesser_core::{
    AssetId, Cash, CashBook, ExchangeId, Order, OrderRequest, OrderStatus, OrderType, Position,
    Side, Symbol, TimeInForce,
};
use tesser_journal_sys as sys;
use tesser_portfolio::{LiveState, PortfolioState, SubAccountState};
use uuid::Uuid;

use super::encode::{UNKNOWN, UNSPECIFIED};
use super::{decimal_out, items, text};
use crate::error::{ErrorKind, JournalError, Result};
use crate::ledger::{LedgerEntry, LedgerType};
use crate::members::{self, Checkpoint};

pub(super) fn live_state(raw: &sys::tj_live_state) -> Result<LiveState> {
    let mut state = match raw.has_execution_checkpoint {
        true => members::state_with(&checkpoint(&raw.execution_checkpoint)?)?,
        false => LiveState::default(),
    };
    if raw.has_portfolio {
        state.portfolio = Some(portfolio(&raw.portfolio).map_err(|error| error.of("portfolio"))?);
    }
    let orders = items(raw, |raw| (raw.open_orders, raw.open_order_count));
    state.open_orders = orders.iter().map(order).collect::<Result<_>>()?;
    let prices = items(raw, |raw| (raw.last_prices, raw.last_price_count));
    state.last_prices = unique(prices, |price| {
        let symbol = symbol(&price.symbol)?;
        let value = decimal_out(price.price);
        Ok((symbol, value.map_err(|error| error.of(format_args!("last price of {symbol}")))?))
    })?;
    state.last_candle_ts = raw.has_last_candle_ts.then(|| time(raw.last_candle_ts));
    if !raw.strategy_state.data.is_null() {
        let value = json(text(&raw.strategy_state)?);
        state.strategy_state = Some(value.map_err(|error| error.of("strategy_state"))?);
    }
    Ok(state)
}

fn checkpoint(raw: &sys::tj_execution_checkpoint) -> Result<Checkpoint> {
    let ids = items(raw, |raw| (raw.exec_ids, raw.exec_id_count));
    Ok(Checkpoint {
        last_timestamp: raw.has_last_timestamp.then(|| time(raw.last_timestamp)),
        exec_ids: ids.iter().map(owned).collect::<Result<_>>()?,
    })
}

fn portfolio(raw: &sys::tj_portfolio) -> Result<PortfolioState> {
    let accounts = items(raw, |raw| (raw.sub_accounts, raw.sub_account_count));
    Ok(PortfolioState {
        positions: positions(items(raw, |raw| (raw.positions, raw.position_count)))?,
        balances: balances(items(raw, |raw| (raw.balances, raw.balance_count)))?,
        reporting_currency: asset(&raw.reporting_currency)?,
        initial_equity: decimal_out(raw.initial_equity)?,
        drawdown_limit: optional(raw.has_drawdown_limit, raw.drawdown_limit)?,
        peak_equity: decimal_out(raw.peak_equity)?,
        liquidate_only: raw.liquidate_only,
        sub_accounts: unique(accounts, |account| {
            let state = sub_account(account)?;
            Ok((state.exchange, state))
        })?,
    })
}

fn sub_account(raw: &sys::tj_sub_account) -> Result<SubAccountState> {
    Ok(SubAccountState {
        exchange: exchange(&raw.exchange)?,
        positions: positions(items(raw, |raw| (raw.positions, raw.position_count)))?,
        balances: balances(items(raw, |raw| (raw.balances, raw.balance_count)))?,
    })
}

fn positions(all: &[sys::tj_position]) -> Result<HashMap<Symbol, Position>> {
    unique(all, |raw| {
        let symbol = symbol(&raw.symbol)?;
        let position = position(symbol, raw);
        Ok((symbol, position.map_err(|error| error.of(format_args!("position {symbol}")))?))
    })
}

fn position(symbol: Symbol, raw: &sys::tj_position) -> Result<Position> {
    Ok(Position {
        symbol,
        side: match raw.side {
            sys::TJ_SIDE_NONE => None,
            known => Some(side(known)?),
        },
        quantity: decimal_out(raw.quantity)?,
        entry_price: optional(raw.has_entry_price, raw.entry_price)?,
        unrealized_pnl: decimal_out(raw.unrealized_pnl)?,
        updated_at: time(raw.updated_at),
    })
}

fn balances(all: &[sys::tj_balance]) -> Result<CashBook> {
    unique(all, |raw| {
        let currency = asset(&raw.currency)?;
        let cash = balance(currency, raw);
        Ok((currency, cash.map_err(|error| error.of(format_args!("balance {currency}")))?))
    })
    .map(CashBook)
}

fn balance(currency: AssetId, raw: &sys::tj_balance) -> Result<Cash> {
    Ok(Cash {
        currency,
        quantity: decimal_out(raw.quantity)?,
        conversion_rate: decimal_out(raw.conversion_rate)?,
    })
}

fn order(raw: &sys::tj_order) -> Result<Order> {
    let id = owned(&raw.id)?;
    let decode = || {
        Ok(Order {
            id: id.clone(),
            request: request(&raw.request)?,
            status: status(raw.status)?,
            filled_quantity: decimal_out(raw.filled_quantity)?,
            avg_fill_price: optional(raw.has_avg_fill_price, raw.avg_fill_price)?,
            created_at: time(raw.created_at),
            updated_at: time(raw.updated_at),
        })
    };
    decode().map_err(|error: JournalError| error.of(format_args!("order {id:?}")))
}

fn request(raw: &sys::tj_order_request) -> Result<OrderRequest> {
    Ok(OrderRequest {
        symbol: symbol(&raw.symbol)?,
        side: side(raw.side)?,
        order_type: match raw.order_type {
            sys::TJ_ORDER_MARKET => OrderType::Market,
            sys::TJ_ORDER_LIMIT => OrderType::Limit,
            sys::TJ_ORDER_STOP_MARKET => OrderType::StopMarket,
            other => return Err(unknown("order type", other)),
        },
        quantity: decimal_out(raw.quantity)?,
        price: optional(raw.has_price, raw.price)?,
        trigger_price: optional(raw.has_trigger_price, raw.trigger_price)?,
        time_in_force: match raw.time_in_force {
            sys::TJ_TIF_NONE => None,
            sys::TJ_TIF_GOOD_TIL_CANCELED => Some(TimeInForce::GoodTilCanceled),
            sys::TJ_TIF_IMMEDIATE_OR_CANCEL => Some(TimeInForce::ImmediateOrCancel),
            sys::TJ_TIF_FILL_OR_KILL => Some(TimeInForce::FillOrKill),
            other => return Err(unknown("time in force", other)),
        },
        client_order_id: match raw.client_order_id.data.is_null() {
            true => None,
            false => Some(owned(&raw.client_order_id)?),
        },
        take_profit: optional(raw.has_take_profit, raw.take_profit)?,
        stop_loss: optional(raw.has_stop_loss, raw.stop_loss)?,
        display_quantity: optional(raw.has_display_quantity, raw.display_quantity)?,
    })
}

fn side(raw: sys::tj_side) -> Result<Side> {
    match raw {
        sys::TJ_SIDE_BUY => Ok(Side::Buy),
        sys::TJ_SIDE_SELL => Ok(Side::Sell),
        other => Err(unknown("side", other)),
    }
}

fn status(raw: sys::tj_order_status) -> Result<OrderStatus> {
    Ok(match raw {
        sys::TJ_ORDER_PENDING_NEW => OrderStatus::PendingNew,
        sys::TJ_ORDER_ACCEPTED => OrderStatus::Accepted,
        sys::TJ_ORDER_PARTIALLY_FILLED => OrderStatus::PartiallyFilled,
        sys::TJ_ORDER_FILLED => OrderStatus::Filled,
        sys::TJ_ORDER_CANCELED => OrderStatus::Canceled,
        sys::TJ_ORDER_REJECTED => OrderStatus::Rejected,
        other => return Err(unknown("order status", other)),
    })
}

pub(super) fn ledger_entry(raw: &sys::tj_ledger_entry) -> Result<LedgerEntry> {
    let id = uuid(&raw.id);
    let decode = || {
        Ok(LedgerEntry {
            id,
            sequence: raw.sequence,
            timestamp: time(raw.time),
            exchange: exchange(&raw.exchange)?,
            asset: asset(&raw.asset)?,
            amount: decimal_out(raw.amount)?,
            entry_type: ledger_type(raw.r#type)?,
            reference_id: owned(&raw.reference)?,
            meta: match raw.meta.data.is_null() {
                true => None,
                false => Some(json(text(&raw.meta)?)?),
            },
        })
    };
    decode().map_err(|error: JournalError| error.of(format_args!("ledger entry {id}")))
}

fn ledger_type(raw: sys::tj_ledger_type) -> Result<LedgerType> {
    Ok(match raw {
        sys::TJ_LEDGER_TRADE_REALIZED_PNL => LedgerType::TradeRealizedPnl,
        sys::TJ_LEDGER_FEE => LedgerType::Fee,
        sys::TJ_LEDGER_FUNDING => LedgerType::Funding,
        sys::TJ_LEDGER_TRANSFER_IN => LedgerType::TransferIn,
        sys::TJ_LEDGER_TRANSFER_OUT => LedgerType::TransferOut,
        sys::TJ_LEDGER_ADJUSTMENT => LedgerType::Adjustment,
        other => return Err(unknown("ledger type", other)),
    })
}

// ---- single members ----------------------------------------------------------------------------

fn unknown(what: &str, number: u32) -> JournalError {
    JournalError::new(
        ErrorKind::Unsupported,
        format!("Tesser has no {what} that the journal calls number {number}"),
    )
}

/// A map of decoded pairs. Two stored identities that Tesser takes for one would lose a value.
fn unique<T, K, V>(all: &[T], decode: impl Fn(&T) -> Result<(K, V)>) -> Result<HashMap<K, V>>
where
    K: Copy + Eq + Hash + std::fmt::Display,
{
    let mut map = HashMap::with_capacity(all.len());
    for raw in all {
        let (key, value) = decode(raw)?;
        if map.insert(key, value).is_some() {
            return Err(JournalError::invalid(format!(
                "two stored values are one for Tesser: {key}"
            )));
        }
    }
    Ok(map)
}

pub(super) fn owned(view: &sys::tj_str) -> Result<String> {
    text(view).map(str::to_owned)
}

pub(super) fn uuid(raw: &sys::tj_uuid) -> Uuid {
    Uuid::from_bytes(raw.bytes)
}

fn time(raw: sys::tj_time) -> DateTime<Utc> {
    DateTime::from_timestamp_nanos(raw)
}

fn optional(given: bool, raw: sys::tj_decimal) -> Result<Option<Decimal>> {
    given.then(|| decimal_out(raw)).transpose()
}

/// Any JSON that the journal holds: it has limited the depth already.
pub(super) fn json(text: &str) -> Result<Value> {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    Value::deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| JournalError::invalid(format!("Tesser cannot hold this JSON: {error}")))
}

fn exchange(view: &sys::tj_str) -> Result<ExchangeId> {
    Ok(match text(view)? {
        UNSPECIFIED => ExchangeId::UNSPECIFIED,
        name => ExchangeId::register(name),
    })
}

fn identity(raw: &sys::tj_identity) -> Result<(ExchangeId, &str)> {
    let exchange = match text(&raw.exchange)? {
        "" => ExchangeId::UNSPECIFIED,
        name => ExchangeId::register(name),
    };
    Ok((exchange, text(&raw.code)?))
}

fn symbol(raw: &sys::tj_symbol) -> Result<Symbol> {
    match identity(raw)? {
        (exchange, "" | UNKNOWN) => Ok(Symbol::new(exchange, 0)),
        (exchange, code) => {
            let symbol = Symbol::from_code(exchange, code);
            unchanged("symbol", code, symbol.code()).map(|()| symbol)
        }
    }
}

fn asset(raw: &sys::tj_asset) -> Result<AssetId> {
    match identity(raw)? {
        (exchange, "" | UNKNOWN) => Ok(AssetId::new(exchange, 0)),
        (exchange, code) => {
            let asset = AssetId::from_code(exchange, code);
            unchanged("asset", code, asset.code()).map(|()| asset)
        }
    }
}

fn unchanged(what: &str, stored: &str, registered: &str) -> Result<()> {
    if stored == registered {
        return Ok(());
    }
    Err(JournalError::invalid(format!("Tesser writes the {what} {stored:?} as {registered:?}")))
}
