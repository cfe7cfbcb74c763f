"""Processes of the ledger on one database, which count how what they decided on memory ended."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from tests.inventory.shop import Shop

Open = Callable[[], Awaitable["Process"]]


class Process(Shop):
    """A process of the service, which counts how what it decided on memory ended."""

    outcomes: Counter[str]

    def begin(self) -> None:
        """Count from now on."""
        self.outcomes = Counter()
        database: Any = self.wiring.database
        at_once = type(database).run_at_once

        async def counted(work: Any) -> Any:
            try:
                result = await at_once(database, work)
            except Exception as error:
                self.outcomes[type(error).__name__] += 1
                raise
            self.outcomes["stood"] += 1
            return result

        database.run_at_once = counted
