"""The provider of mails as notify sees it: slow, sometimes busy, sometimes gone in the middle."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from uuid import UUID

from ordermesh.notify.domain.notification import Answer, Notification, Result
from ordermesh.notify.domain.recipient import Recipient
from tests.simulation.history import History

TAKING_SECONDS = 0.05


class Mailbox:
    """Takes mails. ``trouble`` is the share of mails that do not go the straight way."""

    def __init__(self, loop: asyncio.AbstractEventLoop, random: Random, history: History) -> None:
        self.trouble = 0.0
        self.taken: Counter[UUID] = Counter()
        self._loop = loop
        self._random = random
        self._history = history

    def address_of(self, recipient: Recipient) -> str | None:
        return recipient.email or None

    @asynccontextmanager
    async def line(self) -> AsyncIterator["Mailbox"]:
        yield self

    async def send(self, one: Notification, recipient: Recipient, address: str) -> Answer:
        await asyncio.sleep(self._random.uniform(0.0, TAKING_SECONDS))
        is_smooth = self._random.random() >= self.trouble
        if not is_smooth and self._random.random() < 0.5:
            self._history.add("mailbox", "busy", one.kind.value)
            return Answer(Result.DEFERRED, "451 busy")
        self.taken[one.notification_id] += 1
        self._history.add("mailbox", "takes", f"{one.kind.value} {one.order_id}")
        await asyncio.sleep(self._random.uniform(0.0, TAKING_SECONDS))
        if not is_smooth:
            return Answer(Result.UNKNOWN, "hung up")
        return Answer(Result.SENT, "250 taken")
