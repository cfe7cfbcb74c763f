"""Many rows at once arrive as they were given, on both databases."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    select,
)

from ordermesh.runtime.bulk import insert_rows, update_rows
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.engines import TransactionConflict
from ordermesh.runtime.instants import UtcTime

metadata = MetaData()
everything = Table(
    "everything",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("small", SmallInteger, nullable=False),
    Column("large", BigInteger, nullable=True),
    Column("text", Text(collation="C").with_variant(Text(), "sqlite"), nullable=False),
    Column("bytes", LargeBinary, nullable=True),
    Column("flag", Boolean, nullable=False),
    Column("real", Double, nullable=True),
    Column("json", JSON(none_as_null=True), nullable=True),
    Column("time", UtcTime, nullable=True),
)
NOW = datetime(2026, 3, 2, 12, 0, 0, 123_456, tzinfo=UTC)


def row(number: int, id_: UUID | None = None, **values: Any) -> dict[str, Any]:
    return {
        "id": id_ or uuid4(),
        "number": number,
        "small": -number,
        "large": 10**12 + number,
        "text": 'quoted "words", a \' and {brackets} \\ ünïcode',
        "bytes": b"\x00\xff" * number,
        "flag": number % 2 == 0,
        "real": number / 3,
        "json": {"list": [number, None], "text": "ü"},
        "time": NOW + timedelta(seconds=number),
        **values,
    }


@pytest.fixture
async def tables(database: Database) -> Database:
    async def make(tx: Transaction) -> None:
        connection = tx._connection
        await connection.run_sync(metadata.create_all)

    await database.run(make)
    return database


async def rows_of(database: Database) -> list[dict[str, Any]]:
    async def read(tx: Transaction) -> list[dict[str, Any]]:
        found = await tx.execute(select(everything).order_by(everything.c.number))
        return [dict(one._mapping) for one in found]

    return await database.read(read)


async def begun(tx: Transaction) -> None:
    await tx.execute(select(1))


async def test_rows_come_back_as_they_went_in(tables: Database) -> None:
    rows = [row(number) for number in range(50)]

    async def write(tx: Transaction) -> None:
        await begun(tx)
        await insert_rows(tx, everything, rows)

    await tables.run(write)

    assert await rows_of(tables) == rows


async def test_nothing_stays_nothing(tables: Database) -> None:
    nothing = dict.fromkeys(("large", "bytes", "real", "json", "time"))
    rows = [row(0, **nothing), row(1), row(2, **nothing)]

    async def write(tx: Transaction) -> None:
        await begun(tx)
        await insert_rows(tx, everything, rows)
        await insert_rows(tx, everything, [])

    await tables.run(write)

    assert await rows_of(tables) == rows


async def test_rows_get_new_values_by_their_whole_key(tables: Database) -> None:
    same = uuid4()
    rows = [row(number, same) for number in range(4)]

    async def write(tx: Transaction) -> None:
        await begun(tx)
        await insert_rows(tx, everything, rows)
        changes = [
            {"id": same, "number": number, "text": f"new {number}", "large": None, "json": [1]}
            for number in (1, 3, 9)
        ]
        await update_rows(tx, everything, ("id", "number"), changes)
        await update_rows(tx, everything, ("id", "number"), [])

    await tables.run(write)

    for number in (1, 3):
        rows[number].update(text=f"new {number}", large=None, json=[1])
    assert await rows_of(tables) == rows


async def test_a_key_that_is_there_already_rolls_back_all(tables: Database) -> None:
    first = row(1)
    attempts = 0

    async def write(tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        await begun(tx)
        await insert_rows(tx, everything, [row(2), first, first])

    with pytest.raises(TransactionConflict):
        await tables.run(write)

    assert attempts > 1
    assert await rows_of(tables) == []


async def test_nothing_is_written_past_the_end_of_a_transaction(tables: Database) -> None:
    kept: list[Transaction] = []

    async def keep(tx: Transaction) -> None:
        await begun(tx)
        kept.append(tx)

    await tables.run(keep)

    with pytest.raises(RuntimeError):
        await insert_rows(kept[0], everything, [row(1)])
    assert await rows_of(tables) == []


async def test_what_all_rows_share_and_what_they_do_not_may_change_from_write_to_write(
    tables: Database,
) -> None:
    shared: dict[str, Any] = {
        "text": "alike",
        "flag": True,
        "real": None,
        "json": {"a": 1},
        "time": NOW,
    }
    writes = [
        [row(number, **shared) for number in range(40)],
        [row(number, **{**shared, "flag": number % 2 == 0}) for number in range(40, 80)],
        [row(number, **shared) for number in range(80, 120)],
        [row(120, **shared)],
        [row(number, **shared) for number in range(121, 124)],
    ]

    for rows in writes:

        async def write(tx: Transaction, rows: list[dict[str, Any]] = rows) -> None:
            await begun(tx)
            await insert_rows(tx, everything, rows)

        await tables.run(write)

    assert await rows_of(tables) == [one for rows in writes for one in rows]


async def test_writes_that_follow_one_another_keep_their_order(tables: Database) -> None:
    first, second = row(1), row(2)

    async def write(tx: Transaction) -> None:
        key = {"id": first["id"], "number": 1}
        await insert_rows(tx, everything, [first])
        await update_rows(tx, everything, ("id", "number"), [{**key, "text": "changed"}])
        await update_rows(tx, everything, ("id", "number"), [{**key, "text": "changed again"}])
        await insert_rows(tx, everything, [second])

    await tables.run(write)

    assert [one["text"] for one in await rows_of(tables)] == ["changed again", second["text"]]


async def test_a_write_is_seen_by_the_statement_that_follows(tables: Database) -> None:
    async def write(tx: Transaction) -> int:
        await insert_rows(tx, everything, [row(1), row(2)])
        return len((await tx.execute(select(everything))).all())

    assert await tables.run(write) == 2


async def test_what_is_written_inside_of_a_savepoint_vanishes_with_it(tables: Database) -> None:
    kept = row(1)

    async def fall(tx: Transaction) -> None:
        async with tx.savepoint():
            await insert_rows(tx, everything, [row(2)])
            raise ArithmeticError

    async def write(tx: Transaction) -> None:
        await insert_rows(tx, everything, [kept])
        with suppress(ArithmeticError):
            await fall(tx)

    await tables.run(write)

    assert await rows_of(tables) == [kept]
