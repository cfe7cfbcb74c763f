"""What there is to know of balances besides their figures: of what they are, and if it sells."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Column, Select, select

from ordermesh.inventory.domain.control_table import ControlTable
from ordermesh.inventory.ports.names import Pair
from ordermesh.inventory.store import controls as controls_store
from ordermesh.inventory.store.keys import pair_rows, pair_values, pairs
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.locations import location
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.prepared import Prepared


def features(table: ControlTable) -> tuple[Column[Any], ...]:
    """The tags and groups, which are long, where the controls name any."""
    return (item.c.tags, location.c.groups) if table.needs_features else ()


async def names_of(tx: Transaction, wanted: Collection[Pair], table: ControlTable) -> Sequence[Any]:
    """Names and switches of pairs, and the stamps of all controls, items and locations."""
    if table.needs_features:
        found = await tx.execute(_naming(pairs(tx.dialect, wanted), features(table)))
        return found.all()
    return await tx.rows(_NAMING, pair_values(tx.dialect, wanted))


def _naming(wanted: Select[int, int], more: Sequence[Column[Any]] = ()) -> Select[Any]:
    rows = wanted.subquery()
    return (
        select(
            controls_store.stamp,
            rows.c.item_id,
            rows.c.location_id,
            item.c.sku,
            location.c.code,
            item.c.is_unsellable,
            item.c.reservation_mode,
            location.c.is_disabled,
            item.c.is_kit,
            controls_store.catalog_stamp,
            *more,
        )
        .join(item, item.c.item_id == rows.c.item_id)
        .join(location, location.c.location_id == rows.c.location_id)
    )


_NAMING = Prepared(lambda dialect: _naming(pair_rows(dialect)))
