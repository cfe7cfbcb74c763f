"""What peers tell: a hold that was not confirmed in time, and stock that is not there."""

from collections.abc import Mapping
from uuid import UUID

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.api.inventory.v1 import ReservationExpired, ShortfallOpened, SupplyBroken
from ordermesh.routing.domain import verbs
from ordermesh.routing.domain.event import Event
from ordermesh.routing.domain.fulfillment import RejectReason
from ordermesh.routing.operations.records import Records
from ordermesh.routing.ports.stores import Exclusion, Stores
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.engines import TransactionConflict
from ordermesh.runtime.inbox import Effect

RESERVATION_EXPIRED = "ordermesh.reservation.expired.v1"
SHORTFALL_OPENED = "ordermesh.shortfall.opened.v1"
SUPPLY_BROKEN = "ordermesh.supply.broken.v1"


class Expiries:
    """Looks after orders whose hold has expired, or waits for what will not come."""

    def __init__(self, stores: Stores, records: Records) -> None:
        self._stores = stores
        self._records = records

    def handlers(self) -> Mapping[str, Effect]:
        """By event type."""
        return {RESERVATION_EXPIRED: self.expired, SUPPLY_BROKEN: self.supply_broken}

    async def expired(self, tx: Transaction, event: EventEnvelope) -> None:
        """Let a worker look at the order, which finds out what is left of its hold."""
        await self._wake(tx, ReservationExpired.FromString(event.payload).order_id)

    async def supply_broken(self, tx: Transaction, event: EventEnvelope) -> None:
        """Decide again what waits for goods that will not come as they were promised.

        Raises ``TransactionConflict`` while a plan is being held: the event comes again.
        """
        broken = SupplyBroken.FromString(event.payload)
        if not broken.order_id:
            return
        before = await self._stores.orders.load(tx, broken.order_id, lock=True)
        if before is None:
            return
        after = before
        events: list[Event] = []
        for line in broken.lines:
            told = verbs.lose_supply(
                after, UUID(broken.reservation_id), line.key.location_id, line.key.sku
            )
            if told is None:
                raise TransactionConflict("A plan is being held; its supply is looked at again.")
            after = told[0]
            events.extend(told[1])
        if events:
            await self._records.save(tx, before, after, events)
        await self._records.drive(tx, broken.order_id)

    async def _wake(self, tx: Transaction, order_id: str) -> None:
        if not order_id:
            return
        story = await self._stores.orders.load(tx, order_id, lock=False)
        if story is not None:
            await self._records.drive(tx, order_id)


class Shortfalls:
    """Sources orders anew whose stock turned out not to be there."""

    def __init__(self, stores: Stores, records: Records) -> None:
        self._stores = stores
        self._records = records

    def handlers(self) -> Mapping[str, Effect]:
        """By event type."""
        return {SHORTFALL_OPENED: self.opened}

    async def opened(self, tx: Transaction, event: EventEnvelope) -> None:
        """As if the location had rejected the work: it goes elsewhere, or ends explained.

        What the order held there is given back when it has its stock elsewhere, and pays the
        ledger's deficit. Raises ``TransactionConflict`` while the goods may be leaving or a plan is
        being held: the event comes again.
        """
        shortfall = ShortfallOpened.FromString(event.payload).shortfall
        if not shortfall.order_id:
            return
        before = await self._stores.orders.load(tx, shortfall.order_id, lock=True)
        if before is None:
            return
        location_id = shortfall.key.location_id
        hit = verbs.run_short(
            before, UUID(shortfall.reservation_id), location_id, shortfall.key.sku
        )
        if hit is None:
            raise TransactionConflict("The order is on its way; its shortfall is looked at again.")
        (after, events), lines = hit
        if not events:
            return
        await self._records.save(tx, before, after, events)
        if lines:
            await self._stores.orders.exclude(
                tx,
                shortfall.order_id,
                [Exclusion(line_id, location_id, RejectReason.NOT_FOUND) for line_id in lines],
                f"shortfall {shortfall.shortfall_id}",
            )
        await self._records.drive(tx, shortfall.order_id)
