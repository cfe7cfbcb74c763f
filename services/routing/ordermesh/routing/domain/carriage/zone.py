"""Zone tables: into which zone a parcel goes, by distance, postal codes and regions."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from ordermesh.routing.domain.carriage.area import EVERYWHERE, Address, Area, plain


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a parcel starts: a location with the groups it is in, and its address."""

    location_id: str
    groups: frozenset[str]
    address: Address

    def is_called(self, name: str) -> int:
        """How closely a name of a row fits: 2 the location, 1 a group of it, 0 every origin.

        -1 where it names something else.
        """
        if not name:
            return 0
        if name == self.location_id:
            return 2
        return 1 if name in self.groups else -1


@dataclass(frozen=True, slots=True)
class ZoneRow:
    """Parcels from one area to another, no farther than so far, go into this zone.

    ``origin_id`` is a location or a group, "" for all. ``distance_km_max`` of 0 is any distance.
    """

    zone: int
    origin_id: str = ""
    origin: Area = EVERYWHERE
    destination: Area = EVERYWHERE
    distance_km_max: int = 0

    @property
    def pair(self) -> tuple[str, str, str]:
        """From where to where, as it is compared."""
        return (self.origin_id, str(self.origin).casefold(), str(self.destination).casefold())


@dataclass(frozen=True)
class ZoneTable:
    """Rows of which the narrowest that fits decides.

    A row for the location is narrower than one for a group, that than one for all; then the
    narrower destination, then the narrower origin. Of rows alike but for their distance the
    nearest that reaches decides.
    """

    zone_table_id: str
    rows: tuple[ZoneRow, ...]
    version: int = 0
    is_withdrawn: bool = False

    def towards(self, destination: Address) -> "Narrowed":
        """The rows that lead there: to be asked for many origins."""
        code = plain(destination.postal_code)
        prefixes = [code[:length] for length in range(len(code) + 1)]
        return Narrowed(
            row
            for country in {"", destination.country_code}
            for prefix in prefixes
            for row in self._by_destination.get((country, prefix), ())
            if row.destination.holds(destination)
        )

    def zone(self, origin: Origin, destination: Address, km: int) -> int | None:
        """The zone of a parcel; None where no row leads there."""
        return self.towards(destination).zone(origin, km)

    @cached_property
    def _by_destination(self) -> dict[tuple[str, str], list[ZoneRow]]:
        """Rows by the country and the prefix of postal codes that they lead to."""
        found: dict[tuple[str, str], list[ZoneRow]] = {}
        for row in self.rows:
            area = row.destination
            found.setdefault((area.country_code, plain(area.postal_prefix)), []).append(row)
        return found

    @property
    def zones(self) -> frozenset[int]:
        """Every zone that it knows."""
        return frozenset(row.zone for row in self.rows)


class Narrowed:
    """The rows of a table that lead to one address, by whom they name and the narrowest first."""

    def __init__(self, rows: Iterable[ZoneRow]) -> None:
        self._rows: dict[str, list[ZoneRow]] = {}
        for row in sorted(rows, key=_narrowest_first):
            self._rows.setdefault(row.origin_id, []).append(row)

    def zone(self, origin: Origin, km: int) -> int | None:
        """The zone of a parcel; None where no row leads there."""
        own = self._rows.get(origin.location_id, ())
        found = _first(own, origin, km)
        if found is None:
            groups = [row for name in origin.groups for row in self._rows.get(name, ())]
            found = _first(sorted(groups, key=_narrowest_first), origin, km)
        if found is None:
            found = _first(self._rows.get("", ()), origin, km)
        return found


def _first(rows: Iterable[ZoneRow], origin: Origin, km: int) -> int | None:
    """The zone of the first row that fits."""
    for row in rows:
        if row.distance_km_max and km > row.distance_km_max:
            continue
        if row.origin.holds(origin.address):
            return row.zone
    return None


_ANY_DISTANCE = 10**9


def _narrowest_first(row: ZoneRow) -> tuple[tuple[int, ...], tuple[int, ...], int, int]:
    return (
        tuple(-part for part in row.destination.precision),
        tuple(-part for part in row.origin.precision),
        row.distance_km_max or _ANY_DISTANCE,
        row.zone,
    )


def contradictions(rows: Iterable[ZoneRow]) -> list[tuple[ZoneRow, ZoneRow]]:
    """Pairs of rows that name the same way and distance: one of them could never decide."""
    first: dict[tuple[object, ...], ZoneRow] = {}
    found = []
    for row in rows:
        key = (*row.pair, row.distance_km_max)
        before = first.setdefault(key, row)
        if before is not row:
            found.append((before, row))
    return found
