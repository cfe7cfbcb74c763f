"""What people do with the mesh: shops sell, warehouses pick, customers return, keepers count."""

import asyncio
from collections.abc import Sequence
from typing import Any

from google.protobuf.duration_pb2 import Duration

from ordermesh.api.inventory.v1 import (
    AdjustmentReason,
    AdjustStockRequest,
    ConfirmRequest,
    ExtendRequest,
    LineSelection,
    PutItemsRequest,
    PutLocationsRequest,
    ReceiveStockRequest,
    ReleaseRequest,
    ReserveLine,
    ReserveRequest,
    ShipRequest,
    ShortOutcome,
    ShortRequest,
    StockAdjustment,
    StockLine,
)
from ordermesh.api.order.v1 import Contact, StockKey
from ordermesh.api.routing.v1 import (
    AcceptFulfillmentOrderRequest,
    CancelOrderRequest,
    DeliverFulfillmentOrderRequest,
    FulfillmentOrder,
    ListFulfillmentOrdersRequest,
    NewOrderLine,
    Parcel,
    PutNetworkLocationsRequest,
    RejectFulfillmentOrderRequest,
    RejectReason,
    ShipFulfillmentOrderRequest,
    SubmitOrderRequest,
)
from tests.routing.house import ALWAYS, IF_SOURCED, PLACES, entry, item, line, location, submission
from tests.simulation.asking import Caller, Told

SKUS = ("MUG", "LAMP", "SOFA", "RUG")
KIT = "SET"
"""A kit of a mug and two lamps."""

LOCATIONS = tuple(PLACES)
STOCK_MAX = 12


def key(sku: str, location_id: str) -> StockKey:
    return StockKey(sku=sku, location_id=location_id)


async def prepare(keeper: Caller) -> None:
    """What there is before the first customer comes."""
    mesh, new_id = keeper.mesh, keeper.new_id
    items = [item(sku) for sku in SKUS]
    items.append(item(KIT, {"MUG": 1, "LAMP": 2}))
    network = [entry(name, priority=rank) for rank, name in enumerate(LOCATIONS, 1)]
    stock = [
        StockLine(key=key(sku, place), quantity=units)
        for sku in SKUS
        for place in LOCATIONS
        if (units := keeper.random.randint(0, STOCK_MAX))
    ]
    for method, request in (
        (mesh.items.PutItems, PutItemsRequest(request_id=new_id(), items=items)),
        (
            mesh.locations.PutLocations,
            PutLocationsRequest(
                request_id=new_id(), locations=[location(name) for name in LOCATIONS]
            ),
        ),
        (
            mesh.network.PutNetworkLocations,
            PutNetworkLocationsRequest(request_id=new_id(), locations=network),
        ),
    ):
        assert (await keeper.ask(method, request, tries=50)).is_ok
    await _receive(keeper, stock, tries=50)


async def _receive(keeper: Caller, stock: Sequence[StockLine], tries: int | None = None) -> Told:
    request_id = keeper.new_id()
    request = ReceiveStockRequest(request_id=request_id, lines=stock, document=request_id)
    return await keeper.ask(keeper.mesh.ledger.ReceiveStock, request, tries=tries)


