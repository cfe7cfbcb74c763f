"""A batch decided together: feasible, never above one order at a time, and bounded from below."""

import itertools
import json
import os
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.batch.instance import Batch, Brackets
from ordermesh.routing.domain.batch.plan import BatchStatus, service_of
from ordermesh.routing.domain.batch.verification import bound_of, find_batch_faults, verify_batch
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.problem import (
    Adjustment,
    AdjustmentKind,
    Candidate,
    Group,
    Option,
    Part,
    Problem,
)
from ordermesh.routing.domain.tariffs import zone_tariff
from ordermesh.routing.solver.batch.engine import Budget, Progress, Stage, plan_batch
from ordermesh.routing.solver.batch.master import Chosen, Master, solve_master
from ordermesh.routing.solver.solve import solve
from tests.routing.batch_proof import compare, faults_of
from tests.routing.batches import draw_small, optimum, with_hard_promises, with_weights
from tests.routing.same_plan import digest

OTHER = os.environ.get("ORDERMESH_OTHER_PYTHON", "")
QUICK = Budget(passes=60, moves=40, final_passes=40, masters=2)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(9))
def test_the_bound_is_never_above_the_optimum_and_the_plan_never_below(seed: int) -> None:
    compared = compare(seed, orders=8, seconds=20)

    assert list(faults_of(compared)) == []
    assert compared.oracle.is_closed


def test_a_plan_that_pays_more_than_its_penalty_at_prices_is_offered_to_the_master() -> None:
    # At prices an order would rather leave a line than send it, and yet the optimum sends it.
    batch = draw_small(0, orders=12, locations=3)

    found = plan_batch(batch, 0, QUICK, choose=lambda master: solve_master(master, 60)).plan

    assert found.status is BatchStatus.OPTIMAL
    assert found.cost == optimum(batch).found


@pytest.mark.parametrize("seed", range(8))
def test_one_order_costs_what_it_costs_alone(seed: int) -> None:
    batch = draw_small(seed, orders=1, skus=4)

    together = plan_batch(batch, 0, QUICK)
    alone = solve(_problem(batch))

    assert together.plan.cost == alone.plan.costs.total


def test_the_same_seed_and_budget_give_the_same_plan() -> None:
    batch = draw_small(3, orders=60)

    one, other = plan_batch(batch, 5, QUICK), plan_batch(batch, 5, QUICK)

    assert (one.plan.location == other.plan.location).all()
    assert (one.plan.prices == other.plan.prices).all()
    assert (one.plan.cost, one.plan.bound) == (other.plan.cost, other.plan.bound)


@pytest.mark.timeout(600)
@pytest.mark.skipif(not OTHER, reason="no other Python: set ORDERMESH_OTHER_PYTHON")
def test_another_python_makes_the_same_plan() -> None:
    # It has what requirements.lock lists, and finds the project on PYTHONPATH.
    command = ["-m", "tests.routing.same_plan"]

    ended = subprocess.run([OTHER, *command], capture_output=True, text=True, check=True)

    found = json.loads(ended.stdout.splitlines()[-1])
    assert found == [digest(seed) for seed in (1, 2)]
    assert not any(one["is_cut"] for one in found)


@pytest.mark.timeout(300)
def test_the_master_makes_no_plan_dearer_and_closes_what_it_is_offered_whole() -> None:
    closed = 0
    for seed in range(31, 35):
        batch = draw_small(seed, orders=20)

        without = plan_batch(batch, 1, QUICK)
        found = plan_batch(batch, 1, QUICK, choose=lambda master: solve_master(master, 60))

        verify_batch(batch, found.plan)
        assert found.plan.cost <= without.plan.cost
        if found.plan.status is BatchStatus.OPTIMAL:
            closed += 1
            best = optimum(batch)
            assert best.found is not None
            assert best.proven <= found.plan.cost <= best.found

    assert closed > 0


