"""What tests of several modules start with."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy.schema import CreateTable

from ordermesh.runtime.database import Database, Transaction
from tests.shared.certificates import Certificates
from tests.shared.things import THING


@pytest.fixture
async def things(database: Database) -> Database:
    """A database with a table of things."""

    async def make(tx: Transaction) -> None:
        await tx.execute(CreateTable(THING))

    await database.run(make)
    return database


@pytest.fixture
def certificates(tmp_path: Path, request: pytest.FixtureRequest) -> Certificates:
    if shutil.which("openssl") is None:
        pytest.skip(f"{request.node.name} was NOT TESTED: there is no openssl to sign with.")
    return Certificates(tmp_path / "certificates")
