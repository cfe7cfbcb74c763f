"""``python -m tests.simulation`` runs seeds; with ``--seed`` one of them, with its history."""

import argparse
import sys
import time
from collections import Counter

from tests.simulation.running import Result, run


def main() -> int:
    """Exit with 1 when a run has shown that something is wrong."""
    arguments = _arguments()
    only = None
    if arguments.faults is not None:
        only = [int(number) for number in arguments.faults.split(",") if number]
    if arguments.seed is not None:
        result = run(arguments.seed, only)
        _tell(result, whole=arguments.history)
        return 1 if result.violations else 0
    return _many(arguments.first, arguments.seeds)


def _many(first: int, count: int) -> int:
    began, simulated, wrong = time.monotonic(), 0.0, 0
    struck: Counter[str] = Counter()
    for seed in range(first, first + count):
        result = run(seed)
        simulated += result.seconds
        struck.update(result.struck)
        if result.violations:
            wrong += 1
            _tell(result, whole=False)
    seconds = time.monotonic() - began
    _say(
        f"{count} seeds from {first}, {wrong} with violations;"
        f" {simulated / 3600:.2f} simulated hours in {seconds:.0f} s,"
        f" {simulated / 3600 / seconds:.4f} simulated hours a second"
        f" ({simulated / seconds:.0f} times as fast as life)."
    )
    _say("Struck: " + ", ".join(f"{kind} {number}" for kind, number in sorted(struck.items())))
    return 1 if wrong else 0


def _tell(result: Result, *, whole: bool) -> None:
    _say(f"Seed {result.seed}: {result.seconds:.1f} simulated seconds, {result.history.digest}")
    for fault in result.faults:
        _say(f"  {fault}")
    if whole:
        for one in result.history.happenings:
            _say(f"  {one}")
    for violation in result.violations:
        _say(f"  VIOLATION {violation}")
    if result.violations:
        _say(f"  Again: {result.command}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seed", type=int, help="one seed alone")
    parser.add_argument("--faults", help="the numbers of the faults that happen, with commas")
    parser.add_argument("--history", action="store_true", help="print all that happened")
    return parser.parse_args()


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")


if __name__ == "__main__":
    raise SystemExit(main())
