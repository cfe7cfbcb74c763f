"""The four services under a virtual clock, with faults: nothing is lost, nothing is done twice."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.simulation.faults import Fault, Kind
from tests.simulation.markers import EXPECTED
from tests.simulation.running import run
from tests.simulation.shrinking import shrink

SEEDS = int(os.environ.get("ORDERMESH_SIMULATION_SEEDS", "28"))
"""How many seeds every change runs; ``make simulate`` runs more."""

SEEDS_TOGETHER = 4

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
    digests = {tuple(_digests_elsewhere([4], hash_seed)) for hash_seed in ("1", "2")}
    assert len(digests) == 1


def test_a_seed_is_the_same_run_whatever_was_run_before_it() -> None:
    alone, _, later = _digests_elsewhere([3, 2, 3], "1")
    assert later == alone


def test_another_seed_is_another_run() -> None:
    assert run(1, only=()).history.digest != run(2, only=()).history.digest


def _digests_elsewhere(seeds: Sequence[int], hash_seed: str) -> list[str]:
    """The digests of runs in a process that walks through sets of words in another order."""
    program = (
        "from tests.simulation.running import run\n"
        f"for seed in {list(seeds)}: print(run(seed).history.digest)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_of_many_faults_those_are_left_that_it_takes() -> None:
    faults = [
        Fault(number, Kind.CRASH, "routing", time=1.0, seconds=1.0, strength=0.5)
        for number in range(9)
    ]
    assert shrink(faults, lambda numbers: {2, 7} <= set(numbers)) == [2, 7]
    assert shrink(faults, lambda numbers: True) == []


def test_every_marker_has_one_name() -> None:
    assert len(set(EXPECTED)) == len(EXPECTED) >= 60
