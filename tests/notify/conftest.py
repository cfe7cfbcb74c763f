"""Fixtures of the notify service: on a database, and as a real server."""

from collections.abc import AsyncIterator, Callable

import pytest

from ordermesh.kernel.clock import SystemClock
from ordermesh.notify.__main__ import define
from ordermesh.runtime.database import Database
from tests.servers import Served, serving

MIGRATIONS = "ordermesh.notify:migrations"


@pytest.fixture
def database_url(migrated_url: Callable[[str], str]) -> str:
    """A new database with the tables of notify."""
    return migrated_url(MIGRATIONS)


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """The service as a real server, called by routing."""
    clock = SystemClock()
    database = await Database.open(database_url, clock=clock)
    async with serving(define(database, clock), caller="routing") as opened:
        yield opened
