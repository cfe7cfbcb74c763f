"""Orders that are sourced over lanes: which service takes each parcel, by which prices, and why."""

from typing import Any

import pytest
from google.type.latlng_pb2 import LatLng

from ordermesh.api.inventory.v1 import Item, Size
from ordermesh.api.order.v1 import Destination, FulfillmentMethod
from ordermesh.api.routing import v1
from tests.routing.freight import (
    card,
    carrier,
    eur,
    exchange,
    factor,
    lane,
    moment,
    name,
    put,
    rates,
    row,
    service,
    transit,
    zones,
)
from tests.routing.house import House, entry, item, line
from tests.routing.policing import rule, save

MUGS_PER_KG = 2
"""An item of the house weighs 500 g."""

KIND = v1.CostTerm.Kind
SURCHARGE = v1.RateCard.Surcharge

SHIP = FulfillmentMethod.FULFILLMENT_METHOD_SHIP
PICK_UP = FulfillmentMethod.FULFILLMENT_METHOD_PICK_UP


def freight(decision: v1.Decision) -> float:
    (term,) = [one for one in decision.cost_terms if one.kind == KIND.KIND_FREIGHT]
    return term.amount.units + term.amount.nanos / 1e9


def parcels(decision: v1.Decision) -> list[v1.PlannedParcel]:
    return [parcel for shipment in decision.plan.shipments for parcel in shipment.parcels]


def fate(decision: v1.Decision, location_id: str) -> tuple[str, str]:
    (one,) = [each for each in decision.candidates if each.location_id == location_id]
    return one.removed_by, one.fact


async def decided(house: House, *lines: v1.NewOrderLine, **fields: Any) -> v1.Decision:
    """The decision for an order, which nobody keeps."""
    question = v1.SourcingQuestion(
        lines=[
            v1.SourcingLine(line_id=one.line_id, sku=one.sku, quantity=one.quantity)
            for one in lines or (line("1", "MUG", 2),)
        ],
        destination=fields.pop(
            "destination", Destination(country_code="US", region="IL", postal_code="60601")
        ),
        promise_days=fields.pop("promise_days", 0),
    )
    reply = await house.source("", question=question, **fields)
    return reply.decision


async def test_a_location_whose_lanes_lead_elsewhere_is_out_of_reach_and_says_so(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 9})
    await put(
        house,
        zones(),
        carrier(),
        card(),
        lane("L", "NEAR", destinations=[v1.Area(country_code="US", postal_prefix="7")]),
    )

    decision = await decided(house)

    assert fate(decision, "NEAR") == ("OUT_OF_REACH", "none of its lanes leads there")
    assert [one.unfilled for one in decision.unfilled_lines] == [2]


@pytest.mark.parametrize(
    ("entry", "fact"),
    [
        (card(valid_from_time=moment(2090)), "it has no rate card that is valid now"),
        (
            card(
                rates(1, 5.0, currency="SEK", beyond=None),
                rates(2, 5.0, currency="SEK", beyond=None),
                currency_code="SEK",
            ),
            "nobody knows what SEK is in USD",
        ),
        (card(rates(2, 5.0), unserved_zones=[1]), "it does not serve zone 1"),
        (carrier(withdrawn=True), "it is withdrawn"),
    ],
)
async def test_why_a_service_does_not_go_is_told(
    house: House, entry: v1.CarriageEntry, fact: str
) -> None:
    await house.stock({"MUG at NEAR": 9})
    await put(house, zones(), carrier(), card(), lane("L", "NEAR"))
    await put(house, entry)

    assert fate(await decided(house), "NEAR") == ("OUT_OF_REACH", f"POSTMAN/GROUND: {fact}")


async def test_without_lanes_the_zones_of_the_policy_decide(house: House) -> None:
    await house.stock({"MUG at NEAR": 9})
    await put(house)

    decision = await decided(house)

    (parcel,) = parcels(decision)
    assert (parcel.service_id, parcel.carrier_id, parcel.tariff_id) == (
        "standard",
        "",
        "default/1/1",
    )
    assert decision.carriage_revision == 0


async def test_a_parcel_names_its_service_prices_and_emissions_with_their_versions(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 9})
    await put(
        house,
        zones(),
        factor(),
        carrier(service(emission_factor_id="VAN")),
        card(),
        lane("L", "NEAR"),
    )
    await put(house, card(rates(1, 5.25, 6.0), rates(2, 8.0, 9.0)))

    decision = await decided(house)

    (shipment,) = decision.plan.shipments
    (parcel,) = shipment.parcels
    assert (parcel.carrier_id, parcel.service_id) == ("POSTMAN", "POSTMAN/GROUND")
    assert (parcel.tariff_id, parcel.factor_version) == ("CARD/2/1", "VAN/1")
    assert (shipment.zone, shipment.days, freight(decision)) == (1, 2, 5.25)
    # 200 g a parcel, 0.05 g a kilometre, 0.09 g a kilogram and kilometre.
    km = shipment.distance_km
    assert shipment.co2e_milligrams == parcel.co2e_milligrams == 200_000 + 50 * km + 90 * km
    assert decision.carriage_revision > 0


