"""From an order, a network, a policy and stock to a problem, with every removal recorded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.costs import require_amounts_fit
from ordermesh.routing.domain.errors.requests import DuplicateEntry, FieldViolation
from ordermesh.routing.domain.geography import Place, distance_km
from ordermesh.routing.domain.problem import Candidate, Group, Part, Problem, Removal, Rule
from ordermesh.routing.domain.rates import CostModel, ZoneRates

NOTHING = "available 0"
"""The fact about a location that has none of an item."""


@dataclass(frozen=True, slots=True)
class SourcingComponent:
    """So many units of a SKU in one kit; the weight is that of one unit."""

    sku: str
    quantity: int
    weight_grams: int = 0


@dataclass(frozen=True, slots=True)
class SourcingLine:
    """A line as ordered: a quantity of a SKU, whose units weigh so much each.

    Units of a ``divisible`` line may leave from different locations. A line with ``components``
    is for a kit; those of one kit leave together unless ``components_may_split``.
    """

    line_id: str
    sku: str
    quantity: int
    weight_grams: int = 0
    divisible: bool = False
    components: tuple[SourcingComponent, ...] = ()
    components_may_split: bool = False


@dataclass(frozen=True, slots=True)
class SourcingOrder:
    """What is to be sourced, and where it goes."""

    order_id: str
    lines: tuple[SourcingLine, ...]
    destination: Place


@dataclass(frozen=True, slots=True)
class SourcingLocation:
    """A location as sourcing sees it: a lower ``rank`` comes first in lists and wins ties.

    ``capacity_units`` is what is left of today's capacity, None for no limit. ``why_off`` says why
    it does not ship.
    """

    location_id: str
    place: Place
    rank: int
    pick_fee_per_parcel: Money
    labor_per_unit: Money
    handling_days: int
    capacity_units: int | None = None
    active: bool = True
    ships: bool = True
    why_off: str = ""


@dataclass(frozen=True, slots=True)
class SourcingPolicy:
    """The prices and limits that an order is sourced under.

    ``allowed_location_ids`` of None allows every location. ``promise_is_hard`` takes locations
    away that would be late; otherwise late days are only charged.
    """

    costs: CostModel
    promise_days: int | None = None
    promise_is_hard: bool = False
    shipments_max: int | None = None
    all_or_nothing: bool = False
    allowed_location_ids: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A location that refused some lines of this order before; no lines means all of them."""

    location_id: str
    line_ids: frozenset[str]
    fact: str


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
    groups = _groups(order)
    locations = sorted(network, key=lambda location: (location.rank, location.location_id))
    if not locations:
        raise FieldViolation("locations", "min_items", "There is no location to consider.")
    _refuse_repeated("locations", (location.location_id for location in locations))
    rejected = _rejected(rejections)
    lines = tuple(dict.fromkeys(group.line_id for group in groups))
    skus = sorted({part.sku for group in groups for part in group.parts})
    candidates: list[Candidate] = []
    removals: list[Removal] = []
    for location in locations:
        held = stock.get(location.location_id, {})
        available = {sku: held[sku] for sku in skus if held.get(sku, 0) > 0}
        candidate, removed = _consider(
            location,
            distance_km(location.place, order.destination),
            policy,
            groups,
            lines,
            available,
            rejected.get(location.location_id, {}),
        )
        removals.extend(removed)
        if candidate is not None:
            candidates.append(candidate)
    problem = Problem(
        order_id=order.order_id,
        destination=order.destination,
        groups=groups,
        candidates=tuple(candidates),
        costs=policy.costs,
        promise_days=policy.promise_days,
        shipments_max=policy.shipments_max,
        all_or_nothing=policy.all_or_nothing,
        removals=tuple(removals),
    )
    require_amounts_fit(problem)
    return problem


def _groups(order: SourcingOrder) -> tuple[Group, ...]:
    """The lines as groups of atoms, in canonical order."""
    if not any(line.quantity > 0 for line in order.lines):
        sentence = "The order has no line of positive quantity."
        raise FieldViolation("lines", "min_items", sentence)
    _refuse_repeated("lines.line_id", (line.line_id for line in order.lines))
    groups: list[Group] = []
    for line in order.lines:
        parts = line.components or (SourcingComponent(line.sku, 1, line.weight_grams),)
        if line.quantity <= 0 or any(part.quantity <= 0 for part in parts):
            sentence = f"A quantity of line {line.line_id} is not positive."
            raise FieldViolation("lines.quantity", "gt", sentence)
        if any(part.weight_grams < 0 for part in parts):
            sentence = f"A weight of line {line.line_id} is negative."
            raise FieldViolation("lines.weight_grams", "gte", sentence)
        _refuse_repeated("lines.components.sku", (part.sku for part in parts))
        groups.extend(_groups_of(line, parts))
    return tuple(sorted(groups, key=lambda group: group.name))


