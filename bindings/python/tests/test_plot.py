# SPDX-License-Identifier: MIT OR Apache-2.0
"""Figures: titles, units, and legends that cover nothing, at 1,000 x 600."""

import dataclasses
import os
import random
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

import tesser_journal
from tesser_journal import LedgerEntry, Order, OrderRequest, Portfolio, Position, Time

pytest.importorskip("matplotlib")
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402

from tesser_journal import plot  # noqa: E402

KEPT = os.environ.get("TJ_PLOTS")  # a directory, to look at them


@pytest.fixture
def traded(on_disk):
    choose = random.Random(3)
    equity, now = Decimal("10000.00"), Time.utcnow()
    kinds = ("trade_realized_pnl", "fee", "funding")
    with on_disk.transaction() as t:
        t.put_portfolio(Portfolio("USDT", initial_equity=equity))
        for venue in ("binance_perp", "bybit_linear", "okx"):
            for side, code in (("Buy", "BTCUSDT"), ("Sell", "ETHUSDT")):
                size = Decimal(choose.randrange(1, 9))
                position = Position(f"{venue}:{code}", side, size, now, Decimal(500))
                t.put_position(position, venue)
    for number in range(60):
        equity += Decimal(choose.randrange(-9000, 10000)) / 100
        request = OrderRequest("binance_perp:BTCUSDT", "Buy", "Limit", Decimal(1), price=Decimal(500))
        order = Order(f"order-{number // 3}", request, "PendingNew", now, now)
        with on_disk.transaction() as t:
            t.set_portfolio_equity(equity)
            status = ("PendingNew", "Accepted", "Filled")[number % 3]
            t.put_order(dataclasses.replace(order, status=status))
            kind = kinds[number % 3]
            amount = Decimal(choose.randrange(-300, 500 if kind == "trade_realized_pnl" else 10)) / 100
            time = Time.from_ns(now.ns + number * 3600 * 10**9)
            t.ledger.append(LedgerEntry(UUID(int=number), time, "okx", "USDT", amount, kind))
        if number % 5 == 4:
            with on_disk.transaction() as t:
                t.delete_order(f"order-{number // 6}")
    return on_disk.book()


@pytest.mark.parametrize("kind", ["equity", "exposure", "ledger", "orders"])
def test_figures(traded, kind, tmp_path):
    figure = getattr(plot, kind)(traded)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    assert canvas.get_width_height() == (1000, 600)
    renderer = canvas.get_renderer()
    assert figure.axes[0].get_title("left")
    whole = figure.bbox
    for axes in figure.axes:
        assert "(" in axes.get_ylabel() + axes.get_xlabel(), "a unit"
        parts = [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label]
        boxes = [part.get_window_extent(renderer) for part in parts if part.get_text()]
        legend = axes.get_legend()
        if legend is not None:
            box = legend.get_window_extent(renderer)
            assert not any(box.overlaps(other) for other in boxes), "the legend covers a text"
            assert box.y0 >= axes.bbox.y1 - 1, "the legend covers the data"
            boxes.append(box)
        for box in boxes:
            assert whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1
    assert figure.axes[0].get_legend() is not None
    figure.savefig(Path(KEPT or tmp_path) / f"{kind}.png")


def test_figures_of_nothing(on_disk):
    for kind in ("equity", "exposure", "ledger", "orders"):
        figure = getattr(plot, kind)(on_disk.book())
        FigureCanvasAgg(figure).draw()
        assert [text.get_text() for text in figure.axes[0].texts][0].startswith("no ")
    with tesser_journal.memory() as journal, pytest.raises(tesser_journal.UnsupportedError):
        plot.equity(journal.book())


def test_without_matplotlib_it_says_what_to_install():
    program = "import sys; sys.modules['matplotlib'] = None; from tesser_journal import plot"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "pip install matplotlib" in done.stderr
