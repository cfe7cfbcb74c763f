"""The statements that read balances by their keys: with locks, or without.

Locks are taken in the order of keys, so that no two transactions can cross.
"""

from functools import partial
from typing import Any

from sqlalchemy import Select, select

from ordermesh.inventory.store.keys import is_among, pair_rows
from ordermesh.inventory.store.tables.ledger import balance
from ordermesh.runtime.engines import Dialect
from ordermesh.runtime.prepared import Prepared

FIGURES = ("on_hand", "reserved", "short", "damaged", "inspection", "missing", "sequence")
"""The figures of a balance, in the order in which the domain's ``Balance`` takes them."""


def _reading(dialect: Dialect, *, locks: bool, skips: bool = False) -> Select[Any]:
    found = (
        select(
            balance.c.item_id,
            balance.c.location_id,
            *(balance.c[name] for name in FIGURES),
            balance.c.is_quarantined,
        )
        .where(is_among(balance, pair_rows(dialect)))
        .order_by(balance.c.item_id, balance.c.location_id)
    )
    return found.with_for_update(key_share=True, skip_locked=skips) if locks else found


LOCKING = Prepared(partial(_reading, locks=True))
"""Locks and reads the balances of ``pair_values``: surrogates, ``FIGURES``, and the quarantine."""

LOCKING_FREE = Prepared(partial(_reading, locks=True, skips=True))
"""Locks and reads those of them that nobody else keeps locked."""

GLANCING = Prepared(partial(_reading, locks=False))
"""Reads the same without a lock."""
