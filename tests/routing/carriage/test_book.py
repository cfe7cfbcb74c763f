"""What the book offers an order, and why it does not offer more."""

from dataclasses import replace

from ordermesh.routing.domain.carriage.area import EVERYWHERE, Address
from ordermesh.routing.domain.carriage.book import Book
from ordermesh.routing.domain.carriage.carrier import (
    Carrier,
    TransitOutcome,
    TransitUnit,
    ZoneTransit,
)
from ordermesh.routing.domain.carriage.currency import CurrencyRate
from ordermesh.routing.domain.carriage.lane import Lane
from ordermesh.routing.domain.carriage.rate_card import Surcharge, SurchargeKind
from ordermesh.routing.domain.carriage.zone import Origin, ZoneRow
from tests.routing.carriage.making import (
    AMSTERDAM,
    EARLIER,
    GROUND,
    LATER,
    NOW,
    UTRECHT,
    area,
    book,
    card,
    factor,
    money,
    rates,
    service,
    table,
)

ELSEWHERE = Origin("EINDHOVEN", frozenset(), Address("NL"))


def obstacles(mine: Book, to: Address = AMSTERDAM) -> tuple[str, ...]:
    found = mine.towards(to, "EUR", NOW, is_residential=True).offers(UTRECHT, 40)
    assert found is not None
    assert not found.offers
    return found.obstacles


def test_an_origin_without_lanes_is_offered_nothing_of_the_book() -> None:
    way = book().towards(AMSTERDAM, "EUR", NOW, is_residential=True)

    assert way.offers(ELSEWHERE, 90) is None


def test_every_obstacle_is_told() -> None:
    lane = Lane("L", "UTRECHT", (area("BE"),), (GROUND,))
    gone = Carrier("POSTMAN", "Postman", (service(),), is_withdrawn=True)

    assert obstacles(book(lanes={"L": lane})) == ("none of its lanes leads there",)
    assert obstacles(book(carriers={"POSTMAN": gone})) == ("POSTMAN/GROUND: it is withdrawn",)
    assert obstacles(book(zone_tables={"GROUND-ZONES": table(ZoneRow(1, "X"))})) == (
        "POSTMAN/GROUND: its zone table does not lead there",
    )
    assert obstacles(book(rate_cards={"C": card(valid_from=LATER)})) == (
        "POSTMAN/GROUND: it has no rate card that is valid now",
    )
    assert obstacles(book(rate_cards={"C": card(currency_code="JPY")})) == (
        "POSTMAN/GROUND: nobody knows what JPY is in EUR",
    )
    assert obstacles(book(rate_cards={"C": card(rates(2, "4"), unserved_zones=(1,))})) == (
        "POSTMAN/GROUND: it does not serve zone 1",
    )


def test_an_offer_names_everything_that_made_it() -> None:
    mine = book(
        carriers={
            "POSTMAN": Carrier("POSTMAN", "Postman", (service(emission_factor_id="VAN"),), 3)
        },
        rate_cards={
            "C": card(
                rates(1, "1000"),
                currency_code="JPY",
                surcharges=(Surcharge(SurchargeKind.RESIDENTIAL, money("100")),),
                version=7,
            )
        },
        currency_rates={"R": CurrencyRate("JPY", "EUR", EARLIER, 6_000_000, version=2)},
        emission_factors={"VAN": factor(version=5)},
    )

    found = mine.towards(AMSTERDAM, "EUR", NOW, is_residential=True).offers(UTRECHT, 40)

    assert found is not None
    (offer,) = found.offers
    assert (offer.carrier.version, offer.card.version, offer.zone) == (3, 7, 1)
    assert offer.conversion.version == "JPY/EUR@2026-01-01T00:00:00Z/2"
    tariff = offer.tariff((), money("0.10"))
    assert tariff.price(10) == money("6.60")
    assert tariff.tariff_id == "GROUND-2026/7/1 +RESIDENTIAL JPY/EUR@2026-01-01T00:00:00Z/2"
    assert offer.emission is not None
    assert offer.emission.version == 5
    assert offer.transit.days == 1


def test_a_card_for_the_location_is_taken_before_one_for_its_group_and_for_all() -> None:
    cards = {
        name: card(rates(1, price), rate_card_id=name, origins=origins)
        for name, price, origins in (
            ("A", "9", ()),
            ("B", "8", ("BENELUX",)),
            ("C", "7", ("UTRECHT", "ELSEWHERE")),
        )
    }
    way = book(rate_cards=cards).towards(AMSTERDAM, "EUR", NOW, is_residential=False)
    found = way.offers(UTRECHT, 40)

    assert found is not None
    assert found.offers[0].card.rate_card_id == "C"


def test_lanes_of_a_group_and_of_the_location_are_offered_together_each_service_once() -> None:
    mine = book()
    more = Lane("A", "BENELUX", (EVERYWHERE,), (GROUND,))
    gone = replace(more, lane_id="Z", is_withdrawn=True)
    found = (
        replace(mine, lanes={**mine.lanes, "A": more, "Z": gone})
        .towards(AMSTERDAM, "EUR", NOW, is_residential=False)
        .offers(UTRECHT, 40)
    )

    assert found is not None
    assert [offer.lane.lane_id for offer in found.offers] == ["A"]


def test_transit_at_a_confidence_is_the_first_outcome_that_is_often_enough() -> None:
    outcomes = (TransitOutcome(1, 700), TransitOutcome(2, 250), TransitOutcome(5, 50))
    transit = ZoneTransit(1, TransitUnit.DAYS, 2, outcomes)

    assert [transit.at_confidence(one) for one in (0, 700, 701, 950, 951, 1_000)] == [
        1,
        1,
        2,
        2,
        5,
        5,
    ]
    assert replace(transit, outcomes=()).at_confidence(900) == 2
    assert [ZoneTransit(1, TransitUnit.HOURS, hours).days for hours in (2, 23, 24, 48)] == [
        0,
        0,
        1,
        2,
    ]


def test_factors_of_emission_are_used_in_whole_micrograms_a_gram_and_kilometre() -> None:
    rates = factor(version=5, micrograms_per_kg_km=101_630).rates(money("0.10"))

    assert (rates.parcel_micrograms, rates.parcel_micrograms_per_km) == (250_000_000, 60_000)
    assert (rates.micrograms_per_gram_km, rates.factor_version) == (102, "VAN/5")
