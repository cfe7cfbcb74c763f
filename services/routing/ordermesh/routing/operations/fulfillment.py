"""What locations say of their work, cancelling orders and releasing their holds."""

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from opentelemetry import trace

from ordermesh.api.routing.v1 import (
    AcceptFulfillmentOrderRequest,
    AcceptFulfillmentOrderResponse,
    CancelOrderRequest,
    CancelOrderResponse,
    DeliverFulfillmentOrderRequest,
    DeliverFulfillmentOrderResponse,
    RejectFulfillmentOrderRequest,
    RejectFulfillmentOrderResponse,
    ReleaseOrderHoldRequest,
    ReleaseOrderHoldResponse,
    ShipFulfillmentOrderRequest,
    ShipFulfillmentOrderResponse,
)
from ordermesh.kernel.clock import Clock
from ordermesh.routing.domain import refusal, verbs
from ordermesh.routing.domain.belonging import Speaker
from ordermesh.routing.domain.errors.fulfillment import FulfillmentOrderNotFound
from ordermesh.routing.domain.errors.order import OrderNotFound
from ordermesh.routing.domain.fulfillment import FulfillmentOrder, FulfillmentState
from ordermesh.routing.domain.story import Story, Told
from ordermesh.routing.operations.patience import patience
from ordermesh.routing.operations.records import Records
from ordermesh.routing.ports.stores import Exclusion, Stores
from ordermesh.routing.wire.event import story_message
from ordermesh.routing.wire.fulfillment import fulfillment_order_message, parcels, reject_reason
from ordermesh.routing.wire.money import instant
from ordermesh.runtime.call import current_call
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.idempotency import Mutations
from ordermesh.runtime.telemetry import Attributes
from ordermesh.runtime.waiting import Waiters

T = TypeVar("T")


