"""The sourcing problem of one order: what is wanted, who could ship it, and under which prices.

Everything is whole numbers and text, frozen and in canonical order, so that a problem has one
hash and one answer. ``ordermesh.routing.domain.building`` makes problems from friendlier words.
"""

import hashlib
import json
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cached_property, lru_cache

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.canonical import plain, written
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.rates import CostModel
from ordermesh.routing.domain.tariffs import Tariff
from ordermesh.routing.domain.terms import PLAIN, Tier

MODEL_VERSION = "sourcing-6"
"""Changes whenever the same problem could get another cost or mean something else."""

FREE = Money(0)


class Rule(StrEnum):
    """The hard rules: each takes a location, or some lines at it, away before anything is priced.

    They are tried in this order, and a location is recorded under the first that takes it away.
    """

    SWITCHED_OFF = "SWITCHED_OFF"
    NOT_ALLOWED = "NOT_ALLOWED"
    REJECTED_BEFORE = "REJECTED_BEFORE"
    FENCED = "FENCED"
    OUT_OF_REACH = "OUT_OF_REACH"
    PAST_PROMISE = "PAST_PROMISE"
    NO_CAPACITY = "NO_CAPACITY"
    NO_SERVICE = "NO_SERVICE"
    NOT_STOCKED = "NOT_STOCKED"


