"""Cells that only files of carriage have: areas, decimals, pairs, services."""

import re
from decimal import Decimal
from typing import NewType

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from ordermesh.api.routing.v1 import Area, ServiceName, ZoneTransit
from ordermesh.kernel.money import to_units_and_nanos
from ordermesh.sample.files.sheets import SEPARATOR, Record

Scaled = NewType("Scaled", int)
"""A decimal number times a power of ten."""

_AREA = re.compile(r"([A-Z]{2})(?:/(?P<region>[^:/]+)|:(?P<prefix>[A-Za-z0-9 -]+))?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_PAIR = re.compile(r"([0-9]{1,4}):([0-9]{1,4})")
_DECIMAL = re.compile(r"[0-9]{1,12}(?:\.([0-9]{1,12}))?")

EVERYWHERE = "*"


def area(record: Record, column: str, text: str) -> Area:
    """A part of the map: NL, NL/NH or NL:10."""
    found = _AREA.fullmatch(text)
    if found is None:
        record.refuse(column, "is not an area such as NL, NL/NH or NL:10")
        return Area()
    return Area(
        country_code=found[1],
        region=found["region"] or "",
        postal_prefix=found["prefix"] or "",
    )


def areas(record: Record, column: str) -> list[Area]:
    """Areas with semicolons between them; ``*`` is everywhere."""
    parts = record.several(column, most=10_000)
    return [Area() if one == EVERYWHERE else area(record, column, one) for one in parts]


def optional_area(record: Record, column: str) -> Area | None:
    """An area, or nothing where the cell is empty."""
    return area(record, column, record.raw(column)) if record.raw(column) else None


def services(record: Record, column: str) -> list[ServiceName]:
    """CARRIER/SERVICE with semicolons between them."""
    names = []
    for part in record.several(column, most=100, length=257):
        carrier_id, slash, service_id = part.partition("/")
        if not (carrier_id and slash and service_id):
            record.refuse(column, "is not CARRIER/SERVICE")
        names.append(ServiceName(carrier_id=carrier_id, service_id=service_id))
    return names


def currency(record: Record, column: str) -> str:
    """A currency by its three capital letters."""
    if not _CURRENCY.fullmatch(record.raw(column)):
        record.refuse(column, "is not a currency code such as EUR")
    return record.raw(column)


def scaled(record: Record, column: str, places: int) -> Scaled:
    """A number, 0 or more, with up to so many decimals, times that power of ten."""
    found = _DECIMAL.fullmatch(record.raw(column))
    if found is None:
        record.refuse(column, f"is not a number such as 12.5, with up to {places} decimals")
        return Scaled(0)
    if len(found[1] or "") > places:
        record.refuse(column, f"has more than {places} decimals")
    return Scaled(int(Decimal(record.raw(column)).scaleb(places)))


def outcomes(record: Record, column: str) -> list[ZoneTransit.Outcome]:
    """How often it takes how long: 1:700;2:300."""
    found = []
    for part in filter(None, (one.strip() for one in record.raw(column).split(SEPARATOR))):
        pair = _PAIR.fullmatch(part)
        if pair is None:
            record.refuse(column, "is not a list such as 1:700;2:300")
        else:
            outcome = ZoneTransit.Outcome(amount=int(pair[1]), per_mille=int(pair[2]))
            found.append(outcome)
    if found and sum(one.per_mille for one in found) != 1000:
        record.refuse(column, "does not add up to 1000")
    return found


def moment(record: Record, column: str) -> Timestamp:
    """An instant as a message."""
    made = Timestamp()
    made.FromDatetime(record.instant(column))
    return made


def money(record: Record, column: str, currency_code: str) -> Money:
    """An amount of a currency."""
    units, nanos = to_units_and_nanos(record.money(column))
    return Money(currency_code=currency_code, units=units, nanos=nanos)


def numbers(record: Record, column: str) -> list[int]:
    """Whole numbers with semicolons between them."""
    parts = record.several(column, most=1_000)
    if not all(part.isascii() and part.isdigit() and len(part) <= 6 for part in parts):
        record.refuse(column, "is not a list of whole numbers such as 7;8")
        return []
    return [int(part) for part in parts]


def amount(value: int, currency_code: str) -> Money:
    """An amount of a currency, given in 1e-4 of it."""
    units, nanos = to_units_and_nanos(value)
    return Money(currency_code=currency_code, units=units, nanos=nanos)
