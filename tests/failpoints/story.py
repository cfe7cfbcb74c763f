"""What happens in a cell: a shop's day in small, with every verb, all of it at one time.

Clients behave as they should: they ask again, with the same request, until they have an answer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import grpc
from google.protobuf.duration_pb2 import Duration

from ordermesh.api.inventory.v1 import (
    Control,
    ControlKind,
    GetReservationRequest,
    PutControlsRequest,
    PutItemsRequest,
    ReceiveStockRequest,
    ReservationLine,
    ReserveLine,
    ReserveRequest,
    StockLine,
)
from ordermesh.api.order.v1 import Contact
from ordermesh.api.returns.v1 import (
    AuthorizedLine,
    AuthorizeReturnRequest,
    GetReturnableRequest,
    GetReturnRequest,
    Grade,
    ReceivedLine,
    ReceiveReturnRequest,
    RefundTiming,
    Return,
    ReturnReason,
)
from ordermesh.api.routing.v1 import (
    AcceptFulfillmentOrderRequest,
    CancelOrderRequest,
    DeliverFulfillmentOrderRequest,
    FulfillmentOrder,
    GetOrderRequest,
    ListFulfillmentOrdersRequest,
    Order,
    Parcel,
    RejectFulfillmentOrderRequest,
    RejectReason,
    ReoptimizeOrdersRequest,
    ShipFulfillmentOrderRequest,
)
from ordermesh.client import Mesh, refusal_of
from ordermesh.kernel.ids import derived_id
from tests.failpoints.stillness import Patience
from tests.routing.house import ALWAYS, IF_SOURCED, item, key, line, submission

Reply = TypeVar("Reply")
Request_contra = TypeVar("Request_contra", contravariant=True)
Reply_co = TypeVar("Reply_co", covariant=True)
T = TypeVar("T")

UNITS = 2
"""Of the cell's item in each order."""

CALL_SECONDS = 5.0
GIVE_UP_SECONDS = 75.0
"""Longer than anything may take, so that what is too late is told from what never happens."""

_PAUSE_SECONDS, _PAUSE_SECONDS_MAX = 0.2, 1.0
"""Between two looks, and between two calls that have no answer."""

