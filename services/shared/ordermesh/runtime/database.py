"""The one transaction seam: a file of SQLite or a PostgreSQL server, chosen by a URL.

A transaction is a function that gets a ``Transaction``. It may be run more than once (a twin was
faster, two transactions were in each other's way), so it has no effect but through its
transaction; what must follow the commit is registered with ``after_commit``.
"""

import asyncio
import logging
import random as randomness
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from typing import Any, TypeVar, cast

from sqlalchemy import Engine, event, select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from ordermesh.kernel.clock import Clock
from ordermesh.kernel.ids import Ids, RandomIds
from ordermesh.runtime import failpoints
from ordermesh.runtime.at_once import (
    NOT_AS_REMEMBERED_STATE,
    AtOnce,
    MustLook,
    NotAsRemembered,
    RememberedClock,
)
from ordermesh.runtime.call import current_call
from ordermesh.runtime.doorbell import Doorbells
from ordermesh.runtime.engines import (
    WRITERS,
    ConnectionLost,
    Dialect,
    Driver,
    Engines,
    PostgresTimeouts,
    RowsLocked,
    TransactionConflict,
    connected,
    database_file,
    open_postgres,
    parse,
    sqlite_engine,
    translated,
)
from ordermesh.runtime.lockfile import LockFile, refuse_network_file_system
from ordermesh.runtime.sender import Sender
from ordermesh.runtime.silence import Silence
from ordermesh.runtime.transaction import Transaction as Transaction

T = TypeVar("T")
X = TypeVar("X", bound=Transaction)

ATTEMPTS = 3
"""How often a transaction is tried in all."""

JITTER_SECONDS = 0.02
"""The second try waits for up to twice, the third for up to three times as long."""

_log = logging.getLogger(__name__)
_open_transaction: ContextVar[Transaction | None] = ContextVar("open_transaction", default=None)


class _Ticket:
    """What is known of a transaction from outside: is it still wanted, may it have committed."""

    is_abandoned = False
    is_committing = False


class _Abandoned(Exception):
    """The caller went away before its transaction began."""


