# SPDX-License-Identifier: MIT OR Apache-2.0
"""The past: states after any commit, differences, the equity curve, going back."""

from decimal import Decimal
from uuid import UUID

import pytest
from support import Maker, exact

import tesser_journal
from tesser_journal import AlgoState, Time


@pytest.fixture
def lived(on_disk):
    maker = Maker(3)
    states = []
    for number in range(30):
        state = maker.state()
        state.portfolio_equity = Decimal(f"{1000 + (number * 37) % 100}.50")
        with on_disk.transaction(note=f"step {number}", commit_id=UUID(int=number + 1)) as t:
            t.put_state(state)
            t.algos[UUID(int=number % 3)] = AlgoState("TWAP", number)
            t.ledger.append(maker.entry())
        states.append(on_disk.book().load())
    return on_disk, states


def test_every_state_of_the_past(lived):
    journal, states = lived
    book = journal.book()
    for state in states:
        assert exact(book.at(state.sequence)) == exact(state)
        assert exact(book.at(str(state.sequence))) == exact(state)
    commits = list(journal.history())
    for commit in commits:
        assert book.at(commit.time).sequence >= commit.sequence
    assert exact(book.at(None)) == exact(states[-1])
    assert book.algos.load(at=3) == {UUID(int=n): AlgoState("TWAP", n) for n in range(3)}
    assert len(book.ledger.find(at=7)) == 7
    with pytest.raises(tesser_journal.NotFoundError, match="31"):
        book.at(31)
    with pytest.raises(tesser_journal.NotFoundError):
        book.at(Time.from_ns(0))


def test_commits(lived):
    journal, _ = lived
    commits = list(journal.history())
    assert [commit.sequence for commit in commits] == list(range(1, 31))
    assert commits[4].note == "step 4" and commits[4].commit_id == UUID(int=5)
    assert {change.kind for change in commits[4].changes} >= {"algo", "ledger", "portfolio_equity"}
    newest = list(journal.book().history(descending=True, limit=2, kinds=["algo"], old_values=True))
    assert [commit.sequence for commit in newest] == [30, 29]
    assert newest[0].changes[0].old_value != newest[0].changes[0].new_value
    assert [commit.sequence for commit in journal.history(5, 7)] == [5, 6, 7]
    with pytest.raises(ValueError, match="is no kind of entity"):
        list(journal.history(kinds="orders"))


def test_differences(lived):
    journal, states = lived
    changes = journal.book().diff(5, 9, kinds=["portfolio_equity"])
    assert len(changes) == 1
    assert Decimal(changes[0].old_value) == states[4].portfolio_equity
    assert Decimal(changes[0].new_value) == states[8].portfolio_equity
    assert journal.book().diff(5, 5) == []
    assert journal.book().diff(29)


def test_equity(lived):
    journal, states = lived
    points = journal.book().equity()
    equities = [state.portfolio_equity for state in states]  # each another than the one before
    assert [point.equity for point in points] == equities
    peak = Decimal(0)
    for point in points:
        peak = max(peak, point.equity)
        assert point.peak == peak
        assert point.drawdown == ((peak - point.equity) / peak).quantize(Decimal("0.000001"))
    assert journal.book().equity(10, 12)[-1].sequence == 12


def test_going_back(lived):
    journal, states = lived
    would = journal.book().rollback(10, dry_run=True)
    assert would.changes and would.sequence == 0 and would.sequence_to == 10
    did = journal.book().rollback(10, note="a mistake")
    assert did.sequence == 31
    state = journal.book().load()
    state.sequence = 10
    assert exact(state) == exact(states[9])
    assert list(journal.history(31))[0].note == "a mistake"


def test_a_journal_in_memory_keeps_no_history(journal):
    with pytest.raises(tesser_journal.UnsupportedError):
        list(journal.history())
    with pytest.raises(tesser_journal.UnsupportedError):
        journal.book().equity()
