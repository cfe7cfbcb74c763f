"""Stand-ins for the seams: time that moves only when a test says so, and ids that can be told."""

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A Monday at noon."""


class FakeClock:
    """A clock whose time passes by ``advance`` alone."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._seconds = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._seconds + seconds, next(self._order), woken))
        await woken

    @property
    def sleepers(self) -> int:
        """How many are asleep."""
        return sum(1 for _, _, woken in self._sleepers if not woken.done())

    def advance(self, seconds: float) -> None:
        """Let time pass, and wake those whose time has come, the earliest first."""
        self._seconds += seconds
        while self._sleepers and self._sleepers[0][0] <= self._seconds:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)


class FakeIds:
    """Ids 1, 2, 3 ... in the form of UUIDs."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def new(self) -> UUID:
        return UUID(int=next(self._numbers))
