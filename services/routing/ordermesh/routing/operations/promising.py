"""Promising: what could be there by when, on stock and capacity of now. It writes nothing."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ordermesh.api.order.v1 import Destination
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
from ordermesh.routing.domain.carriage.area import NOWHERE, Address
from ordermesh.routing.domain.dispatching import CONFIDENCE_PERMILLE
from ordermesh.routing.domain.errors.network import NotInNetwork
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.kit import freeze
from ordermesh.routing.domain.known import Known
from ordermesh.routing.domain.network import NetworkLocation
from ordermesh.routing.domain.order import OrderLine
from ordermesh.routing.domain.promise import Objective
from ordermesh.routing.domain.promising import (
    Promise,
    Situation,
    alone,
    deliver,
    soonest,
)
from ordermesh.routing.domain.promising_pickup import collect
from ordermesh.routing.domain.question import Question
from ordermesh.routing.domain.submission import skus_of
from ordermesh.routing.domain.wanted import Wanted
from ordermesh.routing.operations.knowledge import Knowledge
from ordermesh.routing.operations.memory import Memory
from ordermesh.routing.operations.planning import Planner
from ordermesh.routing.operations.postal_codes import Whereabouts
from ordermesh.routing.ports.sourcing import Solver
from ordermesh.routing.ports.stock import Availability
from ordermesh.routing.wire.decision import question_lines, uuids
from ordermesh.routing.wire.order import whereto
from ordermesh.routing.wire.promise import objective, option_message, proof_message
from ordermesh.runtime.database import Database, Transaction

_NETWORK = "network"


@dataclass(frozen=True)
class _Asked:
    """A question with all that is known for it; ``location`` is where it would be collected."""

    question: Question
    known: Known
    memory: Memory
    location: NetworkLocation | None


@dataclass(frozen=True)
class _Goal:
    """Where goods go; ``location`` is where they would be collected."""

    place: Place
    address: Address = NOWHERE
    location: NetworkLocation | None = None


class Promising:
    """Answers what can be promised."""

    def __init__(
        self,
        database: Database,
        knowledge: Knowledge,
        whereabouts: Whereabouts,
        planner: Planner,
        solve: Solver,
    ) -> None:
        self._database = database
        self._knowledge = knowledge
        self._whereabouts = whereabouts
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
                self._one(asked, asked.question, situation, one)
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
                self._one(asked, question, situation, wanted) for question in alone(asked.question)
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
        by_carrier = request.WhichOneof("whereto") == "destination"
        destination = request.destination if by_carrier else None
        asked = SourcingQuestion(
            lines=lines, destination=destination, excluding_reservation_ids=excluding
        )

        async def read(tx: Transaction) -> _Asked:
            memory = await self._planner.memory(tx)
            goal = await self._goal(tx, memory, destination, request.pickup_location_id)
            question = Question(
                order_id="",
                wanted=await self._wanted(tx, memory, asked),
                place=goal.place,
                address=goal.address,
                promise_days=0,
                policy_id=request.policy_id,
                excluding_ids=uuids(asked.excluding_reservation_ids),
                channel=request.channel,
            )
            return _Asked(question, await self._planner.know(tx, question), memory, goal.location)

        return await self._knowledge.with_what_is_missing(lambda: self._database.read(read))

    async def _goal(
        self,
        tx: Transaction,
        memory: Memory,
        destination: Destination | None,
        pickup_location_id: str,
    ) -> _Goal:
        """Where the goods go, or the location at which they are collected."""
        if destination is not None:
            where = whereto(destination)
            found = await self._whereabouts.find(tx, where)
            address = Address(
                where.country_code, found.region, where.postal_code, where.is_business
            )
            return _Goal(found.place, address)
        location = memory.location(pickup_location_id)
        if location is None:
            raise NotInNetwork(pickup_location_id)
        return _Goal(memory.locations[pickup_location_id].place, location=location)

    async def _wanted(
        self, tx: Transaction, memory: Memory, asked: SourcingQuestion
    ) -> tuple[Wanted, ...]:
        lines = question_lines(asked)
        items = await self._knowledge.items(tx, memory, skus_of(lines))
        wanted = []
        for line in lines:
            item = items[line.sku]
            order_line = OrderLine(
                line.line_id,
                line.sku,
                line.quantity,
                keep_together=line.keep_together or item.keep_together,
                components=freeze(item, items, None),
                components_may_split=item.components_may_split,
            )
            units = {sku: each * line.quantity for sku, each in order_line.per_kit.items()}
            wanted.append(Wanted(order_line, units))
        return tuple(wanted)

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
        sure = permille or CONFIDENCE_PERMILLE
        situation = Situation(
            known=replace(asked.known, permille=sure),
            available=stock.units,
            permille=sure,
            solve=self._solve,
        )
        made = await asyncio.to_thread(promise, situation)
        short = {one.sku for option in made for one in option.unpromised}
        if short and asked.location is None:
            coming = await self._planner.coming(asked.question, asked.known, short)
            if coming:
                situation = replace(situation, coming=coming, problems={})
                later = await asyncio.to_thread(promise, situation)
                made = [
                    min(pair, key=lambda one: one.left) for pair in zip(made, later, strict=True)
                ]
        return made, stock

    def _one(
        self, asked: _Asked, question: Question, situation: Situation, wanted: Objective
    ) -> Promise:
        if asked.location is not None:
            return collect(question, situation, asked.location)
        return deliver(question, situation, wanted)


def _proof(asked: _Asked, promises: Sequence[Promise], stock: Availability) -> PromiseProof:
    return proof_message(
        asked.known.policy,
        stock.revision,
        dict(asked.memory.versions)[_NETWORK],
        soonest(promises),
        asked.known.now,
    )
