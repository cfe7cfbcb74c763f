"""Items: what is kept in stock and sold."""

import enum
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ordermesh.inventory.domain.errors.catalog import (
    KitInKit,
    KitWithStock,
    UnitChanged,
    UnknownSku,
)
from ordermesh.inventory.domain.errors.requests import DuplicateEntry
from ordermesh.inventory.domain.kit import Kit
from ordermesh.inventory.domain.mode import ReservationMode


class Unit(enum.IntEnum):
    """What one of an item is; the numbers are the contract's."""

    EACH = 1
    GRAM = 2
    MILLIMETRE = 3
    MILLILITRE = 4


class Handling(enum.IntEnum):
    """Care that an item needs; the numbers are the contract's."""

    HAZARDOUS = 1
    CHILLED = 2
    FROZEN = 3
    OVERSIZE = 4
    FRAGILE = 5


@dataclass(frozen=True)
class Size:
    """Outer size of one unit, in millimetres, the longest side first."""

    length: int
    width: int
    height: int


@dataclass(frozen=True)
class Value:
    """What one unit is worth: whole units and 1e-9 parts of a currency of ISO 4217."""

    currency_code: str
    units: int
    nanos: int


@dataclass(frozen=True)
class ExternalReference:
    """What another system calls a thing."""

    system: str
    id: str


@dataclass(frozen=True)
class Item:
    """A SKU, or a kit made of several. The revision is 0 until the change was stamped."""

    sku: str
    unit: Unit
    name: str = ""
    weight_grams: int = 0
    size: Size | None = None
    tags: tuple[str, ...] = ()
    handling: tuple[Handling, ...] = ()
    value: Value | None = None
    kit: Kit | None = None
    is_unsellable: bool = False
    reservation_mode: ReservationMode = ReservationMode.UNSAID
    is_promised_on_supply: bool = False
    markdown_time: datetime | None = None
    keep_together: bool = False
    external_references: tuple[ExternalReference, ...] = ()
    revision: int = field(default=0, compare=False)
    create_time: datetime | None = field(default=None, compare=False)
    update_time: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Catalog:
    """What is stored of the items that a request names.

    ``items`` by SKU, components included; ``latest_version`` is the highest version of a
    composition that each SKU ever had; ``kits_of`` names, for each SKU, the kits that it is part
    of; ``with_stock`` are the SKUs of which anything is in stock or promised.
    """

    items: Mapping[str, Item]
    latest_version: Mapping[str, int]
    kits_of: Mapping[str, Collection[str]]
    with_stock: Collection[str]


def component_skus(items: Iterable[Item]) -> set[str]:
    """The SKUs that the kits among the items are made of."""
    return {part.sku for item in items if item.kit for part in item.kit.components}


def refuse_repeated(items: Sequence[Item]) -> None:
    """Raise ``DuplicateEntry`` for a SKU that is put twice, or a component that is named twice."""
    seen: set[str] = set()
    for number, item in enumerate(items):
        if item.sku in seen:
            raise DuplicateEntry(f"items[{number}].sku", item.sku)
        seen.add(item.sku)
        parts: set[str] = set()
        for place, part in enumerate(item.kit.components if item.kit else ()):
            if part.sku in parts:
                raise DuplicateEntry(f"items[{number}].kit.components[{place}].sku", part.sku)
            parts.add(part.sku)


def becoming_kits(items: Sequence[Item], stored: Mapping[str, Item]) -> set[str]:
    """The stored SKUs that are no kit and would become one."""
    return {
        item.sku
        for item in items
        if item.kit and item.sku in stored and stored[item.sku].kit is None
    }


def put(items: Sequence[Item], catalog: Catalog) -> list[Item]:
    """The items that differ from what is stored, as they are to be stored.

    A kit whose composition changed gets the next version. Raises ``UnknownSku`` with every unknown
    component, ``KitInKit``, ``UnitChanged``, ``KitWithStock``.
    """
    asked = {item.sku: item for item in items}
    unknown = component_skus(items) - asked.keys() - catalog.items.keys()
    if unknown:
        raise UnknownSku(unknown)
    for item in items:
        _refuse_nested(item, asked, catalog)
    changed: list[Item] = []
    for item in items:
        stored = catalog.items.get(item.sku)
        if stored is not None and stored.unit != item.unit:
            raise UnitChanged(item.sku, stored.unit.name, item.unit.name)
        if item.kit and item.sku in catalog.with_stock:
            raise KitWithStock(item.sku)
        versioned = _versioned(item, stored, catalog.latest_version.get(item.sku, 0))
        if versioned != stored:
            changed.append(versioned)
    return changed


def _refuse_nested(item: Item, asked: Mapping[str, Item], catalog: Catalog) -> None:
    if item.kit is None:
        return
    for part in item.kit.components:
        component = asked.get(part.sku) or catalog.items[part.sku]
        if component.kit is not None:
            raise KitInKit(item.sku, part.sku)
    for outer in catalog.kits_of.get(item.sku, ()):
        replaced = asked.get(outer)
        if replaced is None or item.sku in component_skus([replaced]):
            raise KitInKit(outer, item.sku)


def _versioned(item: Item, stored: Item | None, latest_version: int) -> Item:
    if item.kit is None:
        return item
    if stored is not None and stored.kit and stored.kit.components == item.kit.components:
        version = stored.kit.version
    else:
        version = latest_version + 1
    return replace(item, kit=replace(item.kit, version=version))
