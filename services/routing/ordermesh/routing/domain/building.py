"""From an order, a network, a policy and stock to a problem, with every removal recorded."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ordermesh.routing.domain.costs import require_amounts_fit
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.domain.geography import Place, distance_km
from ordermesh.routing.domain.grouping import groups_of, refuse_repeated
from ordermesh.routing.domain.problem import (
    Candidate,
    Group,
    Option,
    Problem,
    Removal,
    Rule,
)
from ordermesh.routing.domain.sourcing import (
    ZONE_SERVICE,
    Rejection,
    SourcingLocation,
    SourcingOrder,
    SourcingPolicy,
    SourcingService,
)
from ordermesh.routing.domain.tariffs import Tariff, zone_tariff

NOTHING = "available 0"
"""The fact about a location that has none of an item."""


def build_problem(
    order: SourcingOrder,
    network: Iterable[SourcingLocation],
    policy: SourcingPolicy,
    stock: Mapping[str, Mapping[str, int]],
    rejections: Iterable[Rejection] = (),
) -> Problem:
    """The problem of sourcing this order now; ``stock`` is units by location id, then SKU.

    Raises ``FieldViolation`` without lines or locations, for a number out of range, or when the
    amounts are too large to add up; ``DuplicateEntry`` for a repeated line, component or location.
    """
    groups = groups_of(order)
    locations = sorted(network, key=lambda location: (location.rank, location.location_id))
    if not locations:
        raise FieldViolation("locations", "min_items", "There is no location to consider.")
    refuse_repeated("locations", (location.location_id for location in locations))
    rejected = _rejected(rejections)
    scene = _Scene(order.destination, policy, groups)
    candidates: list[Candidate] = []
    removals: list[Removal] = []
    for location in locations:
        held = stock.get(location.location_id, {})
        available = {sku: held[sku] for sku in scene.skus if held.get(sku, 0) > 0}
        legs: tuple[Candidate, ...] = ()
        if location.legs:
            legs = scene.legs(location, stock, rejected)
            available = _brought(scene.skus, legs)
        candidate, removed = scene.consider(
            location, available, rejected.get(location.location_id, {})
        )
        if candidate is not None and location.legs:
            candidate = replace(candidate, legs=legs)
        removals.extend(removed)
        if candidate is not None:
            candidates.append(candidate)
    problem = Problem(
        order_id=order.order_id,
        destination=order.destination.vicinity,
        groups=groups,
        candidates=tuple(candidates),
        costs=policy.costs,
        tariffs=tuple(scene.tariffs),
        promise_days=policy.promise_days,
        shipments_max=policy.shipments_max,
        all_or_nothing=policy.all_or_nothing,
        parcels_max=policy.parcels_max,
        apart=policy.apart,
        tiers=policy.tiers,
        removals=tuple(removals),
    )
    require_amounts_fit(problem)
    return problem


def _brought(skus: Iterable[str], legs: Iterable[Candidate]) -> dict[str, int]:
    """What can be brought to a hub in all."""
    held = [dict(leg.available) for leg in legs]
    units = {sku: sum(one.get(sku, 0) for one in held) for sku in skus}
    return {sku: number for sku, number in units.items() if number}


def _rejected(rejections: Iterable[Rejection]) -> dict[str, dict[str, Rejection]]:
    """By location: the first rejection by line, the empty line standing for all of them."""
    by_location: dict[str, dict[str, Rejection]] = {}
    for rejection in rejections:
        lines = by_location.setdefault(rejection.location_id, {})
        for line_id in sorted(rejection.line_ids) or [""]:
            lines.setdefault(line_id, rejection)
    return by_location


class _Gone(Exception):
    """A rule takes a location away for the whole order."""

    def __init__(self, rule: Rule, fact: str, rule_id: str = "") -> None:
        super().__init__(fact)
        self.rule, self.fact, self.rule_id = rule, fact, rule_id


class _Scene:
    """One order under one policy, against which locations are held one after the other."""

    def __init__(
        self, destination: Place, policy: SourcingPolicy, groups: tuple[Group, ...]
    ) -> None:
        self._destination = destination
        self._policy = policy
        self._groups = groups
        self._lines = tuple(dict.fromkeys(group.line_id for group in groups))
        self.skus = sorted({part.sku for group in groups for part in group.parts})
        self._needs = {group.name: {part.sku for part in group.parts} for group in groups}
        self.tariffs: dict[Tariff, int] = {}
        self._of_zones: dict[tuple[int, int], tuple[SourcingService, ...]] = {}
        self._offers: dict[int, tuple[tuple[SourcingService, ...], tuple[Option, ...]]] = {}

    def consider(
        self,
        location: SourcingLocation,
        available: Mapping[str, int],
        rejected: Mapping[str, Rejection],
    ) -> tuple[Candidate | None, list[Removal]]:
        """The location as a candidate, or None, and what the rules took away."""
        location_id, lines = location.location_id, self._lines
        try:
            distance = self._reached(location, rejected)
            options = self._options(location, distance)
            self._require_room(location)
        except _Gone as gone:
            return None, [Removal(gone.rule, location_id, lines, gone.fact, gone.rule_id)]
        if not available and not rejected:
            # Most locations of most orders.
            return None, [Removal(Rule.NOT_STOCKED, location_id, lines, NOTHING)]

        removals, excluded = self._forbidden(location_id, options, rejected)
        if len(available) < len(self.skus):
            missing = [one for one in self._groups if not available.keys() >= self._needs[one.name]]
            short = tuple(dict.fromkeys(group.line_id for group in missing))
            removals.append(Removal(Rule.NOT_STOCKED, location_id, short, NOTHING))
            if all(one in missing or one.line_id in excluded for one in self._groups):
                return None, removals
        elif excluded and excluded.issuperset(lines):
            return None, removals
        candidate = Candidate(
            location_id=location_id,
            rank=location.rank,
            distance_km=distance,
            options=self._offered(options),
            pick_fee_per_parcel=location.pick_fee_per_parcel,
            labor_per_unit=location.labor_per_unit,
            capacity_units=location.capacity_units,
            available=tuple(available.items()),
            excluded_line_ids=tuple(sorted(excluded)),
            handling_per_shipment=location.handling_per_shipment,
            adjustments=location.adjustments,
            source_id=location.source_id,
            available_from=location.available_from,
            labor_per_line=location.labor_per_line,
        )
        return candidate, removals

    def legs(
        self,
        hub: SourcingLocation,
        stock: Mapping[str, Mapping[str, int]],
        rejected: Mapping[str, Mapping[str, Rejection]],
    ) -> tuple[Candidate, ...]:
        """The locations that can bring something to a hub; what keeps them out is told of them."""
        found = []
        for leg in sorted(hub.legs, key=lambda one: (one.rank, one.location_id)):
            held = stock.get(leg.location_id, {})
            available = {sku: held[sku] for sku in self.skus if held.get(sku, 0) > 0}
            refused = rejected.get(leg.location_id, {})
            if available and "" not in refused:
                candidate, _ = self.consider(leg, available, refused)
                if candidate is not None:
                    km = distance_km(leg.place, hub.place)
                    found.append(replace(candidate, distance_km=km))
        return tuple(found)

    def _forbidden(
        self,
        location_id: str,
        options: tuple[SourcingService, ...],
        rejected: Mapping[str, Rejection],
    ) -> tuple[list[Removal], set[str]]:
        """The lines that may not leave from here, and what says so."""
        removals: list[Removal] = []
        excluded: set[str] = set()
        for line_id in self._lines if rejected else ():
            one = rejected.get(line_id)
            if one is not None:
                removals.append(Removal(one.rule, location_id, (line_id,), one.fact, one.rule_id))
                excluded.add(line_id)
        if all(one.excluded_line_ids for one in options):
            carried_by_none = frozenset.intersection(*(one.excluded_line_ids for one in options))
            for line_id in sorted(carried_by_none.intersection(self._lines) - excluded):
                fact = "no service carries it"
                removals.append(Removal(Rule.NO_SERVICE, location_id, (line_id,), fact))
                excluded.add(line_id)
        return removals, excluded

    def _reached(self, location: SourcingLocation, rejected: Mapping[str, Rejection]) -> int:
        """How far it is, unless a rule takes it away before that matters."""
        allowed = self._policy.allowed_location_ids
        if not location.active:
            raise _Gone(Rule.SWITCHED_OFF, "the location is not active")
        if not location.ships:
            raise _Gone(Rule.SWITCHED_OFF, location.why_off or "shipping is switched off")
        if allowed is not None and location.location_id not in allowed:
            raise _Gone(Rule.NOT_ALLOWED, f"not among the {len(allowed)} locations allowed")
        if "" in rejected:
            one = rejected[""]
            raise _Gone(one.rule, one.fact, one.rule_id)
        return distance_km(location.place, self._destination)

    def _options(self, location: SourcingLocation, distance: int) -> tuple[SourcingService, ...]:
        """The services that reach the destination, in time where the promise is hard."""
        services = location.services
        if services is None:
            services = self._by_zone(location, distance)
        if not services:
            fact = location.why_unreached or "no service goes from here to the destination"
            raise _Gone(Rule.OUT_OF_REACH, fact)
        hard = self._policy.promise_days if self._policy.promise_is_hard else None
        promise = min((one for one in (hard, location.days_max) if one is not None), default=None)
        if promise is None:
            return services
        latest = promise + self._policy.more_days
        in_time = tuple(service for service in services if service.days <= latest)
        if not in_time:
            soonest = min(service.days for service in services)
            later = f" and allowed {latest - promise} later" if latest > promise else ""
            fact = f"arrives after {soonest} days, promised in {promise}{later}"
            raise _Gone(Rule.PAST_PROMISE, fact)
        return in_time if len(in_time) < len(services) else services

    def _by_zone(self, location: SourcingLocation, distance: int) -> tuple[SourcingService, ...]:
        costs = self._policy.costs
        zone = costs.zone_at(distance)
        if zone is None:
            raise _Gone(Rule.OUT_OF_REACH, f"{distance} km lie beyond the last zone")
        days = location.handling_days + zone.transit_days
        name = (zone.zone, days)
        if name not in self._of_zones:
            tariff = zone_tariff(costs, zone)
            service = SourcingService(ZONE_SERVICE, zone.zone, tariff, zone.transit_days, days)
            self._of_zones[name] = (service,)
        return self._of_zones[name]

    def _require_room(self, location: SourcingLocation) -> None:
        if location.capacity_units is not None and location.capacity_units <= 0:
            raise _Gone(Rule.NO_CAPACITY, location.capacity_fact or "0 units left today")

    def _offered(self, services: tuple[SourcingService, ...]) -> tuple[Option, ...]:
        """The services as options; locations in one zone share theirs."""
        known = self._offers.get(id(services))
        if known is None:
            # The services are kept too, so that nothing else gets their place in memory.
            known = self._offers[id(services)] = (services, tuple(map(self._option, services)))
        return known[1]

    def _option(self, service: SourcingService) -> Option:
        place = self.tariffs.setdefault(service.tariff, len(self.tariffs))
        excluded = sorted(service.excluded_line_ids.intersection(self._lines))
        return Option(
            service.service_id,
            service.zone,
            place,
            service.transit_days,
            service.days,
            tuple(excluded),
        )
