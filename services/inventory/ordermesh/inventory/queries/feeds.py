"""Pages of sources and of rows in quarantine."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from ordermesh.inventory.domain.errors.feed import ImportNotFound
from ordermesh.inventory.domain.errors.requests import TooMuchAsked
from ordermesh.inventory.domain.quarantine import Quarantined
from ordermesh.inventory.domain.snapshot_import import SnapshotImport
from ordermesh.inventory.domain.stock_source import SourceReport, Speaker
from ordermesh.inventory.ports.feeds import QuarantineFilter
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction

Row = TypeVar("Row")


@dataclass(frozen=True)
class FeedPage(Generic[Row]):
    """Rows, whether more follow, and when they were read."""

    rows: Sequence[Row]
    has_more: bool
    now: datetime


async def list_sources(
    stores: Stores, tx: Transaction, after: str, size: int, speaker: Speaker, *, stale_only: bool
) -> FeedPage[SourceReport]:
    """A page in the order of ids, of those that the speaker may speak for."""
    now = await tx.now()

    def is_wanted(report: SourceReport) -> bool:
        source = report.state.source
        is_own = speaker.may_speak_for(source) and speaker.owns(source)
        return is_own and (not stale_only or report.is_stale(now))

    rows: list[SourceReport] = []
    while len(rows) <= size:
        part = await stores.sources.page(tx, after, size + 1)
        rows += filter(is_wanted, part)
        if len(part) <= size:
            break
        after = part[-1].state.source.source_id
    return FeedPage(rows[:size], len(rows) > size, now)


async def list_quarantined(
    stores: Stores,
    tx: Transaction,
    wanted: QuarantineFilter,
    after: tuple[datetime, UUID] | None,
    size: int,
    speaker: Speaker,
) -> FeedPage[Quarantined]:
    """A page, the oldest first.

    Who is no operator names a source or an import of their own. Raises ``TooMuchAsked``,
    ``UnknownSource``, ``ImportNotFound`` and ``NotYourSource``.
    """
    if not speaker.is_operator:
        if wanted.source_id:
            await _refuse_stranger(stores, tx, wanted.source_id, speaker)
        elif wanted.import_id is not None:
            await get_import(stores, tx, wanted.import_id, speaker)
        else:
            raise TooMuchAsked("Name the source or the import.", 1)
    rows = await stores.quarantine.page(tx, wanted, after, size + 1)
    return FeedPage(rows[:size], len(rows) > size, await tx.now())


async def get_import(
    stores: Stores, tx: Transaction, import_id: UUID, speaker: Speaker
) -> SnapshotImport:
    """How far an import has come. Raises ``ImportNotFound`` and ``NotYourSource``."""
    found = await stores.imports.get(tx, import_id)
    if found is None:
        raise ImportNotFound(import_id)
    await _refuse_stranger(stores, tx, found.source_id, speaker)
    return found


async def _refuse_stranger(
    stores: Stores, tx: Transaction, source_id: str, speaker: Speaker
) -> None:
    (await stores.sources.get(tx, source_id)).refuse_stranger(speaker)
