# SPDX-License-Identifier: MIT OR Apache-2.0
"""Frames in pandas, polars and duckdb are equal to the JSON, column by column."""

import json
from decimal import Decimal
from uuid import UUID

import pytest
from support import Maker

import tesser_journal
from tesser_journal import LiveState, Time

pyarrow = pytest.importorskip("pyarrow")
COUNT = 10_000


def decimals_of(value):
    return None if value is None else Decimal(str(value))


@pytest.fixture(scope="module")
def book():
    maker = Maker(8)
    with tesser_journal.memory() as journal:
        state = maker.state()
        state.portfolio = maker.portfolio()
        state.portfolio.sub_accounts = {"okx": maker.sub_account()}
        state.portfolio.sub_accounts["okx"].exchange = "okx"
        state.open_orders = [maker.order() for _ in range(COUNT)]
        for order in state.open_orders:  # what exchanges have; wide ones are tested below
            order.id = order.id + "-" + str(maker.random.random())
            for owner in (order, order.request):
                for name in owner.__dataclass_fields__:
                    if isinstance(getattr(owner, name), Decimal):
                        setattr(owner, name, Decimal(maker.random.randrange(10**12)).scaleb(-6))
        journal.book().save(state)
        yield journal.book()


def rows_of(frame):
    """Its rows as dicts, times in nanoseconds."""
    table = pyarrow.table(frame)
    for index, field in enumerate(table.schema):
        if pyarrow.types.is_timestamp(field.type):
            table = table.set_column(index, field.name, table[field.name].cast(pyarrow.int64()))
    return table.to_pylist()


def expected(book):
    """The rows as the JSON has them: flat, texts for all but flags."""
    rows = []
    for order in json.loads(book.load().to_json())["open_orders"]:
        row = {**order.pop("request"), **order}
        rows.append(row)
    return rows


DECIMALS = (
    "quantity price trigger_price take_profit stop_loss display_quantity filled_quantity "
    "avg_fill_price"
).split()
TIMES = ("created_at", "updated_at")


def check_columns(columns, rows, null=lambda value: value is None):
    """Columns by name, each a list, with the rows of the JSON."""
    for name, values in columns.items():
        assert len(values) == COUNT
        if name == "extra":
            continue
        for value, row in zip(values, rows):
            wanted = row[name]
            if wanted is None:
                assert null(value), (name, value)
            elif name in DECIMALS:
                assert Decimal(value) == Decimal(wanted), name
            elif name in TIMES:
                assert value == Time.parse(wanted).ns, name
            else:
                assert value == wanted, name


def test_polars(book):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(book.frame("orders"))
    columns = {}
    for name in frame.columns:
        column = frame[name]
        columns[name] = (column.to_physical() if name in TIMES else column).to_list()
    check_columns(columns, expected(book))
    assert isinstance(frame["price"].dtype, polars.Decimal) and frame["price"].dtype.scale == 6


def test_pandas(book):
    pandas = pytest.importorskip("pandas")
    table = pyarrow.table(book.frame("orders"))
    frames = [table.to_pandas()]
    if hasattr(pandas.DataFrame, "from_arrow"):
        frames.append(pandas.DataFrame.from_arrow(book.frame("orders")))
    for frame in frames:
        columns = {}
        for name in frame.columns:
            column = frame[name]
            columns[name] = [t.value for t in column] if name in TIMES else list(column)
        check_columns(columns, expected(book), pandas.isna)


def test_duckdb(book):
    duckdb = pytest.importorskip("duckdb")
    orders = pyarrow.table(book.frame("orders"))  # noqa: F841 - duckdb finds it by its name
    with duckdb.connect() as connection:
        connection.sql("SET TimeZone = 'UTC'")
        names = orders.column_names
        columns = {}
        for name in names:
            what = f"epoch_ns({name})" if name in TIMES else name
            columns[name] = [row[0] for row in connection.sql(f"SELECT {what} FROM orders").fetchall()]
        rows = expected(book)
        for name in TIMES:  # duckdb's times with a zone have microseconds
            columns[name] = [
                Time.parse(row[name]).ns if value == Time.parse(row[name]).ns // 1000 * 1000 else value
                for value, row in zip(columns[name], rows)
            ]
        check_columns(columns, rows)


def test_positions_and_balances(book):
    state = book.load()
    table = rows_of(book.frame("positions"))
    okx = state.portfolio.sub_accounts["okx"]
    own = [(None, p.symbol, p.quantity) for p in state.portfolio.positions.values()]
    sub = [("okx", p.symbol, p.quantity) for p in okx.positions.values()]
    found = [(row["sub_account"], row["symbol"], decimals_of(row["quantity"])) for row in table]
    assert found == own + sub
    balances = pyarrow.table(book.frame("balances"))
    assert balances.num_rows == len(state.portfolio.balances) + len(okx.balances)


