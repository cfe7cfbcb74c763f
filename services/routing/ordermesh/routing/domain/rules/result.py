"""What rules do to one order: removals, adjustments of cost, limits, and reports of themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.rules.action import RuleAction
from ordermesh.routing.domain.rules.rule import NOTHING, Mode, Purpose, ServiceRule
from ordermesh.routing.domain.rules.substitute import Offered


@dataclass(frozen=True, slots=True)
class RuleRemoval:
    """A location that a rule takes away for these lines, none for all, with the deciding fact.

    Where it ``is_of_stock``, it is about what lies there, and not about what is brought there.
    """

    rule_id: str
    location_id: str
    line_ids: tuple[str, ...]
    fact: str
    is_of_stock: bool = False


@dataclass(frozen=True, slots=True)
class RuleAdjustment:
    """Money of a rule at a location: for each unit of a line, or once and by parcel without one."""

    rule_id: str
    purpose: Purpose
    location_id: str
    line_id: str = ""
    per_unit: Money = NOTHING
    per_shipment: Money = NOTHING
    per_parcel: Money = NOTHING


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """What a rule says of services at a location."""

    rule_id: str
    location_id: str
    rule: ServiceRule


@dataclass(frozen=True, slots=True)
class Note:
    """What a rule has to say of the order, as a sentence: what a limit came from, for example."""

    rule_id: str
    sentence: str


@dataclass(frozen=True)
class Limits:
    """How the order may be split, and what capacity and promise mean; None: as without rules.

    ``hubs`` are where it may be brought together. ``apart`` are lines that share no parcel with
    others, by rule.
    """

    shipments_max: int | None = None
    parcels_max: int | None = None
    ship_complete: bool = False
    whole_line_ids: frozenset[str] = frozenset()
    together: tuple[frozenset[str], ...] = ()
    promise_is_hard: bool | None = None
    promise_tolerance_days: int = 0
    capacity: Mapping[str, Mode] = field(default_factory=dict)
    hubs: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    apart: tuple[tuple[str, frozenset[str]], ...] = ()

    def category(self, line_id: str) -> str:
        """With what a line may share a parcel: with lines of the same category."""
        return "\n".join(rule_id for rule_id, lines in self.apart if line_id in lines)


@dataclass(frozen=True, slots=True)
class RuleReport:
    """What a rule did: to how many locations, and where it abstained for want of which fact.

    ``at`` is 0 for a rule about the order alone.
    """

    rule_id: str
    effect: str
    applied: bool
    at: int = 0
    abstained_at: int = 0
    missing: str = ""


@dataclass(frozen=True)
class Evaluation:
    """All that the rules do to an order.

    ``actions`` wait for what its decision comes to, ``offered`` are what could be sent instead.
    ``remarks`` are in nobody's way.
    """

    removals: tuple[RuleRemoval, ...] = ()
    adjustments: tuple[RuleAdjustment, ...] = ()
    services: tuple[ServiceChange, ...] = ()
    limits: Limits = field(default_factory=Limits)
    reports: tuple[RuleReport, ...] = ()
    actions: tuple[RuleAction, ...] = ()
    offered: tuple[Offered, ...] = ()
    remarks: tuple[Note, ...] = ()
