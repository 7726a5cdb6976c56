// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is stored. The same structs are written and read; their texts are borrowed, from the caller
//! or from the state that was loaded.
//!
//! `extra` holds what this version does not know, as the text of a JSON object. When it is written,
//! `None` keeps what is stored beside the same entity, and `Some("{}")` removes it.

use std::fmt;
use std::str::FromStr;

use tesser_journal_sys as sys;

use crate::decimal::Decimal;
use crate::error::{Error, Result, call};
use crate::raw::{text, view, view_or_none};

/// Nanoseconds since 1970-01-01T00:00:00Z.
pub type Time = sys::tj_time;

/// A UUID (RFC 9562).
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// A new one, at random (version 4).
    pub fn random() -> Self {
        // SAFETY: it takes nothing.
        Self(unsafe { sys::tj_uuid_generate() }.bytes)
    }

    pub(crate) fn raw(self) -> sys::tj_uuid {
        sys::tj_uuid { bytes: self.0 }
    }
}

impl FromStr for Uuid {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut out = sys::tj_uuid::default();
        // SAFETY: all pointers are valid for the call.
        call(|error| unsafe { sys::tj_uuid_parse(view(text), &mut out, error) })?;
        Ok(Self(out.bytes))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let dash = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is traded, or an asset, and where: "binance_perp:BTCUSDT"; without an exchange only the
/// code. What is loaded has the exchange in lower case and the code in upper case.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Symbol<'a> {
    /// Where; empty: not said.
    pub exchange: &'a str,
    /// What.
    pub code: &'a str,
}

impl<'a> Symbol<'a> {
    /// Splits a text at its first colon.
    ///
    /// # Errors
    /// When a part is no exchange or code.
    pub fn parse(text: &'a str) -> Result<Self> {
        let mut out = sys::tj_identity::default();
        // SAFETY: all pointers are valid for the call.
        call(|error| unsafe { sys::tj_identity_parse(view(text), &mut out, error) })?;
        Ok(Self::of(text, &out))
    }

    pub(crate) fn of<O: ?Sized>(owner: &'a O, raw: &sys::tj_identity) -> Self {
        let part = |part| text(owner, part).unwrap_or("");
        Self { exchange: part(raw.exchange), code: part(raw.code) }
    }

    pub(crate) fn raw(&self) -> sys::tj_identity {
        sys::tj_identity { exchange: view(self.exchange), code: view(self.code) }
    }
}

