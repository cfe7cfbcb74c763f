"""The one place where what became of a notification is written, with its event and its entry."""

from dataclasses import replace

from ordermesh.notify.domain.happening import Told, sentence
from ordermesh.notify.domain.notification import FINAL, Notification
from ordermesh.notify.domain.timeline import Entry, Place
from ordermesh.notify.ports import NotificationStore, TimelineStore
from ordermesh.notify.wire.events import SOURCE, notification_event
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.outbox import Outbox, event_id_of


class Records:
    """Writes notifications; of a final state it tells."""

    def __init__(
        self, notifications: NotificationStore, timelines: TimelineStore, outbox: Outbox
    ) -> None:
        self._notifications = notifications
        self._timelines = timelines
        self._outbox = outbox

    async def save(self, tx: Transaction, one: Notification) -> Notification:
        """Write it as it is now; gives it as it was written."""
        if one.state not in FINAL:
            await self._notifications.save(tx, one)
            return one
        written = replace(one, event_sequence=one.event_sequence + 1)
        await self._notifications.save(tx, written)
        event = notification_event(written)
        await self._outbox.publish(tx, event)
        happening = Told(written.kind, written.state, written.outcome)
        await self._timelines.add(
            tx,
            Entry(
                order_id=written.order_id,
                place=Place(await tx.now(), event.sequence, event_id_of(SOURCE, event)),
                event_type=event.type,
                source=SOURCE,
                sentence=sentence(happening),
            ),
        )
        return written
