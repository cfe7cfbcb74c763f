"""Routing and inventory as real servers in the process of a test, behind short calls.

Stock is written "MUG at EAST". Locations are at known distances from the customer.
"""

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import grpc
from google.type.latlng_pb2 import LatLng
from google.type.money_pb2 import Money

from ordermesh.api.inventory.v1 import (
    Control,
    GetAvailabilityRequest,
    GetReservationRequest,
    Item,
    Kit,
    KitComponent,
    ListBalancesRequest,
    ListReservationsRequest,
    Location,
    PutControlsRequest,
    PutItemsRequest,
    PutLocationsRequest,
    ReceiveStockRequest,
    Reservation,
    ReserveLine,
    ReserveRequest,
    StockLine,
    VerifyLedgerRequest,
)
from ordermesh.api.order.v1 import Destination, FulfillmentMethod, StockKey
from ordermesh.api.routing.v1 import (
    AcceptFulfillmentOrderRequest,
    CancelOrderRequest,
    FulfillmentOrder,
    GetOrderRequest,
    ListFulfillmentOrdersRequest,
    NetworkLocation,
    NewOrderLine,
    Order,
    Parcel,
    PutNetworkLocationsRequest,
    RejectFulfillmentOrderRequest,
    RejectReason,
    ShipFulfillmentOrderRequest,
    SourceOrderRequest,
    SourceOrderResponse,
    SubmitOrderRequest,
    SubmitOrderResponse,
)
from ordermesh.client.errors import Refusal, refusal_of
from ordermesh.client.mesh import Mesh
from ordermesh.inventory.__main__ import define as define_inventory
from ordermesh.inventory.settings import InventorySettings
from ordermesh.kernel.clock import Clock, SystemClock
from ordermesh.kernel.ids import RandomIds
from ordermesh.routing.__main__ import Seams, assemble
from ordermesh.routing.domain.foresight.ahead import Ahead, Priced
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.reoptimizing.instance import Instance
from ordermesh.routing.domain.submission import Whereto
from ordermesh.routing.operations.renewing import Schedule
from ordermesh.routing.ports.batches import Replanned, Replanning
from ordermesh.routing.ports.pricing import Pricing
from ordermesh.routing.solver.batch.ahead import price_ahead
from ordermesh.routing.solver.batch.engine import plan_batch
from ordermesh.runtime.database import Database
from tests.servers import Served, serving

R = TypeVar("R")

IF_SOURCED = SubmitOrderRequest.ACCEPTANCE_IF_SOURCED
ALWAYS = SubmitOrderRequest.ACCEPTANCE_ALWAYS

CHICAGO = Place.from_degrees(41.88, -87.63)
PLACES: Mapping[str, tuple[float, float]] = {
    # The customer is in Chicago.
    "NEAR": (41.52, -88.08),
    "EAST": (39.96, -82.99),
    "SOUTH": (33.75, -84.39),
    "WEST": (34.06, -117.65),
}
"""Locations, the nearest to the customer first."""


class FewPlaces:
    """Knows one postal code."""

    def find(self, whereto: Whereto) -> Place | None:
        return CHICAGO if (whereto.country_code, whereto.postal_code) == ("US", "60601") else None


class NoJitter(random.Random):
    """Waits that are drawn at random are not waited for."""

    def uniform(self, a: float, b: float) -> float:
        return 0.0


class InThread:
    """Plans orders together without a process of its own, which takes seconds to start."""

    async def __call__(self, instance: Instance, seed: int, seconds: float) -> Replanned:
        end = time.monotonic() + seconds
        result = await asyncio.to_thread(
            plan_batch,
            instance.batch,
            seed,
            is_over=lambda: time.monotonic() > end,
            cells=instance.cells,
            start=instance.start,
        )
        plan = result.plan
        return Replanned(plan.location, plan.cost, plan.bound, plan.prices, result.is_cut)


