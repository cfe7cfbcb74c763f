"""Where keys are kept whose books were found wrong."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from ordermesh.inventory.domain.key import Actor
from ordermesh.inventory.domain.suspect import Suspect
from ordermesh.inventory.domain.verification import Finding
from ordermesh.inventory.ports.names import Pair
from ordermesh.runtime.database import Transaction


class SuspectStore(Protocol):
    """Where keys are kept whose books were found wrong."""

    async def seize(
        self, tx: Transaction, pair: Pair, findings: Sequence[Finding], now: datetime
    ) -> None:
        """Put a key into quarantine; its balance is locked, and not in quarantine."""
        ...

    async def free(
        self, tx: Transaction, pair: Pair, actor: Actor, note: str, now: datetime
    ) -> Suspect:
        """Let a key go; its balance is locked, and in quarantine."""
        ...

    async def page(
        self,
        tx: Transaction,
        after: tuple[datetime, UUID] | None,
        size: int,
        *,
        include_freed: bool,
    ) -> list[Suspect]:
        """The next keys, the oldest first."""
        ...