async def test_what_a_decision_was_made_with_can_be_listed_afterwards(house: House) -> None:
    await house.stock({"MUG at NEAR": 9})
    await put(house, zones(), carrier(), card(), lane("L", "NEAR"))
    decision = await decided(house)
    await put(house, card(rates(1, 50.0), rates(2, 80.0)))

    def asked(revision: int) -> v1.ListCarriageRequest:
        kind = v1.CarriageKind.CARRIAGE_KIND_RATE_CARD
        return v1.ListCarriageRequest(kind=kind, revision=revision)

    then = await house.mesh.carriage.ListCarriage(asked(decision.carriage_revision))
    now = await house.mesh.carriage.ListCarriage(asked(0))

    assert [one.rate_card.version for one in then.entries] == [1]
    assert [one.rate_card.version for one in now.entries] == [2]
    assert (await decided(house)).carriage_revision > decision.carriage_revision


async def test_the_dear_service_is_bought_exactly_when_its_days_are_worth_it(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 9})
    fast = service("COURIER", transits=[transit(1, hours=2), transit(2, hours=4)])
    slow = service(transits=[transit(1, 4), transit(2, 5)])
    await put(
        house,
        zones(),
        carrier(slow, fast),
        card(),
        card(
            rates(1, 9.0),
            rates(2, 9.0),
            rate_card_id="FAST",
            service=name("POSTMAN/COURIER"),
        ),
        lane("L", "NEAR", "POSTMAN/GROUND", "POSTMAN/COURIER"),
    )

    leisurely = await decided(house, promise_days=9)
    urgent = await decided(house, promise_days=1)

    assert [one.service_id for one in parcels(leisurely)] == ["POSTMAN/GROUND"]
    assert [one.service_id for one in parcels(urgent)] == ["POSTMAN/COURIER"]
    assert [one.days for one in parcels(urgent)] == [1]


async def test_two_light_parcels_beat_a_heavy_one_when_the_brackets_say_so(house: House) -> None:
    await house.stock({"MUG at NEAR": 9})
    steep = card(rates(1, 4.0, 12.56), rates(2, 8.0, 9.0))
    await put(house, zones(), carrier(), steep, lane("L", "NEAR"))

    decision = await decided(house, line("1", "MUG", 4))

    assert [one.weight_grams for one in parcels(decision)] == [1000, 1000]
    assert freight(decision) == 8.0


async def test_volume_is_billed_where_it_is_more_than_the_weight(house: House) -> None:
    pillow = item(
        "PILLOW",
        weight_grams=700,
        size=Size(length_millimetres=500, width_millimetres=400, height_millimetres=100),
    )
    await house.items(pillow)
    await house.receive({"PILLOW at NEAR": 5})
    mine = card(
        rates(1, 4.0, 5.0, 6.0, 7.0, 8.0), rates(2, 9.0), cubic_centimetres_per_kilogram=5000
    )
    await put(house, zones(), carrier(), mine, lane("L", "NEAR"))

    decision = await decided(house, line("1", "PILLOW"))

    (parcel,) = parcels(decision)
    assert (parcel.weight_grams, parcel.billable_grams) == (700, 4000)
    assert freight(decision) == 7.0


async def test_hazardous_goods_go_only_by_services_that_carry_them(house: House) -> None:
    await house.items(item("BLEACH", handling=[Item.HANDLING_HAZARDOUS]), "MUG")
    await house.receive({"BLEACH at NEAR": 5, "MUG at NEAR": 5})
    await put(house, zones(), carrier(), card(), lane("L", "NEAR"))

    decision = await decided(house, line("1", "BLEACH"), line("2", "MUG"))

    assert [one.line_id for one in decision.unfilled_lines] == ["1"]
    assert fate(decision, "NEAR") == ("NO_SERVICE", "no service carries it")
    assert [[one.sku for one in parcel.lines] for parcel in parcels(decision)] == [["MUG"]]


