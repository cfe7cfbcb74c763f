"""Movements as they are listed."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, exists, func, or_, select

from ordermesh.inventory.domain.key import Actor
from ordermesh.inventory.domain.ledger import AdjustmentReason, Entry
from ordermesh.inventory.domain.movement import Document, Movement
from ordermesh.inventory.ports.ledger import MovementFilter
from ordermesh.inventory.store.keys import uuids
from ordermesh.inventory.store.rows import cause_of, entry_of, fitting_count
from ordermesh.inventory.store.tables.feeds import stock_source
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.ledger import entry, movement
from ordermesh.inventory.store.tables.locations import location
from ordermesh.runtime.database import Transaction


async def read_movements(
    tx: Transaction,
    wanted: MovementFilter,
    after: tuple[datetime, UUID] | None,
    size: int,
) -> tuple[list[Movement], bool]:
    """The next movements, the oldest first, and whether more follow.

    Fewer than ``size`` when their entries would not fit in a message.
    """
    found = await tx.execute(_chosen(wanted, after).limit(size + 1))
    chosen = found.all()
    counts = await _entry_counts(tx, [row.movement_id for row in chosen[:size]])
    fitting = fitting_count([counts[row.movement_id] for row in chosen[:size]])
    rows = chosen[:fitting]
    entries: dict[UUID, list[Entry]] = defaultdict(list)
    causes = {row.movement_id: cause_of(row) for row in rows}
    for row in await tx.execute(
        select(entry, item.c.sku, location.c.code, stock_source.c.code.label("source_code"))
        .select_from(
            entry.join(item, item.c.item_id == entry.c.item_id)
            .join(location, location.c.location_id == entry.c.location_id)
            .outerjoin(stock_source, stock_source.c.source_id == entry.c.source_id)
        )
        .where(entry.c.movement_id.in_(uuids(tx.dialect, causes)))
        .order_by(item.c.sku, location.c.code, entry.c.sequence)
    ):
        entries[row.movement_id].append(entry_of(row, causes[row.movement_id]))
    read = [
        Movement(
            row.movement_id,
            causes[row.movement_id],
            tuple(entries[row.movement_id]),
            Document(
                Actor(row.caller, row.on_behalf_of),
                row.document,
                row.note,
                AdjustmentReason(row.reason),
            ),
            row.create_time,
            row.control_version,
        )
        for row in rows
    ]
    return read, len(chosen) > fitting


async def _entry_counts(tx: Transaction, movement_ids: Collection[UUID]) -> dict[UUID, int]:
    found = await tx.execute(
        select(entry.c.movement_id, func.count().label("entries"))
        .where(entry.c.movement_id.in_(uuids(tx.dialect, movement_ids)))
        .group_by(entry.c.movement_id)
    )
    return {row.movement_id: int(row.entries) for row in found}


def _chosen(wanted: MovementFilter, after: tuple[datetime, UUID] | None) -> Select[Any]:
    statement = select(movement)
    if wanted.reservation_id is not None:
        statement = statement.where(movement.c.reservation_id == wanted.reservation_id)
    if wanted.order_id:
        statement = statement.where(movement.c.order_id == wanted.order_id)
    if wanted.sku or wanted.location_id:
        conditions = [entry.c.movement_id == movement.c.movement_id]
        if wanted.sku:
            id_of = select(item.c.item_id).where(item.c.sku == wanted.sku).scalar_subquery()
            conditions.append(entry.c.item_id == id_of)
        if wanted.location_id:
            place_of = (
                select(location.c.location_id)
                .where(location.c.code == wanted.location_id)
                .scalar_subquery()
            )
            conditions.append(entry.c.location_id == place_of)
        statement = statement.where(exists().where(and_(*conditions)))
    if after is not None:
        instant, movement_id = after
        statement = statement.where(
            movement.c.create_time >= instant,
            or_(movement.c.create_time > instant, movement.c.movement_id > movement_id),
        )
    return statement.order_by(movement.c.create_time, movement.c.movement_id)
