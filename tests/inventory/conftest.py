"""Fixtures of the inventory service: wired without network, and as a real server."""

from collections.abc import AsyncIterator, Callable

import pytest

from ordermesh.inventory.__main__ import assemble, define
from ordermesh.inventory.servicer.wiring import Wiring
from ordermesh.inventory.settings import InventorySettings
from ordermesh.kernel.clock import SystemClock
from ordermesh.kernel.ids import RandomIds
from ordermesh.runtime.database import Database
from tests.fakes import FakeClock
from tests.inventory.shop import Shop, deadlocks
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
