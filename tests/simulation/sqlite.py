"""SQLite in the thread of the loop: a statement is done when it is asked for.

The product speaks to a file through a thread for each connection, and SQLAlchemy crosses over to it
and back. Here nothing is crossed; statements, and what their rows are read as, are SQLAlchemy's as
in life. What was compiled for one run is kept for the next.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from random import Random
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, Engine, Executable, NullPool, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import LRUCache

from ordermesh.runtime.engines import READERS, database_file, pragmas
from tests.simulation.markers import reached

PAUSE_SHARE = 0.1
"""Which share of the statements lets others run before it."""

SPILL_SHARE = 0.2
"""Most of what a transaction writes stays in memory until it commits; a full disk shows then."""

STATEMENT_SECONDS_MAX = 0.002
COMMIT_SECONDS_MAX = 0.004
POOL_SECONDS = 5.0

_compiled: Any = LRUCache(5_000)


class Disk:
    """The disk of one service: it keeps what was committed, and may be full."""

    def __init__(self, random: Random, committed: Callable[[int], None]) -> None:
        self.is_full = False
        self.random = random
        self.committed = committed
        self.refusals = 0

    def refuse(self) -> None:
        """Raise what SQLite raises when nothing can be written."""
        if not self.is_full:
            return
        self.refusals += 1
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        error.sqlite_errorname = "SQLITE_FULL"
        raise error

    def spill(self, statement: str) -> None:
        """A statement is about to be executed; some of those that write need the disk at once."""
        if self.is_full and _writes(statement) and self.random.random() < SPILL_SHARE:
            self.refuse()

    async def pause(self) -> None:
        """Let others run before a statement, now and then."""
        if self.random.random() < PAUSE_SHARE:
            await asyncio.sleep(self.random.uniform(0.0, STATEMENT_SECONDS_MAX))


class InlineDriver:
    """How a simulated process speaks to its file, until it dies."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._engines: list[_InlineEngine] = []

    def engine(self, url: URL, *, writer: bool) -> AsyncEngine:
        """What connections come from."""
        engine = _InlineEngine(url, self._disk, writer=writer)
        self._engines.append(engine)
        return cast("AsyncEngine", engine)

    def kill(self) -> bool:
        """The process died: what was not committed is rolled back. Whether there was something."""
        return any(tuple(engine.kill() for engine in self._engines))


class _Cursor(sqlite3.Cursor):
    """Has read all rows when the statement is done, as the driver of the product has."""

    disk: Disk

    def execute(self, statement: str, parameters: Any = (), /) -> "_Cursor":
        self.disk.spill(statement)
        super().execute(statement, parameters)
        self._rows = deque(super().fetchall())
        return self

    def executemany(self, statement: str, parameters: Any, /) -> "_Cursor":
        self.disk.spill(statement)
        super().executemany(statement, parameters)
        self._rows = deque()
        return self

    def fetchone(self) -> Any:
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int | None = 1) -> list[Any]:
        return [self._rows.popleft() for _ in range(min(size or 1, len(self._rows)))]

    def fetchall(self) -> list[Any]:
        rows, self._rows = list(self._rows), deque()
        return rows


class _Held:
    """One connection: SQLAlchemy's, over one of the driver that begins and ends by our word."""

    def __init__(self, engine: Engine) -> None:
        self.connection: Connection = engine.connect()
        driver = self.connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        self.driver = driver
        self.changes = driver.total_changes

    @property
    def is_writing(self) -> bool:
        """Whether something was written and is not committed."""
        return self.driver.in_transaction and self.driver.total_changes > self.changes


