"""The sourcing problem of one order: what is wanted, who could ship it, and under which prices.

Everything is whole numbers and text, frozen and in canonical order, so that a problem has one
hash and one answer. ``ordermesh.routing.domain.building`` makes problems from friendlier words.
"""

import hashlib
import json
from dataclasses import astuple, dataclass
from enum import StrEnum
from functools import cached_property

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.rates import CostModel

MODEL_VERSION = "sourcing-1"
"""Changes whenever the same problem could get another cost or mean something else."""


class Rule(StrEnum):
    """The hard rules: each takes a location, or some lines at it, away before anything is priced.

    They are tried in this order, and a location is recorded under the first that takes it away.
    """

    SWITCHED_OFF = "SWITCHED_OFF"
    NOT_ALLOWED = "NOT_ALLOWED"
    REJECTED_BEFORE = "REJECTED_BEFORE"
    OUT_OF_REACH = "OUT_OF_REACH"
    PAST_PROMISE = "PAST_PROMISE"
    NO_CAPACITY = "NO_CAPACITY"
    NOT_STOCKED = "NOT_STOCKED"


@dataclass(frozen=True, slots=True)
class Removal:
    """A location that a rule took away for some lines, with the fact that decided it."""

    rule: Rule
    location_id: str
    line_ids: tuple[str, ...]
    fact: str


@dataclass(frozen=True, slots=True)
class Part:
    """So many units of one SKU inside one atom; ``weight_grams`` is the weight of one unit."""

    sku: str
    units: int
    weight_grams: int


@dataclass(frozen=True, slots=True)
class Group:
    """Interchangeable atoms of one line: what leaves from one location or stays unfilled together.

    A divisible line of five units is five atoms of one unit; an indivisible one is one atom of
    five; a kit is atoms of several parts.
    """

    line_id: str
    parts: tuple[Part, ...]
    atoms: int

    @property
    def units(self) -> int:
        """Units of one atom, over all its parts."""
        return sum(part.units for part in self.parts)

    @property
    def grams(self) -> int:
        """Weight of one atom."""
        return sum(part.units * part.weight_grams for part in self.parts)

    def billable_grams(self, limit_grams: int) -> int:
        """Weight of one atom towards full parcels: a unit above the limit fills just one."""
        return sum(part.units * min(part.weight_grams, limit_grams) for part in self.parts)

    @property
    def name(self) -> tuple[str, str]:
        """What tells groups apart: the line, and the first SKU where a kit may be split."""
        return (self.line_id, self.parts[0].sku)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A location that the rules left in, seen from the order's destination.

    ``capacity_units`` is what it can still ship today, None for no limit. ``available`` holds
    units by SKU that may be promised, sorted by SKU; a SKU that is not listed is not there.
    ``excluded_line_ids`` are lines it may not ship, sorted; the problem's removals say why.
    """

    location_id: str
    rank: int
    zone: int
    distance_km: int
    transit_days: int
    handling_days: int
    pick_fee_per_parcel: Money
    labor_per_unit: Money
    capacity_units: int | None
    available: tuple[tuple[str, int], ...]
    excluded_line_ids: tuple[str, ...] = ()

    @property
    def days(self) -> int:
        """Days from the order to the arrival: handling, then transit."""
        return self.handling_days + self.transit_days


@dataclass(frozen=True)
class Problem:
    """Everything that decides how one order is sourced.

    Groups are sorted by name and candidates by rank, then id: the first candidate wins a tie.
    ``promise_days`` counts from the order, None where nothing was promised. ``shipments_max``
    limits the locations used. With ``all_or_nothing`` an order that cannot be filled whole ships
    nothing. ``removals`` explain the problem and are no part of it: they do not enter the hash.

    Raises ``ValueError`` if a list is out of order or repeats a name, or a number is out of range.
    """

    order_id: str
    destination: Place
    groups: tuple[Group, ...]
    candidates: tuple[Candidate, ...]
    costs: CostModel
    promise_days: int | None = None
    shipments_max: int | None = None
    all_or_nothing: bool = False
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
            or any(part.units <= 0 or part.weight_grams < 0 for part in group.parts)
            for group in self.groups
        ):
            raise ValueError("atoms and units are positive, weights not negative")
        if self.shipments_max is not None and self.shipments_max <= 0:
            raise ValueError("an order needs room for a shipment")
        zones = {zone.zone for zone in self.costs.zones}
        if any(candidate.zone not in zones for candidate in self.candidates):
            raise ValueError("a candidate lies in a zone that has no rates")

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
    def hash(self) -> str:
        """SHA-256, in hexadecimal, of the problem in canonical form."""
        canonical = [
            MODEL_VERSION,
            self.order_id,
            astuple(self.destination),
            [
                [g.line_id, [[p.sku, p.units, p.weight_grams] for p in g.parts], g.atoms]
                for g in self.groups
            ],
            [_values(candidate) for candidate in self.candidates],
            astuple(self.costs),
            self.promise_days,
            self.shipments_max,
            self.all_or_nothing,
        ]
        text = json.dumps(canonical, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _values(candidate: Candidate) -> list[object]:
    """Every field in the order of declaration; its lists are flat, so nothing needs copying."""
    return [getattr(candidate, name) for name in Candidate.__slots__]
