"""How fast things are: callers that never rest for a while, cases that take turns."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

Case = Callable[[float], Awaitable[float]]
"""Runs for so many seconds and gives what was done in one second."""


async def rate(call: Callable[[], Awaitable[int]], callers: int, seconds: float) -> float:
    """What so many callers get done in a second, each making its next call after the last.

    ``call`` gives how much it did. What was begun inside of the time is finished and counted, and
    so is its time.
    """
    done = 0
    started = time.perf_counter()
    end = started + seconds

    async def caller() -> None:
        nonlocal done
        while time.perf_counter() < end:
            # Added afterwards: others add to it while this one waits.
            units = await call()
            done += units

    await asyncio.gather(*(caller() for _ in range(callers)))
    return done / (time.perf_counter() - started)


@dataclass(frozen=True)
class Passes:
    """What every case reached in every pass."""

    rates: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def ratio(self, product: str, reference: str) -> float:
        """The median over the passes of one case's rate by another's in the same pass."""
        pairs = zip(self.rates[product], self.rates[reference], strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs)

    def median(self, case: str) -> float:
        """The median rate of a case."""
        return statistics.median(self.rates[case])


async def run_passes(
    cases: Mapping[str, Case],
    passes: int,
    seconds: float,
    tell: Callable[[str], None],
    after_each: Callable[[str], Awaitable[None]],
) -> Passes:
    """Run every case once in each pass, in an order that rotates from pass to pass."""
    names = list(cases)
    rates: dict[str, list[float]] = {name: [] for name in names}
    step = max(1, len(names) // passes)
    for number in range(passes):
        turned = names[number * step :] + names[: number * step]
        for name in turned:
            tell(f"pass {number + 1} of {passes}: {name}")
            rates[name].append(await cases[name](seconds))
            await after_each(name)
    return Passes(rates)
