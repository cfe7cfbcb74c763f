"""Warehouses: people accept work, or reject it, and ship."""

from collections.abc import Sequence
from typing import Any

from ordermesh.api.routing.v1 import (
    AcceptFulfillmentOrderRequest,
    DeliverFulfillmentOrderRequest,
    FulfillmentOrder,
    ListFulfillmentOrdersRequest,
    ListFulfillmentOrdersResponse,
    Parcel,
    RejectFulfillmentOrderRequest,
    RejectReason,
    ShipFulfillmentOrderRequest,
)
from tests.simulation.asking import Caller, Told

_TO_DO = (FulfillmentOrder.STATE_RELEASED, FulfillmentOrder.STATE_ACCEPTED)

REFUSALS = (0.1, 0.2, 0.6)
"""The share of its work that a location refuses: little in some runs, and most of it in others."""


class Warehouse:
    """The people of one location, who work on what is released to them."""

    def __init__(self, caller: Caller, location_id: str) -> None:
        self._caller = caller
        self._location_id = location_id
        self._refusals = caller.random.choice(REFUSALS)
        self.is_willing = True
        """Whether it may still reject; towards the end everything must get done."""

    async def run(self) -> None:
        while True:
            await self._caller.rest(4.0)
            for work in await waiting(self._caller, self._location_id):
                await self._handle(work)

    async def _handle(self, work: FulfillmentOrder) -> None:
        caller, fulfillments = self._caller, self._caller.mesh.fulfillments
        name: dict[str, Any] = {"fulfillment_order_id": work.fulfillment_order_id}
        if work.state == FulfillmentOrder.STATE_RELEASED:
            if self.is_willing and caller.likely(self._refusals):
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
        told = await ship(caller, work)
        if told.is_ok and caller.likely(0.4):
            await caller.rest(2.0)
            deliver = DeliverFulfillmentOrderRequest(request_id=caller.new_id(), **name)
            await caller.ask(fulfillments.DeliverFulfillmentOrder, deliver)


async def waiting(caller: Caller, location_id: str) -> list[FulfillmentOrder]:
    """The work that a location has still to do."""
    request = ListFulfillmentOrdersRequest(location_id=location_id)
    reply = await caller.read(caller.mesh.fulfillments.ListFulfillmentOrders, request)
    return [one for one in _of(reply) if one.state in _TO_DO]


async def ship(caller: Caller, work: FulfillmentOrder) -> Told:
    """Say that goods have left."""
    request = ShipFulfillmentOrderRequest(
        request_id=caller.new_id(),
        parcels=[Parcel(carrier="UPS", tracking_number="1Z", weight_grams=700)],
        fulfillment_order_id=work.fulfillment_order_id,
    )
    return await caller.ask(caller.mesh.fulfillments.ShipFulfillmentOrder, request)


def _of(reply: ListFulfillmentOrdersResponse | None) -> Sequence[FulfillmentOrder]:
    return () if reply is None else reply.fulfillment_orders
