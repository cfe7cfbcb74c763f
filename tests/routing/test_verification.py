"""The verifier accepts honest plans and refuses every planted fault, however small."""

from collections.abc import Callable
from dataclasses import fields, replace

import pytest

from ordermesh.kernel.money import Money
from ordermesh.routing.domain import verification
from ordermesh.routing.domain.costs import CostTerms
from ordermesh.routing.domain.parcelling import PlanLine
from ordermesh.routing.domain.plan import Plan, Shipment, assemble
from ordermesh.routing.domain.problem import Group, Part, Problem
from ordermesh.routing.domain.rates import declared_costs
from ordermesh.routing.domain.verification import PlanRefused, find_faults, verify
from tests.routing.sourcing import every_plan, line, location, problem, random_problem

LIMITED = declared_costs(parcel_limit_grams=2_000)
KIT = Group("kit", (Part("CUP", 1, 300), Part("SAUCER", 1, 200)), 2)


def wanted() -> Problem:
    """Two mugs at A, one at B, a kit at A and one that stays; B may not ship the kit."""
    return problem(
        [line("1", "MUG", 3), KIT],
        [
            location("A", zone=2, km=100, capacity=6, MUG=2, CUP=2, SAUCER=1),
            location("B", zone=5, km=1_500, excluded=["kit"], MUG=2, CUP=1, SAUCER=1),
            location("C", zone=8, km=4_000, MUG=1),
        ],
        LIMITED,
        promise_days=2,
        shipments_max=2,
    )


def honest() -> Plan:
    return assemble(wanted(), {"A": {0: 2, 1: 1}, "B": {0: 1}})


def test_an_honest_plan_is_accepted() -> None:
    verify(wanted(), honest())

    assert find_faults(wanted(), honest()) == ()


@pytest.mark.parametrize("seed", range(40))
def test_every_permitted_plan_of_a_small_problem_is_accepted(seed: int) -> None:
    drawn = random_problem(seed, lines=3, locations=3)

    for plan in every_plan(drawn):
        if plan.is_complete or not drawn.all_or_nothing or not plan.shipments:
            verify(drawn, plan)


def first(plan: Plan, **changes: object) -> Plan:
    """The plan with its first shipment changed."""
    changed: Shipment = replace(plan.shipments[0], **changes)  # type: ignore[arg-type]
    return replace(plan, shipments=(changed, *plan.shipments[1:]))


def one_cent_off(name: str) -> Callable[[Plan], Plan]:
    def change(plan: Plan) -> Plan:
        costs = plan.shipments[0].costs
        return first(plan, costs=replace(costs, **{name: getattr(costs, name) + 1}))

    return change


def total_off(name: str) -> Callable[[Plan], Plan]:
    def change(plan: Plan) -> Plan:
        return replace(plan, costs=replace(plan.costs, **{name: getattr(plan.costs, name) - 1}))

    return change


TERMS = [field.name for field in fields(CostTerms)]


@pytest.mark.parametrize("name", TERMS)
def test_a_shipment_whose_term_is_one_unit_off_is_refused(name: str) -> None:
    with pytest.raises(PlanRefused, match=name):
        verify(wanted(), one_cent_off(name)(honest()))


@pytest.mark.parametrize("name", TERMS)
def test_a_total_that_is_one_unit_off_is_refused(name: str) -> None:
    with pytest.raises(PlanRefused, match=name):
        verify(wanted(), total_off(name)(honest()))


def broken(problem_: Problem, assignment: dict[str, dict[int, int]]) -> Plan:
    """A plan that is priced and parcelled well, but breaks a rule."""
    return assemble(problem_, assignment)


@pytest.mark.parametrize(
    ("assignment", "rule"),
    [
        ({"A": {0: 3}}, "stock"),
        ({"A": {1: 2}}, "stock"),
        ({"B": {1: 1}}, "line is permitted"),
        ({"A": {0: 1}, "B": {0: 1}, "C": {0: 1}}, "shipments"),
    ],
)
def test_a_plan_beyond_what_is_permitted_is_refused(
    assignment: dict[str, dict[int, int]], rule: str
) -> None:
    faults = find_faults(wanted(), broken(wanted(), assignment))

    assert rule in {fault.rule for fault in faults}


def test_a_plan_beyond_capacity_is_refused() -> None:
    tight = replace(
        wanted(),
        candidates=tuple(replace(c, capacity_units=1) for c in wanted().candidates),
    )

    faults = find_faults(tight, broken(tight, {"A": {0: 2}}))

    assert [(f.rule, f.expected, f.found) for f in faults] == [("capacity", 1, 2)]


def test_stock_of_one_sku_is_summed_over_lines() -> None:
    two_lines = problem([line("1", "MUG"), line("2", "MUG")], [location("A", MUG=1)])

    faults = find_faults(two_lines, broken(two_lines, {"A": {0: 1, 1: 1}}))

    assert [(f.rule, f.expected, f.found) for f in faults] == [("stock", 1, 2)]


def test_a_part_of_all_or_nothing_is_refused() -> None:
    whole = replace(wanted(), all_or_nothing=True)

    assert "all or nothing" in {f.rule for f in find_faults(whole, honest())}
    verify(whole, assemble(whole, {}))


def moved(plan: Plan) -> Plan:
    """One mug more in the first shipment than was ordered."""
    lines = tuple(
        replace(each, quantity=each.quantity + 1) if each.sku == "MUG" else each
        for each in plan.shipments[0].lines
    )
    return first(plan, lines=lines)


