"""A location does the work of its own locations, and sees no other's."""

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import Message

from ordermesh.api.routing import v1
from ordermesh.routing.access import RULES
from ordermesh.routing.domain.errors.fulfillment import NotYourLocation
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.runtime.call import Call, Identity, calling
from tests.routing.house import House, line
from tests.routing.requests import accept, deliver, reject, ship

SERVICE = "/ordermesh.api.routing.v1.FulfillmentService/"

OPEN: dict[str, Callable[..., Message]] = {
    "GetFulfillmentOrder": v1.GetFulfillmentOrderRequest,
    "AcceptFulfillmentOrder": accept,
    "RejectFulfillmentOrder": reject,
    "ShipFulfillmentOrder": ship,
}
"""Verbs on work that is open."""


async def call(house: House, method: str, request: Message, *own: str) -> Any:
    identity = Identity("location/here", frozenset({"location"}), frozenset(own))
    with calling(Call(SERVICE + method, identity, None)):
        return await getattr(house.servicers["FulfillmentService"], method)(request, None)


async def some_work(house: House) -> str:
    """Open work at NEAR."""
    await house.stock({"MUG at NEAR": 5})
    await house.submit("O-1", line("1", "MUG"))
    (work,) = await house.work("O-1")
    return work.fulfillment_order_id


def test_every_verb_that_a_location_may_call_is_tried_here() -> None:
    allowed = {
        name.removeprefix(SERVICE)
        for name, roles in RULES.items()
        if name.startswith(SERVICE) and "location" in roles
    }

    assert allowed == {*OPEN, "DeliverFulfillmentOrder", "ListFulfillmentOrders"}


@pytest.mark.parametrize("method", OPEN)
async def test_work_of_another_location_is_refused_and_stays_as_it_is(
    house: House, method: str
) -> None:
    name = await some_work(house)
    before = await house.work("O-1")

    with pytest.raises(NotYourLocation) as error:
        await call(house, method, OPEN[method](fulfillment_order_id=name), "EAST")

    assert error.value.facts() == {"locationId": "NEAR", "caller": "location/here"}
    assert await house.work("O-1") == before
    await call(house, method, OPEN[method](fulfillment_order_id=name), "EAST", "NEAR")


async def test_what_another_location_sent_is_not_delivered_by_it(house: House) -> None:
    name = await some_work(house)
    (work,) = await house.work("O-1")
    await house.ship(work)

    with pytest.raises(NotYourLocation):
        await call(house, "DeliverFulfillmentOrder", deliver(fulfillment_order_id=name), "EAST")

    reply = await call(house, "DeliverFulfillmentOrder", deliver(fulfillment_order_id=name), "NEAR")
    assert reply.fulfillment_order.state == v1.FulfillmentOrder.STATE_DELIVERED


async def test_a_list_of_work_is_that_of_a_location_of_its_own(house: House) -> None:
    await some_work(house)

    async def listed(location_id: str) -> Any:
        request = v1.ListFulfillmentOrdersRequest(location_id=location_id)
        return await call(house, "ListFulfillmentOrders", request, "NEAR")

    with pytest.raises(NotYourLocation):
        await listed("EAST")
    with pytest.raises(FieldViolation):
        await listed("")
    assert len((await listed("NEAR")).fulfillment_orders) == 1
