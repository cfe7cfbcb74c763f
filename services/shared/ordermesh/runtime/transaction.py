"""One open transaction: statements, the database's clock, and writes that travel together."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Protocol, cast
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, Executable, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ordermesh.kernel.clock import Clock
from ordermesh.kernel.ids import Ids
from ordermesh.runtime.doorbell import Doorbells
from ordermesh.runtime.engines import Dialect
from ordermesh.runtime.instants import UtcTime
from ordermesh.runtime.prepared import ColumnWrite, Prepared, row_class, together

_CLOCK = Prepared(lambda _: select(func.clock_timestamp().label("now")))


class Surroundings(Protocol):
    """What a transaction needs of its database."""

    clock: Clock
    ids: Ids
    doorbells: Doorbells
    history: int

    def note_now(self, instant: datetime) -> None:
        """The database's clock has just shown this."""
        ...


class Transaction:
    """One open transaction, handed to stores: the only way to the database."""

    def __init__(
        self, connection: AsyncConnection, dialect: Dialect, database: Surroundings
    ) -> None:
        self.dialect: Dialect = dialect
        self._connection = connection
        self._database = database
        self._after_commit: list[Callable[[], None]] = []
        self._is_open = True
        self._has_begun = False
        self._driver: Any = None
        self._writes: list[ColumnWrite] = []
        self._rows: list[tuple[str, Sequence[Any]]] = []
        self._last_now: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether statements may still be executed."""
        return self._is_open

    async def execute(
        self,
        statement: Executable,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> CursorResult[Any]:
        """Execute one statement, once, or once for each mapping of a sequence."""
        await self._ready()
        return await self._connection.execute(statement, parameters)

    async def rows(self, prepared: Prepared, values: Mapping[str, Any]) -> Sequence[Any]:
        """The rows of a statement that was prepared; columns are attributes.

        On PostgreSQL it goes past SQLAlchemy, which costs several times what the statement does.
        """
        if self.dialect == "sqlite":
            found = await self.execute(prepared.statement("sqlite"), values)
            return found.all()
        is_first = not self._has_begun
        await self._ready()
        text, arguments = prepared.text(values)
        if is_first:
            # The driver's transaction begins with SQLAlchemy's first statement.
            found = await self._connection.exec_driver_sql(text, arguments)
            return found.all()
        driver = await self._postgres()
        rows: Sequence[Any] = await driver.fetch(text, *arguments, record_class=row_class())
        return rows

    async def execute_rows(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Execute a statement in the words of SQLite's driver once for each row.

        Such statements travel together, at the latest before the next other statement or the end.
        """
        if not self._is_open:
            raise RuntimeError("This transaction has ended.")
        self._rows.append((statement, rows))

    async def write_columns(self, write: ColumnWrite) -> None:
        """Write whole columns of values to PostgreSQL, past SQLAlchemy.

        Writes that follow one another travel as one statement, at the latest before the next
        statement or the end; those that might touch rows of each other stay in their order.
        """
        if not self._is_open:
            raise RuntimeError("This transaction has ended.")
        if any(write.must_follow(earlier) for earlier in self._writes):
            await self.flush()
        self._writes.append(write)

    async def flush(self) -> None:
        """Send the writes that wait."""
        if self._rows:
            self._has_begun, rows, self._rows = True, self._rows, []
            raw = await self._connection.get_raw_connection()
            await cast("Any", raw.dbapi_connection).execute_each(rows)
        if not self._writes:
            return
        writes, self._writes = self._writes, []
        if not self._has_begun:
            self._has_begun = True
            await self._connection.exec_driver_sql("SELECT 1")
        statement, columns = together(writes)
        await (await self._postgres()).execute(statement, *columns)

    async def now(self) -> datetime:
        """The database's clock, read fresh: what decides about leases, expiry and retention.

        On SQLite, which has no server, it is the clock that was handed in.
        """
        if self.dialect == "sqlite":
            self._last_now = self._database.clock.now()
            return self._last_now
        (row,) = await self.rows(_CLOCK, {})
        instant: datetime = row.now
        self._last_now = instant.astimezone(UTC)
        self._database.note_now(self._last_now)
        return self._last_now

    async def last_now(self) -> datetime:
        """The database's clock as this transaction has read it last; read now if it has not."""
        return await self.now() if self._last_now is None else self._last_now

    def instant(self) -> ColumnElement[datetime] | datetime:
        """``now`` as a value to write: on PostgreSQL it costs no question of its own."""
        if self.dialect == "sqlite":
            return self._database.clock.now()
        return func.clock_timestamp(type_=UtcTime())

    def instants(self, *columns: str) -> dict[str, Any]:
        """The values of columns that are ``instant``, for the statements of ``insert_now``."""
        return dict.fromkeys(columns, self.instant()) if self.dialect == "sqlite" else {}

    def new_id(self) -> UUID:
        """An id that nobody has seen before."""
        return self._database.ids.new()

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """A block whose effects, and whose ``after_commit`` calls, vanish when it raises."""
        return self._savepoint()

    @asynccontextmanager
    async def _savepoint(self) -> AsyncIterator[None]:
        registered = len(self._after_commit)
        await self.flush()
        try:
            async with self._connection.begin_nested():
                yield
                await self.flush()
        except BaseException:
            self._writes.clear()
            self._rows.clear()
            del self._after_commit[registered:]
            raise

    def after_commit(self, call: Callable[[], None]) -> None:
        """Run ``call`` once the commit is durable; never when it is rolled back."""
        self._after_commit.append(call)

    def ring(self, name: str) -> None:
        """Ring the doorbells of this name in this process after the commit."""
        self.after_commit(lambda: self._database.doorbells.ring(name))

    def end(self) -> tuple[Callable[[], None], ...]:
        """Refuse further statements. Gives what is to be run if the commit succeeded."""
        self._is_open = False
        return tuple(self._after_commit)

    async def _ready(self) -> None:
        if not self._is_open:
            raise RuntimeError("This transaction has ended.")
        if self._writes or self._rows:
            await self.flush()
        self._has_begun = True

    async def _postgres(self) -> Any:
        if self._driver is None:
            raw = await self._connection.get_raw_connection()
            self._driver = cast("Any", raw.driver_connection)
        return self._driver
