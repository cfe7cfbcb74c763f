"""Alembic's entry to the chain of the notify service's tables."""

from ordermesh.notify.store.tables import metadata
from ordermesh.runtime.migrate import run_env

run_env("notify_version", metadata)
