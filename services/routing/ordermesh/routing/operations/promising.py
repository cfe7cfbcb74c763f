"""Promising: what could be there by when, on stock and capacity of now. It writes nothing."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ordermesh.api.order.v1 import FulfillmentMethod
from ordermesh.api.routing.v1 import (
    GetItemPromisesRequest,
    GetItemPromisesResponse,
    GetPromiseRequest,
    GetPromiseResponse,
    ItemPromise,
    PromiseProof,
    SourcingLine,
    SourcingQuestion,
)
from ordermesh.routing.domain import season
from ordermesh.routing.domain.decision import Decision
from ordermesh.routing.domain.dispatching import CONFIDENCE_PERMILLE
from ordermesh.routing.domain.known import Known
from ordermesh.routing.domain.network import NetworkLocation
from ordermesh.routing.domain.promise import Objective, solved_for, tiers_of
from ordermesh.routing.domain.promising import (
    Promise,
    Situation,
    alone,
    deliver,
    soonest,
    worth,
)
from ordermesh.routing.domain.promising_pickup import collect
from ordermesh.routing.domain.question import Question
from ordermesh.routing.operations.deciding import Deciding
from ordermesh.routing.operations.knowledge import Knowledge
from ordermesh.routing.operations.memory import Memory
from ordermesh.routing.operations.planning import Planner
from ordermesh.routing.operations.questions import Questions
from ordermesh.routing.ports.sourcing import Solver
from ordermesh.routing.ports.stock import Availability
from ordermesh.routing.wire.promise import objective, option_message, proof_message
from ordermesh.runtime.database import Database, Transaction


@dataclass(frozen=True)
class _Asked:
    """A question with all that is known for it; ``location`` is where it would be collected."""

    question: Question
    known: Known
    memory: Memory
    changes: int
    location: NetworkLocation | None


class Promising:
    """Answers what can be promised: an order that says the same would be decided so."""

    def __init__(
        self,
        database: Database,
        knowledge: Knowledge,
        questions: Questions,
        planner: Planner,
        solve: Solver,
    ) -> None:
        self._database = database
        self._knowledge = knowledge
        self._questions = questions
        self._planner = planner
        self._solve = solve

    async def cart(self, request: GetPromiseRequest) -> GetPromiseResponse:
        """One answer for each objective; raises what the contract lists."""
        asked = await self._ask(request, request.lines, request.excluding_reservation_ids)
        wanted = [objective(one) for one in request.objectives] or list(Objective)
        options, stock = await self._answer(
            asked,
            request.confidence_permille,
            lambda situation: [
                _one(asked, asked.question, situation, one)
                for one in (wanted if asked.location is None else wanted[:1])
            ],
        )
        currency = asked.known.policy.currency_code
        return GetPromiseResponse(
            options=[option_message(one, currency) for one in options],
            proof=_proof(asked, options, stock),
        )

    async def items(self, request: GetItemPromisesRequest) -> GetItemPromisesResponse:
        """One answer for each item; raises what the contract lists."""
        lines = [
            SourcingLine(line_id=sku, sku=sku, quantity=request.quantity or 1)
            for sku in request.skus
        ]
        asked = await self._ask(request, lines, ())
        wanted = objective(request.objective)
        options, stock = await self._answer(
            asked,
            request.confidence_permille,
            lambda situation: [
                _one(asked, question, situation, wanted) for question in alone(asked.question)
            ],
        )
        currency = asked.known.policy.currency_code
        return GetItemPromisesResponse(
            promises=[
                ItemPromise(sku=sku, option=option_message(one, currency))
                for sku, one in zip(request.skus, options, strict=True)
            ],
            proof=_proof(asked, options, stock),
        )

    async def _ask(
        self,
        request: GetPromiseRequest | GetItemPromisesRequest,
        lines: Sequence[SourcingLine],
        excluding: Sequence[str],
    ) -> _Asked:
        is_sent = request.WhichOneof("whereto") == "destination"
        asked = SourcingQuestion(
            lines=lines,
            destination=request.destination if is_sent else None,
            method=FulfillmentMethod.FULFILLMENT_METHOD_SHIP
            if is_sent
            else FulfillmentMethod.FULFILLMENT_METHOD_PICK_UP,
            pickup_location_id=request.pickup_location_id,
            excluding_reservation_ids=excluding,
            channel=request.channel,
            traits=request.traits,
        )

        async def read(tx: Transaction) -> _Asked:
            question = await self._questions.asked(tx, asked, policy_id=request.policy_id)
            memory = await self._planner.memory(tx)
            location = None
            if question.pickup is not None:
                location = memory.location(question.pickup.location_id)
            known = await self._planner.know(tx, question)
            return _Asked(question, known, memory, await self._planner.changes(tx), location)

        return await self._knowledge.with_what_is_missing(lambda: self._database.read(read))

    async def _answer(
        self,
        asked: _Asked,
        permille: int,
        promise: Callable[[Situation], list[Promise]],
    ) -> tuple[list[Promise], Availability]:
        """Promises on the stock of now, and where that is too little on what is still to come.

        They are worked out beside the event loop.
        """
        stock = await self._planner.available(asked.question, asked.known)
        made = await asyncio.to_thread(promise, self._situation(asked, permille, stock))
        short = {one.sku for option in made for one in option.unpromised}
        if short:
            coming = await self._planner.coming(asked.question, asked.known, short)
            if coming:
                situation = self._situation(asked, permille, replace(stock, coming=coming))
                later = await asyncio.to_thread(promise, situation)
                made = [
                    min(pair, key=lambda one: one.left) for pair in zip(made, later, strict=True)
                ]
        return made, stock

    def _situation(self, asked: _Asked, permille: int, stock: Availability) -> Situation:
        sure = permille or CONFIDENCE_PERMILLE
        known = replace(asked.known, permille=sure)

        def decide(question: Question, wanted: Objective) -> Decision:
            tiers = tiers_of(wanted)
            aimed = known
            if tiers is not None:
                aimed = replace(known, policy=replace(known.policy, tiers=tiers))
            deciding = Deciding(
                lambda problem: solved_for(problem, wanted, self._solve),
                {},
                lambda decision: worth(decision, wanted),
            )
            return deciding.decide(question, aimed, stock, None)

        return Situation(known, stock.units, sure, decide, _steady_until(asked))


def _one(asked: _Asked, question: Question, situation: Situation, wanted: Objective) -> Promise:
    if asked.location is not None:
        return collect(question, situation, asked.location)
    return deliver(question, situation, wanted)


def _steady_until(asked: _Asked) -> datetime | None:
    """When a policy, a rule, a price of a carrier or a rate next begins or ends by itself."""
    memory, now = asked.memory, asked.known.now
    edges = [season.next_change(memory.active, now), memory.book.next_change(now)]
    return min((edge for edge in edges if edge is not None), default=None)


def _proof(asked: _Asked, promises: Sequence[Promise], stock: Availability) -> PromiseProof:
    return proof_message(
        asked.known.policy,
        stock.revision,
        asked.changes,
        soonest(promises),
        asked.known.now,
    )
