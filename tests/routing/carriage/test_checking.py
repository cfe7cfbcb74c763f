"""What is refused before the book of carriage is stored: each reason with its facts."""

from dataclasses import replace
from typing import Any

import pytest

from ordermesh.kernel.errors import DomainError
from ordermesh.routing.domain.carriage.area import EVERYWHERE
from ordermesh.routing.domain.carriage.book import Book
from ordermesh.routing.domain.carriage.carrier import (
    Carrier,
    Service,
    ServiceKey,
    TransitOutcome,
    TransitUnit,
    ZoneTransit,
)
from ordermesh.routing.domain.carriage.checking import findings, raise_first
from ordermesh.routing.domain.carriage.lane import Lane
from ordermesh.routing.domain.carriage.rate_card import Bracket, RateCard, ZoneRates
from ordermesh.routing.domain.carriage.zone import ZoneRow
from ordermesh.routing.domain.errors.carriage import RateCardGap
from tests.routing.carriage.making import EARLIER, LATER, NOW, book, card, money, rates, table
from tests.routing.carriage.making import service as made


def found(mine: Book) -> list[tuple[str, dict[str, str]]]:
    return [(one.reason, one.facts()) for one in findings(mine, NOW)]


def with_card(*cards: RateCard) -> Book:
    return book(rate_cards={one.rate_card_id: one for one in cards})


def with_service(service: Service) -> Book:
    return book(carriers={"POSTMAN": Carrier("POSTMAN", "Postman", (service,))})


def zone_of(*brackets: tuple[int, int, str], **fields: Any) -> ZoneRates:
    return ZoneRates(
        1, tuple(Bracket(over, to, money(price)) for over, to, price in brackets), **fields
    )


def test_a_sound_book_has_no_findings() -> None:
    assert found(book()) == []


@pytest.mark.parametrize(
    ("brackets", "over", "ends"),
    [
        ([(0, 1_000, "4"), (1_500, 2_000, "5")], "1500", "1000"),
        ([(0, 1_000, "4"), (900, 2_000, "5")], "900", "1000"),
        ([(1, 1_000, "4")], "1", "0"),
        ([(0, 0, "4")], "0", "0"),
    ],
)
def test_brackets_with_a_gap_or_an_overlap_are_told_with_their_weights(
    brackets: list[tuple[int, int, str]], over: str, ends: str
) -> None:
    ((reason, facts),) = found(with_card(card(zone_of(*brackets))))

    assert reason == "RATE_CARD_GAP"
    assert (facts["rateCardId"], facts["zone"]) == ("GROUND-2026", "1")
    assert (facts["overGrams"], facts["endsAtGrams"]) == (over, ends)


def test_a_heavier_parcel_that_is_cheaper_is_told_with_both_prices() -> None:
    ((reason, facts),) = found(with_card(card(zone_of((0, 1_000, "4.50"), (1_000, 2_000, "4.49")))))

    assert reason == "RATE_FALLS_WITH_WEIGHT"
    assert (facts["upToGrams"], facts["price"], facts["before"]) == ("2000", "4.49", "4.5")


def test_a_zone_without_prices_is_told_unless_the_card_says_it_is_not_served() -> None:
    two = table(ZoneRow(1), ZoneRow(2, destination=EVERYWHERE, distance_km_max=9))
    mine = book(zone_tables={"GROUND-ZONES": two})

    assert found(mine) == [
        (
            "RATE_ZONE_MISSING",
            {"rateCardId": "GROUND-2026", "zone": "2", "zoneTableId": "GROUND-ZONES"},
        )
    ]
    assert found(replace(mine, rate_cards={"C": card(unserved_zones=(2,))})) == []


def test_zones_of_other_origins_need_no_prices() -> None:
    two = table(ZoneRow(1), ZoneRow(2, "ROTTERDAM"))
    mine = book(
        zone_tables={"GROUND-ZONES": two}, rate_cards={"C": card(origins=("UTRECHT", "BENELUX"))}
    )

    assert found(mine) == []


