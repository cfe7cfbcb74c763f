"""Instances of OR-Library, each as one wide order, come to their published optima."""

import os
from fractions import Fraction
from pathlib import Path

import pytest

from ordermesh.kernel.money import to_decimal
from ordermesh.routing.domain.plan import Status
from ordermesh.routing.domain.verification import verify
from ordermesh.routing.solver.solve import solve
from tests.routing.facilities import published, read_facilities

WORK = 20.0
"""How long CP-SAT may work on one, in its own unit; by default a wide order has 0.1."""

FOLDER = Path(os.environ.get("ORDERMESH_DATA", "data")) / "orlib_facility_location"
INSTANCES = sorted(one for one in FOLDER.glob("cap*.txt") if published(one) is not None)


@pytest.mark.skipif(not INSTANCES, reason=f"no instances in {FOLDER}: set ORDERMESH_DATA")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", INSTANCES, ids=lambda path: path.stem)
def test_the_published_optimum_is_reached_and_proven(path: Path) -> None:
    problem = read_facilities(path)

    solution = solve(problem, deterministic_time=WORK)

    verify(problem, solution.plan)
    assert solution.plan.is_complete
    assert to_decimal(solution.plan.costs.total) == published(path)
    assert solution.certificate.status is Status.OPTIMAL
    assert solution.certificate.bound == solution.plan.costs.total


def test_two_warehouses_of_one_customer_are_opened_when_one_is_too_small(tmp_path: Path) -> None:
    # Two warehouses for 6 units each at 10, and one for all at 100; serving costs 5 each.
    file = tmp_path / "small.txt"
    file.write_text("3 1\n6 10.\n6 10.\n12 100.\n10\n5. 5. 5.\n")

    problem = read_facilities(file)
    solution = solve(problem)

    assert Fraction(to_decimal(solution.plan.costs.total)) == 25
    assert sorted(one.location_id for one in solution.plan.shipments) == ["W000", "W001"]


def test_an_amount_that_is_no_whole_number_of_the_smallest_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "odd.txt"
    file.write_text("1 1\n9 10.\n3\n1.\n")

    with pytest.raises(ValueError, match="no whole number"):
        read_facilities(file)
