"""What is looked at before anything of the book of carriage is stored."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from ordermesh.kernel.errors import DomainError
from ordermesh.kernel.money import to_decimal
from ordermesh.routing.domain.carriage.book import Book
from ordermesh.routing.domain.carriage.carrier import PER_MILLE, Carrier, Service, ServiceKey
from ordermesh.routing.domain.carriage.lane import Lane
from ordermesh.routing.domain.carriage.rate_card import RateCard, ZoneRates
from ordermesh.routing.domain.carriage.zone import ZoneTable, contradictions
from ordermesh.routing.domain.errors.carriage import (
    RateCardGap,
    RateCardsOverlap,
    RateFallsWithWeight,
    RateZoneMissing,
    TransitMissing,
    UnknownCarriage,
    ZoneContradicted,
)
from ordermesh.routing.domain.errors.requests import DuplicateEntry, FieldViolation


def findings(book: Book, now: datetime) -> list[DomainError]:
    """Everything that is wrong with a book, one error for each, none when it may be stored.

    What is withdrawn or over is not looked at.
    """
    found: list[DomainError] = []
    for carrier in book.carriers.values():
        found.extend(_of_carrier(carrier, book))
    for table in book.zone_tables.values():
        found.extend(_of_table(table))
    cards = [
        card
        for card in book.rate_cards.values()
        if not card.is_withdrawn and (card.valid_until is None or now < card.valid_until)
    ]
    for card in cards:
        found.extend(_of_card(card, book))
    found.extend(_overlaps(cards))
    for lane in book.lanes.values():
        found.extend(_of_lane(lane, book))
    return found


def raise_first(found: Sequence[DomainError]) -> None:
    """Raise the first finding together with all that have its reason; nothing when there is none.

    Where the reasons differ, the others are found when this one is mended, or by a dry run.
    """
    if not found:
        return
    first = found[0]
    alike = [one for one in found if type(one) is type(first)]
    rows = [row for one in alike for row in one.rows]
    if isinstance(first, FieldViolation | DuplicateEntry):
        raise first
    raise type(first)(*rows)  # type: ignore[arg-type]  # the errors of carriage take rows


def _of_carrier(carrier: Carrier, book: Book) -> Iterator[DomainError]:
    if carrier.is_withdrawn:
        return
    seen: set[str] = set()
    for service in carrier.services:
        key = ServiceKey(carrier.carrier_id, service.service_id)
        if service.service_id in seen:
            yield DuplicateEntry("services", str(key))
        seen.add(service.service_id)
        table = book.zone_tables.get(service.zone_table_id)
        if table is None or table.is_withdrawn:
            yield _unknown("zone table", service.zone_table_id, f"service {key}")
        factor = service.emission_factor_id
        if factor and factor not in book.emission_factors:
            yield _unknown("emission factor", factor, f"service {key}")
        yield from _of_transit(service, key)


def _of_transit(service: Service, key: ServiceKey) -> Iterator[DomainError]:
    seen: set[int] = set()
    for transit in service.transit:
        if transit.zone in seen:
            yield DuplicateEntry("transit", f"{key} zone {transit.zone}")
        seen.add(transit.zone)
        amounts = [outcome.amount for outcome in transit.outcomes]
        if amounts != sorted(set(amounts)):
            yield FieldViolation(
                "transit.outcomes",
                "outcomes_rise",
                f"The outcomes of {key} into zone {transit.zone} do not rise.",
            )
        elif amounts and sum(outcome.per_mille for outcome in transit.outcomes) != PER_MILLE:
            yield FieldViolation(
                "transit.outcomes",
                "outcomes_sum",
                f"The outcomes of {key} into zone {transit.zone} do not add up to 1000.",
            )


def _of_table(table: ZoneTable) -> Iterator[DomainError]:
    if table.is_withdrawn:
        return
    for before, row in contradictions(table.rows):
        yield ZoneContradicted(
            {
                "zoneTableId": table.zone_table_id,
                "origin": " ".join(filter(None, (row.origin_id, str(row.origin)))),
                "destination": str(row.destination),
                "distanceKmMax": row.distance_km_max,
                "zone": before.zone,
                "otherZone": row.zone,
            }
        )


def _of_card(card: RateCard, book: Book) -> Iterator[DomainError]:
    seen: set[int] = set()
    for rates in card.zones:
        if rates.zone in seen:
            yield DuplicateEntry("zones", f"{card.rate_card_id} zone {rates.zone}")
        seen.add(rates.zone)
        yield from _of_brackets(card, rates)
    service = book.service(card.service)
    if service is None:
        yield _unknown("service", str(card.service), f"rate card {card.rate_card_id}")
        return
    table = book.zone_tables.get(service.zone_table_id)
    for zone in sorted(_zones_from(table, card) - seen - set(card.unserved_zones)):
        yield RateZoneMissing(
            {
                "rateCardId": card.rate_card_id,
                "zone": zone,
                "zoneTableId": service.zone_table_id,
            }
        )
    for zone in sorted(seen):
        if service.transit_into(zone) is None:
            yield TransitMissing({"service": str(card.service), "zone": zone})


def _of_brackets(card: RateCard, rates: ZoneRates) -> Iterator[DomainError]:
    where = {"rateCardId": card.rate_card_id, "zone": rates.zone}
    reached, before = 0, None
    for bracket in rates.brackets:
        if bracket.over_grams != reached or bracket.up_to_grams <= bracket.over_grams:
            yield RateCardGap(
                {
                    **where,
                    "overGrams": bracket.over_grams,
                    "upToGrams": bracket.up_to_grams,
                    "endsAtGrams": reached,
                }
            )
        if before is not None and bracket.price < before:
            yield RateFallsWithWeight(
                {
                    **where,
                    "upToGrams": bracket.up_to_grams,
                    "price": to_decimal(bracket.price),
                    "before": to_decimal(before),
                }
            )
        reached, before = bracket.up_to_grams, bracket.price


def _zones_from(table: ZoneTable | None, card: RateCard) -> set[int]:
    """The zones into which parcels of the card's origins can go."""
    if table is None:
        return set()
    return {
        row.zone
        for row in table.rows
        if not row.origin_id or not card.origins or row.origin_id in card.origins
    }


def _overlaps(cards: Iterable[RateCard]) -> Iterator[DomainError]:
    taken: dict[tuple[ServiceKey, str], list[RateCard]] = {}
    for card in sorted(cards, key=lambda one: one.rate_card_id):
        for origin in card.origins or ("",):
            for other in taken.setdefault((card.service, origin), []):
                if _at_once(card, other):
                    yield RateCardsOverlap(
                        {
                            "rateCardId": other.rate_card_id,
                            "otherRateCardId": card.rate_card_id,
                            "service": str(card.service),
                            "origin": origin,
                        }
                    )
            taken[card.service, origin].append(card)


def _at_once(one: RateCard, other: RateCard) -> bool:
    return (one.valid_until is None or other.valid_from < one.valid_until) and (
        other.valid_until is None or one.valid_from < other.valid_until
    )


def _of_lane(lane: Lane, book: Book) -> Iterator[DomainError]:
    if lane.is_withdrawn:
        return
    for key in lane.services:
        if book.service(key) is None:
            yield _unknown("service", str(key), f"lane {lane.lane_id}")


def _unknown(kind: str, id_: str, named_by: str) -> UnknownCarriage:
    return UnknownCarriage({"kind": kind, "id": id_, "namedBy": named_by})