def test_a_zone_with_prices_and_no_transit_is_told() -> None:
    assert found(with_service(made(transit=()))) == [
        ("TRANSIT_MISSING", {"service": "POSTMAN/GROUND", "zone": "1"})
    ]


def test_two_cards_for_the_same_time_are_told_and_one_after_the_other_are_not() -> None:
    old = card(rate_card_id="OLD", valid_until=LATER)
    new = card(rate_card_id="NEW", valid_from=LATER)

    assert found(with_card(old, new)) == []
    assert found(with_card(old, replace(new, origins=("UTRECHT",), valid_from=NOW))) == []
    assert found(with_card(old, replace(new, valid_from=NOW, is_withdrawn=True))) == []
    assert found(with_card(old, replace(new, valid_from=NOW))) == [
        (
            "RATE_CARDS_OVERLAP",
            {
                "rateCardId": "NEW",
                "otherRateCardId": "OLD",
                "service": "POSTMAN/GROUND",
                "origin": "",
            },
        )
    ]


def test_a_card_that_is_over_is_not_looked_at() -> None:
    broken = card(zone_of((5, 9, "4")), valid_until=NOW)

    assert found(with_card(broken)) == []
    assert found(with_card(replace(broken, valid_until=LATER)))


def test_names_of_what_is_not_there_are_told() -> None:
    mine = book(
        zone_tables={},
        rate_cards={"C": card(service=ServiceKey("POSTMAN", "AIR"), valid_from=EARLIER)},
        lanes={"L": Lane("L", "UTRECHT", (EVERYWHERE,), (ServiceKey("UFO", "BEAM"),))},
    )

    assert [(reason, facts["kind"], facts["id"]) for reason, facts in found(mine)] == [
        ("UNKNOWN_CARRIAGE", "zone table", "GROUND-ZONES"),
        ("UNKNOWN_CARRIAGE", "service", "POSTMAN/AIR"),
        ("UNKNOWN_CARRIAGE", "service", "UFO/BEAM"),
    ]
    assert found(with_service(made(emission_factor_id="SAIL")))[0][1]["kind"] == "emission factor"


def test_a_table_that_contradicts_itself_is_told() -> None:
    mine = book(zone_tables={"GROUND-ZONES": table(ZoneRow(1), ZoneRow(2))})

    reasons = [reason for reason, _ in found(mine)]

    assert reasons[0] == "ZONE_CONTRADICTED"


@pytest.mark.parametrize(
    ("outcomes", "rule"),
    [
        ([(1, 900), (2, 99)], "outcomes_sum"),
        ([(2, 500), (1, 500)], "outcomes_rise"),
        ([(1, 500), (1, 500)], "outcomes_rise"),
    ],
)
def test_outcomes_that_are_no_distribution_are_told(
    outcomes: list[tuple[int, int]], rule: str
) -> None:
    transit = ZoneTransit(
        1, TransitUnit.DAYS, 1, tuple(TransitOutcome(amount, often) for amount, often in outcomes)
    )

    ((reason, facts),) = found(with_service(made(transit=(transit,))))

    assert (reason, facts["rule"]) == ("FIELD_VIOLATION", rule)


def test_services_zones_and_transits_are_named_once() -> None:
    twice = made(
        transit=(ZoneTransit(1, TransitUnit.DAYS, 1), ZoneTransit(1, TransitUnit.HOURS, 1))
    )
    carrier = Carrier("POSTMAN", "Postman", (twice, made()))
    mine = book(carriers={"POSTMAN": carrier}, rate_cards={"C": card(rates(1, "4"), rates(1, "5"))})

    assert [facts["field"] for _, facts in found(mine)] == ["transit", "services", "zones"]


def test_all_findings_of_the_first_reason_are_raised_together() -> None:
    gaps = card(zone_of((5, 9, "4")), replace(zone_of((7, 9, "4")), zone=2))
    errors: list[DomainError] = findings(with_card(gaps), NOW)

    with pytest.raises(RateCardGap) as raised:
        raise_first(errors)

    assert raised.value.facts()["overGrams-2"] == "7"
    raise_first([])
