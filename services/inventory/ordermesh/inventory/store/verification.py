"""What the check of the books reads, in parts of one snapshot each."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    false,
    func,
    select,
    text,
)

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.limits import BOUGHT
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.reservation import OPEN
from ordermesh.inventory.domain.verification import (
    Chunk,
    Figures,
    KeyFacts,
    PoolUse,
    Promise,
    ReservationFacts,
)
from ordermesh.inventory.ports.names import Pair
from ordermesh.inventory.store.digests import unsealed
from ordermesh.inventory.store.folding import folds, promised, stretches, within
from ordermesh.inventory.store.keys import uuids
from ordermesh.inventory.store.sale import TOPIC
from ordermesh.inventory.store.supplies import on_their_way, supply_facts
from ordermesh.inventory.store.tables.controls import pool_use
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.ledger import balance, entry
from ordermesh.inventory.store.tables.locations import location
from ordermesh.inventory.store.tables.reservations import line, reservation
from ordermesh.inventory.store.tables.seals import seal, seal_head
from ordermesh.inventory.store.tables.shortfalls import shortfall
from ordermesh.inventory.store.tables.supplies import supply
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.feed import revision
from ordermesh.runtime.feed_pages import read_rest

HISTORY = ("entry", "movement", "seal")
"""The tables that are only appended to."""

_EDITS = ("update", "delete")

WAITING_MAX = 20_000
"""How many revisions may wait for seals, so that the entries of each key are compared with them."""

PART_ENTRIES = 200_000
"""From so many entries on a part has no further item."""


class SqlVerificationStore:
    """Balances, entries and lines, summed by the database."""

    async def size(self, tx: Transaction) -> int:
        """How many balances there are."""
        return int((await tx.execute(select(func.count()).select_from(balance))).scalar_one())

    async def last_item(self, tx: Transaction) -> int:
        """The highest surrogate of an item with a balance; 0 when there is none."""
        found = await tx.execute(select(func.max(balance.c.item_id)))
        return int(found.scalar_one() or 0)

    async def balances(self, tx: Transaction, after: int, size: int) -> Chunk:
        """The balances of the next items in the order of surrogates, at least so many.

        Fewer where they have very many entries. Items are not torn apart, because units on their
        way are summed over all locations. The last part also has what lies beyond the last balance:
        entries and lines without one.
        """
        found = await tx.execute(
            select(balance.c.item_id, balance.c.sequence)
            .where(balance.c.item_id > after)
            .order_by(balance.c.item_id, balance.c.location_id)
            .limit(size)
        )
        last = _end(found.all(), size)
        facts: dict[Pair, KeyFacts] = {}
        for row in await tx.execute(
            select(balance, item.c.sku, location.c.code)
            .join(item, item.c.item_id == balance.c.item_id)
            .join(location, location.c.location_id == balance.c.location_id)
            .where(within(balance.c.item_id, after, last))
        ):
            key = KeyFacts(StockKey(row.sku, row.code))
            free = row.on_hand - row.reserved + row.short
            blocked = (row.damaged, row.inspection, row.missing)
            key.recorded = Figures(free, row.reserved, row.short, *blocked)
            key.sequence = row.sequence
            facts[row.item_id, row.location_id] = key
        count = len(facts)
        held = await _add_entries(tx, facts, after, last)
        for row in await tx.execute(on_their_way(within(supply.c.item_id, after, last))):
            _facts_of(facts, row).on_its_way += int(row.units)
        await _add_promises(tx, facts, held, after, last)
        await _add_shortfalls(tx, facts, after, last)
        # Before the seals are read: what is sealed meanwhile, where a locked key is checked on no
        # snapshot, is then found by its seal or waits, and never neither.
        sealed = (await tx.execute(select(seal_head.c.revision))).scalar_one()
        await _add_seals(tx, facts, after, last)
        await _add_waiting(tx, facts, sealed)
        await _add_pools(tx, facts, after, last)
        return Chunk(list(facts.values()), (), count, last)

    async def unguarded(self, tx: Transaction) -> Sequence[str]:
        """Tables of history that nothing keeps from being edited."""
        if tx.dialect == "sqlite":
            wanted = {(name, f"{name}_no_{verb}") for name in HISTORY for verb in _EDITS}
            found = await tx.execute(
                text(
                    "SELECT tbl_name AS on_table, name AS called FROM sqlite_master"
                    " WHERE type = 'trigger'"
                )
            )
        else:
            wanted = {(name, f"{name}_append_only") for name in HISTORY}
            found = await tx.execute(
                text(
                    "SELECT c.relname AS on_table, t.tgname AS called FROM pg_trigger t"
                    " JOIN pg_class c ON c.oid = t.tgrelid WHERE t.tgenabled IN ('O', 'A')"
                    " AND c.relnamespace = current_schema()::regnamespace"
                )
            )
        there = {(row.on_table, row.called) for row in found}
        return sorted({name for name, _ in wanted - there})

    async def supplies(self, tx: Transaction, after: str, size: int) -> Chunk:
        """The next supplies in the order of their ids, and what lines wait for beside them."""
        found = await tx.execute(
            select(supply.c.supply_id)
            .where(supply.c.supply_id > after)
            .order_by(supply.c.supply_id)
            .limit(size)
        )
        ids = found.scalars().all()
        last = ids[-1] if len(ids) == size else None
        facts = await supply_facts(tx, after, last)
        return Chunk((), (), 0, last, facts)

    async def reservations(self, tx: Transaction, after: UUID | None, size: int) -> Chunk:
        """The next reservations in the order of their ids."""
        statement = select(reservation).order_by(reservation.c.reservation_id).limit(size)
        if after is not None:
            statement = statement.where(reservation.c.reservation_id > after)
        headers = (await tx.execute(statement)).all()
        sums = await tx.execute(
            select(
                line.c.reservation_id,
                func.sum(line.c.quantity).label("units"),
                func.count().label("lines"),
            )
            .where(*_between(line.c.reservation_id, after, headers))
            .group_by(line.c.reservation_id)
        )
        lines = {row.reservation_id: (int(row.units), int(row.lines)) for row in sums}
        facts = [
            ReservationFacts(
                row.reservation_id,
                row.order_id,
                row.granted,
                row.last_number,
                *lines.get(row.reservation_id, (0, 0)),
            )
            for row in headers
        ]
        return Chunk((), facts, 0, headers[-1].reservation_id if len(headers) == size else None)


def _between(
    column: ColumnElement[UUID], after: UUID | None, headers: Sequence[Row[Any]]
) -> list[ColumnElement[bool]]:
    """Whether an id is one of the next headers, which are all that there are after another."""
    is_beyond = [] if after is None else [column > after]
    return [*is_beyond, column <= headers[-1].reservation_id] if headers else [false()]


def _end(rows: Sequence[Row[Any]], size: int) -> int | None:
    """The last item of a part; None when no balance lies beyond it."""
    entries = 0
    for row in rows:
        entries += row.sequence
        if entries >= PART_ENTRIES:
            return int(row.item_id)
    return int(rows[-1].item_id) if len(rows) == size else None


_Held = dict[tuple[int, int, UUID | None], list[int]]
"""What each reservation holds of each key: by entries, and by open lines."""


async def _add_entries(
    tx: Transaction, facts: dict[Pair, KeyFacts], after: int, last: int | None
) -> _Held:
    """Sum the entries up; gives what each reservation holds by them."""
    held: _Held = {}
    key = (entry.c.item_id, entry.c.location_id, entry.c.sequence)
    for wanted in await stretches(tx, key, after, last):
        for row in await tx.execute(folds(wanted)):
            _add_fold(_facts_of(facts, row), row)
        for row in await tx.execute(promised(wanted)):
            sums = held.setdefault((row.item_id, row.location_id, row.reservation_id), [0, 0])
            sums[0] += int(row.units)
    return held


def _facts_of(facts: dict[Pair, KeyFacts], row: Row[Any]) -> KeyFacts:
    pair = (row.item_id, row.location_id)
    if pair not in facts:
        facts[pair] = KeyFacts(StockKey(row.sku, row.code))
    return facts[pair]


def _add_fold(key: KeyFacts, row: Row[Any]) -> None:
    key.folded += Figures(
        int(row.free),
        int(row.reserved),
        -int(row.minus_short),
        int(row.damaged),
        int(row.inspection),
        int(row.missing),
    )
    key.entry_count += int(row.entries)
    key.last_sequence = max(key.last_sequence, int(row.last_sequence))
    key.hollow_count += int(row.hollow)
    key.transit += int(row.transit)


async def _add_promises(
    tx: Transaction, facts: dict[Pair, KeyFacts], held: _Held, after: int, last: int | None
) -> None:
    """What each reservation holds of each key, by entries and by open lines."""
    key = (line.c.item_id, line.c.location_id, line.c.reservation_id)
    by_lines = (
        select(*key, func.sum(line.c.quantity).label("units"))
        .where(
            within(line.c.item_id, after, last),
            line.c.state.in_([int(state) for state in sorted(OPEN)]),
            line.c.mode == int(ReservationMode.RESERVE),
            line.c.supply_id.is_(None),
        )
        .group_by(*key)
    )
    for row in await tx.execute(by_lines):
        sums = held.setdefault((row.item_id, row.location_id, row.reservation_id), [0, 0])
        sums[1] = int(row.units)
    orders = await _orders(tx, {one for (_, _, one), sums in held.items() if one and any(sums)})
    for (item_id, location_id, reservation_id), (entries, lines) in held.items():
        if entries or lines:
            facts_of_key = facts.get((item_id, location_id))
            if facts_of_key is not None:
                order_id = orders.get(reservation_id, "") if reservation_id else ""
                facts_of_key.promises[reservation_id] = Promise(order_id, entries, lines)


async def _add_shortfalls(
    tx: Transaction, facts: dict[Pair, KeyFacts], after: int, last: int | None
) -> None:
    found = await tx.execute(
        select(
            shortfall.c.item_id,
            shortfall.c.location_id,
            func.sum(shortfall.c.open_quantity).label("units"),
            item.c.sku,
            location.c.code,
        )
        .join(item, item.c.item_id == shortfall.c.item_id)
        .join(location, location.c.location_id == shortfall.c.location_id)
        .where(within(shortfall.c.item_id, after, last), shortfall.c.close_time.is_(None))
        .group_by(shortfall.c.item_id, shortfall.c.location_id, item.c.sku, location.c.code)
    )
    for row in found:
        _facts_of(facts, row).shortfalls = int(row.units)


async def _add_pools(
    tx: Transaction, facts: dict[Pair, KeyFacts], after: int, last: int | None
) -> None:
    """What was taken from each pool: as it is counted, and by the lines that hold or shipped it."""
    counted = select(
        pool_use.c.number, pool_use.c.item_id, pool_use.c.location_id, pool_use.c.taken
    ).where(within(pool_use.c.item_id, after, last))
    by_lines = (
        select(
            line.c.pool.label("number"),
            line.c.item_id,
            line.c.location_id,
            func.sum(line.c.quantity).label("taken"),
        )
        .where(
            within(line.c.item_id, after, last),
            line.c.pool.is_not(None),
            line.c.state.in_([int(state) for state in sorted(BOUGHT)]),
        )
        .group_by(line.c.pool, line.c.item_id, line.c.location_id)
    )
    for name, statement in (("counted", counted), ("by_lines", by_lines)):
        rows = statement.subquery()
        found = await tx.execute(
            select(rows, item.c.sku, location.c.code)
            .join(item, item.c.item_id == rows.c.item_id)
            .join(location, location.c.location_id == rows.c.location_id)
        )
        for row in found:
            pools = _facts_of(facts, row).pools
            known = pools.get(row.number, PoolUse())
            pools[row.number] = replace(known, **{name: int(row.taken)})


async def _add_seals(
    tx: Transaction, facts: dict[Pair, KeyFacts], after: int, last: int | None
) -> None:
    key = (seal.c.item_id, seal.c.location_id, seal.c.revision)
    for wanted in await stretches(tx, key, after, last):
        found = await tx.execute(
            select(
                seal.c.item_id,
                seal.c.location_id,
                func.sum(seal.c.last_sequence - seal.c.first_sequence + 1).label("covered"),
                func.max(seal.c.last_sequence).label("last_sealed"),
            )
            .where(wanted)
            .group_by(seal.c.item_id, seal.c.location_id)
        )
        for row in found:
            # A key that is sealed has entries; without a balance it is told of by those.
            known = facts.get((row.item_id, row.location_id))
            if known is not None:
                known.sealed_count += int(row.covered)
                known.last_sealed = max(known.last_sealed, int(row.last_sealed))


async def _add_waiting(tx: Transaction, facts: dict[Pair, KeyFacts], sealed: int) -> None:
    """The entries that no seal covers yet, where few enough wait for one.

    All up to the revision ``sealed`` are sealed, and perhaps later ones.
    """
    ahead = {pair: one for pair, one in facts.items() if one.last_sequence > one.last_sealed}
    if not ahead or await revision(tx) - sealed > WAITING_MAX:
        return
    try:
        waiting = await read_rest(tx, TOPIC, sealed)
    except (ValueError, struct.error):
        # What cannot be read is sealed by nobody either: how far seals reach tells of it.
        return
    for one in ahead.values():
        one.waiting_count = 0
    for change in waiting:
        if change.memo:
            covered, pair, _ = unsealed(change)
            known = ahead.get(pair)
            if known is not None and covered.first_sequence > known.last_sealed:
                count = covered.last_sequence - covered.first_sequence + 1
                known.waiting_count = (known.waiting_count or 0) + count


async def _orders(tx: Transaction, reservation_ids: set[UUID]) -> Mapping[UUID, str]:
    found = await tx.execute(
        select(reservation.c.reservation_id, reservation.c.order_id).where(
            reservation.c.reservation_id.in_(uuids(tx.dialect, reservation_ids))
        )
    )
    return {row.reservation_id: row.order_id for row in found}
