"""Deciding: what comes of a question on what is known and what the ledger can promise."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from ordermesh.routing.domain import staging, substituting, verdict
from ordermesh.routing.domain.asking import asked
from ordermesh.routing.domain.decision import Decision, StageResult
from ordermesh.routing.domain.foresight.prices import NO_PRICES
from ordermesh.routing.domain.framing import frame, stock_for
from ordermesh.routing.domain.inputs import SourcingInputs
from ordermesh.routing.domain.known import Known
from ordermesh.routing.domain.plan import Solution
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.domain.question import Question
from ordermesh.routing.domain.record import DecidedUnder, Record
from ordermesh.routing.domain.reservable import reservable
from ordermesh.routing.domain.sourcing_method import SourcingMethod
from ordermesh.routing.domain.stages import Relaxation, Ruled, relaxations
from ordermesh.routing.domain.together import Bundles, bundled, renamed, told_apart
from ordermesh.routing.domain.verification import verify
from ordermesh.routing.domain.whole_kits import (
    Trimmed,
    could_be_whole,
    fewer,
    nothing_left,
    proven,
    trimmed,
    unproven,
    with_left,
)
from ordermesh.routing.ports.sourcing import Baselines, Solver
from ordermesh.routing.ports.stock import Availability

ATOMS_AT_ONCE, SOLVED_AT_ONCE = 6, 400
"""So many units, and units times locations, are solved in less time than they take to be put."""


class Deciding:
    """Finds decisions by stages, and by what lines may be filled with. It reads nothing.

    ``worth`` compares what lines may be filled with: less is better.
    """

    def __init__(
        self,
        solve: Solver,
        baselines: Baselines,
        worth: substituting.Worth = substituting.by_tiers,
    ) -> None:
        self._solve = solve
        self._baselines = baselines
        self._worth = worth

    async def __call__(
        self, question: Question, known: Known, stock: Availability, decision_id: UUID | None
    ) -> Decision:
        """As ``decide``: at once where it costs less than another thread, else beside the loop."""
        if _is_small(question, known, stock):
            return self.decide(question, known, stock, decision_id)
        return await asyncio.to_thread(self.decide, question, known, stock, decision_id)

    def decide(
        self, question: Question, known: Known, stock: Availability, decision_id: UUID | None
    ) -> Decision:
        """The decision at the prices in force; without them where they would leave more unfilled.

        What later orders would pay for a unit keeps it from nobody who would get none otherwise.
        """
        decision = self._staged(question, known, stock, decision_id)
        if known.prices is NO_PRICES or not decision.unfilled_lines:
            return decision
        without = replace(known, prices=NO_PRICES)
        alone = self._staged(question, without, stock, decision_id)
        return alone if alone.unfilled_units < decision.unfilled_units else decision

    def _staged(
        self, question: Question, known: Known, stock: Availability, decision_id: UUID | None
    ) -> Decision:
        """The decision of the first stage that fills all, or of the last one."""
        results: list[StageResult] = []
        for relaxation in relaxations(known.policy.stages):
            ruled = _ruled(question, known, stock, relaxation)
            asking = _Asking(question, known, stock, ruled, decision_id)
            asking, problem, decision = self._with_substitutes(asking)
            if known.policy.stages:
                results.append(
                    staging.result(asking.ruled, known.policy, problem, decision, stock.units)
                )
            if not decision.unfilled_lines:
                break
        decision = staging.recorded(decision, known, asking.ruled, results)
        return replace(decision, prices=known.prices.used)

    def _with_substitutes(self, asking: "_Asking") -> tuple["_Asking", Problem, Decision]:
        """The best of all that lines may be filled with, which may be what was ordered."""
        best = self._stage(asking)
        as_ordered, ruled = best[2], asking.ruled
        question, items, stock = asking.question, asking.known.items, asking.stock
        if not ruled.evaluation.offered or question.method is not SourcingMethod.EXACT:
            return best
        compared = substituting.choices(question, ruled.evaluation, items, as_ordered)
        chosen: substituting.Choice = {}
        tried_all: list[tuple[substituting.Choice, Decision]] = [({}, as_ordered)]
        for choice in compared.choices:
            instead = substituting.replaced(question, choice, items)
            again = _ruled(instead, asking.known, stock, ruled.relaxation)
            evaluation = substituting.charged(again.evaluation, choice, stock.units)
            tried = self._stage(
                replace(asking, question=instead, ruled=replace(again, evaluation=evaluation))
            )
            tried_all.append((choice, tried[2]))
            # What is not sent is not sent instead of anything, however little it costs to leave.
            if tried[2].shipments and self._worth(tried[2]) < self._worth(best[2]):
                best, chosen = tried, choice
        told, problem, decision = best
        decision = substituting.told(decision, tried_all, question, choice=chosen, items=items)
        others = [one for _, one in tried_all]
        decision = substituting.bounded(decision, others, is_cut=bool(compared.left_out))
        evaluation = substituting.settled(ruled.evaluation, told.ruled.evaluation, chosen, decision)
        told = replace(told, ruled=replace(told.ruled, evaluation=evaluation))
        _, bundles = bundled(told.question, told.ruled.evaluation.limits.together)
        return told, problem, _recorded_whole(decision, asking, bundles)

    def _stage(self, asking: "_Asking") -> tuple["_Asking", Problem, Decision]:
        """One stage: with full locations closed, and with them where that leaves something."""
        for ruled in staging.openings(asking.ruled, asking.known, asking.question.pickup):
            tried = replace(asking, ruled=ruled)
            problem, decision = self._bundled(tried)
            if not decision.unfilled_lines:
                break
        return tried, problem, decision

    def _bundled(self, asking: "_Asking") -> tuple[Problem, Decision]:
        """As ``_held``, with lines that stay together as one."""
        evaluation = asking.ruled.evaluation
        question, bundles = bundled(asking.question, evaluation.limits.together)
        ruled = replace(asking.ruled, evaluation=renamed(evaluation, bundles))
        problem, decision = self._held(replace(asking, question=question, ruled=ruled), bundles)
        return problem, told_apart(decision, bundles)

    def _held(self, asking: "_Asking", bundles: Bundles) -> tuple[Problem, Decision]:
        """The decision that one reservation can hold, and the problem that it solves."""
        question = asking.question
        problem, decision = self._whole(asking)
        trim = reservable(question, problem, decision, bundles)
        if trim is None:
            return problem, decision
        if not trim.question.wanted:
            return problem, unproven(nothing_left(decision, trim), [decision])
        _, rest = self._held(replace(asking, question=trim.question), bundles)
        return problem, unproven(with_left(rest, trim), [decision])

    def _whole(self, asking: "_Asking") -> tuple[Problem, Decision]:
        """The decision that sends no kit in part, and the problem that it solves."""
        question = asking.question
        problem, decision = self._in_parts(asking)
        trim = trimmed(question, problem, decision)
        if trim is None:
            return problem, decision
        if question.method is SourcingMethod.EXACT:
            choices = fewer(question, problem, decision)
            if choices:
                parted = [decision] if could_be_whole(question, problem) else []
                return problem, self._best_of(asking, decision, parted, choices)
        if not trim.question.wanted:
            return problem, unproven(nothing_left(decision, trim), [decision])
        _, rest = self._whole(replace(asking, question=trim.question))
        return problem, unproven(with_left(rest, trim), [decision])

    def _best_of(
        self,
        asking: "_Asking",
        decision: Decision,
        parted: list[Decision],
        choices: Sequence[Trimmed],
    ) -> Decision:
        """The best decision with fewer kits that sends no part of one, as ``parted`` do."""
        whole = []
        for choice in choices:
            if not choice.question.wanted:
                whole.append(nothing_left(decision, choice))
                continue
            problem, found = self._in_parts(replace(asking, question=choice.question))
            is_whole = trimmed(choice.question, problem, found) is None
            (whole if is_whole else parted).append(with_left(found, choice))
        return proven(min(whole, key=self._worth), whole, parted, self._worth)

    def _in_parts(self, asking: "_Asking") -> tuple[Problem, Decision]:
        """The decision that may send kits in part, and the problem that it solves."""
        stock = asking.stock
        inputs = frame(asking.question, asking.known, stock.units, asking.ruled, stock.coming)
        return inputs.problem, self._decide(asking, inputs)

    def _decide(self, asking: "_Asking", inputs: SourcingInputs) -> Decision:
        question, known, stock = asking.question, asking.known, asking.stock
        problem = inputs.problem
        if question.method is SourcingMethod.EXACT:
            solution = self._solve(problem)
            verify(problem, solution.plan)
            decision = verdict.solved(
                question,
                known.policy,
                problem,
                solution,
                stock.units,
                decision_id=asking.decision_id,
                revision=stock.revision,
                now=known.now,
            )
            return replace(decision, record=_record(asking, inputs, solution))
        plan = self._baselines[question.method](problem)
        verify(problem, plan)
        return verdict.by_rule(
            question, known.policy, problem, plan, revision=stock.revision, now=known.now
        )


def _is_small(question: Question, known: Known, stock: Availability) -> bool:
    """Whether it is decided in less time than it takes to be put to another thread."""
    units = sum(question.units_by_sku.values())
    is_short = units <= ATOMS_AT_ONCE and units * len(stock.units) <= SOLVED_AT_ONCE
    is_plain = not (known.instead or known.policy.stages or known.policy.limits_parcels)
    return is_short and is_plain and question.method is SourcingMethod.EXACT


@dataclass(frozen=True)
class _Asking:
    """A question with what is known for it, as one stage puts it."""

    question: Question
    known: Known
    stock: Availability
    ruled: Ruled
    decision_id: UUID | None


def _ruled(question: Question, known: Known, stock: Availability, relaxation: Relaxation) -> Ruled:
    """What the rules say to a question at one stage."""
    if not known.rulebook:
        return Ruled(relaxation=relaxation)
    seen = asked(question, known, stock.units)
    return Ruled(known.rulebook.evaluate(seen, known.now, relaxation.without), relaxation)


def _recorded_whole(decision: Decision, asking: "_Asking", bundles: Bundles) -> Decision:
    """The decision with a record of what was asked, and of the stock of all that was compared.

    Under another policy lines may be filled with something else.
    """
    record = decision.record
    if record is None:
        return decision
    wanted = {*asking.question.skus, *asking.known.instead}
    units = stock_for(asking.question, asking.stock.units)
    stock = {place: dict(held) for place, held in record.inputs.stock.items()}
    for place, held in units.items():
        for sku in wanted & held.keys():
            if held[sku] > 0:
                stock.setdefault(place, {}).setdefault(sku, held[sku])
    return replace(
        decision,
        record=replace(
            record,
            question=asking.question,
            inputs=replace(record.inputs, stock=stock),
            replaced=substituting.of_record(decision, bundles.name),
        ),
    )


def _record(asking: "_Asking", inputs: SourcingInputs, solution: Solution) -> Record:
    policy = asking.known.policy
    return Record(
        decision_id="" if asking.decision_id is None else str(asking.decision_id),
        create_time=asking.known.now,
        under=DecidedUnder(policy.policy_id, policy.version, policy.currency_code),
        ledger_revision=asking.stock.revision,
        question=asking.question,
        inputs=inputs,
        plan=solution.plan,
        certificate=solution.certificate,
        prices=asking.known.prices.used,
    )
