# SPDX-License-Identifier: MIT OR Apache-2.0
"""A strategy with asyncio: prices come in, orders go out, and the event loop never waits for the disk.

    python strategy.py ./journal 200

For each symbol a task keeps a moving average in the strategy's state. What it decides is awaited until
it is durable before the order would be sent; the tasks share flushes, so that sixteen symbols cost
hardly more than one. Another task follows the journal and prints what is decided.
"""

import asyncio
import random
import sys
from decimal import Decimal
from uuid import NAMESPACE_URL, uuid5

import tesser_journal
from tesser_journal import AlgoState, Order, OrderRequest, Time

SYMBOLS = [f"paper:COIN{number}USDT" for number in range(16)]


async def prices(symbol: str, ticks: int):  # type: ignore
    """Where a real one would read a websocket."""
    choose = random.Random(symbol)
    price = Decimal(100)
    for _ in range(ticks):
        await asyncio.sleep(0)
        price += Decimal(choose.randrange(-100, 101)) / 100
        yield price


async def trade(journal: tesser_journal.Journal, symbol: str, ticks: int) -> int:
    """Buys below the average: gives the number of orders."""
    book = journal.book()
    id = uuid5(NAMESPACE_URL, symbol)
    known = book.algos.get(id)
    average = known.payload["average"] if known else None
    ids = iter(book.reserve("client_order_id", ticks))
    orders = 0
    async for price in prices(symbol, ticks):
        average = price if average is None else (average * 9 + price).quantize(Decimal("0.0001")) / 10
        async with journal.transaction() as t:
            t.put_price(symbol, price)
            t.algos[id] = AlgoState("MEAN", {"average": average})
            if price < average - 1:
                request = OrderRequest(symbol, "Buy", "Limit", Decimal(1), price=price)
                now = Time.utcnow()
                t.put_order(Order(f"order-{next(ids)}", request, "PendingNew", now, now))
                orders += 1
        # It is durable: here the order would be sent.
    return orders


async def tell(journal: tesser_journal.Journal) -> None:
    async for commit in journal.follow(kinds=["order"]):
        for change in commit.changes:
            symbol = change.new_value["request"]["symbol"]
            print(f"{commit.time} commit {commit.sequence}: {change.key} {symbol}")


async def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    path, ticks = sys.argv[1], int(sys.argv[2])
    with tesser_journal.open(path) as journal:
        teller = asyncio.ensure_future(tell(journal))
        orders = await asyncio.gather(*(trade(journal, symbol, ticks) for symbol in SYMBOLS))
        await asyncio.sleep(0.2)
        teller.cancel()
        print(f"{sum(orders)} orders of {len(SYMBOLS)} symbols, commit {journal.info()['sequence']}")


if __name__ == "__main__":
    asyncio.run(main())
