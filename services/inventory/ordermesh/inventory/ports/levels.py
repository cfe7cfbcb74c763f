"""Where levels of availability are kept."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ordermesh.inventory.domain.levels import Standing, Subject
from ordermesh.inventory.ports.names import Names
from ordermesh.runtime.database import Transaction


@dataclass(frozen=True)
class Watched:
    """How far was looked: at changes of balances, at changes of controls, and at their times."""

    revision: int
    control_version: int
    look_time: datetime | None


class LevelStore(Protocol):
    """Where levels of availability are kept."""

    async def watched(self, tx: Transaction) -> Watched:
        """How far was looked."""
        ...

    async def lock(self, tx: Transaction) -> Watched:
        """How far was looked, first in a transaction; nobody else looks until the commit."""
        ...

    async def note(
        self,
        tx: Transaction,
        *,
        revision: int | None = None,
        control_version: int | None = None,
        look_time: datetime | None = None,
    ) -> None:
        """Remember how far was looked."""
        ...

    async def known(
        self, tx: Transaction, skus: Collection[str], names: Names
    ) -> dict[Subject, Standing]:
        """What was told last of items; their surrogates are noted."""
        ...

    async def save(
        self, tx: Transaction, changed: Mapping[Subject, Standing], names: Names
    ) -> None:
        """Write standings of items whose surrogates are known."""
        ...
