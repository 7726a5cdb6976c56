#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Makes a database by freqtrade's own code and prints it as SQL: how freqtrade.sql came to be.

Usage: make_freqtrade.py >freqtrade.sql, in an environment with freqtrade.
"""

import sqlite3
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

from freqtrade.enums import TradingMode
from freqtrade.persistence import KeyValueStore, Order, PairLocks, Trade, init_db

START = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=timezone.utc)


def order(trade, number, side, price, amount, filled=None, is_open=False, kind="limit", **more):
    when = trade.open_date + timedelta(minutes=number * 7)
    filled = amount if filled is None else filled
    made = Order(
        ft_order_side=side,
        ft_pair=trade.pair,
        ft_is_open=is_open,
        ft_amount=amount,
        ft_price=price,
        order_id=f"ft-{trade.pair}-{number}-{side}",
        status="open" if is_open else "closed",
        symbol=trade.pair,
        order_type=kind,
        side="buy" if (side in ("buy",)) else "sell",
        price=price,
        average=price if filled else None,
        amount=amount,
        filled=filled,
        remaining=amount - filled,
        cost=price * filled,
        order_date=when,
        order_filled_date=None if is_open else when + timedelta(seconds=3),
        **more,
    )
    trade.orders.append(made)


def trade(pair, price, amount, hours, **more):
    made = Trade(
        exchange="binance",
        pair=pair,
        stake_currency="USDT",
        base_currency=pair.split("/")[0],
        fee_open=0.001,
        fee_close=0.001,
        open_rate=price,
        stake_amount=price * amount,
        amount=amount,
        open_date=START + timedelta(hours=hours),
        strategy="Sample",
        **{"trading_mode": TradingMode.SPOT, "leverage": 1.0, "is_short": False, "is_open": True, **more},
    )
    made.recalc_open_trade_value()
    Trade.session.add(made)
    return made


def main():
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "tradesv3.sqlite"
        init_db(f"sqlite:///{file}")
        for number in range(12):  # closed by their own exits
            closed = trade(f"COIN{number}/USDT", 10.1 + number / 7, 3.7 + number / 3, number)
            order(closed, 0, "buy", closed.open_rate, closed.amount)
            rate = closed.open_rate * (1.03 if number % 3 else 0.98)
            order(closed, 1, "sell", rate, closed.amount)
            closed.close_date = START + timedelta(hours=number, minutes=9)
            closed.exit_reason = "roi" if number % 3 else "stop_loss"
            closed.close(rate)
        held = trade("ETH/USDT", 2512.37, 0.4, 20)
        order(held, 0, "buy", 2512.37, 0.4)
        order(held, 1, "sell", 2600.5, 0.4, filled=0.1, is_open=True)
        stopped = trade("BTC/USDT", 64000.1, 0.015, 21)
        order(stopped, 0, "buy", 64000.1, 0.015, kind="market")
        order(stopped, 1, "stoploss", 60800.0, 0.015, 0.0, True, "stop_loss_limit", stop_price=60800.0)
        partly = trade("SOL/USDT", 150.25, 20.0, 22)
        order(partly, 0, "buy", 150.25, 20.0)
        order(partly, 1, "sell", 155.5, 5.0)
        partly.recalc_trade_from_orders()
        short = trade(
            "XRP/USDT:USDT", 0.5123, 1000.0, 23, is_short=True, leverage=3.0, trading_mode=TradingMode.FUTURES
        )
        order(short, 0, "sell", 0.5123, 1000.0)
        Trade.commit()
        held.set_custom_data("entry", {"signal": 0.1, "candles": [1, 2, 3]})
        PairLocks.timeframe = "5m"
        PairLocks.lock_pair("ADA/USDT", START + timedelta(days=1), "cooldown", now=START)
        KeyValueStore.store_value("bot_start_time", START)
        Trade.commit()
        Trade.session.remove()
        with sqlite3.connect(file) as connection:
            print("\n".join(connection.iterdump()))


if __name__ == "__main__":
    main()
