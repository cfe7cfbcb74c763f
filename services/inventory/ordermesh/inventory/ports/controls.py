"""Where the controls are kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from ordermesh.inventory.domain.control import Control, ControlKind
from ordermesh.inventory.domain.control_table import Applied, ControlTable
from ordermesh.inventory.domain.key import Actor
from ordermesh.inventory.domain.limits import Buyer
from ordermesh.inventory.ports.names import Pair
from ordermesh.inventory.ports.recollection import Stamps
from ordermesh.runtime.at_once import AtOnce
from ordermesh.runtime.database import Transaction

CONTROLS_CHANGED = "controls.changed"
"""The doorbell that rings in a process whose call changed controls."""

PooledPair = tuple[int, Pair]
"""The number of a pool, and the surrogates of the key of which it holds units."""


@dataclass(frozen=True)
class Explanation:
    """Which controls apply to a key for a channel, and what they leave.

    ``pools`` are all that are in force at the key by channel, each with the units taken from it.
    """

    applied: Mapping[ControlKind, Applied]
    pools: Mapping[str, tuple[Control, int]]
    free: int
    floor: int
    available: int
    version: int
    now: datetime


class ControlStore(Protocol):
    """Where the controls are kept."""

    @property
    def last_table(self) -> ControlTable:
        """The table that was read last; it may be older than what is committed."""
        ...

    async def table(self, tx: Transaction) -> ControlTable:
        """The controls as they are, compiled."""
        ...

    async def disturb(self, tx: Transaction) -> None:
        """Items or locations changed: what was remembered of them under the last stamps is void."""
        ...

    def expect(self, tx: AtOnce, stamps: Stamps) -> None:
        """Let the transaction fail where items, locations or controls are newer than the stamps."""
        ...

    async def lock(self, tx: Transaction) -> tuple[int, list[Control]]:
        """Lock all controls against other changes, and read them with their version."""
        ...

    async def change(
        self,
        tx: Transaction,
        version: int,
        *,
        putting: Sequence[Control] = (),
        deleting: Sequence[Control] = (),
        actor: Actor,
        now: datetime,
    ) -> None:
        """Make a new version, and remember what it changed."""
        ...

    async def at_version(self, tx: Transaction, version: int) -> list[Control]:
        """The controls as they were, in the order of their ids.

        Raises ``UnknownControlVersion``.
        """
        ...

    async def changed_since(self, tx: Transaction, version: int) -> list[Control]:
        """What later versions changed: each control as it was at ``version``, and as it became."""
        ...

    async def lock_buyers(self, tx: Transaction, buyers: Collection[Buyer]) -> None:
        """Let nobody else decide about these orders and customers until the commit.

        To be called before any balance is locked.
        """
        ...

    async def taken(
        self,
        tx: Transaction,
        now: datetime,
        item_ids: Collection[int],
        excluding: Collection[UUID] = (),
    ) -> Mapping[PooledPair, int]:
        """Units taken from pools of items, without overdue lines and those of ``excluding``."""
        ...
