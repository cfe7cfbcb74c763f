"""What there is before the first customer comes."""

from collections.abc import Sequence
from random import Random
from typing import Any

from ordermesh.api.inventory.v1 import (
    PutItemsRequest,
    PutLocationsRequest,
    ReceiveStockRequest,
    StockLine,
)
from ordermesh.api.order.v1 import StockKey
from ordermesh.api.routing.v1 import NetworkLocation, PutNetworkLocationsRequest, ReturnHandling
from tests.routing.house import PLACES, entry, item, location
from tests.simulation.asking import Caller, Told

SKUS = ("MUG", "LAMP", "SOFA", "RUG")
KIT = "SET"
"""A kit of a mug and two lamps."""

LOCATIONS = tuple(PLACES)
STOCKS_MAX = (3, 6, 12)
"""So many units of an item lie at a location at most; in some runs little is there of anything."""


def key(sku: str, location_id: str) -> StockKey:
    return StockKey(sku=sku, location_id=location_id)


_HANDLING = (
    ReturnHandling.RETURN_HANDLING_RESTOCK,
    ReturnHandling.RETURN_HANDLING_KEEP_APART,
    ReturnHandling.RETURN_HANDLING_KEEP_APART,
)


def open_location(location_id: str, random: Random) -> NetworkLocation:
    """How a location fulfills while it is open; two of them take what comes back."""
    fields: dict[str, Any] = {}
    if location_id in ("NEAR", "EAST"):
        fields["return_handling"] = random.choice(_HANDLING)
    return entry(location_id, priority=LOCATIONS.index(location_id) + 1, **fields)


async def prepare(keeper: Caller) -> None:
    """Items, locations, how they fulfill, and a little stock, so that it is fought for."""
    mesh, new_id = keeper.mesh, keeper.new_id
    most = keeper.random.choice(STOCKS_MAX)
    items = [*map(item, SKUS), item(KIT, {"MUG": 1, "LAMP": 2})]
    stock = [
        StockLine(key=key(sku, place), quantity=units)
        for sku in SKUS
        for place in LOCATIONS
        if (units := keeper.random.randint(0, most))
    ]
    places = [location(name) for name in LOCATIONS]
    network = [open_location(name, keeper.random) for name in LOCATIONS]
    for method, request in (
        (mesh.items.PutItems, PutItemsRequest(request_id=new_id(), items=items)),
        (
            mesh.locations.PutLocations,
            PutLocationsRequest(request_id=new_id(), locations=places),
        ),
        (
            mesh.network.PutNetworkLocations,
            PutNetworkLocationsRequest(request_id=new_id(), locations=network),
        ),
    ):
        assert (await keeper.ask(method, request, tries=50)).is_ok
    await receive(keeper, stock, tries=50)


async def receive(keeper: Caller, stock: Sequence[StockLine], tries: int | None = None) -> Told:
    """Goods arrive; their document is the id of the request, so that the audit finds them."""
    request_id = keeper.new_id()
    request = ReceiveStockRequest(request_id=request_id, lines=stock, document=request_id)
    return await keeper.ask(keeper.mesh.ledger.ReceiveStock, request, tries=tries)
