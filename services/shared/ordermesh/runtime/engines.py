"""Engines for both databases, with their settings, and what their errors mean."""

import enum
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, TypeVar, cast

from sqlalchemy import Connection, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from ordermesh.kernel.errors import Conflict, Overloaded, Unavailable
from ordermesh.runtime.one_trip import Connection as OneTripConnection
from ordermesh.runtime.one_trip import OneTrip

T = TypeVar("T")
Dialect = Literal["sqlite", "postgresql"]

WRITERS = 6
"""Connections to PostgreSQL that write, unless it is asked for another number."""

READERS = 4
"""Connections that only read; who looks never takes the connection of who writes."""

LENIENCE_SECONDS = 2.0
"""So much longer than the server takes at most we wait until its connection counts as silent."""

SURVEYORS = 2
"""Connections to PostgreSQL that read very much, and take none of those who read little."""


class Engines(NamedTuple):
    """The connections of one database, by what they are for.

    Writers see what was committed when each statement began, readers and surveyors one snapshot,
    and they cannot write. The one apart, which SQLite has not, is for statements that write columns
    of any length by the same plan: to plan them anew for each length costs as much as they do.
    """

    writer: AsyncEngine
    reader: AsyncEngine
    surveyor: AsyncEngine
    apart: AsyncEngine | None = None

    def each(self) -> list[AsyncEngine]:
        """All that there are, each once: those who read a file are the same."""
        return list(dict.fromkeys(one for one in self if one is not None))


@dataclass(frozen=True)
class PostgresTimeouts:
    """How long the server of the database lets us wait or linger, in milliseconds.

    ``transaction`` is known to PostgreSQL 17 and later only. ``survey`` takes the place of all but
    ``lock`` for those who read very much.
    """

    lock: int = 250
    statement: int = 2_000
    idle_in_transaction: int = 5_000
    transaction: int = 10_000
    survey: int = 60_000

    def of_surveys(self) -> "PostgresTimeouts":
        """What these are for those who read very much."""
        return replace(
            self,
            statement=self.survey,
            idle_in_transaction=self.survey,
            transaction=self.survey,
        )

    def answer_seconds(self) -> float | None:
        """How long an answer may take: the server has given up before. None: for ever."""
        return self.statement / 1_000 + LENIENCE_SECONDS if self.statement else None


def parse(url: str) -> tuple[URL, Dialect]:
    """The URL and its dialect; raises ``ValueError`` for drivers and places not served."""
    parsed = make_url(url)
    if parsed.drivername == "sqlite+aiosqlite":
        if parsed.database in (None, "", ":memory:"):
            raise ValueError(
                "A SQLite database must be a file: readers have connections of their own."
            )
        return parsed, "sqlite"
    if parsed.drivername == "postgresql+asyncpg":
        return parsed, "postgresql"
    raise ValueError(
        f"{parsed.drivername} is not served; take sqlite+aiosqlite:/// or postgresql+asyncpg://."
    )


def database_file(url: URL) -> Path:
    """Where the SQLite database lies."""
    return Path(cast("str", url.database)).absolute()


def pragmas(*, writer: bool) -> Sequence[str]:
    """What is set for each connection to a file."""
    # The lock file of the database promises that nobody else writes, so a wait for the file is
    # short; FULL makes a commit survive a power cut.
    both = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=2000")
    return both if writer else (*both, "query_only=ON")


class Driver(Protocol):
    """How a file of SQLite is spoken to, where not through a thread for each connection."""

    def engine(self, url: URL, *, writer: bool) -> AsyncEngine:
        """As ``sqlite_engine`` makes it."""
        ...


def sqlite_engine(url: URL, *, writer: bool) -> AsyncEngine:
    """An engine with one writing connection, or with several that can only read.

    The driver's own idea of transactions is switched off (``isolation_level`` None), because it
    begins none before a SELECT: reading and then writing would not be atomic.
    """
    engine = create_async_engine(
        url,
        module=OneTrip(),
        connect_args={"isolation_level": None, "timeout": 2.0},
        hide_parameters=True,
        pool_size=1 if writer else READERS,
        max_overflow=0,
        pool_timeout=5.0,
    )
    begin = "BEGIN IMMEDIATE" if writer else "BEGIN"

    @event.listens_for(engine.sync_engine, "connect")
    def connect(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in pragmas(writer=writer):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Connection) -> None:
        cast("OneTripConnection", connection.connection.dbapi_connection).begin(begin)

    return engine