def _refuse_repeated(field: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise DuplicateEntry(field, value)
        seen.add(value)


def _groups_of(line: SourcingLine, parts: tuple[SourcingComponent, ...]) -> list[Group]:
    """One group for the line, or one for each component where the kit may be split."""
    if line.components and line.components_may_split:
        return [_alone(line, part) for part in parts]
    atoms, per_atom = (line.quantity, 1) if line.divisible else (1, line.quantity)
    ordered = sorted(parts, key=lambda part: part.sku)
    together = tuple(
        Part(part.sku, part.quantity * per_atom, part.weight_grams) for part in ordered
    )
    return [Group(line.line_id, together, atoms)]


def _alone(line: SourcingLine, part: SourcingComponent) -> Group:
    """A component that may leave without the rest of its kit, as a group of its own."""
    units = part.quantity * line.quantity
    atoms, per_atom = (units, 1) if line.divisible else (1, units)
    return Group(line.line_id, (Part(part.sku, per_atom, part.weight_grams),), atoms)


def _rejected(rejections: Iterable[Rejection]) -> dict[str, dict[str, str]]:
    """By location: the fact by line, the empty line standing for all of them."""
    by_location: dict[str, dict[str, str]] = {}
    for rejection in rejections:
        lines = by_location.setdefault(rejection.location_id, {})
        for line_id in sorted(rejection.line_ids) or [""]:
            lines[line_id] = rejection.fact
    return by_location


def _consider(
    location: SourcingLocation,
    distance: int,
    policy: SourcingPolicy,
    groups: tuple[Group, ...],
    lines: tuple[str, ...],
    available: Mapping[str, int],
    rejected: Mapping[str, str],
) -> tuple[Candidate | None, list[Removal]]:
    """The location as a candidate, or None, and what the rules took away."""
    location_id = location.location_id
    zone = _zone_unless_removed(location, policy, distance, rejected)
    if not isinstance(zone, ZoneRates):
        return None, [Removal(zone[0], location_id, lines, zone[1])]
    if not available and not rejected:
        # Most locations of most orders.
        return None, [Removal(Rule.NOT_STOCKED, location_id, lines, NOTHING)]

    excluded = tuple(line_id for line_id in lines if line_id in rejected)
    removals = [
        Removal(Rule.REJECTED_BEFORE, location_id, (line_id,), rejected[line_id])
        for line_id in excluded
    ]
    missing = [g for g in groups if any(part.sku not in available for part in g.parts)]
    if missing:
        short = tuple(dict.fromkeys(group.line_id for group in missing))
        removals.append(Removal(Rule.NOT_STOCKED, location_id, short, NOTHING))
    gone = {group.name for group in missing}
    if all(group.name in gone or group.line_id in excluded for group in groups):
        return None, removals
    candidate = Candidate(
        location_id=location_id,
        rank=location.rank,
        zone=zone.zone,
        distance_km=distance,
        transit_days=zone.transit_days,
        handling_days=location.handling_days,
        pick_fee_per_parcel=location.pick_fee_per_parcel,
        labor_per_unit=location.labor_per_unit,
        capacity_units=location.capacity_units,
        available=tuple(available.items()),
        excluded_line_ids=excluded,
    )
    return candidate, removals


def _zone_unless_removed(
    location: SourcingLocation, policy: SourcingPolicy, distance: int, rejected: Mapping[str, str]
) -> ZoneRates | tuple[Rule, str]:
    """The zone, or the first rule that takes the whole location away and the fact that did."""
    allowed, promise = policy.allowed_location_ids, policy.promise_days
    if not location.active:
        return Rule.SWITCHED_OFF, "the location is not active"
    if not location.ships:
        return Rule.SWITCHED_OFF, location.why_off or "shipping is switched off"
    if allowed is not None and location.location_id not in allowed:
        return Rule.NOT_ALLOWED, f"not among the {len(allowed)} locations allowed"
    if "" in rejected:
        return Rule.REJECTED_BEFORE, rejected[""]
    zone = policy.costs.zone_at(distance)
    if zone is None:
        return Rule.OUT_OF_REACH, f"{distance} km lie beyond the last zone"
    days = location.handling_days + zone.transit_days
    if policy.promise_is_hard and promise is not None and days > promise:
        return Rule.PAST_PROMISE, f"arrives after {days} days, promised in {promise}"
    if location.capacity_units is not None and location.capacity_units <= 0:
        return Rule.NO_CAPACITY, f"{location.capacity_units} units left today"
    return zone
