"""All tables of the service, whoever may ask for them."""

from ordermesh.inventory.store.tables import (
    controls,
    counts,
    feeds,
    items,
    ledger,
    levels,
    locations,
    reservations,
    seals,
    shortfalls,
    supplies,
    suspects,
)
from ordermesh.inventory.store.tables.base import metadata as metadata

TABLES = (
    controls,
    items,
    locations,
    ledger,
    reservations,
    feeds,
    supplies,
    levels,
    shortfalls,
    counts,
    seals,
    suspects,
)
"""The modules that add their tables to the metadata."""
