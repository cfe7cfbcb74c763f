"""Databases of versions before this one: taken over, or refused with what to do instead."""

import asyncio

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import insert

from ordermesh.inventory.store.tables.seals import seal
from ordermesh.runtime import migrate as migrating
from ordermesh.runtime.database import Database
from ordermesh.runtime.migrate import migrate
from tests.fakes import FakeClock
from tests.inventory.conftest import MIGRATIONS

SEALED = {
    "revision": 1,
    "item_id": 1,
    "location_id": 1,
    "first_sequence": 1,
    "last_sequence": 1,
    "seal": b"made of entries",
}


async def age(url: str, clock: FakeClock, *, is_sealed: bool) -> None:
    """Make a database what it was before seals were made of digests."""
    await asyncio.to_thread(migrating._act, url, None, [go_back])
    if is_sealed:
        database = await Database.open(url, clock=clock)
        await database.run(lambda tx: tx.execute(insert(seal).values(SEALED)))
        await database.close()


def go_back(configuration: Config) -> None:
    """Undo all migrations since, the latest first."""
    command.downgrade(migrating._at(configuration, MIGRATIONS), "0014")


async def test_a_ledger_that_was_sealed_otherwise_is_refused_with_what_to_do(
    database_url: str, clock: FakeClock
) -> None:
    await age(database_url, clock, is_sealed=True)

    with pytest.raises(RuntimeError, match="Begin with an empty database"):
        await migrate(database_url, script_location=MIGRATIONS)
    with pytest.raises(RuntimeError, match="cannot be taken over"):
        await migrate(database_url, script_location=MIGRATIONS)


async def test_a_ledger_in_which_nothing_is_sealed_is_taken_over(
    database_url: str, clock: FakeClock
) -> None:
    await age(database_url, clock, is_sealed=False)

    await migrate(database_url, script_location=MIGRATIONS)
    await migrate(database_url, script_location=MIGRATIONS)
