"""Kits whose components may leave apart are sent whole or not at all.

A plan may find the cups of a tea set and not its tea. Nobody wants the cups alone. Then each number
of such kits that stock allows is a question of its own, to which is added what the others cost
unfilled; the best of the decisions that send no part of a kit is made. Where there are too many
numbers, the kits that are not complete are taken out, it is decided again, and no optimum is
claimed.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.costs import unfilled_penalty
from ordermesh.routing.domain.decision import Decision, Outcome, UnfilledLine
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.domain.question import Question
from ordermesh.routing.domain.scale import proportions
from ordermesh.routing.domain.substituting import Worth
from ordermesh.routing.domain.terms import Term
from ordermesh.routing.domain.wanted import Wanted

CHOICES_MAX = 64
"""So many choices of how many kits are sent are decided at most."""


@dataclass(frozen=True)
class Trimmed:
    """A question without some kits, and what was left out of it.

    ``penalty`` is what that costs, ``tiers`` what it comes to in each tier.
    """

    question: Question
    left: tuple[UnfilledLine, ...]
    penalty: Money
    tiers: tuple[int, ...]


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
        left.extend(_left(one, gone, short, next(iter(short.values()))))
    return without(question, problem, wanted, left) if has_parts else None


def fewer(question: Question, problem: Problem, decision: Decision) -> tuple[Trimmed, ...]:
    """The question with fewer kits, by all numbers that stock allows; none where they are too many.

    ``decision`` sends parts of kits; it says why something is short.
    """
    apart = [one for one in question.wanted if _is_apart(one, problem)]
    most = [max(-(-n // one.line.per_kit[sku]) for sku, n in one.units.items()) for one in apart]
    if math.prod(number + 1 for number in most) > CHOICES_MAX:
        return ()
    there = _reachable(problem)
    found = []
    names = [one.line.line_id for one in apart]
    for numbers in itertools.product(*(range(number + 1) for number in most)):
        gone = dict(zip(names, numbers, strict=True))
        kept = [(one, _without(one, gone[one.line.line_id])) for one in apart]
        if any(numbers) and _is_enough(there, (units for _, units in kept)):
            found.append(_with_fewer(question, problem, decision, gone))
    return tuple(found)


def could_be_whole(question: Question, problem: Problem) -> bool:
    """Whether there is enough for all kits whose parts may leave apart."""
    apart = (one.units for one in question.wanted if _is_apart(one, problem))
    return _is_enough(_reachable(problem), apart)


def _reachable(problem: Problem) -> Mapping[str, int]:
    units: dict[str, int] = {}
    for source in problem.sources:
        for sku, number in source.available:
            units[sku] = units.get(sku, 0) + number
    return units


def _is_apart(wanted: Wanted, problem: Problem) -> bool:
    """Whether parts of its kits may leave apart."""
    name = wanted.line.line_id
    groups = sum(group.line_id == name for group in problem.groups)
    return bool(wanted.line.components) and groups > 1


def _is_enough(there: Mapping[str, int], wanted: Iterable[Mapping[str, int]]) -> bool:
    needed: dict[str, int] = {}
    for units in wanted:
        for sku, number in units.items():
            needed[sku] = needed.get(sku, 0) + number
    return all(there.get(sku, 0) >= number for sku, number in needed.items())


def _with_fewer(
    question: Question, problem: Problem, decision: Decision, gone: Mapping[str, int]
) -> Trimmed:
    """The question with so many kits less of some lines."""
    wanted: list[Wanted] = []
    left: list[UnfilledLine] = []
    for one in question.wanted:
        name = one.line.line_id
        units = _without(one, gone.get(name, 0))
        if units:
            wanted.append(replace(one, units=units))
        lost = {sku: count - units.get(sku, 0) for sku, count in one.units.items()}
        short = {line.sku: line for line in decision.unfilled_lines if line.line_id == name}
        cause = next(iter(short.values()), decision.unfilled_lines[0])
        left.extend(_left(one, lost, short, cause))
    return without(question, problem, wanted, left)


def proven(
    best: Decision, whole: Sequence[Decision], parted: Sequence[Decision], worth: Worth
) -> Decision:
    """The best of those that send ``whole`` kits, with what is proven of all of them together.

    Those that send parts are better than any that sends as many kits whole.
    """
    compared = (*whole, *parted)
    is_proven = all(one.outcome is not Outcome.FEASIBLE for one in compared)
    if is_proven and all(worth(one) >= worth(best) for one in parted):
        return best
    return unproven(best, compared)


def unproven(decision: Decision, compared: Sequence[Decision]) -> Decision:
    """The decision without a claim to be the best; no plan costs less than all that is compared."""
    bounds = [one.bound for one in compared if one.bound is not None]
    is_known = len(decision.tiers) <= 1 and len(bounds) == len(compared)
    outcome = Outcome.FEASIBLE if decision.outcome is Outcome.OPTIMAL else decision.outcome
    return replace(decision, bound=min(bounds) if is_known else None, outcome=outcome)


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
        tiers=tuple(
            replace(tier, value=tier.value + more)
            for tier, more in zip(decision.tiers, trim.tiers, strict=False)
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
        tiers=tuple(
            replace(tier, value=value)
            for tier, value in zip(decision.tiers, trim.tiers, strict=False)
        ),
    )


def _whole(wanted: Wanted, short: Mapping[str, UnfilledLine]) -> dict[str, int]:
    """The units that complete kits need, where so many units of their parts are missing."""
    per_kit = wanted.line.per_kit
    return _without(wanted, max(-(-line.unfilled // per_kit[sku]) for sku, line in short.items()))


def _without(wanted: Wanted, kits: int) -> dict[str, int]:
    """The units of the parts of a line without so many kits."""
    per_kit = wanted.line.per_kit
    return {
        sku: left
        for sku, units in wanted.units.items()
        if (left := units - kits * per_kit[sku]) > 0
    }


def without(
    question: Question, problem: Problem, wanted: Sequence[Wanted], left: Sequence[UnfilledLine]
) -> Trimmed:
    """The question of what is still ``wanted``, without what is ``left``."""
    penalty, units = _penalty(problem, left), sum(line.unfilled for line in left)
    each = {Term.UNFILLED: int(penalty), Term.UNFILLED_UNITS: units}
    tiers = tuple(
        sum(weight * each.get(term, 0) for term, weight in proportions(tier).items())
        for tier in problem.tiers
    )
    return Trimmed(replace(question, wanted=tuple(wanted)), tuple(left), penalty, tiers)


def _left(
    wanted: Wanted,
    gone: Mapping[str, int],
    short: Mapping[str, UnfilledLine],
    cause: UnfilledLine,
) -> list[UnfilledLine]:
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


def _penalty(problem: Problem, left: Iterable[UnfilledLine]) -> Money:
    """What these units cost unfilled, atom by atom, as the solver counts."""
    units = {(line.line_id, line.sku): line.unfilled for line in left}
    return Money(
        sum(
            unfilled_penalty(problem.costs, group)
            * (units.get((group.line_id, group.parts[0].sku), 0) // group.parts[0].units)
            for group in problem.groups
        )
    )
