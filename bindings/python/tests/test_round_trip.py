# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is stored comes back equal, decimals by text; what cannot be stored is an exception."""

import json
import os
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support import LONG, SEED, TESTDATA, Maker, exact

import tesser_journal
from tesser_journal import AlgoState, JsonText, LiveState, Time

SNAPSHOTS = sorted(TESTDATA.glob("snapshots/*.json")) + sorted(TESTDATA.glob("0.9.*/*/snapshot.json"))


def load_again(state, journal):
    book = journal.book()
    book.save(state)
    loaded = book.load()
    loaded.sequence = 0
    return loaded


@pytest.mark.skipif(not SNAPSHOTS, reason=f"Tesser's own data is not in {TESTDATA}")
def test_every_snapshot_of_tesser(on_disk):
    read = 0
    for file in SNAPSHOTS:
        text = file.read_text()
        try:
            state = LiveState.from_json(text)
        except tesser_journal.InvalidError as error:
            assert file.name.startswith("two-venues"), file
            assert "stands twice" in str(error) and error.place == "line 1, column 68"
            continue
        read += 1
        again = load_again(state, on_disk)
        assert exact(again) == exact(load_again(again, on_disk))
        # As text, member for member: JSON's own parser, with numbers as they are written.
        parse = lambda text: json.loads(text, parse_float=str, parse_int=str)  # noqa: E731
        assert parse(again.to_json()) == parse(state.to_json())
        original = parse(text)
        for order, loaded in zip(original["open_orders"], again.open_orders):
            assert order["request"]["quantity"] == str(loaded.request.quantity)
            assert order["updated_at"] == str(loaded.updated_at)
        on_disk.book().save(LiveState(extra={}))
    print(f"{read} snapshots")
    assert read >= 5


def test_random_states(journal):
    count = 10_000 if LONG else 500
    print(f"seed {SEED}, {count} states")
    for number in range(count):
        state = Maker(SEED * 1_000_003 + number).state()
        with journal.transaction() as t:
            t.put_state(LiveState(extra={}))
        assert exact(load_again(state, journal)) == exact(state), number


def test_random_entries_and_algorithms(journal):
    maker = Maker(SEED)
    entries = [maker.entry() for _ in range(200)]
    algos = {UUID(int=maker.random.getrandbits(128)): maker.algo() for _ in range(50)}
    with journal.transaction() as t:
        for entry in entries:
            t.ledger.append(entry)
        for id, algo in algos.items():
            t.algos[id] = algo
    loaded = list(journal.book().ledger)
    assert [entry.sequence for entry in loaded] == list(range(1, 201))
    for entry, again in zip(entries, loaded):
        again.sequence = 0
        assert exact(again) == exact(entry)
    assert journal.book().algos.load() == algos


def test_decimals_keep_every_digit(journal):
    for text in ("0", "-0", "0.00", "1.50", "-1.500", "1E+5", "1E-10", "9" * 34, "0." + "1" * 34):
        state = LiveState(portfolio_equity=Decimal(text))
        assert format(load_again(state, journal).portfolio_equity) == str(Decimal(format(Decimal(text), "f")))
    for text in ("1E+40", "1E+999999", "1E-60", "9" * 35, "NaN", "Infinity"):
        with pytest.raises((tesser_journal.LimitError, tesser_journal.InvalidError)) as raised:
            journal.book().save(LiveState(portfolio_equity=Decimal(text)))
        assert str(raised.value).startswith("LiveState.portfolio_equity: ")
    with pytest.raises(TypeError, match="LiveState.portfolio_equity: .* not float"):
        journal.book().save(LiveState(portfolio_equity=1.5))


JSON_TEXTS = [
    "1.50", "-0", "1e400", "123456789012345678901234567890", "[]", "{}", '""', "null", "true",
    '{"a":1,"a":2}', "1e99999999999999999999", "[1.0,1.00,1E5]", '"\\u0000"', "1" * 5000,
]


@pytest.mark.parametrize("text", JSON_TEXTS, ids=lambda text: text[:24])
def test_json_numbers_are_exact(journal, text):
    with journal.transaction() as t:
        t.algos[UUID(int=1)] = AlgoState("X", JsonText(text))
    value = journal.book().algos[UUID(int=1)].payload
    with journal.transaction() as t:
        t.algos[UUID(int=2)] = AlgoState("X", value)
    assert journal.book().algos[UUID(int=2)].payload == value
    assert not isinstance(value, float)
    if text.count('"a"') == 2 or "e9999" in text:
        assert value == text and isinstance(value, JsonText)


@pytest.mark.parametrize(
    "value", [{1: 2}, {"a": object()}, float("nan"), Decimal("Infinity"), "\ud800", {"\ud800": 1}, b"x"]
)
def test_what_is_no_json_is_an_exception(journal, value):
    with pytest.raises((TypeError, ValueError)), journal.transaction() as t:
        t.set_strategy_state(value)
    assert journal.book().load() == LiveState()


def test_a_hundred_thousand_keys(journal):
    large = {f"key {number}": Decimal(number) / 8 for number in range(100_000)}
    assert load_again(LiveState(strategy_state=large), journal).strategy_state == large


def test_deep_json_is_an_error_not_a_crash(journal):
    for depth in (300, 5_000, 100_000):
        value = []
        for _ in range(depth):
            value = [value]
        with pytest.raises((tesser_journal.Error, RecursionError)):
            journal.book().save(LiveState(strategy_state=value))


TEXT = st.text(max_size=40)  # surrogates and NUL too
NUMBERS = st.decimals(allow_nan=True, allow_infinity=True) | st.integers()
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)
EXAMPLES = settings(
    max_examples=2000 if LONG else 60,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
HARMLESS = (tesser_journal.Error, TypeError, ValueError)


def number_of(value):
    return Decimal(repr(value)) if isinstance(value, float) else value


def same_json(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same_json(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same_json, a, b))
    return type(a) is type(b) and a == b or number_of(a) == number_of(b)


@EXAMPLES
@given(value=JSON)
def test_any_json_is_equal_or_an_exception(journal, value):
    try:
        with journal.transaction() as t:
            t.set_strategy_state(value)
    except HARMLESS:
        return
    assert same_json(value, journal.book().load().strategy_state)


@EXAMPLES
@given(text=TEXT, number=NUMBERS, when=st.integers(-(2**70), 2**70))
def test_hostile_values_are_equal_or_an_exception(journal, text, number, when):
    maker = Maker(1)
    for change in (
        {"id": text},
        {"filled_quantity": number},
        {"created_at": when},
        {"status": text},
        {"extra": {text: number}},
    ):
        order = maker.order()
        for name, value in change.items():
            setattr(order, name, value)
        try:
            with journal.transaction() as t:
                t.put_state(LiveState())
                t.put_order(order)
        except HARMLESS + (OverflowError,):
            continue
        [loaded] = journal.book().load().open_orders
        if "created_at" in change:
            assert loaded.created_at.ns == when
        elif "extra" in change:
            assert loaded.extra == change["extra"] or text in ("id",)
        else:
            assert loaded == order


@EXAMPLES
@given(ns=st.integers(-(2**63), 2**63 - 1))
@example(ns=-(2**63))
def test_times_keep_their_nanoseconds(ns):
    time = Time.from_ns(ns)
    assert time.ns == ns
    again = Time.parse(str(time))
    assert again == time and again.ns == ns and repr(again) == repr(time)
    assert Time.from_ns(ns + 1) > time if ns < 2**63 - 1 else True
