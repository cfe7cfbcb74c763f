"""One run: a shop, its callers, its background, and who looks whether all is as it must be."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from random import Random

from ordermesh.inventory.__main__ import assemble
from ordermesh.inventory.background.sealing import Sealer
from ordermesh.inventory.domain.reservation import LineState
from ordermesh.inventory.store.seals import SqlSealStore
from ordermesh.kernel.clock import SystemClock
from ordermesh.kernel.ids import RandomIds
from ordermesh.runtime.database import Database
from tests.fakes import FakeClock
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.conftest import NOWHERE
from tests.inventory.many.auditing import Auditor
from tests.inventory.many.calling import Callers, Subject
from tests.inventory.many.controlling import Controlling
from tests.inventory.many.counting import Counting
from tests.inventory.many.moving import Moving
from tests.inventory.many.promising import Promising
from tests.inventory.many.record import Record
from tests.inventory.many.supplying import Supplying
from tests.inventory.many.telling import Telling
from tests.inventory.many.world import World, open_shop
from tests.inventory.reading import insist
from tests.inventory.shop import Shop

AT_ONCE = 24
"""How many callers there are."""

TELL_SECONDS = 5.0
"""How often it is told how far it has come."""

Tell = Callable[[str], None]


class Run:
    """A shop, its callers, and who looks whether all is as it must be."""

    def __init__(self, database: Database, patient: Database, operations: int, tell: Tell) -> None:
        """``patient`` is the same database, with time to look at everything in one snapshot."""
        clock = SystemClock()
        shop = Shop(assemble(database, clock, RandomIds(), NOWHERE), FakeClock())
        self.world = World(shop, Random(20261125))
        self.record = Record()
        self.telling = Telling(self.world)
        self.supplying = Supplying(self.world, self.record)
        subjects: list[Subject] = [
            Promising(self.world, self.record),
            Moving(self.world, self.record),
            Counting(self.world),
            self.telling,
            self.supplying,
            Controlling(self.world),
        ]
        self.callers = Callers(self.world, subjects, self.record, max(100, operations // 50))
        self.auditor = Auditor(database, patient, self.record, self.telling)
        self.database = database
        self.tell = tell
        self.operations = operations
        self.done = 0
        self.checks = 0
        self.spent = 0.0

    async def open(self) -> None:
        """Fill the shop."""
        await open_shop(self.world.shop)
        await self.telling.open()
        await self.auditor.begin()

    async def go_on(self, goal: int) -> None:
        """Call until so much is done; meanwhile the books are sealed, swept and verified."""
        began, before = time.monotonic(), self.spent

        async def work() -> None:
            while self.done < goal:
                count = await self.callers.call()
                self.done += count
                self.spent = before + time.monotonic() - began

        async def keep_house() -> None:
            sealer = Sealer(self.database, SqlSealStore(), SystemClock())
            while self.done < goal:
                await asyncio.sleep(0.5)
                for chore in (self.world.shop.sweep, self.world.shop.stamp, sealer.seal):
                    await insist(chore)

        async def verify() -> None:
            assert await insist(self.world.shop.is_sound), "while others were at work"

        async def progress() -> None:
            while self.done < goal:
                told = self.done
                await asyncio.sleep(TELL_SECONDS)
                rate = (self.done - told) / TELL_SECONDS
                told_of = f"{self.done} of {self.operations} on {self.database.dialect}"
                self.tell(f"{told_of}: {rate:.0f} a second")

        callers = [asyncio.create_task(work()) for _ in range(AT_ONCE)]
        beside = [asyncio.create_task(one()) for one in (keep_house, verify)]
        teller = asyncio.create_task(progress())
        try:
            await asyncio.gather(*callers, *beside)
        finally:
            for task in (*callers, *beside, teller):
                task.cancel()

    async def check(self) -> None:
        """Recompute everything, while nobody calls."""
        began = time.monotonic()
        await self.auditor.check(self.world.shop)
        self.checks += 1
        seen = ", ".join(f"{count} {what}" for what, count in self.auditor.looked_at.items())
        self.tell(f"recomputed in {time.monotonic() - began:.0f} s from {seen}")

    async def finish(self) -> None:
        """What was late comes at last, and then no source misses anything."""
        await self.callers.complete(2_000)
        for source_id, source in self.telling.outside.items():
            request = self.telling.post(source_id, is_last=True)
            with self.world.shop.calling("PostDeltas"):
                answer = await self.telling.servicer.PostDeltas(request, NO_CONTEXT)
            self.record.note(request, answer)
            self.telling.hear("PostDeltas", request, answer)
            assert answer.applied_sequence == source.last, f"{source_id} was not heard out"
            assert not answer.gaps, f"{source_id}: {answer.gaps}"
        await self.callers.send_all_again()

    def report(self) -> list[str]:
        """For people."""
        callers = self.callers
        again = ", ".join(f"{kind} {count}" for kind, count in callers.replays.items())
        rows = [
            (
                f"{self.done} operations on {self.database.dialect} in {self.spent:.0f} s:"
                f" {self.done / self.spent:.0f} a second, {AT_ONCE} at once, recomputed"
                f" {self.checks} times, in each other's way {callers.again} times, the database"
                f" away {callers.away} times; sent {again}"
            )
        ]
        for method in callers.methods:
            refused = callers.refused.get(method, Counter())
            told = ", ".join(f"{reason} {count}" for reason, count in sorted(refused.items()))
            rows.append(f"  {method:22} {callers.succeeded[method]:6} {told}")
        states = self.auditor.lines.states
        rows.append(f"  lines: {', '.join(f'{one.name} {states[one]}' for one in LineState)}")
        return rows
