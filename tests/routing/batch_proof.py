"""Batches decided together, against the compact programme: ``python -m tests.routing.batch_proof``.

Three kinds take turns: rates for each kilogram, brackets of weight, and promises that no plan may
break. Where HiGHS closes the programme in its time, its optimum is compared to the integer; where
not, it may choose among all ways of each order that a plan as cheap could have, which is much
tighter. What it found and what it proved always have to lie on the right sides of bound and plan.
With ``--keep`` what is known of a batch is kept in a file: the next time only what is open is
looked at again, with as much time as is given then.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ordermesh.routing.domain.batch.exchange import digest_of
from ordermesh.routing.domain.batch.exhaustion import Exhaustion, exhaust
from ordermesh.routing.domain.batch.instance import Batch
from ordermesh.routing.domain.batch.plan import BatchPlan, BatchStatus
from ordermesh.routing.domain.batch.verification import find_batch_faults
from ordermesh.routing.solver.batch.engine import Budget, plan_batch
from ordermesh.routing.solver.batch.master import solve_master
from tests.routing.batches import (
    Optimum,
    draw_small,
    optimum,
    optimum_of_ways,
    with_hard_promises,
    with_weights,
)

BUDGET = Budget(passes=100, moves=60, final_passes=60, masters=3)
MASTER_SECONDS = 60.0


@dataclass(frozen=True)
class Compared:
    """A batch, what was decided, and what the programme says of it."""

    batch: Batch
    plan: BatchPlan
    myopic: BatchPlan
    oracle: Optimum
    by: str


class Kept:
    """What is known of batches, by their digest, in a file with a line for each finding."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, tuple[Optimum, str]] = {}
        lines = path.read_text().splitlines() if path is not None and path.exists() else []
        for line in lines:
            one = json.loads(line)
            self._merge(one["digest"], Optimum(one["found"], one["proven"]), one["by"])

    def known(self, batch: Batch) -> tuple[Optimum, str] | None:
        """What was found out before, if anything."""
        return self._known.get(digest_of(batch))

    def add(self, batch: Batch, oracle: Optimum, by: str) -> tuple[Optimum, str]:
        """Keep what was found out, and give the best of all."""
        digest = digest_of(batch)
        told = self._merge(digest, oracle, by)
        if self._path is not None:
            line = {"digest": digest, "found": oracle.found, "proven": oracle.proven, "by": by}
            with self._path.open("a") as file:
                file.write(json.dumps(line) + "\n")
        return told

    def _merge(self, digest: str, oracle: Optimum, by: str) -> tuple[Optimum, str]:
        before = self._known.get(digest)
        if before is not None:
            found = [one for one in (before[0].found, oracle.found) if one is not None]
            oracle = Optimum(min(found, default=None), max(before[0].proven, oracle.proven))
            by = before[1] if before[0].is_closed else by
        self._known[digest] = oracle, by
        return oracle, by


def compare(
    seed: int,
    orders: int,
    seconds: float,
    kept: Kept | None = None,
    ways_seconds: float | None = None,
) -> Compared:
    """Decide one batch, and let each programme have so many seconds for the same.

    Those of the second are for what the first has left open; without any they are as many.
    """
    kept = kept or Kept(None)
    batch = draw_small(seed, orders=orders, locations=3 + seed % 4)
    if seed % 3:
        batch = with_weights(batch, seed)
    if seed % 3 == 2:
        batch = with_hard_promises(batch, seed)
    result = plan_batch(batch, seed, BUDGET, choose=lambda one: solve_master(one, MASTER_SECONDS))
    plan = result.plan
    oracle, by = kept.known(batch) or kept.add(batch, optimum(batch, seconds), "compact")
    if not oracle.is_closed:
        more = seconds if ways_seconds is None else ways_seconds
        ways = optimum_of_ways(batch, plan.cost, plan.prices.tolist(), more)
        if ways is not None:
            oracle, by = kept.add(batch, ways, "ways")
    return Compared(batch, plan, result.myopic, oracle, by)


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
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--ways-seconds", type=float, default=120.0)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    tally: Counter[str] = Counter()
    worst, started = 0.0, time.monotonic()
    kept = Kept(asked.keep)
    for seed in range(asked.first, asked.first + asked.seeds):
        compared = compare(seed, asked.orders, asked.seconds, kept, asked.ways_seconds)
        plan, oracle = compared.plan, compared.oracle
        faults = list(faults_of(compared))
        tally["faults"] += bool(faults)
        tally["closed"] += oracle.is_closed
        tally["ways"] += oracle.is_closed and compared.by == "ways"
        tally["equal"] += oracle.is_closed and plan.cost == oracle.found
        tally["proven"] += plan.status is BatchStatus.OPTIMAL
        tried = exhaust(compared.batch, plan.cost, plan.prices.tolist())
        tally["tried"] += tried is Exhaustion.CHEAPEST
        above = plan.cost / oracle.found - 1 if oracle.found else 0.0
        if oracle.is_closed:
            worst = max(worst, above)
        tally["within"] += not oracle.is_closed and plan.cost >= oracle.proven
        closed = (
            f"optimum ({compared.by})"
            if oracle.is_closed
            else f"open from {oracle.proven} to {oracle.found}"
        )
        _say(
            f"seed {seed}: {plan.cost} {plan.status}, gap {plan.gap:.3%};"
            f" programme {closed}, plan {above:+.4%}"
        )
        for fault in faults:
            _say(f"  WRONG: {fault}")
    _say(
        f"\n{asked.seeds} batches of {asked.orders} orders in {time.monotonic() - started:.0f} s:"
        f" {tally['closed']} closed by the programmes, {tally['ways']} by that of all ways;"
        f" {tally['equal']} of the closed equal to the"
        f" integer, the worst {worst:.4%} above; {tally['within']} not closed, each above what"
        f" was proved; {tally['proven']} proven to be the cheapest, {tally['tried']} also by"
        f" trying everything; {tally['faults']} wrong."
    )
    return 1 if tally["faults"] else 0


def _say(sentence: str) -> None:
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
