"""Goods reach the customer: the work says so, and the order stays what it was."""

from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from ordermesh.api.event.v1 import (
    DeliverRequest,
    DeliverResponse,
    EventEnvelope,
    InboxServiceServicer,
    add_InboxServiceServicer_to_server,
)
from ordermesh.api.order.v1 import Contact
from ordermesh.api.routing.v1 import (
    DeliverFulfillmentOrderRequest,
    FulfillmentOrder,
    FulfillmentOrderDelivered,
    Order,
)
from ordermesh.client.testing import serving
from tests.dialects import on_sqlite
from tests.eventually import eventually
from tests.routing.house import House, line, new_id, refused
from tests.routing.test_telling import events_of

pytestmark = on_sqlite


async def deliver(house: House, work: FulfillmentOrder, **fields: Any) -> FulfillmentOrder:
    request = DeliverFulfillmentOrderRequest(
        request_id=new_id(), fulfillment_order_id=work.fulfillment_order_id, **fields
    )
    return (await house.mesh.fulfillments.DeliverFulfillmentOrder(request)).fulfillment_order


async def shipped(house: House, order_id: str = "O-1") -> FulfillmentOrder:
    await house.stock({"MUG at NEAR": 5})
    await house.submit(order_id, line("1", "MUG", 2))
    (work,) = await house.work(order_id)
    return await house.ship(work)


async def test_delivered_goods_have_been_shipped_all_the_same(house: House) -> None:
    work = await shipped(house)
    when = Timestamp()
    when.FromDatetime(datetime(2026, 3, 4, 15, 30, tzinfo=UTC))

    delivered = await deliver(house, work, deliver_time=when)

    assert delivered.state == FulfillmentOrder.STATE_DELIVERED
    assert delivered.deliver_time == when
    order = await house.order("O-1")
    assert order.state == Order.STATE_FULFILLED
    assert [one.shipped_quantity for one in order.lines] == [2]
    event = (await events_of(house, "O-1", 5))[-1]
    assert event.type == "ordermesh.fulfillment_order.delivered.v1"
    told = FulfillmentOrderDelivered.FromString(event.payload).fulfillment_order
    assert told.deliver_time == when


async def test_goods_are_delivered_once(house: House) -> None:
    work = await shipped(house)
    await deliver(house, work)

    refusal = await refused(deliver(house, work))

    assert refusal.reason == "WRONG_STATE"
    assert refusal.metadata["state"] == "DELIVERED"


async def test_the_rest_of_a_delivered_order_can_be_cancelled(house: House) -> None:
    await house.stock({"MUG at NEAR": 1, "LAMP at EAST": 1})
    await house.submit("O-1", line("1", "MUG"), line("2", "LAMP"))
    mug = next(one for one in await house.work("O-1") if one.location_id == "NEAR")
    await house.ship(mug)
    await deliver(house, mug)

    order = await house.cancel("O-1")

    assert order.state == Order.STATE_FULFILLED
    assert [(one.shipped_quantity, one.cancelled_quantity) for one in order.lines] == [
        (1, 0),
        (0, 1),
    ]
    assert await house.books_balance()


class Heard(InboxServiceServicer):
    """What a peer was told."""

    def __init__(self) -> None:
        self.events: list[EventEnvelope] = []

    async def Deliver(self, request: DeliverRequest, context: Any) -> DeliverResponse:  # noqa: N802
        self.events.extend(request.events)
        return DeliverResponse(recorded_count=len(request.events))


async def test_only_notify_is_told_whom_an_order_is_for(house: House) -> None:
    heard = {"notify": Heard(), "returns": Heard()}
    doors = {name: [(add_InboxServiceServicer_to_server, inbox)] for name, inbox in heard.items()}
    async with serving(doors) as peers:
        await house.stop_routing()
        house.peers = {name: peers.targets[name] for name in heard}
        await house.start_routing()
        await house.stock({"MUG at NEAR": 5})
        whom = Contact(
            name="Ada", email="ada@example.com", phone="1", address_lines=["2 Way"], language="de"
        )

        await house.submit("O-1", line("1", "MUG"), contact=whom)
        await house.submit("O-2", line("1", "MUG"))
        for order_id in ("O-1", "O-2"):
            for work in await house.work(order_id):
                await house.ship(work)

        await eventually(lambda: len(heard["notify"].events) == 8)
        await eventually(lambda: len(heard["returns"].events) == 2)
        await house.stop_routing()

    told = {
        (event.order_id, event.contact.name, event.contact.language)
        for event in heard["notify"].events
    }
    assert told == {("O-1", "Ada", "de"), ("O-2", "", "")}
    assert not any(event.contact.address_lines for event in heard["notify"].events)
    assert not any(event.HasField("contact") for event in heard["returns"].events)
    kept = [event.HasField("contact") for event in await kept_events(house)]
    assert kept == [False] * 8


async def kept_events(house: House) -> list[EventEnvelope]:
    await house.start_routing()
    return [*await events_of(house, "O-1", 4), *await events_of(house, "O-2", 4)]
