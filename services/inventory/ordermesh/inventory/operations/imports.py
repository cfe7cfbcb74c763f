"""Large pictures that come in frames: each one is a transaction, and a broken import goes on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from ordermesh.inventory.domain.errors.feed import ImportNotFound
from ordermesh.inventory.domain.snapshot_import import Absent, ImportState, SnapshotImport
from ordermesh.inventory.domain.stock_feed import Picture, PictureRow, Tally, Told
from ordermesh.inventory.domain.stock_source import SourceState, Speaker
from ordermesh.inventory.operations.feeds import locked_source, show
from ordermesh.inventory.ports.names import Names, Pair
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction

ABSENT_KEYS = 500
"""How many keys that a picture does not name one transaction sets to zero."""

FORGOTTEN_KEYS = 50_000
"""How many notes of named keys one transaction forgets."""


@dataclass(frozen=True)
class Applied:
    """What became of a frame's rows; ``is_skipped``: it had been applied before."""

    tally: Tally
    is_skipped: bool


async def begin_import(
    stores: Stores, tx: Transaction, announced: SnapshotImport, speaker: Speaker
) -> SnapshotImport:
    """Announce a picture, or ask how far it has come.

    Raises ``UnknownSource``, ``NotYourSource``, ``UnknownLocation``, ``ForeignLocation``,
    ``ImportChanged``, ``PictureInFuture``.
    """
    names = Names()
    state = await locked_source(stores, tx, announced.source_id, speaker, names)
    known = await stores.imports.get(tx, announced.import_id)
    if known is not None:
        known.refuse_changed(announced)
        return known
    await stores.locations.resolve(tx, announced.location_ids, names)
    state.source.refuse_foreign(announced.location_ids)
    now = await tx.now()
    announced.refuse_future(now)
    await stores.imports.add(tx, announced, names, now)
    surrogate = names.source_ids[announced.source_id]
    places = [names.location_ids[place] for place in announced.location_ids]
    marks = await stores.sources.marks(tx, surrogate, (), names)
    whole: set[Pair] = set()
    if not state.is_far_behind(announced.picture.watermark):
        whole = {
            (0, place)
            for place, code in zip(places, announced.location_ids, strict=True)
            if _is_latest(announced.picture, marks.locations.get(code), now)
        }
    await stores.sources.mark(tx, surrogate, whole, announced.picture)
    await stores.sources.advance(tx, [state], names, now)
    added = await stores.imports.get(tx, announced.import_id)
    return added or announced


def _is_latest(picture: Picture, known: Picture | None, now: datetime) -> bool:
    return known is None or known.is_in_future(now) or not picture.is_older_than(known)


async def import_frame(
    stores: Stores,
    tx: Transaction,
    import_id: UUID,
    frame: int,
    digest: bytes,
    rows: Sequence[PictureRow],
    speaker: Speaker,
) -> Applied:
    """Take a frame, or find that it was taken.

    Raises ``ImportNotFound``, ``NotYourSource``, ``ImportCompleted``, ``FrameMissing`` and
    ``FrameChanged``.
    """
    names = Names()
    one, state = await _locked(stores, tx, import_id, speaker, names)
    applied = await stores.imports.frame(tx, import_id, frame) if frame < one.next_frame else None
    if not one.expects(frame, digest, applied[0] if applied else None):
        return Applied(applied[1] if applied else Tally(), is_skipped=True)
    told = [_told(one, row) for row in rows]
    result = await show(stores, tx, told, state, names, speaker.actor, part_of=import_id)
    tally = result.tally
    await stores.imports.add_frame(tx, import_id, frame, digest, tally)
    await stores.imports.save(tx, one.after(tally, frames=1), await tx.now())
    return Applied(tally, is_skipped=False)


async def complete_import(
    stores: Stores, tx: Transaction, import_id: UUID, frame_count: int, speaker: Speaker
) -> SnapshotImport:
    """Deal with a part of what the picture does not name; it is completed when nothing is left.

    Raises ``ImportNotFound``, ``NotYourSource``, ``FrameMissing``, ``ImportCompleted``.
    """
    names = Names()
    one, state = await _locked(stores, tx, import_id, speaker, names)
    one.refuse_incomplete(frame_count)
    if one.state is ImportState.COMPLETED:
        return one
    is_zero = one.absent is Absent.ZERO and one.state is ImportState.OPEN
    keys = await stores.imports.absent(tx, one, ABSENT_KEYS) if is_zero else []
    if keys:
        told = [_told(one, PictureRow(key, 0)) for key in keys]
        tally = (await show(stores, tx, told, state, names, speaker.actor)).tally
        await stores.imports.name_keys(tx, import_id, names.pairs(keys))
        after = one.after(tally)
    else:
        forgotten = await stores.imports.forget_keys(tx, import_id, FORGOTTEN_KEYS)
        after = one.forgetting(is_done=forgotten < FORGOTTEN_KEYS)
    now = await tx.now()
    await stores.imports.save(tx, after, now)
    return replace(after, update_time=now)


async def _found(stores: Stores, tx: Transaction, import_id: UUID) -> SnapshotImport:
    found = await stores.imports.get(tx, import_id)
    if found is None:
        raise ImportNotFound(import_id)
    return found


async def _locked(
    stores: Stores, tx: Transaction, import_id: UUID, speaker: Speaker, names: Names
) -> tuple[SnapshotImport, SourceState]:
    """An import under the lock of its source, which holds for all that is done with it."""
    source_id = (await _found(stores, tx, import_id)).source_id
    state = await locked_source(stores, tx, source_id, speaker, names)
    # Read again: others may have gone on with it while we waited for the lock.
    return await _found(stores, tx, import_id), state


def _told(one: SnapshotImport, row: PictureRow) -> Told:
    return Told(
        one.source_id,
        row,
        one.picture,
        is_full=one.is_full,
        import_id=one.import_id,
        document=one.document,
    )
