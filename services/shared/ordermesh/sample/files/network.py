"""``network.csv``: the locations, and how each of them fulfills, one location a line."""

import zoneinfo
from collections.abc import Iterable, Iterator
from pathlib import Path

from ordermesh.sample.files.sheets import Column, Reading, Record, Sheet, amount, decimal, joined
from ordermesh.sample.geography import find_zip_area
from ordermesh.sample.nouns import (
    FulfillmentMethod,
    Location,
    LocationType,
    NetworkLocation,
    PostalAddress,
    ReturnHandling,
)

COLUMNS = (
    Column("location_id", "the id of the location, 1 to 128 printable characters", required=True),
    Column("name", "a name for people", required=True),
    Column("type", "DISTRIBUTION_CENTER, STORE, VENDOR or THIRD_PARTY_LOGISTICS", required=True),
    Column("country_code", "ISO 3166-1 alpha-2", default="US"),
    Column("region", "the state or province"),
    Column("locality", "the city"),
    Column("postal_code", "the postal code, with its leading zeros"),
    Column("address_lines", "street and number, with semicolons between lines"),
    Column("latitude", "degrees; both or neither: a ZIP code of the United States is enough"),
    Column("longitude", "degrees, negative in the west"),
    Column("time_zone", "the IANA name; not needed beside a ZIP code of the United States"),
    Column("tags", "free words by which rules choose locations, with semicolons between them"),
    Column("methods", "SHIP, or none for a location that fulfills nothing; empty stands for SHIP"),
    Column("priority", "its rank in the fixed order of locations; 0 comes last", default="0"),
    Column("pick_fee", "what picking and packing one parcel costs here", required=True),
    Column("labor_cost_per_unit", "what handling one unit costs here", required=True),
    Column("capacity_units_per_day", "units that can leave on one day; empty for no limit"),
    Column("handling_days", "days from the order to the carrier", required=True),
    Column("returns", "what it does with returns: RESTOCK, KEEP_APART or NONE", default="NONE"),
)
_COUNT_MAX = 1_000_000_000
_NO_METHODS = "none"


def read_network(path: Path) -> Reading[tuple[Location, NetworkLocation]]:
    """Each location of this file with how it fulfills.

    Raises ``OSError`` when the file cannot be read.
    """
    sheet = Sheet(path, COLUMNS)
    rows: list[tuple[Location, NetworkLocation]] = []
    lines: dict[str, int] = {}
    for record in sheet.records():
        row = (_location(record), _fulfilling(record))
        location_id = row[0].location_id
        first = lines.setdefault(location_id, record.line)
        if location_id and first != record.line:
            record.refuse("location_id", f"is on line {first} already")
        if not record.is_refused:
            rows.append(row)
    return sheet.reading(rows)


def network_cells(
    rows: Iterable[tuple[Location, NetworkLocation]],
) -> Iterator[tuple[object, ...]]:
    """The cells of each location, in the order of ``COLUMNS``.

    Raises ``ValueError`` where the file has no words for it: a tag or an address line with a
    semicolon.
    """
    for location, fulfilling in rows:
        capacity = fulfilling.capacity_units_per_day
        yield (
            location.location_id,
            location.name,
            location.type,
            location.address.country_code,
            location.address.region,
            location.address.locality,
            location.address.postal_code,
            joined(location.address.address_lines),
            decimal(location.latitude),
            decimal(location.longitude),
            location.time_zone,
            joined(location.tags),
            joined(fulfilling.methods) or _NO_METHODS,
            fulfilling.priority,
            amount(fulfilling.pick_fee),
            amount(fulfilling.labor_cost_per_unit),
            "" if capacity is None else capacity,
            fulfilling.handling_days,
            fulfilling.return_handling,
        )


def _location(record: Record) -> Location:
    address = PostalAddress(
        country_code=record.country("country_code"),
        region=record.text("region", most=128),
        locality=record.text("locality", most=128),
        postal_code=record.text("postal_code", most=128),
        address_lines=record.several("address_lines", most=5, length=512),
    )
    place = record.place("latitude", "longitude")
    placed = record.raw("latitude") or record.raw("longitude")
    area = None
    if address.country_code == "US" and not (placed and record.raw("time_zone")):
        area = find_zip_area(address.postal_code)
    if not placed and area is None:
        record.refuse("latitude", "is missing, and no ZIP code says where the location is")
    elif not placed and area is not None:
        place = (area.latitude, area.longitude)
    time_zone = _time_zone(record, default=area.time_zone if area else "")
    return Location(
        location_id=record.identity("location_id"),
        name=record.required_text("name"),
        type=record.choice("type", LocationType),
        address=address,
        latitude=place[0] if place else 0.0,
        longitude=place[1] if place else 0.0,
        time_zone=time_zone,
        tags=record.several("tags", most=50),
    )


def _time_zone(record: Record, default: str) -> str:
    name = record.text("time_zone", most=64) or default
    if not name:
        record.refuse("time_zone", "is missing")
        return name
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        # A machine without any time zones cannot judge names.
        if zoneinfo.available_timezones():
            record.refuse("time_zone", "is not a known time zone such as America/Chicago")
    return name


def _fulfilling(record: Record) -> NetworkLocation:
    methods: tuple[FulfillmentMethod, ...] = ()
    if not record.raw("methods"):
        methods = (FulfillmentMethod.SHIP,)
    elif record.raw("methods") != _NO_METHODS:
        methods = record.choices("methods", FulfillmentMethod)
    limited = bool(record.raw("capacity_units_per_day"))
    return NetworkLocation(
        location_id=record.raw("location_id"),
        methods=methods,
        priority=record.whole("priority", most=1_000_000),
        pick_fee=record.money("pick_fee"),
        labor_cost_per_unit=record.money("labor_cost_per_unit"),
        capacity_units_per_day=(
            record.whole("capacity_units_per_day", most=_COUNT_MAX) if limited else None
        ),
        handling_days=record.whole("handling_days", most=365),
        return_handling=record.choice("returns", ReturnHandling),
    )