class Shop:
    """Customers, one after the other."""

    def __init__(self, caller: Caller, customers: int, seconds: float) -> None:
        self._caller = caller
        self._customers = customers
        self._pause = 2 * seconds / customers
        self._number = 0

    async def run(self) -> None:
        for _ in range(self._customers):
            await self._caller.rest(self._pause)
            await self._serve()

    async def _serve(self) -> None:
        caller = self._caller
        self._number += 1
        order_id = f"{caller.name}-{self._number}"
        lines = self._lines()
        cart = await self._cart(lines) if caller.likely(0.4) else None
        if cart is not None and caller.likely(0.35):
            await self._leave(cart)
            return
        request = submission(
            order_id,
            *lines,
            request_id=caller.new_id(),
            acceptance=ALWAYS if caller.likely(0.6) else IF_SOURCED,
            checkout_reservation_ids=[] if cart is None else [cart.request.reservation_id],
            contact=Contact(name="Ada", email=f"{order_id}@customers.example", language="en"),
        )
        submitting = caller.ask(caller.mesh.orders.SubmitOrder, request)
        if caller.likely(0.1):
            # Impatient: the cancellation may arrive first.
            await asyncio.gather(submitting, self._cancel(order_id))
            return
        told = await submitting
        if caller.likely(0.25):
            await caller.rest(3.0)
            await self._cancel(order_id)
        if told.is_ok and caller.likely(0.1):
            await self._order_again(request)

    def _lines(self) -> list[NewOrderLine]:
        random = self._caller.random
        skus = random.sample((*SKUS, KIT), random.choice((1, 1, 2, 3)))
        return [line(str(number), sku, random.randint(1, 4)) for number, sku in enumerate(skus, 1)]

    async def _cart(self, lines: Sequence[NewOrderLine]) -> Told:
        caller = self._caller
        place = caller.random.choice(LOCATIONS)
        request = ReserveRequest(
            request_id=caller.new_id(),
            reservation_id=caller.new_id(),
            lines=[
                ReserveLine(line_id=one.line_id, key=key(one.sku, place), quantity=one.quantity)
                for one in lines
            ],
            hold_duration=Duration(seconds=caller.random.randint(2, 40)),
        )
        return await caller.ask(caller.mesh.reservations.Reserve, request)

    async def _leave(self, cart: Told) -> None:
        """The customer goes: with a word, after a while, or without."""
        caller = self._caller
        reservation_id = cart.request.reservation_id
        if caller.likely(0.3):
            request = ExtendRequest(
                request_id=caller.new_id(),
                reservation_id=reservation_id,
                hold_duration=Duration(seconds=caller.random.randint(2, 60)),
            )
            await caller.ask(caller.mesh.reservations.Extend, request)
        if caller.likely(0.5):
            release = ReleaseRequest(request_id=caller.new_id(), reservation_id=reservation_id)
            await caller.ask(caller.mesh.reservations.Release, release)

    async def _cancel(self, order_id: str) -> Told:
        request = CancelOrderRequest(request_id=self._caller.new_id(), order_id=order_id)
        return await self._caller.ask(self._caller.mesh.orders.CancelOrder, request)

    async def _order_again(self, request: SubmitOrderRequest) -> None:
        """The same order under another id of request: there is one already."""
        again = SubmitOrderRequest()
        again.CopyFrom(request)
        again.request_id = self._caller.new_id()
        await self._caller.ask(self._caller.mesh.orders.SubmitOrder, again)


class Warehouse:
    """The people of one location, who work on what is released to them."""

    def __init__(self, caller: Caller, location_id: str) -> None:
        self._caller = caller
        self._location_id = location_id
        self.is_willing = True
        """Whether it may still reject; towards the end everything must get done."""

    async def run(self) -> None:
        while True:
            await self._caller.rest(3.0)
            for work in await self._waiting():
                await self._handle(work)

    async def _waiting(self) -> list[FulfillmentOrder]:
        found: list[FulfillmentOrder] = []
        for state in (FulfillmentOrder.STATE_RELEASED, FulfillmentOrder.STATE_ACCEPTED):
            request = ListFulfillmentOrdersRequest(location_id=self._location_id, state=state)
            mesh = self._caller.mesh
            reply = await self._caller.read(mesh.fulfillments.ListFulfillmentOrders, request)
            found.extend(reply.fulfillment_orders if reply is not None else ())
        return found

    async def _handle(self, work: FulfillmentOrder) -> None:
        caller, fulfillments = self._caller, self._caller.mesh.fulfillments
        name: dict[str, Any] = {"fulfillment_order_id": work.fulfillment_order_id}
        if work.state == FulfillmentOrder.STATE_RELEASED:
            if self.is_willing and caller.likely(0.2):
                reject = RejectFulfillmentOrderRequest(
                    request_id=caller.new_id(),
                    reason=caller.random.choice(
                        (RejectReason.REJECT_REASON_NOT_FOUND, RejectReason.REJECT_REASON_TOO_BUSY)
                    ),
                    **name,
                )
                await caller.ask(fulfillments.RejectFulfillmentOrder, reject)
                return
            accept = AcceptFulfillmentOrderRequest(request_id=caller.new_id(), **name)
            if not (await caller.ask(fulfillments.AcceptFulfillmentOrder, accept)).is_ok:
                return
        await caller.rest(2.0)
        parcel = Parcel(carrier="UPS", tracking_number="1Z", weight_grams=700)
        ship = ShipFulfillmentOrderRequest(request_id=caller.new_id(), parcels=[parcel], **name)
        told = await caller.ask(fulfillments.ShipFulfillmentOrder, ship)
        if told.is_ok and caller.likely(0.4):
            await caller.rest(2.0)
            deliver = DeliverFulfillmentOrderRequest(request_id=caller.new_id(), **name)
            await caller.ask(fulfillments.DeliverFulfillmentOrder, deliver)


