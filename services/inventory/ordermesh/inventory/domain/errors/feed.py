"""What systems outside may not tell, or not so."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from ordermesh.inventory.domain.errors.facts import named
from ordermesh.kernel.errors import NotFound, RuleViolated


class UnknownSource(NotFound):
    """No source has this id."""

    reason: ClassVar[str] = "UNKNOWN_SOURCE"

    def __init__(self, source_id: str) -> None:
        super().__init__(f"No source is called {source_id}.", {"sourceId": source_id})


class NotYourSource(RuleViolated):
    """The caller may not send in the name of the source."""

    reason: ClassVar[str] = "NOT_YOUR_SOURCE"

    def __init__(self, source_id: str) -> None:
        super().__init__(f"You may not speak for source {source_id}.", {"sourceId": source_id})


class ForeignLocation(RuleViolated):
    """The source does not speak for the locations. Rows: each of them."""

    reason: ClassVar[str] = "FOREIGN_LOCATION"

    def __init__(self, source_id: str, location_ids: Iterable[str]) -> None:
        places = sorted(location_ids)
        super().__init__(
            f"Source {source_id} does not speak for {named(places)}.",
            *({"sourceId": source_id, "locationId": place} for place in places),
        )


class TooManyHeld(RuleViolated):
    """Too many changes wait for one that has not come: ``missing`` is its number."""

    reason: ClassVar[str] = "TOO_MANY_HELD"

    def __init__(self, source_id: str, missing: int, limit: int) -> None:
        super().__init__(
            f"More than {limit} changes of source {source_id} wait for number {missing}.",
            {"sourceId": source_id, "missing": missing, "limit": limit},
        )


class ImportNotFound(NotFound):
    """No import has this id."""

    reason: ClassVar[str] = "IMPORT_NOT_FOUND"

    def __init__(self, import_id: UUID) -> None:
        super().__init__(f"There is no import {import_id}.", {"importId": import_id})


class ImportChanged(RuleViolated):
    """An import with this id was announced otherwise."""

    reason: ClassVar[str] = "IMPORT_CHANGED"

    def __init__(self, import_id: UUID) -> None:
        super().__init__(
            f"Import {import_id} was announced with other words.", {"importId": import_id}
        )


class PictureInFuture(RuleViolated):
    """A picture is said to have been taken later than now."""

    reason: ClassVar[str] = "PICTURE_IN_FUTURE"

    def __init__(self, source_id: str, taken: datetime, now: datetime) -> None:
        super().__init__(
            f"A picture of source {source_id} is said to have been taken later than now.",
            {
                "sourceId": source_id,
                "pictureTime": taken.isoformat(),
                "now": now.isoformat(),
            },
        )


class ImportCompleted(RuleViolated):
    """The import is completed; nothing can be added."""

    reason: ClassVar[str] = "IMPORT_COMPLETED"

    def __init__(self, import_id: UUID) -> None:
        super().__init__(f"Import {import_id} is completed.", {"importId": import_id})


class FrameMissing(RuleViolated):
    """Frames before this one have not come; ``next_frame`` is the first of them."""

    reason: ClassVar[str] = "FRAME_MISSING"

    def __init__(self, import_id: UUID, frame: int, next_frame: int) -> None:
        super().__init__(
            f"Frame {next_frame} of import {import_id} must come before frame {frame}.",
            {"importId": import_id, "frame": frame, "nextFrame": next_frame},
        )


class FrameChanged(RuleViolated):
    """The frame was applied with other rows."""

    reason: ClassVar[str] = "FRAME_CHANGED"

    def __init__(self, import_id: UUID, frame: int) -> None:
        super().__init__(
            f"Frame {frame} of import {import_id} was applied with other rows.",
            {"importId": import_id, "frame": frame},
        )


class QuarantinedRowNotFound(NotFound):
    """No row in quarantine has this id. Rows: each of them."""

    reason: ClassVar[str] = "QUARANTINED_ROW_NOT_FOUND"

    def __init__(self, quarantine_ids: Iterable[UUID]) -> None:
        ids = sorted(quarantine_ids)
        super().__init__(
            f"No row in quarantine is called {named(ids)}.", *({"quarantineId": one} for one in ids)
        )


class QuarantinedRowDecided(RuleViolated):
    """It was decided on before. Rows: each of them."""

    reason: ClassVar[str] = "QUARANTINED_ROW_DECIDED"

    def __init__(self, quarantine_ids: Iterable[UUID]) -> None:
        ids = sorted(quarantine_ids)
        super().__init__(
            f"It was decided before about {named(ids)}.", *({"quarantineId": one} for one in ids)
        )
