"""What peers tell: a hold that was not confirmed in time wakes the order it was for."""

from collections.abc import Mapping

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.api.inventory.v1 import ReservationExpired
from ordermesh.routing.operations.records import Records
from ordermesh.routing.ports.stores import Stores
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.inbox import Effect

RESERVATION_EXPIRED = "ordermesh.reservation.expired.v1"


class Expiries:
    """Wakes orders whose hold has expired."""

    def __init__(self, stores: Stores, records: Records) -> None:
        self._stores = stores
        self._records = records

    def handlers(self) -> Mapping[str, Effect]:
        """By event type."""
        return {RESERVATION_EXPIRED: self.expired}

    async def expired(self, tx: Transaction, event: EventEnvelope) -> None:
        """Let a worker look at the order, which finds out what is left of its hold."""
        order_id = ReservationExpired.FromString(event.payload).order_id
        if not order_id:
            return
        story = await self._stores.orders.load(tx, order_id, lock=False)
        if story is not None:
            await self._records.drive(tx, order_id)
