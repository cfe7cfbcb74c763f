"""What is said to flip a decision flips it, and the next smaller change does not."""

from dataclasses import replace

import pytest

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.changes import (
    Change,
    Charged,
    Parted,
    Promised,
    Roomy,
    Stocked,
    SwitchedOn,
    Unfenced,
    changed,
)
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.domain.explanation import explain, uses
from ordermesh.routing.domain.inputs import SourcingInputs
from ordermesh.routing.domain.plan import Status
from ordermesh.routing.domain.problem import Rule
from ordermesh.routing.domain.sourcing import Rejection, SourcingLine, SourcingOrder, SourcingPolicy
from ordermesh.routing.solver.solve import solve
from tests.routing.scenes import COSTS, random_inputs, site
from tests.routing.sourcing import HOME


def smaller(change: Change) -> Change | None:
    """The next smaller change, None where there is none."""
    match change:
        case Charged(location_id, amount):
            return Charged(location_id, Money(amount + 1)) if amount < 0 else None
        case Stocked(location_id, sku, units):
            return Stocked(location_id, sku, units - 1)
        case Roomy(location_id, units) if units is not None:
            return Roomy(location_id, units - 1)
        case _:
            return None


@pytest.mark.parametrize("start", range(0, 150, 25))
def test_a_flip_is_true_and_least(start: int) -> None:
    flips = 0
    for seed in range(start, start + 25):
        inputs = random_inputs(seed)
        solution = solve(inputs.problem)
        if solution.certificate.status is not Status.OPTIMAL:
            continue
        for location in inputs.locations:
            told = explain(inputs, solution, location.location_id, solve)
            assert told.is_chosen == uses(solution.plan, location.location_id)
            if told.flip is None:
                continue
            flips += 1
            after = solve(changed(inputs, told.flip.changes).problem).plan
            assert uses(after, location.location_id), (seed, told)
            assert after.costs.total == told.flip.cost
            less = [smaller(one) for one in told.flip.changes]
            if all(one is not None for one in less):
                before = solve(changed(inputs, [one for one in less if one]).problem).plan
                assert not uses(before, location.location_id), (seed, told)
    assert flips > 3


def test_the_terms_of_a_loss_add_up_to_it() -> None:
    checked = 0
    for seed in range(300):
        inputs = random_inputs(seed)
        solution = solve(inputs.problem)
        if solution.certificate.status is not Status.OPTIMAL:
            continue
        for loss in solution.certificate.loses_by:
            told = explain(inputs, solution, loss.location_id, solve)
            if told.terms is None or loss.amount is None:
                continue
            # The loss is a lower bound; where a plan was walked back with the location, it is met.
            assert told.terms.total >= loss.amount, (seed, told)
            checked += told.terms.total == loss.amount
    assert checked > 12


def scene() -> SourcingInputs:
    """A near location that is fenced, one that is off, one without stock, and the chosen one."""
    lines = (SourcingLine("1", "MUG", 2, 400),)
    return SourcingInputs(
        SourcingOrder("order-1", lines, HOME),
        (site("A", 1), site("B", 2, ships=False), site("C", 3, capacity_units=0), site("D", 9)),
        SourcingPolicy(costs=COSTS, promise_days=3),
        {"B": {"MUG": 5}, "C": {"MUG": 5}, "D": {"MUG": 5}},
        (),
    )


def test_each_location_says_what_took_it_away_and_what_would_bring_it_back() -> None:
    inputs = scene()
    solution = solve(inputs.problem)
    told = {name: explain(inputs, solution, name, solve) for name in "ABCD"}

    assert told["D"].is_chosen
    assert told["A"].removals[0].rule is Rule.NOT_STOCKED
    assert told["B"].removals[0].rule is Rule.SWITCHED_OFF
    assert told["C"].removals[0].rule is Rule.NO_CAPACITY
    flips = {name: one.flip.changes for name, one in told.items() if one.flip}
    assert flips == {
        "A": (Stocked("A", "MUG", 2),),
        "B": (SwitchedOn("B"),),
        "C": (Roomy("C", 2),),
    }


def test_a_fence_that_is_lifted_brings_its_location_back() -> None:
    fence = Rejection("B", frozenset(), "is for its own region", Rule.FENCED, "region")
    inputs = replace(scene(), locations=(site("B", 2), site("D", 9)), rejections=(fence,))
    solution = solve(inputs.problem)

    told = explain(inputs, solution, "B", solve)

    assert told.removals[0].rule_id == "region"
    assert told.flip is not None
    assert told.flip.changes == (Unfenced("B", Rule.FENCED),)


def test_a_promise_and_a_limit_can_be_otherwise() -> None:
    inputs = changed(scene(), [Promised(1), Parted(1)])

    assert inputs.policy.promise_days == 1
    assert inputs.policy.shipments_max == 1


def test_a_location_that_was_not_looked_at_cannot_be_asked_about() -> None:
    with pytest.raises(FieldViolation):
        changed(scene(), [Stocked("NOWHERE", "MUG", 1)])
    with pytest.raises(FieldViolation):
        explain(scene(), solve(scene().problem), "NOWHERE", solve)
