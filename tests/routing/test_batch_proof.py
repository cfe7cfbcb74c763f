"""The proof of batches notices what is not as it must be, and keeps what it has found out."""

from dataclasses import replace
from pathlib import Path

import pytest

from ordermesh.routing.domain.batch.plan import BatchStatus
from tests.routing.batch_proof import Compared, Kept, compare, faults_of
from tests.routing.batches import Optimum, draw_small, optimum, optimum_of_ways


@pytest.fixture(scope="module")
def compared() -> Compared:
    return compare(1, orders=10, seconds=20)


def test_what_is_as_it_must_be_has_no_faults(compared: Compared) -> None:
    assert compared.oracle.is_closed
    assert list(faults_of(compared)) == []


def test_a_plan_below_what_nothing_can_be_below_is_a_fault(compared: Compared) -> None:
    open_ = Optimum(None, compared.plan.cost + 1)

    (fault,) = faults_of(replace(compared, oracle=open_))

    assert fault.endswith(f"nothing can be below {open_.proven}.")


def test_a_bound_above_a_plan_that_there_is_is_a_fault(compared: Compared) -> None:
    there = Optimum(compared.plan.bound - 1, 0)
    feasible = replace(compared.plan, status=BatchStatus.FEASIBLE)

    (fault,) = faults_of(replace(compared, plan=feasible, oracle=there))

    assert fault.endswith(f"there is a plan of {there.found}.")


def test_a_plan_that_is_called_the_cheapest_and_is_not_is_a_fault(compared: Compared) -> None:
    lower = replace(compared.plan, bound=0, status=BatchStatus.OPTIMAL)
    there = Optimum(compared.plan.cost - 1, 0)

    faults = list(faults_of(replace(compared, plan=lower, oracle=there)))

    assert any(fault.endswith(f"one costs {there.found}.") for fault in faults)


@pytest.mark.parametrize("seed", range(6))
def test_choosing_among_all_ways_gives_what_the_compact_programme_gives(seed: int) -> None:
    found = compare(seed, orders=9, seconds=20)
    plan = found.plan

    # From a plan that is dearer than the cheapest, it finds the cheapest.
    ways = optimum_of_ways(found.batch, plan.cost + 20_000, plan.prices.tolist(), 20)

    assert ways == optimum(found.batch, 20)


def test_ways_beyond_what_fits_are_not_chosen_from() -> None:
    batch = draw_small(2, orders=8)
    nothing = [0] * len(batch.capacities)

    assert optimum_of_ways(batch, 10**9, nothing, 5, most=50) is None


def test_what_was_found_out_is_known_the_next_time_and_only_gets_better(tmp_path: Path) -> None:
    path, batch = tmp_path / "kept.jsonl", draw_small(3)
    kept = Kept(path)
    assert kept.known(batch) is None
    kept.add(batch, Optimum(None, 50), "compact")
    kept.add(batch, Optimum(90, 40), "ways")

    again = Kept(path)

    assert again.known(batch) == (Optimum(90, 50), "ways")
    assert again.known(draw_small(4)) is None
    assert again.add(batch, Optimum(80, 80), "ways") == (Optimum(80, 80), "ways")
    assert Kept(path).known(batch) == (Optimum(80, 80), "ways")
