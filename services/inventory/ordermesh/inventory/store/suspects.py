"""Keys whose books were found wrong, in the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Table,
    and_,
    exists,
    insert,
    or_,
    select,
    update,
)

from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.suspect import Suspect
from ordermesh.inventory.domain.verification import Finding
from ordermesh.inventory.ports.names import Pair
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.ledger import balance
from ordermesh.inventory.store.tables.locations import location
from ordermesh.inventory.store.tables.suspects import quarantined_key
from ordermesh.kernel.ids import Ids
from ordermesh.runtime.database import Transaction

_NAMED = quarantined_key.join(item, item.c.item_id == quarantined_key.c.item_id).join(
    location, location.c.location_id == quarantined_key.c.location_id
)


class SqlSuspectStore:
    """A mark on the balance, and a row that says why and what became of it."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    async def seize(
        self, tx: Transaction, pair: Pair, findings: Sequence[Finding], now: datetime
    ) -> None:
        """Put a key into quarantine; its balance is locked, and not in quarantine."""
        await _mark(tx, pair, is_quarantined=True)
        await tx.execute(
            insert(quarantined_key).values(
                suspect_id=self._ids.new(),
                item_id=pair[0],
                location_id=pair[1],
                findings=[_written(one) for one in findings],
                found_time=now,
            )
        )

    async def free(
        self, tx: Transaction, pair: Pair, actor: Actor, note: str, now: datetime
    ) -> Suspect:
        """Let a key go; its balance is locked, and in quarantine."""
        is_open = and_(
            quarantined_key.c.item_id == pair[0],
            quarantined_key.c.location_id == pair[1],
            quarantined_key.c.free_time.is_(None),
        )
        found = await tx.execute(select(quarantined_key.c.suspect_id).where(is_open))
        suspect_id = found.scalar_one()
        await _mark(tx, pair, is_quarantined=False)
        is_it = quarantined_key.c.suspect_id == suspect_id
        await tx.execute(
            update(quarantined_key)
            .where(is_it)
            .values(free_time=now, caller=actor.caller, on_behalf_of=actor.on_behalf_of, note=note)
        )
        freed = await tx.execute(
            select(quarantined_key, item.c.sku, location.c.code).select_from(_NAMED).where(is_it)
        )
        return _suspect(freed.one())

    async def page(
        self,
        tx: Transaction,
        after: tuple[datetime, UUID] | None,
        size: int,
        *,
        include_freed: bool,
    ) -> list[Suspect]:
        """The next keys, the oldest first."""
        columns = quarantined_key.c
        statement = select(quarantined_key, item.c.sku, location.c.code).select_from(_NAMED)
        if not include_freed:
            statement = statement.where(columns.free_time.is_(None))
        if after is not None:
            instant, suspect_id = after
            statement = statement.where(
                columns.found_time >= instant,
                or_(columns.found_time > instant, columns.suspect_id > suspect_id),
            )
        found = await tx.execute(
            statement.order_by(columns.found_time, columns.suspect_id).limit(size)
        )
        return [_suspect(row) for row in found]


def can_move(line: Table) -> ColumnElement[bool]:
    """Whether the books of a line's key are not in quarantine.

    Nothing moves there, so that whoever looks for what could move must not stop at it.
    """
    return ~exists().where(
        balance.c.item_id == line.c.item_id,
        balance.c.location_id == line.c.location_id,
        balance.c.is_quarantined,
    )


async def _mark(tx: Transaction, pair: Pair, *, is_quarantined: bool) -> None:
    await tx.execute(
        update(balance)
        .where(balance.c.item_id == pair[0], balance.c.location_id == pair[1])
        .values(is_quarantined=is_quarantined)
    )


def _written(one: Finding) -> dict[str, Any]:
    return {
        "invariant": one.invariant,
        "recorded": one.recorded,
        "expected": one.expected,
        "sentence": one.sentence,
        "order_id": one.order_id,
    }


def _suspect(row: Row[Any]) -> Suspect:
    key = StockKey(row.sku, row.code)
    return Suspect(
        suspect_id=row.suspect_id,
        key=key,
        findings=[_finding(key, written) for written in row.findings],
        found_time=row.found_time,
        free_time=row.free_time,
        freed_by=None if row.free_time is None else Actor(row.caller, row.on_behalf_of),
        note=row.note,
    )


def _finding(key: StockKey, written: Mapping[str, Any]) -> Finding:
    return Finding(
        written["invariant"],
        key,
        written["recorded"],
        written["expected"],
        written["sentence"],
        written["order_id"],
    )