class Keeper:
    """Who keeps the stock: goods arrive, break, and are sold past the shop."""

    def __init__(self, caller: Caller, deeds: int, seconds: float) -> None:
        self._caller = caller
        self._deeds = deeds
        self._pause = 2 * seconds / deeds

    async def run(self) -> None:
        deeds = (self._arrive, self._arrive, self._break, self._sell, self._close)
        for _ in range(self._deeds):
            await self._caller.rest(self._pause)
            await self._caller.random.choice(deeds)()

    def _place(self) -> StockKey:
        random = self._caller.random
        return key(random.choice(SKUS), random.choice(LOCATIONS))

    async def _arrive(self) -> None:
        units = self._caller.random.randint(1, 8)
        await _receive(self._caller, [StockLine(key=self._place(), quantity=units)])

    async def _break(self) -> None:
        """Units are gone, perhaps promised ones."""
        caller = self._caller
        request_id = caller.new_id()
        change = StockAdjustment(key=self._place(), delta=-caller.random.randint(1, 6))
        request = AdjustStockRequest(
            request_id=request_id,
            adjustments=[change],
            reason=AdjustmentReason.ADJUSTMENT_REASON_DAMAGED,
            document=request_id,
        )
        await caller.ask(caller.mesh.ledger.AdjustStock, request)

    async def _sell(self) -> None:
        """A sale that routing knows nothing of, with what may follow from it."""
        caller, reservations = self._caller, self._caller.mesh.reservations
        reservation_id, place = caller.new_id(), self._place()
        units = caller.random.randint(1, 4)
        is_sure = caller.likely(0.5)
        reserve = ReserveRequest(
            request_id=caller.new_id(),
            reservation_id=reservation_id,
            lines=[ReserveLine(line_id="1", key=place, quantity=units)],
            confirm=is_sure,
        )
        if not is_sure:
            reserve.hold_duration.CopyFrom(Duration(seconds=caller.random.randint(1, 20)))
        if not (await caller.ask(reservations.Reserve, reserve)).is_ok:
            return
        if not is_sure:
            await caller.rest(8.0)
            confirm = ConfirmRequest(
                request_id=caller.new_id(),
                reservation_id=reservation_id,
                reserve_again=caller.likely(0.5),
            )
            if not (await caller.ask(reservations.Confirm, confirm)).is_ok:
                return
        await self._finish(reservation_id, place, units)

    async def _finish(self, reservation_id: str, place: StockKey, units: int) -> None:
        caller, reservations = self._caller, self._caller.mesh.reservations
        part = caller.random.randint(1, units)
        selection = LineSelection(
            line_id="1", sku=place.sku, location_id=place.location_id, quantity=part
        )
        common: dict[str, Any] = {
            "request_id": caller.new_id(),
            "reservation_id": reservation_id,
            "lines": [selection],
        }
        match caller.random.choice(("ship", "ship", "short", "release")):
            case "ship":
                await caller.ask(reservations.Ship, ShipRequest(**common))
            case "short":
                outcome = ShortOutcome.SHORT_OUTCOME_WRITE_OFF
                await caller.ask(reservations.Short, ShortRequest(outcome=outcome, **common))
            case _:
                await caller.ask(reservations.Release, ReleaseRequest(**common))

    async def _close(self) -> None:
        """A location ships nothing for a while."""
        caller = self._caller
        place = caller.random.choice(LOCATIONS)
        rank = LOCATIONS.index(place) + 1
        shut = entry(place, priority=rank, methods=[])
        for one in (shut, entry(place, priority=rank)):
            request = PutNetworkLocationsRequest(request_id=caller.new_id(), locations=[one])
            await caller.ask(caller.mesh.network.PutNetworkLocations, request, tries=12)
            await caller.rest(6.0)
