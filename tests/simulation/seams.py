"""What is handed to the services instead of this machine's: time, ids, and a way to SQLite."""

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from ordermesh.runtime.one_trip import OneTrip
from tests.simulation.markers import reached

START = datetime(2026, 3, 2, 12, tzinfo=UTC)

PAUSE_SHARE = 0.1
"""Which share of the statements lets others run before it."""

STATEMENT_SECONDS_MAX = 0.002
COMMIT_SECONDS_MAX = 0.004


class SimulatedClock:
    """The time of one machine: that of the loop, more or less."""

    def __init__(self, loop: asyncio.AbstractEventLoop, offset_seconds: float = 0.0) -> None:
        self._loop = loop
        self.offset_seconds = offset_seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self._loop.time() + self.offset_seconds)

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SeededIds:
    """Ids of version 7, as in life, of a machine whose chance is known."""

    def __init__(self, clock: SimulatedClock, random: Random) -> None:
        self._clock = clock
        self._random = random

    def new(self) -> UUID:
        milliseconds = int(self._clock.now().timestamp() * 1000)
        bits = milliseconds << 80 | self._random.getrandbits(80)
        bits = bits & ~(0xF << 76) | 0x7 << 76
        bits = bits & ~(0x3 << 62) | 0x2 << 62
        return UUID(int=bits)


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


class InlineDriver(OneTrip):
    """SQLite in the thread of the loop: a statement is done when it is asked for."""

    def __init__(self, disk: Disk) -> None:
        super().__init__()
        self._disk = disk
        self._opened: list[_InlineConnection] = []

    def connect(self, *arguments: Any, **options: Any) -> Any:
        """Connect without a thread."""
        return super().connect(*arguments, async_creator_fn=self._open, **options)

    async def _open(self, *arguments: Any, **options: Any) -> "_InlineConnection":
        connection = _InlineConnection(sqlite3.connect(*arguments, **options), self._disk)
        self._opened.append(connection)
        return connection

    def kill(self) -> bool:
        """The process died: what was not committed is rolled back. Whether there was something."""
        is_inside = any(connection.is_writing for connection in self._opened)
        for connection in self._opened:
            connection.stop()
        return is_inside


class _InlineConnection:
    """As the adapter of SQLAlchemy knows a connection of the driver."""

    def __init__(self, connection: sqlite3.Connection, disk: Disk) -> None:
        self._connection: sqlite3.Connection | None = connection
        self._disk = disk
        self._changes = connection.total_changes

    @property
    def is_writing(self) -> bool:
        """Whether something was written and is not committed."""
        connection = self._connection
        if connection is None or not connection.in_transaction:
            return False
        return connection.total_changes > self._changes

    @property
    def _conn(self) -> sqlite3.Connection:
        if self._connection is None:
            raise ValueError("no active connection")
        return self._connection

    async def _execute(self, work: Callable[..., Any], *arguments: Any) -> Any:
        random = self._disk.random
        if random.random() < PAUSE_SHARE:
            await asyncio.sleep(random.uniform(0.0, STATEMENT_SECONDS_MAX))
        if self._disk.is_full and _writes(arguments):
            self._disk.refuse()
        return work(*arguments)

    async def commit(self) -> None:
        before = self._conn.total_changes
        if before == self._changes:
            self._conn.commit()
            return
        # A process can die before a commit and after it, and others run meanwhile.
        await asyncio.sleep(self._disk.random.uniform(0.0, COMMIT_SECONDS_MAX))
        if self._disk.is_full:
            reached("a commit met a full disk")
        self._disk.refuse()
        self._conn.commit()
        self._disk.committed(before - self._changes)
        self._changes = before
        await asyncio.sleep(self._disk.random.uniform(0.0, COMMIT_SECONDS_MAX))

    async def rollback(self) -> None:
        self._conn.rollback()
        self._changes = self._conn.total_changes

    async def create_function(self, *arguments: Any, **options: Any) -> None:
        self._conn.create_function(*arguments, **options)

    async def close(self) -> None:
        self.stop()

    def stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


_READS = ("SELECT", "PRAGMA", "BEGIN", "ROLLBACK", "SAVEPOINT", "RELEASE")


def _writes(arguments: tuple[Any, ...]) -> bool:
    statement = next((one for one in arguments if isinstance(one, str)), "")
    return not statement.lstrip().upper().startswith(_READS)
