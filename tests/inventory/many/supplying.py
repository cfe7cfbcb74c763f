"""Goods that are expected: announced, changed, sent, received, lost on their way, cancelled."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ordermesh.api.inventory.v1 import (
    CancelSupplyRequest,
    PutSuppliesRequest,
    ReceiveSupplyRequest,
    SendTransferRequest,
    Supply,
    SupplyReceipt,
    WriteOffTransferRequest,
)
from ordermesh.api.order.v1 import StockKey
from ordermesh.inventory.servicer.supplies import SupplyServicer
from tests.inventory.many.moving import written
from tests.inventory.many.record import Places, Record, Request
from tests.inventory.many.world import DOCK, PLACES, STORES, World
from tests.inventory.messages import key
from tests.inventory.outside import stamp

ORDERED, NOTICED, TRANSFER = (
    Supply.KIND_PURCHASE_ORDER,
    Supply.KIND_SHIPPING_NOTICE,
    Supply.KIND_TRANSFER,
)
CONFIRMED, IN_TRANSIT = Supply.STATE_CONFIRMED, Supply.STATE_IN_TRANSIT
OPEN = (Supply.STATE_PLANNED, CONFIRMED, IN_TRANSIT)
EXPECTED = 30
"""So many supplies are expected at a time; then no more are announced."""


class Supplying:
    """Asks for supplies, each a step further."""

    shares: Mapping[str, int] = {
        "PutSupplies": 6, "SendTransfer": 2, "ReceiveSupply": 4, "CancelSupply": 1,
        "WriteOffTransfer": 1,
    }  # fmt: skip

    def __init__(self, world: World, record: Record) -> None:
        self.servicer = SupplyServicer(world.shop.wiring)
        self.world = world
        self.record = record
        self.number = 0
        self.known: dict[str, Supply] = {}

    async def ask(self, method: str) -> Request | None:
        if method == "PutSupplies":
            return self.put()
        if method == "SendTransfer":
            return await self.send()
        fitting = [one for one in self.known.values() if self.fits(method, one)]
        if not fitting:
            return None
        chosen, request_id = self.world.one(fitting), self.world.id()
        if method == "CancelSupply":
            return CancelSupplyRequest(request_id=request_id, supply_id=chosen.supply_id)
        few = self.world.random.randint(1, 3)
        if method == "WriteOffTransfer":
            return WriteOffTransferRequest(
                request_id=request_id,
                supply_id=chosen.supply_id,
                quantity=0 if self.world.happens(0.5) else few,
            )
        receipt = SupplyReceipt(
            supply_id=chosen.supply_id,
            quantity=self.world.one((0, few, few)),
            accept_surplus=self.world.happens(0.3),
            complete=self.world.happens(0.2),
        )
        return ReceiveSupplyRequest(request_id=request_id, receipts=[receipt])

    def fits(self, method: str, one: Supply) -> bool:
        """Whether it has come so far."""
        is_sent = one.kind == TRANSFER and one.state == IN_TRANSIT
        if method == "WriteOffTransfer":
            return is_sent
        if method == "CancelSupply":
            return not is_sent
        return is_sent or one.kind != TRANSFER

    def put(self) -> Request:
        """Something new, or another date, number or state of what is known."""
        known = [one for one in self.known.values() if one.state != IN_TRANSIT]
        if known and (len(self.known) > EXPECTED or self.world.happens(0.4)):
            told = Supply()
            told.CopyFrom(self.world.one(known))
            told.quantity = max(1, told.quantity + self.world.random.randint(-3, 3))
            told.expected_time.CopyFrom(self.day())
            if told.kind != TRANSFER and self.world.happens(0.3):
                told.state = IN_TRANSIT
        else:
            told = self.new(self.world.one((ORDERED, ORDERED, NOTICED, TRANSFER)))
        return PutSuppliesRequest(request_id=self.world.id(), supplies=[told])

    def new(self, kind: Supply.Kind.ValueType) -> Supply:
        """A supply that nobody has heard of."""
        self.number += 1
        place = self.world.place(DOCK if self.world.happens(0.8) else PLACES)
        others = [one for one in STORES if one != place[-1]]
        return Supply(
            supply_id=f"S-{self.number}",
            kind=kind,
            key=key(place),
            quantity=self.world.random.randint(6, 20),
            expected_time=self.day(),
            state=CONFIRMED,
            confidence_percent=90,
            from_location_id=self.world.one(others) if kind == TRANSFER else "",
        )

    def day(self) -> Any:
        """Some day this week."""
        return stamp(datetime.now(UTC) + timedelta(days=self.world.random.randint(1, 6)))

    async def send(self) -> Request:
        """What was planned, or something new, leaves where there is most of it."""
        planned = [one for one in self.known.values() if self.is_planned(one)]
        told = Supply()
        if planned and self.world.happens(0.4):
            told.CopyFrom(self.world.one(planned))
        else:
            told.CopyFrom(self.new(TRANSFER))
            place, _ = await self.world.richest()
            told.key.sku, told.from_location_id = place.split(" at ")
            if told.key.location_id == told.from_location_id:
                told.key.location_id = DOCK
            told.quantity = self.world.random.randint(1, 4)
        told.state = IN_TRANSIT
        return SendTransferRequest(request_id=self.world.id(), transfers=[told])

    def is_planned(self, one: Supply) -> bool:
        """Whether it is a transfer that has not left."""
        return one.kind == TRANSFER and one.state != IN_TRANSIT

    def hear(self, method: str, request: Any, answer: Any) -> None:
        if method == "PutSupplies":
            supplies = [one.supply for one in answer.outcomes]
        elif method == "SendTransfer":
            supplies = list(answer.supplies)
            places: Places = Counter()
            for one in supplies:
                left = StockKey(sku=one.key.sku, location_id=one.from_location_id)
                places[written(left)] -= one.quantity
            self.record.move(answer.movement_id, places)
        elif method == "ReceiveSupply":
            supplies = [one.supply for one in answer.received]
            come: Places = Counter()
            for received in answer.received:
                come[written(received.supply.key)] += received.received_quantity
            self.record.move(answer.movement_id, come)
        else:
            supplies = [answer.supply]
        for one in supplies:
            if one.state in OPEN:
                self.known[one.supply_id] = one
                self.world.expected[one.supply_id] = written(one.key)
            else:
                self.known.pop(one.supply_id, None)
                self.world.expected.pop(one.supply_id, None)
