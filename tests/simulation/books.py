"""The databases of a run, read past the services: what is true, whatever anybody says."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_QUIET: Mapping[str, Mapping[str, str]] = {
    "inventory": {
        "entries without a seal": (
            "select sum(b.sequence) - (select coalesce(sum(last_sequence - first_sequence + 1), 0)"
            " from seal) from balance b"
        ),
        "holds that have not ended": "select count(*) from reservation_line where state = 1",
    },
    "routing": {
        "work at locations": (
            "select count(*) from fulfillment_order"
            " where state in ('RELEASED', 'ACCEPTED', 'SHIPPING', 'PLANNED')"
        ),
        "sagas under way": "select count(*) from saga where step <> 'PLAN'",
    },
    "returns": {
        "receipts that the ledger does not know": (
            "select count(*) from receipt where movement_id is null"
        ),
    },
    "notify": {
        "notifications under way": (
            "select count(*) from notification where state not in ('SENT', 'DROPPED', 'DEAD')"
        ),
    },
}
_EVERYWHERE: Mapping[str, str] = {
    "work": "select count(*) from work where dead_time is null",
    "changes without a revision": "select count(*) from feed where revision is null",
}


class Books:
    """Reads the files of the services."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._connections = {}
        for name, path in paths.items():
            connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
            connection.row_factory = sqlite3.Row
            self._connections[name] = connection

    def rows(self, service: str, statement: str, *values: Any) -> list[sqlite3.Row]:
        """The rows of a statement."""
        return self._connections[service].execute(statement, values).fetchall()

    def number(self, service: str, statement: str, *values: Any) -> int:
        """The one number that a statement gives."""
        return int(self.rows(service, statement, *values)[0][0] or 0)

    def unfinished(self) -> list[str]:
        """What is still under way anywhere."""
        return [
            f"{name}: {count} {what}"
            for name in self._connections
            for what, statement in {**_EVERYWHERE, **_QUIET[name]}.items()
            if (count := self.number(name, statement))
        ]

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()
