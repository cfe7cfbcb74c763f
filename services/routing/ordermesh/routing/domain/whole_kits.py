"""Kits whose components may leave apart are sent whole or not at all.

A plan may find the cups of a tea set and not its tea. Nobody wants the cups alone: such kits are
taken out of the question, it is decided again, and what they cost unfilled is added.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.costs import unfilled_penalty
from ordermesh.routing.domain.decision import Decision, Outcome, UnfilledLine
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.domain.question import Question
from ordermesh.routing.domain.wanted import Wanted


@dataclass(frozen=True)
class Trimmed:
    """A question without the kits that cannot be completed, and what was left out of it."""

    question: Question
    left: tuple[UnfilledLine, ...]
    penalty: Money


def trimmed(question: Question, problem: Problem, decision: Decision) -> Trimmed | None:
    """The question without incomplete kits; None when the decision sends no part of one."""
    missing: dict[str, dict[str, UnfilledLine]] = {}
    for line in decision.unfilled_lines:
        missing.setdefault(line.line_id, {})[line.sku] = line
    wanted: list[Wanted] = []
    left: list[UnfilledLine] = []
    has_parts = False
    for one in question.wanted:
        short = missing.get(one.line.line_id, {})
        if not short or not one.line.components:
            wanted.append(one)
            continue
        units = _whole(one, short)
        if units:
            wanted.append(replace(one, units=units))
        gone = {sku: count - units.get(sku, 0) for sku, count in one.units.items()}
        has_parts = has_parts or any(
            count > (short[sku].unfilled if sku in short else 0) for sku, count in gone.items()
        )
        left.extend(_left(one, gone, short))
    if not has_parts:
        return None
    return Trimmed(replace(question, wanted=tuple(wanted)), tuple(left), _penalty(problem, left))


def with_left(decision: Decision, trim: Trimmed) -> Decision:
    """The decision of a trimmed question, with what was left out of it."""
    return replace(
        decision,
        unfilled_lines=(*decision.unfilled_lines, *trim.left),
        cost=Money(decision.cost + trim.penalty),
        bound=None if decision.bound is None else Money(decision.bound + trim.penalty),
        cost_terms=tuple(
            (kind, Money(amount + trim.penalty) if kind == "UNFILLED" else amount)
            for kind, amount in decision.cost_terms
        ),
    )


def nothing_left(decision: Decision, trim: Trimmed) -> Decision:
    """The decision when no kit can be completed and nothing else was wanted: nothing is sent."""
    return replace(
        decision,
        outcome=Outcome.INFEASIBLE,
        shipments=(),
        candidates=tuple(replace(one, is_chosen=False) for one in decision.candidates),
        unfilled_lines=trim.left,
        cost=trim.penalty,
        bound=None if decision.bound is None else trim.penalty,
        cost_terms=tuple(
            (kind, trim.penalty if kind == "UNFILLED" else Money(0))
            for kind, _ in decision.cost_terms
        ),
    )


def _whole(wanted: Wanted, short: Mapping[str, UnfilledLine]) -> dict[str, int]:
    """The units that complete kits need, where so many units of their parts are missing."""
    per_kit = wanted.line.per_kit
    incomplete = max(-(-line.unfilled // per_kit[sku]) for sku, line in short.items())
    return {
        sku: left
        for sku, units in wanted.units.items()
        if (left := units - incomplete * per_kit[sku]) > 0
    }


def _left(
    wanted: Wanted, gone: Mapping[str, int], short: Mapping[str, UnfilledLine]
) -> list[UnfilledLine]:
    cause = next(iter(short.values()))
    return [
        replace(short[sku], unfilled=units)
        if sku in short
        else UnfilledLine(
            wanted.line.line_id,
            sku,
            wanted.units[sku],
            wanted.units[sku],
            units,
            cause.reason,
            cause.location_id,
        )
        for sku, units in gone.items()
        if units
    ]


def _penalty(problem: Problem, left: list[UnfilledLine]) -> Money:
    """What these units cost unfilled, atom by atom, as the solver counts."""
    units = {(line.line_id, line.sku): line.unfilled for line in left}
    return Money(
        sum(
            unfilled_penalty(problem.costs, group)
            * (units.get((group.line_id, group.parts[0].sku), 0) // group.parts[0].units)
            for group in problem.groups
        )
    )
