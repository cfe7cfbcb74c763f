"""The exact solver finds what trying everything finds, to the integer, in every tier."""

import os

import pytest

from ordermesh.routing.domain.judging import tier_values
from ordermesh.routing.domain.plan import Method, Status
from ordermesh.routing.domain.verification import verify
from ordermesh.routing.solver.solve import solve
from tests.routing.rich import best_tiers, rich_problem

SEEDS = int(os.environ.get("ORDERMESH_EXACTNESS_SEEDS", "300"))
"""How many problems; ``make exactness`` tries 5,000."""


@pytest.mark.parametrize("start", range(0, SEEDS, 50))
def test_the_plan_is_the_best_of_all_there_are(start: int) -> None:
    for seed in range(start, min(start + 50, SEEDS)):
        wanted = rich_problem(seed)
        solution = solve(wanted)
        verify(wanted, solution.plan)
        best = best_tiers(wanted)
        certificate = solution.certificate
        if certificate.method is not Method.EXACT_DP:
            # Tiers that outgrow 64 bits, and too many parcels: what is found is not proven.
            assert wanted.parcels_max is not None, seed
            assert certificate.status is not Status.OPTIMAL, seed
            continue
        if certificate.status is Status.INFEASIBLE:
            assert best is None or not wanted.all_or_nothing, seed
            assert not solution.plan.shipments, seed
            continue
        assert best is not None, seed
        found = tier_values(wanted, solution.plan)
        if certificate.status is Status.OPTIMAL:
            assert found == best, (seed, found, best)
        else:
            assert found >= best, (seed, found, best)
