"""What is said to conflict does, without any one of it nothing does, and ways out lead out."""

from dataclasses import replace

import pytest

from ordermesh.routing.domain.conflict import (
    Member,
    MemberKind,
    find_conflict,
    members_of,
    without,
)
from ordermesh.routing.domain.inputs import SourcingInputs
from ordermesh.routing.domain.problem import Rule
from ordermesh.routing.domain.sourcing import Rejection, SourcingLine, SourcingOrder, SourcingPolicy
from ordermesh.routing.solver.solve import solve
from tests.routing.scenes import COSTS, random_inputs, site
from tests.routing.sourcing import HOME


def can_be_filled(inputs: SourcingInputs, dropped: tuple[Member, ...]) -> bool:
    problem = replace(without(inputs, dropped).problem, all_or_nothing=True)
    return solve(problem).plan.is_complete


@pytest.mark.parametrize("start", range(0, 150, 25))
def test_a_conflict_is_minimal_and_its_ways_out_lead_out(start: int) -> None:
    seen = 0
    for seed in range(start, start + 25):
        inputs = random_inputs(seed)
        conflict = find_conflict(inputs, solve)
        if conflict is None:
            assert can_be_filled(inputs, ()), seed
            continue
        every = members_of(inputs)
        if not conflict.members:
            assert not can_be_filled(inputs, every), seed
            continue
        seen += 1
        others = tuple(one for one in every if one not in conflict.members)
        assert not can_be_filled(inputs, others), seed
        for member in conflict.members:
            assert can_be_filled(inputs, (*others, member)), (seed, member)
        for way in conflict.ways_out:
            plan = solve(replace(without(inputs, way.members).problem, all_or_nothing=True)).plan
            assert plan.is_complete, (seed, way)
            assert plan.costs.total == way.cost, (seed, way)
        costs = [way.cost for way in conflict.ways_out]
        assert costs == sorted(costs), seed
    assert seen > 3


def scene(*, shipments_max: int | None = None) -> SourcingInputs:
    """Three mugs are wanted; A has two, B has one behind a fence."""
    lines = (SourcingLine("1", "MUG", 3, 400, divisible=True),)
    return SourcingInputs(
        SourcingOrder("order-1", lines, HOME),
        (site("A", 1), site("B", 2)),
        SourcingPolicy(costs=COSTS, shipments_max=shipments_max),
        {"A": {"MUG": 2}, "B": {"MUG": 1}},
        (Rejection("B", frozenset(), "keeps its last units", Rule.FENCED, "last-units"),),
    )


def test_a_fence_that_keeps_the_last_unit_is_named_with_its_fact() -> None:
    conflict = find_conflict(scene(), solve)

    assert conflict is not None
    by_kind = {member.kind: member for member in conflict.members}
    assert by_kind[MemberKind.RULE].name == "last-units"
    assert by_kind[MemberKind.RULE].fact == "B: keeps its last units"
    assert by_kind[MemberKind.STOCK].fact == "3 of MUG are wanted, 3 are there"
    assert [way.members[0].kind for way in conflict.ways_out] == [
        MemberKind.STOCK,
        MemberKind.RULE,
    ]


def test_two_things_that_must_give_way_together_are_one_way_out() -> None:
    conflict = find_conflict(scene(shipments_max=1), solve)

    assert conflict is not None
    ways = [{member.kind for member in way.members} for way in conflict.ways_out]
    assert {MemberKind.RULE, MemberKind.SHIPMENTS_MAX} in ways


def test_a_limit_of_parcels_is_named_and_can_give_way() -> None:
    free = replace(scene(), rejections=())
    limited = replace(free, policy=replace(free.policy, parcels_max=1))

    conflict = find_conflict(limited, solve)

    assert conflict is not None
    assert MemberKind.PARCELS_MAX in {member.kind for member in conflict.members}
    assert any(
        [member.kind for member in way.members] == [MemberKind.PARCELS_MAX]
        for way in conflict.ways_out
    )


def test_an_order_that_can_be_filled_has_no_conflict() -> None:
    assert find_conflict(replace(scene(), rejections=()), solve) is None


def test_where_nobody_reaches_nothing_can_give_way() -> None:
    (zone,) = COSTS.zones[:1]
    near = replace(COSTS, zones=(replace(zone, distance_km_max=10),))
    far = replace(scene(), policy=SourcingPolicy(costs=near))

    conflict = find_conflict(far, solve)

    assert conflict is not None
    assert conflict.members == ()
    assert conflict.ways_out == ()
