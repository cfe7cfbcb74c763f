"""Runs many seeds in several processes, and tells in words what each has shown."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context

from tests.simulation.running import Result, run
from tests.simulation.shrinking import shrink

SEEDS_OF_A_PROCESS = 25
"""After so many seeds a process makes way for a new one."""


@dataclass
class Brief:
    """What is left of a run, once its history is told."""

    seed: int
    seconds: float
    operations: int
    is_wrong: bool
    struck: dict[str, int]
    reached: Counter[str]
    words: list[str] = field(default_factory=list)


def briefs(seeds: Sequence[int], jobs: int) -> Iterator[Brief]:
    """What each seed has shown, in their order."""
    if jobs == 1:
        yield from map(_brief, seeds)
        return
    # The executor of the library waits for ever for a process that has made way (Python 3.11).
    with get_context("spawn").Pool(jobs, maxtasksperchild=SEEDS_OF_A_PROCESS) as pool:
        yield from pool.imap(_brief, seeds)


def _brief(seed: int) -> Brief:
    result = run(seed)
    brief = Brief(
        seed,
        result.seconds,
        result.operations,
        bool(result.violations),
        result.struck,
        result.reached,
    )
    if result.violations:
        brief.words.extend(told(run(seed, few(result)), whole=False))
    return brief


def few(result: Result) -> list[int]:
    """The faults that it takes for the run to go wrong."""
    return shrink(result.faults, lambda numbers: bool(run(result.seed, numbers).violations))


def told(result: Result, *, whole: bool) -> Iterator[str]:
    """A run in words; ``whole`` also tells what concerns nothing that went wrong."""
    yield f"Seed {result.seed}: {result.seconds:.1f} simulated seconds, {result.history.digest}"
    for fault in result.faults:
        yield f"  {fault}"
    if whole or result.violations:
        happenings = result.history.happenings
        for one in happenings if whole else result.history.of(result.violations):
            yield f"  {one}"
    for violation in result.violations:
        yield f"  VIOLATION {violation}"
    if result.violations:
        yield f"  Again: {result.command}"
