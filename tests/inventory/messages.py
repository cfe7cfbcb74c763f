"""Parts of requests in short words: stock is written "MUG at A"."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from google.type.latlng_pb2 import LatLng

from ordermesh.api.inventory.v1 import (
    BlockedKind,
    BlockedStock,
    Control,
    ControlKind,
    Item,
    Kit,
    KitComponent,
    LineSelection,
    Location,
    ReservationShipment,
    ReserveLine,
)
from ordermesh.api.order.v1 import Disposition, StockKey

Wanted = Mapping[str, int] | Sequence[tuple[str, str, int]]
"""Quantities by place, or line id, place and quantity."""


Disposed = (
    tuple[str, int, Disposition.ValueType]
    | tuple[str, int, Disposition.ValueType, BlockedKind.ValueType]
)
"""Place, quantity, what becomes of it, and as what it is blocked."""


def key(place: str) -> StockKey:
    """From "MUG at A"."""
    sku, location_id = place.split(" at ")
    return StockKey(sku=sku, location_id=location_id)


def new_id() -> str:
    return str(uuid.uuid4())


def item(sku: str, components: Mapping[str, int] | None = None, **fields: Any) -> Item:
    kit = None
    if components:
        parts = [KitComponent(sku=name, quantity=count) for name, count in components.items()]
        kit = Kit(components=parts)
    return Item(**{"sku": sku, "unit": Item.UNIT_EACH, "kit": kit, **fields})


def location(location_id: str, **fields: Any) -> Location:
    return Location(
        **{
            "location_id": location_id,
            "type": Location.TYPE_STORE,
            "position": LatLng(latitude=41.9, longitude=-87.6),
            "time_zone": "America/Chicago",
            **fields,
        }
    )


def control(control_id: str, kind: str, value: int = 1, **fields: Any) -> Control:
    """A control of the kind with this name: ``control("no-toys", "exclude", channel="web")``."""
    number = ControlKind.Value(f"CONTROL_KIND_{kind.upper()}")
    return Control(control_id=control_id, kind=number, value=value, **fields)


def reserve_lines(wanted: Wanted) -> list[ReserveLine]:
    rows = (
        [
            (str(number), place, quantity)
            for number, (place, quantity) in enumerate(wanted.items(), 1)
        ]
        if isinstance(wanted, Mapping)
        else wanted
    )
    return [
        ReserveLine(line_id=line_id, key=key(place), quantity=quantity)
        for line_id, place, quantity in rows
    ]


def selection(
    line_id: str, quantity: int = 0, location_id: str = "", sku: str = ""
) -> LineSelection:
    return LineSelection(line_id=line_id, quantity=quantity, location_id=location_id, sku=sku)


def leaving(reservation_id: str, *lines: LineSelection, **fields: Any) -> ReservationShipment:
    """What leaves of a reservation, together with others."""
    return ReservationShipment(reservation_id=reservation_id, lines=lines, **fields)


def blocked_stock(units: Iterable[tuple[str, int, BlockedKind.ValueType]]) -> list[BlockedStock]:
    return [BlockedStock(key=key(place), quantity=count, kind=kind) for place, count, kind in units]
