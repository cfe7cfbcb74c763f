"""Work that was given up is shown with its reason, and tried again when an operator says so."""

from uuid import uuid4

import pytest
from sqlalchemy import select, update

from ordermesh.kernel.clock import SystemClock
from ordermesh.runtime import reviving
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.tables import work
from ordermesh.runtime.work import enqueue
from tests import postgres
from tests.dialects import on_sqlite

VARIABLE = "ORDERMESH_ROUTING_DATABASE_URL"


async def give_up(url: str, *keys: str) -> None:
    """Rows of work of which each was refused three times."""
    database = await Database.open(url, clock=SystemClock())

    async def write(tx: Transaction) -> None:
        for key in keys:
            await enqueue(tx, kind="order", key=key, payload=b"", work_id=uuid4())
        gone = {"dead_time": tx.instant(), "attempt": 3, "failure": "Nobody delivers there."}
        await tx.execute(update(work).values(**gone))

    await database.run(write)
    await database.close()


async def dead_keys(url: str) -> list[str]:
    database = await Database.open(url, clock=SystemClock())
    query = select(work.c.key).where(work.c.dead_time.is_not(None)).order_by(work.c.key)
    found = await database.read(lambda tx: tx.execute(query))
    await database.close()
    return list(found.scalars())


@pytest.fixture
def url(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(VARIABLE, database_url)
    return database_url


def test_nothing_is_dead_in_a_healthy_service(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert reviving.main(["routing"]) == 0
    assert capsys.readouterr().out == "Nothing is dead.\n"
    assert reviving.main(["routing", "--kind", "order"]) == 1


def test_what_is_dead_is_shown_with_its_reason_and_revived_by_its_key(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    postgres.in_thread(give_up(url, "O-1", "O-2", "O-3"))

    assert reviving.main(["routing"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("order O-1: dead since 2")
    assert first.endswith("UTC after 3 attempts. Nobody delivers there.")

    assert reviving.main(["routing", "--kind", "order", "--key", "O-2"]) == 0
    assert capsys.readouterr().out == "1 revived\n"
    assert postgres.in_thread(dead_keys(url)) == ["O-1", "O-3"]
    assert reviving.main(["routing", "--kind", "order"]) == 0
    assert postgres.in_thread(dead_keys(url)) == []


@on_sqlite
def test_a_file_that_is_served_is_left_alone(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    database = postgres.in_thread(Database.open(url, clock=SystemClock()))

    assert reviving.main(["routing", "--kind", "order"]) == 1

    assert "Stop routing first" in capsys.readouterr().err
    postgres.in_thread(database.close())


def test_a_key_without_a_kind_and_settings_without_a_database_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)

    with pytest.raises(SystemExit):
        reviving.main(["routing", "--key", "O-1"])
    assert reviving.main(["routing"]) == 2
    assert f"{VARIABLE}: Field required" in capsys.readouterr().err
