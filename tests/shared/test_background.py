import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from ordermesh.kernel.errors import Unavailable
from ordermesh.runtime.background import REST_SECONDS, REST_SECONDS_MAX, Keeper
from tests.fakes import FakeClock

AWAY = Unavailable("The database is away.", service="database", retry_after=0.2)


class Failing:
    """Fails as it is told, one run after the other, each after so many seconds; then it ends."""

    def __init__(self, clock: FakeClock, *failures: tuple[float, BaseException]) -> None:
        self.began: list[float] = []
        self._clock = clock
        self._failures = iter(failures)

    async def run(self) -> None:
        self.began.append(self._clock.monotonic())
        for seconds, failure in self._failures:
            await self._clock.sleep(seconds)
            raise failure

    async def stop(self) -> None: ...


@pytest.fixture
def logs() -> Iterator[list[EventDict]]:
    with capture_logs() as told:
        yield told


async def kept(clock: FakeClock, *failures: tuple[float, BaseException]) -> list[float]:
    """From the end of each run to the beginning of the next, in seconds."""
    failing = Failing(clock, *failures)
    task = Keeper(failing, clock).start()
    while not task.done():
        for _ in range(5):
            await asyncio.sleep(0)
        if clock.sleepers:
            clock.advance(0.5)
    with suppress(asyncio.CancelledError):
        await task
    ends = [began + seconds for began, (seconds, _) in zip(failing.began, failures, strict=False)]
    return [began - end for end, began in zip(ends, failing.began[1:], strict=True)]


async def test_who_fails_again_and_again_rests_ever_longer(
    clock: FakeClock, logs: list[EventDict]
) -> None:
    rests = await kept(clock, *[(0.0, ValueError("no"))] * 7)

    assert rests == [1.0, 2.0, 4.0, 8.0, 16.0, REST_SECONDS_MAX, REST_SECONDS_MAX]
    assert [one["log_level"] for one in logs] == ["error"] * 7


async def test_who_has_run_for_long_rests_but_shortly(clock: FakeClock) -> None:
    long = 2 * REST_SECONDS_MAX

    rests = await kept(
        clock, *[(0.0, ValueError("no"))] * 3, (long, ValueError("no")), (0.0, ValueError("no"))
    )

    assert rests == [1.0, 2.0, 4.0, 1.0, 2.0]


async def test_what_is_cancelled_from_inside_goes_on(
    clock: FakeClock, logs: list[EventDict]
) -> None:
    rests = await kept(clock, (0.0, asyncio.CancelledError()), (0.0, ValueError("no")))

    assert rests == [1.0, 2.0]
    assert [one["log_level"] for one in logs] == ["error"] * 2


async def test_what_is_away_is_looked_for_at_an_even_pace_and_told_once(
    clock: FakeClock, logs: list[EventDict]
) -> None:
    several = ExceptionGroup("tasks", [AWAY, AWAY])

    rests = await kept(clock, (0.0, AWAY), (0.0, several), (0.0, AWAY), (0.0, AWAY))

    assert rests == [REST_SECONDS] * 4
    assert [(one["log_level"], "exc_info" in one) for one in logs] == [("warning", False)]


async def test_what_fails_beside_something_that_is_away_is_a_failure(
    clock: FakeClock, logs: list[EventDict]
) -> None:
    await kept(clock, (0.0, ExceptionGroup("tasks", [AWAY, ValueError("no")])))

    assert [one["log_level"] for one in logs] == ["error"]
