from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ordermesh.inventory.domain.errors.catalog import (
    KitInKit,
    KitWithStock,
    UnitChanged,
    UnknownSku,
)
from ordermesh.inventory.domain.errors.requests import DuplicateEntry, TooMuchAsked
from ordermesh.inventory.domain.item import Catalog, Item, Unit, becoming_kits, put, refuse_repeated
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.kit import (
    Component,
    Kit,
    Wanted,
    exploded,
)

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
POT, CUP = Item("POT", Unit.EACH), Item("CUP", Unit.EACH)


def kit(sku: str, **parts: int) -> Item:
    components = tuple(Component(name, count) for name, count in parts.items())
    return Item(sku, Unit.EACH, kit=Kit(components))


def catalog(*items: Item, **more: object) -> Catalog:
    fields = {"latest_version": {}, "kits_of": {}, "with_stock": set(), **more}
    return Catalog(items={item.sku: item for item in items}, **fields)  # type: ignore[arg-type]  # by name


def test_only_what_differs_is_put() -> None:
    assert put([POT, CUP], catalog(POT)) == [CUP]


def test_a_component_may_come_in_the_same_request() -> None:
    (made, _) = put([kit("SET", POT=1), POT], catalog())

    assert made.kit is not None
    assert made.kit.version == 1


def test_a_kit_that_was_dropped_and_comes_again_does_not_reuse_a_version() -> None:
    (made,) = put(
        [kit("SET", POT=1)], catalog(POT, Item("SET", Unit.EACH), latest_version={"SET": 4})
    )

    assert made.kit is not None
    assert made.kit.version == 5


def test_kits_are_refused_in_both_directions() -> None:
    with pytest.raises(KitInKit):
        put([kit("BOX", SET=1)], catalog(POT, kit("SET", POT=1)))
    with pytest.raises(KitInKit):
        put([kit("POT", CUP=1)], catalog(POT, CUP, kits_of={"POT": ["SET"]}))
    # The outer kit gives it up in the same request.
    put([kit("POT", CUP=1), kit("SET", CUP=1)], catalog(POT, CUP, kits_of={"POT": ["SET"]}))


def test_a_sku_and_a_component_are_named_once() -> None:
    with pytest.raises(DuplicateEntry):
        refuse_repeated([POT, CUP, POT])
    with pytest.raises(DuplicateEntry):
        refuse_repeated([Item("SET", Unit.EACH, kit=Kit((Component("POT", 1),) * 2))])


def test_a_kit_is_taken_apart_at_its_location() -> None:
    kits = {"SET": Kit((Component("POT", 1), Component("CUP", 2)))}
    wanted = [Wanted("1", StockKey("SET", "A"), 3), Wanted("2", StockKey("CUP", "B"), 1)]

    assert exploded(wanted, kits) == (
        Wanted("1", StockKey("POT", "A"), 3, "SET", 1),
        Wanted("1", StockKey("CUP", "A"), 6, "SET", 2),
        Wanted("2", StockKey("CUP", "B"), 1),
    )


def test_more_lines_than_an_answer_can_carry_are_refused() -> None:
    large = Kit(tuple(Component(f"PART-{number}", 1) for number in range(50)))
    wanted = [Wanted(str(number), StockKey("CASE", "A"), 1) for number in range(101)]

    assert len(exploded(wanted[:100], {"CASE": large})) == 5_000
    with pytest.raises(TooMuchAsked):
        exploded(wanted, {"CASE": large})


def test_what_is_named_twice_is_told_with_its_place() -> None:
    refuse_repeated([POT, CUP, kit("SET", POT=1, CUP=1)])

    with pytest.raises(DuplicateEntry) as item:
        refuse_repeated([POT, CUP, POT])
    assert item.value.facts() == {"field": "items[2].sku", "value": "POT"}
    twice = Item("SET", Unit.EACH, kit=Kit((Component("POT", 1), Component("CUP", 1)) * 2))
    with pytest.raises(DuplicateEntry) as component:
        refuse_repeated([POT, twice])
    assert component.value.facts() == {"field": "items[1].kit.components[2].sku", "value": "POT"}


