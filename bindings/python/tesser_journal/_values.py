# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is stored, as Python values: Tesser's LiveState and what belongs to it.

All are dataclasses. Amounts are decimal.Decimal and keep their digits, trailing zeros too; times are
Time (UTC, nanoseconds); symbols and assets are texts like "binance_perp:BTCUSDT" or "USDT". Choices
are spelled as in Tesser's JSON. `extra` holds members of Tesser's JSON that this version does not
know: None keeps what is stored beside the same entity, {} removes it.
"""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Dict, List, Literal, Optional, Union
from uuid import UUID

from ._json import Json

if TYPE_CHECKING:
    from dataclasses import dataclass as value
elif sys.version_info >= (3, 10):  # slots: a misspelt attribute is an error
    value = partial(dataclasses.dataclass, slots=True)
else:
    value = dataclasses.dataclass

# A moment of the past: a commit's sequence, a time, or either as text; None is the newest commit.
Moment = Union[None, int, datetime, str]

Side = Literal["Buy", "Sell"]
OrderType = Literal["Market", "Limit", "StopMarket"]
TimeInForce = Literal["GoodTilCanceled", "ImmediateOrCancel", "FillOrKill"]
OrderStatus = Literal[
    "PendingNew", "Accepted", "PartiallyFilled", "Filled", "Canceled", "Rejected"
]
LedgerType = Literal[
    "trade_realized_pnl", "fee", "funding", "transfer_in", "transfer_out", "adjustment"
]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


class Time(datetime):
    """A point in time: a datetime in UTC that also knows its nanoseconds.

    Adding a timedelta keeps the nanoseconds; other arithmetic is datetime's and rounds down to
    microseconds. Comparisons are exact to the nanosecond.
    """

    __slots__ = ("_ns",)
    _ns: int

    @classmethod
    def from_ns(cls, ns: int) -> Time:
        """From nanoseconds since 1970-01-01T00:00:00Z."""
        moment = _EPOCH + timedelta(microseconds=ns // 1000)
        made = cls.combine(moment.date(), moment.time(), timezone.utc)
        made._ns = ns
        return made

    @classmethod
    def of(cls, moment: datetime) -> Time:
        """From any datetime with a time zone."""
        return cls.from_ns(to_ns(moment))

    @staticmethod
    def parse(text: str) -> Time:
        """Reads RFC 3339, with any offset. Raises InvalidError."""
        from . import _native

        return _native.time_parse(text)

    @classmethod
    def utcnow(cls) -> Time:
        """The system's clock, to the nanosecond."""
        import time

        return cls.from_ns(time.time_ns())

    @property
    def ns(self) -> int:
        """Nanoseconds since 1970-01-01T00:00:00Z."""
        return to_ns(self)

    def __add__(self, other: timedelta) -> Time:
        return Time.from_ns(self.ns + (other // _MICROSECOND) * 1000)

    def __radd__(self, other: timedelta) -> Time:
        return self + other

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, timedelta):
            return self + -other
        return datetime.__sub__(self, other)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, datetime) and _aware(other) and self.ns == to_ns(other)

    __hash__ = datetime.__hash__

    def __lt__(self, other: date) -> bool:
        return self.ns < to_ns(other) if isinstance(other, datetime) else NotImplemented

    def __le__(self, other: date) -> bool:
        return self.ns <= to_ns(other) if isinstance(other, datetime) else NotImplemented

    def __gt__(self, other: date) -> bool:
        return self.ns > to_ns(other) if isinstance(other, datetime) else NotImplemented

    def __ge__(self, other: date) -> bool:
        return self.ns >= to_ns(other) if isinstance(other, datetime) else NotImplemented

    def __reduce_ex__(self, protocol: Any) -> Any:
        return Time.from_ns, (self.ns,)

    def __str__(self) -> str:
        """RFC 3339 in UTC, with 0, 3, 6 or 9 digits behind the point, as few as needed."""
        seconds, fraction = divmod(self.ns, 10**9)
        text = f".{fraction:09}"
        while text.endswith("000"):
            text = text[:-3]
        whole = (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None)
        return f"{datetime.isoformat(whole)}{text.rstrip('.')}Z"

    def __repr__(self) -> str:
        return f"Time({str(self)!r})"


def _aware(moment: datetime) -> bool:
    return moment.tzinfo is not None


