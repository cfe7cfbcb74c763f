"""Where goods go back to: the cheapest location that takes them, and why."""

import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ordermesh.api.routing.v1 import (
    FindReturnLocationRequest,
    FindReturnLocationResponse,
    ReturnedUnits,
    ReturnHandling,
)
from ordermesh.kernel.money import from_decimal, from_units_and_nanos, to_decimal
from ordermesh.routing.domain.errors.policy import CurrencyMismatch
from ordermesh.routing.domain.errors.returning import NoReturnLocation
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.item import KnownLocation
from ordermesh.routing.domain.network import NetworkLocation
from ordermesh.routing.domain.network import ReturnHandling as Handling
from ordermesh.routing.domain.policy import illustrative_policy
from ordermesh.routing.domain.return_place import Choice, Parcelled, choose
from tests.dialects import on_sqlite
from tests.routing.house import House, entry, line, refused, usd

RESTOCK = ReturnHandling.RETURN_HANDLING_RESTOCK
KEEP_APART = ReturnHandling.RETURN_HANDLING_KEEP_APART

CUSTOMER = Place.from_degrees(41.88, -87.63)
NORTH = Place.from_degrees(43.0, -87.63)
FAR = Place.from_degrees(34.06, -117.65)
COSTS = illustrative_policy().costs
TWO_KILOGRAMS = Parcelled(((500, 4),))


def place(name: str, where: Place, *, is_disabled: bool = False) -> tuple[str, KnownLocation]:
    return name, KnownLocation(name, 1, "STORE", where, "America/Chicago", is_disabled)


def taking(name: str, handling: Handling = Handling.RESTOCK, **fields: Any) -> NetworkLocation:
    values = {
        "location_id": name,
        "methods": (),
        "priority": 0,
        "currency_code": "USD",
        "pick_fee": from_decimal("9.00"),
        "labor_cost_per_unit": from_decimal("0.50"),
        "handling_days": 3,
        "return_handling": handling,
        **fields,
    }
    return NetworkLocation(**values)


def chosen(*network: NetworkLocation, places: dict[str, KnownLocation], only: str = "") -> Choice:
    return choose("O-1", TWO_KILOGRAMS, CUSTOMER, network, places, COSTS, only=only)


def test_the_way_back_costs_carriage_and_labor_and_nothing_else() -> None:
    choice = chosen(taking("N"), places=dict([place("N", NORTH)]))

    assert choice.chosen.distance_km == 125
    # Zone 1: 6.20 a parcel, 0.30 a kilogram; four units at 0.50; 0.25 kg of CO2e for the parcel,
    # 0.06 g for each of its kilometres and 0.1 g for each kilogram and kilometre, 0.10 a kilogram.
    carbon = Decimal("0.10") * (250 + 125 * Decimal("0.06") + 125 * 2 * Decimal("0.1")) / 1000
    expected = Decimal("6.20") + 2 * Decimal("0.30") + 4 * Decimal("0.50") + carbon
    assert abs(to_decimal(choice.chosen.cost) - expected) <= Decimal("0.0001")
    assert (
        choice.reason
        == "N, 125 km away, costs 8.83 USD, and is the only location that takes the goods."
    )


@pytest.mark.parametrize("grams", [500, 20_000, 40_000])
def test_a_return_of_a_million_units_is_answered_at_once(grams: int) -> None:
    goods = Parcelled(tuple((grams + number, 1_000_000) for number in range(3)))
    costs = replace(COSTS, parcel_limit_grams=30_000)
    network = [taking(f"N-{number}") for number in range(20)]
    places = dict(place(f"N-{number}", NORTH) for number in range(20))
    began = time.monotonic()

    choice = choose("O-1", goods, CUSTOMER, network, places, costs)

    assert time.monotonic() - began < 1
    assert choice.chosen.location_id == "N-0"


def test_the_nearest_is_not_chosen_when_its_labor_is_dearer_than_the_longer_way() -> None:
    places = dict([place("N", NORTH), place("F", FAR)])

    choice = chosen(
        taking("N", labor_cost_per_unit=from_decimal("9.00")), taking("F"), places=places
    )

    assert choice.chosen.location_id == "F"
    assert [one.location_id for one in choice.others] == ["N"]
    assert "the least of 2 locations" in choice.reason
    assert "N costs" in choice.reason


