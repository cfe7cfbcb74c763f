"""What stands in the way of promising orders: each kind with how many there are and one of them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from ordermesh.routing.domain.carriage.area import EVERYWHERE, Address
from ordermesh.routing.domain.carriage.book import Book
from ordermesh.routing.domain.carriage.carrier import ServiceKey
from ordermesh.routing.domain.carriage.currency import conversion
from ordermesh.routing.domain.carriage.offering import origin_of
from ordermesh.routing.domain.carriage.rate_card import RateCard, SurchargeKind
from ordermesh.routing.domain.geography import Place, distance_km
from ordermesh.routing.domain.item import Item, KnownLocation
from ordermesh.routing.domain.network import NetworkLocation
from ordermesh.routing.domain.rates import CostModel


class ObstacleKind(StrEnum):
    """What is wrong."""

    ITEM_WITHOUT_WEIGHT = "ITEM_WITHOUT_WEIGHT"
    ITEM_WITHOUT_SIZE = "ITEM_WITHOUT_SIZE"
    ITEM_STOCKED_NOWHERE = "ITEM_STOCKED_NOWHERE"
    LANE_WITHOUT_ORIGIN = "LANE_WITHOUT_ORIGIN"
    LANE_WITHOUT_RATES = "LANE_WITHOUT_RATES"
    RATES_END = "RATES_END"
    LOCATION_WITHOUT_ADDRESS = "LOCATION_WITHOUT_ADDRESS"
    CALENDAR_CLOSED = "CALENDAR_CLOSED"
    CALENDAR_STALE = "CALENDAR_STALE"
    COUNTRY_WITHOUT_POSTAL_CODES = "COUNTRY_WITHOUT_POSTAL_CODES"
    POSTAL_CODE_UNKNOWN = "POSTAL_CODE_UNKNOWN"
    DESTINATION_UNREACHED = "DESTINATION_UNREACHED"
    ORDER_UNFILLABLE = "ORDER_UNFILLABLE"
    NOBODY_SHIPS = "NOBODY_SHIPS"


@dataclass
class Obstacle:
    """So many of a kind, and the first of them."""

    count: int
    example: str
    sentence: str


@dataclass
class Obstacles:
    """What was found, by kind."""

    found: dict[ObstacleKind, Obstacle] = field(default_factory=dict)

    def add(self, kind: ObstacleKind, example: str, sentence: str) -> None:
        """Count one more; the first of a kind is its example."""
        known = self.found.get(kind)
        if known is None:
            self.found[kind] = Obstacle(1, example, sentence)
        else:
            known.count += 1


@dataclass(frozen=True)
class Scene:
    """What routing knows, and the moment at which it is looked at."""

    network: tuple[NetworkLocation, ...]
    locations: Mapping[str, KnownLocation]
    book: Book
    costs: CostModel
    now: datetime

    @property
    def shipping(self) -> list[tuple[NetworkLocation, KnownLocation]]:
        """Locations that ship and whose place is known."""
        return [
            (entry, place)
            for entry in self.network
            if entry.ships
            and (place := self.locations.get(entry.location_id)) is not None
            and not place.is_disabled
        ]

    @property
    def cards(self) -> list[RateCard]:
        """The cards whose prices are those of now."""
        return [one for one in self.book.rate_cards.values() if one.is_valid(self.now)]

    @property
    def needs_weight(self) -> bool:
        """Whether any price goes by weight."""
        by_zone = any(zone.freight_per_kg for zone in self.costs.zones)
        return by_zone or bool(self.costs.unfilled_per_kg) or bool(self.book.lanes)

    @property
    def needs_size(self) -> bool:
        """Whether any price, or limit of a service, goes by size."""
        if not self.book.lanes:
            return False
        return any(
            card.volume_divisor
            or any(one.kind is SurchargeKind.OVERSIZE for one in card.surcharges)
            or (
                (service := self.book.service(card.service)) is not None
                and service.longest_side_mm_max
            )
            for card in self.cards
        )


def look_at_items(
    obstacles: Obstacles, scene: Scene, items: Iterable[Item], stocked: Collection[str] | None
) -> None:
    """Items without what prices need, and what no location has; ``stocked`` None: not looked at."""
    kinds = ObstacleKind
    for item in items:
        if not item.is_sellable:
            continue
        if not item.components:
            if not item.weight_grams and scene.needs_weight:
                why = "Its weight is not known, and prices go by weight."
                obstacles.add(kinds.ITEM_WITHOUT_WEIGHT, item.sku, why)
            if item.size_millimetres is None and scene.needs_size:
                why = "Its size is not known, and prices or limits of services go by size."
                obstacles.add(kinds.ITEM_WITHOUT_SIZE, item.sku, why)
        parts = [part.sku for part in item.components] or [item.sku]
        if stocked is not None and any(sku not in stocked for sku in parts):
            missing = next(sku for sku in parts if sku not in stocked)
            why = f"No location that ships has any {missing} to promise."
            obstacles.add(kinds.ITEM_STOCKED_NOWHERE, item.sku, why)


def look_at_lanes(obstacles: Obstacles, scene: Scene, horizon: timedelta) -> None:
    """Lanes from nowhere or without prices, and prices that end."""
    starts = {entry.location_id for entry, _ in scene.shipping}
    starts |= {group for _, place in scene.shipping for group in place.groups}
    used: set[ServiceKey] = set()
    for lane in sorted(scene.book.lanes.values(), key=lambda one: one.lane_id):
        if lane.is_withdrawn:
            continue
        if lane.origin_id not in starts:
            why = f"No location that ships is called {lane.origin_id}, or is in such a group."
            obstacles.add(ObstacleKind.LANE_WITHOUT_ORIGIN, lane.lane_id, why)
        used.update(lane.services)
        for key in lane.services:
            why_not = _unpriced(scene, key)
            if why_not:
                example = f"{lane.lane_id} {key}"
                obstacles.add(ObstacleKind.LANE_WITHOUT_RATES, example, f"{key}: {why_not}.")
    _look_at_ends(obstacles, scene, used, horizon)


def _unpriced(scene: Scene, key: ServiceKey) -> str:
    """Why a service has no prices now; "" when it has."""
    carrier = scene.book.carriers.get(key.carrier_id)
    if carrier is None or carrier.is_withdrawn or scene.book.service(key) is None:
        return "it is withdrawn"
    cards = [card for card in scene.cards if card.service == key]
    if not cards:
        return "it has no rate card that is valid now"
    wanted = scene.costs.currency
    rates = scene.book.currency_rates.values()
    for card in cards:
        if conversion(rates, wanted, card.currency_code, scene.now) is None:
            return f"nobody knows what {card.currency_code} is in {wanted}"
    return ""


def _look_at_ends(
    obstacles: Obstacles, scene: Scene, used: Collection[ServiceKey], horizon: timedelta
) -> None:
    for card in sorted(scene.cards, key=lambda one: one.rate_card_id):
        end = card.valid_until
        if end is None or end > scene.now + horizon or card.service not in used:
            continue
        follows = any(
            other.service == card.service
            and set(other.origins) >= set(card.origins)
            and other.is_valid(end)
            for other in scene.book.rate_cards.values()
        )
        if not follows:
            why = f"It ends at {end:%Y-%m-%d %H:%M} UTC, and no card follows it."
            obstacles.add(ObstacleKind.RATES_END, card.rate_card_id, why)


def look_at_locations(
    obstacles: Obstacles, scene: Scene, is_open: Mapping[str, bool], known: Collection[str]
) -> None:
    """Locations without address or with calendars that end, and countries without postal codes.

    ``is_open`` says of locations whether they ever hand over; ``known`` are the countries whose
    postal codes are known.
    """
    if not scene.shipping:
        obstacles.add(ObstacleKind.NOBODY_SHIPS, "", "No location of the network ships.")
    by_address = any(
        row.origin != EVERYWHERE for table in scene.book.zone_tables.values() for row in table.rows
    )
    for entry, place in scene.shipping:
        if by_address and not place.country_code:
            why = "Its address is not known, and zone tables go by it."
            obstacles.add(ObstacleKind.LOCATION_WITHOUT_ADDRESS, entry.location_id, why)
        if not is_open.get(entry.location_id, True):
            why = "By its timetable it never hands anything over."
            obstacles.add(ObstacleKind.CALENDAR_CLOSED, entry.location_id, why)
        days = [one.day for one in entry.timetable.exceptions]
        if days and max(days) < scene.now.date() and not entry.timetable.holiday_country:
            why = f"Its last exceptional day was {max(days)}, and it keeps no country's holidays."
            obstacles.add(ObstacleKind.CALENDAR_STALE, entry.location_id, why)
    countries = {
        area.country_code
        for lane in scene.book.lanes.values()
        if not lane.is_withdrawn
        for area in lane.destinations
        if area.country_code
    }
    for country in sorted(countries - set(known)):
        why = "Lanes lead there, and without positions its addresses are found nowhere."
        obstacles.add(ObstacleKind.COUNTRY_WITHOUT_POSTAL_CODES, country, why)


def look_at_destination(
    obstacles: Obstacles, scene: Scene, address: Address, place: Place | None
) -> None:
    """One that no table knows, or that no location reaches."""
    name = " ".join(filter(None, (address.country_code, address.region, address.postal_code)))
    if place is None:
        why = "No table knows the postal code."
        obstacles.add(ObstacleKind.POSTAL_CODE_UNKNOWN, name, why)
        return
    way = scene.book.towards(address, scene.costs.currency, scene.now, is_residential=True)
    why = "No location ships."
    for _, location in scene.shipping:
        km = distance_km(location.place, place)
        found = way.offers(origin_of(location), km)
        if found is None:
            if scene.costs.zone_at(km) is not None:
                return
            why = f"{km} km from {location.location_id} lie beyond the last zone."
        elif found.offers:
            return
        else:
            why = f"From {location.location_id}: {'; '.join(found.obstacles)}."
    obstacles.add(ObstacleKind.DESTINATION_UNREACHED, name, why)
