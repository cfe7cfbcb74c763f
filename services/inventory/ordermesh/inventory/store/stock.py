"""Balances as large reads want them: many of them, and little of each."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Integer, Select, select, type_coerce

from ordermesh.inventory.ports.ledger import StockRow
from ordermesh.inventory.store.keys import integer_rows, integer_values
from ordermesh.inventory.store.tables.ledger import balance
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.engines import Dialect
from ordermesh.runtime.prepared import Prepared


async def stock_of(
    tx: Transaction, item_ids: Collection[int], location_ids: Collection[int] | None
) -> Sequence[StockRow]:
    """All balances of items by their surrogates; None means at all locations."""
    values = integer_values(tx.dialect, "items", item_ids)
    if location_ids is None:
        return list(map(StockRow._make, await tx.rows(_STOCK, values)))
    values |= integer_values(tx.dialect, "places", location_ids)
    return list(map(StockRow._make, await tx.rows(_STOCK_AT, values)))


def _stock(dialect: Dialect) -> Select[Any]:
    # Numbers as they are: what is read by the ten thousand is not made into other types.
    return select(
        balance.c.item_id,
        balance.c.location_id,
        balance.c.on_hand,
        balance.c.reserved,
        balance.c.short,
        type_coerce(balance.c.is_quarantined, Integer).label("is_quarantined"),
    ).where(balance.c.item_id.in_(integer_rows(dialect, "items")))


_STOCK = Prepared(_stock)
_STOCK_AT = Prepared(
    lambda dialect: _stock(dialect).where(
        balance.c.location_id.in_(integer_rows(dialect, "places"))
    )
)
