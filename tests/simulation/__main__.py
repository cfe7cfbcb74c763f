"""``python -m tests.simulation`` runs seeds; with ``--seed`` one of them, with its history.

A seed that shows something wrong is run again with fewer and fewer faults, and told with the
command that replays it.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence

from tests.simulation import markers
from tests.simulation.briefing import briefs, few, told
from tests.simulation.running import run

PROGRESS_SECONDS = 10.0


def main() -> int:
    """Exit with 1 when a run has shown that something is wrong."""
    arguments = _arguments()
    if arguments.seed is not None:
        return _one(arguments)
    return _many(range(arguments.first, arguments.first + arguments.seeds), arguments.jobs)


def _one(arguments: argparse.Namespace) -> int:
    only = None
    if arguments.faults is not None:
        only = [int(number) for number in arguments.faults.split(",") if number.isdigit()]
    result = run(arguments.seed, only)
    if arguments.shrink and result.violations:
        only = few(result)
        result = run(arguments.seed, only)
    for line in told(result, whole=arguments.history):
        _say(line)
    return 1 if result.violations else 0


def _many(seeds: Sequence[int], jobs: int) -> int:
    began, simulated, operations, wrong = time.monotonic(), 0.0, 0, []
    struck: Counter[str] = Counter()
    reached: Counter[str] = Counter()
    told_at = began
    for number, brief in enumerate(briefs(seeds, jobs), start=1):
        simulated += brief.seconds
        operations += brief.operations
        struck.update(brief.struck)
        reached.update(brief.reached)
        if brief.is_wrong:
            wrong.append(brief.seed)
        for line in brief.words:
            _say(line)
        if time.monotonic() - told_at > PROGRESS_SECONDS:
            told_at = time.monotonic()
            _say(f"{number} of {len(seeds)} seeds, {len(wrong)} with violations.")
    seconds = time.monotonic() - began
    _say(
        f"{len(seeds)} seeds from {seeds[0]}, {len(wrong)} with violations: {wrong};"
        f" {simulated / 3600:.2f} simulated hours in {seconds:.0f} s,"
        f" {simulated / 3600 / seconds:.4f} simulated hours a second"
        f" ({simulated / seconds:.0f} times as fast as life), {60 * len(seeds) / seconds:.1f} seeds"
        f" a minute, {operations / len(seeds):.0f} requests of callers a seed."
    )
    _say("Struck: " + ", ".join(f"{kind} {number}" for kind, number in sorted(struck.items())))
    missed = markers.missed(reached)
    known = len(markers.EXPECTED)
    _say(f"Reached {known - len(missed)} of {known} situations; missed: {', '.join(missed) or '-'}")
    return 1 if wrong else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--seed", type=int, help="one seed alone")
    parser.add_argument("--faults", help="the numbers of the faults that happen, with commas")
    parser.add_argument("--history", action="store_true", help="print all that happened")
    parser.add_argument("--shrink", action="store_true", help="leave out faults that it needs not")
    return parser.parse_args()


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
