"""The one statement that locks balances: in the order of keys, so that no two can cross."""

from typing import Any

from sqlalchemy import Select, select, tuple_

from ordermesh.inventory.store.keys import pair_rows
from ordermesh.inventory.store.tables.ledger import balance
from ordermesh.runtime.engines import Dialect
from ordermesh.runtime.prepared import Prepared

FIGURES = ("on_hand", "reserved", "short", "damaged", "inspection", "missing", "sequence")
"""The figures of a balance, in the order in which the domain's ``Balance`` takes them."""


def _locking(dialect: Dialect) -> Select[Any]:
    return (
        select(
            balance.c.item_id,
            balance.c.location_id,
            *(balance.c[name] for name in FIGURES),
            balance.c.is_quarantined,
        )
        .where(tuple_(balance.c.item_id, balance.c.location_id).in_(pair_rows(dialect)))
        .order_by(balance.c.item_id, balance.c.location_id)
        .with_for_update(key_share=True)
    )


LOCKING = Prepared(_locking)
"""Locks and reads the balances of ``pair_values``: surrogates, ``FIGURES``, and the quarantine."""
