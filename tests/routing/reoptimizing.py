"""Orders that would be better off elsewhere, and the call that moves them."""

from collections.abc import Mapping
from decimal import Decimal

from google.type.latlng_pb2 import LatLng
from google.type.money_pb2 import Money

from ordermesh.api.order.v1 import Destination
from ordermesh.api.routing.v1 import (
    FulfillmentOrder,
    NewOrderLine,
    ReoptimizedOrder,
    ReoptimizeOrdersRequest,
    ReoptimizeOrdersResponse,
)
from tests.routing.house import PLACES, House, line, new_id

FATE = ReoptimizedOrder.Fate
OPEN = (FulfillmentOrder.STATE_RELEASED, FulfillmentOrder.STATE_ACCEPTED)


def near(location_id: str) -> Destination:
    """A customer right beside a location."""
    latitude, longitude = PLACES[location_id]
    return Destination(
        country_code="US",
        postal_code="",
        position=LatLng(latitude=latitude, longitude=longitude),
    )


async def bought(house: House, order_id: str, location_id: str, *lines: NewOrderLine) -> None:
    """A paid order of somebody who lives beside a location."""
    await house.submit(order_id, *(lines or (line("1", "MUG"),)), destination=near(location_id))


async def reoptimize(
    house: House, *, within: float = 60, **fields: object
) -> ReoptimizeOrdersResponse:
    """Decide all open orders again."""
    request = ReoptimizeOrdersRequest(**{"request_id": new_id(), "seed": 1, **fields})  # type: ignore[arg-type]
    return await house.mesh.sourcing.ReoptimizeOrders(request, timeout=within)


async def places(house: House, *order_ids: str) -> dict[str, set[str]]:
    """Which locations have open work for each order."""
    return {
        order_id: {one.location_id for one in await house.work(order_id) if one.state in OPEN}
        for order_id in order_ids
    }


def fates(reply: ReoptimizeOrdersResponse) -> Mapping[str, str]:
    """What became of each order."""
    return {one.order_id: FATE.Name(one.fate).removeprefix("FATE_") for one in reply.orders}


def amount(money: Money) -> Decimal:
    """The amount, whatever the currency."""
    return Decimal(money.units) + Decimal(money.nanos) / 10**9


CROSSED = {"O-EAST": {"WEST"}, "O-WEST": {"EAST"}}
APART = {"O-EAST": {"EAST"}, "O-WEST": {"WEST"}}


async def crossed(house: House, *, is_held: bool = False) -> None:
    """Two orders that each hold the only mug right beside the other's customer."""
    await house.stock({"MUG at WEST": 1})
    await bought(house, "O-EAST", "EAST")
    await house.receive({"MUG at EAST": 1})
    await bought(house, "O-WEST", "WEST")
    if not is_held:
        assert await places(house, "O-EAST", "O-WEST") == CROSSED
