"""A batch decided together, against every named rule in the same run; every plan is verified.

All costs are illustrative. Gaps are proven: the verifier sums the bound again, order by order, from
the prices that are part of the plan. What a rule leaves unfilled is charged as in the optimum.
"""

import json
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from ordermesh.kernel.money import Money, to_decimal
from ordermesh.routing.background.mastering import MasterProcess, memory_kib
from ordermesh.routing.bench.compared import say
from ordermesh.routing.bench.instances import Regions, batch_of, regions_of
from ordermesh.routing.domain.batch.baselines import RULES, decide_by
from ordermesh.routing.domain.batch.cells import cells_of
from ordermesh.routing.domain.batch.exchange import dump_batch, dump_plan, load_batch
from ordermesh.routing.domain.batch.instance import Batch, Integers
from ordermesh.routing.domain.batch.plan import BatchPlan, BatchStatus, cost_of_plan, service_of
from ordermesh.routing.domain.batch.verification import find_batch_faults
from ordermesh.routing.solver.batch.choosing import SIDE_BY_SIDE
from ordermesh.routing.solver.batch.engine import THOROUGH, Budget, Progress, Stage, plan_batch
from ordermesh.routing.solver.batch.master import Chosen, Master
from ordermesh.sample.retailer import Regime, build_retailer

QUICK = Budget(passes=80, moves=8, final_passes=40)
MYOPIC = "myopic exact"
MASTER_SECONDS = 30.0
"""How long the master of one part may take; what is cut off is said to be."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be run, and what is written where."""

    orders: int
    regime: Regime
    seed: int = 1
    quick: bool = False
    seconds_max: float | None = None
    instance: Path | None = None
    export: Path | None = None
    plan: Path | None = None


def measure_batch(asked: Asked) -> dict[str, float | str]:
    """Run it, print what came out, and give the figures by name."""
    batch, regions = _instance(asked)
    if asked.export is not None:
        asked.export.write_text(dump_batch(batch) + "\n")
    orders = len(batch.orders.ids)
    say(
        f"{orders:,} orders, {batch.units:,} units, {len(batch.locations.ids)} locations,"
        f" {batch.name}. All costs are illustrative.\n"
    )
    wall, processor = time.perf_counter(), _processor_seconds()
    end = None if asked.seconds_max is None else wall + asked.seconds_max
    masters = _Masters(end)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        result = plan_batch(
            batch,
            asked.seed,
            QUICK if asked.quick else THOROUGH,
            tell=lambda progress: _tell(progress, wall),
            is_over=lambda: end is not None and time.perf_counter() > end,
            used=lambda: (time.perf_counter() - wall) / (asked.seconds_max or float("inf")),
            spread=threads.map,
            choose=None if asked.quick else masters,
        )
    seconds, processor = time.perf_counter() - wall, _processor_seconds() - processor
    memory = masters.memory_mib()
    if asked.plan is not None:
        asked.plan.write_text(dump_plan(batch, result.plan) + "\n")
    failures = _refused(batch, result.plan, with_bound=True)
    plans = {"together": result.plan.location, MYOPIC: result.myopic.location}
    cells = cells_of(batch)
    for name, rule in RULES.items():
        plans[name] = decide_by(batch, rule, cells)
    figures, costs = _compare(batch, plans, result.plan.bound, regions)
    for name in (MYOPIC, *RULES):
        claimed = BatchPlan(
            plans[name], costs[name], 0, result.plan.prices[:0], BatchStatus.FEASIBLE
        )
        failures += _refused(batch, claimed, with_bound=False)
    found: dict[str, float | str] = {
        "orders": orders,
        "regime": asked.regime if asked.instance is None else batch.name,
        "seed": asked.seed,
        "cost": float(to_decimal(Money(result.plan.cost))),
        "bound": float(to_decimal(Money(result.plan.bound))),
        "gap": round(result.plan.gap, 6),
        "status": result.plan.status,
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "cores": os.cpu_count() or 1,
        "memory_mib": memory,
        "moves": result.moves,
        "passes": result.passes,
        **figures,
        "verifier_failures": failures,
    }
    say("\n" + json.dumps(found, indent=2))
    return found


