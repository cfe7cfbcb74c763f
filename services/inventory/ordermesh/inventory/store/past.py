"""Balances as they were: the entries up to a revision, summed."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, or_, select

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Account, Balance
from ordermesh.inventory.store.folding import units_in
from ordermesh.inventory.store.keys import texts
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.ledger import balance, entry
from ordermesh.inventory.store.tables.locations import location
from ordermesh.inventory.store.tables.seals import seal
from ordermesh.runtime.database import Transaction


async def balances_at(
    tx: Transaction,
    revision: int,
    skus: Collection[str],
    location_ids: Collection[str],
    after: StockKey | None,
    size: int,
) -> list[tuple[StockKey, Balance]]:
    """The next balances at a sealed revision, in the order of SKU and location.

    Empty collections mean all. What had no entry yet is left out.
    """
    page = _page(tx, revision, skus, location_ids, after).limit(size).subquery()
    found = await tx.execute(
        select(
            page.c.sku,
            page.c.code,
            page.c.last,
            *(units_in(account).label(account.name) for account in _ACCOUNTS),
        )
        .join(
            entry,
            (entry.c.item_id == page.c.item_id)
            & (entry.c.location_id == page.c.location_id)
            & (entry.c.sequence <= page.c.last),
        )
        .group_by(page.c.sku, page.c.code, page.c.last)
        .order_by(page.c.sku, page.c.code)
    )
    rows = []
    for row in found:
        free, reserved, short = int(row.FREE), int(row.RESERVED), -int(row.SHORT)
        blocked = (int(row.DAMAGED), int(row.INSPECTION), int(row.MISSING))
        balance_then = Balance(free + reserved - short, reserved, short, *blocked, int(row.last))
        rows.append((StockKey(row.sku, row.code), balance_then))
    return rows


_ACCOUNTS = (
    Account.FREE,
    Account.RESERVED,
    Account.SHORT,
    Account.DAMAGED,
    Account.INSPECTION,
    Account.MISSING,
)


def _page(
    tx: Transaction,
    revision: int,
    skus: Collection[str],
    location_ids: Collection[str],
    after: StockKey | None,
) -> Select[Any]:
    """The keys after one, each with the number of its last entry at the revision."""
    last = (
        select(seal.c.last_sequence)
        .where(
            seal.c.item_id == balance.c.item_id,
            seal.c.location_id == balance.c.location_id,
            seal.c.revision <= revision,
        )
        .order_by(seal.c.revision.desc())
        .limit(1)
        .correlate(balance)
        .scalar_subquery()
    )
    known = (
        select(
            balance.c.item_id,
            balance.c.location_id,
            item.c.sku,
            location.c.code,
            last.label("last"),
        )
        .join(item, item.c.item_id == balance.c.item_id)
        .join(location, location.c.location_id == balance.c.location_id)
    )
    if skus:
        known = known.where(item.c.sku.in_(texts(tx.dialect, skus)))
    if location_ids:
        known = known.where(location.c.code.in_(texts(tx.dialect, location_ids)))
    if after is not None:
        known = known.where(
            item.c.sku >= after.sku,
            or_(item.c.sku > after.sku, location.c.code > after.location_id),
        )
    keys = known.subquery()
    return select(keys).where(keys.c.last.is_not(None)).order_by(keys.c.sku, keys.c.code)
