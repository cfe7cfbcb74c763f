"""Fixtures of the notify service: on a database, as a real server, and beside a mail server."""

from collections.abc import AsyncIterator, Callable

import pytest

from ordermesh.kernel.clock import SystemClock
from ordermesh.notify.__main__ import NAME, Seams, assemble
from ordermesh.notify.settings import NotifySettings
from ordermesh.runtime.database import Database
from ordermesh.runtime.failpoints import points_of
from tests.notify.office import Office, Provider
from tests.routing.house import NoJitter
from tests.servers import Served, serving

MIGRATIONS = "ordermesh.notify:migrations"


@pytest.fixture
def database_url(migrated_url: Callable[[str], str]) -> str:
    """A new database with the tables of notify."""
    return migrated_url(MIGRATIONS)


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """The service as a real server without a mail server, called by routing."""
    clock = SystemClock()
    database = await Database.open(database_url, clock=clock)
    definition = assemble(Seams(database, clock, NoJitter(), points_of(NAME)), NotifySettings())
    async with serving(definition, caller="routing") as opened:
        yield opened


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """A real mail server that does what it is told to."""
    opened = Provider()
    await opened.start()
    yield opened
    await opened.stop()


@pytest.fixture
async def office(database_url: str, provider: Provider) -> AsyncIterator[Office]:
    """The service as a real server, with the mail server, called by routing."""
    opened = Office(database_url, provider)
    await opened.start()
    yield opened
    await opened.stop()