def test_only_stored_items_that_are_no_kit_become_kits() -> None:
    stored = {"A": Item("A", Unit.EACH), "B": kit("B", POT=1), "POT": POT}
    items = [kit("A", POT=1), kit("B", POT=2), kit("C", POT=1), POT]

    assert becoming_kits(items, stored) == {"A"}


def test_every_component_that_nobody_knows_is_named() -> None:
    with pytest.raises(UnknownSku) as refusal:
        put([kit("SET", POT=1, CUP=2, JAR=1), kit("BOX", CAN=1)], catalog(POT))

    assert refusal.value.rows == ({"sku": "CAN"}, {"sku": "CUP"}, {"sku": "JAR"})


def test_the_unit_of_an_item_never_changes() -> None:
    with pytest.raises(UnitChanged) as refusal:
        put([Item("TEA", Unit.GRAM)], catalog(Item("TEA", Unit.EACH)))

    assert refusal.value.facts() == {"sku": "TEA", "unit": "EACH", "wanted": "GRAM"}


def test_what_has_stock_becomes_no_kit_and_its_parts_may_have_stock() -> None:
    with pytest.raises(KitWithStock) as refusal:
        put([kit("SET", POT=1)], catalog(POT, Item("SET", Unit.EACH), with_stock={"SET"}))
    assert refusal.value.facts() == {"sku": "SET"}

    assert put([kit("SET", POT=1)], catalog(POT, with_stock={"POT"}))
    assert put([CUP], catalog(with_stock={"CUP"})) == [CUP]


def test_a_kit_of_the_same_parts_keeps_its_version_and_another_one_gets_the_next() -> None:
    stored = replace(kit("SET", POT=1), kit=Kit((Component("POT", 1),), version=3))

    assert put([kit("SET", POT=1)], catalog(POT, stored, latest_version={"SET": 3})) == []
    (named,) = put(
        [replace(kit("SET", POT=1), name="Set")], catalog(POT, stored, latest_version={"SET": 3})
    )
    (other,) = put([kit("SET", POT=2)], catalog(POT, stored, latest_version={"SET": 3}))

    assert named.kit is not None
    assert other.kit is not None
    assert (named.kit.version, other.kit.version) == (3, 4)


def test_a_kit_in_a_kit_is_named_with_the_kit_around_it() -> None:
    with pytest.raises(KitInKit) as inner:
        put([kit("BOX", POT=1, SET=1)], catalog(POT, kit("SET", POT=1)))
    assert inner.value.facts() == {"sku": "BOX", "componentSku": "SET"}
    with pytest.raises(KitInKit) as asked:
        put([kit("BOX", SET=1), kit("SET", POT=1)], catalog(POT))
    assert asked.value.facts() == {"sku": "BOX", "componentSku": "SET"}
    with pytest.raises(KitInKit) as outer:
        put([kit("POT", CUP=1)], catalog(POT, CUP, kits_of={"POT": ["SET"]}))
    assert outer.value.facts() == {"sku": "SET", "componentSku": "POT"}
    with pytest.raises(KitInKit):
        put([kit("POT", CUP=1), kit("SET", CUP=1, POT=1)], catalog(CUP, kits_of={"POT": ["SET"]}))
    # Of a kit that is asked for as a plain item a component may become one.
    put([Item("SET", Unit.EACH), kit("POT", CUP=1)], catalog(CUP, POT, kits_of={"POT": ["SET"]}))
    # What is asked for counts, and not what is stored of it.
    put([kit("BOX", SET=1), Item("SET", Unit.EACH)], catalog(POT, kit("SET", POT=1)))


def test_what_the_system_stamps_makes_no_difference() -> None:
    stamped = replace(POT, revision=7, create_time=NOON, update_time=NOON)

    assert put([POT], catalog(stamped)) == []
