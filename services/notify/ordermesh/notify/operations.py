"""What events do: each becomes an entry in the timeline of its order."""

from collections.abc import Mapping
from functools import partial

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.notify.ports import TimelineStore
from ordermesh.notify.wire import EVENT_TYPES, entry
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.inbox import Effect


def handlers(store: TimelineStore) -> Mapping[str, Effect]:
    """The effects of events, by their types."""
    return dict.fromkeys(EVENT_TYPES, partial(record_event, store))


async def record_event(store: TimelineStore, tx: Transaction, event: EventEnvelope) -> None:
    """Keep what happened, in the transaction that records the event's id.

    Raises ``InvalidFields`` when the event's payload is not what its type says.
    """
    await store.add(tx, entry(event))