def test_decimals_that_do_not_fit_are_text(journal):
    maker = Maker(1)
    orders = [maker.order(), maker.order()]
    orders[0].filled_quantity, orders[1].filled_quantity = Decimal(10) ** 20, Decimal("1E-20")
    journal.book().save(LiveState(open_orders=orders))
    table = pyarrow.table(journal.book().frame("orders"))
    assert table["filled_quantity"].to_pylist() == ["1" + "0" * 20, "0." + "0" * 19 + "1"]
    floats = pyarrow.table(journal.book().frame("orders", floats=True))
    assert floats["filled_quantity"].to_pylist() == [1e20, 1e-20]
    orders[1].filled_quantity = Decimal("-1.50")
    journal.book().save(LiveState(open_orders=orders))
    table = pyarrow.table(journal.book().frame("orders"))
    assert table["filled_quantity"].to_pylist() == [Decimal(10) ** 20, Decimal("-1.50")]
    assert str(table.schema.field("filled_quantity").type) == "decimal128(38, 2)"


def test_ledger_equity_and_empty_frames(on_disk):
    maker = Maker(2)
    for what in ("orders", "positions", "balances", "ledger"):
        assert pyarrow.table(on_disk.book().frame(what)).num_rows == 0
    entries = [maker.entry() for _ in range(20)]
    on_disk.book().ledger.append(*entries)
    with on_disk.transaction() as t:
        t.set_portfolio_equity(Decimal("5.25"))
    rows = rows_of(on_disk.book().frame("ledger"))
    assert [row["id"] for row in rows] == [str(entry.id) for entry in entries]
    assert [row["time"] for row in rows] == [entry.time.ns for entry in entries]
    [point] = rows_of(on_disk.book().frame("equity"))
    assert point["equity"] == Decimal("5.25") and point["sequence"] == 2
    with pytest.raises(ValueError, match="none of"):
        on_disk.book().frame("order")


def test_history(on_disk):
    """A row for each change, as the iterator has them."""
    maker, book = Maker(6), on_disk.book()
    for number in range(12):
        with on_disk.transaction(note=f"step {number}" if number % 2 else None) as t:
            t.put_order(maker.order())
            t.put_portfolio(maker.portfolio())
            t.put_position(maker.position())
            t.set_portfolio_equity(Decimal(number))
    with on_disk.transaction(commit_id=UUID(int=5)) as t:
        t.delete_order(book.load().open_orders[0].id)
    rows = rows_of(book.frame("history"))
    wanted = [
        (commit, change) for commit in book.history(old_values=True) for change in commit.changes
    ]
    assert len(rows) == len(wanted) > 40
    for row, (commit, change) in zip(rows, wanted):
        assert (row["sequence"], row["time"], row["note"]) == (commit.sequence, commit.time.ns, commit.note)
        assert row["commit_id"] == (str(commit.commit_id) if commit.commit_id else None)
        for name in ("kind", "book", "owner", "key", "moved"):
            assert row[name] == getattr(change, name)
        for name in ("old_value", "new_value"):
            text, value = row[name], getattr(change, name)
            assert (text is None) == (value is None)
            assert text is None or tesser_journal._json.loads(text) == value
    some = rows_of(book.frame("history", first=3, last=5, kinds=["portfolio_equity"]))
    assert [(row["sequence"], row["new_value"]) for row in some] == [(3, '"2"'), (4, '"3"'), (5, '"4"')]
    assert [row["sequence"] for row in rows_of(book.frame("equity", first=3, last=5))] == [3, 4, 5]
    assert len(rows_of(book.frame("ledger", at=3))) == 0
    with pytest.raises(ValueError, match="no kind of entity"):
        book.frame("history", kinds="orders")


def test_a_frame_outlives_its_journal():
    with tesser_journal.memory() as journal:
        journal.book().save(LiveState(open_orders=[Maker(1).order()]))
        frame = journal.book().frame("orders")
    table = pyarrow.table(frame)
    again = pyarrow.table(frame)
    del frame
    assert table.num_rows == 1 and table == again
    capsules = [journal_frame() for _ in range(3)]
    del capsules


def journal_frame():
    with tesser_journal.memory() as journal:
        frame = journal.book().frame("orders")
        return frame.__arrow_c_stream__(), frame.__arrow_c_schema__()
