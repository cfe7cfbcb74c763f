"""Orders and the work of locations."""

from typing import Any

import grpc

from ordermesh.api.routing import v1
from ordermesh.routing.operations.fulfillment import Fulfillment
from ordermesh.routing.operations.submit import SubmitOrder
from ordermesh.routing.queries.reading import Reading
from ordermesh.runtime.database import Database

Context = grpc.aio.ServicerContext[Any, Any]


class OrderServicer(v1.OrderServiceServicer):
    """Keeps orders."""

    def __init__(
        self, database: Database, submit: SubmitOrder, fulfillment: Fulfillment, reading: Reading
    ) -> None:
        self._database = database
        self._submit = submit
        self._fulfillment = fulfillment
        self._reading = reading

    async def SubmitOrder(
        self,
        request: v1.SubmitOrderRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.SubmitOrderResponse:
        """Store an order and source it."""
        return await self._submit(request)

    async def GetOrder(
        self,
        request: v1.GetOrderRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.GetOrderResponse:
        """Read one."""
        return await self._database.read(lambda tx: self._reading.order(tx, request))

    async def ListOrders(
        self,
        request: v1.ListOrdersRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ListOrdersResponse:
        """Read those that match."""
        return await self._database.read(lambda tx: self._reading.orders(tx, request))

    async def CancelOrder(
        self,
        request: v1.CancelOrderRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.CancelOrderResponse:
        """Cancel what has not been shipped."""
        return await self._fulfillment.cancel(request)

    async def ReleaseOrderHold(
        self,
        request: v1.ReleaseOrderHoldRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ReleaseOrderHoldResponse:
        """Release a hold."""
        return await self._fulfillment.release_hold(request)


class FulfillmentServicer(v1.FulfillmentServiceServicer):
    """Gives locations their work, and hears what became of it."""

    def __init__(self, database: Database, fulfillment: Fulfillment, reading: Reading) -> None:
        self._database = database
        self._fulfillment = fulfillment
        self._reading = reading

    async def GetFulfillmentOrder(
        self,
        request: v1.GetFulfillmentOrderRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.GetFulfillmentOrderResponse:
        """Read one."""
        return await self._database.read(lambda tx: self._reading.fulfillment_order(tx, request))

    async def ListFulfillmentOrders(
        self,
        request: v1.ListFulfillmentOrdersRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ListFulfillmentOrdersResponse:
        """Read those that match."""
        return await self._database.read(lambda tx: self._reading.fulfillment_orders(tx, request))

    async def AcceptFulfillmentOrder(
        self,
        request: v1.AcceptFulfillmentOrderRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.AcceptFulfillmentOrderResponse:
        """The location does it."""
        return await self._fulfillment.accept(request)

    async def RejectFulfillmentOrder(
        self,
        request: v1.RejectFulfillmentOrderRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.RejectFulfillmentOrderResponse:
        """The location does not do it."""
        return await self._fulfillment.reject(request)

    async def ShipFulfillmentOrder(
        self,
        request: v1.ShipFulfillmentOrderRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ShipFulfillmentOrderResponse:
        """It has left."""
        return await self._fulfillment.ship(request)

    async def DeliverFulfillmentOrder(
        self,
        request: v1.DeliverFulfillmentOrderRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.DeliverFulfillmentOrderResponse:
        """The customer has it."""
        return await self._fulfillment.deliver(request)
