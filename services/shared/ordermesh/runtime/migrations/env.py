"""Alembic's entry to the chain of the runtime's own tables."""

from ordermesh.runtime.migrate import run_env
from ordermesh.runtime.tables import metadata

run_env("runtime_version", metadata)
