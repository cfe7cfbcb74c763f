"""How the peers hear of what happened: events in the outbox, delivered to routing's inbox."""

from collections.abc import Mapping, Sequence
from functools import partial

from google.protobuf.message import Message

from ordermesh.api.event.v1 import DeliverRequest, EventEnvelope, InboxServiceStub
from ordermesh.api.inventory.v1 import ShortfallClosed, ShortfallOpened
from ordermesh.client.mesh import Mesh
from ordermesh.inventory.domain.levels import Crossing, Told
from ordermesh.inventory.domain.reservation import Line, Reservation
from ordermesh.inventory.domain.shortfall import Shortfall
from ordermesh.inventory.wire.feeds import broken_message, expired_message
from ordermesh.inventory.wire.levels import crossed_message
from ordermesh.inventory.wire.shortfalls import shortfall_message
from ordermesh.kernel.clock import Clock
from ordermesh.kernel.ids import derived_id
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.outbox import Delivery, Event, Outbox
from ordermesh.runtime.work import Worker

CONSUMERS: Mapping[str, frozenset[str]] = {"routing": frozenset({"reservation", "shortfall"})}
"""Which peers want events about what."""

RESERVATION_EXPIRED = "ordermesh.reservation.expired.v1"
SUPPLY_BROKEN = "ordermesh.supply.broken.v1"
SHORTFALL_OPENED = "ordermesh.shortfall.opened.v1"
SHORTFALL_CLOSED = "ordermesh.shortfall.closed.v1"


AVAILABILITY_LOW = "ordermesh.availability.low.v1"
AVAILABILITY_OUT = "ordermesh.availability.out.v1"
AVAILABILITY_BACK = "ordermesh.availability.back.v1"
AVAILABILITY_RECOVERED = "ordermesh.availability.recovered.v1"

CROSSINGS: Mapping[Crossing, str] = {
    Crossing.LOW: AVAILABILITY_LOW,
    Crossing.OUT: AVAILABILITY_OUT,
    Crossing.BACK: AVAILABILITY_BACK,
    Crossing.RECOVERED: AVAILABILITY_RECOVERED,
}
"""The types of events that tell of availability."""


class OutboxAnnouncer:
    """Writes events in the transaction of the change."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def expired(
        self, tx: Transaction, reservation: Reservation, lines: Sequence[Line]
    ) -> None:
        """Lines of a reservation were not confirmed in time; ``event_sequence`` is the event's."""
        await self._outbox.publish(
            tx,
            Event(
                type=RESERVATION_EXPIRED,
                aggregate_type="reservation",
                aggregate_id=str(reservation.reservation_id),
                sequence=reservation.event_sequence,
                payload=expired_message(reservation, lines, await tx.now()),
                order_id=reservation.order_id,
            ),
        )

    async def broken(
        self, tx: Transaction, reservation: Reservation, lines: Sequence[Line]
    ) -> None:
        """Supplies cannot keep what lines wait for; ``event_sequence`` is the event's."""
        await self._outbox.publish(
            tx,
            Event(
                type=SUPPLY_BROKEN,
                aggregate_type="reservation",
                aggregate_id=str(reservation.reservation_id),
                sequence=reservation.event_sequence,
                payload=broken_message(reservation, lines, await tx.now()),
                order_id=reservation.order_id,
            ),
        )

    async def crossed(self, tx: Transaction, told: Told, control_version: int) -> None:
        """A level of availability was crossed; ``told.sequence`` is the event's."""
        subject = told.look.subject
        await self._outbox.publish(
            tx,
            Event(
                type=CROSSINGS[told.crossing],
                aggregate_type="availability",
                aggregate_id=str(derived_id("availability", *subject)),
                sequence=told.sequence,
                payload=crossed_message(told, control_version),
            ),
        )

    async def shortfall_opened(self, tx: Transaction, shortfall: Shortfall) -> None:
        """Units that a reservation was promised are not there."""
        payload = ShortfallOpened(shortfall=shortfall_message(shortfall))
        await self._outbox.publish(tx, _about(shortfall, SHORTFALL_OPENED, 1, payload))

    async def shortfall_closed(self, tx: Transaction, shortfall: Shortfall) -> None:
        """They are there now, or nobody needs them any more."""
        payload = ShortfallClosed(shortfall=shortfall_message(shortfall))
        await self._outbox.publish(tx, _about(shortfall, SHORTFALL_CLOSED, 2, payload))


def _about(shortfall: Shortfall, event_type: str, sequence: int, payload: Message) -> Event:
    return Event(
        type=event_type,
        aggregate_type="shortfall",
        aggregate_id=str(shortfall.shortfall_id),
        sequence=sequence,
        payload=payload,
        order_id=shortfall.order_id,
    )


class Deliveries:
    """Delivers events to ``peers`` over a mesh of its own, beside the calls."""

    def __init__(self, database: Database, clock: Clock, mesh: Mesh, peers: Sequence[str]) -> None:
        self._mesh = mesh
        kinds = {
            delivery.kind: delivery.work_kind()
            for delivery in (
                Delivery(database, peer, partial(self._deliver, peer)) for peer in peers
            )
        }
        self._worker = Worker(database, clock, kinds, random=database.random)

    async def run(self) -> None:
        """Deliver until stopped."""
        await self._worker.run()

    async def stop(self) -> None:
        """Finish what is under way."""
        await self._worker.stop()
        await self._mesh.close()

    async def _deliver(self, peer: str, events: Sequence[EventEnvelope]) -> None:
        inbox = InboxServiceStub(self._mesh.channel(peer))
        await inbox.Deliver(DeliverRequest(events=events))
