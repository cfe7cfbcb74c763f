"""Shortfalls in the database."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, Row, and_, case, func, or_, select, tuple_

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.reservation import OPEN
from ordermesh.inventory.domain.shortfall import Promised, Shortfall
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.shortfalls import ShortfallFilter
from ordermesh.inventory.store.keys import pairs, uuids
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.locations import location
from ordermesh.inventory.store.tables.reservations import line, reservation
from ordermesh.inventory.store.tables.shortfalls import shortfall
from ordermesh.runtime.bulk import insert_rows, update_rows
from ordermesh.runtime.database import Transaction

_HOLDS = and_(
    line.c.state.in_([int(state) for state in sorted(OPEN)]),
    line.c.mode == int(ReservationMode.RESERVE),
    line.c.supply_id.is_(None),
)
"""Whether a line holds units."""

_NAMED: FromClause = shortfall.join(item, item.c.item_id == shortfall.c.item_id).join(
    location, location.c.location_id == shortfall.c.location_id
)
_COLUMNS = (shortfall, item.c.sku, location.c.code)


class SqlShortfallStore:
    """Shortfalls in a table; closed ones are kept."""

    async def standing(
        self, tx: Transaction, keys: Collection[StockKey], names: Names
    ) -> dict[StockKey, list[Shortfall]]:
        """The open shortfalls of keys, of each the oldest first."""
        found = await tx.execute(
            select(*_COLUMNS)
            .select_from(_NAMED)
            .where(
                tuple_(shortfall.c.item_id, shortfall.c.location_id).in_(
                    pairs(tx.dialect, names.pairs(keys))
                ),
                shortfall.c.close_time.is_(None),
            )
            .order_by(shortfall.c.open_time, shortfall.c.shortfall_id)
        )
        standing: dict[StockKey, list[Shortfall]] = defaultdict(list)
        for row in found:
            standing[StockKey(row.sku, row.code)].append(_shortfall(row))
        return standing

    async def promised(
        self, tx: Transaction, key: StockKey, names: Names, reservation_ids: Collection[UUID]
    ) -> Mapping[UUID, int]:
        """Units of a key that these reservations hold."""
        item_id, location_id = names.pair(key)
        found = await tx.execute(
            select(line.c.reservation_id, func.sum(line.c.quantity).label("units"))
            .where(
                line.c.reservation_id.in_(uuids(tx.dialect, reservation_ids)),
                line.c.item_id == item_id,
                line.c.location_id == location_id,
                _HOLDS,
            )
            .group_by(line.c.reservation_id)
        )
        return {row.reservation_id: int(row.units) for row in found}

    async def candidates(
        self, tx: Transaction, key: StockKey, names: Names, size: int
    ) -> Sequence[Promised]:
        """The first reservations that hold units of a key: for an order before without, youngest
        first.
        """
        item_id, location_id = names.pair(key)
        here = (
            line.c.item_id == item_id,
            line.c.location_id == location_id,
            _HOLDS,
        )
        found = await tx.execute(
            select(
                reservation.c.reservation_id,
                reservation.c.order_id,
                func.sum(line.c.quantity).label("units"),
            )
            .join(line, line.c.reservation_id == reservation.c.reservation_id)
            .where(*here)
            .group_by(
                reservation.c.reservation_id, reservation.c.order_id, reservation.c.create_time
            )
            .order_by(
                case((reservation.c.order_id == "", 1), else_=0),
                reservation.c.create_time.desc(),
                reservation.c.reservation_id.desc(),
            )
            .limit(size)
        )
        rows = found.all()
        lines: dict[UUID, list[str]] = defaultdict(list)
        for row in await tx.execute(
            select(line.c.reservation_id, line.c.line_id)
            .where(
                line.c.reservation_id.in_(uuids(tx.dialect, [row.reservation_id for row in rows])),
                *here,
            )
            .order_by(line.c.number)
        ):
            lines[row.reservation_id].append(row.line_id)
        return [
            Promised(
                row.reservation_id,
                row.order_id,
                tuple(dict.fromkeys(lines[row.reservation_id])),
                int(row.units),
            )
            for row in rows
        ]

    async def add(self, tx: Transaction, opened: Sequence[Shortfall], names: Names) -> None:
        """Write new shortfalls."""
        await insert_rows(tx, shortfall, [_row(one, names) for one in opened])

    async def change(self, tx: Transaction, changed: Sequence[Shortfall]) -> None:
        """Write what is still open of shortfalls, and when they were closed."""
        await update_rows(
            tx,
            shortfall,
            ("shortfall_id",),
            [
                {
                    "shortfall_id": one.shortfall_id,
                    "open_quantity": one.open_quantity,
                    "close_time": one.close_time,
                }
                for one in changed
            ],
        )

    async def page(
        self,
        tx: Transaction,
        wanted: ShortfallFilter,
        after: tuple[datetime, UUID] | None,
        size: int,
    ) -> list[Shortfall]:
        """The next shortfalls, the oldest first."""
        statement = select(*_COLUMNS).select_from(_NAMED)
        if wanted.sku:
            statement = statement.where(item.c.sku == wanted.sku)
        if wanted.location_id:
            statement = statement.where(location.c.code == wanted.location_id)
        if wanted.order_id:
            statement = statement.where(shortfall.c.order_id == wanted.order_id)
        if not wanted.include_closed:
            statement = statement.where(shortfall.c.close_time.is_(None))
        if after is not None:
            instant, shortfall_id = after
            statement = statement.where(
                shortfall.c.open_time >= instant,
                or_(shortfall.c.open_time > instant, shortfall.c.shortfall_id > shortfall_id),
            )
        found = await tx.execute(
            statement.order_by(shortfall.c.open_time, shortfall.c.shortfall_id).limit(size)
        )
        return [_shortfall(row) for row in found]


def _shortfall(row: Row[Any]) -> Shortfall:
    return Shortfall(
        row.shortfall_id,
        StockKey(row.sku, row.code),
        row.reservation_id,
        row.order_id,
        tuple(row.line_ids),
        row.quantity,
        row.open_quantity,
        row.movement_id,
        row.open_time,
        row.close_time,
    )


def _row(one: Shortfall, names: Names) -> dict[str, Any]:
    item_id, location_id = names.pair(one.key)
    return {
        "shortfall_id": one.shortfall_id,
        "item_id": item_id,
        "location_id": location_id,
        "reservation_id": one.reservation_id,
        "order_id": one.order_id,
        "line_ids": list(one.line_ids),
        "quantity": one.quantity,
        "open_quantity": one.open_quantity,
        "movement_id": one.movement_id,
        "open_time": one.open_time,
        "close_time": one.close_time,
    }
