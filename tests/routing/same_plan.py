"""Prints what a seed's plan is, for the same to be run by another Python: one line of JSON."""

import hashlib
import json
import sys

from ordermesh.routing.bench.instances import draw_batch
from ordermesh.routing.domain.batch.exchange import dump_plan
from ordermesh.routing.solver.batch.engine import Budget, plan_batch
from ordermesh.routing.solver.batch.master import solve_master


def digest(seed: int) -> dict[str, object]:
    """The plan of 120 scarce orders, the master included, and whether the clock cut it."""
    batch = draw_batch(120, "scarce", seed)
    budget = Budget(passes=60, moves=10, final_passes=30, masters=1)
    result = plan_batch(batch, seed, budget, choose=lambda master: solve_master(master, 300))
    text = dump_plan(batch, result.plan)
    return {
        "cost": result.plan.cost,
        "bound": result.plan.bound,
        "is_cut": result.is_cut,
        "plan": hashlib.sha256(text.encode()).hexdigest(),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps([digest(seed) for seed in (1, 2)]) + "\n")
