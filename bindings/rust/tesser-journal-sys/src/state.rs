// SPDX-License-Identifier: MIT OR Apache-2.0
//! LiveState: the live portfolio snapshot of one book, as Tesser has it.
//!
//! Plain structs with borrowed views. To save, point the arrays at your own memory; nothing is
//! kept after the call. What is loaded lives in one arena and is released by one
//! `tj_live_state_free`. A zeroed `tj_live_state` is the default state.
//!
//! The form of what is saved is checked, not its sense: an enumerator that is none, a text, id or
//! identity that is not valid or too long, a key that stands twice is `TJ_INVALID` or `TJ_LIMIT`
//! and named. Whether a quantity has the right sign, a limit order its price, or a filled order
//! still stands among the open ones is the caller's business.
//!
//! `extra` members hold what this version does not know, so that a newer Tesser loses nothing:
//! the text of a JSON object such as {"margin_mode":"cross"}, each member byte for byte as it
//! came. When saving, an absent extra (data == NULL) keeps what is stored beside the same entity;
//! "{}" removes it.

use std::ffi::c_uint;

use crate::*;

/// Longest order id, client order id and exec id, in bytes.
pub const TJ_ID_SIZE_MAX: usize = 256;

/// Longest name of a top-level member that this version does not know, in bytes.
pub const TJ_MEMBER_SIZE_MAX: usize = 256;

/// Longest JSON text in one value: a payload, the strategy state, one extra member: 16 MiB.
pub const TJ_JSON_SIZE_MAX: usize = 16 << 20;

/// Direction of an order or a position.
pub type tj_side = c_uint;

/// A flat position
pub const TJ_SIDE_NONE: tj_side = 0;

/// Buy.
pub const TJ_SIDE_BUY: tj_side = 1;

/// Sell.
pub const TJ_SIDE_SELL: tj_side = 2;

/// Values of `tj_order_type`.
pub type tj_order_type = c_uint;

/// Market.
pub const TJ_ORDER_MARKET: tj_order_type = 1;

/// Limit.
pub const TJ_ORDER_LIMIT: tj_order_type = 2;

/// Stop market.
pub const TJ_ORDER_STOP_MARKET: tj_order_type = 3;

/// Values of `tj_time_in_force`.
pub type tj_time_in_force = c_uint;

/// Not given
pub const TJ_TIF_NONE: tj_time_in_force = 0;

/// Good til canceled.
pub const TJ_TIF_GOOD_TIL_CANCELED: tj_time_in_force = 1;

/// Immediate or cancel.
pub const TJ_TIF_IMMEDIATE_OR_CANCEL: tj_time_in_force = 2;

/// Fill or kill.
pub const TJ_TIF_FILL_OR_KILL: tj_time_in_force = 3;

/// Values of `tj_order_status`.
pub type tj_order_status = c_uint;

/// Intent saved, not confirmed by the exchange
pub const TJ_ORDER_PENDING_NEW: tj_order_status = 1;

/// Accepted.
pub const TJ_ORDER_ACCEPTED: tj_order_status = 2;

/// Partially filled.
pub const TJ_ORDER_PARTIALLY_FILLED: tj_order_status = 3;

/// Filled.
pub const TJ_ORDER_FILLED: tj_order_status = 4;

/// Canceled.
pub const TJ_ORDER_CANCELED: tj_order_status = 5;

/// Rejected.
pub const TJ_ORDER_REJECTED: tj_order_status = 6;

/// One position. Identified by its symbol within its owner (the portfolio or a sub-account).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_position {
    /// The market.
    pub symbol: tj_symbol,
    /// `TJ_SIDE_NONE` when flat
    pub side: tj_side,
    /// How much; side tells the direction
    pub quantity: tj_decimal,
    /// Whether `entry_price` is given.
    pub has_entry_price: bool,
    /// Average price of entry, when `has_entry_price`.
    pub entry_price: tj_decimal,
    /// Profit or loss of what is open.
    pub unrealized_pnl: tj_decimal,
    /// When it changed last.
    pub updated_at: tj_time,
    /// Unknown members, see the head of this file
    pub extra: tj_str,
}

/// One balance (Tesser's Cash). Identified by its currency within its owner.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_balance {
    /// The currency.
    pub currency: tj_asset,
    /// How much.
    pub quantity: tj_decimal,
    /// To the reporting currency; 1 for that one itself
    pub conversion_rate: tj_decimal,
    /// Unknown members: the text of a JSON object.
    pub extra: tj_str,
}

/// What is held at one exchange.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_sub_account {
    /// Name of the exchange; canonical lower case when loaded
    pub exchange: tj_str,
    /// Positions.
    pub positions: *mut tj_position,
    /// How many there are in `positions`.
    pub position_count: usize,
    /// Balances.
    pub balances: *mut tj_balance,
    /// How many there are in `balances`.
    pub balance_count: usize,
    /// Unknown members: the text of a JSON object.
    pub extra: tj_str,
}

