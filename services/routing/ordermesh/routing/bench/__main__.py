"""Which benchmark, and how much of it.

``ordermesh bench sourcing`` compares plans with the named baselines and with trying everything;
``--batch`` decides that many orders together and proves how far that is from the optimum, over
``--seeds`` with the spread; with ``--rates`` it is priced by a rate card, against a greedy that
knows it; ``--beside`` measures whether solving delays what the same pod answers;
``--online`` lets orders come one after the other, and compares with who knows them all;
``--single`` measures how long one order takes, in the kernel and over gRPC, and looks for what may
never happen. Ends with 1 if anything was cheaper than what the solver said could be, or another
check failed.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from ordermesh.routing.bench.batches import Asked, measure_batch, measure_seeds
from ordermesh.routing.bench.beside import measure_beside
from ordermesh.routing.bench.compared import compare
from ordermesh.routing.bench.online import measure_online
from ordermesh.routing.bench.priced import Priced, measure_priced
from ordermesh.routing.bench.single import Size, measure
from ordermesh.routing.bench.streams import Asked as Stream
from ordermesh.sample.retailer import Regime

STREAM = 2_000
"""Orders of a stream where nothing is said."""


def main() -> int:
    """Run what is asked for; gives the exit code."""
    parser = argparse.ArgumentParser(description="exact sourcing, compared and measured")
    parser.add_argument("--orders", type=int, default=200)
    parser.add_argument("--stores", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--single", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--regime", choices=get_args(Regime), default="peak")
    parser.add_argument("--seconds-max", type=float)
    parser.add_argument("--instance", type=Path)
    parser.add_argument("--export", type=Path)
    parser.add_argument("--plan", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--rates", type=Path)
    parser.add_argument("--centres", type=Path)
    parser.add_argument("--stores-from", type=Path)
    parser.add_argument("--beside", action="store_true")
    parser.add_argument("--online", action="store_true")
    parser.add_argument("--periods", type=int, default=10)
    asked = parser.parse_args()
    if asked.online:
        return _online(asked)
    if asked.rates is not None:
        return _priced(asked)
    if asked.beside:
        found = asyncio.run(measure_beside(asked.batch or 3_000, 20.0, asked.seed))
        _write(asked, found)
        return 0 if found["plans"] else 1
    if asked.batch is not None or asked.instance is not None:
        return _together(asked)
    if not asked.single:
        return 0 if compare(asked.orders, asked.stores, asked.seed) else 1
    found = asyncio.run(measure(Size.QUICK if asked.quick else Size.WHOLE, asked.seed))
    _write(asked, found)
    wrong = ("oracle_disagreements", "verifier_failures", "replay_mismatches")
    return 1 if any(found[name] for name in wrong) else 0


def _online(asked: argparse.Namespace) -> int:
    """Run the benchmark of streams; a plan that takes more than there is raises."""
    orders = asked.batch or STREAM
    found = measure_online(
        Stream(
            orders=min(orders, 600) if asked.quick else orders,
            periods=min(asked.periods, 6) if asked.quick else asked.periods,
            regime=asked.regime,
            seed=asked.seed,
            seeds=asked.seeds,
        )
    )
    _write(asked, found)
    return 0


def _together(asked: argparse.Namespace) -> int:
    """Run the benchmark of batches."""
    wanted = Asked(
        orders=asked.batch or 0,
        regime=asked.regime,
        seed=asked.seed,
        quick=asked.quick,
        seconds_max=asked.seconds_max,
        instance=asked.instance,
        export=asked.export,
        plan=asked.plan,
    )
    many = asked.seeds > 1 and asked.instance is None
    found: Mapping[str, object] = (
        measure_seeds(wanted, asked.seeds) if many else measure_batch(wanted)
    )
    _write(asked, found)
    return 1 if found["verifier_failures"] else 0


def _priced(asked: argparse.Namespace) -> int:
    """Run the comparison at the prices of a rate card."""
    found = measure_priced(
        Priced(
            orders=asked.batch or 5_000,
            regime=asked.regime,
            rates=asked.rates,
            centres=asked.centres,
            stores=asked.stores_from,
            seed=asked.seed,
            quick=asked.quick,
        )
    )
    _write(asked, found)
    return 1 if found["verifier_failures"] else 0


def _write(asked: argparse.Namespace, found: Mapping[str, object]) -> None:
    if asked.json is not None:
        asked.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
