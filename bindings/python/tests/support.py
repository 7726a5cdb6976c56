# SPDX-License-Identifier: MIT OR Apache-2.0
"""Random states, and where Tesser's own data is."""

import dataclasses
import os
import random
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from tesser_journal import (
    AlgoState,
    Balance,
    ExecutionCheckpoint,
    LedgerEntry,
    LiveState,
    Order,
    OrderRequest,
    Portfolio,
    Position,
    SubAccount,
    Time,
)

ROOT = Path(__file__).resolve().parents[3]
TESTDATA = Path(os.environ.get("TJ_TESTDATA", ROOT.parent / "shared" / "testdata" / "tesser"))
LONG = os.environ.get("TJ_LONG") == "1"
SEED = int(os.environ.get("TJ_SEED", "14"))


class Maker:
    """Makes values from one seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def decimal(self):
        digits = self.random.randrange(10 ** self.random.choice((1, 4, 9, 28, 34)))
        sign = self.random.choice(("", "", "-"))
        return Decimal(f"{sign}{digits}E-{self.random.choice((0, 0, 2, 8, 28))}")

    def number(self):
        """One that JSON shows to be no integer."""
        return Decimal(f"{self.random.randrange(-(10**9), 10**20)}.{self.random.randrange(100)}0")

    def maybe(self, make):
        return make() if self.random.random() < 0.5 else None

    def time(self):
        return Time.from_ns(self.random.randrange(-(10**18), 4 * 10**18))

    def text(self, size=12):
        alphabet = "abcXYZ019-_ äß漢🙂\"\\'\n"
        return "".join(self.random.choice(alphabet) for _ in range(self.random.randint(1, size)))

    def symbol(self):
        exchange = self.random.choice(("", "binance_perp:", "bybit_linear:"))
        return f"{exchange}COIN{self.random.randrange(10**6)}USDT"

    def json(self, depth=0):
        choice = self.random.randrange(8 if depth < 3 else 6)
        if choice == 6:
            return [self.json(depth + 1) for _ in range(self.random.randrange(4))]
        if choice == 7:
            return {self.text(): self.json(depth + 1) for _ in range(self.random.randrange(4))}
        number = self.random.randrange(-(10**25), 10**25)
        return [None, True, number, self.number(), self.text(), False][choice]

    def extra(self):
        return self.maybe(lambda: {"x_" + str(self.random.randrange(9)): self.json()})

    def position(self):
        return Position(
            self.symbol(),
            self.random.choice(("Buy", "Sell", None)),
            self.decimal(),
            self.time(),
            self.maybe(self.decimal),
            self.decimal(),
            self.extra(),
        )

    def balance(self):
        return Balance(self.symbol(), self.decimal(), self.decimal(), self.extra())

    def map(self, make, name, most=4):
        made = [make() for _ in range(self.random.randrange(most))]
        return {getattr(one, name): one for one in made}

    def sub_account(self):
        return SubAccount(
            self.random.choice(("binance_perp", "bybit_linear", "okx")),
            self.map(self.position, "symbol"),
            self.map(self.balance, "currency"),
            self.extra(),
        )

    def portfolio(self):
        return Portfolio(
            "USDT",
            self.map(self.position, "symbol"),
            self.map(self.balance, "currency"),
            self.decimal(),
            self.maybe(self.decimal),
            self.decimal(),
            self.random.random() < 0.5,
            self.map(self.sub_account, "exchange"),
            self.extra(),
        )

    def order(self):
        request = OrderRequest(
            self.symbol(),
            self.random.choice(("Buy", "Sell")),
            self.random.choice(("Market", "Limit", "StopMarket")),
            self.decimal(),
            self.maybe(self.decimal),
            self.maybe(self.decimal),
            self.random.choice(("GoodTilCanceled", "ImmediateOrCancel", "FillOrKill", None)),
            self.maybe(self.text),
            self.maybe(self.decimal),
            self.maybe(self.decimal),
            self.maybe(self.decimal),
            self.extra(),
        )
        statuses = ("PendingNew", "Accepted", "PartiallyFilled", "Filled", "Canceled", "Rejected")
        return Order(
            f"{self.random.getrandbits(64):x}",
            request,
            self.random.choice(statuses),
            self.time(),
            self.time(),
            self.decimal(),
            self.maybe(self.decimal),
            self.extra(),
        )

    def checkpoint(self):
        ids = [f"{self.random.getrandbits(60):x}" for _ in range(self.random.randrange(4))]
        return ExecutionCheckpoint(self.maybe(self.time), ids, self.extra())

    def state(self):
        return LiveState(
            portfolio=self.maybe(self.portfolio),
            open_orders=[self.order() for _ in range(self.random.randrange(5))],
            last_prices={self.symbol(): self.decimal() for _ in range(self.random.randrange(5))},
            last_candle_ts=self.maybe(self.time),
            strategy_state=self.maybe(self.json),
            execution_checkpoint=self.maybe(self.checkpoint),
            portfolio_equity=self.maybe(self.decimal),
            extra=self.extra(),
        )

    def entry(self):
        return LedgerEntry(
            UUID(int=self.random.getrandbits(128)),
            self.time(),
            "binance",
            self.symbol(),
            self.decimal(),
            self.random.choice(("fee", "funding", "trade_realized_pnl", "adjustment")),
            self.random.choice(("", self.text())),
            self.maybe(self.json),
        )

    def algo(self):
        return AlgoState("TWAP", self.json())


def exact(value):
    """A value as text, in which 1.5 and 1.50 differ; maps in the order of their keys."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {exact(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(exact, value)) + "]"
    if dataclasses.is_dataclass(value):
        members = ((one.name, getattr(value, one.name)) for one in dataclasses.fields(value))
        return f"{type(value).__name__}({', '.join(f'{k}={exact(v)}' for k, v in members)})"
    return repr(value)
