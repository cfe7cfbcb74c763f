"""Which benchmark, and how much of it.

``ordermesh bench sourcing`` compares plans with the named baselines and with trying everything;
``--batch`` decides that many orders together and proves how far that is from the optimum;
``--single`` measures how long one order takes, in the kernel and over gRPC, and looks for what may
never happen. Ends with 1 if anything was cheaper than what the solver said could be, or another
check failed.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import get_args

from ordermesh.routing.bench.batches import Asked, measure_batch
from ordermesh.routing.bench.compared import compare
from ordermesh.routing.bench.single import Size, measure
from ordermesh.sample.retailer import Regime


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
    asked = parser.parse_args()
    if asked.batch is not None or asked.instance is not None:
        return _together(asked)
    if not asked.single:
        return 0 if compare(asked.orders, asked.stores, asked.seed) else 1
    found = asyncio.run(measure(Size.QUICK if asked.quick else Size.WHOLE, asked.seed))
    if asked.json is not None:
        asked.json.write_text(json.dumps(found, indent=2) + "\n")
    wrong = ("oracle_disagreements", "verifier_failures", "replay_mismatches")
    return 1 if any(found[name] for name in wrong) else 0


def _together(asked: argparse.Namespace) -> int:
    """Run the benchmark of batches."""
    found = measure_batch(
        Asked(
            orders=asked.batch or 0,
            regime=asked.regime,
            seed=asked.seed,
            quick=asked.quick,
            seconds_max=asked.seconds_max,
            instance=asked.instance,
            export=asked.export,
            plan=asked.plan,
        )
    )
    if asked.json is not None:
        asked.json.write_text(json.dumps(found, indent=2) + "\n")
    return 1 if found["verifier_failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
