"""How a question is put to the solver: what is known of each location, as the rules leave it."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from itertools import combinations

from ordermesh.routing.domain.additions import Additions, additions
from ordermesh.routing.domain.collecting import unparcelled
from ordermesh.routing.domain.coming import Coming, name_of
from ordermesh.routing.domain.consolidating import hubs
from ordermesh.routing.domain.errors.policy import CurrencyMismatch
from ordermesh.routing.domain.foresight.prices import with_charges
from ordermesh.routing.domain.goods import sourcing_lines
from ordermesh.routing.domain.inputs import SourcingInputs
from ordermesh.routing.domain.item import KnownLocation
from ordermesh.routing.domain.known import NO_LIMIT, Known
from ordermesh.routing.domain.network import NetworkLocation
from ordermesh.routing.domain.problem import Rule
from ordermesh.routing.domain.question import Question, Units
from ordermesh.routing.domain.relaxing import fenced, sourcing_policy
from ordermesh.routing.domain.rules.result import ServiceChange
from ordermesh.routing.domain.serving import changes_by_location, served, zone_charge
from ordermesh.routing.domain.sourcing import Rejection, SourcingLocation, SourcingOrder
from ordermesh.routing.domain.stages import NO_RULES, Ruled
from ordermesh.routing.domain.standing import days_max, reject_risk, units_left
from ordermesh.routing.domain.terms import in_hand_first
from ordermesh.routing.domain.ways import Way, ways_of

_LAST = 1_000_001
"""The rank of locations that have none: behind every priority."""


def frame(
    question: Question,
    known: Known,
    available: Units,
    ruled: Ruled = NO_RULES,
    coming: Sequence[Coming] = (),
) -> SourcingInputs:
    """What the question is decided from, as the rules leave it, and what is still ``coming``.

    Raises ``CurrencyMismatch`` when policy and network are in different currencies.
    """
    stock = stock_for(question, available)
    limits = ruled.evaluation.limits
    line_ids = {one.line.line_id for one in question.wanted}
    added = additions(ruled.evaluation, line_ids)
    scene = _Scene(question, known, ruled, _priced(added, question, known))
    ways = ways_of(question, known, ruled, stock)
    locations = []
    rejections = [
        *_not_allowed(question, stock),
        *_rejections(question.rejected),
        *fenced(line_ids, ruled),
    ]
    for entry in known.network:
        place = known.locations.get(entry.location_id)
        if place is None:
            continue
        if entry.currency_code != known.policy.currency_code:
            raise CurrencyMismatch(known.policy.currency_code, entry.currency_code)
        locations.append(scene.location(entry, place, ways(entry, place, known.now)))
        for one in coming:
            brought = _brought(question, one, entry.location_id)
            if brought:
                later = scene.later(entry, place, ways(entry, place, one.there_time), one.day)
                stock[later.location_id] = brought
                locations.append(later)
                rejections.extend(_likewise(rejections, later))
    for hub in hubs(question, known, limits.hubs, stock, scene.location):
        locations.append(hub)
        passing = [one for one in rejections if not one.is_of_stock]
        rejections.extend(_likewise(passing, hub))
    order = SourcingOrder(
        question.order_id,
        tuple(line for one in question.wanted for line in sourcing_lines(one, known.items, limits)),
        question.place,
    )
    policy = sourcing_policy(known.policy, known.policy.costs, question.promise_days, ruled)
    categories = sorted({line.category for line in order.lines})
    policy = replace(policy, apart=tuple(combinations(categories, 2)))
    if question.pickup is not None:
        policy = unparcelled(policy)
    if coming:
        policy = replace(policy, tiers=in_hand_first(policy.tiers))
    return SourcingInputs(order, tuple(locations), policy, _needed(stock, order), tuple(rejections))


def _priced(added: Additions, question: Question, known: Known) -> Additions:
    """What rules add, and what the prices in force do."""
    charges = known.prices.charges(question.wanted)
    by_location = {
        name: with_charges(added.by_location.get(name, ()), charges.get(name, ()))
        for name in {*added.by_location, *charges}
    }
    return replace(added, by_location=by_location)


@dataclass(frozen=True)
class _Scene:
    """What all locations are seen by."""

    question: Question
    known: Known
    ruled: Ruled
    added: Additions

    @cached_property
    def changes(self) -> Mapping[str, list[ServiceChange]]:
        """What rules change of services, by location."""
        return changes_by_location(self.ruled.evaluation)

    def location(self, entry: NetworkLocation, place: KnownLocation, way: Way) -> SourcingLocation:
        """A location with what is in hand."""
        if not self._is_at_rest(entry, way):
            return self._seen(entry, place, way)
        name = (entry.location_id, way.days)
        found = self.known.at_rest.get(name)
        if found is None:
            found = self.known.at_rest[name] = self._seen(entry, place, way)
        return found

    def _is_at_rest(self, entry: NetworkLocation, way: Way) -> bool:
        """Whether the location looks the same in every question, but for its days."""
        name, added = entry.location_id, self.added
        return (
            way.services is None
            and way.room is NO_LIMIT
            and not way.why_off
            and self.question.promise is None
            and not entry.reject_permille
            and name not in self.changes
            and name not in added.by_location
            and name not in added.per_parcel
        )

    def _seen(self, entry: NetworkLocation, place: KnownLocation, way: Way) -> SourcingLocation:
        name, known = entry.location_id, self.known
        changed = self.changes.get(name, [])
        services, why_unreached = served(way.services, way.why_unreached, changed, known.carriers)
        return SourcingLocation(
            location_id=name,
            place=place.place,
            rank=entry.priority or _LAST,
            pick_fee_per_parcel=self.added.pick_fee(
                entry, zone_charge(changed) if services is None else 0
            ),
            labor_per_unit=entry.labor_cost_per_unit,
            labor_per_line=entry.labor_cost_per_line,
            handling_days=way.days,
            days_max=days_max(self.question.promise, way.time_zone, known.now),
            capacity_units=units_left(entry, way.room, self.ruled),
            capacity_fact=way.room.fact,
            adjustments=(
                *self.added.by_location.get(name, ()),
                *reject_risk(entry, known.policy),
            ),
            active=not place.is_disabled,
            ships=not way.why_off,
            why_off=way.why_off,
            services=services,
            why_unreached=why_unreached,
        )

    def later(
        self, entry: NetworkLocation, place: KnownLocation, way: Way, day: date
    ) -> SourcingLocation:
        """A location with what comes by a day, on which its windows of capacity are others."""
        return replace(
            self.location(entry, place, way),
            location_id=name_of(entry.location_id, day, self.known.locations),
            capacity_units=None,
            capacity_fact="",
            source_id=entry.location_id,
            available_from=day.isoformat(),
        )


def _brought(question: Question, coming: Coming, location_id: str) -> dict[str, int]:
    """What a day brings a location, but for items of which the ledger had less than was asked."""
    short = {cap.sku for cap in question.caps if cap.location_id == location_id}
    units = coming.units.get(location_id, {})
    return {sku: number for sku, number in units.items() if sku not in short}


def _likewise(rejections: Iterable[Rejection], later: SourcingLocation) -> list[Rejection]:
    """What keeps a location out keeps out what comes to it."""
    return [
        replace(one, location_id=later.location_id)
        for one in rejections
        if one.location_id == later.source_id
    ]


def stock_for(question: Question, available: Units) -> dict[str, dict[str, int]]:
    """Available units, with what the order holds in place, and no more than the ledger admits."""
    stock = {location: dict(units) for location, units in available.items()}
    for held in question.kept:
        units = stock.setdefault(held.location_id, {})
        units[held.sku] = units.get(held.sku, 0) + held.quantity
    for cap in question.caps:
        units = stock.get(cap.location_id, {})
        if cap.sku in units:
            units[cap.sku] = min(units[cap.sku], cap.available)
    return stock


def with_untracked(
    units: Units, kept_at: Mapping[str, Set[str]], wanted: Mapping[str, int]
) -> dict[str, dict[str, int]]:
    """The stock with as much as is wanted of untracked items where they are kept, else nothing."""
    stock = {location: dict(held) for location, held in units.items()}
    for sku, locations in kept_at.items():
        for held in stock.values():
            held.pop(sku, None)
        for location_id in locations:
            stock.setdefault(location_id, {})[sku] = wanted[sku]
    return stock


def _needed(stock: Units, order: SourcingOrder) -> dict[str, dict[str, int]]:
    """The stock of what the order wants, where there is any: all that a decision looks at."""
    skus = {line.sku for line in order.lines}
    skus |= {part.sku for line in order.lines for part in line.components}
    found: dict[str, dict[str, int]] = {}
    for location_id, units in stock.items():
        held = {sku: units[sku] for sku in skus & units.keys() if units[sku] > 0}
        if held:
            found[location_id] = held
    return found


def _not_allowed(question: Question, stock: Units) -> list[Rejection]:
    """The locations that have something, and of which the order says that they send nothing."""
    traits = question.context.traits
    if not traits.named_locations:
        return []
    return [
        Rejection(location_id, frozenset(), fact, Rule.NOT_ALLOWED)
        for location_id in sorted({*stock, *traits.excluded_location_ids})
        if (fact := traits.why_not(location_id))
    ]


def _rejections(rejected: Iterable[tuple[str, str, str]]) -> list[Rejection]:
    return [
        Rejection(location_id, frozenset({line_id}), f"rejected before: {reason}")
        for location_id, line_id, reason in rejected
    ]
