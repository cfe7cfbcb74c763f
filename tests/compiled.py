"""Statements are compiled once in a run of tests, where each database would compile all its own.

A program has one database and compiles each statement once; tests open thousands, and a third of
what they cost was this.
"""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import LRUCache

from ordermesh.runtime import engines

STATEMENTS_MAX = 5_000
"""More than the services have."""


class _Compiled(LRUCache[Any, Any]):
    """By the kind and version of the database, and not by the engine that was the first to ask."""

    def get(self, key: Any, default: Any = None) -> Any:
        """As dictionaries do."""
        return super().get(_of_kind(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_of_kind(key), value)


def _of_kind(key: Any) -> Any:
    dialect, *statement = key
    return type(dialect), getattr(dialect, "server_version_info", None), *statement


_compiled = _Compiled(STATEMENTS_MAX)


def _engine(*arguments: Any, **options: Any) -> AsyncEngine:
    engine = create_async_engine(*arguments, **options)
    engine.sync_engine._compiled_cache = _compiled
    return engine


def share_compiled_statements() -> None:
    """From now on, for all databases of this process."""
    engines.create_async_engine = _engine  # type: ignore[attr-defined]
