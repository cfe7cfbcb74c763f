"""Long-running work as rows: claimed in sets under a lease, finished in the effect's transaction.

Of one kind and key only the oldest row that is not finished can be claimed, so that work about one
thing is done in order; keys run in parallel. A claim raises the row's fence. Who slept through a
lease finds a higher one, and its effect is rolled back.
"""

import asyncio
import logging
import random as randomness
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row, update

from ordermesh.kernel.clock import Clock
from ordermesh.kernel.errors import Conflict
from ordermesh.runtime import claims, failpoints, failures
from ordermesh.runtime.carrier import caused_span, mark_failure, place_of, read_trace, written_trace
from ordermesh.runtime.claims import DOORBELL, Hold
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.doorbell import Pace
from ordermesh.runtime.returning import Returns
from ordermesh.runtime.tables import insert_now
from ordermesh.runtime.tables import work as rows
from ordermesh.runtime.telemetry import Attributes

CLAIM_ROWS = 256
"""How many rows one claim takes at most."""

_log = logging.getLogger(__name__)


class Fenced(Conflict):
    """Somebody else has claimed the row since."""

    reason: ClassVar[str] = "FENCED"


class Unfinished(Exception):
    """A handler returned and had neither finished nor rescheduled its row."""


class _Settlement:
    """Whether a claimed row was finished or rescheduled by a transaction that was committed."""

    is_done = False


@dataclass(frozen=True)
class Claimed:
    """A row under our lease.

    ``attempt`` counts the claims since the row was enqueued or rescheduled, from 1. ``trace`` is
    the context, as W3C headers, of whoever enqueued it.
    """

    work_id: UUID
    kind: str
    key: str
    payload: bytes
    attempt: int
    fence: int
    trace: Mapping[str, str]
    _settlement: _Settlement = field(default_factory=_Settlement, compare=False, repr=False)

    @classmethod
    def of(cls, row: Row[Any]) -> "Claimed":
        """From a row as it was claimed."""
        return cls(
            work_id=row.work_id,
            kind=row.kind,
            key=row.key,
            payload=row.payload,
            attempt=row.attempt,
            fence=row.fence,
            trace=read_trace(row.trace),
        )

    @property
    def hold(self) -> Hold:
        """Which row it is, and the proof that it is ours."""
        return Hold(self.work_id, self.fence)

    @property
    def is_settled(self) -> bool:
        """Whether it was finished or rescheduled by a transaction that was committed."""
        return self._settlement.is_done

    def settle(self) -> None:
        """Note that a transaction that finished or rescheduled it was committed."""
        self._settlement.is_done = True

    async def finish(self, tx: Transaction) -> None:
        """End the row in the transaction of its effect; raises ``Fenced`` when it is not ours."""
        await finish_all(tx, [self])

    async def reschedule(
        self, tx: Transaction, *, due_time: datetime, payload: bytes | None = None
    ) -> None:
        """Keep the row for its next step, in the transaction of this step's effect.

        The lease is given up and attempts count from the start. Raises ``Fenced`` when the row is
        not ours.
        """
        statement = (
            update(rows)
            .where(self.hold.is_ours())
            .values(
                due_time=due_time,
                lease_until=None,
                attempt=0,
                refusals=0,
                alone=False,
                failing_since=None,
                failure=None,
            )
        )
        if payload is not None:
            statement = statement.values(payload=payload)
        result = await tx.execute(statement)
        if failpoints.armed:
            await failpoints.reach(failpoints.points.WORK_RESCHEDULING)
        _settle(tx, [self], result.rowcount)


async def finish_all(tx: Transaction, claimed: Sequence[Claimed]) -> None:
    """End rows in the transaction of their effect; raises ``Fenced`` when one is not ours."""
    count = await claims.end(tx, [one.hold for one in claimed])
    if failpoints.armed:
        await failpoints.reach(failpoints.points.WORK_FINISHING)
    _settle(tx, claimed, count)


def _settle(tx: Transaction, claimed: Sequence[Claimed], count: int) -> None:
    if count != len(claimed):
        ids = ", ".join(str(one.work_id) for one in claimed)
        raise Fenced("Another worker has this work.", {"workId": ids})
    for one in claimed:
        tx.after_commit(one.settle)
    tx.ring(DOORBELL)