impl fmt::Display for Symbol<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.exchange {
            "" => f.pad(self.code),
            exchange => f.pad(&format!("{exchange}:{}", self.code)),
        }
    }
}

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $raw:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum $name {
            $($(#[$each])* $variant,)*
        }

        impl $name {
            pub(crate) fn raw(self) -> std::ffi::c_uint {
                match self {
                    $(Self::$variant => sys::$raw,)*
                }
            }

            /// `None` stands for one that is not given.
            pub(crate) fn of(raw: std::ffi::c_uint) -> Option<Self> {
                match raw {
                    $(sys::$raw => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

choice! {
    /// The side of an order or a position.
    Side {
        /// Long.
        Buy = TJ_SIDE_BUY,
        /// Short.
        Sell = TJ_SIDE_SELL,
    }
}
choice! {
    /// How an order is executed.
    OrderType {
        /// At once, at any price.
        Market = TJ_ORDER_MARKET,
        /// At its price or a better one.
        Limit = TJ_ORDER_LIMIT,
        /// At any price, once the trigger price is met.
        StopMarket = TJ_ORDER_STOP_MARKET,
    }
}
choice! {
    /// How long an order stands.
    TimeInForce {
        /// Until it is cancelled.
        GoodTilCanceled = TJ_TIF_GOOD_TIL_CANCELED,
        /// What is not filled at once is cancelled.
        ImmediateOrCancel = TJ_TIF_IMMEDIATE_OR_CANCEL,
        /// Filled as a whole at once, or not at all.
        FillOrKill = TJ_TIF_FILL_OR_KILL,
    }
}
choice! {
    /// What has become of an order.
    OrderStatus {
        /// Sent, and not answered.
        PendingNew = TJ_ORDER_PENDING_NEW,
        /// It stands.
        Accepted = TJ_ORDER_ACCEPTED,
        /// A part is filled.
        PartiallyFilled = TJ_ORDER_PARTIALLY_FILLED,
        /// All is filled.
        Filled = TJ_ORDER_FILLED,
        /// It was cancelled.
        Canceled = TJ_ORDER_CANCELED,
        /// It was refused.
        Rejected = TJ_ORDER_REJECTED,
    }
}
choice! {
    /// Why money moved.
    LedgerType {
        /// Realized by a trade.
        TradeRealizedPnl = TJ_LEDGER_TRADE_REALIZED_PNL,
        /// A fee.
        Fee = TJ_LEDGER_FEE,
        /// Funding.
        Funding = TJ_LEDGER_FUNDING,
        /// Moved in.
        TransferIn = TJ_LEDGER_TRANSFER_IN,
        /// Moved out.
        TransferOut = TJ_LEDGER_TRANSFER_OUT,
        /// Set right.
        Adjustment = TJ_LEDGER_ADJUSTMENT,
    }
}

fn optional(has: bool, value: sys::tj_decimal) -> Option<Decimal> {
    has.then_some(Decimal(value))
}

fn given(value: Option<Decimal>) -> (bool, sys::tj_decimal) {
    (value.is_some(), value.unwrap_or(Decimal::ZERO).0)
}

/// A position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position<'a> {
    /// What.
    pub symbol: Symbol<'a>,
    /// `None`: flat.
    pub side: Option<Side>,
    /// How much, never negative.
    pub quantity: Decimal,
    /// The average price that was paid.
    pub entry_price: Option<Decimal>,
    /// Gain or loss at the last price.
    pub unrealized_pnl: Decimal,
    /// When it changed.
    pub updated_at: Time,
    /// See this module.
    pub extra: Option<&'a str>,
}

impl<'a> Position<'a> {
    pub(crate) fn of(raw: &'a sys::tj_position) -> Self {
        Self {
            symbol: Symbol::of(raw, &raw.symbol),
            side: Side::of(raw.side),
            quantity: Decimal(raw.quantity),
            entry_price: optional(raw.has_entry_price, raw.entry_price),
            unrealized_pnl: Decimal(raw.unrealized_pnl),
            updated_at: raw.updated_at,
            extra: text(raw, raw.extra),
        }
    }

    pub(crate) fn raw(&self) -> sys::tj_position {
        let (has_entry_price, entry_price) = given(self.entry_price);
        sys::tj_position {
            symbol: self.symbol.raw(),
            side: self.side.map_or(sys::TJ_SIDE_NONE, Side::raw),
            quantity: self.quantity.0,
            has_entry_price,
            entry_price,
            unrealized_pnl: self.unrealized_pnl.0,
            updated_at: self.updated_at,
            extra: view_or_none(self.extra),
        }
    }
}

/// What an account has of one currency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Balance<'a> {
    /// Of which.
    pub currency: Symbol<'a>,
    /// How much.
    pub quantity: Decimal,
    /// What one is worth in the reporting currency.
    pub conversion_rate: Decimal,
    /// See this module.
    pub extra: Option<&'a str>,
}

impl<'a> Balance<'a> {
    pub(crate) fn of(raw: &'a sys::tj_balance) -> Self {
        Self {
            currency: Symbol::of(raw, &raw.currency),
            quantity: Decimal(raw.quantity),
            conversion_rate: Decimal(raw.conversion_rate),
            extra: text(raw, raw.extra),
        }
    }

    pub(crate) fn raw(&self) -> sys::tj_balance {
        sys::tj_balance {
            currency: self.currency.raw(),
            quantity: self.quantity.0,
            conversion_rate: self.conversion_rate.0,
            extra: view_or_none(self.extra),
        }
    }
}

/// An open order, with what was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Order<'a> {
    /// Its key.
    pub id: &'a str,
    /// What.
    pub symbol: Symbol<'a>,
    /// Which way.
    pub side: Side,
    /// How it is executed.
    pub order_type: OrderType,
    /// How much was asked for.
    pub quantity: Decimal,
    /// Its limit.
    pub price: Option<Decimal>,
    /// What sets it off.
    pub trigger_price: Option<Decimal>,
    /// How long it stands.
    pub time_in_force: Option<TimeInForce>,
    /// The caller's id.
    pub client_order_id: Option<&'a str>,
    /// Where a gain is taken.
    pub take_profit: Option<Decimal>,
    /// Where a loss is ended.
    pub stop_loss: Option<Decimal>,
    /// How much of it is shown.
    pub display_quantity: Option<Decimal>,
    /// What has become of it.
    pub status: OrderStatus,
    /// How much is filled.
    pub filled_quantity: Decimal,
    /// At which price on the average.
    pub avg_fill_price: Option<Decimal>,
    /// When it was made.
    pub created_at: Time,
    /// When it changed.
    pub updated_at: Time,
    /// See this module; of the request.
    pub request_extra: Option<&'a str>,
    /// See this module.
    pub extra: Option<&'a str>,
}

impl<'a> Order<'a> {
    /// One that was just sent; the other members are empty.
    pub fn new(
        id: &'a str,
        symbol: Symbol<'a>,
        side: Side,
        order_type: OrderType,
        quantity: Decimal,
    ) -> Self {
        // SAFETY: it takes nothing.
        let now = unsafe { sys::tj_time_now() };
        Self {
            id,
            symbol,
            side,
            order_type,
            quantity,
            price: None,
            trigger_price: None,
            time_in_force: None,
            client_order_id: None,
            take_profit: None,
            stop_loss: None,
            display_quantity: None,
            status: OrderStatus::PendingNew,
            filled_quantity: Decimal::ZERO,
            avg_fill_price: None,
            created_at: now,
            updated_at: now,
            request_extra: None,
            extra: None,
        }
    }

    pub(crate) fn of(raw: &'a sys::tj_order) -> Self {
        let request = &raw.request;
        Self {
            id: text(raw, raw.id).unwrap_or(""),
            symbol: Symbol::of(raw, &request.symbol),
            side: Side::of(request.side).unwrap_or(Side::Buy),
            order_type: OrderType::of(request.order_type).unwrap_or(OrderType::Market),
            quantity: Decimal(request.quantity),
            price: optional(request.has_price, request.price),
            trigger_price: optional(request.has_trigger_price, request.trigger_price),
            time_in_force: TimeInForce::of(request.time_in_force),
            client_order_id: text(raw, request.client_order_id),
            take_profit: optional(request.has_take_profit, request.take_profit),
            stop_loss: optional(request.has_stop_loss, request.stop_loss),
            display_quantity: optional(request.has_display_quantity, request.display_quantity),
            status: OrderStatus::of(raw.status).unwrap_or(OrderStatus::PendingNew),
            filled_quantity: Decimal(raw.filled_quantity),
            avg_fill_price: optional(raw.has_avg_fill_price, raw.avg_fill_price),
            created_at: raw.created_at,
            updated_at: raw.updated_at,
            request_extra: text(raw, request.extra),
            extra: text(raw, raw.extra),
        }
    }

    fn request(&self) -> sys::tj_order_request {
        let (has_price, price) = given(self.price);
        let (has_trigger_price, trigger_price) = given(self.trigger_price);
        let (has_take_profit, take_profit) = given(self.take_profit);
        let (has_stop_loss, stop_loss) = given(self.stop_loss);
        let (has_display_quantity, display_quantity) = given(self.display_quantity);
        sys::tj_order_request {
            symbol: self.symbol.raw(),
            side: self.side.raw(),
            order_type: self.order_type.raw(),
            quantity: self.quantity.0,
            has_price,
            price,
            has_trigger_price,
            trigger_price,
            time_in_force: self.time_in_force.map_or(sys::TJ_TIF_NONE, TimeInForce::raw),
            client_order_id: view_or_none(self.client_order_id),
            has_take_profit,
            take_profit,
            has_stop_loss,
            stop_loss,
            has_display_quantity,
            display_quantity,
            extra: view_or_none(self.request_extra),
        }
    }

    pub(crate) fn raw(&self) -> sys::tj_order {
        let (has_avg_fill_price, avg_fill_price) = given(self.avg_fill_price);
        sys::tj_order {
            id: view(self.id),
            request: self.request(),
            status: self.status.raw(),
            filled_quantity: self.filled_quantity.0,
            has_avg_fill_price,
            avg_fill_price,
            created_at: self.created_at,
            updated_at: self.updated_at,
            extra: view_or_none(self.extra),
        }
    }
}

/// A running execution algorithm.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Algo<'a> {
    /// Its key.
    pub id: Uuid,
    /// Which plugin runs it.
    pub plugin: &'a str,
    /// Its state: the text of any JSON value.
    pub payload: &'a str,
}

impl<'a> Algo<'a> {
    pub(crate) fn of(raw: &'a sys::tj_algo_record) -> Self {
        Self {
            id: Uuid(raw.id.bytes),
            plugin: text(raw, raw.state.plugin).unwrap_or(""),
            payload: text(raw, raw.state.payload).unwrap_or(""),
        }
    }

    pub(crate) fn raw(&self) -> sys::tj_algo_state {
        sys::tj_algo_state { plugin: view(self.plugin), payload: view(self.payload) }
    }
}

/// A movement of money.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LedgerEntry<'a> {
    /// Its key: an entry that comes twice is booked once.
    pub id: Uuid,
    /// Its number, 1 and on; given by the caller, above the newest.
    pub sequence: u64,
    /// When.
    pub time: Time,
    /// Where.
    pub exchange: &'a str,
    /// Of what.
    pub asset: Symbol<'a>,
    /// How much; negative: out.
    pub amount: Decimal,
    /// Why.
    pub entry_type: LedgerType,
    /// What it belongs to, such as an order.
    pub reference: &'a str,
    /// More about it, as JSON.
    pub meta: Option<&'a str>,
}

impl<'a> LedgerEntry<'a> {
    pub(crate) fn of(raw: &'a sys::tj_ledger_entry) -> Self {
        Self {
            id: Uuid(raw.id.bytes),
            sequence: raw.sequence,
            time: raw.time,
            exchange: text(raw, raw.exchange).unwrap_or(""),
            asset: Symbol::of(raw, &raw.asset),
            amount: Decimal(raw.amount),
            entry_type: LedgerType::of(raw.r#type).unwrap_or(LedgerType::Adjustment),
            reference: text(raw, raw.reference).unwrap_or(""),
            meta: text(raw, raw.meta),
        }
    }

    pub(crate) fn raw(&self) -> sys::tj_ledger_entry {
        sys::tj_ledger_entry {
            id: self.id.raw(),
            sequence: self.sequence,
            time: self.time,
            exchange: view(self.exchange),
            asset: self.asset.raw(),
            amount: self.amount.0,
            r#type: self.entry_type.raw(),
            reference: view(self.reference),
            meta: view_or_none(self.meta),
        }
    }
}
