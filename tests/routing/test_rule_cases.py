"""Acceptance cases of sourcing that are about rules, sorts and limits, by their numbers."""

import pytest

from ordermesh.api.order.v1 import FulfillmentMethod
from ordermesh.api.routing import v1
from tests.routing.house import House, entry, item, line, new_id, usd
from tests.routing.policing import asked, number, removed_by, rule, save, sent, text
from tests.routing.test_policies import tier

BY_PREFERENCE = [tier("UNFILLED_UNITS"), tier("COST_PREFERENCE"), tier("UNITS_BY_RANK")]
"""What rules prefer first, then the network's own order."""


@pytest.fixture
async def mugs(house: House) -> House:
    await house.items("MUG")
    return house


async def ranked(house: House, *places: str) -> list[str]:
    """The locations in the order in which they are chosen, each in turn without those before."""
    found: list[str] = []
    left = list(places)
    while left:
        decision = await asked(house, {"MUG": 1}, {place: {"MUG": 9} for place in left})
        (first,) = sent(decision)
        found.append(first)
        left.remove(first)
    return found


async def put(house: House, *facts: v1.PlaceFact) -> None:
    await house.mesh.policies.PutFacts(v1.PutFactsRequest(request_id=new_id(), facts=facts))


async def test_src_16_four_of_one_product_leave_from_two_places_within_one_line(
    mugs: House,
) -> None:
    decision = await asked(mugs, {"MUG": 4}, {"NEAR": {"MUG": 3}, "EAST": {"MUG": 1}})

    assert sent(decision) == {"NEAR": {"MUG": 3}, "EAST": {"MUG": 1}}
    lines = {one.line_id for shipment in decision.plan.shipments for one in shipment.lines}
    assert lines == {"MUG"}


async def boxed(house: House, wanted: dict[str, int]) -> list[int]:
    """The weights of the parcels, none above 15,000 g unless a unit is."""
    penalty = v1.UnfilledPenalty(fixed=usd(90), per_unit=usd(9), per_kilogram=usd(9))
    await save(house, parcel_weight_grams_max=15_000, unfilled_penalty=penalty)
    decision = await asked(house, wanted, {"NEAR": wanted})
    (shipment,) = decision.plan.shipments
    return [parcel.weight_grams for parcel in shipment.parcels]


async def test_src_18_heavy_units_are_paired_with_light_ones(house: House) -> None:
    await house.items(item("ANVIL", weight_grams=10_000), item("HAMMER", weight_grams=4_900))

    assert await boxed(house, {"ANVIL": 4, "HAMMER": 4}) == [14_900] * 4


async def test_src_19_a_unit_above_the_limit_is_a_parcel_of_its_own(house: House) -> None:
    await house.items(item("SAFE", weight_grams=20_000))

    assert await boxed(house, {"SAFE": 3}) == [20_000] * 3


async def test_src_21_ties_go_to_the_next_rule(mugs: House) -> None:
    pickups = v1.NumberFact.NUMBER_FACT_LOCATION_PICKUPS_LEFT
    on_hand = v1.NumberFact.NUMBER_FACT_STOCK_ON_HAND
    stock = {"NEAR": (1, 4), "EAST": (1, 9), "SOUTH": (0, 50)}
    for place, (left, units) in stock.items():
        await put(
            mugs,
            v1.PlaceFact(location_id=place, number=pickups, value=left),
            v1.PlaceFact(location_id=place, sku="MUG", number=on_hand, value=units),
        )
    fullest = v1.Scale(fact=on_hand, nothing_at=0, all_at=100)
    await save(
        mugs,
        tiers=BY_PREFERENCE,
        rules=[
            rule(
                "hand-over",
                number("LOCATION_PICKUPS_LEFT", at_most=0),
                charge=v1.Charge(per_unit=usd(5)),
            ),
            rule("fullest", charge=v1.Charge(per_unit=usd(-1), scale=fullest)),
        ],
    )

    assert await ranked(mugs, "NEAR", "EAST", "SOUTH") == ["EAST", "NEAR", "SOUTH"]


async def test_src_22_a_rule_that_says_the_same_of_everyone_leaves_the_order(mugs: House) -> None:
    same = rule("same", charge=v1.Charge(per_unit=usd(1)))
    await save(mugs, tiers=BY_PREFERENCE, rules=[same])

    assert await ranked(mugs, "WEST", "EAST", "NEAR") == ["NEAR", "EAST", "WEST"]


async def test_src_23_safety_stock_for_sourcing_is_kept_and_is_the_reason(mugs: House) -> None:
    keep = rule("safety", number("STOCK_AVAILABLE", at_most=2), name="Safety stock 2 is kept")
    await save(mugs, rules=[keep])

    decision = await asked(mugs, {"MUG": 1}, {"NEAR": {"MUG": 2}, "WEST": {"MUG": 3}})

    assert sent(decision) == {"WEST": {"MUG": 1}}
    (gone,) = [one for one in decision.candidates if one.location_id == "NEAR"]
    assert gone.fact == "Safety stock 2 is kept: available is 2"


async def test_src_24_a_daily_order_limit_closes_and_what_is_left_ranks(house: House) -> None:
    def limited(place: str, orders: int, rank: int) -> v1.NetworkLocation:
        capacity = v1.Capacity(
            capacity_id="orders", unit=v1.CapacityUnit.CAPACITY_UNIT_ORDERS, limit=orders
        )
        return entry(place, priority=rank, capacities=[capacity])

    await house.network(limited("NEAR", 1, 1), limited("EAST", 3, 2), limited("SOUTH", 7, 3))
    await house.stock({"MUG at NEAR": 1})
    taken = await house.submit("O-1", line("1", "MUG"))
    left = v1.Scale(fact=v1.NumberFact.NUMBER_FACT_LOCATION_ORDERS_LEFT, nothing_at=0, all_at=100)
    room = rule("room", charge=v1.Charge(per_unit=usd(-5), scale=left))
    await save(house, tiers=BY_PREFERENCE, rules=[room])
    stock = {place: {"MUG": 5} for place in ("NEAR", "EAST", "SOUTH")}

    decision = await asked(house, {"MUG": 1}, stock)

    assert sent(taken.decision) == {"NEAR": {"MUG": 1}}
    assert removed_by(decision)["NEAR"] == "NO_CAPACITY"
    assert sent(decision) == {"SOUTH": {"MUG": 1}}


async def test_a_location_that_cannot_ship_is_none_for_any_rule(mugs: House) -> None:
    pickup = FulfillmentMethod.FULFILLMENT_METHOD_PICK_UP
    await mugs.network(entry("NEAR", methods=[pickup]))
    pull = rule("pull", text("LOCATION_ID", "NEAR"), charge=v1.Charge(per_unit=usd(-50)))
    await save(mugs, rules=[pull])

    decision = await asked(mugs, {"MUG": 1}, {"NEAR": {"MUG": 1}, "WEST": {"MUG": 1}})

    assert sent(decision) == {"WEST": {"MUG": 1}}
