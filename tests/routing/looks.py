"""Short looks at what became of orders."""

from collections.abc import Iterable

from google.type.money_pb2 import Money

from ordermesh.api.routing.v1 import FulfillmentOrder, Order, OrderLine
from tests.routing.house import House


async def has_work_at(house: House, order_id: str, *locations: str) -> bool:
    """Whether these locations, and no others, have open work."""
    working = (FulfillmentOrder.STATE_RELEASED, FulfillmentOrder.STATE_ACCEPTED)
    found = [one.location_id for one in await house.work(order_id) if one.state in working]
    return sorted(found) == sorted(locations)


def only_line(order: Order) -> OrderLine:
    (one,) = order.lines
    return one


def total(amounts: Iterable[Money]) -> int:
    """The sum of amounts, in 1e-9."""
    return sum(one.units * 10**9 + one.nanos for one in amounts)


async def is_free(house: House, place: str) -> bool:
    """Whether nothing is reserved there."""
    return (await house.balance(place))[1] == 0
