"""Sourcing by hand: questions, what would be decided for an order, and deciding it again."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from opentelemetry import trace

from ordermesh.api.order.v1 import StockMatrix
from ordermesh.api.routing.v1 import SourceOrderRequest, SourceOrderResponse
from ordermesh.kernel.clock import Clock
from ordermesh.kernel.errors import Unavailable
from ordermesh.kernel.ids import derived_id
from ordermesh.routing.domain import refusal, verbs, wanted
from ordermesh.routing.domain.decision import Decision
from ordermesh.routing.domain.errors.order import OrderNotFound, WorkInProgress
from ordermesh.routing.domain.errors.policy import PolicyIsDraft, PolicyNotFound
from ordermesh.routing.domain.errors.requests import DuplicateEntry, FieldViolation
from ordermesh.routing.domain.errors.sourcing import BaselineIsNoDecision, MatrixSize
from ordermesh.routing.domain.known import Known
from ordermesh.routing.domain.policy import DEFAULT_ID, PolicyState
from ordermesh.routing.domain.question import Question, Units
from ordermesh.routing.domain.sourcing_method import SourcingMethod
from ordermesh.routing.domain.story import Story
from ordermesh.routing.operations.knowledge import Knowledge
from ordermesh.routing.operations.patience import patience
from ordermesh.routing.operations.planning import Planner
from ordermesh.routing.operations.questions import Questions
from ordermesh.routing.operations.records import Records
from ordermesh.routing.ports.stock import Availability
from ordermesh.routing.ports.stores import ASKED_ONLY, NewDecision, Stores
from ordermesh.routing.wire.decision import (
    decision_message,
    sourcing_method,
    stored_decision,
)
from ordermesh.routing.wire.record import stored
from ordermesh.runtime.call import current_call
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.idempotency import Mutations
from ordermesh.runtime.telemetry import Attributes
from ordermesh.runtime.waiting import Waiters

RETRY_SECONDS = 1.0


class SourceOrder:
    """Decides, or answers what would be decided."""

    def __init__(
        self,
        database: Database,
        mutations: Mutations,
        clock: Clock,
        stores: Stores,
        knowledge: Knowledge,
        questions: Questions,
        planner: Planner,
        records: Records,
        waiters: Waiters,
    ) -> None:
        self._database = database
        self._mutations = mutations
        self._clock = clock
        self._stores = stores
        self._knowledge = knowledge
        self._questions = questions
        self._planner = planner
        self._records = records
        self._waiters = waiters

    async def __call__(self, request: SourceOrderRequest) -> SourceOrderResponse:
        """Answer the question, or decide again what nobody has begun; raises what is listed."""
        method = sourcing_method(request.method)
        is_question = request.HasField("question")
        if not is_question and not request.validate_only:
            if method is not SourcingMethod.EXACT:
                raise BaselineIsNoDecision(method)
            if request.HasField("supplied_stock"):
                raise MatrixSize(0, len(request.supplied_stock.quantities))
        if request.keep_record and not (is_question or request.validate_only):
            sentence = "What is decided for an order keeps its record anyhow."
            raise FieldViolation("keep_record", "keep_record.asked", sentence)
        if request.keep_record and method is not SourcingMethod.EXACT:
            sentence = "A baseline has no record."
            raise FieldViolation("keep_record", "keep_record.exact", sentence)
        supplied = supplied_stock(request)
        if is_question or request.validate_only:
            return await self._answer(request, method, supplied)
        return await self._decide_again(request)

    async def _answer(
        self, request: SourceOrderRequest, method: SourcingMethod, supplied: Units | None
    ) -> SourceOrderResponse:
        if request.keep_record:
            kept = await self._mutations.known(request, SourceOrderResponse)
            if kept is not None:
                return kept

        async def attempt() -> tuple[Question, Known]:
            return await self._database.read(lambda tx: self._prepare(tx, request, method))

        question, known = await self._knowledge.with_what_is_missing(attempt)
        if supplied is None:
            stock = await self._planner.available(question, known)
        else:
            stock = Availability(supplied, 0)
        asked_id = None
        if request.keep_record:
            asked_id = derived_id("asked", current_call().identity.name, request.request_id)
        decision = await self._planner.plan(
            question, known, stock, decision_id=asked_id, may_wait=supplied is None
        )
        if asked_id is None:
            return SourceOrderResponse(decision=decision_message(decision))
        return await self._mutations.run(
            request, SourceOrderResponse, lambda tx: self._keep(tx, asked_id, decision)
        )

    async def _keep(
        self, tx: Transaction, decision_id: UUID, decision: Decision
    ) -> SourceOrderResponse:
        """Store an answer that is for no order, with its record."""
        message = decision_message(decision)
        await self._stores.decisions.put(
            tx,
            NewDecision(
                decision_id=decision_id,
                order_id=ASKED_ONLY,
                request_id=None,
                method=decision.method,
                outcome=decision.outcome,
                create_time=decision.create_time,
                payload=message.SerializeToString(deterministic=True),
                record=None if decision.record is None else stored(decision.record),
            ),
        )
        return SourceOrderResponse(decision=message)

    async def _prepare(
        self, tx: Transaction, request: SourceOrderRequest, method: SourcingMethod
    ) -> tuple[Question, Known]:
        has_stock = request.HasField("supplied_stock")
        if request.HasField("question"):
            question = await self._questions.asked(
                tx,
                request.question,
                policy_id=request.policy_id,
                policy_version=request.policy_version,
                method=method,
            )
        else:
            question = await self._would_be(tx, request, method, whole=has_stock)
        capacity = _capacity(request)
        named = {*request.supplied_stock.location_ids, *capacity}
        if named:
            await self._knowledge.require_locations(tx, named)
        known = await self._planner.know(tx, question)
        return question, replace(known, capacity=capacity)

    async def _would_be(
        self, tx: Transaction, request: SourceOrderRequest, method: SourcingMethod, *, whole: bool
    ) -> Question:
        """What would be decided for an order.

        On supplied stock all of the order is decided, as if nothing had happened yet: that stock is
        not the ledger's, so nothing of it is held.
        """
        trace.get_current_span().set_attribute(Attributes.ORDER_ID, request.order_id)
        known = await self._load(tx, request.order_id, lock=False)
        own = wanted.Own((), ())
        rejected: tuple[tuple[str, str, str], ...] = ()
        if whole:
            units = wanted.whole(known.order)
        else:
            units = wanted.decidable(known)
            own = wanted.own_stock_if_taken_back(known)
            rejected = tuple(
                (one.location_id, one.line_id, one.reason)
                for one in await self._stores.orders.exclusions(tx, request.order_id)
            )
        if not units:
            raise WorkInProgress(request.order_id, known.order.state)
        return Question(
            order_id=request.order_id,
            wanted=units,
            place=known.order.destination.place,
            address=known.order.destination.address,
            promise_days=known.order.promise_days,
            promise=known.order.promise,
            policy_id=request.policy_id or known.order.policy_id,
            policy_version=request.policy_version,
            method=method,
            excluding_ids=own.excluding_ids,
            kept=own.kept,
            rejected=rejected,
            channel=known.order.channel,
            context=known.order.context,
            pickup=known.order.pickup,
            attempt=known.saga.epoch + 1,
        )

    async def _decide_again(self, request: SourceOrderRequest) -> SourceOrderResponse:
        order_id, request_id = request.order_id, UUID(request.request_id)
        trace.get_current_span().set_attribute(Attributes.ORDER_ID, order_id)

        async def run(tx: Transaction) -> SourceOrderResponse:
            before = await self._load(tx, order_id, lock=True)
            policy_id = request.policy_id or before.order.policy_id
            await self._require_policy(tx, policy_id, request.policy_version)
            after = verbs.decide_again(
                before,
                request_id=request_id,
                policy_id=request.policy_id,
                policy_version=request.policy_version,
            )
            await self._records.save(tx, before, after)
            await self._records.drive(tx, order_id)
            return SourceOrderResponse()

        await self._mutations.run(request, SourceOrderResponse, run)
        try:
            return await self._waiters.wait_for(
                order_id,
                lambda: self._database.read(lambda tx: self._decided(tx, order_id, request_id)),
                patience(self._clock).answer_by,
            )
        except TimeoutError:
            raise Unavailable(
                "The order could not be decided in time; ask again.",
                service="inventory",
                retry_after=RETRY_SECONDS,
            ) from None

    async def _require_policy(self, tx: Transaction, policy_id: str, version: int) -> None:
        """Raise ``PolicyNotFound`` for what is not there, and ``PolicyIsDraft``."""
        if not version:
            await self._planner.require_policy(tx, await self._planner.memory(tx), policy_id)
            return
        found = await self._stores.policies.get(tx, policy_id or DEFAULT_ID, version)
        if found is None:
            raise PolicyNotFound(policy_id or DEFAULT_ID, version)
        if found.state is PolicyState.DRAFT:
            raise PolicyIsDraft(found.policy_id, version)

    async def _decided(
        self, tx: Transaction, order_id: str, request_id: UUID
    ) -> SourceOrderResponse | None:
        refused = await self._stores.refusals.get(tx, request_id)
        if refused is not None:
            raise refusal.raised(refused)
        known = await self._load(tx, order_id, lock=False)
        if known.saga.source_request_id == request_id:
            return None
        decision = await self._stores.decisions.asked_by(tx, request_id)
        if decision is None:
            # Another request, made later, was decided in its place.
            made = await self._stores.decisions.all_of(tx, order_id)
            decision = made[-1] if made else None
        if decision is None:
            return None
        return SourceOrderResponse(decision=stored_decision(decision.payload))

    async def _load(self, tx: Transaction, order_id: str, *, lock: bool) -> Story:
        known = await self._stores.orders.load(tx, order_id, lock=lock)
        if known is None:
            raise OrderNotFound(order_id)
        return known


def supplied_stock(request: SourceOrderRequest) -> Units | None:
    """The stock that the caller supplied, by location; None when there is none.

    Raises ``MatrixSize``, and ``FieldViolation`` for capacity without stock.
    """
    if not request.HasField("supplied_stock"):
        if request.supplied_capacity:
            raise FieldViolation(
                "supplied_capacity", "supplied_stock", "Capacity is supplied with stock only."
            )
        return None
    matrix: StockMatrix = request.supplied_stock
    wide = len(matrix.location_ids)
    size = len(matrix.skus) * wide
    if len(matrix.quantities) != size:
        raise MatrixSize(size, len(matrix.quantities))
    units: dict[str, dict[str, int]] = {location_id: {} for location_id in matrix.location_ids}
    for row, sku in enumerate(matrix.skus):
        for column, location_id in enumerate(matrix.location_ids):
            quantity = matrix.quantities[row * wide + column]
            if quantity < 0:
                raise FieldViolation(
                    "supplied_stock.quantities", "int64.gte", "Stock is not negative."
                )
            units[location_id][sku] = quantity
    return units


def _capacity(request: SourceOrderRequest) -> Mapping[str, int]:
    capacity: dict[str, int] = {}
    for entry in request.supplied_capacity:
        if entry.location_id in capacity:
            raise DuplicateEntry("supplied_capacity", entry.location_id)
        capacity[entry.location_id] = entry.units
    return capacity
