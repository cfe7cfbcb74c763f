"""Events reach the inbox of routing, from a real server to a real server."""

from collections.abc import AsyncIterator

import grpc
import pytest

from ordermesh.api.event.v1 import (
    DeliverRequest,
    DeliverResponse,
    EventEnvelope,
    InboxServiceServicer,
    add_InboxServiceServicer_to_server,
)
from ordermesh.api.inventory.v1 import (
    PutItemsRequest,
    PutLocationsRequest,
    ReceiveStockRequest,
    ReservationExpired,
    ReserveRequest,
    StockLine,
)
from ordermesh.inventory.__main__ import define
from ordermesh.inventory.settings import InventorySettings
from ordermesh.kernel.clock import SystemClock
from ordermesh.runtime.database import Database
from tests.eventually import eventually
from tests.inventory.messages import item, key, location, new_id, reserve_lines
from tests.servers import serving


class Routing(InboxServiceServicer):
    """An inbox that is away once and then keeps what it is told, with who told it."""

    def __init__(self) -> None:
        self.events: list[EventEnvelope] = []
        self.callers: set[str] = set()
        self.refusals = 1

    async def Deliver(  # noqa: N802 - named by the contract
        self,
        request: DeliverRequest,
        context: grpc.aio.ServicerContext[DeliverRequest, DeliverResponse],
    ) -> DeliverResponse:
        if self.refusals:
            self.refusals -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "not yet")
        metadata = dict(context.invocation_metadata() or ())
        self.callers.add(str(metadata.get("ordermesh-caller")))
        self.events += request.events
        return DeliverResponse(recorded_count=len(request.events))


@pytest.fixture
async def routing() -> AsyncIterator[tuple[str, Routing]]:
    inbox, server = Routing(), grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    add_InboxServiceServicer_to_server(inbox, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}", inbox
    await server.stop(None)


async def test_routing_hears_of_a_hold_that_was_not_confirmed(
    inventory_database: Database, routing: tuple[str, Routing]
) -> None:
    target, inbox = routing
    settings = InventorySettings(port=0, peers={"routing": target}, sweep_seconds=0.2)
    definition = define(inventory_database, SystemClock(), settings)
    async with serving(definition) as served:
        mesh = served.mesh
        await mesh.items.PutItems(PutItemsRequest(request_id=new_id(), items=[item("MUG")]))
        places = [location("A")]
        await mesh.locations.PutLocations(
            PutLocationsRequest(request_id=new_id(), locations=places)
        )
        line = StockLine(key=key("MUG at A"), quantity=5)
        await mesh.ledger.ReceiveStock(ReceiveStockRequest(request_id=new_id(), lines=[line]))
        request = ReserveRequest(
            request_id=new_id(), reservation_id=new_id(), lines=reserve_lines({"MUG at A": 2})
        )
        request.hold_duration.FromSeconds(1)
        await mesh.reservations.Reserve(request)

        await eventually(lambda: bool(inbox.events))

    (event,) = inbox.events
    assert inbox.callers == {"inventory"}
    assert (event.source, event.aggregate_type) == ("inventory", "reservation")
    told = ReservationExpired.FromString(event.payload)
    assert told.reservation_id == event.aggregate_id == request.reservation_id