_FINAL = frozenset(
    {
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)


class NeverHappened(Exception):
    """What should have come to pass did not; the message says what."""


class Method(Protocol[Request_contra, Reply_co]):
    """A unary method of a stub."""

    def __call__(self, request: Request_contra, *, timeout: float) -> Awaitable[Reply_co]: ...


@dataclass
class Day:
    """The orders of a cell, by what is done with them, and what came of it."""

    tag: str
    orders: int
    item: str = field(init=False)
    shipped: dict[str, int] = field(default_factory=dict)
    """Units that left, by order."""

    delivered: set[str] = field(default_factory=set)
    returned: dict[str, int] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    expired: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.item = f"MUG-{self.tag}"

    @property
    def received(self) -> dict[str, int]:
        """What is put on stock: as much as is needed, and nothing more.

        One order more than those that are shipped is cancelled again, and one is rejected by NEAR
        and goes to EAST. A cart is left standing.
        """
        return {"NEAR": UNITS * (self.orders + 1) + 1, "EAST": UNITS}

    def order_id(self, number: int) -> str:
        return f"{self.tag}-{number}"


class Shop:
    """A day of one cell."""

    def __init__(
        self,
        mesh: Mesh,
        day: Day,
        *,
        splits: bool = False,
        limits: bool = False,
        moves: bool = False,
        patience: float = GIVE_UP_SECONDS,
        pause_max: float = _PAUSE_SECONDS,
    ) -> None:
        self._mesh = mesh
        self._day = day
        self._splits = splits
        self._limits = limits
        self._moves = moves
        self._patience = patience
        self._pause_max = pause_max

    async def open(self) -> None:
        """Have the item, and its stock."""
        day = self._day
        await self._ask(
            self._mesh.items.PutItems,
            PutItemsRequest(request_id=self._id("items"), items=[item(day.item)]),
        )
        lines = [
            StockLine(key=key(f"{day.item} at {place}"), quantity=units)
            for place, units in day.received.items()
        ]
        await self._ask(
            self._mesh.ledger.ReceiveStock,
            ReceiveStockRequest(request_id=self._id("stock"), lines=lines),
        )

    async def trade(self) -> None:
        """Everything at one time: the first order comes back, the last ones are odd."""
        day = self._day
        lives = [self._sell(number) for number in range(1, day.orders)]
        lives += [self._reject(day.orders), self._cancel(day.orders + 1), self._leave_a_cart()]
        if self._splits:
            lives.append(self._split())
        if self._moves:
            lives.append(self._move())
        async with asyncio.TaskGroup() as group:
            for life in lives:
                group.create_task(life)

    async def _sell(self, number: int) -> None:
        """A paid order, or every third a checkout, which leaves; every fourth comes back."""
        order_id = self._day.order_id(number)
        await self._submit(order_id, ALWAYS if number % 3 else IF_SOURCED)
        await self._ship(order_id, UNITS)
        if number % 2:
            await self._deliver(order_id)
        if number % 4 == 1:
            await self._send_back(order_id)

    async def _reject(self, number: int) -> None:
        """The first location cannot; another does."""
        order_id = self._day.order_id(number)
        await self._submit(order_id, ALWAYS)
        (work,) = await self._open_work(order_id, UNITS)
        await self._refuse(work)
        await self._ship(order_id, UNITS)

    async def _cancel(self, number: int) -> None:
        order_id = self._day.order_id(number)
        await self._submit(order_id, ALWAYS)
        await self._open_work(order_id, UNITS)
        request = CancelOrderRequest(request_id=self._id("cancel", order_id), order_id=order_id)
        await self._ask(self._mesh.orders.CancelOrder, request)

        async def is_cancelled() -> bool:
            order = await self._order(order_id)
            return order.state == Order.STATE_CANCELLED and not order.cancel_requested

        await self._until(is_cancelled, f"order {order_id} is cancelled")
        self._day.cancelled.add(order_id)

    async def _leave_a_cart(self) -> None:
        """A hold that nobody confirms, and that runs out."""
        name = self._id("cart")
        request = ReserveRequest(
            request_id=self._id("hold"),
            reservation_id=name,
            lines=[
                ReserveLine(line_id="1", key=key(f"{self._day.item} at NEAR"), quantity=1),
            ],
            hold_duration=Duration(seconds=1),
        )
        await self._ask(self._mesh.reservations.Reserve, request)

        async def has_expired() -> bool:
            reply = await self._ask(
                self._mesh.reservations.GetReservation, GetReservationRequest(reservation_id=name)
            )
            return reply.reservation.lines[0].state == ReservationLine.STATE_EXPIRED

        await self._until(has_expired, "the cart runs out")
        self._day.expired.add(name)

    async def _split(self) -> None:
        """Two locations have a part each, and one rejects its own: another takes it over.

        Where the order may have no more than it has, what the rejected part still holds must be
        given back first; else it is given back afterwards.
        """
        sku = f"RARE-{self._day.tag}"
        order_id = self._day.order_id(0)
        await self._ask(
            self._mesh.items.PutItems,
            PutItemsRequest(request_id=self._id("rare items"), items=[item(sku)]),
        )
        lines = [
            StockLine(key=key(f"{sku} at {place}"), quantity=2)
            for place in ("NEAR", "EAST", "SOUTH")
        ]
        await self._ask(
            self._mesh.ledger.ReceiveStock,
            ReceiveStockRequest(request_id=self._id("rare stock"), lines=lines),
        )
        if self._limits:
            await self._limit(sku, 4)
        await self._submit(order_id, ALWAYS, sku=sku, quantity=4)
        work = await self._open_work(order_id, 4)
        for one in work:
            if one.location_id == "NEAR":
                await self._accept(one)
        await self._refuse(next(one for one in work if one.location_id != "NEAR"))
        await self._ship(order_id, 4)

    async def _move(self) -> None:
        """A far location has the goods, then a near one: the order moves, and leaves from there."""
        sku, order_id = f"FAR-{self._day.tag}", f"{self._day.tag}-far-0"
        await self._ask(
            self._mesh.items.PutItems,
            PutItemsRequest(request_id=self._id("far items"), items=[item(sku)]),
        )
        for number, place in enumerate(("WEST", "NEAR")):
            stock = StockLine(key=key(f"{sku} at {place}"), quantity=UNITS)
            await self._ask(
                self._mesh.ledger.ReceiveStock,
                ReceiveStockRequest(request_id=self._id("far stock", place), lines=[stock]),
            )
            if not number:
                await self._submit(order_id, ALWAYS, sku=sku)
                await self._open_work(order_id, UNITS)
        request = ReoptimizeOrdersRequest(
            request_id=self._id("move"), solve_duration=Duration(seconds=1)
        )
        await self._ask(self._mesh.sourcing.ReoptimizeOrders, request, seconds=20.0)

        async def has_moved() -> bool:
            work = await self._open_work(order_id, UNITS)
            return [one.location_id for one in work] == ["NEAR"]

        await self._until(has_moved, f"order {order_id} moves")
        await self._ship(order_id, UNITS)

    async def _limit(self, sku: str, units: int) -> None:
        limit = Control(
            control_id=f"limit {sku}",
            kind=ControlKind.CONTROL_KIND_LIMIT_PER_ORDER,
            value=units,
            sku=sku,
        )
        await self._ask(
            self._mesh.controls.PutControls,
            PutControlsRequest(request_id=self._id("limit"), controls=[limit]),
        )

    async def _submit(
        self, order_id: str, acceptance: Any, *, sku: str = "", quantity: int = UNITS
    ) -> None:
        request = submission(
            order_id,
            line("1", sku or self._day.item, quantity),
            request_id=self._id("submit", order_id),
            acceptance=acceptance,
            contact=Contact(name="Ada", email=f"{order_id}@customers.example"),
        )
        await self._ask(self._mesh.orders.SubmitOrder, request)

    async def _accept(self, work: FulfillmentOrder) -> None:
        name = work.fulfillment_order_id
        request = AcceptFulfillmentOrderRequest(
            request_id=self._id("accept", name), fulfillment_order_id=name
        )
        await self._ask(self._mesh.fulfillments.AcceptFulfillmentOrder, request)

    async def _refuse(self, work: FulfillmentOrder) -> None:
        name = work.fulfillment_order_id
        request = RejectFulfillmentOrderRequest(
            request_id=self._id("reject", name),
            fulfillment_order_id=name,
            reason=RejectReason.REJECT_REASON_DAMAGED,
        )
        await self._ask(self._mesh.fulfillments.RejectFulfillmentOrder, request)

    async def _ship(self, order_id: str, units: int) -> None:
        for work in await self._open_work(order_id, units):
            name = work.fulfillment_order_id
            request = ShipFulfillmentOrderRequest(
                request_id=self._id("ship", name),
                fulfillment_order_id=name,
                parcels=[Parcel(carrier="UPS", tracking_number=name[:8], weight_grams=700)],
            )
            await self._ask(self._mesh.fulfillments.ShipFulfillmentOrder, request)

        async def is_fulfilled() -> bool:
            return (await self._order(order_id)).state == Order.STATE_FULFILLED

        await self._until(is_fulfilled, f"order {order_id} is fulfilled")
        self._day.shipped[order_id] = units

    async def _deliver(self, order_id: str) -> None:
        reply = await self._ask(
            self._mesh.fulfillments.ListFulfillmentOrders,
            ListFulfillmentOrdersRequest(order_id=order_id),
        )
        for work in reply.fulfillment_orders:
            if work.state == FulfillmentOrder.STATE_SHIPPED:
                name = work.fulfillment_order_id
                request = DeliverFulfillmentOrderRequest(
                    request_id=self._id("deliver", name), fulfillment_order_id=name
                )
                await self._ask(self._mesh.fulfillments.DeliverFulfillmentOrder, request)
        self._day.delivered.add(order_id)

    async def _send_back(self, order_id: str) -> None:
        async def is_returnable() -> bool:
            reply = await self._ask(
                self._mesh.returns.GetReturnable, GetReturnableRequest(order_id=order_id)
            )
            return any(one.shipped_quantity for one in reply.lines)

        await self._until(is_returnable, f"returns knows that {order_id} left")
        return_id, sku = f"R-{order_id}", self._day.item
        authorize = AuthorizeReturnRequest(
            request_id=self._id("authorize", order_id),
            return_id=return_id,
            order_id=order_id,
            lines=[AuthorizedLine(line_id="1", sku=sku, quantity=1)],
            refund_timing=RefundTiming.REFUND_TIMING_AFTER_RECEIPT,
            reason=ReturnReason.RETURN_REASON_UNWANTED,
        )
        await self._ask(self._mesh.returns.AuthorizeReturn, authorize)
        arrived = ReceivedLine(line_id="1", sku=sku, quantity=1, grade=Grade.GRADE_LIKE_NEW)
        receive = ReceiveReturnRequest(
            request_id=self._id("receive", order_id), return_id=return_id, lines=[arrived]
        )
        await self._ask(self._mesh.returns.ReceiveReturn, receive)

        async def is_complete() -> bool:
            reply = await self._ask(
                self._mesh.returns.GetReturn, GetReturnRequest(return_id=return_id)
            )
            return reply.order_return.state == Return.STATE_COMPLETED

        await self._until(is_complete, f"return {return_id} is complete")
        self._day.returned[order_id] = 1

    async def _order(self, order_id: str) -> Order:
        reply = await self._ask(self._mesh.orders.GetOrder, GetOrderRequest(order_id=order_id))
        return reply.order

    async def _open_work(self, order_id: str, units: int) -> list[FulfillmentOrder]:
        """The work of an order, as soon as it is with the locations."""
        found: list[FulfillmentOrder] = []

        async def is_there() -> bool:
            reply = await self._ask(
                self._mesh.fulfillments.ListFulfillmentOrders,
                ListFulfillmentOrdersRequest(order_id=order_id),
            )
            open_states = (FulfillmentOrder.STATE_RELEASED, FulfillmentOrder.STATE_ACCEPTED)
            found[:] = [one for one in reply.fulfillment_orders if one.state in open_states]
            return sum(part.quantity for one in found for part in one.lines) == units

        await self._until(is_there, f"all of order {order_id} is with locations")
        return found

    def _id(self, *purpose: str) -> str:
        return str(derived_id("matrix", self._day.tag, *purpose))

    async def _ask(
        self, method: Method[Any, Reply], request: Any, *, seconds: float = CALL_SECONDS
    ) -> Reply:
        """Ask until there is an answer. A refusal is an answer, and here one that is wrong."""
        patience = Patience(self._patience)
        pause = _PAUSE_SECONDS
        while True:
            try:
                return await method(request, timeout=seconds)
            except grpc.aio.AioRpcError as error:
                name = type(request).__name__
                if error.code() in _FINAL:
                    refusal = refusal_of(error)
                    why = refusal.reason if refusal else error.code().name
                    raise NeverHappened(f"{name} was refused: {why}, {error.details()}") from error
                if patience.is_over:
                    raise NeverHappened(
                        f"{name} had no answer but {error.code().name}: {error.details()}"
                    ) from error
            await asyncio.sleep(pause)
            pause = min(_PAUSE_SECONDS_MAX, 2 * pause)

    async def _until(self, condition: Callable[[], Awaitable[bool]], what: str) -> None:
        patience = Patience(self._patience)
        pause = _PAUSE_SECONDS
        while not await condition():
            if patience.is_over:
                raise NeverHappened(f"It never came to pass that {what}.")
            await asyncio.sleep(pause)
            pause = min(self._pause_max, 1.5 * pause)
