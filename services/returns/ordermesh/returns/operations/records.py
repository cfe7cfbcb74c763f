"""The one place where a step of a return becomes a recorded fact, with its events."""

from collections.abc import Sequence
from dataclasses import replace

from ordermesh.returns.domain.errors import ReturnNotFound
from ordermesh.returns.domain.event import Event
from ordermesh.returns.domain.order_return import Return
from ordermesh.returns.ports import ReturnStore
from ordermesh.returns.wire.events import return_event
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.outbox import Outbox
from ordermesh.runtime.waiting import Waiters


class Records:
    """Writes returns: rows, events, and who is to be woken."""

    def __init__(self, store: ReturnStore, outbox: Outbox, waiters: Waiters) -> None:
        self._store = store
        self._outbox = outbox
        self._waiters = waiters

    async def locked(self, tx: Transaction, return_id: str) -> Return:
        """The return, locked. Raises ``ReturnNotFound``."""
        found = await self._store.load(tx, return_id, lock=True)
        if found is None:
            raise ReturnNotFound(return_id)
        return found

    async def seen(self, tx: Transaction, return_id: str) -> Return:
        """The return as it is. Raises ``ReturnNotFound``."""
        found = await self._store.load(tx, return_id, lock=False)
        if found is None:
            raise ReturnNotFound(return_id)
        return found

    async def create(self, tx: Transaction, one: Return, events: Sequence[Event]) -> Return:
        """Store a new return, and tell of it; gives it as it was written."""
        written = replace(one, event_sequence=len(events))
        await self._store.insert(tx, written)
        await self._tell(tx, written, events, 0)
        return written

    async def save(
        self, tx: Transaction, before: Return, after: Return, events: Sequence[Event] = ()
    ) -> Return:
        """Write what is different, and tell of it; gives the return as it was written."""
        if after == before:
            return before
        written = replace(
            after,
            version=before.version + 1,
            event_sequence=before.event_sequence + len(events),
            update_time=await tx.now(),
        )
        await self._store.save(tx, before, written)
        await self._tell(tx, written, events, before.event_sequence)
        tx.after_commit(lambda: self._waiters.notify(written.return_id))
        return written

    async def _tell(self, tx: Transaction, one: Return, events: Sequence[Event], told: int) -> None:
        for number, event in enumerate(events, start=told + 1):
            await self._outbox.publish(tx, return_event(event, one, number))
