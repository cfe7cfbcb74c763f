"""Supplies in the database."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Row,
    Select,
    bindparam,
    case,
    func,
    or_,
    select,
    tuple_,
    update,
)

from ordermesh.inventory.domain.item import ExternalReference
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.reservation import OPEN, LineState
from ordermesh.inventory.domain.supply import Supply, SupplyKind, SupplyRule, SupplyState
from ordermesh.inventory.domain.verification import SupplyFacts
from ordermesh.inventory.ports.names import Names, Pair
from ordermesh.inventory.ports.supplies import Coming, SupplyFilter
from ordermesh.inventory.store.keys import pairs, texts, uuids
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.locations import location
from ordermesh.inventory.store.tables.reservations import line
from ordermesh.inventory.store.tables.supplies import supply
from ordermesh.runtime.bulk import insert_rows, update_rows
from ordermesh.runtime.database import Transaction

_ORIGIN = location.alias("origin")
_NAMED: FromClause = (
    supply.join(item, item.c.item_id == supply.c.item_id)
    .join(location, location.c.location_id == supply.c.location_id)
    .outerjoin(_ORIGIN, _ORIGIN.c.location_id == supply.c.from_location_id)
)
_COLUMNS = (supply, item.c.sku, location.c.code, _ORIGIN.c.code.label("origin"))
_EXPECTED = supply.c.state <= int(SupplyState.IN_TRANSIT)

OPEN_QUANTITY: ColumnElement[int] = case(
    (
        _EXPECTED & (supply.c.quantity > supply.c.received + supply.c.lost),
        supply.c.quantity - supply.c.received - supply.c.lost,
    ),
    else_=0,
)
"""Units of a supply that are still to come."""

_OPEN_STATES = [int(state) for state in sorted(OPEN)]

IS_ON_ITS_WAY: ColumnElement[bool] = supply.c.state == int(SupplyState.IN_TRANSIT)
"""Whether the goods have left."""


class SqlSupplyStore:
    """Supplies in a table."""

    async def get(
        self, tx: Transaction, supply_ids: Collection[str], names: Names
    ) -> dict[str, Supply]:
        """The supplies that exist, by id; the surrogates of their names are noted."""
        found = await tx.execute(
            _reading().where(supply.c.supply_id.in_(texts(tx.dialect, supply_ids)))
        )
        return {row.supply_id: _supply(row, names) for row in found}

    async def due(
        self,
        tx: Transaction,
        wanted: Collection[Pair],
        rule: SupplyRule,
        now: datetime,
        names: Names,
    ) -> dict[StockKey, list[Supply]]:
        """What may be counted on at the keys, in the order of dates.

        Items that are not promised on supply have none.
        """
        if not wanted:
            return {}
        key = tuple_(supply.c.item_id, supply.c.location_id)
        found = await tx.execute(
            _reading()
            .where(_EXPECTED, item.c.is_promised_on_supply, key.in_(pairs(tx.dialect, wanted)))
            .order_by(supply.c.expected_time, supply.c.supply_id)
        )
        due: dict[StockKey, list[Supply]] = defaultdict(list)
        for row in found:
            one = _supply(row, names)
            if rule.counts(one, now):
                due[one.key].append(one)
        return dict(due)

    async def returning(
        self, tx: Transaction, now: datetime, excluding: Collection[UUID] = ()
    ) -> dict[str, int]:
        """Units promised to overdue lines, and to lines of ``excluding``, by supply."""
        overdue = (line.c.state == int(LineState.HELD)) & (line.c.expire_time <= now)
        named = line.c.reservation_id.in_(uuids(tx.dialect, excluding))
        found = await tx.execute(
            select(line.c.supply_id, func.sum(line.c.quantity).label("units"))
            .where(
                line.c.supply_id.is_not(None),
                line.c.state.in_(_OPEN_STATES),
                line.c.broken_time.is_(None),
                or_(overdue, named) if excluding else overdue,
            )
            .group_by(line.c.supply_id)
        )
        return {row.supply_id: int(row.units) for row in found}

    async def save(
        self,
        tx: Transaction,
        changes: Sequence[tuple[Supply | None, Supply]],
        names: Names,
        now: datetime,
    ) -> None:
        """Write supplies, as they were before and as they are to be, but for what is promised.

        New ones in the order of their ids, so that twins wait for each other in one order.
        """
        new = sorted(after.supply_id for before, after in changes if before is None)
        by_id = {after.supply_id: after for _, after in changes}
        await insert_rows(
            tx,
            supply,
            [{**_row(by_id[one], names, now), "promised": 0, "create_time": now} for one in new],
        )
        changed = [after for before, after in changes if before not in (None, after)]
        await update_rows(tx, supply, ("supply_id",), [_row(one, names, now) for one in changed])

    async def page(
        self, tx: Transaction, wanted: SupplyFilter, after: str, size: int
    ) -> list[Supply]:
        """The next supplies in the order of their ids."""
        statement = _reading().where(supply.c.supply_id > after)
        if wanted.sku:
            statement = statement.where(item.c.sku == wanted.sku)
        if wanted.location_id:
            statement = statement.where(location.c.code == wanted.location_id)
        if wanted.document:
            statement = statement.where(supply.c.document == wanted.document)
        if wanted.states:
            statement = statement.where(supply.c.state.in_(sorted(map(int, wanted.states))))
        if wanted.expected_before is not None:
            statement = statement.where(supply.c.expected_time < wanted.expected_before)
        found = await tx.execute(statement.order_by(supply.c.supply_id).limit(size))
        return [_supply(row, Names()) for row in found]


async def coming(tx: Transaction, wanted: Collection[Pair]) -> dict[Pair, Coming]:
    """What is still to come to each key."""
    if not wanted:
        return {}
    key = tuple_(supply.c.item_id, supply.c.location_id)
    found = await tx.execute(
        select(
            supply.c.item_id,
            supply.c.location_id,
            func.sum(OPEN_QUANTITY).label("incoming"),
            func.sum(case((IS_ON_ITS_WAY, OPEN_QUANTITY), else_=0)).label("in_transit"),
        )
        .where(_EXPECTED, key.in_(pairs(tx.dialect, wanted)))
        .group_by(supply.c.item_id, supply.c.location_id)
    )
    return {
        (row.item_id, row.location_id): Coming(int(row.incoming), int(row.in_transit))
        for row in found
    }


def on_their_way(wanted: ColumnElement[bool]) -> Select[Any]:
    """Units of transfers that are on their way, by the key where they go."""
    return (
        select(
            supply.c.item_id,
            supply.c.location_id,
            item.c.sku,
            location.c.code,
            func.sum(OPEN_QUANTITY).label("units"),
        )
        .select_from(_NAMED)
        .where(wanted, IS_ON_ITS_WAY, supply.c.kind == int(SupplyKind.TRANSFER))
        .group_by(supply.c.item_id, supply.c.location_id, item.c.sku, location.c.code)
    )


async def supply_facts(tx: Transaction, after: str, last: str | None) -> list[SupplyFacts]:
    """Supplies after an id up to another, None: all others; and lines that wait for what is not."""
    is_there = (line.c.item_id == supply.c.item_id) & (line.c.location_id == supply.c.location_id)
    wanted = line.c.supply_id > after
    stored = supply.c.supply_id > after
    if last is not None:
        wanted, stored = wanted & (line.c.supply_id <= last), stored & (supply.c.supply_id <= last)
    waiting = await tx.execute(
        select(
            line.c.supply_id,
            func.sum(case((is_there, line.c.quantity), else_=0)).label("units"),
            func.sum(line.c.quantity).label("all_units"),
        )
        .select_from(line.outerjoin(supply, supply.c.supply_id == line.c.supply_id))
        .where(wanted, line.c.state.in_(_OPEN_STATES), line.c.broken_time.is_(None))
        .group_by(line.c.supply_id)
    )
    sums = {row.supply_id: (int(row.units), int(row.all_units)) for row in waiting}
    facts = [
        SupplyFacts(
            one.supply_id,
            one.key,
            one.promised,
            one.open_quantity,
            sums.pop(one.supply_id, (0, 0))[0],
        )
        for one in [_supply(row, Names()) for row in await tx.execute(_reading().where(stored))]
    ]
    return facts + [
        SupplyFacts(supply_id, None, 0, 0, units) for supply_id, (_, units) in sums.items()
    ]


async def promise(tx: Transaction, changes: Mapping[str, int]) -> None:
    """Count promises on supplies, or take them back. The check of the table refuses too many."""
    if not changes:
        return
    await tx.execute(
        update(supply)
        .where(supply.c.supply_id == bindparam("key_supply_id"))
        .values(promised=supply.c.promised + bindparam("units")),
        [
            {"key_supply_id": supply_id, "units": units}
            for supply_id, units in sorted(changes.items())
        ],
    )


def _reading() -> Select[Any]:
    return select(*_COLUMNS).select_from(_NAMED)


def _supply(row: Row[Any], names: Names) -> Supply:
    names.item_ids[row.sku] = row.item_id
    names.location_ids[row.code] = row.location_id
    if row.origin is not None:
        names.location_ids[row.origin] = row.from_location_id
    return Supply(
        supply_id=row.supply_id,
        kind=SupplyKind(row.kind),
        key=StockKey(row.sku, row.code),
        quantity=row.quantity,
        expected_time=row.expected_time,
        confidence_percent=row.confidence_percent,
        state=SupplyState(row.state),
        document=row.document,
        from_location_id=row.origin or "",
        earliest_time=row.earliest_time,
        external_references=_references(row.external_references),
        source_version=row.source_version,
        received=row.received,
        lost=row.lost,
        promised=row.promised,
        version=row.version,
        create_time=row.create_time,
        update_time=row.update_time,
    )


def _references(stored: Iterable[Sequence[str]]) -> tuple[ExternalReference, ...]:
    return tuple(ExternalReference(*pair) for pair in stored)


def _row(one: Supply, names: Names, now: datetime) -> dict[str, Any]:
    item_id, location_id = names.pair(one.key)
    origin = one.from_location_id
    return {
        "supply_id": one.supply_id,
        "kind": int(one.kind),
        "document": one.document,
        "item_id": item_id,
        "location_id": location_id,
        "from_location_id": names.location_ids[origin] if origin else None,
        "quantity": one.quantity,
        "received": one.received,
        "lost": one.lost,
        "earliest_time": one.earliest_time,
        "expected_time": one.expected_time,
        "state": int(one.state),
        "confidence_percent": one.confidence_percent,
        "external_references": [[other.system, other.id] for other in one.external_references],
        "source_version": one.source_version,
        "version": one.version,
        "update_time": now,
    }
