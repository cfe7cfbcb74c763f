"""All tables of the service, whoever may ask for them."""

from ordermesh.inventory.store.tables import items, ledger, locations, reservations
from ordermesh.inventory.store.tables.base import metadata as metadata

TABLES = (items, locations, ledger, reservations)
"""The modules that add their tables to the metadata."""
