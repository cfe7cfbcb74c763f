"""Channel controls that change while others sell: pools, buffers, caps, exclusions, limits."""

from collections.abc import Mapping
from typing import Any

from ordermesh.api.inventory.v1 import (
    Control,
    DeleteControlsRequest,
    PutControlsRequest,
)
from ordermesh.inventory.servicer.controls import ControlServicer
from tests.inventory.many.record import Request
from tests.inventory.many.world import GROUPS, SKUS, STORES, World
from tests.inventory.messages import control

LIMITS = ("limit_per_line", "limit_per_order", "limit_per_customer")


class Controlling:
    """Puts and deletes controls. A few items have none, so that not everything is limited."""

    shares: Mapping[str, int] = {"PutControls": 3, "DeleteControls": 1}

    def __init__(self, world: World) -> None:
        self.servicer = ControlServicer(world.shop.wiring)
        self.world = world
        self.known: set[str] = set()

    async def ask(self, method: str) -> Request | None:
        if method == "DeleteControls":
            if not self.known:
                return None
            chosen = self.world.some(sorted(self.known), 2)
            return DeleteControlsRequest(request_id=self.world.id(), control_ids=chosen)
        controls = {one.control_id: one for one in (self.any(), self.any())}
        return PutControlsRequest(request_id=self.world.id(), controls=controls.values())

    def any(self) -> Control:
        """A limit of one of the first items, a pool of the next, something else of others."""
        place, kind = self.world.random.randrange(9), self.world.one(LIMITS)
        sku = SKUS[place]
        if place < 3:
            return control(f"{kind} {sku}", kind, self.world.random.randint(2, 6), sku=sku)
        if place < 6:
            count = self.world.random.randint(3, 15)
            return control(f"pool {sku}", "pool", count, sku=sku, channel="market")
        kind, value = self.world.one(
            [("safety_stock", 2), ("buffer_units", 3), ("buffer_percent", 10), ("cap", 8),
             ("exclude", 1)]
        )  # fmt: skip
        where = self.world.one(
            ({"location_id": self.world.one(STORES)}, {"location_group": GROUPS["A"]})
        )
        channel = "market" if kind == "exclude" else self.world.one(("", "web"))
        return control(f"{kind} {sku}", kind, value, sku=sku, channel=channel, **where)

    def hear(self, method: str, request: Any, answer: Any) -> None:
        if method == "PutControls":
            self.known.update(one.control_id for one in request.controls)
        else:
            self.known.difference_update(request.control_ids)
