"""Fixtures of the inventory service: wired without network, and as a real server."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from ordermesh.inventory.__main__ import assemble, define
from ordermesh.inventory.servicer.reserving import RESERVE
from ordermesh.inventory.servicer.wiring import Wiring
from ordermesh.inventory.settings import InventorySettings
from ordermesh.kernel.clock import SystemClock
from ordermesh.kernel.ids import RandomIds
from ordermesh.runtime import at_once
from ordermesh.runtime.call import Call, Identity, calling
from ordermesh.runtime.database import Database
from tests.fakes import FakeClock
from tests.inventory.desk import Desk
from tests.inventory.processes import Open, Process
from tests.inventory.reading import deadlocks
from tests.inventory.shop import Shop
from tests.servers import Served, serving

MIGRATIONS = "ordermesh.inventory:migrations"
NOWHERE = {"routing": "127.0.0.1:1"}
"""A peer that is away: its events are kept."""


@pytest.fixture
def database_url(migrated_url: Callable[[str], str]) -> str:
    """A new database with the tables of inventory."""
    return migrated_url(MIGRATIONS)


@pytest.fixture
def wiring(database: Database, clock: FakeClock) -> Wiring:
    """The parts of the service."""
    return assemble(database, clock, RandomIds(), NOWHERE)


@pytest.fixture
async def shop(wiring: Wiring, clock: FakeClock) -> Shop:
    """The service behind short calls, with locations A to D."""
    opened = Shop(wiring, clock)
    await opened.put_locations("A", "B", "C", "D")
    return opened


@pytest.fixture
async def desk(shop: Shop) -> Desk:
    """Who counts in a shop of two places."""
    await shop.stock({"MUG at A": 10, "CUP at A": 6, "POT at B": 3})
    return Desk(shop)


@pytest.fixture
def reserving() -> Iterator[Call]:
    """The call of Reserve in which a test asks servicers by itself."""
    developer = Identity("developer", frozenset({"operator"}))
    with calling(Call(RESERVE, developer, None)) as current:
        yield current


@pytest.fixture
async def inventory_database(database_url: str) -> Database:
    """The database of ``served``, which closes it."""
    return await Database.open(database_url, clock=SystemClock())


@pytest.fixture
async def no_deadlocks(database_url: str) -> AsyncIterator[None]:
    """Asserts afterwards, when all connections have ended and told, that there was no deadlock."""
    yield
    assert await deadlocks(database_url) == 0


@pytest.fixture
async def served(inventory_database: Database) -> AsyncIterator[Served]:
    """The service as a real server."""
    settings = InventorySettings(port=0)
    async with serving(define(inventory_database, SystemClock(), settings)) as opened:
        yield opened


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every instant that was taken for now is one on a machine that has much to do."""
    monkeypatch.setattr(at_once, "CLOCK_TOLERANCE", timedelta(seconds=10))
    monkeypatch.setattr(at_once, "WAY_TOLERANCE", timedelta(seconds=10))


@pytest.fixture
async def another(database_url: str) -> AsyncIterator[Open]:
    """Opens one process more on the database."""
    async with AsyncExitStack() as stack:

        async def opened() -> Process:
            database = await Database.open(database_url, clock=SystemClock())
            stack.push_async_callback(database.close)
            process = Process(assemble(database, SystemClock(), RandomIds(), NOWHERE), None)  # type: ignore[arg-type]
            process.begin()
            return process

        yield opened


@pytest.fixture
async def first(another: Open) -> Process:
    """A process that has sold one of ten mugs at A and at B, and so knows of them."""
    process = await another()
    await process.put_locations("A", "B")
    await process.stock({"MUG at A": 10, "MUG at B": 10})
    await process.reserve({"MUG at A": 1, "MUG at B": 1})
    process.outcomes.clear()
    return process
