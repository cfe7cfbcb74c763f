"""Where it is kept who makes a run over open orders, and what it has seen."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from ordermesh.runtime.database import Transaction


@dataclass(frozen=True)
class Seen:
    """What a run compared, costs in 1e-4 of the currency; ``next_after`` is where the next begins.

    ``bound``: no plan of these orders costs less; None where nothing is proven.
    """

    currency_code: str
    compared: int
    cost_before: int
    bound: int | None
    has_more: bool
    next_after: int


@dataclass(frozen=True)
class RunRecord:
    """A run. ``is_begun``: all that it is to move has been stored, and nothing is added.

    ``seen`` is None where nobody could tell any more: who made it was cut off.
    """

    run_id: UUID
    is_begun: bool
    seen: Seen | None


class RunStore(Protocol):
    """Keeps runs. Of several that make the same run, only the last to come may store anything."""

    async def take(
        self, tx: Transaction, run_id: UUID, maker: UUID, *, is_scheduled: bool
    ) -> RunRecord:
        """Make the run from now on, whoever made it before, unless it is begun."""
        ...

    async def is_made_by(self, tx: Transaction, run_id: UUID, maker: UUID) -> bool:
        """Whether nobody has taken it, until the commit."""
        ...

    async def begun(self, tx: Transaction, run_id: UUID, seen: Seen | None) -> None:
        """Nothing is added to what it moves."""
        ...

    async def get(self, tx: Transaction, run_id: UUID) -> RunRecord | None:
        """How far one has come."""
        ...

    async def position(self, tx: Transaction) -> int:
        """Where the next run on schedule begins."""
        ...