async def open_postgres(
    url: URL, *, schema: str | None, timeouts: PostgresTimeouts, pool_size: int
) -> Engines:
    """Small pools of connections, which are made when they are wanted.

    Raises ``Unavailable`` when the server does not answer.
    """
    probe = create_async_engine(url, connect_args={"timeout": 5.0, "command_timeout": 5.0})
    try:
        version = await translated(_server_version(probe))
    finally:
        await probe.dispose()
    place = {} if schema is None else {"search_path": schema}
    settings = {**_postgres_settings(timeouts, version), **place}
    patient = {**_postgres_settings(timeouts.of_surveys(), version), **place}
    same_plan = {**settings, "plan_cache_mode": "force_generic_plan"}
    most, survey = timeouts.answer_seconds(), timeouts.of_surveys().answer_seconds()
    return Engines(
        _postgres_engine(url, settings, most, pool_size),
        _postgres_engine(url, settings, most, READERS, is_reader=True),
        _postgres_engine(url, patient, survey, SURVEYORS, is_reader=True),
        _postgres_engine(url, same_plan, most, 1),
    )


def _postgres_engine(
    url: URL,
    settings: dict[str, str],
    answer_seconds: float | None,
    pool_size: int,
    *,
    is_reader: bool = False,
) -> AsyncEngine:
    """``answer_seconds`` is how long an answer may take until ``TimeoutError`` is raised."""
    how: dict[str, Any] = {"isolation_level": "READ COMMITTED"}
    if is_reader:
        how = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    return create_async_engine(
        url,
        execution_options=how,
        hide_parameters=True,
        connect_args={
            "server_settings": settings,
            "timeout": 5.0,
            "command_timeout": answer_seconds,
        },
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=2.0,
    )


async def _server_version(engine: AsyncEngine) -> int:
    async with connected(engine) as connection:
        return int(str(await connection.scalar(text("show server_version_num"))))


def _postgres_settings(timeouts: PostgresTimeouts, server_version: int) -> dict[str, str]:
    """The timeouts as settings of a session. ``server_version`` is like 180001."""
    settings = {
        "lock_timeout": str(timeouts.lock),
        "statement_timeout": str(timeouts.statement),
        "idle_in_transaction_session_timeout": str(timeouts.idle_in_transaction),
    }
    if server_version >= 170_000:
        settings["transaction_timeout"] = str(timeouts.transaction)
    return settings


class Verdict(enum.Enum):
    """What an error of the database means for the transaction that met it."""

    AGAIN = "again"
    """Rolled back because somebody was in the way: the whole may be tried again."""

    LOCKED = "locked"
    """As ``AGAIN``: what it wanted was kept locked for longer than is waited for."""

    AWAY = "away"
    """The database cannot serve now."""

    TOO_LONG = "too long"
    """The server gave it up, and may serve others."""

    BUG = "bug"
    """Anything else: a statement that should not have been sent."""

    @property
    def may_be_tried_again(self) -> bool:
        """Whether others were in the way, and the same may succeed."""
        return self in (Verdict.AGAIN, Verdict.LOCKED)


_AGAIN_STATES = frozenset({"40001", "40P01", "23505"})
_LOCKED_STATE = "55P03"
_AWAY_STATES = frozenset(
    {
        "25006",  # read-only after a failover
        "53100",  # disk full
        "53200",  # out of memory
        "53300",  # too many connections
        "57P01",  # the administrator ended us
        "57P02",  # a neighbour crashed
        "57P03",  # starting up or shutting down
    }
)
_TOO_LONG_STATES = frozenset(
    {
        "25P03",  # idle in a transaction for too long
        "25P04",  # a transaction that took too long
        "57014",  # statement timeout
    }
)
_AGAIN_CODES = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
        sqlite3.SQLITE_CONSTRAINT_UNIQUE,
        sqlite3.SQLITE_CONSTRAINT_ROWID,
    }
)
_AWAY_CODES = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})
_PRIMARY_CODE = 0xFF
"""SQLite's extended codes carry the general one in their lowest byte."""


