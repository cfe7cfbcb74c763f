import pytest

from ordermesh.inventory.domain.belonging import (
    Side,
    refuse_foreign,
    refuse_foreign_supplies,
    refuse_unnamed,
)
from ordermesh.inventory.domain.errors.belonging import NotYourLocation
from ordermesh.inventory.domain.errors.requests import TooMuchAsked
from ordermesh.inventory.domain.key import Actor, StockKey
from tests.inventory.domain.test_supply import supply

ANYBODY = Actor("erp")
STORE = Actor("store-7", own_locations=frozenset({"A", "B"}))


def test_who_is_not_confined_speaks_for_every_location() -> None:
    refuse_foreign(ANYBODY, ["A", "Z"])
    refuse_unnamed(ANYBODY, [])
    for side in Side:
        refuse_foreign_supplies(ANYBODY, [supply(from_location_id="Z")], side)


def test_a_location_speaks_for_its_own_and_every_foreign_one_is_named() -> None:
    refuse_foreign(STORE, ["A", "B", "A"])
    refuse_foreign(STORE, [])

    with pytest.raises(NotYourLocation) as refusal:
        refuse_foreign(STORE, ["Z", "A", "Y"])
    assert refusal.value.rows == (
        {"locationId": "Y", "caller": "store-7"},
        {"locationId": "Z", "caller": "store-7"},
    )


def test_a_list_names_locations_of_its_callers_own() -> None:
    refuse_unnamed(STORE, ["A"])

    with pytest.raises(TooMuchAsked) as nothing:
        refuse_unnamed(STORE, [])
    assert nothing.value.facts() == {"limit": "1"}
    with pytest.raises(NotYourLocation):
        refuse_unnamed(STORE, ["A", "Z"])


@pytest.mark.parametrize(
    ("origin", "target", "own"),
    [
        ("A", "Z", {Side.FROM, Side.EITHER}),
        ("Z", "A", {Side.TO, Side.EITHER}),
        ("A", "B", {Side.FROM, Side.TO, Side.EITHER}),
        ("Y", "Z", set()),
    ],
)
def test_a_supply_belongs_to_where_it_comes_from_or_goes(
    origin: str, target: str, own: set[Side]
) -> None:
    one = supply(key=StockKey("MUG", target), from_location_id=origin)

    for side in Side:
        if side in own:
            refuse_foreign_supplies(STORE, [one], side)
        else:
            with pytest.raises(NotYourLocation) as refusal:
                refuse_foreign_supplies(STORE, [one], side)
            named = origin if side is Side.FROM else target
            assert refusal.value.facts() == {"locationId": named, "caller": "store-7"}
