"""Reads: each is one consistent look at the database."""

from uuid import UUID

from ordermesh.api.routing.v1 import (
    GetDecisionRequest,
    GetDecisionResponse,
    GetFulfillmentOrderRequest,
    GetFulfillmentOrderResponse,
    GetNetworkOverviewResponse,
    GetOrderRequest,
    GetOrderResponse,
    ListDecisionsRequest,
    ListDecisionsResponse,
    ListFulfillmentOrdersRequest,
    ListFulfillmentOrdersResponse,
    ListNetworkLocationsRequest,
    ListNetworkLocationsResponse,
    ListOrdersRequest,
    ListOrdersResponse,
)
from ordermesh.api.routing.v1 import Order as OrderMessage
from ordermesh.routing.domain.belonging import Speaker
from ordermesh.routing.domain.errors.fulfillment import FulfillmentOrderNotFound
from ordermesh.routing.domain.errors.order import OrderNotFound
from ordermesh.routing.domain.errors.sourcing import DecisionNotFound
from ordermesh.routing.ports.stores import OrderFilter, OrderRow, Stores, WorkFilter
from ordermesh.routing.wire import fulfillment, order
from ordermesh.routing.wire.decision import stored_decision
from ordermesh.routing.wire.money import timestamp
from ordermesh.routing.wire.network import network_message
from ordermesh.runtime.call import current_call
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.pages import (
    fitting_rows,
    page_size,
    page_token,
    place_in_numbers,
    place_in_text,
)


class Reading:
    """Reads on an open transaction."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    async def order(self, tx: Transaction, request: GetOrderRequest) -> GetOrderResponse:
        """One order; raises ``OrderNotFound``."""
        named = request.channel_order
        if request.WhichOneof("name") == "channel_order":
            order_id = await self._stores.orders.id_in_channel(
                tx, named.channel, named.channel_order_id
            )
            missing = OrderNotFound(channel=named.channel, channel_order_id=named.channel_order_id)
        else:
            order_id = request.order_id
            missing = OrderNotFound(order_id)
        rows = [] if order_id is None else await self._stores.orders.rows(tx, [order_id])
        if not rows:
            raise missing
        return GetOrderResponse(order=_order(rows[0]))

    async def orders(self, tx: Transaction, request: ListOrdersRequest) -> ListOrdersResponse:
        """A page of orders; raises ``InvalidPageToken``."""
        size = page_size(request.page_size)
        wanted = OrderFilter(
            order.state_filter(request.state), request.channel, request.queue, request.held
        )
        after = place_in_numbers(request, request.page_token)
        rows = await self._stores.orders.page(tx, wanted, after, size + 1)
        orders = fitting_rows(map(_order, rows[:size]))
        reply = ListOrdersResponse(orders=orders)
        if len(rows) > len(orders):
            reply.next_page_token = page_token(request, rows[len(orders) - 1].number)
        return reply

    async def fulfillment_order(
        self, tx: Transaction, request: GetFulfillmentOrderRequest
    ) -> GetFulfillmentOrderResponse:
        """One fulfillment order; raises ``FulfillmentOrderNotFound``, ``NotYourLocation``."""
        name = request.fulfillment_order_id
        order_id = await self._stores.orders.order_of(tx, name)
        known = (
            None if order_id is None else await self._stores.orders.load(tx, order_id, lock=False)
        )
        # A plan may have been dropped since, with the work that it would have made.
        if known is None or not known.has(name):
            raise FulfillmentOrderNotFound(name)
        work = known.find(name)
        _speaker().refuse_foreign(work.location_id)
        return GetFulfillmentOrderResponse(
            fulfillment_order=fulfillment.fulfillment_order_message(work, await tx.now())
        )

    async def fulfillment_orders(
        self, tx: Transaction, request: ListFulfillmentOrdersRequest
    ) -> ListFulfillmentOrdersResponse:
        """A page of work; raises ``InvalidPageToken``, ``NotYourLocation``, ``FieldViolation``."""
        _speaker().refuse_unnamed(request.location_id)
        size = page_size(request.page_size)
        wanted = WorkFilter(
            request.order_id, request.location_id, fulfillment.state_filter(request.state)
        )
        after = place_in_numbers(request, request.page_token)
        rows = await self._stores.orders.work_page(tx, wanted, after, size + 1)
        now = await tx.now()
        work = fitting_rows(
            fulfillment.fulfillment_order_message(row.work, now) for row in rows[:size]
        )
        reply = ListFulfillmentOrdersResponse(fulfillment_orders=work)
        if len(rows) > len(work):
            reply.next_page_token = page_token(request, rows[len(work) - 1].number)
        return reply

    async def decision(self, tx: Transaction, request: GetDecisionRequest) -> GetDecisionResponse:
        """One decision; raises ``DecisionNotFound``."""
        found = await self._stores.decisions.get(tx, UUID(request.decision_id))
        if found is None:
            raise DecisionNotFound(request.decision_id)
        return GetDecisionResponse(decision=stored_decision(found.payload))

    async def decisions(
        self, tx: Transaction, request: ListDecisionsRequest
    ) -> ListDecisionsResponse:
        """A page of the decisions of an order; raises ``InvalidPageToken``."""
        size = page_size(request.page_size)
        after = place_in_numbers(request, request.page_token)
        rows = await self._stores.decisions.page(tx, request.order_id, after, size + 1)
        decisions = fitting_rows(stored_decision(row.payload) for row in rows[:size])
        reply = ListDecisionsResponse(decisions=decisions)
        if len(rows) > len(decisions):
            reply.next_page_token = page_token(request, rows[len(decisions) - 1].number)
        return reply

    async def network(
        self, tx: Transaction, request: ListNetworkLocationsRequest
    ) -> ListNetworkLocationsResponse:
        """A page of the network; raises ``InvalidPageToken``."""
        size = page_size(request.page_size)
        after = place_in_text(request, request.page_token)
        rows = await self._stores.network.page(tx, after, size + 1)
        reply = ListNetworkLocationsResponse(
            locations=[network_message(row) for row in rows[:size]]
        )
        if len(rows) > size:
            reply.next_page_token = page_token(request, rows[size - 1].location_id)
        return reply

    async def overview(self, tx: Transaction) -> GetNetworkOverviewResponse:
        """What routing knows, and how fresh it is."""
        seen = await self._stores.network.overview(tx)
        reply = GetNetworkOverviewResponse(
            location_count=seen.locations,
            shipping_location_count=seen.shipping_locations,
            item_count=seen.items,
            known_location_count=seen.known_locations,
            item_revision=seen.item_revision,
            location_revision=seen.location_revision,
        )
        if seen.heard_time is not None:
            reply.heard_time.CopyFrom(timestamp(seen.heard_time))
        return reply


def _speaker() -> Speaker:
    identity = current_call().identity
    return Speaker(identity.name, identity.own_locations)


def _order(row: OrderRow) -> OrderMessage:
    return order.order_message(row.order, row.decision_ids, row.fulfillment_order_ids)