async def test_a_surcharge_for_goods_is_paid_by_the_parcel_that_has_them_alone(
    house: House,
) -> None:
    await house.items(item("BLEACH", handling=[Item.HANDLING_HAZARDOUS]), "MUG")
    await house.receive({"BLEACH at NEAR": 5, "MUG at NEAR": 9})
    hazmat = SURCHARGE(kind=SURCHARGE.KIND_HAZMAT, amount=eur(30.0, "USD"))
    # More than a kilogram is dear, so that mugs and bleach do not share a parcel.
    mine = card(
        rates(1, 4.0, 40.0), rates(2, 8.0, 40.0), surcharges=[hazmat], fuel_millionths=100_000
    )
    await put(house, zones(), carrier(service(handling=["HAZARDOUS"])), mine, lane("L", "NEAR"))

    decision = await decided(house, line("1", "BLEACH"), line("2", "MUG", 2))

    assert sorted((one.service_id, one.weight_grams) for one in parcels(decision)) == [
        ("POSTMAN/GROUND", 500),
        ("POSTMAN/GROUND+HAZMAT", 1000),
    ] or sorted((one.service_id, one.weight_grams) for one in parcels(decision)) == [
        ("POSTMAN/GROUND", 1000),
        ("POSTMAN/GROUND+HAZMAT", 500),
    ]
    assert {one.carrier_id for one in parcels(decision)} == {"POSTMAN"}
    assert freight(decision) == pytest.approx(4.4 + 34.4)


@pytest.mark.parametrize("charged", [False, True])
async def test_a_rule_about_a_service_holds_for_parcels_with_surcharges_too(
    house: House, *, charged: bool
) -> None:
    await house.items(item("BLEACH", handling=[Item.HANDLING_HAZARDOUS]), "MUG")
    await house.receive({"BLEACH at NEAR": 5, "MUG at NEAR": 9})
    hazmat = SURCHARGE(kind=SURCHARGE.KIND_HAZMAT, amount=eur(3.0, "USD"))
    mine = card(surcharges=[hazmat])
    await put(house, zones(), carrier(service(handling=["HAZARDOUS"])), mine, lane("L", "NEAR"))
    ground = v1.ServiceRule(service_ids=["POSTMAN/GROUND"])
    if charged:
        ground.per_parcel.CopyFrom(eur(2.0, "USD"))
    else:
        ground.banned = True
    await save(house, rules=[rule("no ground", service=ground)])

    decision = await decided(house, line("1", "BLEACH"))

    if charged:
        assert freight(decision) == 5.0 + 3.0 + 2.0
    else:
        assert parcels(decision) == []
        assert fate(decision, "NEAR") == ("OUT_OF_REACH", "no ground ban every service from here")


FEATURED = [
    (v1.ServiceRule(features=["branded"], banned=True), "POSTMAN/PLAIN"),
    (v1.ServiceRule(without_features=["branded"], banned=True), "POSTMAN/GROUND"),
    (v1.ServiceRule(without_features=["tracked"], banned=True), "POSTMAN/PLAIN"),
    (v1.ServiceRule(features=["branded"], per_parcel=eur(1.0, "USD")), "POSTMAN/GROUND"),
    (v1.ServiceRule(features=["branded"], per_parcel=eur(20.0, "USD")), "POSTMAN/PLAIN"),
]


@pytest.mark.parametrize(("chosen", "service_id"), FEATURED)
async def test_services_are_chosen_by_what_they_offer(
    house: House, chosen: v1.ServiceRule, service_id: str
) -> None:
    await house.stock({"MUG at NEAR": 9})
    await put(
        house,
        zones(),
        carrier(
            service(features=["branded"]),
            service("PLAIN", features=["tracked"]),
        ),
        card(),
        card(
            rates(1, 9.0),
            rates(2, 9.0),
            rate_card_id="PLAIN",
            service=name("POSTMAN/PLAIN"),
        ),
        lane("L", "NEAR", "POSTMAN/GROUND", "POSTMAN/PLAIN"),
    )
    await save(house, rules=[rule("by feature", service=chosen)])

    assert [one.service_id for one in parcels(await decided(house))] == [service_id]


async def test_what_nobody_carries_has_no_features_and_a_customer_still_collects_it(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 9})
    await house.network(entry("NEAR", methods=[SHIP, PICK_UP]))
    wanted = v1.ServiceRule(without_features=["tracked"], banned=True)
    await save(house, rules=[rule("only tracked", service=wanted)])

    sent = await decided(house)
    collected = await house.submit(
        "O-1",
        line("1", "MUG"),
        method=PICK_UP,
        destination=None,
        pickup_location_id="NEAR",
    )

    assert fate(sent, "NEAR") == ("OUT_OF_REACH", "only tracked bans service standard")
    assert [one.location_id for one in collected.decision.plan.shipments] == ["NEAR"]