/// The portfolio. Tesser keeps each position and balance twice, in the portfolio's own list and in
/// that of its sub-account; here these are two entities, each stored as it is given.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_portfolio {
    /// Any order; sorted by symbol when loaded
    pub positions: *mut tj_position,
    /// How many there are in `positions`.
    pub position_count: usize,
    /// Any order; sorted by currency when loaded
    pub balances: *mut tj_balance,
    /// How many there are in `balances`.
    pub balance_count: usize,
    /// The currency that all is reported in. Must be given
    pub reporting_currency: tj_asset,
    /// Equity at the start.
    pub initial_equity: tj_decimal,
    /// Whether `drawdown_limit` is given.
    pub has_drawdown_limit: bool,
    /// Fraction of the peak, e.g. 0.05
    pub drawdown_limit: tj_decimal,
    /// Highest equity so far.
    pub peak_equity: tj_decimal,
    /// Whether only exits are allowed.
    pub liquidate_only: bool,
    /// Any order; sorted by exchange when loaded
    pub sub_accounts: *mut tj_sub_account,
    /// How many there are in `sub_accounts`.
    pub sub_account_count: usize,
    /// Unknown members: the text of a JSON object.
    pub extra: tj_str,
}

/// What was asked of the exchange.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_order_request {
    /// The market.
    pub symbol: tj_symbol,
    /// `TJ_SIDE_BUY` or `TJ_SIDE_SELL`
    pub side: tj_side,
    /// Market, limit or stop.
    pub order_type: tj_order_type,
    /// How much.
    pub quantity: tj_decimal,
    /// Whether `price` is given.
    pub has_price: bool,
    /// The price.
    pub price: tj_decimal,
    /// Whether `trigger_price` is given.
    pub has_trigger_price: bool,
    /// Price that triggers a stop, when `has_trigger_price`.
    pub trigger_price: tj_decimal,
    /// `TJ_TIF_NONE` when not given
    pub time_in_force: tj_time_in_force,
    /// Absent when data is NULL
    pub client_order_id: tj_str,
    /// Whether `take_profit` is given.
    pub has_take_profit: bool,
    /// Price to take profit at, when `has_take_profit`.
    pub take_profit: tj_decimal,
    /// Whether `stop_loss` is given.
    pub has_stop_loss: bool,
    /// Price to stop at, when `has_stop_loss`.
    pub stop_loss: tj_decimal,
    /// Whether `display_quantity` is given.
    pub has_display_quantity: bool,
    /// Quantity to show, when `has_display_quantity`.
    pub display_quantity: tj_decimal,
    /// Unknown members: the text of a JSON object.
    pub extra: tj_str,
}

/// An order. Identified by its id within its book.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_order {
    /// 1 to `TJ_ID_SIZE_MAX` bytes
    pub id: tj_str,
    /// What was asked of the exchange.
    pub request: tj_order_request,
    /// Where it stands.
    pub status: tj_order_status,
    /// How much was filled.
    pub filled_quantity: tj_decimal,
    /// Whether `avg_fill_price` is given.
    pub has_avg_fill_price: bool,
    /// Average price of the fills, when `has_avg_fill_price`.
    pub avg_fill_price: tj_decimal,
    /// When it was created.
    pub created_at: tj_time,
    /// When it changed last.
    pub updated_at: tj_time,
    /// Unknown members: the text of a JSON object.
    pub extra: tj_str,
}

/// The last price seen of one symbol.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_price {
    /// The market.
    pub symbol: tj_symbol,
    /// The price.
    pub price: tj_decimal,
}

/// How far the runtime has processed executions (Tesser 0.9.3 and later).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_execution_checkpoint {
    /// Whether `last_timestamp` is given.
    pub has_last_timestamp: bool,
    /// Time of the last execution, when `has_last_timestamp`.
    pub last_timestamp: tj_time,
    /// In the caller's order, without duplicates
    pub exec_ids: *mut tj_str,
    /// How many there are in `exec_ids`.
    pub exec_id_count: usize,
    /// Unknown members: the text of a JSON object.
    pub extra: tj_str,
}

/// The whole snapshot of one book.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tj_live_state {
    /// Whether `portfolio_equity` is given.
    pub has_portfolio_equity: bool,
    /// Written to JSON only when set
    pub portfolio_equity: tj_decimal,
    /// Whether `portfolio` is given.
    pub has_portfolio: bool,
    /// The portfolio, when `has_portfolio`.
    pub portfolio: tj_portfolio,
    /// The order of this list is part of the data; ids are unique
    pub open_orders: *mut tj_order,
    /// How many there are in `open_orders`.
    pub open_order_count: usize,
    /// Any order; sorted by symbol when loaded
    pub last_prices: *mut tj_price,
    /// How many there are in `last_prices`.
    pub last_price_count: usize,
    /// Whether `last_candle_ts` is given.
    pub has_last_candle_ts: bool,
    /// Time of the last candle, when `has_last_candle_ts`.
    pub last_candle_ts: tj_time,
    /// Any JSON text; absent or "null" means none
    pub strategy_state: tj_str,
    /// Whether `execution_checkpoint` is given.
    pub has_execution_checkpoint: bool,
    /// The checkpoint, when `has_execution_checkpoint`.
    pub execution_checkpoint: tj_execution_checkpoint,
    /// Unknown top-level members
    pub extra: tj_str,
    /// When loaded: the newest commit this state includes, 0 before the first. Ignored when
    /// saving.
    pub sequence: u64,
}

unsafe extern "C" {
    /// Releases a state that this library returned, with everything in it.
    ///
    /// - `state`: may be NULL; never one that the caller declared itself
    ///
    /// Threads: any, one at a time per object.
    pub fn tj_live_state_free(state: *mut tj_live_state);
}
