"""What orders and customers have bought: lines that are held or shipped, and what left beyond."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    and_,
    exists,
    func,
    or_,
    select,
    true,
    union_all,
)

from ordermesh.inventory.domain import limits
from ordermesh.inventory.domain.ledger import Account, MovementKind
from ordermesh.inventory.domain.limits import BOUGHT, Buyer, Purchase
from ordermesh.inventory.domain.reservation import LineState, Reservation
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.store.keys import integers, texts, uuids
from ordermesh.inventory.store.rows import assembled
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.ledger import entry, movement
from ordermesh.inventory.store.tables.locations import location
from ordermesh.inventory.store.tables.reservations import line, reservation
from ordermesh.runtime.database import Transaction

_BOUGHT = [int(state) for state in sorted(BOUGHT)]
_KIT = item.alias("kit_item")
NAMED: FromClause = (
    line.join(item, item.c.item_id == line.c.item_id)
    .join(location, location.c.location_id == line.c.location_id)
    .outerjoin(_KIT, _KIT.c.item_id == line.c.kit_item_id)
)
LINE = (line, item.c.sku, location.c.code, _KIT.c.sku.label("kit_sku"))
"""Lines with the names of what they hold, of where it is, and of the kit that it is part of."""

_purchase_time = func.coalesce(reservation.c.renew_time, reservation.c.create_time)


async def bought(
    tx: Transaction,
    item_ids: Collection[int],
    buyers: Collection[Buyer],
    since: datetime | None,
) -> list[Reservation]:
    """What the orders and customers hold or have bought of items and kits; only those lines.

    Of reservations made, or reserved again, after ``since``, where that is given. A key that many
    guests share may have bought very much: nothing is read but what counts.
    """
    what = and_(
        line.c.state.in_(_BOUGHT),
        func.coalesce(line.c.kit_item_id, line.c.item_id).in_(integers(tx.dialect, item_ids)),
    )
    found = await tx.execute(
        select(reservation).where(
            true() if since is None else _purchase_time > since,
            exists().where(line.c.reservation_id == reservation.c.reservation_id, what),
            _is_of(tx, buyers),
        )
    )
    headers = found.all()
    if not headers:
        return []
    ids = uuids(tx.dialect, [row.reservation_id for row in headers])
    lines = await tx.execute(
        select(*LINE).select_from(NAMED).where(line.c.reservation_id.in_(ids), what)
    )
    return assembled(headers, lines, Names())


async def sent_beyond(tx: Transaction, bought: Collection[Reservation]) -> list[Purchase]:
    """What left beyond what these reservations had promised.

    It is in no line: it is what their entries say left, without what their lines say was shipped.
    Those of which anything did are few, and are read once more, with all their lines.
    """
    extra = await _extra(tx, [one.reservation_id for one in bought]) if bought else {}
    if not extra:
        return []
    headers = await tx.execute(
        select(reservation).where(reservation.c.reservation_id.in_(uuids(tx.dialect, extra)))
    )
    found = await tx.execute(
        select(*LINE)
        .select_from(NAMED)
        .where(line.c.reservation_id.in_(uuids(tx.dialect, extra)))
        .order_by(line.c.reservation_id, line.c.number)
    )
    return [
        purchase
        for one in assembled(headers, found, Names())
        for purchase in limits.sent_beyond(one, extra[one.reservation_id])
    ]


async def _extra(tx: Transaction, reservation_ids: Collection[UUID]) -> dict[UUID, dict[str, int]]:
    """Units that left beyond those promised, of each item, by reservation."""
    wanted = uuids(tx.dialect, reservation_ids)
    left = (
        select(movement.c.reservation_id, entry.c.item_id, entry.c.quantity)
        .join(entry, entry.c.movement_id == movement.c.movement_id)
        .where(
            movement.c.reservation_id.in_(wanted),
            movement.c.kind == int(MovementKind.SHIPPED),
            entry.c.to_account == int(Account.CUSTOMER),
        )
    )
    shipped = select(line.c.reservation_id, line.c.item_id, -line.c.quantity).where(
        line.c.reservation_id.in_(wanted), line.c.state == int(LineState.SHIPPED)
    )
    rows = union_all(left, shipped).subquery()
    beyond = func.sum(rows.c.quantity)
    found = await tx.execute(
        select(rows.c.reservation_id, item.c.sku, beyond.label("units"))
        .join(item, item.c.item_id == rows.c.item_id)
        .group_by(rows.c.reservation_id, item.c.sku)
        .having(beyond > 0)
    )
    extra: dict[UUID, dict[str, int]] = {}
    for row in found:
        extra.setdefault(row.reservation_id, {})[row.sku] = int(row.units)
    return extra


def _is_of(tx: Transaction, buyers: Collection[Buyer]) -> ColumnElement[bool]:
    """Whether a reservation is of one of the orders or customers."""
    orders = {buyer.order_id for buyer in buyers} - {""}
    customers = {buyer.customer for buyer in buyers} - {""}
    return or_(
        # Said again, so that the partial indexes can serve.
        and_(reservation.c.order_id != "", reservation.c.order_id.in_(texts(tx.dialect, orders))),
        and_(
            reservation.c.customer != "",
            reservation.c.customer.in_(texts(tx.dialect, customers)),
        ),
    )