def half_a_kit(plan: Plan) -> Plan:
    """The saucer stays behind while its cup leaves."""
    shipment = plan.shipments[0]
    kept = tuple(each for each in shipment.lines if each.sku != "SAUCER")
    parcels = tuple(
        replace(
            parcel,
            lines=tuple(each for each in parcel.lines if each.sku != "SAUCER"),
            weight_grams=parcel.weight_grams
            - 200 * any(each.sku == "SAUCER" for each in parcel.lines),
        )
        for parcel in shipment.parcels
    )
    unfilled = tuple(
        replace(each, quantity=2) if each.sku == "SAUCER" else each for each in plan.unfilled
    )
    return replace(first(plan, lines=kept, parcels=parcels), unfilled=unfilled)


def in_one_parcel(plan: Plan) -> Plan:
    """Everything of the first shipment in a parcel above the limit."""
    shipment = plan.shipments[0]
    grams = sum(parcel.weight_grams for parcel in shipment.parcels)
    return first(
        plan, parcels=(replace(shipment.parcels[0], lines=shipment.lines, weight_grams=grams),)
    )


def lighter(plan: Plan) -> Plan:
    parcels = plan.shipments[0].parcels
    changed = replace(parcels[0], weight_grams=parcels[0].weight_grams - 1)
    return first(plan, parcels=(changed, *parcels[1:]))


def with_an_empty_parcel(plan: Plan) -> Plan:
    parcels = plan.shipments[0].parcels
    return first(plan, parcels=(*parcels, replace(parcels[0], lines=(), weight_grams=0)))


def listed_twice(plan: Plan) -> Plan:
    mug, *others = plan.shipments[0].lines
    split = (replace(mug, quantity=1), replace(mug, quantity=mug.quantity - 1))
    return first(plan, lines=(*split, *others))


def negative(plan: Plan) -> Plan:
    extra = PlanLine("1", "MUG", 1)
    return replace(plan, unfilled=(*plan.unfilled, extra, replace(extra, quantity=-1)))


def shipped_twice(plan: Plan) -> Plan:
    return replace(plan, shipments=(*plan.shipments, plan.shipments[0]))


FAULTS: list[tuple[Callable[[Plan], Plan], str]] = [
    (moved, "quantity"),
    (half_a_kit, "whole atoms"),
    (in_one_parcel, "parcel limit"),
    (lighter, "parcel weight"),
    (with_an_empty_parcel, "parcel has units"),
    (listed_twice, "line is listed once"),
    (negative, "quantity is positive"),
    (shipped_twice, "location ships once"),
    (lambda plan: first(plan, parcels=()), "parcelled"),
    (lambda plan: first(plan, lines=()), "shipment has lines"),
    (lambda plan: first(plan, days=plan.shipments[0].days - 1), "days"),
    (lambda plan: first(plan, location_id="ELSEWHERE"), "location is permitted"),
    (lambda plan: replace(plan, shipments=plan.shipments[::-1]), "shipments in order"),
    (lambda plan: replace(plan, shipments=plan.shipments[1:]), "quantity"),
    (lambda plan: replace(plan, unfilled=()), "quantity"),
    (
        lambda plan: replace(plan, unfilled=(*plan.unfilled, PlanLine("9", "GHOST", 1))),
        "line is ordered",
    ),
]


@pytest.mark.parametrize(("change", "rule"), FAULTS)
def test_a_planted_fault_is_refused(change: Callable[[Plan], Plan], rule: str) -> None:
    faults = find_faults(wanted(), change(honest()))

    assert rule in {fault.rule for fault in faults}
    with pytest.raises(PlanRefused):
        verify(wanted(), change(honest()))


def test_halves_of_two_kits_in_two_shipments_are_refused() -> None:
    held = [location(name, CUP=2, SAUCER=2) for name in "AB"]
    free = problem([KIT], held)
    plan = assemble(free, {"A": {0: 1}, "B": {0: 1}})
    cups, saucers = PlanLine("kit", "CUP", 2), PlanLine("kit", "SAUCER", 2)
    apart = tuple(
        replace(
            shipment,
            lines=(each,),
            parcels=(
                replace(
                    shipment.parcels[0], lines=(each,), weight_grams=grams, billable_grams=grams
                ),
            ),
        )
        for shipment, each, grams in zip(plan.shipments, (cups, saucers), (600, 400), strict=True)
    )

    faults = find_faults(free, replace(plan, shipments=apart))

    assert {fault.rule for fault in faults} == {"whole atoms"}


def test_without_a_limit_a_shipment_is_one_parcel() -> None:
    free = replace(wanted(), costs=declared_costs())
    parcelled = assemble(wanted(), {"A": {0: 2, 1: 1}, "B": {0: 1}})

    assert "one parcel" in {fault.rule for fault in find_faults(free, parcelled)}


def test_the_refusal_names_the_first_finding_and_counts_them() -> None:
    with pytest.raises(PlanRefused) as refusal:
        verify(wanted(), replace(honest(), costs=CostTerms(unfilled=Money(1))))

    assert len(refusal.value.findings) > 1
    assert "in total" in str(refusal.value)


def test_the_verifier_knows_no_solver_and_none_of_the_arithmetic_it_checks() -> None:
    names = vars(verification)

    assert not {"solve", "numpy", "np", "atom_terms", "parcel_terms", "pack"} & names.keys()