@dataclass(frozen=True)
class WorkKind:
    """How rows of one kind are handled.

    ``handle`` gets up to ``batch`` rows, all of different keys, and finishes or reschedules each;
    up to ``concurrency`` calls run at once. A call that outlives ``lease_seconds`` is cancelled.
    ``needs_a_peer``: one and the same for all rows, which are tried at once when it is back.
    """

    handle: Callable[[Sequence[Claimed]], Awaitable[None]]
    batch: int = 1
    concurrency: int = 8
    lease_seconds: float = 10.0
    needs_a_peer: bool = False


async def enqueue(
    tx: Transaction,
    *,
    kind: str,
    key: str,
    payload: bytes = b"",
    due_time: datetime | None = None,
    work_id: UUID | None = None,
) -> None:
    """Add a row that is due at ``due_time`` (None means now), with the present trace context.

    The same ``work_id`` twice is one row.
    """
    instants = ("create_time",) if due_time is not None else ("create_time", "due_time")
    await tx.execute(
        insert_now(rows, tx.dialect, *instants, is_new=True),
        {
            "work_id": work_id or tx.new_id(),
            "kind": kind,
            "key": key,
            "payload": payload,
            "trace": written_trace(),
            "fence": 0,
            "attempt": 0,
            "refusals": 0,
            "alone": False,
            **({} if due_time is None else {"due_time": due_time}),
            **tx.instants(*instants),
        },
    )
    tx.ring(DOORBELL)


