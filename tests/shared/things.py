"""A table of things, and what is kept in it."""

from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select

from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.instants import UtcTime

THING = Table(
    "thing",
    MetaData(),
    Column("number", Integer, primary_key=True),
    Column("words", String(100)),
    Column("seen_time", UtcTime),
)


async def add(database: Database, number: int, words: str = "") -> None:
    async def write(tx: Transaction) -> None:
        await tx.execute(insert(THING).values(number=number, words=words))

    await database.run(write)


async def numbers(database: Database) -> list[int]:
    async def look(tx: Transaction) -> list[int]:
        return list((await tx.execute(select(THING.c.number).order_by("number"))).scalars())

    return await database.read(look)
