"""Large pictures that come in numbered frames."""

import enum
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from ordermesh.inventory.domain.errors.feed import (
    FrameChanged,
    FrameMissing,
    ImportChanged,
    ImportCompleted,
    PictureInFuture,
)
from ordermesh.inventory.domain.stock_feed import Picture, Tally


class Absent(enum.IntEnum):
    """What becomes of keys that a full picture does not name; the contract's numbers."""

    LEAVE = 1
    ZERO = 2


class ImportState(enum.Enum):
    """How far an import is, by the numbers that are kept; for callers ``CLOSED`` is still open.

    What is ``CLOSED`` takes no frames and sets nothing to zero any more: what it has named is being
    forgotten, and would be taken for absent.
    """

    OPEN = 1
    COMPLETED = 2
    CLOSED = 3


@dataclass(frozen=True)
class SnapshotImport:
    """A picture in frames; without ``location_ids`` it shows some keys only."""

    import_id: UUID
    source_id: str
    location_ids: tuple[str, ...]
    picture: Picture
    absent: Absent
    document: str = ""
    next_frame: int = 1
    tally: Tally = field(default_factory=Tally)
    state: ImportState = ImportState.OPEN
    create_time: datetime | None = None
    update_time: datetime | None = None

    @property
    def is_full(self) -> bool:
        """Whether it shows whole locations."""
        return bool(self.location_ids)

    def refuse_future(self, now: datetime) -> None:
        """Raise ``PictureInFuture`` where it cannot have been taken yet."""
        if self.picture.taken is not None and self.picture.is_in_future(now):
            raise PictureInFuture(self.source_id, self.picture.taken, now)

    def refuse_changed(self, announced: "SnapshotImport") -> None:
        """Raise ``ImportChanged`` when it was announced otherwise."""
        same = replace(
            self,
            next_frame=announced.next_frame,
            tally=announced.tally,
            state=announced.state,
            create_time=announced.create_time,
            update_time=announced.update_time,
        )
        if same != announced:
            raise ImportChanged(self.import_id)

    def expects(self, frame: int, digest: bytes, applied: bytes | None) -> bool:
        """Whether the frame is the next one; False when it was ``applied``, by its digest.

        Raises ``FrameChanged`` when other rows were applied by its number, ``ImportCompleted``, and
        ``FrameMissing``.
        """
        if frame < self.next_frame:
            if applied != digest:
                raise FrameChanged(self.import_id, frame)
            return False
        if self.state is not ImportState.OPEN:
            raise ImportCompleted(self.import_id)
        if frame > self.next_frame:
            raise FrameMissing(self.import_id, frame, self.next_frame)
        return True

    def refuse_incomplete(self, frame_count: int) -> None:
        """Raise ``FrameMissing`` or ``ImportCompleted`` when other frames have come than these."""
        if frame_count >= self.next_frame:
            raise FrameMissing(self.import_id, frame_count, self.next_frame)
        if frame_count < self.next_frame - 1:
            raise ImportCompleted(self.import_id)

    def after(self, tally: Tally, *, frames: int = 0) -> "SnapshotImport":
        """The import after so many frames more, and what became of their rows."""
        total = Tally(self.tally.outcomes.copy(), self.tally.troubles.copy())
        total.add_all(tally)
        return replace(self, next_frame=self.next_frame + frames, tally=total)

    def forgetting(self, *, is_done: bool) -> "SnapshotImport":
        """The import when nothing is absent any more: what it named is forgotten, or some of it."""
        return replace(self, state=ImportState.COMPLETED if is_done else ImportState.CLOSED)
