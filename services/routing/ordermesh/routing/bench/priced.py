"""Many orders at the prices of a rate card, against a competent greedy that is no later.

Network and rate card are read by path, orders and stock are those of the sample retailer on that
network. What is charged is freight by the card, picks and labor as declared, and what stays
unfilled; lateness is no cost but a limit: no atom of the plan arrives later than it was promised,
or than the greedy brought it.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ordermesh.kernel.money import Money, to_decimal
from ordermesh.routing.audit.reading import read_rates
from ordermesh.routing.audit.tariff import Tariff, make_tariff
from ordermesh.routing.background.mastering import MasterProcess
from ordermesh.routing.bench.compared import say
from ordermesh.routing.bench.greedy import decide_greedily
from ordermesh.routing.bench.instances import batch_of
from ordermesh.routing.bench.places import read_places
from ordermesh.routing.domain.batch.cells import lanes_of
from ordermesh.routing.domain.batch.instance import Batch, Integers
from ordermesh.routing.domain.batch.plan import (
    BatchPlan,
    BatchStatus,
    Service,
    cost_of_plan,
    service_of,
)
from ordermesh.routing.domain.batch.verification import find_batch_faults
from ordermesh.routing.solver.batch.engine import THOROUGH, Budget, plan_batch
from ordermesh.sample.geography import HUBS, ZipArea
from ordermesh.sample.retailer import STORES, Regime, build_retailer

MASTER_SECONDS = 30.0
QUICK = Budget(passes=80, moves=8, final_passes=40, masters=0)


@dataclass(frozen=True, slots=True)
class Priced:
    """What is run: how many orders, the rate card, and files of centres and stores, if any."""

    orders: int
    regime: Regime
    rates: Path
    centres: Path | None = None
    stores: Path | None = None
    seed: int = 1
    quick: bool = False


def measure_priced(asked: Priced) -> dict[str, float | str]:
    """Run it, print what came out, and give the figures by name."""
    tariff = make_tariff(read_rates(asked.rates), "USD")
    batch = _batch(asked, tariff)
    say(
        f"{len(batch.orders.ids):,} orders, {batch.units:,} units, {len(batch.locations.ids)}"
        f" locations, priced by {asked.rates.name}. Orders and stock are illustrative.\n"
    )
    started = time.perf_counter()
    greedy = decide_greedily(batch, asked.seed)
    greedy_seconds = time.perf_counter() - started
    limited = _no_later(batch, greedy)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        result = plan_batch(
            limited,
            asked.seed,
            QUICK if asked.quick else THOROUGH,
            spread=threads.map,
            choose=None if asked.quick else MasterProcess(MASTER_SECONDS),
            start=greedy,
        )
    plan, seconds = result.plan, time.perf_counter() - started - greedy_seconds
    cost = cost_of_plan(batch, greedy)
    claimed = BatchPlan(greedy, cost, 0, plan.prices[:0], BatchStatus.FEASIBLE)
    faults = find_batch_faults(limited, plan) + find_batch_faults(batch, claimed, with_bound=False)
    for fault in faults:
        say(f"REFUSED: {fault}")
    before, after = service_of(batch, greedy), service_of(batch, plan.location)
    _say_line("price-aware greedy", cost, before, greedy_seconds)
    _say_line("together", plan.cost, after, seconds)
    say(
        f"\nTogether costs {1 - plan.cost / cost:.2%} less, nothing later; more than"
        f" {1 - plan.bound / cost:.2%} nobody could save."
    )
    return {
        "orders": len(batch.orders.ids),
        "regime": asked.regime,
        "locations": len(batch.locations.ids),
        "greedy_cost": _amount(cost),
        "cost": _amount(plan.cost),
        "bound": _amount(plan.bound),
        "saving": round(1 - plan.cost / cost, 5),
        "most": round(1 - plan.bound / cost, 5),
        "late_greedy": round(before.late, 4),
        "late": round(after.late, 4),
        "unfilled_units_greedy": before.unfilled_units,
        "unfilled_units": after.unfilled_units,
        "seconds": round(seconds, 1),
        "verifier_failures": len(faults),
    }


def _batch(asked: Priced, tariff: Tariff) -> Batch:
    """The sample's orders on that network, at the prices of the card."""
    centres = _places(asked.centres, asked.seed, len(HUBS)) or HUBS
    stores = _places(asked.stores, asked.seed, STORES)
    retailer = build_retailer(
        asked.seed, asked.orders, asked.regime, kits=0, centres=centres, stores=stores
    )
    batch = batch_of(retailer, f"priced-{asked.regime}-{asked.orders}-{asked.seed}", asked.seed)
    costs = replace(tariff.costs, version="rate card")
    no_credit = replace(batch.stock, credit=np.zeros(len(batch.stock.units), np.int64))
    return replace(batch, costs=costs, brackets=tariff.brackets, stock=no_credit)


def _places(path: Path | None, seed: int, most: int) -> tuple[ZipArea, ...]:
    """The places of a file, so many of them drawn by the seed where there are more."""
    if path is None:
        return ()
    found, passed_over = read_places(path)
    drawn = np.random.default_rng([seed, 3]).permutation(len(found))[:most]
    say(f"{path.name}: {len(drawn)} of {len(found)} places; {passed_over} rows passed over.")
    return tuple(found[place] for place in sorted(drawn.tolist()))


def _no_later(batch: Batch, greedy: Integers) -> Batch:
    """The batch in which nothing arrives after its promise, or after the greedy brought it."""
    order = batch.order_of_atom
    goes, promise = batch.orders.destination[order], batch.orders.promise_days[order]
    days = lanes_of(batch).days[goes, np.maximum(greedy, 0)]
    limit = np.where(greedy >= 0, np.maximum(days, promise), promise)
    return replace(batch, atoms=replace(batch.atoms, days_max=limit.astype(np.int64)))


def _say_line(name: str, cost: int, service: Service, seconds: float) -> None:
    say(
        f"{name:22}{to_decimal(Money(cost)):>14,.2f}  {service.extra_parcels:>6} extra parcels"
        f"  {service.days:.2f} days  {service.late:.1%} late  {service.unfilled_units} unfilled"
        f"  {seconds:.1f} s"
    )


def _amount(cost: int) -> float:
    return float(to_decimal(Money(cost)))
