"""All tables of the service, whoever may ask for them."""

from ordermesh.routing.store.tables import (
    capacity,
    carriage,
    copies,
    decisions,
    network,
    orders,
    policies,
    postal_codes,
    prices,
    reassignments,
    work,
)
from ordermesh.routing.store.tables.base import metadata as metadata

TABLES = (
    network,
    capacity,
    carriage,
    postal_codes,
    copies,
    policies,
    orders,
    decisions,
    work,
    reassignments,
    prices,
)
"""The modules that add their tables to the metadata."""
