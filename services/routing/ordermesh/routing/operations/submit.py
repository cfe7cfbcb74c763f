"""Submitting an order: stored in one transaction, then waited for while a worker sources it."""

from dataclasses import replace
from datetime import timedelta

from opentelemetry import trace

from ordermesh.api.routing.v1 import SubmitOrderRequest, SubmitOrderResponse
from ordermesh.kernel.clock import Clock
from ordermesh.kernel.errors import Unavailable
from ordermesh.kernel.ids import Ids
from ordermesh.routing.domain import refusal
from ordermesh.routing.domain.errors.order import ChannelOrderIdTaken, OrderCancelled, OrderIdTaken
from ordermesh.routing.domain.event import OrderReceived
from ordermesh.routing.domain.order import Acceptance, OrderState
from ordermesh.routing.domain.saga import Saga
from ordermesh.routing.domain.story import Story
from ordermesh.routing.domain.submission import NewOrder, make_order, skus_of
from ordermesh.routing.operations.knowledge import Knowledge
from ordermesh.routing.operations.patience import Patience, patience
from ordermesh.routing.operations.planning import Planner
from ordermesh.routing.operations.postal_codes import Whereabouts
from ordermesh.routing.operations.records import Records
from ordermesh.routing.ports.stores import Stores
from ordermesh.routing.wire.decision import stored_decision
from ordermesh.routing.wire.event import story_message
from ordermesh.routing.wire.order import new_order
from ordermesh.runtime import failpoints
from ordermesh.runtime.call import current_call
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.idempotency import Mutations
from ordermesh.runtime.telemetry import Attributes
from ordermesh.runtime.waiting import Waiters

RETRY_SECONDS = 1.0


class _Withdrawn(Exception):
    """Nobody had waited for the order any more, or nobody could be asked: it is gone."""


