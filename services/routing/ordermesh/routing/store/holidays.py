"""Public holidays, from the package ``holidays``."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

import holidays

_KEPT = 512


class PublicHolidays:
    """Knows the holidays of countries and their parts. They are worked out when first asked for."""

    def dates(
        self, country_code: str, subdivision: str, first_year: int, last_year: int
    ) -> Mapping[date, str] | None:
        """The holidays of these years with their names; None for a place that nobody knows."""
        return _dates(country_code, subdivision, first_year, last_year)


@lru_cache(maxsize=_KEPT)
def _dates(
    country_code: str, subdivision: str, first_year: int, last_year: int
) -> Mapping[date, str] | None:
    try:
        found = holidays.country_holidays(
            country_code, subdiv=subdivision or None, years=range(first_year, last_year + 1)
        )
    except NotImplementedError:
        return None
    return dict(sorted(found.items()))
