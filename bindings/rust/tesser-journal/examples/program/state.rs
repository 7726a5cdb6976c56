// SPDX-License-Identifier: MIT OR Apache-2.0
//! States with everything in them that Tesser's types can hold, and how to compare two.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tesser_core::{
    AssetId, Cash, CashBook, ExchangeId, Order, OrderRequest, OrderStatus, OrderType, Position,
    Side, Symbol, TimeInForce,
};
use tesser_execution::StoredAlgoState;
use tesser_portfolio::{LiveState, PortfolioState, SubAccountState};
use uuid::Uuid;

/// Decimals at every edge: 28 digits after the point, the largest and the smallest, zeros with a
/// scale, trailing zeros.
const DECIMALS: [&str; 10] = [
    "64250.10",
    "0.0000000000000000000000000001",
    "7.9228162514264337593543950335",
    "79228162514264337593543950335",
    "-79228162514264337593543950335",
    "-1.2345678901234567890123456789",
    "0",
    "0.00000000",
    "1.50",
    "100.000",
];

fn decimal(n: usize) -> Decimal {
    DECIMALS[n % DECIMALS.len()].parse().expect("a decimal")
}

/// Times with nanoseconds, whole seconds, and before 1970.
fn time(n: usize) -> DateTime<Utc> {
    let nanos = [1_763_900_005_000_039_595, -1_000_000_001, 0, 1_763_900_005_120_000_000];
    DateTime::from_timestamp_nanos(nanos[n % nanos.len()] + n as i64)
}

/// A full state; every round gives another one.
pub fn full_state(round: usize) -> LiveState {
    LiveState {
        portfolio: Some(portfolio(round)),
        open_orders: every_order(round),
        last_prices: HashMap::from([
            ("binance_perp:BTCUSDT".into(), decimal(round)),
            ("bybit_linear:BTCUSDT".into(), decimal(round + 1)),
            ("BTCUSDT".into(), decimal(round + 2)),
        ]),
        last_candle_ts: Some(time(round)),
        strategy_state: Some(strategy_state(round)),
    }
}

fn portfolio(round: usize) -> PortfolioState {
    let exchanges = [
        ExchangeId::from("binance_perp"),
        ExchangeId::from("bybit_linear"),
        ExchangeId::UNSPECIFIED,
    ];
    let accounts = exchanges.map(|exchange| (exchange, sub_account(exchange, round)));
    PortfolioState {
        positions: exchanges
            .iter()
            .map(|exchange| position(Symbol::from_code(*exchange, "BTCUSDT"), round))
            .map(|position| (position.symbol, position))
            .collect(),
        balances: balances(&exchanges, round),
        reporting_currency: AssetId::from("USDT"),
        initial_equity: decimal(round),
        drawdown_limit: (round % 2 == 0).then(|| decimal(round + 1)),
        peak_equity: decimal(round + 2),
        liquidate_only: round % 3 == 0,
        sub_accounts: HashMap::from(accounts),
    }
}

fn sub_account(exchange: ExchangeId, round: usize) -> SubAccountState {
    let symbols =
        ["BTCUSDT", "ETHUSDT", "1000PEPEUSDT"].map(|code| Symbol::from_code(exchange, code));
    SubAccountState {
        exchange,
        positions: symbols
            .iter()
            .enumerate()
            .map(|(n, symbol)| (*symbol, position(*symbol, round + n)))
            .collect(),
        balances: balances(&[exchange], round),
    }
}

fn balances(exchanges: &[ExchangeId], round: usize) -> CashBook {
    let mut book = CashBook::new();
    for (n, exchange) in exchanges.iter().enumerate() {
        for code in ["USDT", "BTC"] {
            book.upsert(Cash {
                currency: AssetId::from_code(*exchange, code),
                quantity: decimal(round + n),
                conversion_rate: decimal(round + n + 3),
            });
        }
    }
    book
}

fn position(symbol: Symbol, n: usize) -> Position {
    Position {
        symbol,
        side: [Some(Side::Buy), Some(Side::Sell), None][n % 3],
        quantity: decimal(n),
        entry_price: (n % 3 != 2).then(|| decimal(n + 1)),
        unrealized_pnl: decimal(n + 5),
        updated_at: time(n),
    }
}

