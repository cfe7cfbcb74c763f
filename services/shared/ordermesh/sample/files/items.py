"""``items.csv``: what is kept in stock and sold, one item or kit a line."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ordermesh.sample.files.sheets import SEPARATOR, Column, Reading, Record, Sheet, amount, joined
from ordermesh.sample.nouns import Handling, Item, KitComponent, Size, Unit

COLUMNS = (
    Column("sku", "the id of the item, 1 to 128 printable characters, once", required=True),
    Column("name", "a name for people", required=True),
    Column("department", "where it belongs in the shop"),
    Column("unit", "EACH, GRAM, MILLIMETRE or MILLILITRE", default="EACH"),
    Column("weight_grams", "the weight of one unit, packed for sale", required=True),
    Column("length_millimetres", "the longest side; all three sides or none"),
    Column("width_millimetres", "the middle side"),
    Column("height_millimetres", "the shortest side"),
    Column("tags", "free words by which rules choose items, with semicolons between them"),
    Column("handling", "HAZARDOUS, CHILLED, FROZEN, OVERSIZE, FRAGILE, with semicolons"),
    Column("price", "what one unit usually costs the customer", required=True),
    Column("components", "for a kit its parts as SKU:QUANTITY, with semicolons between them"),
    Column("may_split", "yes when a kit can be shipped from several locations", default="no"),
)
_GRAMS_MAX = 1_000_000_000
_MILLIMETRES_MAX = 1_000_000_000
_COMPONENTS_MAX = 50
_COMPONENT_QUANTITY_MAX = 1_000_000
_SIDES = ("length_millimetres", "width_millimetres", "height_millimetres")


def read_items(path: Path) -> Reading[Item]:
    """The items of this file, kits last. A kit is made of items of the same file that are no kits.

    Raises ``OSError`` when the file cannot be read.
    """
    sheet = Sheet(path, COLUMNS)
    taken: dict[str, tuple[Record, Item]] = {}
    lines: dict[str, int] = {}
    for record in sheet.records():
        item = _item(record)
        first = lines.setdefault(item.sku, record.line)
        if item.sku and first != record.line:
            record.refuse("sku", f"is on line {first} already")
        if not record.is_refused:
            taken[item.sku] = (record, item)
    plain = {sku for sku, (_, item) in taken.items() if not item.components}
    for record, item in taken.values():
        for component in item.components:
            if component.sku not in plain:
                kind = "a kit" if component.sku in taken else "unknown or refused"
                record.refuse("components", f"names {component.sku}, which is {kind}")
    rows = [item for record, item in taken.values() if not record.is_refused]
    return sheet.reading(sorted(rows, key=lambda item: bool(item.components)))


def item_cells(items: Iterable[Item]) -> Iterator[tuple[object, ...]]:
    """The cells of each item, in the order of ``COLUMNS``.

    Raises ``ValueError`` where the file has no words for it: a tag or a component with a semicolon.
    """
    for item in items:
        sides = (
            ("", "", "")
            if item.size is None
            else (
                item.size.length_millimetres,
                item.size.width_millimetres,
                item.size.height_millimetres,
            )
        )
        yield (
            item.sku,
            item.name,
            item.department,
            item.unit,
            item.weight_grams,
            *sides,
            joined(item.tags),
            joined(item.handling),
            amount(item.price),
            joined(f"{part.sku}:{part.quantity}" for part in item.components),
            "yes" if item.may_split else "no",
        )


def _item(record: Record) -> Item:
    return Item(
        sku=record.identity("sku"),
        name=record.required_text("name"),
        department=record.text("department"),
        unit=record.choice("unit", Unit),
        weight_grams=record.whole("weight_grams", most=_GRAMS_MAX),
        size=_size(record),
        tags=record.several("tags", most=50),
        handling=record.choices("handling", Handling),
        price=record.money("price"),
        components=_components(record),
        may_split=record.yes("may_split"),
    )


def _size(record: Record) -> Size | None:
    if not any(record.raw(side) for side in _SIDES):
        return None
    length, width, height = (record.whole(side, most=_MILLIMETRES_MAX) for side in _SIDES)
    return Size(length, width, height)


def _components(record: Record) -> tuple[KitComponent, ...]:
    parts = record.several("components", most=_COMPONENTS_MAX, length=160)
    found: dict[str, KitComponent] = {}
    for part in dict.fromkeys(parts):
        # The id of an item may hold a colon itself; the quantity may not.
        sku, _, digits = part.rpartition(":")
        sku, digits = sku.strip(), digits.strip()
        usable = digits.isascii() and digits.isdigit() and len(digits) <= 7
        if not sku or not usable or not 1 <= int(digits) <= _COMPONENT_QUANTITY_MAX:
            record.refuse(
                "components",
                f"is not SKU:QUANTITY{SEPARATOR}SKU:QUANTITY with quantities from 1 to"
                f" {_COMPONENT_QUANTITY_MAX}",
            )
            break
        if sku in found:
            record.refuse("components", f"names {sku} twice")
        found[sku] = KitComponent(sku, int(digits))
    return tuple(found.values())
