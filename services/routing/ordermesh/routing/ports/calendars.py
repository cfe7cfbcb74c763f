"""Which days are holidays where, by name of a country or a part of it."""

from collections.abc import Mapping
from datetime import date
from typing import Protocol


class Holidays(Protocol):
    """The public holidays of the world."""

    def dates(
        self, country_code: str, subdivision: str, first_year: int, last_year: int
    ) -> Mapping[date, str] | None:
        """The holidays of these years with their names; None for a place that nobody knows.

        Without a ``subdivision`` only those of the whole country.
        """
        ...
