"""The statements by which rows of work are claimed, given back and marked as failed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Integer,
    Row,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from ordermesh.runtime.database import Transaction
from ordermesh.runtime.engines import Dialect
from ordermesh.runtime.instants import UtcTime
from ordermesh.runtime.tables import work

DOORBELL = "work"
"""The name of the doorbell that is rung when a row may have become due."""


@dataclass(frozen=True)
class Hold:
    """Which row we hold, and the fence that proves it."""

    work_id: UUID
    fence: int

    def is_ours(self) -> ColumnElement[bool]:
        """True for the row as long as nobody has claimed it after us."""
        return and_(work.c.work_id == self.work_id, work.c.fence == self.fence)


_NOW = bindparam("now", type_=UtcTime())


def _claimable() -> ColumnElement[bool]:
    older = work.alias("older")
    is_blocked = exists().where(
        older.c.kind == work.c.kind, older.c.key == work.c.key, older.c.number < work.c.number
    )
    return and_(
        work.c.dead_time.is_(None),
        work.c.due_time <= _NOW,
        or_(work.c.lease_until.is_(None), work.c.lease_until <= _NOW),
        ~is_blocked,
    )


async def due_kinds(tx: Transaction, kinds: Sequence[str]) -> set[tuple[str, bool]]:
    """Which of these kinds have rows to claim, and whether such rows want to be handled alone."""
    result = await tx.execute(_due(tuple(kinds)), {"now": await tx.now()})
    return {(row.kind, bool(row.alone)) for row in result}


# Workers ask this many times a second: building such a statement costs more than running it.
@cache
def _due(kinds: tuple[str, ...]) -> CompoundSelect[Any]:
    # One question for each, because an answer ends at the first row, however long the queue is.
    questions = [
        select(literal(kind).label("kind"), literal(alone).label("alone")).where(
            exists().where(work.c.kind == kind, work.c.alone.is_(alone), _claimable())
        )
        for kind in kinds
        for alone in (False, True)
    ]
    return union_all(*questions)


async def claim(
    tx: Transaction, kind: str, *, alone: bool, limit: int, lease_seconds: float
) -> list[Row[Any]]:
    """Take up to ``limit`` due rows of a kind, each of another key, the longest due first."""
    now = await tx.now()
    result = await tx.execute(
        _claim(tx.dialect, alone),
        {
            "now": now,
            "of_kind": kind,
            "rows": limit,
            "until": now + timedelta(seconds=lease_seconds),
        },
    )
    return sorted(result, key=lambda row: (row.due_time, row.number))


@cache
def _claim(dialect: Dialect, alone: bool) -> ReturningUpdate[Any]:
    wanted = (
        select(work.c.number)
        .where(work.c.kind == bindparam("of_kind"), work.c.alone.is_(alone), _claimable())
        .order_by(work.c.due_time, work.c.number)
        .limit(bindparam("rows", type_=Integer))
    )
    if dialect == "postgresql":
        wanted = wanted.with_for_update(skip_locked=True, of=work)
    # In a CTE, because a plain subquery may be planned to run, and to lock, more than once.
    due = wanted.cte("due")
    return (
        update(work)
        .where(work.c.number.in_(select(due.c.number)))
        .values(
            lease_until=bindparam("until"),
            fence=work.c.fence + 1,
            attempt=work.c.attempt + 1,
        )
        .returning(*work.c)
    )


_END = delete(work).where(work.c.work_id == bindparam("ended"), work.c.fence == bindparam("by"))


async def end(tx: Transaction, holds: Sequence[Hold]) -> int:
    """Delete rows that are ours; gives how many were."""
    if len(holds) == 1:
        result = await tx.execute(_END, {"ended": holds[0].work_id, "by": holds[0].fence})
        return result.rowcount
    keys = [(hold.work_id, hold.fence) for hold in holds]
    result = await tx.execute(delete(work).where(tuple_(work.c.work_id, work.c.fence).in_(keys)))
    return result.rowcount


async def give_back(tx: Transaction, holds: Sequence[Hold]) -> None:
    """End our leases on rows that were not handled, as if they had not been claimed."""
    for hold in holds:
        await tx.execute(
            update(work).where(hold.is_ours()).values(lease_until=None, attempt=work.c.attempt - 1)
        )
    tx.ring(DOORBELL)


async def load(tx: Transaction, hold: Hold) -> Row[Any] | None:
    """The row as it is now, locked; None when it is not ours any more."""
    result = await tx.execute(select(work).where(hold.is_ours()).with_for_update())
    return result.one_or_none()


async def record_failure(
    tx: Transaction,
    hold: Hold,
    *,
    failure: str,
    refusals: int,
    due_time: datetime,
    failing_since: datetime,
    dead_time: datetime | None,
) -> None:
    """Give up the lease and wait, or die: then the row stays with its failure."""
    await tx.execute(
        update(work)
        .where(hold.is_ours())
        .values(
            lease_until=None,
            failure=failure,
            refusals=refusals,
            due_time=due_time,
            failing_since=failing_since,
            dead_time=dead_time,
        )
    )


async def set_apart(tx: Transaction, holds: Sequence[Hold], *, failure: str) -> None:
    """Let each of these rows be handled alone and at once, to find the one that fails."""
    for hold in holds:
        await tx.execute(
            update(work)
            .where(hold.is_ours())
            .values(lease_until=None, alone=True, attempt=work.c.attempt - 1, failure=failure)
        )
    tx.ring(DOORBELL)


async def revive(tx: Transaction, *, kind: str, key: str | None = None) -> int:
    """Give dead rows of a kind, or of one key of it, a new life; gives how many. Ids are kept."""
    condition = and_(work.c.kind == kind, work.c.dead_time.is_not(None))
    if key is not None:
        condition = and_(condition, work.c.key == key)
    result = await tx.execute(
        update(work)
        .where(condition)
        .values(
            dead_time=None,
            due_time=tx.instant(),
            lease_until=None,
            attempt=0,
            refusals=0,
            failing_since=None,
        )
    )
    tx.ring(DOORBELL)
    return result.rowcount


async def hasten(tx: Transaction, *, kind: str) -> int:
    """Let rows of a kind that wait after a failure be tried again now; gives how many.

    For whoever sees that what they waited for is there again. Rows that were put off on purpose,
    those that were refused, and dead ones stay as they are.
    """
    now = tx.instant()
    result = await tx.execute(
        update(work)
        .where(
            work.c.kind == kind,
            work.c.failing_since.is_not(None),
            work.c.refusals == 0,
            work.c.dead_time.is_(None),
            work.c.lease_until.is_(None),
            work.c.due_time > now,
        )
        .values(due_time=now)
    )
    if result.rowcount:
        tx.ring(DOORBELL)
    return result.rowcount


@dataclass(frozen=True)
class Backlog:
    """How one kind of work stands; ``oldest_due_time`` is None when nothing waits."""

    kind: str
    waiting: int
    dead: int
    oldest_due_time: datetime | None


async def dead(tx: Transaction) -> Sequence[Row[Any]]:
    """Kind, key, attempt, failure and dead time of every row that was given up, oldest first."""
    result = await tx.execute(
        select(work.c.kind, work.c.key, work.c.attempt, work.c.failure, work.c.dead_time)
        .where(work.c.dead_time.is_not(None))
        .order_by(work.c.dead_time, work.c.number)
    )
    return result.all()


async def backlog(tx: Transaction) -> list[Backlog]:
    """How each kind of work stands, for people and for alarms."""
    is_alive = work.c.dead_time.is_(None)
    result = await tx.execute(
        select(
            work.c.kind,
            func.count().filter(is_alive).label("waiting"),
            func.count().filter(~is_alive).label("dead"),
            func.min(work.c.due_time).filter(is_alive).label("oldest"),
        )
        .group_by(work.c.kind)
        .order_by(work.c.kind)
    )
    return [Backlog(row.kind, row.waiting, row.dead, row.oldest) for row in result]
