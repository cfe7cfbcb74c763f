"""A CSV file read record by record, where every cell that cannot be taken is refused with a reason.

Files are comma-separated UTF-8 with a header line; a byte order mark, any line ending and blank
lines are accepted, and spaces around a cell are not part of it. One bad cell refuses its record and
nothing else.
"""

import csv
import enum
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from ordermesh.kernel.money import Money, from_decimal, to_decimal

SEPARATOR = ";"
"""Stands between several values in one cell."""

_SHOWN_MAX = 80
_WHOLE = re.compile(r"-?[0-9]+")
_DECIMAL = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,20})?")
_COUNTRY = re.compile(r"[A-Z]{2}")
_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?")
_NOT_TEXT = {
    b"\xff\xfe": "the file is UTF-16: save it as UTF-8",
    b"\xfe\xff": "the file is UTF-16: save it as UTF-8",
    b"PK\x03\x04": "the file is a spreadsheet or an archive: save it as CSV",
    b"\x1f\x8b": "the file is compressed: unpack it first",
}

Row = TypeVar("Row")
Choice = TypeVar("Choice", bound=enum.StrEnum)


@dataclass(frozen=True, slots=True)
class Column:
    """A documented column; ``default`` is the text that an empty cell stands for.

    A required column has to be in the header, and its cells may not be empty.
    """

    name: str
    meaning: str
    required: bool = False
    default: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was not taken from a file, and why; lines count from 1, the header among them."""

    file: str
    line: int
    column: str
    value: str
    why: str

    def __str__(self) -> str:
        column = f", {self.column}" if self.column else ""
        value = f" {self.value!r}" if self.value else ""
        return f"{self.file}, line {self.line}{column}:{value} {self.why}"


class Reading(NamedTuple, Generic[Row]):
    """What was taken from a file, and what was refused."""

    rows: tuple[Row, ...]
    refusals: tuple[Refusal, ...]


class Record:
    """One record: its cells by column, and whether it can be taken.

    Every reading method answers with a value of its type. Where the cell is refused that value
    means nothing: ask ``is_refused`` before using any. Refusals go to the list that is handed in.
    """

    def __init__(
        self, file: str, line: int, cells: Mapping[str, str], refusals: list[Refusal]
    ) -> None:
        self.line = line
        self.is_refused = False
        self._file = file
        self._cells = cells
        self._refusals = refusals

    def refuse(self, column: str, why: str) -> None:
        """Do not take the record because of this cell."""
        self.is_refused = True
        value = _shown(self.raw(column))
        self._refusals.append(Refusal(self._file, self.line, column, value, why))

    def raw(self, column: str) -> str:
        """The cell as it is, or empty."""
        return self._cells.get(column, "")

    def identity(self, column: str) -> str:
        """An id that the caller chooses: 1 to 128 printable characters."""
        if not self.raw(column):
            self.refuse(column, "is missing")
        return self.text(column, most=128)

    def text(self, column: str, most: int = 512) -> str:
        """Printable characters, perhaps none."""
        cell = self.raw(column)
        if any("\udc80" <= character <= "\udcff" for character in cell):
            self.refuse(column, "is not UTF-8")
        elif not is_printable(cell):
            self.refuse(column, "has a character that cannot be printed")
        elif len(cell) > most:
            self.refuse(column, f"has more than {most} characters")
        return cell

    def required_text(self, column: str) -> str:
        """Printable characters, at least one."""
        if not self.raw(column):
            self.refuse(column, "is missing")
        return self.text(column)

    def country(self, column: str) -> str:
        """A country by its two capital letters."""
        if not _COUNTRY.fullmatch(self.raw(column)):
            self.refuse(column, "is not a country code such as US")
        return self.raw(column)

    def several(self, column: str, most: int, length: int = 128) -> tuple[str, ...]:
        """Distinct printable texts with semicolons between them."""
        parts = tuple(part.strip() for part in self.text(column, most=100_000).split(SEPARATOR))
        parts = tuple(part for part in parts if part)
        if len(parts) > most:
            self.refuse(column, f"has more than {most} values")
        if len(set(parts)) < len(parts):
            self.refuse(column, "names a value twice")
        if any(len(part) > length for part in parts):
            self.refuse(column, f"has a value of more than {length} characters")
        return parts

    def whole(self, column: str, most: int, least: int = 0) -> int:
        """A whole number written with ASCII digits alone."""
        cell = self.raw(column)
        if not cell:
            self.refuse(column, "is missing")
        elif not _WHOLE.fullmatch(cell):
            self.refuse(column, "is not a whole number")
        elif len(cell.lstrip("-0")) > 18:
            self.refuse(column, f"is not between {least} and {most}")
        elif not least <= int(cell) <= most:
            negative = least >= 0 and int(cell) < 0
            self.refuse(column, "is negative" if negative else f"is not in {least} to {most}")
        else:
            return int(cell)
        return least

    def degrees(self, column: str, most: float) -> float | None:
        """A number from ``-most`` to ``most``, or nothing where the cell is empty."""
        cell = self.raw(column)
        if not cell:
            return None
        if not _DECIMAL.fullmatch(cell):
            self.refuse(column, "is not a number such as 41.88")
        elif not -most <= float(cell) <= most:
            self.refuse(column, f"is not between {-most:g} and {most:g}")
        else:
            return float(cell)
        return 0.0

    def place(self, latitude: str, longitude: str) -> tuple[float, float] | None:
        """A place on the globe, or nothing where both cells are empty."""
        north, east = self.degrees(latitude, 90.0), self.degrees(longitude, 180.0)
        if north is not None and east is not None:
            return north, east
        if north is not None or east is not None:
            self.refuse(latitude if north is None else longitude, "is missing beside the other")
        return None

    def money(self, column: str) -> Money:
        """An amount of the currency, 0 or more, with up to four decimals."""
        cell = self.raw(column)
        if not cell:
            self.refuse(column, "is missing")
        elif cell.startswith("-"):
            self.refuse(column, "is negative or not a number")
        elif not _AMOUNT.fullmatch(cell):
            self.refuse(column, "is not an amount such as 12.50, with up to 4 decimals")
        else:
            return from_decimal(cell)
        return Money(0)

    def instant(self, column: str) -> datetime:
        """An instant of ISO 8601 with its offset from UTC."""
        cell = self.raw(column)
        if not cell:
            self.refuse(column, "is missing")
            return datetime.min.replace(tzinfo=UTC)
        try:
            instant = datetime.fromisoformat(cell)
            if instant.tzinfo is not None:
                return instant.astimezone(UTC)
            self.refuse(column, "has no offset from UTC, such as Z or -05:00")
        except (ValueError, OverflowError):
            self.refuse(column, "is not a time such as 2026-11-27T09:30:00Z")
        return datetime.min.replace(tzinfo=UTC)

    def yes(self, column: str) -> bool:
        """Whether the cell says yes."""
        if self.raw(column) not in ("yes", "no"):
            self.refuse(column, "is neither yes nor no")
        return self.raw(column) == "yes"

    def choice(self, column: str, choices: type[Choice]) -> Choice:
        """One of these words."""
        chosen = self._chosen(column, self.raw(column), choices)
        return next(iter(choices)) if chosen is None else chosen

    def choices(self, column: str, choices: type[Choice]) -> tuple[Choice, ...]:
        """Some of these words, perhaps none, with semicolons between them."""
        chosen = [self._chosen(column, part, choices) for part in self.several(column, 10)]
        return tuple(choice for choice in chosen if choice is not None)

    def _chosen(self, column: str, word: str, choices: type[Choice]) -> Choice | None:
        try:
            return choices(word)
        except ValueError:
            self.refuse(column, f"is not one of {', '.join(choices)}" if word else "is missing")
            return None


class Sheet:
    """A CSV file with documented columns; ``refusals`` is complete once the records are read.

    Raises ``OSError`` when the file cannot be read.
    """

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self.refusals: list[Refusal] = []
        self._path = path
        self._columns = columns

    def records(self) -> Iterator[Record]:
        """The records that have as many cells as the header; none when the header is wrong."""
        with self._path.open("rb") as file:
            start = file.read(4)
        for mark, why in _NOT_TEXT.items():
            if start.startswith(mark):
                self._refuse(1, "", "", why)
                return
        # Bytes that are not UTF-8 are carried along, so that only their cells are refused.
        with self._path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
            header: list[str] | None = None
            for line, cells in self._cells(text):
                if header is None:
                    header = [cell.lower() for cell in cells]
                    if not self._is_header(line, header):
                        return
                elif len(cells) < len(header) or any(cells[len(header) :]):
                    why = f"has {len(cells)} cells where the header has {len(header)}"
                    self._refuse(line, "", "", why)
                else:
                    given = dict(zip(header, cells, strict=False))
                    yield Record(str(self._path), line, self._with_defaults(given), self.refusals)
        if header is None:
            self._refuse(1, "", "", "the file is empty: its first line names the columns")

    def reading(self, rows: Iterable[Row]) -> Reading[Row]:
        """These rows, and everything refused, by line."""
        return Reading(tuple(rows), tuple(sorted(self.refusals, key=lambda each: each.line)))

    def _cells(self, text: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
        reader = csv.reader(text, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                cells = [cell.strip() for cell in next(reader)]
            except StopIteration:
                return
            except csv.Error as error:
                self._refuse(line, "", "", f"cannot be read as CSV: {error}")
                if "limit" in str(error):
                    # What follows an unclosed quote is not known to be records.
                    self._refuse(line, "", "", "nothing is read from here on")
                    return
                continue
            if any(cells):
                yield line, cells

    def _is_header(self, line: int, header: Sequence[str]) -> bool:
        known = {column.name for column in self._columns}
        usable = True
        for name in dict.fromkeys(header):
            if header.count(name) > 1 and name:
                self._refuse(line, name, "", "names a column twice")
                usable = False
            if name not in known:
                self._refuse(line, name, "", "is not a known column: it is not read")
        for column in self._columns:
            if column.required and column.name not in header:
                self._refuse(line, column.name, "", "is missing from the header: nothing is read")
                usable = False
        return usable

    def _with_defaults(self, given: Mapping[str, str]) -> dict[str, str]:
        return {
            column.name: given.get(column.name, "") or column.default for column in self._columns
        }

    def _refuse(self, line: int, column: str, value: str, why: str) -> None:
        self.refusals.append(Refusal(str(self._path), line, _shown(column), value, why))


def is_printable(text: str) -> bool:
    """Whether there is no control, format, private or unassigned character, nor a line break."""
    if text.isascii():
        return text.isprintable()
    kinds = {unicodedata.category(character) for character in text}
    return not any(kind[0] == "C" or kind in ("Zl", "Zp") for kind in kinds)


def joined(values: Iterable[str]) -> str:
    """The values as one cell; raises ``ValueError`` for one that holds a semicolon."""
    parts = list(values)
    for part in parts:
        if SEPARATOR in part:
            raise ValueError(f"{part!r} cannot be written: semicolons stand between values")
    return SEPARATOR.join(parts)


def amount(money: Money) -> str:
    """The amount with two to four decimals."""
    whole, _, decimals = f"{to_decimal(money):.4f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def decimal(number: float) -> str:
    """The number exactly, without an exponent."""
    return format(Decimal(repr(number)), "f")


def instant_text(instant: datetime) -> str:
    """The instant in UTC by ISO 8601."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _shown(value: str) -> str:
    readable = value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return readable if len(readable) <= _SHOWN_MAX else readable[: _SHOWN_MAX - 1] + "…"
