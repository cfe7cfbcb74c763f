"""Who hears of routing's orders, and what only the notify service is told."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from ordermesh.api.event.v1 import DeliverRequest, EventEnvelope
from ordermesh.client.mesh import Mesh
from ordermesh.routing.domain.submission import Contact
from ordermesh.routing.ports.stores import ContactStore
from ordermesh.routing.wire.order import contact_message
from ordermesh.runtime.database import Database

CONSUMERS: Mapping[str, frozenset[str]] = {
    "notify": frozenset({"order"}),
    "returns": frozenset({"ordermesh.fulfillment_order.shipped.v1"}),
}
"""Which peers want which events: all about orders, or those of one type."""

TOLD_WHOM = frozenset({"notify"})
"""The peers that are told whom an order is for."""

CALL_SECONDS = 2.0

Deliver = Callable[[Sequence[EventEnvelope]], Awaitable[None]]


def deliverer(mesh: Mesh, peer: str, database: Database, contacts: ContactStore) -> Deliver:
    """Hands events over to a peer's inbox.

    Contacts are read when events are delivered and kept nowhere on the way, so that one that was
    deleted is gone.
    """

    async def deliver(events: Sequence[EventEnvelope]) -> None:
        if peer in TOLD_WHOM:
            order_ids = {event.order_id for event in events if event.order_id}
            known = await database.read(lambda tx: contacts.of(tx, order_ids))
            _address(events, known)
        await mesh.inbox(peer).Deliver(DeliverRequest(events=events), timeout=CALL_SECONDS)

    return deliver


def _address(events: Sequence[EventEnvelope], known: Mapping[str, Contact]) -> None:
    for event in events:
        contact = known.get(event.order_id)
        if contact is not None:
            event.contact.CopyFrom(contact_message(contact))
