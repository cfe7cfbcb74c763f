"""Calls about prices, and a house in which stock is scarce where most customers live."""

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from ordermesh.api.routing.v1 import (
    Decision,
    GetPriceSetRequest,
    LaborPrice,
    ListDecisionsRequest,
    ListLaborPricesRequest,
    ListStockPricesRequest,
    ListStockSuggestionsRequest,
    PriceSet,
    RenewPricesRequest,
    StockPrice,
    StockSuggestion,
)
from tests.routing.house import House, line, new_id, submission
from tests.routing.reoptimizing import near

BUYERS = 12
"""Customers beside EAST who have bought a mug each."""


async def renew(house: House, **fields: object) -> PriceSet:
    """Make the next version of prices."""
    request = RenewPricesRequest(**{"request_id": new_id(), "seed": 1, **fields})  # type: ignore[arg-type]
    return (await house.mesh.prices.RenewPrices(request, timeout=100)).price_set


async def price_set(house: House, version: int = 0) -> PriceSet:
    """A version, 0 the newest."""
    return (await house.mesh.prices.GetPriceSet(GetPriceSetRequest(version=version))).price_set


async def stock_prices(house: House, **fields: object) -> list[StockPrice]:
    """What stock is worth, the dearest first."""
    request = ListStockPricesRequest(**fields)  # type: ignore[arg-type]
    return list((await house.mesh.prices.ListStockPrices(request)).stock_prices)


async def labor_prices(house: House) -> list[LaborPrice]:
    """What work is worth, the dearest first."""
    reply = await house.mesh.prices.ListLaborPrices(ListLaborPricesRequest())
    return list(reply.labor_prices)


async def suggested(house: House, **fields: object) -> list[StockSuggestion]:
    """What would save something elsewhere."""
    request = ListStockSuggestionsRequest(**fields)  # type: ignore[arg-type]
    return list((await house.mesh.prices.ListStockSuggestions(request)).suggestions)


async def last_decision(house: House, order_id: str) -> Decision:
    """How an order was decided last."""
    request = ListDecisionsRequest(order_id=order_id)
    return list((await house.mesh.sourcing.ListDecisions(request)).decisions)[-1]


def since(days: float, now: datetime | None = None) -> Timestamp:
    """So many days before now."""
    then = Timestamp()
    then.FromDatetime((now or datetime.now(UTC)) - timedelta(days=days))
    return then


NOON = datetime(2026, 11, 24, 18, tzinfo=UTC)
"""In Chicago, on a Tuesday."""


async def scarce_in_the_east(
    house: House, left: int = 2, now: datetime | None = None, over_days: float = 4
) -> None:
    """EAST has sold most of its mugs to its neighbours, ``left`` are there; NEAR has many.

    Somebody beside SOUTH gets one for nearly the same from either, and a little cheaper from EAST.
    """
    await house.stock({"MUG at EAST": BUYERS + left, "MUG at NEAR": 100})
    for number in range(BUYERS):
        days = 0.1 + number * over_days / BUYERS
        await house.submit(
            f"E{number}", line("1", "MUG"), destination=near("EAST"), order_time=since(days, now)
        )


async def from_the_south(house: House, order_id: str) -> str:
    """Somebody beside SOUTH buys a mug; gives where it comes from."""
    await house.mesh.orders.SubmitOrder(
        submission(order_id, line("1", "MUG"), destination=near("SOUTH"))
    )
    (work,) = await house.work(order_id)
    return work.location_id
