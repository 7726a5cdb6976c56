# SPDX-License-Identifier: MIT OR Apache-2.0
"""Figures of a book, for reports and notebooks. Needs matplotlib.

Each function gives a matplotlib Figure of 10 x 6 inches: `equity(book).savefig("equity.png")`. A figure
of nothing says so. Here, and only here, amounts become floats: to be drawn.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Dict, List, Optional, Tuple

try:
    from matplotlib.axes import Axes
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.figure import Figure
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "figures need matplotlib: pip install matplotlib", name=error.name
    ) from error

from ._book import Book
from ._values import Change, Moment, Position, Time

# Told apart by who does not see red and green, too (Okabe and Ito).
_BLUE, _ORANGE, _GREEN, _RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
_COLORS = (_BLUE, _ORANGE, _GREEN, _RED, "#CC79A7", "#56B4E9")
_STATUS_COLORS = {
    "PendingNew": "#999999",
    "Accepted": _BLUE,
    "PartiallyFilled": _ORANGE,
    "Filled": _GREEN,
    "Canceled": _RED,
    "Rejected": "#000000",
}


def _figure(rows: int = 1, heights: Tuple[int, ...] = (1,)) -> Tuple[Figure, List[Axes]]:
    figure = Figure(figsize=(10, 6), dpi=100, layout="constrained")
    axes = figure.subplots(rows, 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for one in axes:
        one.grid(True, color="#dddddd", linewidth=0.6)
        one.set_axisbelow(True)
        one.spines[["top", "right"]].set_visible(False)
    return figure, list(axes)


def _dates(axes: Axes) -> None:
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set_xlabel("time (UTC)")


def _legend(axes: Axes) -> None:
    """Above the axes, where it covers nothing."""
    _, labels = axes.get_legend_handles_labels()
    if labels:
        columns = min(len(labels), 6)
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=columns, frameon=False)


def _nothing(axes: Axes, what: str) -> None:
    axes.text(0.5, 0.5, what, transform=axes.transAxes, ha="center", va="center", color="#777777")


def _days(time: Time) -> float:
    """Days since 1970, as matplotlib counts."""
    return time.ns / 86_400e9


def _name(book: Book) -> str:
    return book.name or "default"


def _currency(book: Book, at: Moment = None) -> str:
    portfolio = book.at(at).portfolio if at is not None else book.load().portfolio
    return portfolio.reporting_currency if portfolio else "reporting currency"


def equity(book: Book, first: Moment = None, last: Moment = None) -> Figure:
    """The equity and its peak over time, and the drawdown below the peak, in per cent."""
    points = book.equity(first, last)
    figure, (top, bottom) = _figure(2, (3, 1))
    top.set_title(f"Equity and drawdown, book {_name(book)}", loc="left", fontweight="bold")
    top.set_ylabel(f"equity ({_currency(book)})")
    bottom.set_ylabel("drawdown (%)")
    if not points:
        _nothing(top, "no commit has an equity")
        return figure
    times = [_days(point.time) for point in points]
    peak = [float(point.peak) for point in points]
    top.step(times, peak, where="post", color="#999999", linewidth=1, linestyle="--", label="peak")
    value = [float(point.equity) for point in points]
    top.step(times, value, where="post", color=_BLUE, linewidth=1.6, label="equity")
    fallen = [-100 * float(point.drawdown) for point in points]
    bottom.fill_between(times, fallen, 0, step="post", color=_RED, alpha=0.5, linewidth=0)
    worst = min(range(len(fallen)), key=lambda index: fallen[index])
    if fallen[worst] < 0:
        bottom.plot([times[worst]], [fallen[worst]], "v", color=_RED, label=f"deepest {fallen[worst]:.2f} %")
        bottom.set_ylim(fallen[worst] * 1.25, 0)
    for axes in (top, bottom):
        _legend(axes)
    _dates(bottom)
    return figure


def exposure(book: Book, at: Moment = None) -> Figure:
    """What is held at each venue: long and short, at the last prices (without one: the entry prices)."""
    state = book.load() if at is None else book.at(at)
    figure, [axes] = _figure()
    axes.set_title(f"Exposure by venue, book {_name(book)}", loc="left", fontweight="bold")
    axes.set_xlabel(f"value of positions ({_currency(book, at)})")
    held: Dict[str, List[Decimal]] = {}

    def add(venue: str, position: Position) -> None:
        price = state.last_prices.get(position.symbol) or position.entry_price or Decimal(0)
        value = abs(position.quantity) * price
        sums = held.setdefault(venue, [Decimal(0), Decimal(0)])
        sums[position.side == "Sell"] += value

    if state.portfolio:
        accounts = state.portfolio.sub_accounts
        for name, account in accounts.items():
            for position in account.positions.values():
                add(name, position)
        # Tesser keeps each position in the portfolio too; without accounts the symbols name venues.
        for position in () if accounts else state.portfolio.positions.values():
            venue, _, code = position.symbol.rpartition(":")
            add(venue or "no venue", position)
    if not held:
        _nothing(axes, "no positions")
        return figure
    venues = sorted(held)
    for index, (label, sign, color) in enumerate((("long", 1, _BLUE), ("short", -1, _ORANGE))):
        values = [sign * float(held[venue][index]) for venue in venues]
        axes.barh(venues, values, 0.6, color=color, label=label)
    axes.axvline(0, color="#333333", linewidth=0.8)
    axes.grid(False, axis="y")
    axes.ticklabel_format(axis="x", style="plain")
    _legend(axes)
    return figure


def ledger(book: Book, asset: Optional[str] = None) -> Figure:
    """What was booked of one asset, added up over time, a line for each type.

    Args:
        asset: None: the one with most entries.
    """
    entries = book.ledger.find(asset=asset, by_time=True)
    if asset is None and entries:
        names = [entry.asset for entry in entries]
        asset = max(sorted(set(names)), key=names.count)
        entries = [entry for entry in entries if entry.asset == asset]
    figure, [axes] = _figure()
    axes.set_title(f"Ledger by type, book {_name(book)}", loc="left", fontweight="bold")
    axes.set_ylabel(f"booked, added up ({asset or 'nothing'})")
    if not entries:
        _nothing(axes, "no entries")
        return figure
    lines: Dict[str, Tuple[List[float], List[float]]] = {}
    sums: Dict[str, Decimal] = {}
    for entry in entries:
        sums[entry.type] = sums.get(entry.type, Decimal(0)) + entry.amount
        times, values = lines.setdefault(entry.type, ([], []))
        times.append(_days(entry.time))
        values.append(float(sums[entry.type]))
    end = _days(entries[-1].time)
    for color, (kind, (times, values)) in zip(_COLORS, sorted(lines.items())):
        label = kind.replace("_", " ")
        axes.step([*times, end], [*values, values[-1]], where="post", color=color, linewidth=1.5, label=label)
    axes.axhline(0, color="#333333", linewidth=0.8)
    _legend(axes)
    _dates(axes)
    return figure


def orders(book: Book, first: Moment = None, last: Moment = None, most: int = 40) -> Figure:
    """The lives of the newest orders, one line each, coloured by status, as the history has them."""
    lives: Dict[str, List[Tuple[float, Optional[str]]]] = {}
    end: Optional[float] = None
    for commit in book.history(first, last, kinds=["order"]):
        end = _days(commit.time)
        for change in commit.changes:
            if not change.moved:
                lives.setdefault(change.key, []).append((end, _status(change)))
    shown = list(lives.items())[-most:]
    figure, [axes] = _figure()
    more = f", the newest {most} of {len(lives)}" if len(lives) > most else ""
    axes.set_title(f"Orders, book {_name(book)}{more}", loc="left", fontweight="bold")
    axes.set_ylabel("order")
    if end is None:
        _nothing(axes, "no orders")
        return figure
    labelled = set()
    for row, (_, life) in enumerate(shown):
        for (start, status), (stop, _) in zip(life, [*life[1:], (end, None)]):
            if status is not None:
                label = None if status in labelled else status
                labelled.add(status)
                axes.plot([start, stop], [row, row], color=_STATUS_COLORS[status], linewidth=4, label=label)
    axes.set_yticks(range(len(shown)), [id if len(id) <= 16 else id[:15] + "…" for id, _ in shown])
    axes.tick_params(axis="y", labelsize=7 if len(shown) > 20 else 9)
    axes.set_ylim(-0.7, max(len(shown) - 0.3, 1))
    axes.grid(False, axis="y")
    _legend(axes)
    _dates(axes)
    return figure


def _status(change: Change) -> Optional[str]:
    return change.new_value["status"] if change.new_value is not None else None
