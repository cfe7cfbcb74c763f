"""Which tests take turns: each on one of the two databases, about half of them on each.

The ledger and what all services share are tested on both. The other services ask their databases
for little, by statements that hundreds of tests use: each statement still meets both.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from zlib import crc32

import pytest

FOLDERS = frozenset({"routing", "returns", "notify"})
"""Folders below ``tests`` whose tests take turns."""


def left_out(items: Iterable[pytest.Item]) -> Iterator[pytest.Item]:
    """Of each test that could run on both databases the one whose turn it is not.

    Whose turn it is goes by the name of the test, so that it is the same in every run.
    """
    twins: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        dialect = _dialect(item)
        if dialect and FOLDERS & set(item.path.parts):
            twins[item.nodeid.replace(dialect, "*")].append(item)
    for name, pair in twins.items():
        if len(pair) == 2:
            yield sorted(pair, key=_dialect)[crc32(name.encode()) % 2]


def _dialect(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    return str(callspec.params.get("dialect", "")) if callspec is not None else ""
