"""Fixtures of the returns service: on a database, alone as a server, and beside its peers."""

from collections.abc import AsyncIterator, Callable
from random import Random

import pytest

from ordermesh.client.mesh import Mesh
from ordermesh.kernel.clock import SystemClock
from ordermesh.returns.__main__ import NAME, Seams, assemble
from ordermesh.runtime.database import Database
from ordermesh.runtime.failpoints import points_of
from tests.returns.desk import Desk
from tests.routing.conftest import INVENTORY, ROUTING
from tests.routing.house import House
from tests.servers import Served, serving

MIGRATIONS = "ordermesh.returns:migrations"


@pytest.fixture
def database_url(migrated_url: Callable[[str], str]) -> str:
    """A new database with the tables of returns."""
    return migrated_url(MIGRATIONS)


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """The service as a real server, called by routing; its peers are away."""
    clock = SystemClock()
    database = await Database.open(database_url, clock=clock)
    async with Mesh({"routing": "127.0.0.1:1", "inventory": "127.0.0.1:1"}) as peers:
        definition = assemble(
            Seams(database, clock, Random(7), peers, frozenset(), points_of(NAME))
        )
        async with serving(definition, caller="routing") as opened:
            yield opened


@pytest.fixture
async def desk(migrated_url: Callable[[str], str]) -> AsyncIterator[Desk]:
    """Returns beside routing and inventory, all real, with four locations that ship."""
    house = House(migrated_url(INVENTORY), migrated_url(ROUTING))
    opened = Desk(house, migrated_url(MIGRATIONS))
    await opened.open()
    yield opened
    await opened.close()
