"""The four services under a virtual clock, with faults: nothing is lost, nothing is done twice."""

import os
from collections.abc import Sequence

import pytest

from tests.simulation.faults import Fault, Kind
from tests.simulation.markers import EXPECTED
from tests.simulation.running import run
from tests.simulation.shrinking import shrink
from tests.simulation.twice import digests

SEEDS = int(os.environ.get("ORDERMESH_SIMULATION_SEEDS", "200"))
"""How many seeds every change runs; ``make simulate`` runs more."""

SEEDS_TOGETHER = 10

pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize(
    "seeds",
    [
        range(first, min(first + SEEDS_TOGETHER, SEEDS + 1))
        for first in range(1, SEEDS + 1, SEEDS_TOGETHER)
    ],
    ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}",
)
def test_seeds_end_with_nothing_lost_and_nothing_done_twice(seeds: Sequence[int]) -> None:
    for seed in seeds:
        result = run(seed)
        assert not result.violations, f"{result.violations}; again: {result.command}"


def test_a_seed_is_the_same_run_each_time_also_in_another_process() -> None:
    # In processes of their own: in this one other tests may have begun to trace what they call.
    assert digests([4, 16], "1") == digests([4, 16], "2")


def test_a_seed_is_the_same_run_whatever_was_run_before_it() -> None:
    _, alone, _, later = digests([3, 2, 3], "1")
    assert later == alone


def test_another_seed_is_another_run() -> None:
    assert run(1, only=()).history.digest != run(2, only=()).history.digest


def test_of_many_faults_those_are_left_that_it_takes() -> None:
    faults = [
        Fault(number, Kind.CRASH, "routing", time=1.0, seconds=1.0, strength=0.5)
        for number in range(9)
    ]
    assert shrink(faults, lambda numbers: {2, 7} <= set(numbers)) == [2, 7]
    assert shrink(faults, lambda numbers: True) == []


def test_every_marker_has_one_name() -> None:
    assert len(set(EXPECTED)) == len(EXPECTED) >= 60
