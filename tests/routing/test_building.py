"""From an order, a network, a policy and stock to a problem: nothing is dropped silently."""

import hashlib
import json
from dataclasses import replace

import pytest

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.building import build_problem
from ordermesh.routing.domain.errors.requests import DuplicateEntry, FieldViolation
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.problem import Group, Part, Problem, Rule
from ordermesh.routing.domain.rates import declared_costs
from ordermesh.routing.domain.sourcing import (
    Rejection,
    SourcingComponent,
    SourcingLine,
    SourcingLocation,
    SourcingOrder,
    SourcingPolicy,
)
from tests.routing.rich import rich_problem

PHILADELPHIA = Place.from_degrees(39.95, -75.17)
RENO = Place.from_degrees(39.53, -119.81)
ORDER = SourcingOrder(
    "order-1",
    (SourcingLine("1", "MUG", 2, 400, divisible=True), SourcingLine("2", "LAMP", 1, 3_000)),
    PHILADELPHIA,
)
POLICY = SourcingPolicy(declared_costs(), promise_days=3)
NEAR = SourcingLocation("NEAR", PHILADELPHIA, 1, Money(14_000), Money(4_500), 1)
FAR = SourcingLocation("FAR", RENO, 2, Money(26_000), Money(11_000), 1)
STOCK = {"NEAR": {"MUG": 5, "LAMP": 1}, "FAR": {"MUG": 1, "LAMP": 2}}


def built(
    near: SourcingLocation = NEAR,
    policy: SourcingPolicy = POLICY,
    stock: dict[str, dict[str, int]] = STOCK,
    rejections: tuple[Rejection, ...] = (),
) -> Problem:
    return build_problem(ORDER, [FAR, near], policy, stock, rejections)


def test_locations_are_seen_from_the_destination_in_order_of_rank() -> None:
    near, far = built().candidates

    (soon,), (late,) = near.options, far.options
    assert (near.location_id, soon.zone, near.distance_km, soon.days) == ("NEAR", 2, 0, 2)
    assert (far.location_id, late.zone, late.days) == ("FAR", 8, 6)
    assert far.available == (("LAMP", 2), ("MUG", 1))


def test_a_divisible_line_is_an_atom_for_each_unit() -> None:
    assert built().groups == (
        Group("1", (Part("MUG", 1, 400),), 2),
        Group("2", (Part("LAMP", 1, 3_000),), 1),
    )


def test_a_kit_is_one_atom_of_all_its_components() -> None:
    parts = (SourcingComponent("SAUCER", 1, 200), SourcingComponent("CUP", 2, 300))
    kit = SourcingLine("1", "TEA-SET", 3, components=parts)

    def groups(line: SourcingLine) -> tuple[Group, ...]:
        order = replace(ORDER, lines=(line,))
        return build_problem(order, [NEAR], POLICY, {}).groups

    together = (Part("CUP", 6, 300), Part("SAUCER", 3, 200))
    assert groups(kit) == (Group("1", together, 1),)
    each = (Part("CUP", 2, 300), Part("SAUCER", 1, 200))
    assert groups(replace(kit, divisible=True)) == (Group("1", each, 3),)
    apart = replace(kit, components_may_split=True)
    assert groups(apart) == (
        Group("1", (Part("CUP", 6, 300),), 1),
        Group("1", (Part("SAUCER", 3, 200),), 1),
    )
    assert groups(replace(apart, divisible=True)) == (
        Group("1", (Part("CUP", 1, 300),), 6),
        Group("1", (Part("SAUCER", 1, 200),), 3),
    )


@pytest.mark.parametrize(
    ("near", "policy", "rule", "fact"),
    [
        (replace(NEAR, active=False), POLICY, Rule.SWITCHED_OFF, "not active"),
        (replace(NEAR, ships=False), POLICY, Rule.SWITCHED_OFF, "switched off"),
        (
            NEAR,
            replace(POLICY, allowed_location_ids=frozenset({"FAR"})),
            Rule.NOT_ALLOWED,
            "1 locations allowed",
        ),
        (
            replace(NEAR, handling_days=3),
            replace(POLICY, promise_is_hard=True, promise_days=3),
            Rule.PAST_PROMISE,
            "after 4 days, promised in 3",
        ),
        (replace(NEAR, capacity_units=0), POLICY, Rule.NO_CAPACITY, "0 units left"),
    ],
)
def test_a_location_that_a_rule_takes_away_is_recorded_with_the_fact(
    near: SourcingLocation, policy: SourcingPolicy, rule: Rule, fact: str
) -> None:
    wanted = built(near, policy)

    removal = next(r for r in wanted.removals if r.location_id == "NEAR")
    assert (removal.rule, removal.line_ids) == (rule, ("1", "2"))
    assert fact in removal.fact
    assert "NEAR" not in {candidate.location_id for candidate in wanted.candidates}