def to_ns(moment: object) -> int:
    """Nanoseconds since the epoch of a datetime with a time zone; an int is that already."""
    if isinstance(moment, Time):
        try:
            return moment._ns
        except AttributeError:
            pass
    if isinstance(moment, int) and not isinstance(moment, bool):
        return moment
    if not isinstance(moment, datetime):
        raise TypeError(f"datetime is needed, not {type(moment).__name__}")
    if not _aware(moment):
        raise ValueError(f"{datetime.isoformat(moment)} has no time zone; give it tzinfo=timezone.utc")
    return (datetime.__sub__(moment, _EPOCH) // _MICROSECOND) * 1000


ZERO = Decimal(0)


@value
class Position:
    """What is held of one symbol. `side` is None when flat."""

    symbol: str
    side: Optional[Side]
    quantity: Decimal
    updated_at: Time
    entry_price: Optional[Decimal] = None
    unrealized_pnl: Decimal = ZERO
    extra: Json = None


@value
class Balance:
    """Cash in one currency. `conversion_rate` is to the portfolio's reporting currency."""

    currency: str
    quantity: Decimal
    conversion_rate: Decimal = Decimal(1)
    extra: Json = None


@value
class SubAccount:
    """What is held at one exchange; positions by symbol, balances by currency."""

    exchange: str
    positions: Dict[str, Position] = field(default_factory=dict)
    balances: Dict[str, Balance] = field(default_factory=dict)
    extra: Json = None


@value
class Portfolio:
    """The portfolio. `drawdown_limit` is a fraction of the peak, e.g. Decimal("0.05")."""

    reporting_currency: str
    positions: Dict[str, Position] = field(default_factory=dict)
    balances: Dict[str, Balance] = field(default_factory=dict)
    initial_equity: Decimal = ZERO
    drawdown_limit: Optional[Decimal] = None
    peak_equity: Decimal = ZERO
    liquidate_only: bool = False
    sub_accounts: Dict[str, SubAccount] = field(default_factory=dict)
    extra: Json = None


@value
class OrderRequest:
    """What was asked of the exchange."""

    symbol: str
    side: Side
    order_type: OrderType
    quantity: Decimal
    price: Optional[Decimal] = None
    trigger_price: Optional[Decimal] = None
    time_in_force: Optional[TimeInForce] = None
    client_order_id: Optional[str] = None
    take_profit: Optional[Decimal] = None
    stop_loss: Optional[Decimal] = None
    display_quantity: Optional[Decimal] = None
    extra: Json = None


@value
class Order:
    """An order; its id is its own within the book."""

    id: str
    request: OrderRequest
    status: OrderStatus
    created_at: Time
    updated_at: Time
    filled_quantity: Decimal = ZERO
    avg_fill_price: Optional[Decimal] = None
    extra: Json = None


@value
class ExecutionCheckpoint:
    """How far the runtime has processed executions."""

    last_timestamp: Optional[Time] = None
    exec_ids: List[str] = field(default_factory=list)
    extra: Json = None


@value
class LiveState:
    """The whole snapshot of one book.

    The order of `open_orders` is part of the data. `sequence`: when loaded, the newest commit that
    the state includes, 0 before the first; ignored when saving.
    """

    portfolio: Optional[Portfolio] = None
    open_orders: List[Order] = field(default_factory=list)
    last_prices: Dict[str, Decimal] = field(default_factory=dict)
    last_candle_ts: Optional[Time] = None
    strategy_state: Json = None
    execution_checkpoint: Optional[ExecutionCheckpoint] = None
    portfolio_equity: Optional[Decimal] = None
    extra: Json = None
    sequence: int = 0

    def order(self, id: str) -> Optional[Order]:
        """The open order with that id, or None."""
        return next((order for order in self.open_orders if order.id == id), None)

    def as_dict(self) -> Dict[str, Any]:
        """The state as nested dicts and lists; the values in them stay as they are."""
        return dataclasses.asdict(self)

    def to_json(self) -> str:
        """The state in Tesser's JSON."""
        from . import _native

        return _native.state_to_json(self)

    @staticmethod
    def from_json(text: str) -> LiveState:
        """Reads Tesser's JSON. Raises InvalidError with line and column."""
        from . import _native

        return _native.state_from_json(text)


@value
class AlgoState:
    """State of one running algorithm: its plugin's name, e.g. "TWAP", and any JSON value."""

    plugin: str
    payload: Json


@value
class LedgerEntry:
    """One movement of money; `amount` is positive into the account.

    `id` is its own in the book: a second entry under it is refused, so a fill that is reported twice
    is booked once. `sequence` 0 when appending: the next number.
    """

    id: UUID
    time: Time
    exchange: str
    asset: str
    amount: Decimal
    type: LedgerType
    reference: str = ""
    meta: Json = None
    sequence: int = 0


@value
class EquityPoint:
    """The equity that one commit left; `drawdown` is a fraction of the peak so far."""

    sequence: int
    time: Time
    equity: Decimal
    peak: Decimal
    drawdown: Decimal


@value
class Change:
    """One entity that a commit changed, or that two moments differ in.

    `kind` as in the program's output: "order", "position", "balance", "ledger", "algo", ...;
    `owner` is the sub-account of a position or balance, "" for the portfolio's own. Values are JSON;
    None: it was not there, or is gone.
    """

    kind: str
    book: str
    owner: str
    key: str
    moved: bool
    old_value: Json
    new_value: Json


@value
class Commit:
    """A commit as it was made, with the changes that were asked for."""

    sequence: int
    time: Time
    epoch: int
    commit_id: Optional[UUID]
    note: str
    changes: List[Change]


@value
class Rollback:
    """What a rollback did, or would do. `sequence` 0: a dry run, or nothing was different."""

    sequence_to: int
    sequence: int
    changes: List[Change]
    checkpoint_back: bool