def _processor_seconds() -> float:
    """What this process and those that it waited for have used of the processor."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


@dataclass
class _Masters:
    """Masters in processes of their own, none of which works on when the time is over."""

    end: float | None
    memory_kib: int = 0

    def __call__(self, master: Master) -> Chosen | None:
        """Let one work for as long as there is time."""
        left = MASTER_SECONDS if self.end is None else self.end - time.perf_counter()
        if left <= 1:
            return None
        process = MasterProcess(min(MASTER_SECONDS, left))
        chosen = process(master)
        self.memory_kib = max(self.memory_kib, process.memory_kib)
        return chosen

    def memory_mib(self) -> int:
        """The most memory that the solve can have had at once: its own, and masters side by side.

        Its own since the process began, and so with drawing the instance.
        """
        return (memory_kib() + SIDE_BY_SIDE * self.memory_kib) // 1024


def _instance(asked: Asked) -> tuple[Batch, Regions | None]:
    """The batch, and where the regions of its centres are; a file says nothing of these."""
    if asked.instance is not None:
        return load_batch(asked.instance.read_text()), None
    retailer = build_retailer(asked.seed, asked.orders, asked.regime, kits=0)
    name = f"sample-{asked.regime}-{asked.orders}-{asked.seed}"
    batch = batch_of(retailer, name, asked.seed)
    return batch, regions_of(retailer, batch)


def _tell(progress: Progress, start: float) -> None:
    if progress.stage is Stage.MOVES:
        return
    say(
        f"{time.perf_counter() - start:7.1f} s  {progress.stage.lower():8}"
        f" {to_decimal(Money(progress.plan.cost)):>14,.2f}"
        f"  at most {progress.plan.gap:.2%} above the optimum"
    )


def _refused(batch: Batch, plan: BatchPlan, *, with_bound: bool) -> int:
    faults = find_batch_faults(batch, plan, with_bound=with_bound)
    for fault in faults:
        say(f"REFUSED: {fault}")
    return int(bool(faults))


def _compare(
    batch: Batch, plans: dict[str, Integers], bound: int, regions: Regions | None
) -> tuple[dict[str, float | str], dict[str, int]]:
    """Print a line for each plan, and give what is reported of them, and their costs."""
    costs = {name: cost_of_plan(batch, plan) for name, plan in plans.items()}
    services = {name: service_of(batch, plan) for name, plan in plans.items()}
    orders, together = len(batch.orders.ids), services["together"]
    within = {name: regions.share_within(batch, plan) for name, plan in plans.items() if regions}
    say(
        f"\n{'':22}{'cost':>14}{'above bound':>13}{'extra parcels':>15}{'split':>8}"
        f"{'days':>7}{'late':>7}{'unfilled':>10}{'in region':>11}"
    )
    for name, one in services.items():
        say(
            f"{name:22}{to_decimal(Money(costs[name])):>14,.2f}{costs[name] / bound - 1:>13.2%}"
            f"{one.extra_parcels / orders:>15.3f}{one.split_orders / orders:>8.1%}"
            f"{one.days:>7.2f}{one.late:>7.1%}{one.unfilled_units:>10}{_share(within, name):>11}"
        )
    nearest = services["nearest single"]
    against = {
        "cost_vs_nearest": "nearest single",
        "cost_vs_priority": "fixed priority list",
        "cost_vs_myopic": MYOPIC,
        "cost_vs_per_line": "cheapest per line",
        "cost_vs_fewest_splits": "fewest splits",
        "cost_vs_static_ranking": "static ranking",
    }
    figures: dict[str, float | str] = {
        name: round(costs["together"] / costs[other] - 1, 4) for name, other in against.items()
    }
    # The least that any plan can be below the rule: the bound, not a plan.
    figures["most_vs_myopic"] = round(bound / costs[MYOPIC] - 1, 4)
    figures |= {
        "cost_without_penalties": float(to_decimal(Money(costs["together"] - together.penalties))),
        "extra_parcels": round(together.extra_parcels / orders, 4),
        "extra_parcels_nearest": round(nearest.extra_parcels / orders, 4),
        "days": round(together.days, 3),
        "days_nearest": round(nearest.days, 3),
        "days_priority": round(services["fixed priority list"].days, 3),
        "late": round(together.late, 4),
        "late_nearest": round(nearest.late, 4),
        "unfilled_units": together.unfilled_units,
        "unfilled_units_nearest": nearest.unfilled_units,
        "co2e_kg": round(together.co2e_kg, 1),
        "co2e_kg_nearest": round(nearest.co2e_kg, 1),
    }
    if within:
        figures["in_region"] = round(within["together"], 4)
        figures["in_region_nearest"] = round(within["nearest single"], 4)
    return figures, costs


def _share(within: dict[str, float], name: str) -> str:
    return f"{within[name]:.1%}" if within else ""


def measure_seeds(asked: Asked, seeds: int) -> dict[str, object]:
    """The same with so many seeds: each figure's mean, and its least and greatest beside it."""
    runs = [measure_batch(replace(asked, seed=asked.seed + number)) for number in range(seeds)]
    known = [name for name, value in runs[0].items() if not isinstance(value, str)]
    columns = {name: [float(run[name]) for run in runs] for name in known}
    means = {name: round(statistics.fmean(column), 6) for name, column in columns.items()}
    spread = {name: [min(column), max(column)] for name, column in columns.items()}
    say(f"\n{seeds} seeds, {asked.orders:,} orders, {asked.regime}:")
    for name in _SPREAD:
        if name in means:
            least, most = spread[name]
            say(f"  {name:24}{means[name]:>12.4f}   from {least:.4f} to {most:.4f}")
    failures = int(sum(columns["verifier_failures"]))
    found: dict[str, object] = {**runs[0], **means}
    found |= {"orders": asked.orders, "verifier_failures": failures, "seeds": seeds}
    found.pop("seed")
    return {**found, "spread": spread, "runs": runs}


_SPREAD = (
    "gap",
    "cost_vs_nearest",
    "cost_vs_priority",
    "cost_vs_myopic",
    "most_vs_myopic",
    "extra_parcels",
    "extra_parcels_nearest",
    "days",
    "days_nearest",
    "in_region",
    "seconds",
    "processor_seconds",
    "memory_mib",
)
