"""Events of peers: each has its effect once, in the transaction that records its id."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.runtime import failpoints
from ordermesh.runtime.carrier import caused_span, mark_failure
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.engines import Dialect
from ordermesh.runtime.tables import inbox as received
from ordermesh.runtime.tables import insert_new
from ordermesh.runtime.telemetry import Attributes

PRUNE_ROWS = 1_000
"""How many event ids one transaction forgets at most."""

Effect = Callable[[Transaction, EventEnvelope], Awaitable[None]]
"""What an event does. It runs in the transaction that records the event."""


class Inbox:
    """Where the events of peers arrive. ``handlers`` are by event type."""

    def __init__(self, database: Database, handlers: Mapping[str, Effect]) -> None:
        self._database = database
        self._handlers = dict(handlers)

    async def receive(self, events: Sequence[EventEnvelope]) -> int:
        """Record the events and their effects in one transaction; gives how many were new.

        Events of types without a handler are recorded and have no effect. Raises what a handler
        raises: then nothing was recorded.
        """
        # Each once, in the order of their arrival.
        arrived = {UUID(event.event_id): event for event in reversed(events)}
        ordered = dict(reversed(arrived.items()))

        async def record(tx: Transaction) -> int:
            fresh = await self._fresh(tx, ordered)
            if failpoints.armed:
                await failpoints.reach(failpoints.points.INBOX_RECORDED)
            for event_id, event in ordered.items():
                if event_id in fresh:
                    await self._take(tx, event)
            if failpoints.armed:
                await failpoints.reach(failpoints.points.INBOX_EFFECTED)
            return len(fresh)

        if failpoints.armed:
            await failpoints.reach(failpoints.points.INBOX_RECEIVED)
        count = await self._database.run(record)
        if failpoints.armed:
            await failpoints.reach(failpoints.points.INBOX_COMMITTED)
        return count

    async def _fresh(self, tx: Transaction, events: Mapping[UUID, EventEnvelope]) -> set[UUID]:
        # In the order of ids, so that two deliveries of the same events wait for each other
        # instead of crossing.
        now = await tx.now()
        result = await tx.execute(
            _recording(tx.dialect),
            [
                {
                    "event_id": event_id,
                    "source": events[event_id].source,
                    "type": events[event_id].type,
                    "receive_time": now,
                }
                for event_id in sorted(events)
            ],
        )
        return set(result.scalars())

    async def _take(self, tx: Transaction, event: EventEnvelope) -> None:
        handler = self._handlers.get(event.type)
        if handler is None:
            return
        attributes = {Attributes.EVENT_TYPE: event.type, Attributes.EVENT_SOURCE: event.source}
        carriers = [{"traceparent": event.traceparent}]
        with caused_span(f"receive {event.type}", carriers, attributes) as span:
            try:
                await handler(tx, event)
            except Exception as error:
                mark_failure(span, error)
                raise


@cache
def _recording(dialect: Dialect) -> Any:
    return insert_new(received, dialect).returning(received.c.event_id)


async def prune(tx: Transaction, older_than: datetime) -> int:
    """Forget events received before ``older_than``, at most ``PRUNE_ROWS``; gives how many.

    It must be older than any retry of any producer: a week.
    """
    old = select(received.c.event_id).where(received.c.receive_time < older_than).limit(PRUNE_ROWS)
    result = await tx.execute(delete(received).where(received.c.event_id.in_(old)))
    return result.rowcount