async def test_surcharges_of_the_address_are_in_every_parcel(house: House) -> None:
    await house.stock({"MUG at NEAR": 9})
    home = SURCHARGE(kind=SURCHARGE.KIND_RESIDENTIAL, amount=eur(1.5, "USD"))
    island = SURCHARGE(
        kind=SURCHARGE.KIND_REMOTE_AREA,
        amount=eur(6.0, "USD"),
        areas=[v1.Area(country_code="US", postal_prefix="606")],
    )
    mine = card(surcharges=[home, island])
    await put(house, zones(), carrier(), mine, lane("L", "NEAR"))

    decision = await decided(house)

    (parcel,) = parcels(decision)
    assert freight(decision) == 12.5
    assert parcel.tariff_id == "CARD/1/1 +REMOTE_AREA +RESIDENTIAL"


async def test_a_business_pays_nothing_for_a_home_whenever_its_order_is_decided(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 9})
    home = SURCHARGE(kind=SURCHARGE.KIND_RESIDENTIAL, amount=eur(1.5, "USD"))
    await put(house, zones(), carrier(), card(surcharges=[home]), lane("L", "NEAR"))
    office = Destination(country_code="US", postal_code="60601", business=True)

    asked = await decided(house, destination=office)
    reply = await house.submit("O-1", line("1", "MUG"), destination=office)
    again = await house.source("O-1", validate_only=True)

    assert reply.order.destination.business
    assert [freight(one) for one in (asked, reply.decision, again.decision)] == [5.0, 5.0, 5.0]


async def test_prices_in_another_currency_are_converted_at_the_rate_of_the_day(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 9})
    mine = card(
        rates(1, 5.0, 6.0, currency="EUR"), rates(2, 8.0, currency="EUR"), currency_code="EUR"
    )
    await put(
        house,
        zones(),
        carrier(),
        mine,
        lane("L", "NEAR"),
        exchange("EUR/USD", 1_100_000_000),
        exchange("EUR/USD", 9_000_000_000, effective_time=moment(2090)),
    )
    first = await decided(house)
    await put(house, exchange("EUR/USD", 1_200_000_000))
    second = await decided(house)

    assert (freight(first), freight(second)) == (5.5, 6.0)
    assert parcels(first)[0].tariff_id == "CARD/1/1 EUR/USD@2020-01-01T00:00:00Z/1"
    assert parcels(second)[0].tariff_id == "CARD/1/1 EUR/USD@2020-01-01T00:00:00Z/2"
    assert first.cost.currency_code == "USD"


async def test_a_unit_that_is_too_heavy_for_the_service_is_not_carried(house: House) -> None:
    await house.items(item("ANVIL", weight_grams=2001), item("BRICK", weight_grams=2000))
    await house.receive({"ANVIL at NEAR": 3, "BRICK at NEAR": 3})
    light = card(rates(1, 4.0, 5.0, beyond=None), rates(2, 9.0, beyond=None))
    await put(house, zones(), carrier(), light, lane("L", "NEAR"))

    decision = await decided(house, line("1", "ANVIL"), line("2", "BRICK", 2))

    assert [one.sku for one in decision.unfilled_lines] == ["ANVIL"]
    assert [one.weight_grams for one in parcels(decision)] == [2000, 2000]


async def test_zones_go_by_the_address_of_the_location_and_of_the_order(house: House) -> None:
    await house.stock({"MUG at NEAR": 9, "MUG at EAST": 9})
    by_code = zones(
        row(2),
        row(1, v1.Area(country_code="US", region="il"), origin_id="EAST"),
        row(1, v1.Area(country_code="US", postal_prefix="600")),
    )
    mine = card(rates(1, 1.0), rates(2, 30.0))
    await put(house, by_code, carrier(), mine, lane("L", "NEAR"), lane("M", "EAST"))

    east = await decided(house)
    near = await decided(
        house,
        destination=Destination(
            country_code="US",
            postal_code="60099",
            position=LatLng(latitude=41.88, longitude=-87.63),
        ),
    )

    assert [one.location_id for one in east.plan.shipments] == ["EAST"]
    assert [one.location_id for one in near.plan.shipments] == ["NEAR"]


async def test_an_order_is_kept_with_the_service_that_takes_it(house: House) -> None:
    await house.stock({"MUG at NEAR": 9})
    await put(house, zones(), carrier(), card(), lane("L", "NEAR"))

    reply = await house.submit("O-1", line("1", "MUG"))

    assert parcels(reply.decision)[0].service_id == "POSTMAN/GROUND"
    stored = await house.mesh.sourcing.GetDecision(
        v1.GetDecisionRequest(decision_id=reply.decision.decision_id)
    )
    assert parcels(stored.decision)[0].tariff_id == "CARD/1/1"
    assert stored.decision.carriage_revision == reply.decision.carriage_revision > 0