def test_a_master_that_answers_nonsense_changes_nothing() -> None:
    batch = draw_small(8, orders=20)
    without = plan_batch(batch, 1, QUICK)

    def all_of_them(master: Master) -> Chosen:
        return Chosen(np.ones(len(master.order), np.bool_), is_optimal=False)

    def the_cheapest(master: Master) -> Chosen:
        """Whatever stock there is."""
        columns = np.zeros(len(master.order), np.bool_)
        for order in np.unique(master.order):
            own = np.flatnonzero(master.order == order)
            columns[own[master.cost[own].argmin()]] = True
        return Chosen(columns, is_optimal=False)

    for choose in (all_of_them, the_cheapest, lambda _: None):
        found = plan_batch(batch, 1, QUICK, choose=choose)
        verify_batch(batch, found.plan)
        assert found.plan.cost == without.plan.cost
        assert found.plan.status is not BatchStatus.OPTIMAL


def test_whatever_the_prices_no_plan_costs_less_than_they_prove() -> None:
    batch = draw_small(7, orders=10)
    found = optimum(batch).found
    draw = np.random.default_rng(1)

    proofs = [
        bound_of(batch, draw.integers(0, most, len(batch.capacities)).tolist())
        for most in (1, 2_000, 50_000, 400_000)
    ]

    assert found is not None
    assert max(proofs) <= found
    assert len(set(proofs)) == len(proofs)


def test_the_solver_and_the_verifier_prove_the_same_to_the_last_integer() -> None:
    batch = draw_small(11, orders=40)

    plan = plan_batch(batch, 1, QUICK).plan

    assert bound_of(batch, plan.prices.tolist()) == plan.bound


def test_stopped_at_once_there_is_still_a_plan() -> None:
    batch = draw_small(2, orders=30)

    result = plan_batch(batch, is_over=lambda: True)

    verify_batch(batch, result.plan)
    assert result.is_cut
    assert result.plan.cost == result.myopic.cost
    assert result.plan.status is BatchStatus.TIME_LIMIT


def test_a_bound_that_takes_its_share_of_the_time_leaves_the_rest_to_plans() -> None:
    batch = draw_small(4, orders=60)
    told: list[Progress] = []

    passed = itertools.count(1)
    endless = replace(QUICK, passes=10_000)

    hurried = plan_batch(batch, 1, endless, tell=told.append, used=lambda: next(passed) / 50)
    unhurried = plan_batch(batch, 1, endless)

    (bounded,) = [one.plan for one in told if one.stage is Stage.BOUND]
    assert bounded.cost == hurried.myopic.cost
    assert {one.stage for one in told} >= {Stage.GUIDED, Stage.MOVES}
    verify_batch(batch, hurried.plan)
    # What the clock has changed is told, and is better than the orders one after the other.
    assert hurried.passes < unhurried.passes
    assert hurried.plan.cost < hurried.myopic.cost
    assert (hurried.is_cut, hurried.plan.status) == (True, BatchStatus.TIME_LIMIT)
    assert not unhurried.is_cut


def test_plans_are_told_as_they_are_found_and_never_get_worse() -> None:
    batch = draw_small(4, orders=60)
    told: list[Progress] = []

    result = plan_batch(batch, 1, QUICK, tell=told.append)

    costs = [one.plan.cost for one in told]
    assert costs == sorted(costs, reverse=True)
    assert [one.plan.bound for one in told] == sorted(one.plan.bound for one in told)
    assert told[0].stage is Stage.MYOPIC
    assert told[-1].stage is Stage.FINAL
    assert told[-1].plan.cost == result.plan.cost
    for one in told:
        verify_batch(batch, one.plan)


def test_two_units_of_one_item_are_not_taken_where_one_lies() -> None:
    batch = draw_small(5, orders=30, skus=1, atoms=4)

    result = plan_batch(batch, 1, QUICK)

    verify_batch(batch, result.plan)
    assert service_of(batch, result.plan.location).unfilled_units > 0


