"""``snapshot.csv``: what a system outside sees of stock, one pair of item and location a line.

It is read again from the beginning when an import goes on, so nothing is kept but what is refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ordermesh.sample.files.sheets import Column, Refusal, Sheet

COLUMNS = (
    Column("sku", "the item", required=True),
    Column("location_id", "where it is; may be left out where --location names one"),
    Column("on_hand", "sellable units that are there, promised or not", required=True),
    Column("included_sequence", "the sequence of our balance that the picture contains"),
)
_UNITS_MAX = 1_000_000_000_000
_SEQUENCE_MAX = 999_999_999_999_999_999


@dataclass(frozen=True, slots=True)
class SeenRow:
    """What was seen of one pair. ``included_sequence`` None: the time of the picture decides."""

    sku: str
    location_id: str
    on_hand: int
    included_sequence: int | None


class SnapshotFile:
    """A file of a picture. ``refusals`` are those of the last reading."""

    def __init__(self, path: Path, location_id: str = "") -> None:
        self._path = path
        self._location_id = location_id
        self.refusals: list[Refusal] = []

    def rows(self) -> Iterator[SeenRow]:
        """The rows from the beginning; raises ``OSError`` when the file cannot be read.

        What cannot be right although it can be read, such as fewer than no units, is given all the
        same: it belongs into quarantine.
        """
        sheet = Sheet(self._path, COLUMNS)
        self.refusals = sheet.refusals
        for record in sheet.records():
            place = record.raw("location_id") or self._location_id
            if not place:
                record.refuse("location_id", "is missing, and no --location was named")
            row = SeenRow(
                record.text("sku"),
                place,
                record.whole("on_hand", most=_UNITS_MAX, least=-_UNITS_MAX),
                record.whole("included_sequence", most=_SEQUENCE_MAX)
                if record.raw("included_sequence")
                else None,
            )
            if not record.is_refused:
                yield row
