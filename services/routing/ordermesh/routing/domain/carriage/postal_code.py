"""Postal codes of a country as they were imported, and how far an import has come."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from ordermesh.routing.domain.carriage.area import plain
from ordermesh.routing.domain.errors.carriage import PostalCodeImportOutOfStep
from ordermesh.routing.domain.errors.requests import DuplicateEntry, FieldViolation
from ordermesh.routing.domain.geography import Place


class TableState(StrEnum):
    """How far the import of a table has come."""

    RECEIVING = "RECEIVING"
    IN_USE = "IN_USE"
    REPLACED = "REPLACED"


@dataclass(frozen=True)
class PostalCodeTable:
    """The postal codes of a country, as they were imported once.

    Only ``significant`` signs at the beginning of a code are looked up, 0 means all of them.
    """

    country_code: str
    version: int
    import_id: UUID
    source: str
    significant: int
    state: TableState
    next_part: int
    count: int
    create_time: datetime

    def key(self, postal_code: str) -> str:
        """What a code is found by."""
        signs = plain(postal_code)
        return signs[: self.significant] if self.significant else signs

    def require_part(self, part: int) -> None:
        """Raise ``PostalCodeImportOutOfStep`` unless this part is the next one."""
        if self.state is not TableState.RECEIVING or part != self.next_part:
            raise PostalCodeImportOutOfStep(str(self.import_id), self.state, self.next_part, part)

    def require_parts(self, parts: int) -> None:
        """Raise ``PostalCodeImportOutOfStep`` unless so many parts have come."""
        if self.state is not TableState.RECEIVING or parts != self.next_part - 1:
            raise PostalCodeImportOutOfStep(
                str(self.import_id), self.state, self.next_part, parts + 1
            )

    def require_same(self, country_code: str, significant: int) -> None:
        """Raise ``FieldViolation`` when an import goes on as another than it began."""
        if (self.country_code, self.significant) != (country_code, significant):
            raise FieldViolation(
                "import_id",
                "same_import",
                f"The import was begun for {self.country_code} with {self.significant} signs.",
            )


@dataclass(frozen=True, slots=True)
class PostalCode:
    """Where a code is; ``key`` is what it is found by, ``written`` how it was written."""

    key: str
    written: str
    place: Place
    region: str = ""
    time_zone: str = ""


def require_each_once(codes: Iterable[PostalCode], known: Iterable[str]) -> None:
    """Raise ``DuplicateEntry`` for a code that comes twice, or is known already."""
    seen = set(known)
    for code in codes:
        if code.key in seen:
            raise DuplicateEntry("postal_codes", code.written)
        seen.add(code.key)
