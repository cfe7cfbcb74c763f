"""Forgets, in small steps, what is kept only for as long as somebody may ask again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from ordermesh.kernel.clock import Clock
from ordermesh.runtime import feed, idempotency, inbox
from ordermesh.runtime.carrier import place_of
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.doorbell import Doorbell

PERIOD_SECONDS = 3600.0
REPLY_AGE = timedelta(days=8)
"""Retries are safe for a week; a day more for clocks and queues."""

INBOX_AGE = timedelta(days=14)
"""Longer than any producer delivers again."""

FEED_AGE = timedelta(days=14)
"""Whoever follows from further back loads a fresh copy."""

_log = logging.getLogger(__name__)

Forget = Callable[[Transaction, datetime], Awaitable[int]]

Reach = Callable[[Transaction], Awaitable[int | None]]

_RULES: Sequence[tuple[Forget, timedelta]] = (
    (idempotency.prune, REPLY_AGE),
    (inbox.prune, INBOX_AGE),
)


async def _no_reach(_tx: Transaction) -> int | None:
    return None


class Housekeeping:
    """Forgets old replies, inbox entries and changes, every hour; and what a service adds.

    ``more`` are deletions of rows older than an instant, each with the age at which it applies.
    ``last_used`` is the revision up to which the service has made of its own feed what it must.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        more: Sequence[tuple[Forget, timedelta]] = (),
        last_used: Reach = _no_reach,
    ) -> None:
        self._database = database
        self._clock = clock
        compact: Forget = partial(_compact, last_used)
        self._rules = (*_RULES, (compact, FEED_AGE), *more)
        self._doorbell = Doorbell()
        self._is_stopping = False
        self._has_ended = asyncio.Event()
        self._has_ended.set()

    async def run(self) -> None:
        """Forget until stopped."""
        self._has_ended.clear()
        try:
            while not self._is_stopping:
                try:
                    await self.forget()
                except Exception as error:  # noqa: BLE001 - the next hour is another chance
                    _log.warning("nothing could be forgotten", extra={"failure": place_of(error)})
                await self._doorbell.wait(self._clock, PERIOD_SECONDS)
        finally:
            self._has_ended.set()

    async def stop(self) -> None:
        """End ``run``; returns when it has ended."""
        self._is_stopping = True
        self._doorbell.ring()
        await self._has_ended.wait()

    async def forget(self) -> int:
        """Forget all that is old enough, in transactions of limited size; gives how many rows.

        What cannot be forgotten keeps nothing else. Raises the first failure, after all was tried.
        """
        total = 0
        failures: list[Exception] = []
        for rule, age in self._rules:
            try:
                while not self._is_stopping:
                    count = await self._database.run(partial(_apply, rule, age))
                    total += count
                    if count == 0:
                        break
            except Exception as error:  # noqa: BLE001 - the others concern other rows
                failures.append(error)
        if failures:
            raise failures[0]
        return total


async def _compact(last_used: Reach, tx: Transaction, older_than: datetime) -> int:
    return await feed.compact(tx, older_than, await last_used(tx))


async def _apply(rule: Forget, age: timedelta, tx: Transaction) -> int:
    return await rule(tx, await tx.now() - age)
