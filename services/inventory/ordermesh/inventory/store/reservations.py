"""Reservations and their lines in the database."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    delete,
    exists,
    or_,
    select,
    true,
    tuple_,
)

from ordermesh.inventory.domain.limits import Buyer, Purchase
from ordermesh.inventory.domain.reservation import OPEN, LineState, Reservation
from ordermesh.inventory.ports.names import Names, Pair
from ordermesh.inventory.ports.reservations import (
    LinePlace,
    ReservationFilter,
    StoredReservation,
)
from ordermesh.inventory.store.keys import (
    is_among,
    pairs,
    texts,
    uuid_rows,
    uuid_values,
    uuids,
)
from ordermesh.inventory.store.purchases import LINE, NAMED, bought, sent_beyond
from ordermesh.inventory.store.returning import returning
from ordermesh.inventory.store.rows import assembled, fitting_count, header_row, line_row
from ordermesh.inventory.store.suspects import can_move
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.locations import location
from ordermesh.inventory.store.tables.reservations import line, reservation
from ordermesh.runtime.bulk import insert_rows, update_rows
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.prepared import Prepared

_OPEN = [int(state) for state in sorted(OPEN)]
_PLACE = tuple_(line.c.expire_time, line.c.reservation_id, line.c.number)

TOMBSTONE_ROWS = 1_000
"""How many tombstones one transaction deletes at most."""


class SqlReservationStore:
    """Reservations in tables: a header, and a row for each line."""

    async def open_pairs(
        self, tx: Transaction, reservation_ids: Collection[UUID], *, with_expired: bool = False
    ) -> set[Pair]:
        """The keys of the open lines, so that their balances can be locked; of expired, too."""
        if not reservation_ids:
            return set()
        states = [*_OPEN, int(LineState.EXPIRED)] if with_expired else _OPEN
        found = await tx.execute(
            select(line.c.item_id, line.c.location_id).where(
                line.c.reservation_id.in_(uuids(tx.dialect, reservation_ids)),
                line.c.state.in_(states),
            )
        )
        return {(row.item_id, row.location_id) for row in found}

    async def load(
        self, tx: Transaction, reservation_ids: Collection[UUID], names: Names
    ) -> dict[UUID, Reservation]:
        """Lock and read reservations with all their lines. Balances are locked before."""
        headers = await _lock(tx, reservation_ids)
        if not headers:
            return {}
        found = await tx.execute(
            select(*LINE)
            .select_from(NAMED)
            .where(line.c.reservation_id.in_(uuids(tx.dialect, headers)))
            .order_by(line.c.reservation_id, line.c.number)
        )
        return {one.reservation_id: one for one in assembled(headers.values(), found, names)}

    async def overdue(
        self,
        tx: Transaction,
        wanted: Collection[Pair],
        now: datetime,
        names: Names,
        size: int,
        after: LinePlace | None = None,
    ) -> list[Reservation]:
        """Lock and read reservations with overdue lines at the keys, and only those lines.

        ``size`` is how many lines at most, those that have been overdue for longest; of those that
        come ``after`` a place, where one is given.
        """
        if not wanted:
            return []
        found = await tx.execute(
            select(*LINE)
            .select_from(NAMED)
            .where(
                line.c.state == int(LineState.HELD),
                line.c.expire_time <= now,
                is_among(line, pairs(tx.dialect, wanted)),
                true() if after is None else tuple(after) < _PLACE,
            )
            .order_by(*_PLACE.clauses)
            .limit(size)
        )
        rows = found.all()
        headers = await _lock(tx, {row.reservation_id for row in rows})
        return assembled(headers.values(), rows, names)

    async def waiting(
        self, tx: Transaction, supply_ids: Collection[str], names: Names
    ) -> list[Reservation]:
        """Lock and read reservations with lines that wait for supplies, and only those lines."""
        if not supply_ids:
            return []
        found = await tx.execute(
            select(*LINE)
            .select_from(NAMED)
            .where(
                line.c.supply_id.in_(texts(tx.dialect, supply_ids)),
                line.c.state.in_(_OPEN),
                line.c.broken_time.is_(None),
            )
            .order_by(line.c.reservation_id, line.c.number)
        )
        rows = found.all()
        headers = await _lock(tx, {row.reservation_id for row in rows})
        return assembled(headers.values(), rows, names)

    async def overdue_pairs(self, tx: Transaction, now: datetime, size: int) -> set[Pair]:
        """Keys of the lines that have been overdue for longest, at most so many lines."""
        found = await tx.execute(
            select(line.c.item_id, line.c.location_id)
            .where(line.c.state == int(LineState.HELD), line.c.expire_time <= now, can_move(line))
            .order_by(line.c.expire_time)
            .limit(size)
        )
        return {(row.item_id, row.location_id) for row in found}

    async def returning(
        self,
        tx: Transaction,
        now: datetime,
        excluding: Collection[UUID] = (),
        wanted: Collection[Pair] | None = None,
    ) -> dict[Pair, int]:
        """Units of overdue lines, and of open lines of ``excluding``, by key."""
        return await returning(tx, now, excluding, wanted)

    async def bought(
        self,
        tx: Transaction,
        item_ids: Collection[int],
        buyers: Collection[Buyer],
        since: datetime | None,
    ) -> list[Reservation]:
        """What the orders and customers hold or have bought of items and kits; only those lines.

        Of reservations made, or reserved again, after ``since``, where that is given.
        """
        return await bought(tx, item_ids, buyers, since)

    async def sent_beyond(self, tx: Transaction, bought: Collection[Reservation]) -> list[Purchase]:
        """What left beyond what these reservations had promised."""
        return await sent_beyond(tx, bought)

    async def save(
        self, tx: Transaction, changes: Sequence[StoredReservation], names: Names
    ) -> None:
        """Write what is new or different."""
        headers_new: list[dict[str, Any]] = []
        headers_changed: list[dict[str, Any]] = []
        lines_new: list[dict[str, Any]] = []
        lines_changed: list[dict[str, Any]] = []
        for change in changes:
            before, after = change.before, change.after
            if before is None:
                headers_new.append(header_row(after))
            elif header_row(before) != header_row(after):
                headers_changed.append(header_row(after))
            known = {one.number: one for one in before.lines} if before else {}
            for one in after.lines:
                row = line_row(after.reservation_id, one, names)
                if one.number not in known:
                    lines_new.append(row)
                elif known[one.number] != one:
                    lines_changed.append(row)
        # In the order of their ids, so that two who make the same ones wait in one order.
        headers_new.sort(key=lambda row: row["reservation_id"].int)
        await insert_rows(tx, reservation, headers_new)
        await update_rows(tx, reservation, ("reservation_id",), headers_changed)
        await update_rows(tx, line, ("reservation_id", "number"), lines_changed)
        await insert_rows(tx, line, lines_new)

    async def get(self, tx: Transaction, reservation_id: UUID, names: Names) -> Reservation | None:
        """One reservation with all its lines, not locked."""
        return (await self.look_at(tx, [reservation_id], names)).get(reservation_id)

    async def look_at(
        self, tx: Transaction, reservation_ids: Collection[UUID], names: Names
    ) -> dict[UUID, Reservation]:
        """As ``load``, but not locked: only to know what is to be locked."""
        found = await tx.execute(
            select(reservation).where(
                reservation.c.reservation_id.in_(uuids(tx.dialect, reservation_ids))
            )
        )
        read = await _with_lines(tx, found.all(), names)
        return {one.reservation_id: one for one in read}

    async def page(
        self,
        tx: Transaction,
        wanted: ReservationFilter,
        after: tuple[datetime, UUID] | None,
        size: int,
        now: datetime,
    ) -> tuple[list[Reservation], bool]:
        """The next reservations with all their lines, the oldest first, and whether more follow.

        Fewer than ``size`` when their lines would not fit in a message.
        """
        statement = select(reservation).where(~reservation.c.is_tombstone)
        if wanted.order_id:
            statement = statement.where(reservation.c.order_id == wanted.order_id)
        if wanted.created_after is not None:
            statement = statement.where(reservation.c.create_time >= wanted.created_after)
        if wanted.created_before is not None:
            statement = statement.where(reservation.c.create_time < wanted.created_before)
        conditions = _line_conditions(wanted, now)
        if conditions:
            statement = statement.where(
                exists().where(line.c.reservation_id == reservation.c.reservation_id, *conditions)
            )
        if after is not None:
            instant, reservation_id = after
            statement = statement.where(
                reservation.c.create_time >= instant,
                or_(
                    reservation.c.create_time > instant,
                    reservation.c.reservation_id > reservation_id,
                ),
            )
        found = await tx.execute(
            statement.order_by(reservation.c.create_time, reservation.c.reservation_id).limit(
                size + 1
            )
        )
        headers = found.all()
        fitting = fitting_count([row.last_number for row in headers[:size]])
        return await _with_lines(tx, headers[:fitting], Names()), len(headers) > fitting

    async def forget_tombstones(self, tx: Transaction, older_than: datetime) -> int:
        """Delete tombstones that were made before; gives how many."""
        old = (
            select(reservation.c.reservation_id)
            .where(reservation.c.is_tombstone, reservation.c.create_time < older_than)
            .limit(TOMBSTONE_ROWS)
        )
        result = await tx.execute(delete(reservation).where(reservation.c.reservation_id.in_(old)))
        return result.rowcount


def _line_conditions(wanted: ReservationFilter, now: datetime) -> list[ColumnElement[bool]]:
    """What one line must be. A hold whose time has passed is expired, swept or not."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.sku:
        sku_id = select(item.c.item_id).where(item.c.sku == wanted.sku).scalar_subquery()
        conditions.append(or_(line.c.item_id == sku_id, line.c.kit_item_id == sku_id))
    if wanted.location_id:
        place = (
            select(location.c.location_id)
            .where(location.c.code == wanted.location_id)
            .scalar_subquery()
        )
        conditions.append(line.c.location_id == place)
    if wanted.quantity:
        conditions.append(line.c.quantity == wanted.quantity)
    if wanted.state is not None:
        is_state = line.c.state == int(wanted.state)
        is_overdue = and_(line.c.state == int(LineState.HELD), line.c.expire_time <= now)
        if wanted.state is LineState.HELD:
            conditions += [is_state, line.c.expire_time > now]
        elif wanted.state is LineState.EXPIRED:
            conditions.append(or_(is_state, is_overdue))
        else:
            conditions.append(is_state)
    return conditions


_LOCKING = Prepared(
    lambda dialect: (
        select(reservation)
        .where(reservation.c.reservation_id.in_(uuid_rows(dialect)))
        .order_by(reservation.c.reservation_id)
        .with_for_update(key_share=True)
    )
)


async def _lock(tx: Transaction, reservation_ids: Collection[UUID]) -> dict[UUID, Row[Any]]:
    """Headers, locked in the order of their ids: after the balances, in every transaction."""
    if not reservation_ids:
        return {}
    found = await tx.rows(_LOCKING, uuid_values(tx.dialect, reservation_ids))
    return {row.reservation_id: row for row in found}


async def _with_lines(
    tx: Transaction, headers: Sequence[Row[Any]], names: Names
) -> list[Reservation]:
    if not headers:
        return []
    ids = [row.reservation_id for row in headers]
    found = await tx.execute(
        select(*LINE)
        .select_from(NAMED)
        .where(line.c.reservation_id.in_(uuids(tx.dialect, ids)))
        .order_by(line.c.reservation_id, line.c.number)
    )
    return assembled(headers, found, names)