@dataclass(frozen=True, slots=True)
class Removal:
    """A location that a rule took away for some lines, with the fact that decided it.

    ``rule_id`` names the rule of the policy where it is one (``FENCED``).
    """

    rule: Rule
    location_id: str
    line_ids: tuple[str, ...]
    fact: str
    rule_id: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """So many units of one SKU inside one atom; weight and volume are those of one unit."""

    sku: str
    units: int
    weight_grams: int
    cubic_mm: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Interchangeable atoms of one line: what leaves from one location or stays unfilled together.

    A divisible line of five units is five atoms of one unit; an indivisible one is one atom of
    five; a kit is atoms of several parts. ``category`` decides with what it may share a parcel.
    """

    line_id: str
    parts: tuple[Part, ...]
    atoms: int
    category: str = ""

    @property
    def units(self) -> int:
        """Units of one atom, over all its parts."""
        return sum(part.units for part in self.parts)

    @property
    def grams(self) -> int:
        """Weight of one atom."""
        return sum(part.units * part.weight_grams for part in self.parts)

    @property
    def cubic_mm(self) -> int:
        """Volume of one atom."""
        return sum(part.units * part.cubic_mm for part in self.parts)

    def billable_grams(self, limit_grams: int) -> int:
        """Weight of one atom towards full parcels: a unit above the limit fills just one."""
        return sum(part.units * min(part.weight_grams, limit_grams) for part in self.parts)

    @property
    def name(self) -> tuple[str, str]:
        """What tells groups apart: the line, and the first SKU where a kit may be split."""
        return (self.line_id, self.parts[0].sku)


@dataclass(frozen=True, slots=True)
class Option:
    """A service by which parcels can go from a candidate to the destination.

    ``tariff`` is its place in the problem's tariffs. ``transit_days`` are the carrier's,
    ``days`` count from the order to the arrival. ``excluded_line_ids`` are lines that it does not
    carry, sorted.
    """

    service_id: str
    zone: int
    tariff: int
    transit_days: int
    days: int
    excluded_line_ids: tuple[str, ...] = ()


class AdjustmentKind(StrEnum):
    """What an amount is for that a rule, a forecast or a price adds to a location."""

    PREFERENCE = "PREFERENCE"
    MARKDOWN = "MARKDOWN"
    REJECT_RISK = "REJECT_RISK"
    STOCK_OUT = "STOCK_OUT"
    STOCK_PRICE = "STOCK_PRICE"
    LABOR_PRICE = "LABOR_PRICE"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """An amount for each unit of a line that leaves from here, or, without a line, once for all.

    A credit is negative.
    """

    kind: AdjustmentKind
    line_id: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Candidate:
    """A location that the rules left in, seen from the order's destination.

    ``options`` are the ways to send parcels, the preferred one of equals first; each parcel takes
    the one that is cheapest for it. ``capacity_units`` is what it can still ship today, None for no
    limit. ``available`` holds units by SKU that may be promised, sorted by SKU; a SKU that is not
    listed is not there. ``excluded_line_ids`` are lines it may not ship, sorted; the problem's
    removals say why. ``handling_per_shipment`` is charged once, ``labor_per_line`` for each order
    line of which anything leaves.

    Goods that are still to come make a candidate of their own, beside the one of what is in hand:
    ``available_from`` is the day by whose beginning (UTC) they are there, ``source_id`` the
    location, and ``location_id`` a name for both together.

    A hub is a candidate too, beside the location that it is (``source_id``): what it sends is
    brought by ``legs``, sorted by rank and id. Each is a location as it is seen from the hub, the
    hub itself among them where it has goods of its own; its options are the runs that bring its
    goods, of which all of them take one. Goods leave a location once, whoever sends them: what
    legs take is not there for the location itself, and neither is its capacity.
    """

    location_id: str
    rank: int
    distance_km: int
    options: tuple[Option, ...]
    pick_fee_per_parcel: Money
    labor_per_unit: Money
    capacity_units: int | None
    available: tuple[tuple[str, int], ...]
    excluded_line_ids: tuple[str, ...] = ()
    handling_per_shipment: Money = FREE
    adjustments: tuple[Adjustment, ...] = ()
    source_id: str = ""
    available_from: str = ""
    labor_per_line: Money = FREE
    legs: tuple["Candidate", ...] = ()

    @property
    def place_id(self) -> str:
        """The location that does the work."""
        return self.source_id or self.location_id


@dataclass(frozen=True)
class Problem:
    """Everything that decides how one order is sourced.

    Groups are sorted by name and candidates by rank, then id: the first candidate wins a tie.
    ``destination`` is no more than the vicinity: distances were measured before, and decisions are
    shown to strangers. ``promise_days`` counts from the order, None where nothing was promised.
    ``shipments_max`` limits the locations used, ``parcels_max`` the parcels of all of them. With
    ``all_or_nothing`` an order that cannot be filled whole ships nothing. ``apart`` are pairs of
    categories that share no parcel, each pair sorted. ``tiers`` say what is minimised, the first
    before all others. ``removals`` explain the problem and are no part of it: they do not enter
    the hash.

    Raises ``ValueError`` if a list is out of order or repeats a name, or a number is out of range.
    """

    order_id: str
    destination: Place
    groups: tuple[Group, ...]
    candidates: tuple[Candidate, ...]
    costs: CostModel
    tariffs: tuple[Tariff, ...]
    promise_days: int | None = None
    shipments_max: int | None = None
    all_or_nothing: bool = False
    parcels_max: int | None = None
    apart: tuple[tuple[str, str], ...] = ()
    tiers: tuple[Tier, ...] = PLAIN
    removals: tuple[Removal, ...] = ()

    def __post_init__(self) -> None:
        names = [(group.line_id, part.sku) for group in self.groups for part in group.parts]
        ranks = [(candidate.rank, candidate.location_id) for candidate in self.candidates]
        if not names or len(set(names)) != len(names):
            raise ValueError("an order has lines, and a line names a SKU once")
        if [group.name for group in self.groups] != sorted(group.name for group in self.groups):
            raise ValueError("groups must be sorted by line and SKU")
        if ranks != sorted(ranks) or len({name for _, name in ranks}) != len(ranks):
            raise ValueError("candidates must be sorted by rank and id, each once")
        if any(
            group.atoms <= 0
            or any(
                part.units <= 0 or part.weight_grams < 0 or part.cubic_mm < 0
                for part in group.parts
            )
            for group in self.groups
        ):
            raise ValueError("atoms and units are positive, weights not negative")
        if self.shipments_max is not None and self.shipments_max <= 0:
            raise ValueError("an order needs room for a shipment")
        if self.parcels_max is not None and self.parcels_max <= 0:
            raise ValueError("an order needs room for a parcel")
        for candidate in (*self.candidates, *self._legs):
            tariffs = [option.tariff for option in candidate.options]
            if not tariffs or not 0 <= min(tariffs) <= max(tariffs) < len(self.tariffs):
                raise ValueError("a candidate has options, each with a tariff of the problem")
        if not self.tiers:
            raise ValueError("something must be minimised")
        self._refuse_legs()

    def _refuse_legs(self) -> None:
        if not self._legs:
            return
        if any(leg.legs or not self._is_run(leg) for leg in self._legs):
            raise ValueError("legs are runs, which have none themselves")
        for candidate in self.candidates:
            places = [(leg.rank, leg.location_id) for leg in candidate.legs]
            if places != sorted(places) or len({name for _, name in places}) != len(places):
                raise ValueError("legs must be sorted by rank and id, each once")

    @cached_property
    def _legs(self) -> tuple[Candidate, ...]:
        return tuple(leg for candidate in self.candidates for leg in candidate.legs)

    def _is_run(self, leg: Candidate) -> bool:
        """Whether all of its options are charged by the run, by the unit, and by weight at most."""
        return all(self.tariffs[option.tariff].is_linear for option in leg.options)

    @cached_property
    def sources(self) -> tuple[Candidate, ...]:
        """Where goods come from, each once: candidates that are no hubs, and what legs add."""
        found = {one.location_id: one for one in self.candidates if not one.legs}
        for leg in self._legs:
            found.setdefault(leg.location_id, leg)
        return tuple(found.values())

    @cached_property
    def wanted(self) -> dict[str, int]:
        """Units of each SKU over all lines."""
        wanted: dict[str, int] = {}
        for group in self.groups:
            for part in group.parts:
                wanted[part.sku] = wanted.get(part.sku, 0) + part.units * group.atoms
        return wanted

    @cached_property
    def units(self) -> int:
        """Units of the whole order."""
        return sum(self.wanted.values())

    @cached_property
    def canonical(self) -> dict[str, object]:
        """The problem as plain dictionaries, lists, numbers and text, without its removals."""
        return {
            "model": MODEL_VERSION,
            **{name: plain(getattr(self, name)) for name in _CANONICAL},
        }

    @cached_property
    def hash(self) -> str:
        """SHA-256, in hexadecimal, of the canonical form as JSON with sorted keys."""
        texts = {"model": written(MODEL_VERSION)}
        for name in _CANONICAL - {"candidates", "costs"}:
            texts[name] = written(plain(getattr(self, name)))
        texts["costs"] = self.costs.canonical
        texts["candidates"] = f"[{','.join(map(_candidate_json, self.candidates))}]"
        text = ",".join(f'"{name}":{texts[name]}' for name in sorted(texts))
        return hashlib.sha256(f"{{{text}}}".encode()).hexdigest()


_CANONICAL = frozenset(field.name for field in fields(Problem)) - {"removals"}


def _list_json(names: tuple[str, ...]) -> str:
    return f"[{','.join(map(_quoted, names))}]"


_quoted = lru_cache(maxsize=50_000)(json.dumps)
"""Text as JSON: the same names come again and again."""


def _candidate_json(one: Candidate) -> str:
    """The candidate as ``written`` of its plain form, but faster: most of a problem is this."""
    available = ",".join(f"[{_quoted(sku)},{units}]" for sku, units in one.available)
    options = ",".join(map(_option_json, one.options))
    capacity = "null" if one.capacity_units is None else one.capacity_units
    return (
        f'{{"adjustments":{written(plain(one.adjustments)) if one.adjustments else "[]"}'
        f',"available":[{available}],"available_from":"{one.available_from}"'
        f',"capacity_units":{capacity}'
        f',"distance_km":{one.distance_km}'
        f',"excluded_line_ids":{_list_json(one.excluded_line_ids)}'
        f',"handling_per_shipment":{one.handling_per_shipment}'
        f',"labor_per_line":{one.labor_per_line}'
        f',"labor_per_unit":{one.labor_per_unit}'
        f',"legs":[{",".join(map(_candidate_json, one.legs)) if one.legs else ""}]'
        f',"location_id":{_quoted(one.location_id)}'
        f',"options":[{options}],"pick_fee_per_parcel":{one.pick_fee_per_parcel}'
        f',"rank":{one.rank},"source_id":{_quoted(one.source_id)}}}'
    )


def _option_json(one: Option) -> str:
    return (
        f'{{"days":{one.days},"excluded_line_ids":{_list_json(one.excluded_line_ids)}'
        f',"service_id":{_quoted(one.service_id)},"tariff":{one.tariff}'
        f',"transit_days":{one.transit_days},"zone":{one.zone}}}'
    )
