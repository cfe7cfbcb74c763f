"""Alembic's entry to the chain of the returns service's tables."""

from ordermesh.returns.store.tables import metadata
from ordermesh.runtime.migrate import run_env

run_env("returns_version", metadata)
