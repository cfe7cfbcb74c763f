"""Finding what stands in the way of promising orders. It writes nothing."""

from datetime import timedelta

from ordermesh.api.routing.v1 import FindObstaclesRequest, FindObstaclesResponse
from ordermesh.routing.domain.carriage.area import Address
from ordermesh.routing.domain.errors.catalog import UnknownDestination
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.item import Item
from ordermesh.routing.domain.obstacles import (
    ObstacleKind,
    Obstacles,
    Scene,
    look_at_destination,
    look_at_items,
    look_at_lanes,
    look_at_locations,
)
from ordermesh.routing.domain.order import OrderState
from ordermesh.routing.domain.submission import Whereto
from ordermesh.routing.operations.memory import Memory
from ordermesh.routing.operations.planning import Planner
from ordermesh.routing.operations.postal_codes import Whereabouts
from ordermesh.routing.ports.sourcing import COUNTRIES_KNOWN
from ordermesh.routing.ports.stock import Stock
from ordermesh.routing.ports.stores import OrderFilter, Stores
from ordermesh.routing.wire.obstacle import obstacle_messages
from ordermesh.runtime.database import Database, Transaction

HORIZON_DAYS = 30
PAGE_ROWS = 500
"""How many items or orders are read, and of how many items the stock is asked, at once."""


class FindObstacles:
    """Looks at items, lanes, prices, calendars, stock, orders and destinations."""

    def __init__(
        self,
        database: Database,
        stores: Stores,
        stock: Stock,
        planner: Planner,
        whereabouts: Whereabouts,
    ) -> None:
        self._database = database
        self._stores = stores
        self._stock = stock
        self._planner = planner
        self._whereabouts = whereabouts

    async def __call__(self, request: FindObstaclesRequest) -> FindObstaclesResponse:
        """What was found; raises what the contract lists, and ``Unavailable``."""
        obstacles = Obstacles()
        scene, items = await self._database.read(lambda tx: self._look(tx, request, obstacles))
        stocked = None
        if not request.without_stock:
            stocked = await self._stocked(scene, items)
        look_at_items(obstacles, scene, items, stocked)
        lanes = [lane for lane in scene.book.lanes.values() if not lane.is_withdrawn]
        return FindObstaclesResponse(
            obstacles=obstacle_messages(obstacles),
            item_count=len(items),
            lane_count=len(lanes),
        )

    async def _look(
        self, tx: Transaction, request: FindObstaclesRequest, obstacles: Obstacles
    ) -> tuple[Scene, list[Item]]:
        """Look at everything but items; gives what items are looked at with."""
        known = await self._planner.memory(tx)
        policy = await self._planner.in_force(tx, known, request.policy_id)
        scene = Scene(known.network, known.locations, known.book, policy.costs, await tx.now())
        look_at_lanes(obstacles, scene, timedelta(days=request.horizon_days or HORIZON_DAYS))
        countries = COUNTRIES_KNOWN | known.postal_codes.keys()
        look_at_locations(obstacles, scene, _open(known, scene), countries)
        for asked in request.destinations:
            whereto = Whereto(asked.country_code, asked.region, asked.postal_code, None)
            place: Place | None = None
            region = asked.region
            try:
                found = await self._whereabouts.find(tx, whereto)
                place, region = found.place, found.region
            except UnknownDestination:
                pass  # which is what is looked for
            address = Address(asked.country_code, region, asked.postal_code)
            look_at_destination(obstacles, scene, address, place)
        await self._look_at_orders(tx, obstacles)
        return scene, await self._items(tx)

    async def _look_at_orders(self, tx: Transaction, obstacles: Obstacles) -> None:
        after = 0
        wanted = OrderFilter(OrderState.UNFILLABLE)
        while rows := await self._stores.orders.page(tx, wanted, after, PAGE_ROWS):
            for row in rows:
                reasons = sorted({line.unfilled_reason for line in row.order.lines} - {""})
                why = f"What it lacks: {', '.join(reasons) or 'nobody said'}."
                obstacles.add(ObstacleKind.ORDER_UNFILLABLE, row.order.order_id, why)
            after = rows[-1].number

    async def _items(self, tx: Transaction) -> list[Item]:
        items: list[Item] = []
        after = ""
        while page := await self._stores.copies.page(tx, after, PAGE_ROWS):
            items.extend(page)
            after = page[-1].sku
        return items

    async def _stocked(self, scene: Scene, items: list[Item]) -> frozenset[str]:
        """The items of which some location that ships has any."""
        ships = {entry.location_id for entry, _ in scene.shipping}
        skus = sorted({item.sku for item in items if not item.components})
        stocked: set[str] = set()
        for start in range(0, len(skus), PAGE_ROWS):
            found = await self._stock.available(skus[start : start + PAGE_ROWS], (), "")
            for location_id, units in found.units.items():
                if location_id in ships:
                    stocked.update(sku for sku, number in units.items() if number > 0)
        return frozenset(stocked)


def _open(known: Memory, scene: Scene) -> dict[str, bool]:
    """Whether locations ever hand anything over, by their timetables."""
    return {
        entry.location_id: known.dispatches.days(entry, place.time_zone, scene.now) is not None
        for entry, place in scene.shipping
    }
