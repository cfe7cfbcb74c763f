"""The composition root: ``python -m ordermesh.returns`` starts the service."""

import random
from dataclasses import dataclass

from ordermesh.api.event.v1 import (
    add_EventServiceServicer_to_server,
    add_InboxServiceServicer_to_server,
)
from ordermesh.api.returns.v1 import (
    add_DispositionServiceServicer_to_server,
    add_ReturnServiceServicer_to_server,
)
from ordermesh.client.mesh import Mesh
from ordermesh.kernel.clock import Clock, SystemClock
from ordermesh.returns.access import RULES
from ordermesh.returns.operations.authorize import AuthorizeReturn
from ordermesh.returns.operations.inbox import handlers
from ordermesh.returns.operations.receive import WORK_KIND, Poster, ReceiveReturn
from ordermesh.returns.operations.records import Records
from ordermesh.returns.peers import CONSUMERS, LedgerPeer, RoutingPeer, deliverer
from ordermesh.returns.queries import Reading
from ordermesh.returns.servicer.returns import DispositionServicer, ReturnServicer
from ordermesh.returns.settings import ReturnsSettings
from ordermesh.returns.store.returns import SqlReturnStore
from ordermesh.runtime.database import Database
from ordermesh.runtime.event_servicer import EventServicer, InboxServicer
from ordermesh.runtime.failpoints import At, points_of
from ordermesh.runtime.feed import Feed, Sequencer
from ordermesh.runtime.housekeeping import Housekeeping
from ordermesh.runtime.idempotency import Mutations
from ordermesh.runtime.inbox import Inbox
from ordermesh.runtime.outbox import Delivery, Outbox
from ordermesh.runtime.peers import peer_mesh
from ordermesh.runtime.server import ServiceDefinition, Servicer, main
from ordermesh.runtime.waiting import Waiters
from ordermesh.runtime.work import Worker

NAME = "returns"


@dataclass(frozen=True)
class Seams:
    """What is handed in: time, chance, the database, the way to the peers, points of crash."""

    database: Database
    clock: Clock
    random: random.Random
    mesh: Mesh
    peers: frozenset[str]
    at: At


def assemble(seams: Seams) -> ServiceDefinition:
    """The service on its seams."""
    database, clock, mesh = seams.database, seams.clock, seams.mesh
    told = {peer: wants for peer, wants in CONSUMERS.items() if peer in seams.peers}
    store, mutations, waiters = SqlReturnStore(), Mutations(database), Waiters(clock)
    records = Records(store, Outbox(NAME, told), waiters)
    routing = RoutingPeer(mesh)
    authorize = AuthorizeReturn(mutations, store, routing, records)
    receive = ReceiveReturn(database, mutations, clock, store, routing, records, waiters)
    poster = Poster(database, LedgerPeer(mesh), records, seams.at)
    deliveries = [Delivery(database, peer, deliverer(mesh, peer)) for peer in told]
    kinds = {WORK_KIND: poster.work_kind()}
    kinds |= {delivery.kind: delivery.work_kind() for delivery in deliveries}
    contract, events = "ordermesh.api.returns.v1.", "ordermesh.api.event.v1."
    return ServiceDefinition(
        name=NAME,
        servicers=[
            Servicer(
                add_ReturnServiceServicer_to_server,
                ReturnServicer(database, authorize, receive, Reading(store)),
                f"{contract}ReturnService",
            ),
            Servicer(
                add_DispositionServiceServicer_to_server,
                DispositionServicer(receive),
                f"{contract}DispositionService",
            ),
            Servicer(
                add_InboxServiceServicer_to_server,
                InboxServicer(Inbox(database, handlers(store))),
                f"{events}InboxService",
            ),
            Servicer(
                add_EventServiceServicer_to_server,
                EventServicer(Feed(database, clock)),
                f"{events}EventService",
            ),
        ],
        background=[
            Worker(database, clock, kinds, random=seams.random),
            Sequencer(database, clock),
            Housekeeping(database, clock),
        ],
        rules=RULES,
        database=database,
    )


async def build(settings: ReturnsSettings) -> ServiceDefinition:
    """The service as the settings want it."""
    clock = SystemClock()
    return assemble(
        Seams(
            database=await Database.open(
                settings.database_url, clock=clock, schema=settings.database_schema
            ),
            clock=clock,
            random=random.SystemRandom(),
            mesh=peer_mesh(NAME, settings, clock),
            peers=frozenset(settings.peers),
            at=points_of(NAME),
        )
    )


if __name__ == "__main__":
    main(NAME, ReturnsSettings, build)
