"""Locations: the places that hold stock."""

import enum
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ordermesh.inventory.domain.errors.catalog import InvalidPosition, InvalidTimeZone
from ordermesh.inventory.domain.errors.requests import DuplicateEntry
from ordermesh.inventory.domain.item import ExternalReference


class LocationType(enum.IntEnum):
    """What kind of place it is; the numbers are the contract's."""

    DISTRIBUTION_CENTER = 1
    STORE = 2
    VENDOR = 3
    THIRD_PARTY_LOGISTICS = 4


@dataclass(frozen=True)
class Address:
    """A postal address for labels, with the fields of ``google.type.PostalAddress``."""

    revision: int = 0
    region_code: str = ""
    language_code: str = ""
    postal_code: str = ""
    sorting_code: str = ""
    administrative_area: str = ""
    locality: str = ""
    sublocality: str = ""
    address_lines: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    organization: str = ""


@dataclass(frozen=True)
class Location:
    """A place that holds stock. Position in degrees; revision 0 until the change was stamped."""

    location_id: str
    type: LocationType
    latitude: float
    longitude: float
    time_zone: str
    name: str = ""
    address: Address | None = None
    tags: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    is_disabled: bool = False
    external_references: tuple[ExternalReference, ...] = ()
    revision: int = field(default=0, compare=False)
    create_time: datetime | None = field(default=None, compare=False)
    update_time: datetime | None = field(default=None, compare=False)


def refuse_impossible(locations: Sequence[Location], time_zones: Collection[str]) -> None:
    """Raise ``DuplicateEntry``, ``InvalidTimeZone`` or ``InvalidPosition``.

    ``time_zones`` are the names that the IANA database knows.
    """
    seen: set[str] = set()
    for number, location in enumerate(locations):
        if location.location_id in seen:
            raise DuplicateEntry(f"locations[{number}].location_id", location.location_id)
        seen.add(location.location_id)
        if location.time_zone not in time_zones:
            raise InvalidTimeZone(location.location_id, location.time_zone)
        # Written so that it also refuses what is not a number.
        if not (-90 <= location.latitude <= 90 and -180 <= location.longitude <= 180):
            raise InvalidPosition(location.location_id)


def put(locations: Sequence[Location], stored: Mapping[str, Location]) -> list[Location]:
    """The locations that differ from what is stored."""
    return [location for location in locations if stored.get(location.location_id) != location]
