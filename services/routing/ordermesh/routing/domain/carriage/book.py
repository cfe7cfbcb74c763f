"""The book of carriage: everything that is in force, and what it offers an order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.carriage.area import Address
from ordermesh.routing.domain.carriage.carrier import (
    Carrier,
    EmissionFactor,
    Service,
    ServiceKey,
    ZoneTransit,
)
from ordermesh.routing.domain.carriage.conversion import Conversion
from ordermesh.routing.domain.carriage.currency import CurrencyRate, conversion
from ordermesh.routing.domain.carriage.lane import Lane, TransferLane
from ordermesh.routing.domain.carriage.rate_card import RateCard, Surcharge
from ordermesh.routing.domain.carriage.zone import Narrowed, Origin, ZoneTable
from ordermesh.routing.domain.tariffs import Tariff


@dataclass(frozen=True)
class Book:
    """The newest version of everything, by id; withdrawn ones too.

    ``revision`` counts how often carriage had changed when it was so.
    """

    carriers: Mapping[str, Carrier] = field(default_factory=dict)
    zone_tables: Mapping[str, ZoneTable] = field(default_factory=dict)
    rate_cards: Mapping[str, RateCard] = field(default_factory=dict)
    lanes: Mapping[str, Lane] = field(default_factory=dict)
    transfer_lanes: Mapping[str, TransferLane] = field(default_factory=dict)
    emission_factors: Mapping[str, EmissionFactor] = field(default_factory=dict)
    currency_rates: Mapping[str, CurrencyRate] = field(default_factory=dict)
    revision: int = 0

    def transfers(self, from_location_id: str, to_location_id: str) -> tuple[TransferLane, ...]:
        """The transfer lanes between two locations that are used, by id."""
        return self._transfers.get((from_location_id, to_location_id), ())

    def has_transfers_to(self, location_id: str) -> bool:
        """Whether any transfer lane ends there."""
        return any(to == location_id for _, to in self._transfers)

    @cached_property
    def _transfers(self) -> Mapping[tuple[str, str], tuple[TransferLane, ...]]:
        found: dict[tuple[str, str], tuple[TransferLane, ...]] = {}
        for _, lane in sorted(self.transfer_lanes.items()):
            if not lane.is_withdrawn:
                ends = (lane.from_location_id, lane.to_location_id)
                found[ends] = (*found.get(ends, ()), lane)
        return found

    def service(self, key: ServiceKey) -> Service | None:
        """A service, whether or not its carrier is withdrawn."""
        carrier = self.carriers.get(key.carrier_id)
        if carrier is None:
            return None
        for service in carrier.services:
            if service.service_id == key.service_id:
                return service
        return None

    def next_change(self, now: datetime) -> datetime | None:
        """When a price or a rate of exchange next begins or ends; None: never by itself."""
        edges = [one.effective_time for one in self.currency_rates.values()]
        for card in self.rate_cards.values():
            edges.append(card.valid_from)
            if card.valid_until is not None:
                edges.append(card.valid_until)
        return min((edge for edge in edges if edge > now), default=None)

    def towards(
        self, destination: Address, currency_code: str, now: datetime, *, is_residential: bool
    ) -> "Way":
        """What is offered to one address at one moment, in one currency."""
        return Way(self, destination, currency_code, now, is_residential)


NO_BOOK = Book()
"""Nothing of carriage is known."""


@dataclass(frozen=True)
class Offer:
    """A service that carries parcels from an origin to the address, and its prices.

    ``surcharges`` are those of every parcel to the address.
    """

    lane: Lane
    carrier: Carrier
    service: Service
    zone: int
    card: RateCard
    conversion: Conversion
    surcharges: tuple[Surcharge, ...]
    transit: ZoneTransit
    emission: EmissionFactor | None

    @property
    def key(self) -> ServiceKey:
        """The service's full name."""
        return self.card.service

    @property
    def name(self) -> tuple[str, ServiceKey, int, str]:
        """What tells it apart from others to the same address."""
        return (self.lane.lane_id, self.card.service, self.zone, self.card.rate_card_id)

    def tariff(self, more: tuple[Surcharge, ...], carbon_price_per_kg: Money) -> Tariff:
        """The prices of parcels whose goods bear more surcharges."""
        carbon = None if self.emission is None else self.emission.rates(carbon_price_per_kg)
        tariff = self.card.tariff(self.zone, (*self.surcharges, *more), self.conversion, carbon)
        if tariff is None:
            raise ValueError("what is offered has prices")
        return tariff


@dataclass(frozen=True)
class Offers:
    """What an origin is offered. ``obstacles`` say why others are not, for people."""

    offers: tuple[Offer, ...]
    obstacles: tuple[str, ...]


_Led = tuple[Lane, ServiceKey, Carrier, Service]
"""A service of a lane that leads to the destination."""