class Database:
    """A database with its connections. Make one with ``Database.open``."""

    def __init__(
        self,
        dialect: Dialect,
        clock: Clock,
        engines: Engines,
        lock_file: LockFile | None,
        random: randomness.Random,
        ids: Ids,
    ) -> None:
        self.dialect: Dialect = dialect
        self.clock = clock
        self.ids = ids
        self.doorbells = Doorbells()
        self._engines = engines
        self._lock_file = lock_file
        self.random = random
        # SQLite has one writer: who waits for it waits here, in order, instead of in the file.
        self._turn: AbstractAsyncContextManager[None] = (
            asyncio.Lock() if dialect == "sqlite" else nullcontext()
        )
        self._running: set[asyncio.Task[Any]] = set()
        self._is_open = True
        self._remembered_clock = RememberedClock()
        self.history = 0
        for engine in (engines.writer, engines.apart):
            if engine is not None:
                event.listen(engine.sync_engine, "connect", self._note_connection)
        self._silence = Silence(engines.each() if dialect == "postgresql" else ())
        self._sender = Sender(engines.apart, self._silence) if engines.apart is not None else None
        self._sending = asyncio.Lock()

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        clock: Clock,
        schema: str | None = None,
        timeouts: PostgresTimeouts | None = None,
        pool_size: int = WRITERS,
        random: randomness.Random | None = None,
        ids: Ids | None = None,
        driver: Driver | None = None,
    ) -> "Database":
        """Open ``sqlite+aiosqlite:///path`` or ``postgresql+asyncpg://user@host/name``.

        ``schema`` becomes the search path on PostgreSQL and means nothing on SQLite; neither does
        ``pool_size``, the number of connections that write. ``random`` and ``ids`` are where chance
        and fresh ids come from, ``driver`` is how a file is spoken to; None takes those of this
        machine. Raises ``DatabaseInUse`` when another process serves the file,
        ``NetworkFileSystem``, ``ValueError`` for other drivers, ``Unavailable`` when the server
        does not answer.
        """
        parsed, dialect = parse(url)
        lock_file: LockFile | None = None
        if dialect == "sqlite":
            path = database_file(parsed)
            await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
            refuse_network_file_system(path)
            lock_file = LockFile(path)
            engine = sqlite_engine if driver is None else driver.engine
            reader = engine(parsed, writer=False)
            engines = Engines(engine(parsed, writer=True), reader, reader)
        else:
            engines = await open_postgres(
                parsed, schema=schema, timeouts=timeouts or PostgresTimeouts(), pool_size=pool_size
            )
        database = cls(
            dialect,
            clock,
            engines,
            lock_file,
            random or randomness.Random(),  # noqa: S311 - it spreads retries
            ids or RandomIds(),
        )
        try:
            await database.read(_nothing)
            if database._sender is not None:
                # A connection made later would be another history, and all would be forgotten.
                await translated(database._sender.ready())
        except BaseException:
            await database.close()
            raise
        return database

    async def run(
        self, work: Callable[[Transaction], Awaitable[T]], *, is_patient: bool = True
    ) -> T:
        """Run ``work`` in one write transaction, and give its result after the commit.

        On SQLite ``BEGIN IMMEDIATE``, one at a time; on PostgreSQL READ COMMITTED. Deadlocks, lock
        timeouts and keys that a twin wrote first roll it back and run it again, twice at most and
        inside of the call's deadline. Once begun it is not cancelled with its caller. Who is not
        patient is told ``RowsLocked`` the first time.

        Raises ``TransactionConflict`` when others were in the way each time, ``Unavailable`` when
        the database is away, ``Overloaded`` when no connection gets free, and what ``work`` raises.
        """
        attempts = partial(self._attempts, self._write, work, is_patient=is_patient)
        return await self._detached(attempts)

    async def run_at_once(self, work: Callable[[AtOnce], Awaitable[T]]) -> T:
        """Run ``work``, which reads nothing, and send what it writes as one statement.

        What is sent goes in the order in which it was decided, so that ``work`` may count on what
        was decided before and is still on its way. It is tried once.

        Raises ``MustLook`` on SQLite, before the database's clock was read, and as ``AtOnce`` does;
        ``NotAsRemembered`` when a guard said no, what ``run`` raises, and what ``work`` raises.
        Nothing was written then, or that is not known: only the caller's request id can tell.
        """
        return await self._detached(lambda ticket: translated(self._at_once(work, ticket)))

    def note_now(self, instant: datetime) -> None:
        """The database's clock has just shown this."""
        self._remembered_clock.note(instant, self.clock.monotonic())

    def _note_connection(self, *_: object) -> None:
        """A connection was made, perhaps to a database that was restored meanwhile."""
        self.history += 1

    async def read(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run ``work`` on one consistent snapshot that cannot be written to.

        Raises as ``run`` does.
        """
        return await self._look(self._engines.reader, work)

    async def survey(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """``read`` for those who go through very much: PostgreSQL gives them a minute."""
        return await self._look(self._engines.surveyor, work)

    async def _look(self, engine: AsyncEngine, work: Callable[[Transaction], Awaitable[T]]) -> T:
        return await self._detached(partial(self._attempts, partial(self._snapshot, engine), work))

    @property
    def running(self) -> int:
        """How many transactions are under way or wait for their turn."""
        return len(self._running)

    @property
    def connections_in_use(self) -> int:
        """How many connections are taken out of the pools."""
        return sum(
            cast("QueuePool", engine.pool).checkedout()
            for engine in self._engines.each()
            if engine is not self._engines.apart
        )

    def engines(self) -> tuple[Engine, ...]:
        """The engines beneath, for those who watch statements."""
        return tuple(one.sync_engine for one in self._engines.each())

    async def close(self, patience_seconds: float = 10.0) -> None:
        """Wait for the transactions under way, then close all connections and free the lock.

        What takes longer than ``patience_seconds`` is cancelled and rolled back, and connections on
        which even that takes long are ended without a word.
        """
        self._is_open = False
        if self._running:
            _, left = await asyncio.wait(self._running, timeout=patience_seconds)
            for task in left:
                task.cancel()
            if left:
                await self._silence.outlast(asyncio.gather(*left, return_exceptions=True))
        await self._silence.outlast(asyncio.ensure_future(self._close_connections()))
        if self._lock_file is not None:
            self._lock_file.close()

    async def _close_connections(self) -> None:
        if self._sender is not None:
            await self._sender.close()
        for engine in self._engines.each():
            await engine.dispose()

    async def _detached(self, start: Callable[[_Ticket], Coroutine[Any, Any, T]]) -> T:
        """A task of its own, because a deadline of a caller is a cancellation.

        A driver's call that is cancelled may leave a connection with its locks behind.
        """
        if not self._is_open:
            raise RuntimeError("This database is closed.")
        outer = _open_transaction.get()
        if outer is not None and outer.is_open:
            raise RuntimeError("A transaction is open in this task: hand it on instead.")
        ticket = _Ticket()
        task = asyncio.create_task(start(ticket), name="transaction")
        self._running.add(task)
        task.add_done_callback(self._ended)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            ticket.is_abandoned = True
            raise

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            # Marks the error as seen: the caller got it, or has gone and could do nothing.
            task.exception()

    async def _attempts(
        self,
        attempt: Callable[[Callable[[Transaction], Awaitable[T]], _Ticket], Awaitable[T]],
        work: Callable[[Transaction], Awaitable[T]],
        ticket: _Ticket,
        *,
        is_patient: bool = True,
    ) -> T:
        for number in range(1, ATTEMPTS + 1):
            is_last = number == ATTEMPTS
            if number > 1:
                # Two that were in each other's way at one moment must not meet again at one moment.
                await asyncio.sleep(self.random.uniform(0.0, JITTER_SECONDS * number))
            try:
                return await translated(attempt(work, ticket))
            except TransactionConflict as error:
                is_enough = isinstance(error, RowsLocked) and not is_patient
                if is_enough or is_last or ticket.is_abandoned or self._is_late():
                    raise
            except ConnectionLost:
                # A commit that was sent may have been done: only the caller's request id can tell.
                if is_last or ticket.is_abandoned or ticket.is_committing or self._is_late():
                    raise
        raise AssertionError("The last attempt returns or raises.")

    def _is_late(self) -> bool:
        try:
            deadline = current_call().deadline
        except LookupError:
            return False
        return deadline is not None and self.clock.now() >= deadline

    async def _write(self, work: Callable[[Transaction], Awaitable[T]], ticket: _Ticket) -> T:
        async with self._turn, connected(self._engines.writer) as connection:
            if ticket.is_abandoned:
                raise _Abandoned
            transaction = Transaction(connection, self.dialect, self)
            async with connection.begin() as begun, self._silence.noticed(connection):
                if failpoints.armed:
                    await failpoints.reach(failpoints.points.DATABASE_BEGUN)
                result = await _inside(transaction, work)
                if failpoints.armed:
                    await failpoints.reach(failpoints.points.DATABASE_COMMITTING)
                ticket.is_committing = True
                await begun.commit()
        if failpoints.armed:
            await failpoints.reach(failpoints.points.DATABASE_COMMITTED)
        self._committed(transaction)
        return result

    async def _at_once(self, work: Callable[[AtOnce], Awaitable[T]], _ticket: _Ticket) -> T:
        instant = self._remembered_clock.now(self.clock.monotonic())
        if self._sender is None or instant is None:
            raise MustLook
        transaction = AtOnce(self, instant)
        try:
            result = await _inside(transaction, work)
            statement = transaction.statement()
            if statement is None:
                return result
            async with self._sending:
                if not transaction.is_believed:
                    raise NotAsRemembered
                await self._send(self._sender, transaction.history, *statement)
        except BaseException:
            transaction.failed()
            raise
        self._committed(transaction)
        return result

    async def _send(
        self, sender: Sender, history: int, text: str, arguments: Sequence[Any]
    ) -> None:
        """Execute one statement that is a transaction of its own."""
        await sender.ready()
        if history != self.history:
            raise NotAsRemembered
        try:
            await sender.send(text, arguments)
        except Exception as error:
            if getattr(error, "sqlstate", None) == NOT_AS_REMEMBERED_STATE:
                raise NotAsRemembered from error
            raise

    def _committed(self, transaction: Transaction) -> None:
        for call in transaction.end():
            try:
                call()
            except Exception:  # noqa: BLE001 - the commit stands whatever follows it
                _log.exception("a call after the commit failed")

    async def _snapshot(
        self,
        engine: AsyncEngine,
        work: Callable[[Transaction], Awaitable[T]],
        _ticket: _Ticket,
    ) -> T:
        async with connected(engine) as connection:
            transaction = Transaction(connection, self.dialect, self)
            async with connection.begin(), self._silence.noticed(connection):
                return await _inside(transaction, work)


async def _inside(transaction: X, work: Callable[[X], Awaitable[T]]) -> T:
    token = _open_transaction.set(transaction)
    try:
        result = await work(transaction)
        await transaction.flush()
    finally:
        transaction.end()
        _open_transaction.reset(token)
    return result


async def _nothing(tx: Transaction) -> None:
    await tx.execute(select(1))
