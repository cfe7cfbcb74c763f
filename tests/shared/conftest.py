"""What tests of several modules start with."""

import pytest
from sqlalchemy.schema import CreateTable

from ordermesh.runtime.database import Database, Transaction
from tests.shared.things import THING


@pytest.fixture
async def things(database: Database) -> Database:
    """A database with a table of things."""

    async def make(tx: Transaction) -> None:
        await tx.execute(CreateTable(THING))

    await database.run(make)
    return database