def test_beyond_the_last_zone_nobody_delivers() -> None:
    costs = declared_costs()
    wanted = built(policy=replace(POLICY, costs=replace(costs, zones=costs.zones[:1])))

    assert [candidate.location_id for candidate in wanted.candidates] == ["NEAR"]
    (removal,) = wanted.removals
    assert (removal.rule, removal.location_id) == (Rule.OUT_OF_REACH, "FAR")


def test_a_location_that_rejected_the_order_is_left_out() -> None:
    wanted = built(rejections=(Rejection("NEAR", frozenset(), "damaged"),))

    assert [candidate.location_id for candidate in wanted.candidates] == ["FAR"]
    assert [(r.rule, r.fact) for r in wanted.removals] == [(Rule.REJECTED_BEFORE, "damaged")]


def test_a_location_that_rejected_a_line_may_ship_the_others() -> None:
    wanted = built(rejections=(Rejection("NEAR", frozenset({"2"}), "not found"),))

    assert wanted.candidates[0].excluded_line_ids == ("2",)
    (removal,) = wanted.removals
    assert (removal.rule, removal.line_ids) == (Rule.REJECTED_BEFORE, ("2",))


def test_what_a_location_does_not_stock_is_recorded_by_line() -> None:
    wanted = built(stock={"NEAR": {"MUG": 5, "LAMP": -1}})

    assert [(r.location_id, r.rule, r.line_ids) for r in wanted.removals] == [
        ("NEAR", Rule.NOT_STOCKED, ("2",)),
        ("FAR", Rule.NOT_STOCKED, ("1", "2")),
    ]
    assert wanted.candidates[0].available == (("MUG", 5),)


def test_the_same_input_in_another_order_is_the_same_problem() -> None:
    turned = replace(ORDER, lines=ORDER.lines[::-1])

    again = build_problem(turned, [NEAR, FAR], POLICY, STOCK)

    assert again == built()
    assert again.hash == built().hash


def test_the_hash_changes_with_whatever_could_change_the_decision() -> None:
    hashes = {
        built().hash,
        built(near=replace(NEAR, rank=3)).hash,
        built(near=replace(NEAR, capacity_units=9)).hash,
        built(near=replace(NEAR, labor_per_unit=Money(4_501))).hash,
        built(policy=replace(POLICY, promise_days=4)).hash,
        built(policy=replace(POLICY, shipments_max=1)).hash,
        built(policy=replace(POLICY, all_or_nothing=True)).hash,
        built(policy=replace(POLICY, costs=replace(POLICY.costs, version="2"))).hash,
        built(stock={**STOCK, "NEAR": {"MUG": 4, "LAMP": 1}}).hash,
    }

    assert len(hashes) == 9


def test_the_hash_of_a_problem_stays_what_it_was() -> None:
    assert built().hash == ("77cd9a068b886ae6b25010e5822f4924a753164eda4c8d1a04d09dbbe1969b8b")


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ((SourcingLine("1", "MUG", 1), SourcingLine("2", "MUG", -1)), "lines.quantity"),
        ((SourcingLine("1", "MUG", 1, weight_grams=-1),), "lines.weight_grams"),
        ((SourcingLine("1", "MUG", 10**6, weight_grams=10**9),), "lines"),
    ],
)
def test_numbers_out_of_range_are_refused(lines: tuple[SourcingLine, ...], field: str) -> None:
    with pytest.raises(FieldViolation) as refusal:
        build_problem(replace(ORDER, lines=lines), [NEAR, FAR], POLICY, STOCK)

    assert refusal.value.facts()["field"] == field


def test_repeated_names_are_refused() -> None:
    twice = replace(ORDER, lines=(ORDER.lines[0], ORDER.lines[0]))
    parts = (SourcingComponent("CUP", 1), SourcingComponent("CUP", 1))
    kit = replace(ORDER, lines=(SourcingLine("1", "TEA-SET", 1, components=parts),))

    for order, network in ((twice, [NEAR]), (kit, [NEAR]), (ORDER, [NEAR, NEAR])):
        with pytest.raises(DuplicateEntry):
            build_problem(order, network, POLICY, STOCK)


def test_a_problem_out_of_canonical_order_is_refused() -> None:
    wanted = built()

    with pytest.raises(ValueError, match="sorted"):
        replace(wanted, groups=wanted.groups[::-1])
    with pytest.raises(ValueError, match="sorted"):
        replace(wanted, candidates=wanted.candidates[::-1])
    with pytest.raises(ValueError, match="tariff"):
        replace(wanted, tariffs=())
    with pytest.raises(ValueError, match="options"):
        replace(wanted, candidates=(replace(wanted.candidates[0], options=()),))


def test_the_hash_is_the_digest_of_the_canonical_form() -> None:
    for seed in range(60):
        wanted = rich_problem(seed)
        text = json.dumps(wanted.canonical, sort_keys=True, separators=(",", ":"))
        assert wanted.hash == hashlib.sha256(text.encode()).hexdigest()
