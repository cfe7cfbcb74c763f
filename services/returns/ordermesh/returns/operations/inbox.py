"""What peers tell: goods that left could come back."""

from collections.abc import Mapping
from functools import partial

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.returns.ports import ReturnStore
from ordermesh.returns.wire.events import SHIPPED, what_left
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.inbox import Effect


def handlers(store: ReturnStore) -> Mapping[str, Effect]:
    """The effects of events, by their types."""
    return {SHIPPED: partial(record_shipment, store)}


async def record_shipment(store: ReturnStore, tx: Transaction, event: EventEnvelope) -> None:
    """Keep what left, in the transaction that records the event's id.

    Raises ``InvalidFields`` when the event's payload is not what its type says.
    """
    await store.ship(tx, what_left(event))
