"""How long one order takes, in the kernel, whole, and over gRPC, and what may never happen.

The kernel is what turns arrays into a plan and its proof: everything between the tables of a
problem and its assignment, but for what each other location loses by. Times of it are of the
processor, so that other work on the machine counts little; times over gRPC are of the clock.
"""

import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from ordermesh.routing.bench.compared import say
from ordermesh.routing.bench.drawing import draw_order
from ordermesh.routing.bench.over_grpc import measure_over_grpc
from ordermesh.routing.domain.plan import Status
from ordermesh.routing.domain.scale import scale_of
from ordermesh.routing.domain.verification import find_faults
from ordermesh.routing.solver.reference import solve_exactly
from ordermesh.routing.solver.solve import solve
from ordermesh.routing.solver.tables import tables_of
from ordermesh.routing.solver.warming import warm
from ordermesh.routing.solver.wide import solve_wide

CELLS = ((1, 210), (3, 210), (6, 210), (10, 210), (6, 1_000), (10, 1_000))
"""Atoms of the order, locations of the network."""

STOCKED = (0.25, 0.9)
"""Shares of the items that each location has."""


class Size(Enum):
    """How much is measured: orders a cell, orders of the oracle, seconds over gRPC."""

    QUICK = (40, 20, 4.0)
    WHOLE = (400, 200, 20.0)


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of the processor for each order of a cell."""

    kernel: Sequence[float]
    whole: Sequence[float]


async def measure(size: Size, seed: int) -> dict[str, float]:
    """Measure and check everything, print it, and give the figures by name."""
    orders, checked, seconds = size.value
    warm()
    draw = random.Random(seed)  # noqa: S311 - the seed makes it the same every time
    say(f"One order, milliseconds of the processor, p50 / p99 of {orders} orders a row.\n")
    say(f"{'atoms':>6}{'locations':>11}{'stocked':>9}{'kernel':>18}{'whole decision':>20}")
    found: dict[str, float] = {}
    for atoms, locations in CELLS:
        kernel: list[float] = []
        for stocked in STOCKED:
            times = time_orders(draw, orders, atoms, locations, stocked)
            kernel += times.kernel
            say(
                f"{atoms:>6}{locations:>11}{stocked:>9.0%}{_pair(times.kernel):>18}"
                f"{_pair(times.whole):>20}"
            )
        found[f"kernel_p99_ms_{atoms}x{locations}"] = round(percentile(kernel, 0.99), 3)
    found |= check(draw, checked)
    found |= await measure_over_grpc(seconds, seed)
    say("\n" + json.dumps(found, indent=2))
    sys.stdout.flush()
    return found


def time_orders(
    draw: random.Random, orders: int, atoms: int, locations: int, stocked: float
) -> Times:
    """How long orders of one kind take."""
    kernel, whole = [], []
    for _ in range(orders):
        wanted = draw_order(draw, atoms, locations, stocked)
        scale = scale_of(wanted)
        tables = tables_of(wanted, scale)
        kernel.append(
            _processor(
                lambda w=wanted, s=scale, t=tables: solve_exactly(  # type: ignore[misc]
                    w, s, tables=t, with_margins=False
                )
            )
        )
        whole.append(_processor(lambda w=wanted: solve(w)))  # type: ignore[misc]
    return Times(kernel, whole)


def check(draw: random.Random, orders: int) -> dict[str, float]:
    """Disagreements with CP-SAT, plans that are refused, decisions made otherwise again."""
    disagreements = failures = mismatches = proven = 0
    for _ in range(orders):
        wanted = draw_order(draw, draw.randint(1, 5), draw.randint(2, 30), draw.choice(STOCKED))
        solution = solve(wanted)
        failures += bool(find_faults(wanted, solution.plan))
        mismatches += solve(wanted) != solution
        plan, status, bound = solve_wide(wanted, scale_of(wanted))
        failures += bool(find_faults(wanted, plan))
        cost = solution.plan.costs.total
        if status is Status.OPTIMAL:
            proven += 1
            disagreements += plan.costs.total != cost
        elif bound is not None:
            disagreements += not bound <= cost <= plan.costs.total
    say(
        f"\n{orders} orders against CP-SAT, {proven} proven by both: {disagreements} disagreements,"
        f" {failures} refused by the verifier, {mismatches} decided otherwise the second time."
    )
    return {
        "oracle_disagreements": disagreements,
        "verifier_failures": failures,
        "replay_mismatches": mismatches,
    }


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _pair(values: Sequence[float]) -> str:
    return f"{percentile(values, 0.5):.3f} / {percentile(values, 0.99):.3f}"


def _processor(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1_000