class PricingInThread:
    """Finds prices without a process of its own."""

    async def __call__(self, ahead: Ahead, seed: int, seconds: float) -> Priced:
        end = time.monotonic() + seconds
        return await asyncio.to_thread(
            price_ahead, ahead, seed, is_over=lambda: time.monotonic() > end
        )


def new_id() -> str:
    return str(uuid.uuid4())


def usd(amount: float) -> Money:
    units = int(amount)
    return Money(currency_code="USD", units=units, nanos=round((amount - units) * 1e9))


def key(place: str) -> StockKey:
    """From "MUG at EAST"."""
    sku, location_id = place.split(" at ")
    return StockKey(sku=sku, location_id=location_id)


def item(sku: str, components: Mapping[str, int] | None = None, **fields: Any) -> Item:
    may_split = fields.pop("may_split", False)
    kit = None
    if components:
        parts = [KitComponent(sku=name, quantity=count) for name, count in components.items()]
        kit = Kit(components=parts, may_split=may_split)
    return Item(**{"sku": sku, "unit": Item.UNIT_EACH, "weight_grams": 500, "kit": kit, **fields})


def location(location_id: str, **fields: Any) -> Location:
    latitude, longitude = PLACES[location_id]
    return Location(
        **{
            "location_id": location_id,
            "type": Location.TYPE_DISTRIBUTION_CENTER,
            "position": LatLng(latitude=latitude, longitude=longitude),
            "time_zone": "America/Chicago",
            **fields,
        }
    )


def entry(location_id: str, **fields: Any) -> NetworkLocation:
    """How a location fulfills."""
    return NetworkLocation(
        **{
            "location_id": location_id,
            "methods": [FulfillmentMethod.FULFILLMENT_METHOD_SHIP],
            "pick_fee": usd(1.4),
            "labor_cost_per_unit": usd(0.45),
            "handling_days": 1,
            **fields,
        }
    )


def line(line_id: str, sku: str, quantity: int = 1, **fields: Any) -> NewOrderLine:
    return NewOrderLine(line_id=line_id, sku=sku, quantity=quantity, **fields)


def submission(order_id: str, *lines: NewOrderLine, **fields: Any) -> SubmitOrderRequest:
    return SubmitOrderRequest(
        **{
            "request_id": new_id(),
            "order_id": order_id,
            "channel": "web",
            "channel_order_id": order_id,
            "lines": lines,
            "destination": Destination(country_code="US", postal_code="60601"),
            "method": FulfillmentMethod.FULFILLMENT_METHOD_SHIP,
            "acceptance": ALWAYS,
            **fields,
        }
    )


