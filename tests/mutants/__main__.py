"""Breaks the ledger on purpose and looks whether the tests notice.

Usage::

    python -m tests.mutants                     the seeded defects, then a sample of generated ones
    python -m tests.mutants --only defects
    python -m tests.mutants --only generated --count 150 --seed 7
    python -m tests.mutants --only generated --all --match stock_feed

Exits with 1 when a seeded defect goes unnoticed, or fewer than 95 % of the generated mutants are
caught. Mutants that no test can tell from the program are listed with the reason in `survivors.py`;
they count as not caught all the same.
"""

import argparse
import queue
import random
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from tests.mutants.defects import DEFECTS, DOMAIN_TESTS, Defect
from tests.mutants.mutations import DOMAIN, Mutation, mutations_of
from tests.mutants.survivors import REASONS
from tests.mutants.trying import ROOT, Trial, attempt
from tests.mutants.warm import WarmTests

T = TypeVar("T")

_console = Console(highlight=False, markup=False, soft_wrap=True)

DOMAIN_FOLDER = ROOT / "tests" / "inventory" / "domain"
"""The tests that decide nearly all generated mutants, in about a second."""

THOROUGH = ["tests/inventory", "-k", "not postgresql", "-m", "not slow"]
"""What may be asked about the rest."""

CAUGHT_SHARE = 0.95
NAME_CHARACTERS_MAX = 120
QUICK_SECONDS, THOROUGH_SECONDS = 60.0, 1_800.0


@dataclass(frozen=True)
class Outcome:
    """How one mutant ended."""

    name: str
    trial: Trial


def main() -> int:
    """Read the command line, try the mutants, print what became of them."""
    parser = argparse.ArgumentParser(prog="tests.mutants", description=__doc__)
    parser.add_argument("--only", choices=("defects", "generated"))
    parser.add_argument("--match", default="", help="those alone whose name has these words")
    parser.add_argument("--count", type=int, default=120, help="generated mutants to try")
    parser.add_argument("--all", action="store_true", help="try all generated mutants")
    parser.add_argument("--seed", type=int, default=1, help="which of them")
    parser.add_argument(
        "--thorough", action="store_true", help="ask all tests about what the domain's let live"
    )
    parser.add_argument("--workers", type=int, default=1, help="mutants to try at once")
    wanted = parser.parse_args()
    is_well = True
    if wanted.only != "generated":
        defects = [one for one in DEFECTS if wanted.match in one.name]
        is_well = _seeded(defects, wanted.workers)
    if wanted.only != "defects":
        chosen = _chosen(wanted.match, None if wanted.all else wanted.count, wanted.seed)
        is_well = _generated(chosen, wanted.workers, thorough=wanted.thorough) and is_well
    return 0 if is_well else 1


def _seeded(defects: Sequence[Defect], workers: int) -> bool:
    _console.print(f"{len(defects)} seeded defects")
    with _warm(workers) as asking:

        def judge(one: Defect) -> Outcome:
            is_pure = one.tests is DOMAIN_TESTS
            return Outcome(
                one.name,
                asking(one.path, one.text) if is_pure else one.attempt(THOROUGH_SECONDS),
            )

        outcomes = _each(defects, judge, workers)
    caught = sum(outcome.trial.is_caught for outcome in outcomes)
    _console.print(f"{caught} of {len(outcomes)} caught")
    return caught == len(outcomes)


def _chosen(match: str, count: int | None, seed: int) -> list[Mutation]:
    everything = [one for path in sorted(DOMAIN.rglob("*.py")) for one in mutations_of(path)]
    matching = [one for one in everything if match in _named(one)]
    chosen = matching
    if count is not None:
        chosen = random.Random(seed).sample(matching, min(count, len(matching)))
        chosen.sort(key=lambda one: (one.path, one.line))
    which = "" if count is None else f", seed {seed}"
    _console.print(f"{len(chosen)} of {len(everything)} generated mutants{which}")
    return chosen


def _generated(chosen: Sequence[Mutation], workers: int, *, thorough: bool) -> bool:
    with _warm(workers) as asking:

        def judge(one: Mutation) -> Outcome:
            trial = asking(one.path, one.text)
            if thorough and not trial.is_caught and one.name not in REASONS:
                trial = attempt(one.path, one.text, THOROUGH, THOROUGH_SECONDS)
            reason = REASONS.get(one.name, "")
            kept = trial if trial.is_caught or not reason else Trial(False, reason)
            return Outcome(_named(one), kept)

        outcomes = list(_each(chosen, judge, workers))
    caught = sum(outcome.trial.is_caught for outcome in outcomes)
    for outcome in outcomes:
        if not outcome.trial.is_caught:
            _console.print(f"  survived: {outcome.name}: {outcome.trial.said or 'no test notices'}")
    _console.print(f"{caught} of {len(outcomes)} caught, {caught / max(1, len(outcomes)):.1%}")
    return caught >= CAUGHT_SHARE * len(outcomes)


@contextmanager
def _warm(workers: int) -> Iterator[Callable[[Path, str], Trial]]:
    """What the domain's own tests say about a file with another text; any thread may ask.

    Raises ``RuntimeError`` where they say something about the program as it is.
    """
    with ExitStack() as opened:
        free: queue.SimpleQueue[WarmTests] = queue.SimpleQueue()
        for _ in range(workers):
            free.put(opened.enter_context(WarmTests()))

        def asking(path: Path, text: str) -> Trial:
            tests = free.get()
            try:
                return tests.attempt(path, text, _nearest_first(path), QUICK_SECONDS)
            finally:
                free.put(tests)

        sound = DOMAIN / "ledger.py"
        if asking(sound, sound.read_text()).is_caught:
            raise RuntimeError("The tests fail without any mutant, so they say nothing.")
        yield asking


def _nearest_first(path: Path) -> list[list[str]]:
    """The files of the domain's tests: those of a module, those that import it, the others."""

    def distance(test: Path) -> int:
        if test.stem in (f"test_{path.stem}", f"test_{path.parent.name}"):
            return 0
        return 1 if re.search(rf"\b{path.stem} import", test.read_text()) else 2

    files = sorted(DOMAIN_FOLDER.rglob("test_*.py"))
    groups = [[str(test) for test in files if distance(test) == far] for far in range(3)]
    return [group for group in groups if group]


def _named(one: Mutation) -> str:
    change = f"{one.before} -> {one.after}"
    shown = change if len(change) <= NAME_CHARACTERS_MAX else change[:NAME_CHARACTERS_MAX] + "..."
    return f"{one.path.relative_to(DOMAIN)}:{one.line} {shown}"


def _each(rows: Iterable[T], judge: Callable[[T], Outcome], workers: int) -> list[Outcome]:
    outcomes = []
    with ThreadPoolExecutor(workers) as pool:
        for outcome in pool.map(judge, rows):
            verdict = "caught  " if outcome.trial.is_caught else "SURVIVED"
            _console.print(f"  {verdict} {outcome.name}  {outcome.trial.said}")
            outcomes.append(outcome)
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
