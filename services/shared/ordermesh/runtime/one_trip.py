"""SQLite statements in one trip to the thread of their connection.

The driver has a thread for each connection, and the adapter of SQLAlchemy goes there and back four
times for a SELECT: to make a cursor, to execute, to fetch, to close. Each trip wakes a thread and
then the loop, which costs more than most statements. Here a statement goes once and comes back with
all its rows.
"""

import sqlite3
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

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
        driver: Any = self._connection
        async with self._adapt_connection._execute_mutex:
            self._done = await driver._execute(work, driver._conn, operation, parameters)
        self._rows = deque(self._done.rows)


class _Connection(AsyncAdapt_aiosqlite_connection):
    __slots__ = ()
    _cursor_cls: type[AsyncAdapt_aiosqlite_cursor] = _Cursor


class OneTrip(AsyncAdapt_aiosqlite_dbapi):
    """The driver as ``create_async_engine`` takes it for ``module``."""

    def __init__(self) -> None:
        super().__init__(aiosqlite, sqlite3)

    def connect(self, *arguments: Any, **options: Any) -> _Connection:
        """Connect, with cursors that make one trip."""
        adapted = super().connect(*arguments, **options)
        return _Connection(self, adapted._connection)


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
