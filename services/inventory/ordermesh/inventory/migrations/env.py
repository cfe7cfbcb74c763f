"""Alembic's entry to the chain of the inventory service's tables."""

from ordermesh.inventory.store.tables.everything import metadata
from ordermesh.runtime.migrate import run_env

run_env("inventory_version", metadata)
