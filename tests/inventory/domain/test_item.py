import pytest

from ordermesh.inventory.domain.errors.catalog import KitInKit
from ordermesh.inventory.domain.errors.requests import DuplicateEntry, TooMuchAsked
from ordermesh.inventory.domain.item import Catalog, Item, Unit, put, refuse_repeated
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.kit import (
    Component,
    Kit,
    Wanted,
    available_kits,
    exploded,
)
from ordermesh.inventory.domain.location import Location, LocationType, refuse_impossible

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


@pytest.mark.parametrize(
    ("pots", "cups", "kits"), [(5, 7, 3), (1, 7, 1), (0, 7, 0), (5, 1, 0), (5, None, 0)]
)
def test_a_kit_is_available_as_often_as_its_scarcest_component(
    pots: int, cups: int | None, kits: int
) -> None:
    available = {"POT": pots} | ({} if cups is None else {"CUP": cups})

    assert available_kits(Kit((Component("POT", 1), Component("CUP", 2))), available) == kits


@pytest.mark.parametrize(("latitude", "longitude"), [(90, 180), (-90, -180), (0, 0), (41.9, -87.6)])
def test_every_place_on_earth_is_let_in(latitude: float, longitude: float) -> None:
    place = Location("A", LocationType.STORE, latitude, longitude, "UTC")

    refuse_impossible([place], {"UTC"})
