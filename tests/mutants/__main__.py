"""Breaks the ledger on purpose and looks whether the tests notice.

Usage::

    python -m tests.mutants                     the seeded defects, then a sample of generated ones
    python -m tests.mutants --only defects
    python -m tests.mutants --only generated --count 150 --seed 7

Exits with 1 when a seeded defect goes unnoticed, or fewer than 95 % of the generated mutants are
caught. Mutants that no test can tell from the program are listed with the reason in `survivors.py`;
they count as not caught all the same.
"""

import argparse
import random
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from rich.console import Console

from tests.mutants.defects import DEFECTS, Defect
from tests.mutants.mutations import Mutation, mutations_of
from tests.mutants.survivors import REASONS
from tests.mutants.trying import ROOT, Trial, attempt

T = TypeVar("T")

_console = Console(highlight=False, markup=False, soft_wrap=True)

DOMAIN = ROOT / "services" / "inventory" / "ordermesh" / "inventory" / "domain"

QUICK = [
    "tests/inventory/domain",
    "tests/inventory/test_model.py",
    "-m",
    "not slow",
    "-k",
    "not service and not postgresql",
]
"""What decides most cases: the domain by itself, and beside the plain model."""

THOROUGH = ["tests/inventory", "-k", "not postgresql", "-m", "not slow"]
"""What decides the rest."""

CAUGHT_SHARE = 0.95
WORKERS = 2
QUICK_SECONDS, THOROUGH_SECONDS = 180.0, 1_800.0


@dataclass(frozen=True)
class Outcome:
    """How one mutant ended."""

    name: str
    trial: Trial


def main() -> int:
    """Read the command line, try the mutants, print what became of them."""
    parser = argparse.ArgumentParser(prog="tests.mutants", description=__doc__)
    parser.add_argument("--only", choices=("defects", "generated"))
    parser.add_argument("--match", default="", help="seeded defects whose name has these words")
    parser.add_argument("--count", type=int, default=120, help="generated mutants to try")
    parser.add_argument("--seed", type=int, default=1, help="which of them")
    parser.add_argument("--quick", action="store_true", help="ask the domain's own tests alone")
    wanted = parser.parse_args()
    is_well = True
    if wanted.only != "generated":
        is_well = _seeded([one for one in DEFECTS if wanted.match in one.name])
    if wanted.only != "defects":
        is_well = _generated(wanted.count, wanted.seed, quick=wanted.quick) and is_well
    return 0 if is_well else 1


def _seeded(defects: Sequence[Defect]) -> bool:
    _console.print(f"{len(defects)} seeded defects")
    outcomes = _each(defects, lambda one: Outcome(one.name, one.attempt(THOROUGH_SECONDS)))
    return all(outcome.trial.is_caught for outcome in outcomes)


def _generated(count: int, seed: int, *, quick: bool) -> bool:
    everything = [one for path in sorted(DOMAIN.rglob("*.py")) for one in mutations_of(path)]
    chosen = random.Random(seed).sample(everything, min(count, len(everything)))
    chosen.sort(key=lambda one: (one.path, one.line))
    _console.print(f"{len(chosen)} of {len(everything)} generated mutants, seed {seed}")

    def judge(one: Mutation) -> Outcome:
        name = f"{one.path.relative_to(DOMAIN)}:{one.line} {one.name.partition(': ')[2]}"
        trial = attempt(one.path, one.text, QUICK, QUICK_SECONDS)
        if not trial.is_caught and not quick and one.name not in REASONS:
            trial = attempt(one.path, one.text, THOROUGH, THOROUGH_SECONDS)
        reason = REASONS.get(one.name, "")
        return Outcome(name, trial if trial.is_caught or not reason else Trial(False, reason))

    outcomes = list(_each(chosen, judge))
    caught = sum(outcome.trial.is_caught for outcome in outcomes)
    _console.print(f"{caught} of {len(outcomes)} caught, {caught / len(outcomes):.1%}")
    for outcome in outcomes:
        if not outcome.trial.is_caught:
            _console.print(f"  survived: {outcome.name}: {outcome.trial.said or 'no test notices'}")
    return caught >= CAUGHT_SHARE * len(outcomes)


def _each(rows: Iterable[T], judge: Callable[[T], Outcome]) -> list[Outcome]:
    outcomes = []
    with ThreadPoolExecutor(WORKERS) as pool:
        for outcome in pool.map(judge, rows):
            verdict = "caught  " if outcome.trial.is_caught else "SURVIVED"
            _console.print(f"  {verdict} {outcome.name}  {outcome.trial.said}")
            outcomes.append(outcome)
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