class Worker:
    """Claims due rows of some kinds and hands them to their handlers.

    It polls every 200 ms, less often when idle; a doorbell of this process only shortens the wait.
    A handler that raises sends its rows into a growing, random wait of at most 15 minutes. They
    are dead after 72 hours; after three refusals (``RuleViolated``, ``InvalidRequest``,
    ``NotFound``) at once. A dead row stays, with the reason, and blocks its key until ``revive``.
    Rows that failed together for a reason of their own are tried again one by one.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        kinds: Mapping[str, WorkKind],
        *,
        random: randomness.Random,
    ) -> None:
        self._database = database
        self._clock = clock
        self._kinds = dict(kinds)
        self._random = random
        self._returns = Returns(clock, [name for name, kind in kinds.items() if kind.needs_a_peer])
        self._tasks: dict[asyncio.Task[None], str] = {}
        self._doorbell = database.doorbells.listen(DOORBELL)
        self._is_stopping = False
        self._apart_first = False  # whose turn it is where both wait: one by one, or in batches
        self._has_ended = asyncio.Event()
        self._has_ended.set()

    async def run(self) -> None:
        """Work until stopped; gives leases back when cancelled."""
        pace = Pace()
        self._has_ended.clear()
        try:
            while not self._is_stopping:
                try:
                    has_claimed = await self._claim_round()
                except Exception as error:  # noqa: BLE001 - all work would stand still
                    _log.warning("work cannot be claimed", extra={"failure": place_of(error)})
                    has_claimed = False
                if has_claimed:
                    pace.busy()
                else:
                    await self._doorbell.wait(self._clock, pace.next())
        except asyncio.CancelledError:
            await self._abandon()
            raise
        finally:
            self._has_ended.set()

    async def stop(self) -> None:
        """Claim nothing more and wait for what is running; if cancelled, give its leases back."""
        self._is_stopping = True
        self._doorbell.ring()
        try:
            await self._has_ended.wait()
            while self._tasks:
                await asyncio.wait(self._tasks)
        except asyncio.CancelledError:
            await self._abandon()
            raise

    async def _abandon(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _claim_round(self) -> bool:
        free = {name: kind.concurrency - self._busy(name) for name, kind in self._kinds.items()}
        wanted = [name for name, slots in free.items() if slots > 0]
        if not wanted:
            return False
        due = await self._database.read(lambda tx: claims.due_kinds(tx, wanted))
        has_claimed = False
        for name, alone in sorted(due, reverse=self._apart_first):
            if self._is_stopping or free[name] <= 0:
                continue
            size = 1 if alone else self._kinds[name].batch
            batches = await self._claim(name, alone=alone, size=size, slots=free[name])
            free[name] -= len(batches)
            has_claimed = has_claimed or bool(batches)
            for batch in batches:
                task = asyncio.create_task(self._handle(name, batch), name=f"work {name}")
                self._tasks[task] = name
                task.add_done_callback(self._ended)
        self._apart_first ^= has_claimed
        return has_claimed

    async def _claim(self, name: str, *, alone: bool, size: int, slots: int) -> list[list[Claimed]]:
        limit = min(CLAIM_ROWS, size * slots)
        lease_seconds = self._kinds[name].lease_seconds

        async def claim(tx: Transaction) -> Sequence[Row[Any]]:
            rows = await claims.claim(
                tx, name, alone=alone, limit=limit, lease_seconds=lease_seconds
            )
            if failpoints.armed and rows:
                await failpoints.reach(failpoints.points.WORK_CLAIMING)
            return rows

        found = await self._database.run(claim)
        claimed = [Claimed.of(row) for row in found]
        return [claimed[start : start + size] for start in range(0, len(claimed), size)]

    def _busy(self, name: str) -> int:
        return sum(1 for running in self._tasks.values() if running == name)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            # The lease ends by itself and the rows are claimed again.
            _log.error("work could not be settled", extra={"failure": place_of(error)})
        self._doorbell.ring()

    async def _handle(self, name: str, batch: Sequence[Claimed]) -> None:
        kind = self._kinds[name]
        attributes: dict[str, str | int] = {
            Attributes.WORK_KIND: name,
            Attributes.WORK_ROWS: len(batch),
            Attributes.WORK_ATTEMPT: max(one.attempt for one in batch),
        }
        with caused_span(f"work {name}", [one.trace for one in batch], attributes) as span:
            try:
                if failpoints.armed:
                    await failpoints.reach(failpoints.points.WORK_CLAIMED)
                await self._within(kind.lease_seconds, kind.handle(batch))
                if failpoints.armed:
                    await failpoints.reach(failpoints.points.WORK_HANDLED)
                left = [one for one in batch if not one.is_settled]
                if left:
                    raise Unfinished(f"The handler of {name} left {len(left)} rows open.")
                if self._returns.note_success(name):
                    await self._database.run(lambda tx: claims.hasten(tx, kind=name))
            except asyncio.CancelledError:
                holds = [one.hold for one in batch if not one.is_settled]
                await self._database.run(lambda tx: claims.give_back(tx, holds))
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the row must know
                mark_failure(span, error)
                self._returns.note_failure(name, error)
                _log.warning(
                    "work failed",
                    extra={"kind": name, "failure": place_of(error), "rows": len(batch)},
                )
                await self._failed([one for one in batch if not one.is_settled], error)

    async def _within(self, seconds: float, handling: Awaitable[None]) -> None:
        handler = asyncio.ensure_future(handling)
        lease = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait({handler, lease}, return_when=asyncio.FIRST_COMPLETED)
            if not handler.done():
                raise TimeoutError(f"The lease of {seconds} s is over.")
            if handler.cancelled():
                # Not we: a channel was closed under it, for instance.
                raise Unfinished("The handler was cancelled from inside.")
            handler.result()
        finally:
            for task in (handler, lease):
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task

    async def _failed(self, batch: Sequence[Claimed], error: Exception) -> None:
        if not batch:
            return
        if len(batch) > 1 and not failures.is_passing(error):
            holds = [one.hold for one in batch]
            await self._database.run(
                lambda tx: claims.set_apart(tx, holds, failure=failures.sentence_of(error))
            )
            return

        async def record(tx: Transaction) -> None:
            now = await tx.now()
            for one in batch:
                row = await claims.load(tx, one.hold)
                if row is not None:
                    await self._record_failure(tx, row, one.hold, error, now)

        await self._database.run(record)

    async def _record_failure(
        self, tx: Transaction, row: Row[Any], hold: Hold, error: Exception, now: datetime
    ) -> None:
        since = failures.failing_since(row.failing_since, row.due_time, now)
        refusals = row.refusals + (1 if failures.is_refusal(error) else 0)
        is_dead = failures.is_dead(refusals, since, now)
        wait = failures.backoff_seconds(row.attempt, error, self._random)
        await claims.record_failure(
            tx,
            hold,
            failure=failures.sentence_of(error),
            refusals=refusals,
            due_time=now + timedelta(seconds=wait),
            failing_since=since,
            dead_time=now if is_dead else None,
        )
        if is_dead:
            _log.error(
                "work is dead; python -m ordermesh.runtime.reviving tries it again",
                extra={"kind": row.kind, "key": row.key, "work_id": str(row.work_id)},
            )
