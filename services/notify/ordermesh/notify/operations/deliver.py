"""Sending: what is due is looked at once more, handed over, and what came of it is kept.

Each attempt is committed before the provider is spoken to, and its outcome as soon as the provider
has answered, in one transaction with the beginning of the next: so at most one mail of a connection
is in the open when the process dies, and no other is thought to be.
"""

import random as randomness
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ordermesh.kernel.clock import Clock
from ordermesh.notify.domain.notice import is_too_late, wait_for_recipient
from ordermesh.notify.domain.notification import (
    FINAL,
    Answer,
    DropReason,
    Notification,
    NotificationState,
    Result,
    begin,
    cut_off,
    dropped,
    ended,
)
from ordermesh.notify.domain.preference import Preference, is_wanted
from ordermesh.notify.domain.recipient import Recipient, digest
from ordermesh.notify.operations.records import Records
from ordermesh.notify.ports import Mailer, NotificationStore, PreferenceStore
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.failpoints import At
from ordermesh.runtime.work import Claimed, WorkKind

BATCH = 16
"""So many notifications one sender takes at a time, each of another order."""

BATCH_SECONDS = 2.0
"""After so long a sender gives back what it has not begun: the provider is slow."""

LEASE_MARGIN_SECONDS = 2.0


@dataclass(frozen=True)
class Due:
    """A notification that is to be sent now: by which row of work, to whom, and where."""

    row: Claimed
    one: Notification
    recipient: Recipient
    address: str


@dataclass(frozen=True)
class Ending:
    """An attempt that was answered, and the place of what follows; ``is_slow``: not any more."""

    was: Notification
    row: Claimed
    answer: Answer
    following: int
    is_slow: bool


class Delivery:
    """Sends notifications; a worker runs it. ``at`` is called where the process could end."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        notifications: NotificationStore,
        preferences: PreferenceStore,
        records: Records,
        mailer: Mailer | None,
        *,
        random: randomness.Random,
        connections: int,
        seconds: float,
        at: At,
    ) -> None:
        self._database = database
        self._clock = clock
        self._notifications = notifications
        self._preferences = preferences
        self._records = records
        self._mailer = mailer
        self._random = random
        self._connections = connections
        self._seconds = seconds
        self._at = at

    def work_kind(self) -> WorkKind:
        """How a worker handles it: the lease covers a batch and one slow conversation more."""
        lease = BATCH_SECONDS + 3 * self._seconds + LEASE_MARGIN_SECONDS
        return WorkKind(
            self._handle, batch=BATCH, concurrency=self._connections, lease_seconds=lease
        )

    async def _handle(self, rows: Sequence[Claimed]) -> None:
        due = await self._database.run(lambda tx: self._look(tx, rows))
        if not due or self._mailer is None:
            return
        until = self._clock.monotonic() + BATCH_SECONDS
        async with self._mailer.line() as line:
            place, sending = await self._database.run(lambda tx: self._begin_next(tx, due, 0))
            while sending is not None:
                present = due[place]
                await self._at("begun")
                answer = await line.send(sending, present.recipient, present.address)
                await self._at("answered")
                is_slow = self._clock.monotonic() > until
                ending = Ending(sending, present.row, answer, place + 1, is_slow=is_slow)
                place, sending = await self._database.run(
                    lambda tx, ending=ending: self._end_and_begin(tx, due, ending)  # type: ignore[misc]
                )
                await self._at("recorded")

    async def _look(self, tx: Transaction, rows: Sequence[Claimed]) -> list[Due]:
        """What of these is to be sent now; what is not is finished here."""
        now = await tx.now()
        ids = {row.work_id: UUID(bytes=row.payload) for row in rows}
        known = await self._notifications.load(tx, ids.values(), lock=True)
        whom = await self._notifications.recipients(tx, {one.order_id for one in known.values()})
        addresses = {order_id: self._address(one) for order_id, one in whom.items()}
        said = await self._preferences.of(
            tx, [digest("EMAIL", one) for one in addresses.values() if one]
        )
        due: list[Due] = []
        for row in rows:
            one = known.get(ids[row.work_id])
            if one is None or one.state in FINAL:
                await row.finish(tx)
                continue
            if one.state is NotificationState.SENDING:
                await self._notifications.end_attempt(tx, one, Result.UNKNOWN, "cut off", now)
                one = cut_off(one, now)
                await self._records.save(tx, one)
            address = addresses.get(one.order_id)
            reason = self._reason_to_drop(one, address, said, now)
            wait = wait_for_recipient(one.create_time, now)
            if reason is DropReason.NO_ADDRESS and one.order_id not in whom and wait is not None:
                # What one peer tells may be heard before routing has said whom the order is for.
                await row.reschedule(tx, due_time=now + wait)
                continue
            if reason is not None or address is None:
                await self._records.save(tx, dropped(one, reason or DropReason.NO_ADDRESS, now))
                await row.finish(tx)
                continue
            due.append(Due(row, one, whom[one.order_id], address))
        return due

    def _address(self, recipient: Recipient) -> str | None:
        return self._mailer.address_of(recipient) if self._mailer is not None else None

    def _reason_to_drop(
        self,
        one: Notification,
        address: str | None,
        said: dict[bytes, list[Preference]],
        now: datetime,
    ) -> DropReason | None:
        if self._mailer is None:
            return DropReason.CHANNEL_OFF
        if is_too_late(one.kind, one.event_time, now):
            return DropReason.TOO_LATE
        if address is None:
            return DropReason.NO_ADDRESS
        if not is_wanted(said.get(digest("EMAIL", address), ()), one.kind):
            return DropReason.OPTED_OUT
        return None

    async def _begin_next(
        self, tx: Transaction, due: Sequence[Due], place: int
    ) -> tuple[int, Notification | None]:
        """Begin the next that is still wanted; gives its place, and None when there is none."""
        for number, one in enumerate(due[place:], start=place):
            name = digest("EMAIL", one.address)
            said = await self._preferences.of(tx, [name])
            if is_wanted(said.get(name, ()), one.one.kind):
                return number, await self._begin(tx, one)
            await self._records.save(tx, dropped(one.one, DropReason.OPTED_OUT, await tx.now()))
            await one.row.finish(tx)
        return len(due), None

    async def _begin(self, tx: Transaction, due: Due) -> Notification:
        now = await tx.now()
        sending = begin(due.one, now)
        await self._notifications.begin_attempt(tx, sending, now)
        return await self._records.save(tx, sending)

    async def _end_and_begin(
        self, tx: Transaction, due: Sequence[Due], ending: Ending
    ) -> tuple[int, Notification | None]:
        """Keep what came of one attempt, and that the next begins; gives the next."""
        now = await tx.now()
        was, answer, row = ending.was, ending.answer, ending.row
        after = ended(was, answer, now, self._random.random())
        await self._notifications.end_attempt(tx, was, answer.result, answer.code, now)
        await self._records.save(tx, after)
        if after.due_time is None:
            await row.finish(tx)
        else:
            await row.reschedule(tx, due_time=after.due_time)
        if not ending.is_slow:
            return await self._begin_next(tx, due, ending.following)
        for rest in due[ending.following :]:
            await rest.row.reschedule(tx, due_time=now)
        return len(due), None
