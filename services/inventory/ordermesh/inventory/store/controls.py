"""Channel controls in the database, and the compiled table that this process read last."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Row,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from ordermesh.inventory.domain.control import Control, ControlKind
from ordermesh.inventory.domain.control_table import NO_CONTROLS, ControlTable
from ordermesh.inventory.domain.errors.control import UnknownControlVersion
from ordermesh.inventory.domain.key import Actor
from ordermesh.inventory.domain.ledger import PoolKey
from ordermesh.inventory.domain.limits import Buyer
from ordermesh.inventory.domain.reservation import OPEN, LineState
from ordermesh.inventory.ports.controls import CONTROLS_CHANGED, PooledPair
from ordermesh.inventory.ports.names import Names, Pair
from ordermesh.inventory.ports.recollection import Stamps
from ordermesh.inventory.store.keys import integers, is_among, pairs, uuids
from ordermesh.inventory.store.tables.controls import (
    control,
    control_change,
    control_version,
    pool_use,
)
from ordermesh.inventory.store.tables.reservations import line
from ordermesh.kernel.ids import Ids
from ordermesh.runtime.at_once import AtOnce, Guard
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.tables import insert_new

K = TypeVar("K")

_OPEN = [int(state) for state in sorted(OPEN)]

stamp = select(control_version.c.stamp).scalar_subquery().label("control_stamp")
"""What tells one version from all others, as a column of a statement about something else."""

catalog_stamp = select(control_version.c.catalog_stamp).scalar_subquery().label("catalog_stamp")
"""As ``stamp``: what tells what items and locations say from all that they said before."""


class SqlControlStore:
    """Controls in tables, and the last table that was read, compiled.

    Whoever decides reads the stamp of the version in the same transaction, after its locks. Only
    where it is not the stamp of the last table, the controls are read again.
    """

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._last: tuple[UUID | None, ControlTable] = (None, NO_CONTROLS)

    @property
    def last_table(self) -> ControlTable:
        """The table that was read last; it may be older than what is committed."""
        return self._last[1]

    async def table(self, tx: Transaction) -> ControlTable:
        """The controls as they are, compiled."""
        return await self.table_of(tx, (await tx.execute(select(stamp))).scalar_one())

    async def table_of(self, tx: Transaction, stamped: UUID) -> ControlTable:
        """The table with this stamp, or a newer one."""
        if self._last[0] != stamped:
            # One statement, so that version and rows are of one moment.
            found = await tx.execute(
                select(control_version.c.version.label("latest"), control_version.c.stamp, control)
                .select_from(control_version.outerjoin(control, true()))
                .order_by(control.c.control_id)
            )
            rows = found.all()
            table = ControlTable(
                tuple(_control(row) for row in rows if row.number is not None), rows[0].latest
            )
            self._last = (rows[0].stamp, table)
        return self._last[1]

    async def disturb(self, tx: Transaction) -> None:
        """Items or locations changed: what was remembered of them under the last stamps is void."""
        await tx.execute(update(control_version).values(catalog_stamp=self._ids.new()))

    def expect(self, tx: AtOnce, stamps: Stamps) -> None:
        """Let the transaction fail where items, locations or controls are newer than the stamps.

        It asks when it has its locks, as who looks does: what was switched while it waited for them
        is seen by it, and what is switched later tells its watchers later.
        """
        tx.guard(
            Guard(lambda first: f"stamps_by_now() = ARRAY[${first}::uuid, ${first + 1}]", stamps)
        )

    async def lock(self, tx: Transaction) -> tuple[int, list[Control]]:
        """Lock all controls against other changes, and read them with their version."""
        locked = await tx.execute(select(control_version.c.version).with_for_update())
        version: int = locked.scalar_one()
        found = await tx.execute(select(control).order_by(control.c.control_id))
        return version, [_control(row) for row in found]

    async def change(
        self,
        tx: Transaction,
        version: int,
        *,
        putting: Sequence[Control] = (),
        deleting: Sequence[Control] = (),
        actor: Actor,
        now: datetime,
    ) -> None:
        """Make a new version, and remember what it changed."""
        gone = integers(tx.dialect, (one.number for one in deleting))
        await tx.execute(delete(control).where(control.c.number.in_(gone)))
        new = [one for one in putting if not one.number]
        if new:
            first = await self._numbers(tx, len(new))
            rows = [
                {**_columns(one), "number": number} for number, one in enumerate(new, start=first)
            ]
            await tx.execute(insert(control), rows)
        changed = [{**_columns(one), "key_number": one.number} for one in putting if one.number]
        if changed:
            await tx.execute(
                update(control).where(control.c.number == bindparam("key_number")), changed
            )
        history: list[tuple[str, dict[str, Any] | None]] = [
            (one.control_id, written(one)) for one in putting
        ]
        history += [(one.control_id, None) for one in deleting]
        await tx.execute(
            insert(control_change),
            [
                {
                    "version": version,
                    "control_id": control_id,
                    "is_deleted": content is None,
                    "content": content,
                    "caller": actor.caller,
                    "on_behalf_of": actor.on_behalf_of,
                    "create_time": now,
                }
                for control_id, content in history
            ],
        )
        await tx.execute(
            update(control_version).values(version=version, stamp=self._ids.new(), update_time=now)
        )
        tx.ring(CONTROLS_CHANGED)

    async def _numbers(self, tx: Transaction, count: int) -> int:
        """The first of so many numbers that nothing ever had."""
        last = control_version.c.last_number
        given = await tx.execute(
            update(control_version).values(last_number=last + count).returning(last)
        )
        return int(given.scalar_one()) - count + 1

    async def at_version(self, tx: Transaction, version: int) -> list[Control]:
        """The controls as they were, in the order of their ids.

        Raises ``UnknownControlVersion``.
        """
        latest = (await tx.execute(select(control_version.c.version))).scalar_one()
        if version > latest:
            raise UnknownControlVersion(version, latest)
        last = (
            select(control_change.c.control_id, func.max(control_change.c.version).label("version"))
            .where(control_change.c.version <= version)
            .group_by(control_change.c.control_id)
            .subquery()
        )
        found = await tx.execute(
            select(control_change.c.content)
            .join(
                last,
                and_(
                    last.c.control_id == control_change.c.control_id,
                    last.c.version == control_change.c.version,
                ),
            )
            .where(~control_change.c.is_deleted)
            .order_by(control_change.c.control_id)
        )
        return [read(row.content) for row in found]

    async def changed_since(self, tx: Transaction, version: int) -> list[Control]:
        """What later versions changed: each control as it was at ``version``, and as it became."""
        found = await tx.execute(
            select(control_change.c.control_id, control_change.c.content).where(
                control_change.c.version > version
            )
        )
        rows = found.all()
        ids = {row.control_id for row in rows}
        before = [one for one in await self.at_version(tx, version) if one.control_id in ids]
        return before + [read(row.content) for row in rows if row.content is not None]

    async def lock_buyers(self, tx: Transaction, buyers: Collection[Buyer]) -> None:
        """Let nobody else decide about these orders and customers until the commit.

        SQLite has one writer. On PostgreSQL they have no rows of their own to lock: what is locked
        are numbers made of their names, in ascending order.
        """
        names = {("order", buyer.order_id) for buyer in buyers}
        names |= {("customer", buyer.customer) for buyer in buyers}
        numbers = sorted({_lock_number(kind, name) for kind, name in names if name})
        if not numbers or tx.dialect == "sqlite":
            return
        rows = func.unnest(bindparam("numbers", numbers, type_=ARRAY(BigInteger))).column_valued()
        await tx.execute(select(func.pg_advisory_xact_lock(rows)))

    async def taken(
        self,
        tx: Transaction,
        now: datetime,
        item_ids: Collection[int],
        excluding: Collection[UUID] = (),
    ) -> Mapping[PooledPair, int]:
        """Units taken from pools of items, without overdue lines and those of ``excluding``."""
        wanted = integers(tx.dialect, item_ids)
        found = await tx.execute(select(pool_use).where(pool_use.c.item_id.in_(wanted)))
        taken = {(row.number, (row.item_id, row.location_id)): row.taken for row in found}
        is_back = and_(line.c.state == int(LineState.HELD), line.c.expire_time <= now)
        if excluding:
            named = line.c.reservation_id.in_(uuids(tx.dialect, excluding))
            is_back = or_(is_back, and_(line.c.state.in_(_OPEN), named))
        back = await tx.execute(
            select(line.c.pool, line.c.item_id, line.c.location_id, line.c.quantity).where(
                line.c.pool.is_not(None),
                line.c.item_id.in_(integers(tx.dialect, item_ids)),
                is_back,
            )
        )
        for row in back:
            taken[row.pool, (row.item_id, row.location_id)] -= row.quantity
        return taken


async def taken_at(
    tx: Transaction, wanted: Collection[Pair], names: Mapping[Pair, K]
) -> dict[tuple[int, K], int]:
    """Units taken from pools at locked balances, by the keys that ``names`` gives to pairs."""
    found = await tx.execute(select(pool_use).where(is_among(pool_use, pairs(tx.dialect, wanted))))
    return {(row.number, names[row.item_id, row.location_id]): row.taken for row in found}


async def take(tx: Transaction, names: Names, units: Mapping[PoolKey, int]) -> None:
    """Add to what was taken; negative units went back. The balances of the keys are locked."""
    if not units:
        return
    rows = [
        {"number": number, "item_id": pair[0], "location_id": pair[1], "taken": count}
        for (number, key), count in units.items()
        for pair in [names.pair(key)]
    ]
    new = [{**row, "taken": 0} for row in rows]
    await tx.execute(insert_new(pool_use, tx.dialect), new)
    await tx.execute(
        update(pool_use)
        .where(
            pool_use.c.number == bindparam("key_number"),
            pool_use.c.item_id == bindparam("key_item"),
            pool_use.c.location_id == bindparam("key_location"),
        )
        .values(taken=pool_use.c.taken + bindparam("units")),
        [
            {
                "key_number": row["number"],
                "key_item": row["item_id"],
                "key_location": row["location_id"],
                "units": row["taken"],
            }
            for row in rows
        ],
    )


def _lock_number(kind: str, name: str) -> int:
    digest = hashlib.sha256(f"{kind}\x1f{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _columns(one: Control) -> dict[str, Any]:
    columns = {**asdict(one), "kind": int(one.kind)}
    window = columns.pop("window")
    del columns["number"]
    return {**columns, "window_seconds": None if window is None else int(window.total_seconds())}


def _control(row: Row[Any]) -> Control:
    return Control(
        control_id=row.control_id,
        kind=ControlKind(row.kind),
        value=row.value,
        location_group=row.location_group,
        location_id=row.location_id,
        tag=row.tag,
        sku=row.sku,
        channel=row.channel,
        start_time=row.start_time,
        end_time=row.end_time,
        priority=row.priority,
        note=row.note,
        window=None if row.window_seconds is None else timedelta(seconds=row.window_seconds),
        number=row.number,
        version=row.version,
        update_time=row.update_time,
    )


def written(one: Control) -> dict[str, Any]:
    """A control as history keeps it."""
    columns = _columns(one)
    for name in ("start_time", "end_time", "update_time"):
        instant = columns[name]
        columns[name] = None if instant is None else instant.isoformat()
    return columns


def read(content: Mapping[str, Any]) -> Control:
    """A control from history."""
    fields = dict(content)
    seconds = fields.pop("window_seconds")
    for name in ("start_time", "end_time", "update_time"):
        if fields[name] is not None:
            fields[name] = datetime.fromisoformat(fields[name])
    return Control(
        **{
            **fields,
            "kind": ControlKind(fields["kind"]),
            "window": None if seconds is None else timedelta(seconds=seconds),
        }
    )
