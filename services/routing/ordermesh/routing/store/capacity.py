"""Capacity in SQL: how much of each window is taken, and by which holds.

Whoever changes what is taken of a window locks its row first, always in the order of the keys, so
that two that want the same windows take turns instead of waiting for each other.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, Row, Select, delete, insert, select, update

from ordermesh.routing.domain.capacity import CapacityHold, HoldState, Share, WindowKey
from ordermesh.routing.store.tables.capacity import capacity_hold, capacity_share, capacity_window
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.engines import Dialect
from ordermesh.runtime.tables import insert_new

PRUNE_ROWS = 1_000
"""How many holds one transaction forgets at most."""

_CHUNK = 400
"""How many names one statement asks for."""


class SqlCapacityStore:
    """Keeps what locations have been given to do, by window."""

    async def used(
        self, tx: Transaction, starts: Collection[datetime], now: datetime
    ) -> dict[WindowKey, int]:
        """What is taken of the windows that start then; holds that are overdue do not count."""
        if not starts:
            return {}
        rows = await tx.execute(
            select(capacity_window).where(capacity_window.c.start_time.in_(sorted(starts)))
        )
        taken = {
            (row.location_id, row.capacity_id, row.start_time): row.used for row in rows if row.used
        }
        overdue = await tx.execute(
            _overdue(now).where(capacity_share.c.start_time.in_(sorted(starts)))
        )
        for row in overdue:
            taken[row.location_id, row.capacity_id, row.start_time] -= row.amount
        return taken

    async def hold(self, tx: Transaction, hold: CapacityHold, now: datetime) -> tuple[Share, ...]:
        """Take the shares of a hold; gives those for which a window has too little left.

        Then nothing was taken. A share gives what is left in place of the limit. A hold with this
        id must not exist.
        """
        taken: list[Share] = []
        short: list[Share] = []
        wanted = sorted(hold.shares, key=lambda share: share.key)
        for share in wanted:
            left = await self._take(tx, share, now)
            if left is None:
                taken.append(share)
            else:
                short.append(replace(share, limit=left))
        if short:
            for share in taken:
                await _add(tx, share.key, -share.amount)
            return tuple(short)
        await tx.execute(
            insert(capacity_hold).values(
                hold_id=hold.hold_id,
                location_id=hold.location_id,
                state=hold.state,
                caller=hold.caller,
                expire_time=hold.expire_time,
                create_time=hold.create_time,
                change_time=now,
            )
        )
        if wanted:
            await tx.execute(
                insert(capacity_share),
                [
                    {
                        "hold_id": hold.hold_id,
                        "location_id": share.location_id,
                        "capacity_id": share.capacity_id,
                        "start_time": share.start_time,
                        "amount": share.amount,
                    }
                    for share in wanted
                ],
            )
        return ()

    async def get(self, tx: Transaction, hold_id: UUID, now: datetime) -> CapacityHold | None:
        """A hold as it is now."""
        found = await _holds(tx, [hold_id])
        return found[0].seen_at(now) if found else None

    async def lock(self, tx: Transaction, hold_id: UUID) -> CapacityHold | None:
        """A hold as it is now, kept from others, with its windows, until the commit."""
        found = await self._locked(tx, [hold_id])
        return found[0] if found else None

    async def _locked(self, tx: Transaction, hold_ids: Collection[UUID]) -> list[CapacityHold]:
        """Holds as they are now, after their windows were locked in the order of the keys."""
        holds = await _holds(tx, hold_ids)
        now = await tx.now()
        for key in sorted({share.key for hold in holds for share in hold.shares}):
            await self._lock(tx, key, now)
        # Others may have closed them while the locks were waited for, and time has passed.
        now = await tx.now()
        return [hold.seen_at(now) for hold in await _holds(tx, hold_ids)]

    async def change(self, tx: Transaction, before: CapacityHold, after: CapacityHold) -> None:
        """Write what became of a hold that is locked, and give back what it does not take."""
        if before.counts and not after.counts:
            for share in before.shares:
                await _add(tx, share.key, -share.amount)
        await tx.execute(
            update(capacity_hold)
            .where(capacity_hold.c.hold_id == before.hold_id)
            .values(state=after.state, expire_time=after.expire_time, change_time=await tx.now())
        )

    async def confirm_own(self, tx: Transaction, hold_ids: Collection[UUID]) -> None:
        """Confirm holds that wait and never expire; what is closed stays as it is."""
        if hold_ids:
            await tx.execute(
                update(capacity_hold)
                .where(
                    capacity_hold.c.hold_id.in_(sorted(hold_ids)),
                    capacity_hold.c.state == HoldState.HELD,
                    capacity_hold.c.expire_time.is_(None),
                )
                .values(state=HoldState.CONFIRMED, change_time=await tx.now())
            )

    async def release(self, tx: Transaction, hold_ids: Collection[UUID]) -> None:
        """Release holds; what is closed stays as it is."""
        if not hold_ids:
            return
        now = await tx.now()
        for hold in await self._locked(tx, hold_ids):
            released = hold.released(now)
            if released != hold:
                await self.change(tx, hold, released)

    async def prune(self, tx: Transaction, older_than: datetime) -> int:
        """Forget windows that started long ago, with their holds; gives how many rows."""
        old = select(capacity_hold.c.hold_id).where(
            capacity_hold.c.change_time < older_than,
            ~select(capacity_share.c.hold_id)
            .where(
                capacity_share.c.hold_id == capacity_hold.c.hold_id,
                capacity_share.c.start_time >= older_than,
            )
            .exists(),
        )
        gone = await tx.execute(
            delete(capacity_hold).where(capacity_hold.c.hold_id.in_(old.limit(PRUNE_ROWS)))
        )
        if gone.rowcount:
            return gone.rowcount
        windows = await tx.execute(
            delete(capacity_window).where(
                capacity_window.c.start_time < older_than - timedelta(days=1),
                ~select(capacity_share.c.hold_id)
                .where(
                    capacity_share.c.location_id == capacity_window.c.location_id,
                    capacity_share.c.capacity_id == capacity_window.c.capacity_id,
                    capacity_share.c.start_time == capacity_window.c.start_time,
                )
                .exists(),
            )
        )
        return windows.rowcount

    async def _take(self, tx: Transaction, share: Share, now: datetime) -> int | None:
        """Take a share of its window; gives what is left when that is too little, else nothing."""
        await tx.execute(_new_window(share.key, tx.dialect))
        taken = await tx.execute(
            update(capacity_window)
            .where(
                *_is(capacity_window, share.key),
                *(
                    [capacity_window.c.used + share.amount <= share.limit]
                    if share.limit is not None
                    else []
                ),
            )
            .values(used=capacity_window.c.used + share.amount)
        )
        if taken.rowcount == 1 or share.limit is None:
            return None
        # Holds that are overdue may be what fills it.
        left = share.limit - await self._lock(tx, share.key, now)
        if left < share.amount:
            return max(0, left)
        await _add(tx, share.key, share.amount)
        return None

    async def _lock(self, tx: Transaction, key: WindowKey, now: datetime) -> int:
        """Lock a window and give what is taken of it, after what is overdue was given back."""
        await tx.execute(_new_window(key, tx.dialect))
        row = await tx.execute(
            select(capacity_window.c.used).where(*_is(capacity_window, key)).with_for_update()
        )
        used: int = row.scalar_one()
        overdue = (await tx.execute(_overdue(now).where(*_is(capacity_share, key)))).all()
        if not overdue:
            return used
        await tx.execute(
            update(capacity_share)
            .where(
                *_is(capacity_share, key),
                capacity_share.c.hold_id.in_([one.hold_id for one in overdue]),
            )
            .values(is_given_back=True)
        )
        given_back: int = sum(one.amount for one in overdue)
        await _add(tx, key, -given_back)
        return used - given_back


def _new_window(key: WindowKey, dialect: Dialect) -> Executable:
    """Make a window of which nothing is taken, unless it is there."""
    location_id, capacity_id, start_time = key
    return insert_new(capacity_window, dialect).values(
        location_id=location_id, capacity_id=capacity_id, start_time=start_time, used=0
    )


def _is(table: Any, key: WindowKey) -> tuple[Any, ...]:
    location_id, capacity_id, start_time = key
    return (
        table.c.location_id == location_id,
        table.c.capacity_id == capacity_id,
        table.c.start_time == start_time,
    )


async def _add(tx: Transaction, key: WindowKey, amount: int) -> None:
    await tx.execute(
        update(capacity_window)
        .where(*_is(capacity_window, key))
        .values(used=capacity_window.c.used + amount)
    )


def _overdue(now: datetime) -> Select[Any]:
    """The shares of holds that nobody confirmed in time, unless they were given back."""
    return (
        select(capacity_share)
        .join(capacity_hold, capacity_hold.c.hold_id == capacity_share.c.hold_id)
        .where(
            capacity_share.c.is_given_back.is_(False),
            capacity_hold.c.state == HoldState.HELD,
            capacity_hold.c.expire_time <= now,
        )
    )


async def _holds(tx: Transaction, hold_ids: Collection[UUID]) -> list[CapacityHold]:
    """Holds with their shares, by id."""
    names = sorted(hold_ids)
    if not names:
        return []
    rows = await tx.execute(select(capacity_hold).where(capacity_hold.c.hold_id.in_(names)))
    shares: dict[UUID, list[Share]] = defaultdict(list)
    given_back: set[UUID] = set()
    for row in await tx.execute(
        select(capacity_share)
        .where(capacity_share.c.hold_id.in_(names))
        .order_by(
            capacity_share.c.location_id, capacity_share.c.capacity_id, capacity_share.c.start_time
        )
    ):
        shares[row.hold_id].append(
            Share(row.location_id, row.capacity_id, row.start_time, row.amount, None)
        )
        if row.is_given_back:
            given_back.add(row.hold_id)
    return [_hold(row, shares, is_overdue=row.hold_id in given_back) for row in rows]


def _hold(
    row: Row[Any], shares: Mapping[UUID, Sequence[Share]], *, is_overdue: bool
) -> CapacityHold:
    return CapacityHold(
        hold_id=row.hold_id,
        location_id=row.location_id,
        shares=tuple(shares.get(row.hold_id, ())),
        caller=row.caller,
        create_time=row.create_time,
        expire_time=row.expire_time,
        state=HoldState.EXPIRED if is_overdue else HoldState(row.state),
    )
