"""Alembic's entry to the chain of routing's tables."""

from ordermesh.routing.store.tables.everything import metadata
from ordermesh.runtime.migrate import run_env

run_env("routing_version", metadata)
