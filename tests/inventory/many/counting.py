"""Counts: planned, opened, counted blind and once more, accepted, called off."""

from collections.abc import Mapping
from typing import Any

from ordermesh.api.inventory.v1 import (
    AcceptCountRequest,
    AdjustmentReason,
    CancelCountRequest,
    Count,
    CountedStock,
    CountLine,
    OpenCountRequest,
    PlanCountRequest,
    SubmitCountRequest,
)
from ordermesh.inventory.servicer.counts import CountServicer
from tests.inventory.many.record import Request
from tests.inventory.many.world import PLACES, SKUS, World

PLANNED, OPEN = Count.STATE_PLANNED, Count.STATE_OPEN
DISPUTED = CountLine.STATE_DISPUTED
UNSETTLED = (CountLine.STATE_OPEN, CountLine.STATE_RECOUNT, DISPUTED)

COUNTERS = ("Ann", "Ben", "Cem", "Dot", "Eve", "Fay")
AT_ONCE = 10
"""So many counts go on at a time; then no more are planned."""


class Counting:
    """Asks for counts, each a step further."""

    shares: Mapping[str, int] = {
        "PlanCount": 2, "OpenCount": 2, "SubmitCount": 6, "AcceptCount": 3, "CancelCount": 1,
    }  # fmt: skip

    def __init__(self, world: World) -> None:
        self.servicer = CountServicer(world.shop.wiring)
        self.world = world
        self.number = 0
        self.known: dict[str, Count] = {}
        self.counters: dict[tuple[str, str], set[str]] = {}

    async def ask(self, method: str) -> Request | None:
        if method == "PlanCount":
            return self.plan() if len(self.known) < AT_ONCE else None
        chosen = self.pick(method)
        if chosen is None:
            return None
        names = {"request_id": self.world.id(), "count_id": chosen.count_id}
        if method == "OpenCount":
            return OpenCountRequest(**names)
        if method == "CancelCount":
            return CancelCountRequest(**names)
        if method == "SubmitCount":
            return await self.submit(chosen, names)
        return AcceptCountRequest(
            **names,
            accepted_by="Ann" if self.world.happens(0.1) else "Zoe",
            reason=AdjustmentReason.ADJUSTMENT_REASON_LOST,
        )

    def plan(self) -> Request:
        """A few items; what is within the thresholds is believed at once, most is not."""
        self.number += 1
        threshold = self.world.one(("none", "units", "percent"))
        return PlanCountRequest(
            request_id=self.world.id(),
            count_id=f"C-{self.number}",
            location_id=self.world.one(PLACES),
            skus=sorted(self.world.some(SKUS, 3)),
            threshold_units=2 if threshold == "units" else None,
            threshold_percent=5 if threshold == "percent" else None,
        )

    def pick(self, method: str) -> Count | None:
        """A count that has come so far."""
        if method == "OpenCount":
            fitting = [one for one in self.known.values() if one.state == PLANNED]
        elif method == "SubmitCount":
            fitting = [one for one in self.known.values() if one.state == OPEN]
        elif method == "AcceptCount":
            fitting = [
                one
                for one in self.known.values()
                if any(line.state == DISPUTED for line in one.lines)
            ]
        else:
            fitting = list(self.known.values())
        return self.world.one(fitting) if fitting else None

    async def submit(self, chosen: Count, names: dict[str, str]) -> Request:
        """Somebody finds about what should be there, and miscounts."""
        due = [line.sku for line in chosen.lines if line.state in UNSETTLED] or SKUS
        skus = self.world.some(due, 3)
        tired = set().union(*(self.counters.get((chosen.count_id, sku), set()) for sku in skus))
        rested = [one for one in COUNTERS if one not in tired] or list(COUNTERS)
        lines = []
        there = await self.world.look(*(f"{sku} at {chosen.location_id}" for sku in skus))
        for sku, balance in zip(skus, there.values(), strict=True):
            found = balance.on_hand + balance.missing + self.world.one((-6, -2, 0, 0, 1, 4))
            lines.append(CountedStock(sku=sku, counted=max(0, found)))
        return SubmitCountRequest(**names, counter=self.world.one(rested), lines=lines)

    def hear(self, method: str, request: Any, answer: Any) -> None:
        one: Count = answer.count
        if method == "SubmitCount":
            for line in request.lines:
                self.counters.setdefault((one.count_id, line.sku), set()).add(request.counter)
        if one.state in (PLANNED, OPEN):
            self.known[one.count_id] = one
        elif self.known.pop(one.count_id, None) is not None:
            for line in one.lines:
                self.counters.pop((one.count_id, line.sku), None)