async def answered(call: Awaitable[R]) -> R | Refusal:
    """The reply, or the refusal with a published reason."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        return refusal


async def refused(call: Awaitable[object]) -> Refusal:
    """The refusal that the call ends with."""
    answer = await answered(call)
    assert isinstance(answer, Refusal), answer
    return answer


class House:
    """The two services. ``at`` is what routing calls at the points where it could crash."""

    def __init__(self, inventory_url: str, routing_url: str, clock: Clock | None = None) -> None:
        self._inventory_url = inventory_url
        self._routing_url = routing_url
        self._clock = clock or SystemClock()
        self._inventory = AsyncExitStack()
        self._routing = AsyncExitStack()
        self._port = 0
        self.at: Callable[[str], Awaitable[None] | None] = lambda _point: None
        self.targets: dict[str, str] = {"inventory": "127.0.0.1:1"}
        self.database: Database | None = None
        self.inventory_database: Database | None = None
        self.mesh = Mesh(self.targets)
        self._others: list[Mesh] = []
        self.peers: dict[str, str] = {}
        self.random: random.Random = NoJitter()
        self.replan: Replanning = InThread()
        self.pricing: Pricing = PricingInThread()
        self.reoptimize_seconds = 0.0
        self.schedule = Schedule()
        self.quotas: dict[str, Any] = {}
        self.servicers: dict[str, Any] = {}

    async def start_inventory(self) -> None:
        """Serve inventory, at the address of before if there was one."""
        database = await Database.open(self._inventory_url, clock=self._clock)
        self.inventory_database = database
        peers = {"routing": self.targets["routing"]} if "routing" in self.targets else {}
        settings = InventorySettings(port=0, peers=peers, **self.quotas)
        definition = define_inventory(database, self._clock, settings)
        served = await self._inventory.enter_async_context(
            serving(definition, port=self._port, clock=self._clock)
        )
        self._port = int(served.targets["inventory"].rsplit(":", 1)[1])
        await self._know(served)

    async def stop_inventory(self) -> None:
        await self._inventory.aclose()

    async def start_routing(self) -> None:
        """Serve routing, with what it knew before."""
        self.database = await Database.open(self._routing_url, clock=self._clock)
        mesh = await self._routing.enter_async_context(
            Mesh({**self.targets, **self.peers}, caller="routing")
        )
        definition = assemble(
            Seams(
                database=self.database,
                clock=self._clock,
                ids=RandomIds(),
                random=self.random,
                mesh=mesh,
                peers=frozenset(self.peers),
                at=self._reach,
                replan=self.replan,
                pricing=self.pricing,
                reoptimize_seconds=self.reoptimize_seconds,
                schedule=self.schedule,
            ),
            FewPlaces(),
        )
        self.servicers = {
            one.service_name.rsplit(".", 1)[1]: one.implementation for one in definition.servicers
        }
        served = await self._routing.enter_async_context(serving(definition, clock=self._clock))
        await self._know(served)

    async def _reach(self, point: str) -> None:
        waiting = self.at(point)
        if waiting is not None:
            await waiting

    async def stop_routing(self) -> None:
        await self._routing.aclose()

    async def _know(self, served: Served) -> None:
        await self.mesh.close()
        self.targets.update(served.targets)
        self.mesh = Mesh(self.targets)

    async def close(self) -> None:
        for mesh in (self.mesh, *self._others):
            await mesh.close()
        await self.stop_routing()
        await self.stop_inventory()

    async def open(self) -> None:
        """Start both, with four locations that ship."""
        await self.start_inventory()
        await self.start_routing()
        await self.mesh.locations.PutLocations(
            PutLocationsRequest(request_id=new_id(), locations=[location(name) for name in PLACES])
        )
        await self.network(*(entry(name, priority=rank) for rank, name in enumerate(PLACES, 1)))

    async def network(self, *entries: NetworkLocation) -> None:
        await self.mesh.network.PutNetworkLocations(
            PutNetworkLocationsRequest(request_id=new_id(), locations=entries)
        )

    async def items(self, *items: Item | str) -> None:
        wanted = [one if isinstance(one, Item) else item(one) for one in items]
        await self.mesh.items.PutItems(PutItemsRequest(request_id=new_id(), items=wanted))

    async def control(self, *controls: Control) -> None:
        await self.mesh.controls.PutControls(
            PutControlsRequest(request_id=new_id(), controls=controls)
        )

    async def receive(self, stock: Mapping[str, int]) -> None:
        await self.mesh.ledger.ReceiveStock(
            ReceiveStockRequest(
                request_id=new_id(),
                lines=[StockLine(key=key(place), quantity=units) for place, units in stock.items()],
            )
        )

    async def stock(self, stock: Mapping[str, int]) -> None:
        """Make the items, and receive so many of them."""
        await self.items(*dict.fromkeys(key(place).sku for place in stock))
        there = {place: units for place, units in stock.items() if units}
        if there:
            await self.receive(there)

    async def submit(
        self, order_id: str, *lines: NewOrderLine, **fields: Any
    ) -> SubmitOrderResponse:
        return await self.mesh.orders.SubmitOrder(submission(order_id, *lines, **fields))

    async def order(self, order_id: str) -> Order:
        return (await self.mesh.orders.GetOrder(GetOrderRequest(order_id=order_id))).order

    async def work(self, order_id: str) -> list[FulfillmentOrder]:
        reply = await self.mesh.fulfillments.ListFulfillmentOrders(
            ListFulfillmentOrdersRequest(order_id=order_id)
        )
        return list(reply.fulfillment_orders)

    async def accept(self, work: FulfillmentOrder) -> FulfillmentOrder:
        request = AcceptFulfillmentOrderRequest(
            request_id=new_id(), fulfillment_order_id=work.fulfillment_order_id
        )
        return (await self.mesh.fulfillments.AcceptFulfillmentOrder(request)).fulfillment_order

    async def reject(self, work: FulfillmentOrder) -> FulfillmentOrder:
        request = RejectFulfillmentOrderRequest(
            request_id=new_id(),
            fulfillment_order_id=work.fulfillment_order_id,
            reason=RejectReason.REJECT_REASON_NOT_FOUND,
        )
        return (await self.mesh.fulfillments.RejectFulfillmentOrder(request)).fulfillment_order

    async def ship(
        self, work: FulfillmentOrder, *, within: float | None = None
    ) -> FulfillmentOrder:
        request = ShipFulfillmentOrderRequest(
            request_id=new_id(),
            fulfillment_order_id=work.fulfillment_order_id,
            parcels=[Parcel(carrier="UPS", tracking_number="1Z", weight_grams=700)],
        )
        reply = await self.mesh.fulfillments.ShipFulfillmentOrder(request, timeout=within)
        return reply.fulfillment_order

    async def cancel(self, order_id: str) -> Order:
        request = CancelOrderRequest(request_id=new_id(), order_id=order_id)
        return (await self.mesh.orders.CancelOrder(request)).order

    async def source(self, order_id: str, **fields: Any) -> SourceOrderResponse:
        subject = {"order_id": order_id} if order_id else {}
        request = SourceOrderRequest(**{"request_id": new_id(), **subject, **fields})
        return await self.mesh.sourcing.SourceOrder(request)

    def as_caller(self, name: str) -> Mesh:
        """The mesh as somebody else sees it; closed with the house."""
        self._others.append(Mesh(self.targets, caller=name))
        return self._others[-1]

    async def reserve(
        self, place: str, quantity: int, *, mesh: Mesh | None = None, **fields: Any
    ) -> str:
        """A cart with one line; gives its id."""
        reservation_id = new_id()
        await (mesh or self.mesh).reservations.Reserve(
            ReserveRequest(
                request_id=new_id(),
                reservation_id=reservation_id,
                lines=[ReserveLine(line_id="1", key=key(place), quantity=quantity)],
                **fields,
            )
        )
        return reservation_id

    async def balance(self, place: str) -> tuple[int, int, int]:
        """On hand, reserved, available."""
        wanted = key(place)
        found = await self.mesh.ledger.ListBalances(
            ListBalancesRequest(skus=[wanted.sku], location_ids=[wanted.location_id])
        )
        (one,) = found.balances
        return one.on_hand, one.reserved, one.available

    async def reservations(self, order_id: str) -> list[Reservation]:
        reply = await self.mesh.reservations.ListReservations(
            ListReservationsRequest(order_id=order_id)
        )
        return list(reply.reservations)

    async def reservation(self, reservation_id: str) -> Reservation:
        reply = await self.mesh.reservations.GetReservation(
            GetReservationRequest(reservation_id=reservation_id)
        )
        return reply.reservation

    async def available(self, sku: str) -> dict[str, int]:
        """What can be promised, by location."""
        reply = await self.mesh.availability.GetAvailability(GetAvailabilityRequest(skus=[sku]))
        return dict(zip(reply.available.location_ids, reply.available.quantities, strict=True))

    async def books_balance(self) -> bool:
        """Whether the ledger finds nothing wrong with itself."""
        last = [reply async for reply in self.mesh.ledger.VerifyLedger(VerifyLedgerRequest())][-1]
        return last.balanced and last.units_oversold == 0
