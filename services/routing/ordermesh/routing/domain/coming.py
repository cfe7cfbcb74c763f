"""Goods that are still to come, by the days by which they are there."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from ordermesh.routing.domain.sourcing import SourcingLocation

Units = Mapping[str, Mapping[str, int]]
"""Units by location id, then SKU."""

_DAYS = (*range(1, 15), *range(21, 21 + 7 * 17, 7))
"""Every day of two weeks, then every week: as many as one question about availability names."""


@dataclass(frozen=True)
class Coming:
    """Units that are there by the beginning of a day (UTC), and were not by the days before it."""

    day: date
    units: Units

    @property
    def there_time(self) -> datetime:
        """When they are there at the latest."""
        return start_of(self.day)


def start_of(day: date) -> datetime:
    """The beginning of a day."""
    return datetime.combine(day, time(), UTC)


def days_ahead(now: datetime) -> tuple[date, ...]:
    """The days that are asked about: what comes between two of them counts for the later one."""
    today = now.astimezone(UTC).date()
    return tuple(today + timedelta(days=ahead) for ahead in _DAYS)


def by_steps(days: Iterable[date], there: Units, dated: Iterable[Units]) -> tuple[Coming, ...]:
    """What each day brings, from what is ``there`` now and by each day in all."""
    found = []
    for day, units in zip(days, dated, strict=True):
        more = {
            location_id: brought
            for location_id, held in units.items()
            if (brought := _more(held, there.get(location_id, {})))
        }
        if more:
            found.append(Coming(day, more))
        there = units
    return tuple(found)


def _more(held: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """What there is of each item beyond what was there before, where that is anything."""
    steps = {sku: units - before.get(sku, 0) for sku, units in held.items()}
    return {sku: step for sku, step in steps.items() if step > 0}


def name_of(location_id: str, day: date, taken: Collection[str]) -> str:
    """What a location is called as the source of what comes by a day; none of those taken."""
    name = f"{location_id}@{day.isoformat()}"
    while name in taken:
        name += "*"
    return name


def restored(locations: Iterable[SourcingLocation], stock: Units) -> tuple[Coming, ...]:
    """What a problem counted on that was still to come."""
    by_day: dict[str, dict[str, Mapping[str, int]]] = {}
    for one in locations:
        if one.available_from and one.location_id in stock:
            units = by_day.setdefault(one.available_from, {})
            units[one.source_id] = stock[one.location_id]
    return tuple(Coming(date.fromisoformat(day), units) for day, units in sorted(by_day.items()))
