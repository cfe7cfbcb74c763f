"""One statement that writes all or nothing, on what is remembered."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from ordermesh.runtime import at_once
from ordermesh.runtime.at_once import AtOnce, Guard, MustLook, NotAsRemembered, RememberedClock
from ordermesh.runtime.bulk import insert_rows, update_rows, update_unchanged_rows
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.engines import TransactionConflict
from ordermesh.runtime.prepared import Prepared
from tests.dialects import on_postgresql, on_sqlite
from tests.shared.test_bulk import everything, row, rows_of
from tests.shared.test_bulk import tables as tables

KEY = ("id", "number")


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every instant that was taken for now is one on a machine that has much to do."""
    monkeypatch.setattr(at_once, "CLOCK_TOLERANCE", timedelta(seconds=10))
    monkeypatch.setattr(at_once, "WAY_TOLERANCE", timedelta(seconds=10))


@pytest.fixture
async def known(tables: Database) -> Database:
    """A database whose clock was read, with two rows."""

    async def write(tx: Transaction) -> None:
        await tx.now()
        await insert_rows(tx, everything, [row(1, large=10), row(2, large=20)])

    await tables.run(write)
    return tables


async def changing(database: Database, seen: list[int], *, large: int = 99) -> None:
    """Change both rows at once, if they still have what was seen of them."""
    before = await rows_of(database)
    changed = [{**{name: one[name] for name in KEY}, "large": large} for one in before]

    async def write(tx: AtOnce) -> None:
        await update_unchanged_rows(tx, everything, KEY, changed, {"large": seen})

    await database.run_at_once(write)


@on_postgresql
async def test_all_is_written_where_all_is_as_it_was_seen(known: Database) -> None:
    await changing(known, [10, 20])

    assert [one["large"] for one in await rows_of(known)] == [99, 99]


@on_postgresql
@pytest.mark.parametrize("seen", [[10, 21], [11, 20]])
async def test_nothing_is_written_where_one_row_has_changed(
    known: Database, seen: list[int]
) -> None:
    with pytest.raises(NotAsRemembered):
        await changing(known, seen)

    assert [one["large"] for one in await rows_of(known)] == [10, 20]


@on_postgresql
async def test_a_key_that_exists_already_is_a_conflict_and_nothing_is_written(
    known: Database,
) -> None:
    twin = (await rows_of(known))[0]

    async def write(tx: AtOnce) -> None:
        await insert_rows(tx, everything, [row(5), row(1, twin["id"])])

    with pytest.raises(TransactionConflict):
        await known.run_at_once(write)

    assert len(await rows_of(known)) == 2


@on_postgresql
@pytest.mark.parametrize("holds", [True, False])
async def test_a_guard_decides(known: Database, *, holds: bool) -> None:
    async def write(tx: AtOnce) -> None:
        tx.guard(Guard(lambda first: f"${first}::bool", [holds]))
        await insert_rows(tx, everything, [row(3)])

    if holds:
        await known.run_at_once(write)
    else:
        with pytest.raises(NotAsRemembered):
            await known.run_at_once(write)

    assert len(await rows_of(known)) == (3 if holds else 2)


@on_postgresql
async def test_what_follows_is_called_once_it_is_known(known: Database) -> None:
    told: list[str] = []

    async def write(tx: AtOnce) -> None:
        tx.after_commit(lambda: told.append("written"))
        tx.after_failure(lambda: told.append("not written"))
        await insert_rows(tx, everything, [row(3)])

    async def doubt(tx: AtOnce) -> None:
        tx.believe(lambda: False)
        await write(tx)

    await known.run_at_once(write)
    with pytest.raises(NotAsRemembered):
        await known.run_at_once(doubt)

    assert told == ["written", "not written"]
    assert len(await rows_of(known)) == 3


@on_postgresql
async def test_whoever_must_read_is_refused(known: Database) -> None:
    async def execute(tx: AtOnce) -> Any:
        return await tx.execute(select(everything))

    async def rows(tx: AtOnce) -> Any:
        return await tx.rows(Prepared(lambda _: select(everything)), {})

    async def save(tx: AtOnce) -> Any:
        async with tx.savepoint():
            raise AssertionError("There is no savepoint.")

    async def write_twice(tx: AtOnce) -> None:
        await insert_rows(tx, everything, [row(3)])
        await update_rows(tx, everything, KEY, [{**row(3)}])

    for work in (execute, rows, save, write_twice):
        with pytest.raises(MustLook):
            await known.run_at_once(work)
    assert len(await rows_of(known)) == 2


@on_postgresql
async def test_an_instant_that_is_not_the_clocks_is_found_out(known: Database) -> None:
    known.note_now(datetime.now(UTC) - timedelta(seconds=30))

    with pytest.raises(NotAsRemembered):
        await changing(known, [10, 20])


@on_postgresql
async def test_before_the_clock_was_read_there_is_nothing_to_go_by(database: Database) -> None:
    async def write(tx: AtOnce) -> None:
        raise AssertionError("It is not asked.")

    with pytest.raises(MustLook):
        await database.run_at_once(write)


@on_sqlite
async def test_sqlite_has_one_writer_and_needs_no_memory(known: Database) -> None:
    with pytest.raises(MustLook):
        await changing(known, [10, 20])


@on_postgresql
async def test_without_writes_nothing_is_sent(known: Database) -> None:
    async def decide(tx: AtOnce) -> str:
        tx.guard(Guard(lambda _: "false"))
        return str(uuid4())

    assert await known.run_at_once(decide)


def test_the_remembered_clock_goes_on_with_this_machines() -> None:
    clock = RememberedClock()
    assert clock.now(5.0) is None
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    clock.note(noon, 5.0)

    assert clock.now(7.5) == noon + timedelta(seconds=2.5)
