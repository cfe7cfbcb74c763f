"""What events do: goods that left could come back."""

from collections.abc import Mapping
from functools import partial

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.returns.ports import ShipmentStore
from ordermesh.returns.wire import SHIPPED, what_left
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.inbox import Effect


def handlers(store: ShipmentStore) -> Mapping[str, Effect]:
    """The effects of events, by their types."""
    return {SHIPPED: partial(record_shipment, store)}


async def record_shipment(store: ShipmentStore, tx: Transaction, event: EventEnvelope) -> None:
    """Keep what left, in the transaction that records the event's id.

    Raises ``InvalidFields`` when the event's payload is not what its type says.
    """
    await store.add(tx, what_left(event))
