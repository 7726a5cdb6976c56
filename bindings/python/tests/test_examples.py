# SPDX-License-Identifier: MIT OR Apache-2.0
"""The examples: a bot that is killed again and again, a strategy with asyncio, a notebook beside a bot."""

import contextlib
import io
import json
import os
import random
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest
from support import LONG, SEED

import tesser_journal

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def run(name, *arguments, **options):
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)


@pytest.mark.parametrize("name", ["bot.py", "strategy.py"])
def test_without_arguments_they_say_how(name):
    said = run(name, stderr=subprocess.PIPE).communicate(timeout=120)[1]
    assert f"python {name} ./journal" in said


def test_the_bot_survives_kills(path):
    """Every fill of the exchange is booked exactly once, and the sums agree."""
    choose = random.Random(SEED)
    trades, kills = (200, 100) if LONG else (12, 4)
    for _ in range(kills):
        bot = run("bot.py", path, trades)
        time.sleep(0.15 + choose.random() * 0.1)
        bot.kill()
        bot.communicate()
    assert "trades, equity" in run("bot.py", path, trades).communicate(timeout=300)[0]
    fills = [json.loads(line) for line in path.with_suffix(".exchange").read_text().splitlines()]
    with tesser_journal.open(path, read_only=True) as journal:
        book = journal.book()
        state, entries = book.load(), list(book.ledger)
        equities = [point.equity for point in book.equity()]
    assert state.open_orders == []
    assert len(fills) == 2 * trades == len({fill["id"] for fill in fills})
    assert sorted(entry.reference for entry in entries if entry.type == "fee") == sorted(
        fill["id"] for fill in fills
    )
    signs = {"Buy": -1, "Sell": 1}
    profit = sum(signs[fill["side"]] * Decimal(fill["price"]) for fill in fills) * Decimal("0.010")
    assert sum(entry.amount for entry in entries if entry.type == "trade_realized_pnl") == profit
    assert state.portfolio_equity == 1000 + sum(entry.amount for entry in entries) == equities[-1]


def test_the_strategy(path):
    told = run("strategy.py", path, 12).communicate(timeout=120)[0].splitlines()
    with tesser_journal.open(path) as journal:
        state = journal.book().load()
        assert len(journal.book().algos) == 16 == len(state.last_prices)
        assert told[-1].startswith(f"{len(state.open_orders)} orders of 16 symbols")
        assert len(told) - 1 == len(state.open_orders)


def test_the_notebook(path, monkeypatch):
    """Its cells, beside a bot that runs; what they print is what the journal holds."""
    pytest.importorskip("matplotlib")
    pytest.importorskip("pyarrow")
    run("bot.py", path, 6).communicate(timeout=120)
    bot = run("bot.py", path, 100_000)
    try:
        monkeypatch.setenv("TESSER_JOURNAL_PATH", os.fspath(path))
        cells = json.loads((EXAMPLES / "look.ipynb").read_text())["cells"]
        names, out = {}, io.StringIO()
        with contextlib.redirect_stdout(out):
            for cell in cells:
                if cell["cell_type"] == "code":
                    exec("".join(cell["source"]), names)  # noqa: S102
    finally:
        bot.kill()
        bot.communicate()
    lines = out.getvalue().splitlines()
    state = names["state"]
    assert lines[0] == f"commit {state.sequence}, equity {state.portfolio_equity} USDT"
    sums = {line.split(":")[0]: Decimal(line.split()[1]) for line in lines[1:3]}
    with tesser_journal.open(path, read_only=True) as journal:
        booked = names["ledger"].num_rows
        for kind, amount in sums.items():
            entries = journal.book().ledger.find(type=kind, sequence_last=booked)
            assert amount == sum(entry.amount for entry in entries)
    assert set(sums) == {"fee", "trade_realized_pnl"}
    assert lines[-1].endswith(f"now {state.portfolio_equity}")
    assert names["equity"].axes[0].get_title("left") and names["booked"].axes[0].get_title("left")
