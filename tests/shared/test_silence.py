"""Connections that fall silent: nobody waits for ever, and those who come after find others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy.engine import URL, make_url

from ordermesh.kernel.errors import Unavailable
from ordermesh.runtime import at_once, engines
from ordermesh.runtime.at_once import NotAsRemembered
from ordermesh.runtime.bulk import insert_rows
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.engines import PostgresTimeouts
from tests.dialects import on_postgresql
from tests.fakes import FakeClock
from tests.shared.things import THING, add, numbers

PATIENCE_SECONDS = 60
"""What hangs is seen to hang; a machine that has much to do has time enough."""


class Firewall:
    """Stands before PostgreSQL. It may forget the connections that there are, and tell nobody."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._forgotten = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> URL:
        """Give the address under which PostgreSQL is found behind it."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        bare = self._url.difference_update_query(["host", "port"])
        return bare.set(host="127.0.0.1", port=port)

    def forget(self) -> None:
        """Nothing comes through any more on what is open."""
        self._forgotten += 1

    async def close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, forth = await self._connect()
        time = self._forgotten
        ways = [self._way(near, forth, time), self._way(far, back, time)]
        self._tasks.update(asyncio.ensure_future(way) for way in ways)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        folder = self._url.query.get("host")
        if folder:
            port = self._url.port or self._url.query.get("port") or 5432
            return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}")
        return await asyncio.open_connection(self._url.host, self._url.port or 5432)

    async def _way(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, time: int
    ) -> None:
        with suppress(OSError):
            while read := await source.read(65_536):
                if time == self._forgotten:
                    target.write(read)
                    await target.drain()
        target.close()


@pytest.fixture
async def firewall(things: Database, database_url: str) -> AsyncIterator[Firewall]:
    opened = Firewall(make_url(database_url))
    yield opened
    await opened.close()


@pytest.fixture
async def behind(
    firewall: Firewall, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Database]:
    """A database behind the firewall, which answers soon or not at all."""
    monkeypatch.setattr(engines, "LENIENCE_SECONDS", 0.3)
    url = (await firewall.open()).render_as_string(hide_password=False)
    timeouts = PostgresTimeouts(statement=1_200, survey=1_200)
    database = await Database.open(url, clock=clock, timeouts=timeouts)
    yield database
    async with asyncio.timeout(PATIENCE_SECONDS):
        await database.close()


async def warm_up(database: Database) -> None:
    """Several connections of each pool are open."""
    barrier = asyncio.Barrier(3)

    async def look(tx: Transaction) -> None:
        await tx.execute(THING.select())
        await barrier.wait()

    await asyncio.gather(*(database.run(look) for _ in range(3)))
    await asyncio.gather(*(database.read(look) for _ in range(3)))


@on_postgresql
async def test_who_meets_a_silent_connection_is_served_by_another(
    behind: Database, firewall: Firewall
) -> None:
    await warm_up(behind)
    await add(behind, 1)
    firewall.forget()

    async with asyncio.timeout(PATIENCE_SECONDS):
        await add(behind, 2)
        assert await numbers(behind) == [1, 2]
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*(add(behind, number) for number in range(3, 9)))

    assert behind.connections_in_use == 0


@on_postgresql
async def test_a_commit_without_an_answer_is_unknown_and_not_done_again(
    behind: Database, firewall: Firewall
) -> None:
    tried = 0

    async def write(tx: Transaction) -> None:
        nonlocal tried
        tried += 1
        await tx.execute(THING.insert().values(number=1))
        firewall.forget()

    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(Unavailable):
            await behind.run(write)

    assert tried == 1


@on_postgresql
async def test_what_is_sent_into_silence_is_unknown_and_the_next_goes_another_way(
    behind: Database, firewall: Firewall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_once, "CLOCK_TOLERANCE", timedelta(seconds=60))
    monkeypatch.setattr(at_once, "WAY_TOLERANCE", timedelta(seconds=60))

    async def send(number: int) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await behind.run_at_once(
                lambda tx: insert_rows(tx, THING, [{"number": number, "words": None}])
            )

    await behind.run(lambda tx: tx.now())
    await send(1)
    firewall.forget()

    with pytest.raises(Unavailable):
        await send(2)
    with pytest.raises(NotAsRemembered):
        await send(3)
    await send(4)

    assert await numbers(behind) == [1, 4]


@on_postgresql
async def test_closing_ends_though_all_connections_are_silent(
    behind: Database, firewall: Firewall
) -> None:
    await warm_up(behind)
    inside, left = asyncio.Event(), list[BaseException]()

    async def hang(tx: Transaction) -> None:
        await tx.execute(THING.select())
        firewall.forget()
        inside.set()
        await tx.execute(THING.select())

    caller = asyncio.create_task(behind.run(hang))
    await inside.wait()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await behind.close(patience_seconds=0.1)
        left += [one for one in await asyncio.gather(caller, return_exceptions=True) if one]

    assert len(left) == 1
