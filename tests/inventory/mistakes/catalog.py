"""Mistakes with items and locations."""

from collections.abc import Callable
from typing import Any

from ordermesh.api.inventory.v1 import Item, Kit, KitComponent, PutItemsRequest
from tests.inventory.messages import item, location
from tests.inventory.mistakes.table import (
    INVALID,
    NOT_FOUND,
    REFUSED,
    VIOLATION,
    Table,
    put,
)


def put_items(row: Table) -> None:
    m = "ItemService.PutItems"
    row(m, "no items", lambda r: r.ClearField("items"), INVALID, VIOLATION)
    row(m, "no sku", lambda r: r.items[0].ClearField("sku"), INVALID, VIOLATION)
    row(m, "no unit", lambda r: r.items[0].ClearField("unit"), INVALID, VIOLATION)
    row(m, "negative weight", lambda r: put("weight_grams", -1)(r.items[0]), INVALID, VIOLATION)
    row(m, "tag twice", lambda r: r.items[0].tags.extend(["red", "red"]), INVALID, VIOLATION)
    row(m, "empty kit", lambda r: r.items[2].kit.CopyFrom(Kit()), INVALID, VIOLATION)
    row(m, "no units in kit", lambda r: part(r).ClearField("quantity"), INVALID, VIOLATION)
    row(
        m,
        "item twice",
        lambda r: r.items.append(item("NEW")),
        INVALID,
        "DUPLICATE_ENTRY",
        field="items[3].sku",
        value="NEW",
    )
    row(
        m,
        "component twice",
        lambda r: r.items[1].kit.components.append(part(r)),
        INVALID,
        "DUPLICATE_ENTRY",
        field="items[1].kit.components[2].sku",
        value="MUG",
    )
    row(
        m,
        "unknown component",
        lambda r: put("sku", "NOBODY")(part(r)),
        NOT_FOUND,
        "UNKNOWN_SKU",
        sku="NOBODY",
    )
    row(
        m,
        "kit in kit",
        lambda r: put("sku", "BOX")(part(r)),
        INVALID,
        "KIT_IN_KIT",
        sku="SET",
        componentSku="BOX",
    )
    row(
        m,
        "kit of itself",
        lambda r: put("sku", "SET")(part(r)),
        INVALID,
        "KIT_IN_KIT",
        sku="SET",
        componentSku="SET",
    )
    row(
        m, "component becomes a kit", lambda r: become_kit(r.items[0], "CUP"), INVALID, "KIT_IN_KIT"
    )
    row(
        m,
        "unit changes",
        lambda r: put("unit", Item.UNIT_GRAM)(r.items[0]),
        REFUSED,
        "UNIT_CHANGED",
        sku="MUG",
        unit="EACH",
        wanted="GRAM",
    )
    row(
        m,
        "stock becomes a kit",
        lambda r: r.items.append(item("CUP", {"NEW": 1})),
        INVALID,
        "KIT_IN_KIT",
    )
    row(
        m,
        "item with stock becomes a kit",
        lambda r: r.items.append(item("JAR", {"NEW": 1})),
        REFUSED,
        "KIT_WITH_STOCK",
        sku="JAR",
    )


def put_locations(row: Table) -> None:
    m = "LocationService.PutLocations"
    row(m, "no locations", lambda r: r.ClearField("locations"), INVALID, VIOLATION)
    row(m, "no id", lambda r: r.locations[0].ClearField("location_id"), INVALID, VIOLATION)
    row(m, "no type", lambda r: r.locations[0].ClearField("type"), INVALID, VIOLATION)
    row(m, "no position", lambda r: r.locations[0].ClearField("position"), INVALID, VIOLATION)
    row(m, "no time zone", lambda r: r.locations[0].ClearField("time_zone"), INVALID, VIOLATION)
    row(m, "type of tomorrow", lambda r: put("type", 99)(r.locations[0]), INVALID, VIOLATION)
    row(
        m,
        "location twice",
        lambda r: r.locations.append(location("E")),
        INVALID,
        "DUPLICATE_ENTRY",
        field="locations[2].location_id",
        value="E",
    )
    row(
        m,
        "unknown time zone",
        lambda r: put("time_zone", "Moon/Base")(r.locations[1]),
        INVALID,
        "INVALID_TIME_ZONE",
        locationId="E",
        timeZone="Moon/Base",
    )
    for name, value in (("latitude", 90.5), ("longitude", -181.0), ("latitude", float("nan"))):
        row(
            m, f"{name} {value}", position(name, value), INVALID, "INVALID_POSITION", locationId="E"
        )


def part(request: PutItemsRequest) -> KitComponent:
    return request.items[1].kit.components[0]


def become_kit(one: Item, component: str) -> None:
    one.kit.components.append(KitComponent(sku=component, quantity=1))


def position(name: str, value: float) -> Callable[[Any], object]:
    return lambda request: setattr(request.locations[1].position, name, value)
