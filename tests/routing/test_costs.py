"""What a parcel, an atom and a plan cost under the declared prices, to the last 1e-4."""

from dataclasses import replace

import pytest

from ordermesh.kernel.errors import RuleViolated
from ordermesh.kernel.money import Money, from_decimal
from ordermesh.routing.domain.costs import (
    atom_terms,
    parcel_terms,
    require_unfilled_dominates,
    unfilled_penalty,
)
from ordermesh.routing.domain.plan import assemble
from ordermesh.routing.domain.problem import Group, Part, Problem
from ordermesh.routing.domain.rates import (
    CostModel,
    LocationKind,
    ZoneRates,
    declared_costs,
    declared_handling,
)
from ordermesh.routing.domain.rounding import divide_half_even
from tests.routing.sourcing import line, location, problem

STORE = declared_handling(LocationKind.STORE)


def two_kilos_in_zone_five(promise_days: int | None = 3) -> Problem:
    held = replace(
        location("A", km=1_200, zone=5, transit_days=3, MUG=4),
        pick_fee_per_parcel=STORE.pick_fee_per_parcel,
        labor_per_unit=STORE.labor_per_unit,
    )
    lines = [line("1", "MUG", 2, grams=1_000, whole=True)]
    return problem(lines, [held], declared_costs(), promise_days=promise_days)


def test_a_parcel_pays_freight_pick_fee_and_its_carbon() -> None:
    wanted = two_kilos_in_zone_five()

    candidate = wanted.candidates[0]
    terms = parcel_terms(wanted, candidate, candidate.options[0], 2_000)

    assert terms.freight == from_decimal("7.80")
    assert terms.pick == from_decimal("2.60")
    # (0.25 + 0.00006 * 1,200) kg at 0.10 USD.
    assert terms.carbon == from_decimal("0.0322")
    assert terms.total == from_decimal("10.4322")


def test_an_atom_pays_weight_labor_days_and_the_carbon_of_its_weight() -> None:
    wanted = two_kilos_in_zone_five()

    candidate = wanted.candidates[0]
    terms = atom_terms(wanted, candidate, candidate.options[0], wanted.groups[0])

    assert terms.freight == from_decimal("1.56")
    assert terms.labor == from_decimal("2.20")
    # 0.0001 kg for each of 2 kg and 1,200 km at 0.10 USD.
    assert terms.carbon == from_decimal("0.0240")
    assert terms.transit == from_decimal("0.90")
    # Handling 1 and transit 3 days, promised in 3.
    assert terms.late == from_decimal("3.50")


def test_nothing_is_late_without_a_promise() -> None:
    wanted = two_kilos_in_zone_five(promise_days=None)

    candidate = wanted.candidates[0]
    assert atom_terms(wanted, candidate, candidate.options[0], wanted.groups[0]).late == 0


def test_an_atom_left_pays_fixed_units_and_weight() -> None:
    wanted = two_kilos_in_zone_five()

    assert unfilled_penalty(wanted.costs, wanted.groups[0]) == from_decimal("34.00")


def test_days_are_charged_for_each_unit_of_a_divisible_line_and_once_for_a_whole_one() -> None:
    costs = declared_costs()
    held = [location("A", zone=2, MUG=3)]

    divisible = assemble(problem([line("1", "MUG", 3)], held, costs), {"A": {0: 3}})
    whole = assemble(problem([line("1", "MUG", 3, whole=True)], held, costs), {"A": {0: 1}})

    assert divisible.costs.transit == from_decimal("0.90")
    assert whole.costs.transit == from_decimal("0.30")


def test_the_split_is_charged_for_every_parcel_but_the_first_of_the_order() -> None:
    costs = declared_costs()
    held = [location(name, zone=2, MUG=1) for name in "ABC"]
    wanted = problem([line("1", "MUG", 3)], held, costs)

    alone = assemble(wanted, {"A": {0: 1}})
    split = assemble(wanted, {name: {0: 1} for name in "ABC"})

    assert alone.costs.split == 0
    assert [s.costs.split for s in split.shipments] == [0, 20_000, 20_000]
    assert split.costs.split == from_decimal("4.00")