/// An order for every combination of side, type, time in force and status, in no particular order.
fn every_order(round: usize) -> Vec<Order> {
    let mut orders = Vec::new();
    for side in [Side::Buy, Side::Sell] {
        for order_type in [OrderType::Market, OrderType::Limit, OrderType::StopMarket] {
            for time_in_force in [
                None,
                Some(TimeInForce::GoodTilCanceled),
                Some(TimeInForce::ImmediateOrCancel),
                Some(TimeInForce::FillOrKill),
            ] {
                for status in [
                    OrderStatus::PendingNew,
                    OrderStatus::Accepted,
                    OrderStatus::PartiallyFilled,
                    OrderStatus::Filled,
                    OrderStatus::Canceled,
                    OrderStatus::Rejected,
                ] {
                    let mut order = order(orders.len(), round);
                    order.request.side = side;
                    order.request.order_type = order_type;
                    order.request.time_in_force = time_in_force;
                    order.status = status;
                    orders.push(order);
                }
            }
        }
    }
    let middle = round % orders.len();
    orders.rotate_left(middle);
    orders
}

/// One order; every other optional member is there or not by its number.
pub fn order(n: usize, round: usize) -> Order {
    let given = |bit: usize| (n + round) >> bit & 1 == 1;
    let symbol = ["binance_perp:BTCUSDT", "bybit_linear:BTCUSDT", "ETHUSDT"][n % 3];
    Order {
        id: format!("order-{n:05}"),
        request: OrderRequest {
            symbol: symbol.into(),
            side: Side::Buy,
            order_type: OrderType::Limit,
            quantity: decimal(n),
            price: given(0).then(|| decimal(n + 1)),
            trigger_price: given(1).then(|| decimal(n + 2)),
            time_in_force: Some(TimeInForce::GoodTilCanceled),
            client_order_id: given(2).then(|| format!("client-{n} \u{20ac} \"quoted\"")),
            take_profit: given(3).then(|| decimal(n + 3)),
            stop_loss: given(4).then(|| decimal(n + 4)),
            display_quantity: given(5).then(|| decimal(n + 5)),
        },
        status: OrderStatus::Accepted,
        filled_quantity: decimal(round),
        avg_fill_price: given(6).then(|| decimal(n + round)),
        created_at: time(n),
        updated_at: time(n + round),
    }
}

/// Numbers at their limits, floats whose last bit matters, nesting, text of every kind.
fn strategy_state(round: usize) -> Value {
    let mut deep = json!({"bottom": round});
    for _ in 0..200 {
        deep = json!([deep]);
    }
    json!({
        "round": round,
        "integers": [u64::MAX, i64::MIN, 0, -1],
        "floats": [0.1 + 0.2, 5e-324, f64::MAX, 1.0 / 3.0 * round as f64, -0.0],
        "text": "line\nquote\" back\\slash \u{1f980} \u{0}",
        "empty": {"": [], "null": null, "false": false},
        "deep": deep,
    })
}

/// Algorithms of a round, by their keys.
pub fn algos(round: usize) -> HashMap<Uuid, StoredAlgoState> {
    let plugins = ["TWAP", "VWAP", "ICEBERG", "SNIPER", "my-plugin"];
    let states = plugins.iter().enumerate().map(|(n, plugin)| {
        let state = StoredAlgoState {
            algo_type: (*plugin).into(),
            state: json!({"round": round, "strategy": strategy_state(round + n), "pending": n}),
        };
        (Uuid::from_u128(n as u128 + 1), state)
    });
    states.collect()
}

/// Every value of a state as text, sorted where it has no order: what two equal states share.
pub fn describe(state: &LiveState) -> Vec<String> {
    let mut lines = vec![
        format!("last_candle_ts {:?}", state.last_candle_ts),
        format!("strategy_state {:?}", state.strategy_state),
    ];
    lines.extend(sorted("last_prices", &state.last_prices));
    lines.extend(state.open_orders.iter().map(|order| format!("{order:?}")));
    if let Some(portfolio) = &state.portfolio {
        describe_portfolio(portfolio, &mut lines);
    }
    lines
}

fn describe_portfolio(portfolio: &PortfolioState, lines: &mut Vec<String>) {
    let PortfolioState {
        positions,
        balances,
        reporting_currency,
        initial_equity,
        drawdown_limit,
        peak_equity,
        liquidate_only,
        sub_accounts,
    } = portfolio;
    lines.push(format!(
        "portfolio {reporting_currency} {reporting_currency:?} {initial_equity:?} \
         {drawdown_limit:?} {peak_equity:?} {liquidate_only}"
    ));
    lines.extend(sorted("portfolio", positions));
    lines.extend(sorted("portfolio", &balances.0));
    for (exchange, account) in sub_accounts.iter().collect::<BTreeMap<_, _>>() {
        let name = format!("{exchange} {:?}", account.exchange);
        lines.extend(sorted(&name, &account.positions));
        lines.extend(sorted(&name, &account.balances.0));
    }
}

fn sorted<K: ToString, V: Debug>(of: &str, map: &HashMap<K, V>) -> Vec<String> {
    let mut lines: Vec<_> =
        map.iter().map(|(key, value)| format!("{of} {} {value:?}", key.to_string())).collect();
    lines.sort();
    lines
}
