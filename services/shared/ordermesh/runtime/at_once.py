"""A transaction that is one statement: writes that were decided on what is remembered, and guards.

A transaction that looks before it writes needs many trips to the server, and holds its locks while
somebody decides. Who remembers what is there can decide first, and send everything in one statement
that does nothing unless all is still as remembered: optimistic concurrency control (Kung and
Robinson, 1981), with the reading done ahead of time.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn, cast

from sqlalchemy import CursorResult, Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from ordermesh.runtime.prepared import ColumnWrite, Prepared
from ordermesh.runtime.transaction import Surroundings, Transaction

CLOCK_TOLERANCE = timedelta(seconds=0.1)
"""So far ahead of the database's clock the instant may be that was taken for it."""

WAY_TOLERANCE = timedelta(seconds=1.0)
"""So long ago it may have been.

What was decided may wait until others were sent, as a transaction that has read the clock may take
its time before it commits.
"""

NOT_AS_REMEMBERED_STATE = "22012"
"""The state of a statement that divided by zero, which is how a guard says no."""


class MustLook(Exception):
    """It cannot be decided on what is remembered."""


class NotAsRemembered(Exception):
    """Something has changed meanwhile; nothing was written."""


@dataclass(frozen=True)
class Guard:
    """What must be true for the writes to stand, when all are written and their locks are held.

    ``build`` makes a condition when the number of its first parameter is known.
    """

    build: Callable[[int], str]
    values: Sequence[Any] = ()


class AtOnce(Transaction):
    """Collects writes and guards; whoever asks it for anything that must be read is refused.

    ``instant`` is what the database's clock is believed to show; a guard says how nearly it must.
    ``history`` tells the database from one that was put in its place, restored from a copy: it
    changes with every connection that is made, and what is remembered is of one history.
    """

    def __init__(self, database: Surroundings, instant: datetime) -> None:
        # It is sent by whoever made it, on whatever connection is free by then.
        super().__init__(cast("AsyncConnection", None), "postgresql", database)
        self.history = database.history
        self._last_now = instant
        self._guards = [Guard(_is_about, [instant - CLOCK_TOLERANCE, instant + WAY_TOLERANCE])]
        self._beliefs: list[Callable[[], bool]] = []
        self._after_failure: list[Callable[[], None]] = []

    def guard(self, guard: Guard) -> None:
        """One condition more, which the database looks at."""
        self._guards.append(guard)

    def believe(self, belief: Callable[[], bool]) -> None:
        """One condition more, which is looked at just before it is sent."""
        self._beliefs.append(belief)

    @property
    def is_believed(self) -> bool:
        """Whether nothing has shown yet that it must fail."""
        return all(belief() for belief in self._beliefs)

    def after_failure(self, call: Callable[[], None]) -> None:
        """Run ``call`` when nothing was written, or when that is not known."""
        self._after_failure.append(call)

    def failed(self) -> None:
        """Nothing was written, or that is not known."""
        for call in self._after_failure:
            call()

    async def execute(
        self,
        statement: Executable,  # noqa: ARG002 - whatever it is
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,  # noqa: ARG002
    ) -> CursorResult[Any]:
        """Refused with ``MustLook``."""
        _must_look()

    async def rows(
        self,
        prepared: Prepared,  # noqa: ARG002 - whatever it is
        values: Mapping[str, Any],  # noqa: ARG002 - as above
    ) -> Sequence[Any]:
        """Refused with ``MustLook``."""
        _must_look()

    async def write_columns(self, write: ColumnWrite) -> None:
        """Write with all others. Raises ``MustLook`` where one would have to see another."""
        for earlier in self._writes:
            if write.must_follow(earlier):
                _must_look()
        self._writes.append(write)

    async def flush(self) -> None:
        """Nothing is sent before its end."""

    async def now(self) -> datetime:
        """What the database's clock is believed to show."""
        return await self.last_now()

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """Refused with ``MustLook``."""
        _must_look()

    def statement(self) -> tuple[str, list[Any]] | None:
        """All of it as one statement with its arguments; None: nothing is to be written."""
        if not self._writes:
            return None
        parts: list[str] = []
        written: list[str] = []
        guards: list[str] = []
        arguments: list[Any] = []
        for number, write in enumerate(self._writes):
            parts.append(f"w{number} AS ({write.build(len(arguments) + 1)})")
            arguments += write.columns
            if write.rows_wanted is not None:
                arguments.append(write.rows_wanted)
                count = f"(SELECT count(*) FROM w{number})"  # noqa: S608 - a name made here
                written.append(f"{count} = ${len(arguments)}::bigint")
        for guard in self._guards:
            guards.append(guard.build(len(arguments) + 1))
            arguments += guard.values
        named = ",\n".join(parts)
        # Guards are looked at after the writes: AND alone promises no order.
        wanted = f"CASE WHEN {_all(written)} THEN {_all(guards)} ELSE false END"
        return f"WITH {named}\nSELECT 1 / ({wanted})::int", arguments


class RememberedClock:
    """The database's clock as it was read last, carried on by this machine's."""

    def __init__(self) -> None:
        self._ahead: float | None = None

    def note(self, instant: datetime, monotonic: float) -> None:
        """The database's clock showed the instant when ours showed that."""
        self._ahead = instant.timestamp() - monotonic

    def now(self, monotonic: float) -> datetime | None:
        """What it shows by now; None before it was read."""
        if self._ahead is None:
            return None
        return datetime.fromtimestamp(self._ahead + monotonic, UTC)


def _all(conditions: Sequence[str]) -> str:
    return " AND ".join(f"({condition})" for condition in conditions) or "true"


def _is_about(first: int) -> str:
    return f"now() BETWEEN ${first}::timestamptz AND ${first + 1}::timestamptz"


def _must_look() -> NoReturn:
    raise MustLook