def test_terms_add_up_over_shipments_to_the_plan() -> None:
    wanted = problem(
        [line("1", "MUG", 3, grams=333)],
        [location("A", zone=2, MUG=1), location("B", zone=4, km=777, MUG=1)],
        declared_costs(),
    )

    plan = assemble(wanted, {"A": {0: 1}, "B": {0: 1}})

    shipped = sum(shipment.costs.total for shipment in plan.shipments)
    assert plan.costs.total == shipped + unfilled_penalty(wanted.costs, wanted.groups[0])
    assert plan.costs.unfilled == from_decimal("24.6660")


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [(5, 10, 0), (15, 10, 2), (25, 10, 2), (26, 10, 3), (24, 10, 2), (7, 1, 7), (1, 3, 0)],
)
def test_terms_are_rounded_half_to_even(numerator: int, denominator: int, rounded: int) -> None:
    assert divide_half_even(numerator, denominator) == rounded


def farthest_store(promise_days: int | None) -> Problem:
    """Units of 5, 10 and 15 kg, one, two and three of them, from a store in the last zone."""
    parts = [Group(str(n), (Part(f"S{n}", n, 5_000 * n),), 1) for n in range(1, 4)]
    store = replace(
        location("A", km=4_500, zone=8, transit_days=5),
        pick_fee_per_parcel=STORE.pick_fee_per_parcel,
        labor_per_unit=STORE.labor_per_unit,
    )
    return problem(parts, [store], declared_costs(), promise_days=promise_days)


def test_declared_prices_make_leaving_the_last_resort_when_nothing_is_late() -> None:
    require_unfilled_dominates(farthest_store(promise_days=None))
    require_unfilled_dominates(farthest_store(promise_days=6))


def test_declared_prices_do_not_outweigh_four_late_days_of_a_light_unit() -> None:
    with pytest.raises(RuleViolated):
        require_unfilled_dominates(farthest_store(promise_days=2))


def test_a_penalty_below_the_cost_of_shipping_is_refused_naming_the_pair() -> None:
    costs = replace(declared_costs(), unfilled_per_atom=Money(0), unfilled_per_unit=Money(0))
    wanted = problem([line("line-7", "MUG")], [location("NEAR", zone=2, MUG=1)], costs)

    with pytest.raises(RuleViolated) as refusal:
        require_unfilled_dominates(wanted)

    facts = refusal.value.facts()
    assert (facts["lineId"], facts["locationId"]) == ("line-7", "NEAR")
    assert facts["penalty"] == "2"
    assert refusal.value.reason == "UNFILLED_MUST_DOMINATE"


def test_zones_end_where_the_last_one_ends() -> None:
    costs = declared_costs()
    near = replace(costs, zones=costs.zones[:2])

    assert [rates.zone for rates in map(costs.zone_at, (0, 240, 241, 2_901)) if rates] == [
        2,
        2,
        3,
        8,
    ]
    assert near.zone_at(480) is not None
    assert near.zone_at(481) is None


@pytest.mark.parametrize(
    "zones",
    [
        (),
        (ZoneRates(1, None, Money(1), Money(1), 1), ZoneRates(2, 100, Money(1), Money(1), 1)),
        (ZoneRates(1, 200, Money(1), Money(1), 1), ZoneRates(2, 100, Money(1), Money(1), 1)),
        (ZoneRates(1, 100, Money(1), Money(1), 1), ZoneRates(1, 200, Money(1), Money(1), 1)),
        (ZoneRates(1, 100, Money(-1), Money(1), 1),),
    ],
)
def test_zones_that_make_no_sense_are_refused(zones: tuple[ZoneRates, ...]) -> None:
    declared = declared_costs()

    with pytest.raises(ValueError, match=r"zone|price"):
        replace(declared, zones=zones)


def test_a_cost_model_is_a_value() -> None:
    assert declared_costs() == declared_costs()
    assert isinstance(hash(declared_costs()), int)
    assert isinstance(declared_costs(), CostModel)
