# SPDX-License-Identifier: MIT OR Apache-2.0
"""A bot in the manner of freqtrade: enter, wait, exit; its trades survive kill -9.

    python bot.py ./journal 100        trades until 100 trades are closed; run it again after any end

Each step is one commit, and names what it did before it is done: the intent to order is durable before
the exchange hears of it, under an id that is never given twice. So whatever kills the bot, when it comes
back it knows which orders may be out there, asks the exchange about them, and goes on. The exchange
here is a file that remembers orders, as exchanges do.
"""

import json
import sys
from decimal import Decimal
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import tesser_journal
from tesser_journal import LedgerEntry, Order, OrderRequest, Portfolio, Position, Time

SYMBOL = "paper:BTCUSDT"
SIZE = Decimal("0.010")
FEE_RATE = Decimal("0.001")


class Exchange:
    """Fills every order at once, at a price that its id decides; an id is filled once, however often it
    is sent."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def place(self, order: Order) -> Decimal:
        with self._file.open("a+") as file:
            file.seek(0)
            for line in file:
                fill = json.loads(line)
                if fill["id"] == order.id:
                    return Decimal(fill["price"])
            price = Decimal(60_000 + sum(order.id.encode()) * 7 % 500)
            fill = {"id": order.id, "side": order.request.side, "price": str(price)}
            file.write(json.dumps(fill) + "\n")
        return price


class Bot:
    def __init__(self, journal: tesser_journal.Journal, exchange: Exchange) -> None:
        self.journal = journal
        self.exchange = exchange
        self.book = journal.book()

    def recover(self) -> None:
        """Settles what a kill left open: intents whose fill was not booked."""
        if self.book.load().portfolio is None:
            with self.journal.transaction(note="begin") as t:
                t.put_portfolio(Portfolio("USDT", initial_equity=Decimal("1000.00")))
                t.set_portfolio_equity(Decimal("1000.00"))
        for order in self.book.load().open_orders:
            self.settle(order)

    def step(self) -> None:
        """Enters when flat, exits when not."""
        portfolio = self.book.load().portfolio
        assert portfolio is not None
        side = "Sell" if SYMBOL in portfolio.positions else "Buy"
        [number] = self.book.reserve("client_order_id")
        now = Time.utcnow()
        request = OrderRequest(SYMBOL, side, "Market", SIZE)
        order = Order(f"bot-{number}", request, "PendingNew", now, now)
        with self.journal.transaction(note="intent") as t:
            t.put_order(order)
        self.settle(order)

    def settle(self, order: Order) -> None:
        """Sends an order, again if it must be, and books its fill."""
        price = self.exchange.place(order)
        state = self.book.load()
        assert state.portfolio is not None and state.portfolio_equity is not None
        fee = price * SIZE * FEE_RATE
        profit = Decimal(0)
        with self.journal.transaction(note="fill") as t:
            t.delete_order(order.id)
            t.ledger.append(entry(order.id, -fee, "fee"))
            if order.request.side == "Buy":
                t.put_position(Position(SYMBOL, "Buy", SIZE, Time.utcnow(), entry_price=price))
            else:
                entered = state.portfolio.positions[SYMBOL].entry_price
                assert entered is not None
                profit = (price - entered) * SIZE
                t.delete_position(SYMBOL)
                t.ledger.append(entry(order.id, profit, "trade_realized_pnl"))
            t.put_price(SYMBOL, price)
            t.set_portfolio_equity(state.portfolio_equity + profit - fee)


def entry(order_id: str, amount: Decimal, kind: str) -> LedgerEntry:
    """Its id comes from what is booked: twice is refused."""
    id = uuid5(NAMESPACE_URL, f"{order_id}/{kind}")
    return LedgerEntry(id, Time.utcnow(), "paper", "USDT", amount, kind, order_id)  # type: ignore


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    path, trades = Path(sys.argv[1]), int(sys.argv[2])
    with tesser_journal.open(path) as journal:
        bot = Bot(journal, Exchange(path.with_suffix(".exchange")))
        bot.recover()
        while len(bot.book.ledger.find(type="trade_realized_pnl")) < trades:
            bot.step()
        print(f"{trades} trades, equity {bot.book.load().portfolio_equity} USDT")


if __name__ == "__main__":
    main()