class SubmitOrder:
    """Makes orders."""

    def __init__(
        self,
        database: Database,
        mutations: Mutations,
        clock: Clock,
        ids: Ids,
        stores: Stores,
        knowledge: Knowledge,
        whereabouts: Whereabouts,
        planner: Planner,
        records: Records,
        waiters: Waiters,
    ) -> None:
        self._database = database
        self._mutations = mutations
        self._clock = clock
        self._ids = ids
        self._stores = stores
        self._knowledge = knowledge
        self._whereabouts = whereabouts
        self._planner = planner
        self._records = records
        self._waiters = waiters

    async def __call__(self, request: SubmitOrderRequest) -> SubmitOrderResponse:
        """Store the order unless this request did already, and wait for what becomes of it.

        Raises what the contract lists. The reply that is recorded is only a receipt: a retry gets
        the order as it is by then, or the refusal that was decided for it.
        """
        new = new_order(request)
        until = patience(self._clock)
        trace.get_current_span().set_attribute(Attributes.ORDER_ID, new.order_id)
        is_ours = await self._begin(request, new, until)
        try:
            return await self._outcome(new, until, is_fresh=is_ours)
        except _Withdrawn:
            until = replace(until, now=self._clock.now())
            if is_ours or until.left <= timedelta():
                raise _away() from None
        # It was what an earlier call had left behind, and this caller still waits.
        is_ours = await self._begin(request, new, until)
        try:
            return await self._outcome(new, until, is_fresh=is_ours)
        except _Withdrawn:
            raise _away() from None

    async def _begin(self, request: SubmitOrderRequest, new: NewOrder, until: Patience) -> bool:
        """Store the order unless this request did already; gives whether it is stored now.

        One that may still come to nothing waits for this caller then, and keeps its place among
        those that are sourced. Whoever asks again would otherwise be at the end each time, and
        where the queue is longer than callers' patience, none of them would ever be served.
        """
        is_stored = False

        async def store(tx: Transaction) -> SubmitOrderResponse:
            nonlocal is_stored
            is_stored = True
            return await self._store(tx, new, until)

        await self._knowledge.with_what_is_missing(
            lambda: self._mutations.run(request, SubmitOrderResponse, store)
        )
        if not is_stored and new.acceptance is Acceptance.IF_SOURCED:
            await self._database.run(lambda tx: self._wait_on(tx, new, until))
        return is_stored

    async def _wait_on(self, tx: Transaction, new: NewOrder, until: Patience) -> None:
        answer_by = await tx.now() + until.left
        await self._stores.orders.wait_on(tx, new.order_id, new.request_id, answer_by)

    async def _outcome(
        self, new: NewOrder, until: Patience, *, is_fresh: bool
    ) -> SubmitOrderResponse:
        """What becomes of the order; raises what it is refused with, and ``_Withdrawn``."""

        async def look() -> SubmitOrderResponse | None:
            nonlocal is_fresh
            if is_fresh:
                # It was stored a moment ago: nothing can have become of it.
                is_fresh = False
                return None
            return await self._database.read(lambda tx: self._fate(tx, new))

        if failpoints.armed:
            await failpoints.reach(failpoints.points.ROUTING_WAITING)
        try:
            return await self._waiters.wait_for(new.order_id, look, until.answer_by)
        except TimeoutError:
            return await self._unanswered(new)

    async def _store(self, tx: Transaction, new: NewOrder, until: Patience) -> SubmitOrderResponse:
        destination = await self._whereabouts.settled(tx, new.whereto, new.pickup_location_id)
        twin = await self._stores.orders.twin(tx, new.order_id, new.channel, new.channel_order_id)
        if twin == new.order_id:
            raise OrderIdTaken(new.order_id)
        if twin is not None:
            raise ChannelOrderIdTaken(new.channel, new.channel_order_id, twin)
        if new.traits.named_locations:
            await self._knowledge.require_locations(tx, new.traits.named_locations)
        known = await self._planner.memory(tx)
        policy = await self._planner.in_force(tx, known, new.policy_id)
        now = await tx.now()
        known.network_in(policy.currency_code, now)  # or it raises
        items = await self._knowledge.items(tx, known, skus_of(new.lines))
        order = make_order(
            new,
            items,
            destination,
            origin=self._ids.new(),
            caller=current_call().identity.name,
            now=now,
        )
        is_conditional = new.acceptance is Acceptance.IF_SOURCED
        saga = Saga(
            order_id=new.order_id,
            request_id=new.request_id,
            is_conditional=is_conditional,
            # By the clock of the database, which the workers go by.
            answer_by=now + until.left,
            checkout_ids=new.checkout_ids,
        )
        story = Story(order, saga)
        # An order that may be refused is not told of: there is none yet.
        events = () if is_conditional else (OrderReceived(),)
        await self._records.create(tx, story, new.contact, events)
        await self._records.drive(tx, new.order_id)
        if failpoints.armed:
            await failpoints.reach(failpoints.points.ROUTING_STORED)
        return SubmitOrderResponse(order=story_message(story, ()))

    async def _fate(self, tx: Transaction, new: NewOrder) -> SubmitOrderResponse | None:
        """The answer, None while there is none.

        Raises what the order was refused with, and ``_Withdrawn`` where there is none any more.
        """
        seen = await self._stores.orders.glance(tx, new.order_id)
        if seen is None or seen.request_id != new.request_id:
            refused = await self._stores.refusals.get(tx, new.request_id)
            if refused is not None:
                raise refusal.raised(refused)
            raise _Withdrawn
        if seen.is_moving:
            return None
        story = await self._stores.orders.load(tx, new.order_id, lock=False)
        if story is None:
            return None
        never_made = story.order.acceptance is Acceptance.IF_SOURCED and not (
            story.order.reservation_ids
        )
        if never_made and story.order.state is OrderState.CANCELLED:
            raise OrderCancelled(new.order_id)
        return await self._answer(tx, story)

    async def _answer(self, tx: Transaction, story: Story) -> SubmitOrderResponse:
        order_id = story.order.order_id
        decisions = await self._stores.decisions.all_of(tx, order_id)
        answer = SubmitOrderResponse(
            order=story_message(story, [one.decision_id for one in decisions])
        )
        if decisions:
            answer.decision.CopyFrom(stored_decision(decisions[-1].payload))
        return answer

    async def _unanswered(self, new: NewOrder) -> SubmitOrderResponse:
        """Time is up: an order that is always accepted is told as it is; another is withdrawn."""

        async def read(tx: Transaction) -> SubmitOrderResponse:
            settled = await self._fate(tx, new)
            if settled is not None:
                return settled
            story = await self._stores.orders.load(tx, new.order_id, lock=False)
            if story is None or story.saga.is_conditional:
                raise _away()
            return await self._answer(tx, story)

        return await self._database.read(read)


def _away() -> Unavailable:
    return Unavailable(
        "The order could not be sourced in time, and was not made.",
        service="inventory",
        retry_after=RETRY_SECONDS,
    )
