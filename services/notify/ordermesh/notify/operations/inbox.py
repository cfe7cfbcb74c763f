"""What events do: each becomes an entry of its order's timeline, and some a notice to send."""

from collections.abc import Mapping
from datetime import timedelta

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.notify.domain.notice import Channel, Notice
from ordermesh.notify.domain.notification import Notification
from ordermesh.notify.ports import NotificationStore, TimelineStore
from ordermesh.notify.wire.events import EVENT_TYPES, entry, notice_of, recipient_of
from ordermesh.runtime import failpoints
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.inbox import Effect
from ordermesh.runtime.work import enqueue

WORK_KIND = "notification"
"""The kind of work that sends; the key is the order's id, so that its notices stay in order."""


LINGER = timedelta(milliseconds=250)
"""How long a notice waits for others, so that a sender takes many at a time."""


class Told:
    """Keeps what the peers tell."""

    def __init__(self, timelines: TimelineStore, notifications: NotificationStore) -> None:
        self._timelines = timelines
        self._notifications = notifications

    def handlers(self) -> Mapping[str, Effect]:
        """The effects of events, by their types."""
        return dict.fromkeys(EVENT_TYPES, self.record)

    async def record(self, tx: Transaction, event: EventEnvelope) -> None:
        """Keep what happened, in the transaction that records the event's id.

        Raises ``InvalidFields`` when the event's payload is not what its type says.
        """
        await self._timelines.add(tx, entry(event))
        recipient = recipient_of(event)
        if recipient is not None:
            await self._notifications.know(tx, recipient, await tx.now())
        else:
            await self._notifications.remember(tx, event.order_id, await tx.now())
        notice = notice_of(event)
        if notice is not None:
            await self._tell(tx, notice)

    async def _tell(self, tx: Transaction, notice: Notice) -> None:
        now = await tx.now()
        one = Notification(
            notification_id=notice.notification_id(Channel.EMAIL),
            order_id=notice.order_id,
            kind=notice.kind,
            channel=Channel.EMAIL,
            facts=notice.facts,
            event_id=notice.event_id,
            event_time=notice.event_time,
            due_time=now,
            create_time=now,
            update_time=now,
        )
        if await self._notifications.add(tx, one):
            await enqueue(
                tx,
                kind=WORK_KIND,
                key=notice.order_id,
                payload=one.notification_id.bytes,
                due_time=now + LINGER,
            )
            if failpoints.armed:
                await failpoints.reach(failpoints.points.NOTIFY_TOLD)