def test_no_atom_arrives_after_a_promise_that_no_plan_may_break() -> None:
    batch = with_hard_promises(draw_small(6, orders=30, locations=6), 6)
    assert batch.atoms.days_max is not None

    plan = plan_batch(batch, 1, QUICK).plan

    verify_batch(batch, plan)
    freely = plan_batch(draw_small(6, orders=30, locations=6), 1, QUICK).plan
    late = replace(plan, location=freely.location, cost=freely.cost)
    assert any("too late" in one for one in find_batch_faults(batch, late, with_bound=False))
    assert plan.cost > freely.cost


def test_a_parcel_heavier_than_any_bracket_is_not_sent() -> None:
    batch = with_weights(draw_small(9, orders=20), 9)
    assert batch.brackets is not None
    light = replace(
        batch, brackets=Brackets(batch.brackets.up_to_grams[:2], batch.brackets.price[:, :2])
    )

    plan = plan_batch(light, 1, QUICK).plan

    verify_batch(light, plan)
    heavy = light.items.grams[light.atoms.item] * light.atoms.units > 1_000
    assert heavy.any()
    assert (plan.location[heavy] == -1).all()
    assert (plan.location >= 0).any()


def test_a_plan_to_begin_with_is_never_made_dearer() -> None:
    batch = draw_small(12, orders=40)
    best = plan_batch(batch, 1, QUICK).plan

    again = plan_batch(batch, 1, Budget(passes=1, moves=0, final_passes=1), start=best.location)

    verify_batch(batch, again.plan)
    assert again.plan.cost <= best.cost < again.myopic.cost


@pytest.mark.parametrize("place", [-2, 3, 99])
def test_a_plan_to_begin_with_that_cannot_be_is_not_begun_with(place: int) -> None:
    batch = draw_small(12, orders=10)
    location = np.full(len(batch.atoms.item), place, np.int64)

    with pytest.raises(ValueError, match="cannot be"):
        plan_batch(batch, 1, QUICK, start=location)


def _problem(batch: Batch) -> Problem:
    """The only order of a batch as the single decision knows it."""
    costs = batch.costs
    groups = tuple(
        Group(
            f"{atom:02}",
            (Part(batch.items.skus[item], units, int(batch.items.grams[item])),),
            1,
        )
        for atom, (item, units) in enumerate(
            zip(batch.atoms.item.tolist(), batch.atoms.units.tolist(), strict=True)
        )
    )
    candidates = []
    row_of = batch.distance_km[batch.orders.destination[0]]
    for place, name in enumerate(batch.locations.ids):
        zone = costs.zone_at(int(row_of[place]))
        rows = np.flatnonzero(batch.stock.location == place)
        held = tuple(
            (batch.items.skus[batch.stock.item[r]], int(batch.stock.units[r])) for r in rows
        )
        if not held or zone is None:
            continue
        saved = tuple(
            Adjustment(AdjustmentKind.MARKDOWN, f"{atom:02}", Money(-int(credit)))
            for atom, item in enumerate(batch.atoms.item.tolist())
            for row in rows
            if batch.stock.item[row] == item and (credit := batch.stock.credit[row])
        )
        option = Option(
            "zone", zone.zone, costs.zones.index(zone), zone.transit_days, zone.transit_days + 1
        )
        candidates.append(
            Candidate(
                location_id=name,
                rank=place,
                distance_km=int(row_of[place]),
                options=(option,),
                pick_fee_per_parcel=Money(int(batch.locations.pick_fee[place])),
                labor_per_unit=Money(int(batch.locations.labor_per_unit[place])),
                capacity_units=int(batch.locations.capacity[place]),
                available=held,
                adjustments=saved,
            )
        )
    promise = int(batch.orders.promise_days[0])
    return Problem(
        order_id="one",
        destination=Place.from_degrees(40, -75),
        groups=groups,
        candidates=tuple(candidates),
        costs=costs,
        tariffs=tuple(zone_tariff(costs, zone) for zone in costs.zones),
        promise_days=None if promise < 0 else promise,
    )
