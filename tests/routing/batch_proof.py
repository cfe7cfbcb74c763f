"""Batches decided together, against the compact programme: ``python -m tests.routing.batch_proof``.

Three kinds take turns: rates for each kilogram, brackets of weight, and promises that no plan may
break. Where HiGHS closes the programme in its time, its optimum is compared to the integer; where
not, what it found and what it proved have to lie on the right sides of plan and bound.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ordermesh.routing.domain.batch.exhaustion import Exhaustion, exhaust
from ordermesh.routing.domain.batch.instance import Batch
from ordermesh.routing.domain.batch.plan import BatchPlan, BatchStatus
from ordermesh.routing.domain.batch.verification import find_batch_faults
from ordermesh.routing.solver.batch.engine import Budget, plan_batch
from ordermesh.routing.solver.batch.master import solve_master
from tests.routing.batches import Optimum, draw_small, optimum, with_hard_promises, with_weights

BUDGET = Budget(passes=100, moves=60, final_passes=60, masters=3)
MASTER_SECONDS = 60.0


@dataclass(frozen=True)
class Compared:
    """A batch, what was decided, and what the programme says of it."""

    batch: Batch
    plan: BatchPlan
    myopic: BatchPlan
    oracle: Optimum


def compare(seed: int, orders: int, seconds: float) -> Compared:
    """Decide one batch, and let the programme have so many seconds for the same."""
    batch = draw_small(seed, orders=orders, locations=3 + seed % 4)
    if seed % 3:
        batch = with_weights(batch, seed)
    if seed % 3 == 2:
        batch = with_hard_promises(batch, seed)
    result = plan_batch(batch, seed, BUDGET, choose=lambda one: solve_master(one, MASTER_SECONDS))
    return Compared(batch, result.plan, result.myopic, optimum(batch, seconds))


def faults_of(compared: Compared) -> Iterator[str]:
    """What must not be, in sentences."""
    plan, oracle = compared.plan, compared.oracle
    yield from find_batch_faults(compared.batch, plan)
    yield from find_batch_faults(compared.batch, compared.myopic, with_bound=False)
    if plan.cost > compared.myopic.cost:
        yield f"The plan costs {plan.cost}, one order after the other {compared.myopic.cost}."
    if plan.cost < oracle.proven:
        yield f"The plan costs {plan.cost}, and nothing can be below {oracle.proven}."
    if oracle.found is None:
        return
    if plan.bound > oracle.found:
        yield f"The bound is {plan.bound}, and there is a plan of {oracle.found}."
    if plan.status is BatchStatus.OPTIMAL and plan.cost > oracle.found:
        yield f"The plan costs {plan.cost} and is called the cheapest; one costs {oracle.found}."


def main() -> int:
    """Compare many; ends with 1 if anything was not as it must be."""
    parser = argparse.ArgumentParser(description="batches against the compact programme")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--orders", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=15.0)
    asked = parser.parse_args()
    tally: Counter[str] = Counter()
    worst, started = 0.0, time.monotonic()
    for seed in range(asked.first, asked.first + asked.seeds):
        compared = compare(seed, asked.orders, asked.seconds)
        plan, oracle = compared.plan, compared.oracle
        faults = list(faults_of(compared))
        tally["faults"] += bool(faults)
        tally["closed"] += oracle.is_closed
        tally["equal"] += oracle.is_closed and plan.cost == oracle.found
        tally["proven"] += plan.status is BatchStatus.OPTIMAL
        tried = exhaust(compared.batch, plan.cost, plan.prices.tolist())
        tally["tried"] += tried is Exhaustion.CHEAPEST
        above = plan.cost / oracle.found - 1 if oracle.found else 0.0
        if oracle.is_closed:
            worst = max(worst, above)
        tally["within"] += not oracle.is_closed and plan.cost >= oracle.proven
        closed = "optimum" if oracle.is_closed else f"open from {oracle.proven} to {oracle.found}"
        _say(
            f"seed {seed}: {plan.cost} {plan.status}, gap {plan.gap:.3%};"
            f" programme {closed}, plan {above:+.4%}"
        )
        for fault in faults:
            _say(f"  WRONG: {fault}")
    _say(
        f"\n{asked.seeds} batches of {asked.orders} orders in {time.monotonic() - started:.0f} s:"
        f" {tally['closed']} closed by the programme, {tally['equal']} of these equal to the"
        f" integer, the worst {worst:.4%} above; {tally['within']} not closed, each above what the"
        f" programme proved; {tally['proven']} proven to be the cheapest, {tally['tried']} also by"
        f" trying everything; {tally['faults']} wrong."
    )
    return 1 if tally["faults"] else 0


def _say(sentence: str) -> None:
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
