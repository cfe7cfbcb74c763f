"""Databases of versions before this one: taken over, or refused with what to do instead."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Row, insert, select

from ordermesh.inventory.__main__ import assemble
from ordermesh.inventory.store.tables.counts import count_mark
from ordermesh.inventory.store.tables.seals import seal
from ordermesh.kernel.ids import RandomIds
from ordermesh.runtime import migrate as migrating
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.migrate import migrate
from tests.fakes import FakeClock
from tests.inventory.conftest import MIGRATIONS
from tests.inventory.desk import Desk
from tests.inventory.shop import Shop

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


async def test_counts_of_before_are_remembered(database_url: str, clock: FakeClock) -> None:
    """Also one that agreed with the books, so that an older picture does not undo it."""
    database = await Database.open(database_url, clock=clock)
    shop = Shop(assemble(database, clock, RandomIds(), {}), clock)
    await shop.put_locations("A")
    await shop.stock({"MUG at A": 10})
    desk = Desk(shop)
    await desk.begin("MUG")
    await desk.submit("Ann", {"MUG": 10})
    await database.close()
    await age(database_url, clock, is_sealed=False)

    await migrate(database_url, script_location=MIGRATIONS)

    database = await Database.open(database_url, clock=clock)
    rows = await database.read(_marks)
    assert [(row.sequence, row.count_time is not None) for row in rows] == [(1, True)]
    await database.close()


async def _marks(tx: Transaction) -> Sequence[Row[Any]]:
    return (await tx.execute(select(count_mark))).all()