def judge(error: DBAPIError) -> Verdict:
    """What the error means. A key that exists already means that a twin slipped in."""
    verdict = _judge_cause(error.orig)
    if verdict is not None:
        return verdict
    return Verdict.AWAY if error.connection_invalidated else Verdict.BUG


def _judge_cause(cause: Any) -> Verdict | None:
    """What an error of a driver means; None for one that tells no state."""
    state = getattr(cause, "sqlstate", None)
    if isinstance(state, str):
        return _judge_state(state)
    code = getattr(cause, "sqlite_errorcode", None)
    if code is None:
        return None
    if code in _AGAIN_CODES or code & _PRIMARY_CODE in _AGAIN_CODES:
        return Verdict.AGAIN
    return Verdict.AWAY if code & _PRIMARY_CODE in _AWAY_CODES else Verdict.BUG


def _judge_state(state: str) -> Verdict:
    if state == _LOCKED_STATE:
        return Verdict.LOCKED
    if state in _AGAIN_STATES:
        return Verdict.AGAIN
    if state in _TOO_LONG_STATES:
        return Verdict.TOO_LONG
    return Verdict.AWAY if state in _AWAY_STATES or state.startswith("08") else Verdict.BUG


_AWAY = "The database is away."


class TransactionConflict(Conflict):
    """Others were in the way each time the transaction was tried."""

    reason: ClassVar[str] = "TRANSACTION_CONFLICT"


class RowsLocked(TransactionConflict):
    """Others kept rows locked for longer than is waited for."""


class ConnectionLost(Unavailable):
    """The connection broke, and with it the transaction."""


class TookTooLong(Unavailable):
    """The server gave up a transaction of ours, and may well serve others meanwhile."""


def away() -> Unavailable:
    """The error for callers when the database cannot serve now."""
    return Unavailable(_AWAY, service="database", retry_after=0.2)


def lost() -> ConnectionLost:
    """The error for callers when their connection broke."""
    return ConnectionLost(_AWAY, service="database", retry_after=0.2)


async def started(engine: AsyncEngine) -> AsyncConnection:
    """A connection of the pool.

    Raises ``Overloaded`` when none gets free and ``Unavailable`` when none can be made.
    """
    connection = engine.connect()
    try:
        await connection.start()
    except PoolTimeout as error:
        raise Overloaded("All connections are in use.", retry_after=0.1) from error
    except OSError as error:
        raise away() from error
    return connection


@asynccontextmanager
async def connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection of the pool, which gets it back. Raises as ``started``."""
    connection = await started(engine)
    try:
        yield connection
    finally:
        await connection.close()


async def translated(attempt: Awaitable[T]) -> T:
    """The result of an attempt; errors of the driver become those of the kernel."""
    try:
        return await attempt
    except DBAPIError as error:
        verdict = judge(error)
        if error.connection_invalidated and verdict is not Verdict.TOO_LONG:
            raise lost() from error
        _raise_judged(verdict, error)
        raise
    except Exception as error:
        # The driver's own, where it was asked past SQLAlchemy.
        cause = _judge_cause(error)
        if cause is not None:
            _raise_judged(cause, error)
        raise


def _raise_judged(verdict: Verdict, error: Exception) -> None:
    if verdict is Verdict.AGAIN:
        raise TransactionConflict("Others changed the same rows. Try again.") from error
    if verdict is Verdict.LOCKED:
        raise RowsLocked("Others keep the same rows. Try again.") from error
    if verdict is Verdict.TOO_LONG:
        raise TookTooLong(_AWAY, service="database", retry_after=0.2) from error
    if verdict is Verdict.AWAY:
        raise away() from error
