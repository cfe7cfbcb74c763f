"""Explaining decisions, and making them again from their records. Nothing is stored or held."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from ordermesh.api.routing import v1
from ordermesh.routing.domain import verdict
from ordermesh.routing.domain.alternatives import fewest_shipments, next_best
from ordermesh.routing.domain.changes import changed
from ordermesh.routing.domain.coming import restored as still_coming
from ordermesh.routing.domain.conflict import Conflict, find_conflict
from ordermesh.routing.domain.decision import Decision
from ordermesh.routing.domain.errors.sourcing import DecisionNotFound, NoRecord
from ordermesh.routing.domain.explanation import LocationExplanation, explain, uses
from ordermesh.routing.domain.inputs import SourcingInputs
from ordermesh.routing.domain.plan import Method, Plan, Solution, assemble, assignment_of
from ordermesh.routing.domain.record import Record
from ordermesh.routing.domain.sourcing_method import SourcingMethod
from ordermesh.routing.domain.terms import PLAIN
from ordermesh.routing.domain.verification import verify
from ordermesh.routing.operations.knowledge import Knowledge
from ordermesh.routing.operations.planning import Planner
from ordermesh.routing.ports.sourcing import Solver
from ordermesh.routing.ports.stock import Availability
from ordermesh.routing.ports.stores import Stores
from ordermesh.routing.wire.decision import (
    alternative_message,
    decision_message,
    stored_decision,
)
from ordermesh.routing.wire.explanation import (
    changes_of,
    conflict_message,
    explanation_message,
)
from ordermesh.routing.wire.record import exported, restored
from ordermesh.runtime.database import Database, Transaction

PLANS, SETS = 5, 10_000
"""So many plans are told, and sets of locations looked at, where nothing is said."""

OTHERS = 10
"""So many locations that lose by the least are explained when none are named."""


class Explaining:
    """Answers questions about decisions that were made."""

    def __init__(
        self,
        database: Database,
        stores: Stores,
        knowledge: Knowledge,
        planner: Planner,
        solve: Solver,
    ) -> None:
        self._database = database
        self._stores = stores
        self._knowledge = knowledge
        self._planner = planner
        self._solve = solve

    async def export(self, request: v1.ExportDecisionRequest) -> v1.ExportDecisionResponse:
        """The record for strangers; raises what the contract lists."""
        record = await self._record(request.decision_id)
        text = await asyncio.to_thread(exported, record)
        return v1.ExportDecisionResponse(record_json=text)

    async def explain(self, request: v1.ExplainDecisionRequest) -> v1.ExplainDecisionResponse:
        """Why each location, and why not all; raises what the contract lists."""
        record = await self._record(request.decision_id)
        told, conflict = await asyncio.to_thread(self._explained, record, request.location_ids)
        is_plain = record.inputs.policy.tiers == PLAIN
        response = v1.ExplainDecisionResponse(
            locations=[explanation_message(one, record.currency, is_plain=is_plain) for one in told]
        )
        if conflict is not None:
            response.conflict.CopyFrom(conflict_message(conflict, record.currency))
        return response

    async def ask(self, request: v1.AskCounterfactualRequest) -> v1.AskCounterfactualResponse:
        """What would have been decided; raises what the contract lists."""
        record = await self._record(request.decision_id)
        changes = changes_of(request.changes, record.currency)
        inputs = changed(record.inputs, changes)
        solution = await self._solved(inputs)
        return v1.AskCounterfactualResponse(
            decision=await self._message(record, _decision(record, inputs, solution)),
            differs=_shipped(solution.plan) != _shipped(record.plan),
        )

    async def alternatives(
        self, request: v1.FindAlternativesRequest
    ) -> v1.FindAlternativesResponse:
        """Other plans; raises what the contract lists."""
        record = await self._record(request.decision_id)
        most, sets = request.plans_max or PLANS, request.sets_max or SETS
        problem = record.problem
        if request.fewest_shipments:
            found = await asyncio.to_thread(fewest_shipments, problem, self._solve, sets)
            plans, examined, is_complete = found.plans, found.examined, found.is_complete
        else:
            plans = await asyncio.to_thread(next_best, problem, self._solve, most + 1)
            examined, is_complete = 0, True
        return v1.FindAlternativesResponse(
            alternatives=[
                alternative_message(problem, plan, record.currency) for plan in plans[:most]
            ],
            complete=is_complete and len(plans) <= most,
            sets_examined=examined,
        )

    async def replay(self, request: v1.ReplayDecisionRequest) -> v1.ReplayDecisionResponse:
        """The decision again, or under another policy; raises what the contract lists."""
        record = await self._record(request.decision_id)
        if request.policy_id:
            decision = await self._under(record, request.policy_id, request.policy_version)
            return v1.ReplayDecisionResponse(decision=decision_message(decision))
        if record.certificate.method is Method.TOGETHER:
            return await self._replay_together(record)
        solution = await self._solved(record.inputs)
        same = (solution.plan, solution.certificate) == (record.plan, record.certificate)
        again = _decision(record, record.inputs, solution)
        return v1.ReplayDecisionResponse(
            decision=await self._message(record, again), identical=same
        )

    async def _replay_together(self, record: Record) -> v1.ReplayDecisionResponse:
        """What moved with others is made again from where it was sent: others are not asked."""
        problem = record.problem
        plan = await asyncio.to_thread(assemble, problem, assignment_of(problem, record.plan))
        verify(problem, plan)
        solution = Solution(plan, record.certificate, ())
        decision = replace(
            _decision(record, record.inputs, solution), method=SourcingMethod.TOGETHER
        )
        return v1.ReplayDecisionResponse(
            decision=decision_message(decision), identical=plan == record.plan
        )

    async def _message(self, record: Record, decision: Decision) -> v1.Decision:
        """What is made again from a record; what is sent instead of what was ordered is its own."""
        message = decision_message(decision)
        if record.replaced:
            name = UUID(record.decision_id)
            stored = await self._database.read(lambda tx: self._stores.decisions.get(tx, name))
            if stored is not None:
                message.substitutions.extend(stored_decision(stored.payload).substitutions)
        return message

    async def _record(self, decision_id: str) -> Record:
        async def read(tx: Transaction) -> bytes:
            if await self._stores.decisions.get(tx, UUID(decision_id)) is None:
                raise DecisionNotFound(decision_id)
            payload = await self._stores.decisions.record(tx, UUID(decision_id))
            if payload is None:
                raise NoRecord(decision_id)
            return payload

        return await asyncio.to_thread(restored, await self._database.read(read))

    def _explained(
        self, record: Record, location_ids: Sequence[str]
    ) -> tuple[list[LocationExplanation], Conflict | None]:
        solution = Solution(record.plan, record.certificate, ())
        names = list(location_ids) or _worth_telling(record)
        told = [explain(record.inputs, solution, name, self._solve) for name in names]
        is_filled = record.plan.is_complete
        return told, None if is_filled else find_conflict(record.inputs, self._solve)

    async def _solved(self, inputs: SourcingInputs) -> Solution:
        problem = inputs.problem
        solution = await asyncio.to_thread(self._solve, problem)
        verify(problem, solution.plan)
        return solution

    async def _under(self, record: Record, policy_id: str, version: int) -> Decision:
        """What another policy would decide on the stock and at the time of the record."""
        question = replace(
            record.question, policy_id=policy_id, policy_version=version, caps=(), kept=()
        )

        async def attempt(tx: Transaction) -> Decision:
            known = await self._planner.know(tx, question)
            inputs = record.inputs
            coming = still_coming(inputs.locations, inputs.stock)
            stock = Availability(inputs.stock, record.ledger_revision, coming)
            # Its own prices, if they are kept still: those of now know of another time.
            prices = await self._planner.prices.then(tx, record, known.policy.currency_code)
            then = replace(known, now=record.create_time, prices=prices)
            return await self._planner.plan(question, then, stock)

        return await self._knowledge.with_what_is_missing(lambda: self._database.read(attempt))


def _worth_telling(record: Record) -> list[str]:
    """The chosen locations and those that lose by the least, in the order of rank."""
    losses = {
        one.location_id: (one.tier, one.amount)
        for one in record.certificate.loses_by
        if one.amount is not None and not uses(record.plan, one.location_id)
    }
    # A tier further behind is a smaller loss.
    nearest = sorted(losses, key=lambda name: (-losses[name][0], losses[name][1] or 0))[:OTHERS]
    chosen = {shipment.location_id for shipment in record.plan.shipments}
    told = [
        one.location_id
        for one in record.problem.candidates
        if one.location_id in chosen or one.location_id in nearest
    ]
    removed = [one.location_id for one in record.problem.removals]
    return told or list(dict.fromkeys(removed))[:OTHERS]


def _decision(record: Record, inputs: SourcingInputs, solution: Solution) -> Decision:
    decision = verdict.solved(
        record.question,
        record.under,
        inputs.problem,
        solution,
        inputs.stock,
        decision_id=None,
        revision=record.ledger_revision,
        now=record.create_time,
    )
    return replace(decision, prices=record.prices)


def _shipped(plan: Plan) -> list[tuple[str, object]]:
    return [(one.location_id, one.lines) for one in plan.shipments]
