"""The books are checked all the time."""

import asyncio
import logging
import random as randomness
from collections.abc import Iterable, Sequence
from functools import partial

from opentelemetry import metrics

from ordermesh.inventory.domain.verification import Finding, KeyFacts, examine
from ordermesh.inventory.operations.suspecting import seize_if_unsound
from ordermesh.inventory.ports.stores import Stores
from ordermesh.inventory.ports.verification import VerificationStore
from ordermesh.kernel.clock import Clock
from ordermesh.runtime.carrier import place_of
from ordermesh.runtime.database import Database
from ordermesh.runtime.doorbell import Doorbell
from ordermesh.runtime.leadership import Leadership
from ordermesh.runtime.telemetry import SCOPE, Attributes

KEYS = 200
"""How many keys are looked at in turn at a time, and a little more: items are not torn apart."""

REST_SHARE = 9.0
"""It rests for so many times as long as a look took, so that it never takes much of a machine."""

_log = logging.getLogger(__name__)


class Auditor:
    """Derives balances anew from their entries and lines: some at random, and each one in turn.

    One process leads. A key that is wrong is looked at again under its lock, and then nothing moves
    there any more until an operator has freed it. The metric ``ordermesh.invariant.violations``
    counts what was found, and nothing is repaired.
    """

    def __init__(
        self,
        database: Database,
        stores: Stores,
        verification: VerificationStore,
        clock: Clock,
        *,
        seconds: float,
        random: randomness.Random,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        self._database = database
        self._stores = stores
        self._verification = verification
        self._clock = clock
        self._seconds = seconds
        self._random = random
        self._leadership = Leadership(database, clock, "audit")
        self._violations = metrics.get_meter(SCOPE, meter_provider=meter_provider).create_counter(
            "ordermesh.invariant.violations", description="What is wrong with the books."
        )
        self._after = 0
        self._doorbell = Doorbell()
        self._is_stopping = False
        self._has_ended = asyncio.Event()
        self._has_ended.set()

    async def run(self) -> None:
        """Look until stopped."""
        self._has_ended.clear()
        try:
            while not self._is_stopping:
                began = self._clock.monotonic()
                try:
                    if await self._leadership.hold():
                        await self.look()
                except Exception as error:  # noqa: BLE001 - the books would never be checked again
                    _log.warning("the books cannot be checked", extra={"failure": place_of(error)})
                took = self._clock.monotonic() - began
                await self._doorbell.wait(self._clock, max(self._seconds, REST_SHARE * took))
        finally:
            await self._leadership.resign()
            self._has_ended.set()

    async def stop(self) -> None:
        """End ``run``; returns when it has ended."""
        self._is_stopping = True
        self._doorbell.ring()
        await self._has_ended.wait()

    async def look(self) -> Sequence[Finding]:
        """Look at the keys of an item at random, and at the next ones; gives what is wrong."""
        last = await self._database.read(self._verification.last_item)
        if not last:
            return ()
        anywhere = self._random.randrange(last)
        some = await self._database.read(
            partial(self._verification.balances, after=anywhere, size=1)
        )
        turn = await self._database.read(
            partial(self._verification.balances, after=self._after, size=KEYS)
        )
        self._after = turn.last if isinstance(turn.last, int) else 0
        return [*await self._seize(some.keys), *await self._seize(turn.keys)]

    async def _seize(self, keys: Iterable[KeyFacts]) -> list[Finding]:
        found: list[Finding] = []
        for facts in keys:
            if examine(facts):
                found += await self._suspect(facts)
        return found

    async def _suspect(self, facts: KeyFacts) -> Sequence[Finding]:
        """What is wrong with a key now, and was not known before."""
        findings: Sequence[Finding]
        if facts.recorded is None:
            # There is no balance that could be locked: whatever is done there collides with it.
            findings = examine(facts)
        else:
            seize = partial(seize_if_unsound, self._stores, self._verification, key=facts.key)
            findings = await self._database.run(seize)
        for one in findings:
            self._violations.add(1, {Attributes.INVARIANT: one.invariant})
            _log.error(
                "the books are wrong",
                extra={
                    "invariant": one.invariant,
                    "sku": facts.key.sku,
                    "location_id": facts.key.location_id,
                },
            )
        return findings
