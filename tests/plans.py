"""How SQLite means to find what a statement asks for: nothing may be gone through once per row.

Lists of keys come as JSON. Where a condition on another column looks cheaper to the planner, it
goes through the list for each row that this finds: what is quick in tests takes minutes with a
million rows. Plans do not depend on what the tables hold, so any test shows them.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ordermesh.runtime import one_trip

_LOOPS = ("SCAN", "SEARCH")


def repeated_lists(plan: list[tuple[int, int, int, str]]) -> list[str]:
    """The steps of a plan that go through a list inside of another loop."""
    loops: dict[int, list[str]] = {}
    for _, parent, _, step in plan:
        if step.startswith(_LOOPS):
            loops.setdefault(parent, []).append(step)
    return [step for steps in loops.values() for step in steps[1:] if "VIRTUAL TABLE" in step]


@contextmanager
def planned() -> Iterator[None]:
    """A block in which a statement with such a plan is an error."""
    execute, known = one_trip._execute, set[str]()

    def explained(connection: sqlite3.Connection, operation: str, parameters: Any) -> Any:
        if "json_each" in operation and operation not in known:
            plan = connection.execute(f"EXPLAIN QUERY PLAN {operation}", parameters).fetchall()
            assert not (repeated := repeated_lists(plan)), f"{repeated} in {operation}"
            known.add(operation)
        return execute(connection, operation, parameters)

    one_trip._execute = explained
    try:
        yield
    finally:
        one_trip._execute = execute
