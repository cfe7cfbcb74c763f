"""A platform follows the story in a process of its own, which is killed again and again."""

import asyncio
import random
import signal
import sqlite3
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.dialects import on_sqlite
from tests.eventually import eventually
from tests.routing.conftest import INVENTORY, ROUTING
from tests.routing.house import House, line

pytestmark = [on_sqlite, pytest.mark.integration]

ORDERS_MIN, ORDERS_MAX = 20, 5_000
CONSUMER = Path(__file__).with_name("consumer.py")


@pytest.fixture
async def house(migrated_url: Callable[[str], str]) -> AsyncIterator[House]:
    opened = House(migrated_url(INVENTORY), migrated_url(ROUTING))
    await opened.open()
    yield opened
    await opened.close()


def heard(books: Path) -> list[tuple[str, str, int]]:
    if not books.exists():
        return []
    with suppress(sqlite3.OperationalError):
        rows = sqlite3.connect(books).execute(
            "SELECT event_id, order_id, sequence FROM heard ORDER BY number"
        )
        return [(row[0], row[1], row[2]) for row in rows]
    return []


async def trade(house: House, is_over: asyncio.Event) -> int:
    """Orders are submitted and shipped, one after the other, until it is over; gives how many."""
    for number in range(ORDERS_MAX):
        if is_over.is_set() and number >= ORDERS_MIN:
            return number
        await house.submit(f"O-{number}", line("1", "MUG"))
        for work in await house.work(f"O-{number}"):
            await house.ship(work)
    return ORDERS_MAX


async def consume_and_kill(target: str, books: Path, kills: int, seed: int) -> None:
    """Start the consumer and kill it so many times, in the middle of hearing and before it."""
    chance = random.Random(seed)
    for number in range(kills):
        process = await start(target, books)
        if number % 2 == 0:
            known = len(heard(books))
            await eventually(lambda known=known: len(heard(books)) > known)  # type: ignore[misc]
        await asyncio.sleep(chance.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        await process.wait()


async def start(target: str, books: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, str(CONSUMER), target, str(books), stderr=asyncio.subprocess.DEVNULL
    )


@pytest.mark.parametrize(
    "kills", [5, pytest.param(50, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
async def test_a_consumer_that_is_killed_hears_every_event_once_and_in_order(
    house: House, tmp_path: Path, kills: int
) -> None:
    books = tmp_path / "books.db"
    await house.stock({"MUG at NEAR": ORDERS_MAX})
    is_over = asyncio.Event()

    trading = asyncio.create_task(trade(house, is_over))
    await consume_and_kill(house.targets["routing"], books, kills, seed=kills)
    assert not trading.done(), "The consumer must be killed while there is something to hear."
    is_over.set()
    orders = await trading
    process = await start(house.targets["routing"], books)
    # Received, sourced, shipped, fulfilled.
    try:
        await eventually(lambda: len(heard(books)) >= 4 * orders)
    finally:
        process.kill()
        await process.wait()

    found = heard(books)
    assert len(found) == 4 * orders
    assert len({event_id for event_id, _, _ in found}) == 4 * orders
    by_order: dict[str, list[int]] = defaultdict(list)
    for _, order_id, sequence in found:
        by_order[order_id].append(sequence)
    assert by_order == {f"O-{number}": [1, 2, 3, 4] for number in range(orders)}