class _InlineEngine:
    """As the database of the product knows an engine."""

    def __init__(self, url: URL, disk: Disk, *, writer: bool) -> None:
        self.disk = disk
        self.begin = "BEGIN IMMEDIATE" if writer else "BEGIN"
        self._file = database_file(url)
        self._writer = writer
        self._room = 1 if writer else READERS
        self._opened: list[_Held] = []
        self._free: list[_Held] = []
        self._waiting: deque[asyncio.Future[None]] = deque()
        pool = NullPool(self._connect, reset_on_return=None)
        self.sync_engine = Engine(pool, _dialect(), url, hide_parameters=True)
        self.sync_engine._compiled_cache = _compiled
        self.pool = self

    def connect(self) -> "_InlineConnection":
        return _InlineConnection(self)

    async def take(self) -> _Held:
        """A connection that nobody uses; who comes first is served first."""
        if not self._free and len(self._opened) >= self._room:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await asyncio.wait_for(turn, POOL_SECONDS)
            except TimeoutError as error:
                raise PoolTimeout("All connections are in use.") from error
        if self._free:
            return self._free.pop()
        self._opened.append(_Held(self.sync_engine))
        return self._opened[-1]

    def give(self, held: _Held) -> None:
        """It is used no more."""
        self._free.append(held)
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                break

    def checkedout(self) -> int:
        return len(self._opened) - len(self._free)

    async def dispose(self) -> None:
        self.kill()

    def kill(self) -> bool:
        """Close everything; gives whether something was written and not committed."""
        opened, self._opened = self._opened, []
        self._free.clear()
        is_inside = any(held.is_writing for held in opened)
        for held in opened:
            held.driver.close()
        return is_inside

    def _connect(self) -> Any:
        disk = self.disk

        class Cursor(_Cursor):
            pass

        Cursor.disk = disk

        class Driver(sqlite3.Connection):
            def cursor(self, factory: Any = Cursor) -> Any:
                return super().cursor(factory)

        driver = sqlite3.connect(self._file, isolation_level=None, factory=Driver)
        for pragma in pragmas(writer=self._writer):
            driver.execute(f"PRAGMA {pragma}")
        return driver


class _Begun:
    """A transaction, which may be committed before its block ends."""

    def __init__(self, commit: Callable[[], Awaitable[None]]) -> None:
        self._commit = commit
        self.is_over = False

    async def commit(self) -> None:
        self.is_over = True
        await self._commit()


class _InlineConnection:
    """As a transaction of the product knows a connection."""

    def __init__(self, engine: _InlineEngine) -> None:
        self._engine = engine
        self._disk = engine.disk
        self._held: _Held

    async def start(self) -> None:
        self._held = await self._engine.take()

    async def close(self) -> None:
        self._engine.give(self._held)

    async def execute(
        self,
        statement: Executable,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> CursorResult[Any]:
        await self._disk.pause()
        return self._held.connection.execute(statement, parameters)

    async def exec_driver_sql(self, statement: str, parameters: Any = None) -> CursorResult[Any]:
        await self._disk.pause()
        return self._held.connection.exec_driver_sql(statement, parameters)

    async def get_raw_connection(self) -> "_InlineConnection":
        return self

    @property
    def dbapi_connection(self) -> "_InlineConnection":
        return self

    async def execute_each(self, writes: Sequence[tuple[str, Sequence[Any]]]) -> None:
        for statement, rows in writes:
            await self._disk.pause()
            self._held.connection.exec_driver_sql(statement, list(rows))

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["_Begun"]:
        driver = self._held.driver
        await self._disk.pause()
        driver.execute(self._engine.begin)
        begun = _Begun(self._commit)
        try:
            yield begun
            if not begun.is_over:
                await begun.commit()
        except BaseException:
            if driver.in_transaction:
                driver.rollback()
            self._held.changes = driver.total_changes
            raise

    @asynccontextmanager
    async def begin_nested(self) -> AsyncIterator[None]:
        driver = self._held.driver
        driver.execute("SAVEPOINT inside")
        try:
            yield
        except BaseException:
            driver.execute("ROLLBACK TO inside")
            driver.execute("RELEASE inside")
            raise
        driver.execute("RELEASE inside")

    async def _commit(self) -> None:
        held, disk = self._held, self._disk
        rows = held.driver.total_changes - held.changes
        if not rows:
            held.driver.commit()
            return
        # A process can die before a commit and after it, and others run meanwhile.
        await asyncio.sleep(disk.random.uniform(0.0, COMMIT_SECONDS_MAX))
        if disk.is_full:
            reached("a commit met a full disk")
        try:
            disk.refuse()
        except sqlite3.OperationalError as error:
            raise OperationalError("COMMIT", None, error) from error
        held.driver.commit()
        disk.committed(rows)
        held.changes += rows
        await asyncio.sleep(disk.random.uniform(0.0, COMMIT_SECONDS_MAX))


@cache
def _dialect() -> Any:
    """SQLAlchemy's, which has looked at SQLite once."""
    engine = create_engine("sqlite://")
    with engine.connect():
        return engine.dialect


_READS = ("SELECT", "PRAGMA", "BEGIN", "ROLLBACK", "SAVEPOINT", "RELEASE")


def _writes(statement: str) -> bool:
    return not statement.lstrip().upper().startswith(_READS)