def test_of_equal_cost_the_one_that_sells_the_goods_again_is_chosen() -> None:
    places = dict([place("A", NORTH), place("B", NORTH)])

    choice = chosen(taking("A", Handling.KEEP_APART), taking("B"), places=places)

    assert choice.chosen.location_id == "B"
    assert "A costs the same" in choice.reason


@pytest.mark.parametrize(
    "network",
    [
        (),
        (taking("N", Handling.NONE),),
        (taking("OFF"),),
        (taking("STRANGER"),),
    ],
)
def test_whoever_takes_nothing_back_or_is_switched_off_or_unknown_is_not_chosen(
    network: tuple[NetworkLocation, ...],
) -> None:
    places = dict([place("N", NORTH), place("OFF", NORTH, is_disabled=True)])

    with pytest.raises(NoReturnLocation) as refusal:
        chosen(*network, places=places)

    assert refusal.value.facts() == {"orderId": "O-1"}


def test_one_location_can_be_asked_about() -> None:
    places = dict([place("N", NORTH), place("F", FAR)])

    choice = chosen(taking("N"), taking("F", Handling.KEEP_APART), places=places, only="F")

    assert (choice.chosen.location_id, choice.chosen.handling) == ("F", Handling.KEEP_APART)
    assert choice.others == ()
    with pytest.raises(NoReturnLocation) as refusal:
        chosen(taking("N"), places=places, only="F")
    assert refusal.value.facts() == {"orderId": "O-1", "locationId": "F"}


def test_amounts_in_another_currency_are_not_compared() -> None:
    with pytest.raises(CurrencyMismatch):
        chosen(taking("N", currency_code="EUR"), places=dict([place("N", NORTH)]))


async def find(house: House, order_id: str = "O-1", **fields: Any) -> FindReturnLocationResponse:
    units = fields.pop("units", [ReturnedUnits(sku="MUG", quantity=2)])
    request = FindReturnLocationRequest(order_id=order_id, units=units, **fields)
    return await house.mesh.sourcing.FindReturnLocation(request)


@on_sqlite
async def test_the_service_answers_for_an_order_from_where_it_went(house: House) -> None:
    await house.stock({"MUG at WEST": 5})
    await house.network(
        entry("NEAR", return_handling=KEEP_APART),
        entry("WEST", return_handling=RESTOCK),
        entry("EAST"),
    )
    await house.submit("O-1", line("1", "MUG", 2))

    reply = await find(house)
    other = await find(house, location_id="WEST")

    assert (reply.chosen.location_id, reply.chosen.handling) == ("NEAR", KEEP_APART)
    assert [one.location_id for one in reply.others] == ["WEST"]
    assert (reply.policy_id, reply.policy_version) == ("default", 1)
    assert reply.chosen.cost.currency_code == "USD"
    paid = from_units_and_nanos(reply.chosen.cost.units, reply.chosen.cost.nanos)
    assert from_decimal("7.00") < paid < from_decimal("8.00")
    assert (other.chosen.location_id, other.chosen.handling) == ("WEST", RESTOCK)


@on_sqlite
async def test_what_cannot_be_answered_is_refused_with_the_facts(house: House) -> None:
    await house.stock({"MUG at WEST": 5})
    await house.submit("O-1", line("1", "MUG", 2))

    nobody = await refused(find(house))
    await house.network(entry("NEAR", return_handling=RESTOCK, labor_cost_per_unit=usd(1)))

    assert (nobody.reason, nobody.metadata) == ("NO_RETURN_LOCATION", {"orderId": "O-1"})
    unknown = await refused(find(house, "O-404"))
    assert (unknown.reason, unknown.metadata["orderId"]) == ("ORDER_NOT_FOUND", "O-404")
    strange = await refused(find(house, units=[ReturnedUnits(sku="UFO", quantity=1)]))
    assert (strange.reason, strange.metadata["sku"]) == ("UNKNOWN_SKU", "UFO")
    elsewhere = await refused(find(house, location_id="EAST"))
    assert elsewhere.metadata == {"orderId": "O-1", "locationId": "EAST"}
