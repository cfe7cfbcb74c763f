"""The one place where a step of an order becomes a recorded fact, with its events."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from ordermesh.kernel.ids import derived_id
from ordermesh.routing.domain import lapsing
from ordermesh.routing.domain.event import Event
from ordermesh.routing.domain.story import Story, touched
from ordermesh.routing.domain.submission import Contact
from ordermesh.routing.ports.stores import Stores
from ordermesh.routing.wire.event import order_event
from ordermesh.runtime.claims import hasten
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.outbox import Outbox
from ordermesh.runtime.waiting import Waiters
from ordermesh.runtime.work import enqueue

WORK_KIND = "order"
"""The kind of work that drives an order; the key is the order's id."""

WAKE_KIND = "order_wake"
"""The kind of work that lets a worker look at an order at a time to come.

Each is a key of its own, so that it holds up nothing else of its order; the payload is its id.
"""


class Records:
    """Writes stories: rows, events, and who is to be woken."""

    def __init__(self, stores: Stores, outbox: Outbox, waiters: Waiters) -> None:
        self._stores = stores
        self._outbox = outbox
        self._waiters = waiters

    async def create(
        self, tx: Transaction, story: Story, contact: Contact | None, events: Sequence[Event]
    ) -> None:
        """Store a new order, and tell of it."""
        order = replace(story.order, event_sequence=len(events))
        story = replace(story, order=order)
        await self._stores.orders.insert(tx, story, contact)
        for number, event in enumerate(events, start=1):
            await self._outbox.publish(tx, order_event(event, story, (), number))

    async def save(
        self, tx: Transaction, before: Story, after: Story, events: Sequence[Event] = ()
    ) -> Story:
        """Write what is different, and publish; gives the story as it was written.

        The order was loaded with a lock in the same transaction.
        """
        written = touched(before, after, await tx.now(), len(events))
        await self._stores.orders.save(tx, before, written)
        if events:
            decision_ids = await self._decisions_of(tx, written)
            sequence = before.order.event_sequence
            for number, event in enumerate(events, start=1):
                await self._outbox.publish(
                    tx, order_event(event, written, decision_ids, sequence + number)
                )
        await self._wake_in_time(tx, before, written)
        if written.is_at_rest:
            self.notify(tx, written.order.order_id)
        return written

    async def _wake_in_time(self, tx: Transaction, before: Story, after: Story) -> None:
        """Let a worker look at the order whenever something of it ends by time alone."""
        order = after.order
        for time in sorted({*lapsing.times(after)} - {*lapsing.times(before)}):
            work_id = derived_id("wake", order.origin, time.isoformat())
            await enqueue(
                tx,
                kind=WAKE_KIND,
                key=str(work_id),
                payload=order.order_id.encode(),
                due_time=time,
                work_id=work_id,
            )

    async def _decisions_of(self, tx: Transaction, story: Story) -> tuple[UUID, ...]:
        """The decisions of an order, which need not be asked for where there is one at most."""
        if story.saga.epoch <= 1:
            return () if story.saga.decision_id is None else (story.saga.decision_id,)
        return await self._stores.decisions.ids_of(tx, story.order.order_id)

    async def drive(self, tx: Transaction, order_id: str) -> None:
        """Let a worker look at the order."""
        await enqueue(tx, kind=WORK_KIND, key=order_id)

    async def hasten(self, tx: Transaction) -> None:
        """Let the orders that wait for inventory be looked at now: it is there again."""
        await hasten(tx, kind=WORK_KIND)

    def notify(self, tx: Transaction, order_id: str) -> None:
        """Wake those who wait for the order, after the commit."""
        tx.after_commit(lambda: self._waiters.notify(order_id))
