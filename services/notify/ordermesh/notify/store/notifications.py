"""Notifications, their attempts and whom they go to, in the database."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Update, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ordermesh.notify.domain.notice import Amount, Channel, Facts, NoticeKind, Parcel, Units
from ordermesh.notify.domain.notification import (
    FINAL,
    Attempt,
    Notification,
    NotificationState,
    Result,
)
from ordermesh.notify.domain.recipient import Recipient
from ordermesh.notify.ports import Count, NotificationFilter, NotificationRow
from ordermesh.notify.store.tables import attempt, notification, recipient
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.tables import insert_new

FORGET_ROWS = 1_000
"""How many rows one transaction forgets at most."""


# Asked and done for every mail, so built once.
_KNOWN = (
    select(notification)
    .where(notification.c.notification_id.in_(bindparam("ids", expanding=True)))
    .order_by(notification.c.number)
)
_KNOWN_LOCKED = _KNOWN.with_for_update()
_END_ATTEMPT = (
    update(attempt)
    .where(attempt.c.notification_id == bindparam("of"), attempt.c.number == bindparam("at"))
    .values({name: bindparam(name) for name in ("result", "answer", "end_time")})
)


@cache
def _saving(names: tuple[str, ...]) -> Update:
    return (
        update(notification)
        .where(notification.c.notification_id == bindparam("saved"))
        .values({name: bindparam(name) for name in names})
    )


class SqlNotificationStore:
    """Notifications in their tables."""

    async def add(self, tx: Transaction, one: Notification) -> bool:
        """Keep a new one; False when it is kept already."""
        result = await tx.execute(
            insert_new(notification, tx.dialect).returning(notification.c.notification_id),
            _values(one),
        )
        return result.first() is not None

    async def load(
        self, tx: Transaction, ids: Collection[UUID], *, lock: bool
    ) -> dict[UUID, Notification]:
        """Those of these ids that exist."""
        rows = await tx.execute(_KNOWN_LOCKED if lock else _KNOWN, {"ids": list(ids)})
        return {row.notification_id: _notification(row) for row in rows}

    async def save(self, tx: Transaction, one: Notification) -> None:
        """Write it as it is now."""
        values = _values(one)
        for fixed in ("notification_id", "facts", "create_time", "event_id", "event_time"):
            del values[fixed]
        await tx.execute(_saving(tuple(values)), {"saved": one.notification_id, **values})

    async def begin_attempt(self, tx: Transaction, one: Notification, now: datetime) -> None:
        """Keep that the provider is about to be spoken to."""
        await tx.execute(
            insert(attempt),
            {
                "notification_id": one.notification_id,
                "number": one.attempt_count,
                "begin_time": now,
                "answer": "",
            },
        )

    async def end_attempt(
        self, tx: Transaction, one: Notification, result: Result, answer: str, now: datetime
    ) -> None:
        """Keep what came of the last attempt."""
        await tx.execute(
            _END_ATTEMPT,
            {
                "of": one.notification_id,
                "at": one.attempt_count,
                "result": result,
                "answer": answer,
                "end_time": now,
            },
        )

    async def attempts(self, tx: Transaction, notification_id: UUID) -> list[Attempt]:
        """Its attempts, oldest first."""
        rows = await tx.execute(
            select(attempt)
            .where(attempt.c.notification_id == notification_id)
            .order_by(attempt.c.number)
        )
        return [
            Attempt(
                row.number,
                row.begin_time,
                row.end_time,
                Result(row.result) if row.result else None,
                row.answer,
            )
            for row in rows
        ]

    async def page(
        self, tx: Transaction, wanted: NotificationFilter, after: int, size: int
    ) -> list[NotificationRow]:
        """The next that match, oldest first."""
        statement = select(notification).where(notification.c.number > after)
        if wanted.order_id:
            statement = statement.where(notification.c.order_id == wanted.order_id)
        if wanted.state is not None:
            statement = statement.where(notification.c.state == wanted.state)
        if wanted.kind is not None:
            statement = statement.where(notification.c.kind == wanted.kind)
        rows = await tx.execute(statement.order_by(notification.c.number).limit(size))
        return [NotificationRow(row.number, _notification(row)) for row in rows]

    async def counts(self, tx: Transaction) -> list[Count]:
        """How many are in each state."""
        rows = await tx.execute(
            select(
                notification.c.state,
                func.count().label("all"),
                func.count().filter(notification.c.possible_duplicate).label("twice"),
            )
            .group_by(notification.c.state)
            .order_by(notification.c.state)
        )
        return [Count(NotificationState(row.state), row.all, row.twice) for row in rows]

    async def recipients(self, tx: Transaction, order_ids: Collection[str]) -> dict[str, Recipient]:
        """Whom these orders are for, as far as it is known."""
        rows = await tx.execute(
            select(recipient).where(recipient.c.order_id.in_(sorted(order_ids)))
        )
        return {
            row.order_id: Recipient(row.order_id, row.order_name, row.name, row.email, row.language)
            for row in rows
        }

    async def know(self, tx: Transaction, one: Recipient, now: datetime) -> None:
        """Keep whom an order is for; what is newly said replaces what was known."""
        told = {"order_name": one.order_name}
        if one.email:
            told |= {"name": one.name, "email": one.email, "language": one.language}
        told = {name: value for name, value in told.items() if value or name == "language"}
        insert_into = sqlite.insert if tx.dialect == "sqlite" else postgresql.insert
        values = {"order_name": "", "name": "", "email": "", "language": "", **told}
        statement = insert_into(recipient).values(order_id=one.order_id, update_time=now, **values)
        await tx.execute(
            statement.on_conflict_do_update(
                index_elements=["order_id"], set_={"update_time": now, **told}
            )
        )

    async def remember(self, tx: Transaction, order_id: str, now: datetime) -> None:
        """Something was heard of the order: whom it is for is kept for longer, if it is known."""
        await tx.execute(
            update(recipient).where(recipient.c.order_id == order_id).values(update_time=now)
        )


async def forget_recipients(tx: Transaction, older_than: datetime) -> int:
    """Delete whom orders are for that nothing was heard of since; gives how many."""
    old = (
        select(recipient.c.order_id).where(recipient.c.update_time < older_than).limit(FORGET_ROWS)
    )
    result = await tx.execute(delete(recipient).where(recipient.c.order_id.in_(old)))
    return result.rowcount


async def forget_facts(tx: Transaction, older_than: datetime) -> int:
    """Forget what old notices said, tracking numbers among it; gives how many."""
    old = (
        select(notification.c.number)
        .where(
            notification.c.update_time < older_than,
            notification.c.state.in_(sorted(FINAL)),
            notification.c.facts.is_not(None),
        )
        .limit(FORGET_ROWS)
    )
    result = await tx.execute(
        update(notification).where(notification.c.number.in_(old)).values(facts=None)
    )
    return result.rowcount


def _values(one: Notification) -> dict[str, Any]:
    return {
        "notification_id": one.notification_id,
        "order_id": one.order_id,
        "kind": one.kind,
        "channel": one.channel,
        "state": one.state,
        "outcome": one.outcome,
        "possible_duplicate": one.possible_duplicate,
        "facts": _written(one.facts),
        "event_id": one.event_id,
        "event_time": one.event_time,
        "attempt_count": one.attempt_count,
        "failures": one.failures,
        "refusals": one.refusals,
        "first_attempt_time": one.first_attempt_time,
        "due_time": one.due_time,
        "event_sequence": one.event_sequence,
        "create_time": one.create_time,
        "update_time": one.update_time,
    }


def _notification(row: Row[Any]) -> Notification:
    return Notification(
        notification_id=row.notification_id,
        order_id=row.order_id,
        kind=NoticeKind(row.kind),
        channel=Channel(row.channel),
        facts=_read(row.facts or {}),
        event_id=row.event_id,
        event_time=row.event_time,
        state=NotificationState(row.state),
        outcome=row.outcome,
        possible_duplicate=row.possible_duplicate,
        attempt_count=row.attempt_count,
        failures=row.failures,
        refusals=row.refusals,
        first_attempt_time=row.first_attempt_time,
        due_time=row.due_time,
        event_sequence=row.event_sequence,
        create_time=row.create_time,
        update_time=row.update_time,
    )


def _written(facts: Facts) -> dict[str, Any]:
    return {
        "units": [[one.sku, one.quantity] for one in facts.units],
        "missing": [[one.sku, one.quantity] for one in facts.missing],
        "parcels": [[one.carrier, one.tracking_number] for one in facts.parcels],
        "shipments": facts.shipments,
        "return_id": facts.return_id,
        "refund": [facts.refund.currency_code, facts.refund.amount] if facts.refund else None,
    }


def _read(written: dict[str, Any]) -> Facts:
    def units(name: str) -> tuple[Units, ...]:
        found: Sequence[Any] = written.get(name, ())
        return tuple(Units(sku, quantity) for sku, quantity in found)

    refund = written.get("refund")
    return Facts(
        units=units("units"),
        missing=units("missing"),
        parcels=tuple(Parcel(*one) for one in written.get("parcels", ())),
        shipments=written.get("shipments", 0),
        return_id=written.get("return_id", ""),
        refund=Amount(*refund) if refund else None,
    )
