"""SQLite statements in one trip to the thread of their connection.

The driver has a thread for each connection, and the adapter of SQLAlchemy goes there and back four
times for a SELECT: to make a cursor, to execute, to fetch, to close. Each trip wakes a thread and
then the loop, which costs more than most statements. Here a statement goes once and comes back with
all its rows; the first of a transaction takes its beginning along, writes that follow one another
go together, and where nothing was begun nothing is ended.
"""

import sqlite3
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
)
from sqlalchemy.util import EMPTY_DICT


class _Done(NamedTuple):
    """What a cursor had to say before it was closed."""

    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    rows: Sequence[Any] = ()


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    """A cursor that exists in the thread only while its statement runs."""

    __slots__ = ("_done",)
    _done: _Done
    arraysize = 1

    def __init__(self, adapt_connection: AsyncAdapt_aiosqlite_connection) -> None:
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection
        self._soft_closed_memoized = EMPTY_DICT
        self._rows = deque()
        self._done = _Done()

    @property
    def description(self) -> Any:
        return self._done.description

    @property
    def rowcount(self) -> int:
        return self._done.rowcount

    @property
    def lastrowid(self) -> Any:
        return self._done.lastrowid

    def close(self) -> None:
        self._rows.clear()

    async def _async_soft_close(self) -> None:
        """It is closed already."""

    async def _execute_async(self, operation: Any, parameters: Any) -> None:
        await self._go(_execute, operation, () if parameters is None else parameters)

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> None:
        await self._go(_execute_many, operation, seq_of_parameters)

    async def _go(self, work: Any, operation: Any, parameters: Any) -> None:
        adapted = cast("Connection", self._adapt_connection)
        async with adapted._execute_mutex:
            self._done = await adapted.go(work, operation, parameters)
        self._rows = deque(self._done.rows)


class Connection(AsyncAdapt_aiosqlite_connection):
    """A connection that makes no trip for nothing."""

    __slots__ = ("_beginning", "_is_under_way")
    _cursor_cls: type[AsyncAdapt_aiosqlite_cursor] = _Cursor

    def __init__(self, dbapi: Any, connection: Any) -> None:
        super().__init__(dbapi, connection)
        self._beginning: str | None = None
        self._is_under_way = False

    def begin(self, statement: str) -> None:
        """Let the next statement begin a transaction by this one."""
        self._beginning = statement

    async def go(self, work: Any, *arguments: Any) -> Any:
        """Have something done in the thread, after what was to begin. Raises ``sqlite3.Error``."""
        beginning, self._beginning = self._beginning, None
        driver: Any = self._connection
        # Who waits for it may go away, and it goes on nevertheless.
        self._is_under_way = True
        try:
            done = await driver._execute(_begin_and, driver._conn, beginning, work, arguments)
        except Exception:
            self._is_under_way = False
            raise
        self._is_under_way = False
        return done

    async def execute_each(self, writes: Sequence[tuple[str, Sequence[Any]]]) -> None:
        """Execute statements in their order, each for all of its rows. Raises ``sqlite3.Error``."""
        async with self._execute_mutex:
            await self.go(_execute_each, writes)

    def commit(self) -> None:
        """Commit, where anything was begun."""
        if self._has_begun():
            super().commit()

    def rollback(self) -> None:
        """Roll back, where anything was begun."""
        if self._has_begun():
            super().rollback()

    def _has_begun(self) -> bool:
        self._beginning = None
        driver: Any = self._connection
        is_open = driver._connection is not None
        return is_open and (self._is_under_way or bool(driver.in_transaction))


class OneTrip(AsyncAdapt_aiosqlite_dbapi):
    """The driver as ``create_async_engine`` takes it for ``module``."""

    def __init__(self) -> None:
        super().__init__(aiosqlite, sqlite3)

    def connect(self, *arguments: Any, **options: Any) -> Connection:
        """Connect, with cursors that make one trip."""
        adapted = super().connect(*arguments, **options)
        return Connection(self, adapted._connection)


def _begin_and(
    connection: sqlite3.Connection, beginning: str | None, work: Any, arguments: tuple[Any, ...]
) -> Any:
    if beginning is not None:
        connection.execute(beginning)
    return work(connection, *arguments)


def _execute_each(
    connection: sqlite3.Connection, writes: Sequence[tuple[str, Sequence[Any]]]
) -> None:
    for statement, rows in writes:
        connection.executemany(statement, rows)


def _execute(connection: sqlite3.Connection, operation: str, parameters: Any) -> _Done:
    cursor = connection.cursor()
    try:
        cursor.execute(operation, parameters)
        rows = cursor.fetchall() if cursor.description else ()
        return _Done(cursor.description, cursor.rowcount, cursor.lastrowid, rows)
    finally:
        cursor.close()


def _execute_many(connection: sqlite3.Connection, operation: str, many: Any) -> _Done:
    cursor = connection.cursor()
    try:
        cursor.executemany(operation, many)
        return _Done(cursor.description, cursor.rowcount, cursor.lastrowid)
    finally:
        cursor.close()
