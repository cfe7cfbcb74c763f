"""Why each location was chosen or not, and the least that would have changed it.

Nothing is claimed that was not tried: a change that flips the decision is one after which the
solver's plan uses the location, and the next smaller one was tried too and does not.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.changes import (
    Change,
    Charged,
    Roomy,
    Stocked,
    SwitchedOn,
    Unfenced,
    changed,
)
from ordermesh.routing.domain.costs import CostTerms
from ordermesh.routing.domain.inputs import SourcingInputs
from ordermesh.routing.domain.plan import LosesBy, Plan, Solution
from ordermesh.routing.domain.problem import Problem, Removal, Rule

Solve = Callable[[Problem], Solution]
"""Who finds plans."""


@dataclass(frozen=True, slots=True)
class Flip:
    """A least change after which the plan ships from the location, and what that plan costs."""

    changes: tuple[Change, ...]
    cost: Money


@dataclass(frozen=True)
class LocationExplanation:
    """What became of a location and why.

    ``loses_by`` as in the certificate. ``terms`` say how the best plan that uses the location
    differs from the chosen one, by kind of cost, where it can be used at all; they add up to what
    it loses where cost is all that counts. ``flip`` is None where the location was chosen, or no
    one change was found.
    """

    location_id: str
    is_chosen: bool
    removals: tuple[Removal, ...]
    loses_by: LosesBy | None
    terms: CostTerms | None
    flip: Flip | None


def explain(
    inputs: SourcingInputs, solution: Solution, location_id: str, solve: Solve
) -> LocationExplanation:
    """Why this location was chosen or not. Raises ``FieldViolation`` for one that was not seen."""
    changed(inputs, [Charged(location_id, Money(0))])
    plan = solution.plan
    is_chosen = uses(plan, location_id)
    removals = tuple(one for one in inputs.problem.removals if one.location_id == location_id)
    losses = {one.location_id: one for one in solution.certificate.loses_by}
    search = _Flips(inputs, location_id, solve)
    forced = None if is_chosen else search.with_it()
    flip = None if is_chosen else search.flip(removals, losses.get(location_id))
    return LocationExplanation(
        location_id,
        is_chosen,
        removals,
        losses.get(location_id),
        None if forced is None else _difference(forced, plan),
        flip,
    )


def uses(plan: Plan, location_id: str) -> bool:
    """Whether the plan ships anything from a location."""
    return any(shipment.location_id == location_id for shipment in plan.shipments)


def _difference(forced: Plan, plan: Plan) -> CostTerms:
    pairs = zip(forced.costs.items(), plan.costs.items(), strict=True)
    return CostTerms(*(Money(theirs - ours) for (_, theirs), (_, ours) in pairs))


CREDIT_MAX = Money(10**11)
"""More than any location loses by: ten million."""


class _Flips:
    """Looks for the least change that brings one location into the plan."""

    def __init__(self, inputs: SourcingInputs, location_id: str, solve: Solve) -> None:
        self._inputs = inputs
        self._location_id = location_id
        self._solve = solve

    def with_it(self) -> Plan | None:
        """The best plan that uses the location, at its true cost; None where none may."""
        credit = Charged(self._location_id, Money(-CREDIT_MAX))
        plan = self._plan((credit,))
        if plan is None:
            return None
        preference = Money(plan.costs.preference + CREDIT_MAX)
        terms = {**dict(plan.costs.items()), "preference": preference}
        return Plan(plan.shipments, plan.unfilled, CostTerms(**terms))

    def flip(self, removals: tuple[Removal, ...], loses_by: LosesBy | None) -> Flip | None:
        """The least change: a credit where it only costs too much, else what took it away."""
        whole = [one for one in removals if self._takes_all(one)]
        if not whole:
            return self._least_credit(loses_by)
        rule = whole[0].rule
        if rule is Rule.SWITCHED_OFF:
            return self._try((SwitchedOn(self._location_id),))
        if rule is Rule.NO_CAPACITY:
            units = self._inputs.problem.units
            return self._least(1, units, lambda n: (Roomy(self._location_id, n),))
        if rule is Rule.NOT_STOCKED:
            return self._least_stock()
        if rule in (Rule.FENCED, Rule.REJECTED_BEFORE):
            return self._try((Unfenced(self._location_id, rule),))
        return None

    def _takes_all(self, removal: Removal) -> bool:
        lines = {line.line_id for line in self._inputs.order.lines}
        return lines <= set(removal.line_ids)

    def _least_credit(self, loses_by: LosesBy | None) -> Flip | None:
        """Where cost is all that counts, the loss is the credit, or one unit of money more."""
        if loses_by is None or loses_by.amount is None or len(self._inputs.policy.tiers) > 1:
            return None
        for amount in (loses_by.amount, loses_by.amount + 1):
            flip = self._try((Charged(self._location_id, Money(-amount)),))
            if flip is not None:
                return flip
        return None

    def _least_stock(self) -> Flip | None:
        """As many units of every item that it lacks, the fewest that do."""
        held = self._inputs.stock.get(self._location_id, {})
        wanted = self._inputs.problem.wanted
        lacking = sorted(sku for sku in wanted if held.get(sku, 0) <= 0)
        most = max((wanted[sku] for sku in lacking), default=0)

        def stocked(units: int) -> tuple[Change, ...]:
            return tuple(
                Stocked(self._location_id, sku, min(units, wanted[sku])) for sku in lacking
            )

        return self._least(1, most, stocked)

    def _least(
        self, low: int, high: int, change: Callable[[int], tuple[Change, ...]]
    ) -> Flip | None:
        """The least number whose change flips the decision, if the greatest one does.

        More of it never makes a location less useful, so halving finds the least.
        """
        best = self._try(change(high)) if high >= low else None
        if best is None:
            return None
        while low < high:
            middle = (low + high) // 2
            found = self._try(change(middle))
            if found is None:
                low = middle + 1
            else:
                best, high = found, middle
        return best

    def _try(self, changes: tuple[Change, ...]) -> Flip | None:
        plan = self._plan(changes)
        return None if plan is None else Flip(changes, plan.costs.total)

    def _plan(self, changes: tuple[Change, ...]) -> Plan | None:
        """The plan after the changes, if it uses the location."""
        plan = self._solve(changed(self._inputs, changes).problem).plan
        return plan if uses(plan, self._location_id) else None
