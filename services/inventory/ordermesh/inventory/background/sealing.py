"""What was stamped is sealed."""

import asyncio
import logging
from functools import partial

from ordermesh.inventory.operations.sealing import seal_next
from ordermesh.inventory.ports.seals import SealStore
from ordermesh.kernel.clock import Clock
from ordermesh.runtime.carrier import place_of
from ordermesh.runtime.database import Database
from ordermesh.runtime.doorbell import Doorbell

SEAL_SECONDS = 0.3
"""How long what was stamped waits for company before it is sealed."""

_log = logging.getLogger(__name__)


class Sealer:
    """Seals what was stamped, a few times a second, so that many changes share a transaction.

    Every process may run one: whoever holds the lock of the last seal goes on from it.
    """

    def __init__(self, database: Database, seals: SealStore, clock: Clock) -> None:
        self._database = database
        self._seals = seals
        self._clock = clock
        self._doorbell = Doorbell()
        self._is_stopping = False
        self._has_ended = asyncio.Event()
        self._has_ended.set()

    async def run(self) -> None:
        """Seal until stopped."""
        self._has_ended.clear()
        try:
            while not self._is_stopping:
                try:
                    await self.seal()
                except Exception as error:  # noqa: BLE001 - nothing would ever be sealed again
                    _log.warning("the books cannot be sealed", extra={"failure": place_of(error)})
                await self._doorbell.wait(self._clock, SEAL_SECONDS)
        finally:
            self._has_ended.set()

    async def stop(self) -> None:
        """End ``run``; returns when it has ended."""
        self._is_stopping = True
        self._doorbell.ring()
        await self._has_ended.wait()

    async def seal(self) -> None:
        """Seal all that has a revision and no seal."""
        if not await self._database.read(self._seals.is_behind):
            return
        while not self._is_stopping and await self._database.run(partial(seal_next, self._seals)):
            pass