class Fulfillment:
    """The verbs on work, cancelling an order, and releasing what holds it."""

    def __init__(
        self,
        database: Database,
        mutations: Mutations,
        clock: Clock,
        stores: Stores,
        records: Records,
        waiters: Waiters,
    ) -> None:
        self._database = database
        self._mutations = mutations
        self._clock = clock
        self._stores = stores
        self._records = records
        self._waiters = waiters

    async def accept(
        self, request: AcceptFulfillmentOrderRequest
    ) -> AcceptFulfillmentOrderResponse:
        """A location does its work; raises what the contract lists."""
        name = request.fulfillment_order_id

        async def run(tx: Transaction) -> AcceptFulfillmentOrderResponse:
            work = await self._change(tx, name, lambda known: verbs.accept(known, name))
            return AcceptFulfillmentOrderResponse(fulfillment_order=fulfillment_order_message(work))

        return await self._mutations.run(request, AcceptFulfillmentOrderResponse, run)

    async def reject(
        self, request: RejectFulfillmentOrderRequest
    ) -> RejectFulfillmentOrderResponse:
        """A location does not do its work, and is left out from now on."""
        name, reason = request.fulfillment_order_id, reject_reason(request.reason)

        async def run(tx: Transaction) -> RejectFulfillmentOrderResponse:
            work = await self._change(tx, name, lambda known: verbs.reject(known, name, reason))
            lines = dict.fromkeys(line.line_id for line in work.lines)
            until = None
            if request.HasField("exclude_duration"):
                until = await tx.now() + request.exclude_duration.ToTimedelta()
            await self._stores.orders.exclude(
                tx,
                work.order_id,
                [Exclusion(line_id, work.location_id, reason, until) for line_id in lines],
                request.note,
            )
            await self._records.drive(tx, work.order_id)
            return RejectFulfillmentOrderResponse(fulfillment_order=fulfillment_order_message(work))

        return await self._mutations.run(request, RejectFulfillmentOrderResponse, run)

    async def ship(self, request: ShipFulfillmentOrderRequest) -> ShipFulfillmentOrderResponse:
        """Goods have left; answered when the ledger knows, or when time is up."""
        name = request.fulfillment_order_id
        request_id, left_in = UUID(request.request_id), parcels(request.parcels)
        ready = (
            instant(request.ready_time, "ready_time") if request.HasField("ready_time") else None
        )

        async def run(tx: Transaction) -> ShipFulfillmentOrderResponse:
            work = await self._change(
                tx,
                name,
                lambda known: (verbs.begin_shipping(known, name, left_in, request_id, ready), ()),
            )
            await self._records.drive(tx, work.order_id)
            return ShipFulfillmentOrderResponse(fulfillment_order=fulfillment_order_message(work))

        receipt = await self._mutations.run(request, ShipFulfillmentOrderResponse, run)
        order_id = receipt.fulfillment_order.order_id

        async def look(tx: Transaction) -> FulfillmentOrder | None:
            work = await self._stores.orders.work_of(tx, name)
            if work is None:
                raise FulfillmentOrderNotFound(name)
            if work.state is FulfillmentState.SHIPPING:
                return None
            refused = await self._stores.refusals.get(tx, request_id)
            if refused is not None:
                raise refusal.raised(refused)
            return work

        work = await self._wait(order_id, look)
        if work is None:
            return receipt
        return ShipFulfillmentOrderResponse(fulfillment_order=fulfillment_order_message(work))

    async def deliver(
        self, request: DeliverFulfillmentOrderRequest
    ) -> DeliverFulfillmentOrderResponse:
        """The customer has the goods."""
        name = request.fulfillment_order_id
        told = (
            instant(request.deliver_time, "deliver_time")
            if request.HasField("deliver_time")
            else None
        )

        async def run(tx: Transaction) -> DeliverFulfillmentOrderResponse:
            now = await tx.now()
            when = told or now
            work = await self._change(tx, name, lambda known: verbs.deliver(known, name, when, now))
            return DeliverFulfillmentOrderResponse(
                fulfillment_order=fulfillment_order_message(work)
            )

        return await self._mutations.run(request, DeliverFulfillmentOrderResponse, run)

    async def cancel(self, request: CancelOrderRequest) -> CancelOrderResponse:
        """Cancel what has not left; answered when its stock is free, or when time is up."""
        order_id = request.order_id
        trace.get_current_span().set_attribute(Attributes.ORDER_ID, order_id)

        async def run(tx: Transaction) -> CancelOrderResponse:
            known = await self._stores.orders.load(tx, order_id, lock=True)
            if known is None:
                raise OrderNotFound(order_id)
            after = verbs.request_cancel(known)
            if after is not known:
                await self._records.save(tx, known, after)
                await self._records.drive(tx, order_id)
            return CancelOrderResponse()

        await self._mutations.run(request, CancelOrderResponse, run)

        async def look(tx: Transaction) -> CancelOrderResponse | None:
            answer, is_done = await self._as_it_is(tx, order_id)
            return answer if is_done else None

        answer = await self._wait(order_id, look)
        if answer is not None:
            return answer
        unfinished, _ = await self._database.read(lambda tx: self._as_it_is(tx, order_id))
        return unfinished

    async def release_hold(self, request: ReleaseOrderHoldRequest) -> ReleaseOrderHoldResponse:
        """Release a hold; after the last one the locations may begin."""
        order_id, hold_type = request.order_id, request.hold_type
        trace.get_current_span().set_attribute(Attributes.ORDER_ID, order_id)
        who = request.on_behalf_of or current_call().identity.name

        async def run(tx: Transaction) -> ReleaseOrderHoldResponse:
            known = await self._stores.orders.load(tx, order_id, lock=True)
            if known is None:
                raise OrderNotFound(order_id)
            after, events = verbs.release_hold(known, hold_type, who, await tx.now())
            written = await self._records.save(tx, known, after, events)
            decision_ids = await self._stores.decisions.ids_of(tx, order_id)
            return ReleaseOrderHoldResponse(order=story_message(written, decision_ids))

        return await self._mutations.run(request, ReleaseOrderHoldResponse, run)

    async def _as_it_is(self, tx: Transaction, order_id: str) -> tuple[CancelOrderResponse, bool]:
        known = await self._stores.orders.load(tx, order_id, lock=False)
        if known is None:
            raise OrderNotFound(order_id)
        decision_ids = await self._stores.decisions.ids_of(tx, order_id)
        answer = CancelOrderResponse(order=story_message(known, decision_ids))
        return answer, not known.order.cancel_requested

    async def _change(
        self, tx: Transaction, name: str, change: Callable[[Story], Told]
    ) -> FulfillmentOrder:
        """The work of this id after a change of its order's story.

        Raises ``FulfillmentOrderNotFound``, ``NotYourLocation`` and what the change does.
        """
        order_id = await self._stores.orders.order_of(tx, name)
        known = (
            None if order_id is None else await self._stores.orders.load(tx, order_id, lock=True)
        )
        # A plan may have been dropped since, with the work that it would have made.
        if known is None or not known.has(name):
            raise FulfillmentOrderNotFound(name)
        trace.get_current_span().set_attribute(Attributes.ORDER_ID, known.order.order_id)
        identity = current_call().identity
        speaker = Speaker(identity.name, identity.own_locations)
        speaker.refuse_foreign(known.find(name).location_id)
        after, events = change(known)
        written = await self._records.save(tx, known, after, events)
        return written.find(name)

    async def _wait(
        self, order_id: str, look: Callable[[Transaction], Awaitable[T | None]]
    ) -> T | None:
        try:
            return await self._waiters.wait_for(
                order_id, lambda: self._database.read(look), patience(self._clock).answer_by
            )
        except TimeoutError:
            return None