class Way:
    """The way to one address; it remembers what many origins ask alike."""

    def __init__(
        self,
        book: Book,
        destination: Address,
        currency_code: str,
        now: datetime,
        is_residential: bool,
    ) -> None:
        self._book = book
        self._destination = destination
        self._currency_code = currency_code
        self._now = now
        self._is_residential = is_residential
        self._tables: dict[str, Narrowed] = {}
        self._leading: dict[tuple[str, ...], tuple[tuple[_Led, ...], tuple[str, ...]]] = {}
        self._offers: dict[tuple[str, ServiceKey, int, str], Offer | str] = {}
        self._surcharges: dict[str, tuple[Surcharge, ...]] = {}
        self._conversions: dict[str, Conversion | None] = {}
        self._cards: dict[ServiceKey, list[RateCard]] = {}
        for card in sorted(book.rate_cards.values(), key=lambda one: one.rate_card_id):
            if card.is_valid(now):
                self._cards.setdefault(card.service, []).append(card)
        self._lanes: dict[str, list[Lane]] = {}
        for lane in book.lanes.values():
            if not lane.is_withdrawn:
                self._lanes.setdefault(lane.origin_id, []).append(lane)

    def offers(self, origin: Origin, km: int) -> Offers | None:
        """What the lanes of an origin offer; None when it has no lanes at all."""
        names = tuple(name for name in (origin.location_id, *origin.groups) if name in self._lanes)
        if not names:
            return None
        if names not in self._leading:
            self._leading[names] = self._led(names)
        leading, obstacles = self._leading[names]
        offers: list[Offer] = []
        told = list(obstacles)
        zones: dict[str, int | None] = {}
        for lane, key, carrier, service in leading:
            table = service.zone_table_id
            if table not in zones:
                zones[table] = self._table(table).zone(origin, km)
            offer = self._offer(lane, key, carrier, service, zones[table], self._card(key, origin))
            if isinstance(offer, str):
                told.append(f"{key}: {offer}")
            else:
                offers.append(offer)
        return Offers(tuple(offers), tuple(told))

    def _led(self, names: tuple[str, ...]) -> tuple[tuple[_Led, ...], tuple[str, ...]]:
        """The services of the lanes of these origins that lead there, and why others do not."""
        mine = sorted(
            (lane for name in names for lane in self._lanes[name]), key=lambda lane: lane.lane_id
        )
        found: dict[ServiceKey, _Led] = {}
        obstacles: list[str] = []
        for lane in mine:
            if not lane.leads_to(self._destination):
                continue
            for key in lane.services:
                carrier = self._book.carriers.get(key.carrier_id)
                service = self._book.service(key)
                if carrier is None or service is None or carrier.is_withdrawn:
                    obstacles.append(f"{key}: it is withdrawn")
                else:
                    found.setdefault(key, (lane, key, carrier, service))
        if not found and not obstacles:
            obstacles.append("none of its lanes leads there")
        return tuple(found[key] for key in sorted(found)), tuple(obstacles)

    def _offer(
        self,
        lane: Lane,
        key: ServiceKey,
        carrier: Carrier,
        service: Service,
        zone: int | None,
        card: RateCard | None,
    ) -> Offer | str:
        """The offer of a service, or why there is none."""
        if zone is None:
            return "its zone table does not lead there"
        if card is None:
            return "it has no rate card that is valid now"
        name = (lane.lane_id, key, zone, card.rate_card_id)
        if name not in self._offers:
            self._offers[name] = self._make(lane, carrier, service, zone, card)
        return self._offers[name]

    def _make(
        self, lane: Lane, carrier: Carrier, service: Service, zone: int, card: RateCard
    ) -> Offer | str:
        changed = self._conversion(card.currency_code)
        if changed is None:
            return f"nobody knows what {card.currency_code} is in {self._currency_code}"
        transit = service.transit_into(zone)
        if card.rates(zone) is None or transit is None:
            return f"it does not serve zone {zone}"
        return Offer(
            lane,
            carrier,
            service,
            zone,
            card,
            changed,
            self._charged(card),
            transit,
            self._book.emission_factors.get(service.emission_factor_id),
        )

    def _table(self, name: str) -> Narrowed:
        if name not in self._tables:
            table = self._book.zone_tables.get(name, ZoneTable(name, ()))
            self._tables[name] = table.towards(self._destination)
        return self._tables[name]

    def _card(self, key: ServiceKey, origin: Origin) -> RateCard | None:
        cards = self._cards.get(key, ())
        if len(cards) == 1 and not cards[0].origins:
            return cards[0]
        best: RateCard | None = None
        fit = -1
        for card in cards:
            if card.fit(origin) > fit:
                best, fit = card, card.fit(origin)
        return best

    def _conversion(self, given: str) -> Conversion | None:
        if given not in self._conversions:
            rates = self._book.currency_rates.values()
            self._conversions[given] = conversion(rates, self._currency_code, given, self._now)
        return self._conversions[given]

    def _charged(self, card: RateCard) -> tuple[Surcharge, ...]:
        name = card.rate_card_id
        if name not in self._surcharges:
            self._surcharges[name] = card.surcharges_of(
                self._destination, is_residential=self._is_residential
            )
        return self._surcharges[name]
