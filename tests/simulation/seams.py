"""What is handed to the services instead of this machine's: time and ids."""

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


class SimulatedClock:
    """The time of one machine: that of the loop, more or less."""

    def __init__(self, loop: asyncio.AbstractEventLoop, offset_seconds: float = 0.0) -> None:
        self._loop = loop
        self.offset_seconds = offset_seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self._loop.time() + self.offset_seconds)

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SeededIds:
    """Ids of version 7, as in life, of a machine whose chance is known."""

    def __init__(self, clock: SimulatedClock, random: Random) -> None:
        self._clock = clock
        self._random = random

    def new(self) -> UUID:
        milliseconds = int(self._clock.now().timestamp() * 1000)
        bits = milliseconds << 80 | self._random.getrandbits(80)
        bits = bits & ~(0xF << 76) | 0x7 << 76
        bits = bits & ~(0x3 << 62) | 0x2 << 62
        return UUID(int=bits)
