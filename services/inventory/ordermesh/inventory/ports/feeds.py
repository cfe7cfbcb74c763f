"""Where sources, rows in quarantine and imports are kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.quarantine import Decision, Quarantined, QuarantineState
from ordermesh.inventory.domain.snapshot_import import SnapshotImport
from ordermesh.inventory.domain.stock_feed import (
    Delta,
    Marks,
    Misfit,
    Picture,
    Tally,
    Told,
    Trouble,
    Unseen,
)
from ordermesh.inventory.domain.stock_source import SourceReport, SourceState, StockSource
from ordermesh.inventory.ports.names import Names, Pair
from ordermesh.runtime.database import Transaction


@dataclass(frozen=True)
class Waiting:
    """Changes of a source that are held: the first ones, which of those asked for, how many.

    ``settled`` are those of the first that were dealt with: only their numbers wait.
    """

    first: Sequence[Delta]
    known: Collection[int]
    count: int
    settled: Collection[int] = ()


@dataclass(frozen=True)
class QuarantineFilter:
    """Which rows; what is not set lets everything pass."""

    source_id: str = ""
    import_id: UUID | None = None
    reason: Trouble | None = None
    state: QuarantineState | None = None


class SourceStore(Protocol):
    """Where sources are kept, and what they have told."""

    async def lock(
        self, tx: Transaction, source_ids: Collection[str], names: Names
    ) -> dict[str, SourceState]:
        """Lock and read sources in one order. Raises ``UnknownSource``."""
        ...

    async def put(self, tx: Transaction, sources: Sequence[StockSource], now: datetime) -> int:
        """Store new and changed sources; gives how many."""
        ...

    async def advance(
        self, tx: Transaction, states: Collection[SourceState], names: Names, now: datetime | None
    ) -> None:
        """Note how far sources have come, and that they were heard of now; None: they were not."""
        ...

    async def get(self, tx: Transaction, source_id: str) -> StockSource:
        """A source, not locked. Raises ``UnknownSource``."""
        ...

    async def page(self, tx: Transaction, after: str, size: int) -> list[SourceReport]:
        """The next sources in the order of ids."""
        ...

    async def waiting(
        self, tx: Transaction, source: int, numbers: Collection[int], size: int
    ) -> Waiting:
        """The first changes that are held, so many, and which of the numbers are held."""
        ...

    async def hold(
        self,
        tx: Transaction,
        source: int,
        deltas: Sequence[Delta],
        released: Collection[int],
        settled: Collection[int],
    ) -> None:
        """Hold changes, and forget those that were released.

        ``settled`` are held no more, but their numbers still wait.
        """
        ...

    async def moved(
        self, tx: Transaction, source: int, numbers: Mapping[int, StockKey], names: Names
    ) -> set[int]:
        """Those of the numbers whose changes stand in the books of their keys, or in quarantine."""
        ...

    async def is_alone(self, tx: Transaction, source: StockSource) -> bool:
        """Whether no other source speaks for any of its locations."""
        ...

    async def marks(
        self, tx: Transaction, source: int, keys: Collection[StockKey], names: Names
    ) -> Marks:
        """The pictures that are remembered of keys and of their locations.

        Of other sources it is when they took theirs of the keys.
        """
        ...

    async def mark(
        self,
        tx: Transaction,
        source: int,
        pairs: Collection[Pair],
        picture: Picture,
    ) -> None:
        """Remember a picture beside those before; item 0 of a pair means the whole location."""
        ...

    async def unseen(
        self,
        tx: Transaction,
        source: int,
        picture: Picture,
        included: Mapping[StockKey, int | None],
        names: Names,
        highest: int,
    ) -> dict[StockKey, Unseen]:
        """What a picture does not contain of keys; what it contains wholly is left out.

        ``included`` are the sequences of balances up to which the source had heard of our changes;
        None: the time decides. ``highest`` is the source's highest number in the books, or more.
        """
        ...


class QuarantineStore(Protocol):
    """Where rows are kept that cannot be right."""

    async def add(
        self, tx: Transaction, rows: Sequence[tuple[Told, Misfit]], names: Names, now: datetime
    ) -> list[UUID]:
        """Keep rows; gives their ids."""
        ...

    async def load(
        self, tx: Transaction, quarantine_ids: Collection[UUID]
    ) -> dict[UUID, Quarantined]:
        """Lock and read rows."""
        ...

    async def decide(
        self,
        tx: Transaction,
        decisions: Mapping[UUID, Decision],
        actor: Actor,
        note: str,
        now: datetime,
    ) -> None:
        """Note what was decided."""
        ...

    async def first_open(self, tx: Transaction, source: int) -> int | None:
        """The lowest number of a change of the source that nobody has decided on."""
        ...

    async def page(
        self,
        tx: Transaction,
        wanted: QuarantineFilter,
        after: tuple[datetime, UUID] | None,
        size: int,
    ) -> list[Quarantined]:
        """The next rows, the oldest first."""
        ...


class ImportStore(Protocol):
    """Where imports are kept."""

    async def get(self, tx: Transaction, import_id: UUID) -> SnapshotImport | None:
        """An import, not locked."""
        ...

    async def add(
        self, tx: Transaction, announced: SnapshotImport, names: Names, now: datetime
    ) -> None:
        """Store a new import."""
        ...

    async def save(self, tx: Transaction, one: SnapshotImport, now: datetime) -> None:
        """Note how far it has come."""
        ...

    async def frame(
        self, tx: Transaction, import_id: UUID, frame: int
    ) -> tuple[bytes, Tally] | None:
        """The digest of an applied frame, and what became of its rows."""
        ...

    async def add_frame(
        self, tx: Transaction, import_id: UUID, frame: int, digest: bytes, tally: Tally
    ) -> None:
        """Note an applied frame."""
        ...

    async def name_keys(
        self, tx: Transaction, import_id: UUID, pairs: Collection[Pair]
    ) -> set[Pair]:
        """Note that the picture names these keys; gives those that it had named before."""
        ...

    async def absent(self, tx: Transaction, one: SnapshotImport, size: int) -> list[StockKey]:
        """Keys with stock at the import's locations that it does not name, so many."""
        ...

    async def forget_keys(self, tx: Transaction, import_id: UUID, size: int) -> int:
        """Forget named keys, at most so many; gives how many."""
        ...

    async def forget(self, tx: Transaction, older_than: datetime, size: int) -> int:
        """Forget an import that went on before, at most so many rows of it; gives how many."""
        ...
