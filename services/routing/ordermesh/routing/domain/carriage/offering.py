"""What lanes offer an order's goods: services with prices, emissions, and the lines they carry."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.carriage.area import Address
from ordermesh.routing.domain.carriage.book import Offer, Offers, Way
from ordermesh.routing.domain.carriage.carrier import ServiceKey
from ordermesh.routing.domain.carriage.rate_card import Goods, Surcharge
from ordermesh.routing.domain.carriage.zone import Origin
from ordermesh.routing.domain.item import Item, KnownLocation
from ordermesh.routing.domain.sourcing import SourcingService
from ordermesh.routing.domain.tariffs import Tariff

PLUS = "+"
"""Stands between a service and the surcharges of the goods for which an option is."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of what a line is made of."""

    weight_grams: int
    cubic_mm: int
    goods: Goods


def unit_of(item: Item | None) -> Unit:
    """One unit of an item, as far as it is known."""
    if item is None:
        return Unit(0, 0, Goods())
    sides = item.size_millimetres or ()
    return Unit(item.weight_grams, cubic_mm(item), Goods(frozenset(item.handling), sides))


def cubic_mm(item: Item) -> int:
    """The volume of one unit; 0 where its size is not known."""
    return math.prod(item.size_millimetres) if item.size_millimetres else 0


def origin_of(location: KnownLocation) -> Origin:
    """A location as lanes and zone tables see it."""
    return Origin(
        location.location_id,
        frozenset(location.groups),
        Address(location.country_code, location.region, location.postal_code),
    )


@dataclass(frozen=True)
class Reach:
    """What a location is offered: ``services`` None where it has no lanes.

    ``why_not`` says why there is no service, for people.
    """

    services: tuple[SourcingService, ...] | None
    why_not: str = ""


NO_LANES = Reach(None)
"""What a location without lanes is offered."""


class Offering:
    """Asks the way to one address for every location, on behalf of one order's lines."""

    def __init__(
        self, way: Way, lines: Mapping[str, tuple[Unit, ...]], carbon_price_per_kg: Money
    ) -> None:
        self._way = way
        self._lines = lines
        self._carbon_price_per_kg = carbon_price_per_kg
        self._made: dict[tuple[str, ServiceKey, int, str], tuple[SourcingService, ...]] = {}
        self._reached: dict[tuple[object, ...], Reach] = {}

    def reach(self, origin: Origin, km: int, handling_days: int) -> Reach:
        """The services that go from an origin, with days counted from the order."""
        found = self._way.offers(origin, km)
        if found is None:
            return NO_LANES
        name = (handling_days, found.obstacles, *(offer.name for offer in found.offers))
        if name not in self._reached:
            self._reached[name] = self._reach(found, handling_days)
        return self._reached[name]

    def _reach(self, found: Offers, handling_days: int) -> Reach:
        services = [service for offer in found.offers for service in self._services(offer)]
        carrying = [one for one in services if not self._lines.keys() <= one.excluded_line_ids]
        return Reach(
            tuple(
                replace(one, days=handling_days + one.transit_days)
                for one in carrying or services[:1]
            ),
            "; ".join(found.obstacles),
        )

    def _services(self, offer: Offer) -> tuple[SourcingService, ...]:
        """One option for each set of surcharges that goods of the order bear.

        A parcel takes the cheapest option that carries all that is in it: the one with just the
        surcharges of its goods.
        """
        name = offer.name
        if name not in self._made:
            borne = {line_id: self._borne(offer, line_id) for line_id in self._lines}
            refused = {line_id for line_id in self._lines if not self._carries(offer, line_id)}
            self._made[name] = tuple(
                self._service(offer, charged, borne, refused)
                for charged in _unions(borne[one] for one in self._lines if one not in refused)
            ) or (self._service(offer, frozenset(), borne, refused),)
        return self._made[name]

    def _service(
        self,
        offer: Offer,
        charged: frozenset[Surcharge],
        borne: Mapping[str, frozenset[Surcharge]],
        refused: set[str],
    ) -> SourcingService:
        tariff = offer.tariff(tuple(charged), self._carbon_price_per_kg)
        marks = "".join(sorted(f"{PLUS}{one.kind}" for one in charged))
        excluded = {line_id for line_id, bears in borne.items() if not bears <= charged}
        return SourcingService(
            service_id=f"{offer.key}{marks}",
            zone=offer.zone,
            tariff=self._within_limit(tariff),
            transit_days=offer.transit.days,
            days=offer.transit.days,
            excluded_line_ids=frozenset(excluded | refused),
        )

    def _borne(self, offer: Offer, line_id: str) -> frozenset[Surcharge]:
        return frozenset(
            one for unit in self._lines[line_id] for one in offer.card.surcharges_for(unit.goods)
        )

    def _carries(self, offer: Offer, line_id: str) -> bool:
        service, rates = offer.service, offer.card.rates(offer.zone)
        most = None
        if rates is not None and rates.per_kg_beyond is None:
            most = rates.brackets[-1].up_to_grams
        tariff = offer.tariff((), self._carbon_price_per_kg)
        for unit in self._lines[line_id]:
            if not unit.goods.handling <= set(service.handling):
                return False
            side = max(unit.goods.sides_mm, default=0)
            if service.longest_side_mm_max and side > service.longest_side_mm_max:
                return False
            if most is not None and tariff.billable_grams(unit.weight_grams, unit.cubic_mm) > most:
                return False
        return True

    def _within_limit(self, tariff: Tariff) -> Tariff:
        """With a limit of weight under which no parcel of these goods is too voluminous either."""
        if tariff.grams_max is None or not tariff.cubic_mm_per_gram:
            return tariff
        limit = tariff.grams_max
        for units in self._lines.values():
            for unit in units:
                billed = tariff.billable_grams(unit.weight_grams, unit.cubic_mm)
                if 0 < unit.weight_grams < billed:
                    limit = min(limit, tariff.grams_max * unit.weight_grams // billed)
        return replace(tariff, grams_max=max(1, limit))


def _unions(sets: Iterable[frozenset[Surcharge]]) -> list[frozenset[Surcharge]]:
    """Every union of some of these sets, the smallest first."""
    found: set[frozenset[Surcharge]] = set()
    for one in sets:
        found |= {one, *(one | other for other in found)}
    return sorted(found, key=lambda one: (len(one), sorted(each.kind for each in one)))
