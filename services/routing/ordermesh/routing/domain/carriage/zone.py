"""Zone tables: into which zone a parcel goes, by distance, postal codes and regions."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ordermesh.routing.domain.carriage.area import EVERYWHERE, Address, Area


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

    def towards(self, destination: Address) -> "ZoneTable":
        """The table with only the rows that lead there: to be asked for many origins."""
        return replace(self, rows=tuple(r for r in self.rows if r.destination.holds(destination)))

    def zone(self, origin: Origin, destination: Address, km: int) -> int | None:
        """The zone of a parcel; None where no row leads there."""
        best: tuple[object, ...] = ()
        found: ZoneRow | None = None
        for row in self.rows:
            named = origin.is_called(row.origin_id)
            if named < 0 or not row.origin.holds(origin.address):
                continue
            if row.distance_km_max and km > row.distance_km_max:
                continue
            if not row.destination.holds(destination):
                continue
            reach = -row.distance_km_max if row.distance_km_max else -(10**9)
            key = (named, row.destination.precision, row.origin.precision, reach)
            if found is None or key > best:
                best, found = key, row
        return None if found is None else found.zone

    @property
    def zones(self) -> frozenset[int]:
        """Every zone that it knows."""
        return frozenset(row.zone for row in self.rows)


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
