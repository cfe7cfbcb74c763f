"""Carriage in short words. All names and prices are invented."""

from datetime import UTC, datetime
from typing import Any

from ordermesh.kernel.money import Money, from_decimal
from ordermesh.routing.domain.carriage.area import EVERYWHERE, Address, Area
from ordermesh.routing.domain.carriage.book import Book
from ordermesh.routing.domain.carriage.carrier import (
    Carrier,
    EmissionFactor,
    Service,
    ServiceKey,
    TransitUnit,
    ZoneTransit,
)
from ordermesh.routing.domain.carriage.lane import Lane
from ordermesh.routing.domain.carriage.rate_card import Bracket, RateCard, ZoneRates
from ordermesh.routing.domain.carriage.zone import Origin, ZoneRow, ZoneTable

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
EARLIER = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 7, 1, tzinfo=UTC)

GROUND = ServiceKey("POSTMAN", "GROUND")
UTRECHT = Origin("UTRECHT", frozenset({"BENELUX"}), Address("NL", "UT", "3511 AB"))
AMSTERDAM = Address("NL", "NH", "1012 AB")


def money(amount: str) -> Money:
    return from_decimal(amount)


def rates(zone: int, *prices: str, step: int = 1000, **fields: Any) -> ZoneRates:
    """Prices by brackets of a kilogram each."""
    brackets = tuple(
        Bracket(number * step, (number + 1) * step, from_decimal(price))
        for number, price in enumerate(prices)
    )
    return ZoneRates(zone, brackets, **fields)


def card(*zones: ZoneRates, **fields: Any) -> RateCard:
    return RateCard(
        **{
            "rate_card_id": "GROUND-2026",
            "service": GROUND,
            "currency_code": "EUR",
            "zones": zones or (rates(1, "4.50", "5.50", per_kg_beyond=money("0.80")),),
            "valid_from": EARLIER,
            **fields,
        }
    )


def service(**fields: Any) -> Service:
    return Service(
        **{
            "service_id": "GROUND",
            "name": "Ground",
            "zone_table_id": "GROUND-ZONES",
            "transit": (
                ZoneTransit(1, TransitUnit.DAYS, 1),
                ZoneTransit(2, TransitUnit.DAYS, 3),
            ),
            **fields,
        }
    )


def table(*rows: ZoneRow) -> ZoneTable:
    return ZoneTable("GROUND-ZONES", rows or (ZoneRow(1),))


def book(**fields: Any) -> Book:
    """A carrier with a service, from everywhere to everywhere in one zone."""
    lane = Lane("UTRECHT-OUT", "UTRECHT", (EVERYWHERE,), (GROUND,))
    return Book(
        **{
            "carriers": {"POSTMAN": Carrier("POSTMAN", "Postman", (service(),))},
            "zone_tables": {"GROUND-ZONES": table()},
            "rate_cards": {"GROUND-2026": card()},
            "lanes": {"UTRECHT-OUT": lane},
            **fields,
        }
    )


def factor(**fields: Any) -> EmissionFactor:
    return EmissionFactor(
        **{
            "emission_factor_id": "VAN",
            "source": "invented",
            "mode": "VAN",
            "parcel_micrograms": 250_000_000,
            "parcel_micrograms_per_km": 60_000,
            "micrograms_per_kg_km": 100_000,
            **fields,
        }
    )


def area(country_code: str = "", region: str = "", postal_prefix: str = "") -> Area:
    return Area(country_code, region, postal_prefix)
