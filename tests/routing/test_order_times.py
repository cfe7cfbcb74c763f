"""An order of any instant that a message can say is an order like others."""

import pytest

from ordermesh.api.routing.v1 import GetOrderRequest, ListOrdersRequest, Order
from tests.routing.house import House, line, refused, submission


@pytest.mark.parametrize("seconds", [-62_135_596_800, -62_135_337_600, -30_610_224_001])
async def test_an_order_of_long_ago_keeps_nobody_from_reading_orders(
    house: House, seconds: int
) -> None:
    await house.stock({"MUG at NEAR": 1})
    request = submission("O-1", line("1", "MUG"))
    request.order_time.FromSeconds(seconds)

    reply = await house.mesh.orders.SubmitOrder(request)

    assert reply.order.state == Order.STATE_RELEASED
    listed = await house.mesh.orders.ListOrders(ListOrdersRequest())
    found = await house.mesh.orders.GetOrder(GetOrderRequest(order_id="O-1"))
    assert [one.order_time for one in listed.orders] == [request.order_time]
    assert found.order.order_time == request.order_time


@pytest.mark.parametrize("field", ["order_time", "promise_time"])
async def test_an_order_of_no_time_that_can_be_is_refused(house: House, field: str) -> None:
    request = submission("O-1", line("1", "MUG"))
    getattr(request, field).seconds = 2**60

    refusal = await refused(house.mesh.orders.SubmitOrder(request))

    assert refusal.reason == "FIELD_VIOLATION"
