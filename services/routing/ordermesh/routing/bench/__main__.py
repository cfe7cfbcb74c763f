"""Which benchmark, and how much of it.

``ordermesh bench sourcing`` compares plans with the named baselines and with trying everything;
``--single`` measures how long one order takes, in the kernel and over gRPC, and looks for what may
never happen. Ends with 1 if anything was cheaper than what the solver said could be, or another
check failed.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from ordermesh.routing.bench.compared import compare
from ordermesh.routing.bench.single import Size, measure


def main() -> int:
    """Run what is asked for; gives the exit code."""
    parser = argparse.ArgumentParser(description="exact sourcing, compared and measured")
    parser.add_argument("--orders", type=int, default=200)
    parser.add_argument("--stores", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--single", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    if not asked.single:
        return 0 if compare(asked.orders, asked.stores, asked.seed) else 1
    found = asyncio.run(measure(Size.QUICK if asked.quick else Size.WHOLE, asked.seed))
    if asked.json is not None:
        asked.json.write_text(json.dumps(found, indent=2) + "\n")
    wrong = ("oracle_disagreements", "verifier_failures", "replay_mismatches")
    return 1 if any(found[name] for name in wrong) else 0


if __name__ == "__main__":
    sys.exit(main())
