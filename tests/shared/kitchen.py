"""A kitchen that handles batches of orders as it is told to."""

import asyncio
from collections.abc import Sequence

from ordermesh.kernel.errors import Unavailable
from ordermesh.runtime.batching import (
    LATER,
    Batcher,
    Later,
    Waiting,
)
from ordermesh.runtime.engines import TookTooLong

Answers = Sequence[str | Exception | Later]


class Poisoned(Exception):
    pass


class Kitchen:
    """Handles orders when it is let; notes what it got together."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.poison: set[str] = set()
        self.slow: set[str] = set()
        self.later: dict[str, int] = {}
        self.away = 0

    async def handle(self, batch: Sequence[Waiting[str, str]]) -> Answers:
        self.batches.append([one.item for one in batch])
        await self.open.wait()
        if self.away:
            self.away -= 1
            raise Unavailable("away", service="kitchen", retry_after=0.1)
        if self.poison & {one.item for one in batch}:
            raise Poisoned
        if self.slow & {one.item for one in batch}:
            raise TookTooLong("slow", service="kitchen", retry_after=0.1)
        return [self._answer(one.item, place) for place, one in enumerate(batch)]

    def _answer(self, item: str, place: int) -> str | Exception | Later:
        if place and self.later.get(item, 0):
            self.later[item] -= 1
            return LATER
        return ValueError(item) if item.startswith("bad") else f"{item} is done"


async def outcome(asked: "asyncio.Task[str]") -> str | BaseException:
    (done,) = await asyncio.gather(asked, return_exceptions=True)
    return done


async def settled(
    kitchen: Kitchen, batcher: Batcher[str, str], items: Sequence[str]
) -> list[object]:
    """Ask for all while the first is being handled, so that they wait together."""
    kitchen.open.clear()
    first = asyncio.create_task(batcher.ask("first"))
    await asyncio.sleep(0.01)
    asked = [asyncio.create_task(batcher.ask(item)) for item in items]
    await asyncio.sleep(0.01)
    kitchen.open.set()
    await first
    return list(await asyncio.gather(*asked, return_exceptions=True))
