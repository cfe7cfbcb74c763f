"""Decisions: the record of one sourcing, which never changes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from ordermesh.kernel.money import Money, to_decimal
from ordermesh.routing.domain.foresight.prices import PricesUsed
from ordermesh.routing.domain.price import Price
from ordermesh.routing.domain.record import Record
from ordermesh.routing.domain.rules.action import Filling, OrderAction, RuleAction
from ordermesh.routing.domain.sourcing_method import SourcingMethod

SEED = 1
"""What chance begins with in every decision."""

PRICE_KINDS = ("STOCK_PRICE", "LABOR_PRICE")
"""The kinds of cost that prices in force make."""


class Outcome(StrEnum):
    """What is proven about a plan."""

    OPTIMAL = "OPTIMAL"
    FEASIBLE = "FEASIBLE"
    INFEASIBLE = "INFEASIBLE"


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """Units of an item for an order line."""

    line_id: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class DecidedParcel:
    """What lies in one box; emissions in milligrams of CO2e."""

    service_id: str
    lines: tuple[PlannedLine, ...]
    weight_grams: int
    billable_grams: int
    days: int
    co2e_milligrams: int
    tariff_id: str = ""
    factor_version: str = ""

    @property
    def carrier_id(self) -> str:
        """Who carries it; "" for the zones of a policy, which are nobody's."""
        carrier_id, slash, _ = self.service_id.partition("/")
        return carrier_id if slash else ""


@dataclass(frozen=True, slots=True)
class DecidedTier:
    """What was minimised: its value, and what one of it outweighs of the last tier."""

    name: str
    value: int
    weight: int


@dataclass(frozen=True, slots=True)
class DecidedShipment:
    """What one location sends; ``zone`` is that of its first parcel.

    Its goods are there by ``available_time`` at the latest, None for what is in hand. To a hub
    they are brought by ``legs``, whose costs and emissions are part of its own.
    """

    location_id: str
    lines: tuple[PlannedLine, ...]
    parcel_count: int
    distance_km: int
    zone: int
    days: int
    weight_grams: int
    cost: Money
    parcels: tuple[DecidedParcel, ...]
    co2e_milligrams: int
    available_time: datetime | None = None
    legs: tuple["DecidedShipment", ...] = ()


@dataclass(frozen=True, slots=True)
class CandidateFate:
    """What became of a location that was looked at.

    ``removed_by`` is the rule that kept it out, wholly or for some lines, "" when none did.
    ``rule_id`` names a rule of the policy. ``loses_by`` is how much worse the best plan that uses
    it is in the tier ``loses_in_tier``, None where that is not known.
    """

    location_id: str
    is_chosen: bool
    removed_by: str
    fact: str
    loses_by: Money | None
    distance_km: int
    rule_id: str = ""
    loses_in_tier: int = 0


@dataclass(frozen=True, slots=True)
class UnfilledLine:
    """A part of a line that is left unfilled; ``location_id`` is one that could have sent it."""

    line_id: str
    sku: str
    wanted: int
    available: int
    unfilled: int
    reason: str
    location_id: str


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What a rule of the policy did to the order.

    It was applied at ``at`` locations, 0 for a rule about the order alone, and abstained at
    ``abstained_at`` because ``missing`` was not known. ``action`` is what it wants to become of the
    order.
    """

    rule_id: str
    effect: str
    applied: bool
    at: int
    abstained_at: int
    missing: str
    sentences: tuple[str, ...] = ()
    action: OrderAction | None = None


@dataclass(frozen=True, slots=True)
class DecidedSubstitution:
    """What is sent instead of what was ordered: ``units_each`` of it for each one, and why.

    ``ordered_quantity`` is how many were to be filled so. ``unit_price`` is what the customer pays
    for each that was ordered, None where nobody knows.
    """

    line_id: str
    ordered_sku: str
    sku: str
    units_each: int
    ordered_quantity: int
    rule_id: str
    unit_price: Price | None
    sentence: str


@dataclass(frozen=True, slots=True)
class StageResult:
    """What came of one stage: what its best plan costs and leaves, and what was in the way."""

    name: str
    filled: bool
    unfilled_units: int
    cost: Money
    shipments: int
    blocking_rules: tuple[str, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reoptimization:
    """Why an order was moved: with which others, what it cost before, and what all of them save."""

    run_id: UUID
    reassignment_id: UUID
    cost_before: Money
    saving: Money
    charge: Money
    order_ids: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """For people."""
        others = len(self.order_ids) - 1
        whom = f"with {others} other orders that need it to move" if others else "alone"
        return (
            f"Moved {whom}: together they cost {to_decimal(self.saving)} less, "
            f"{to_decimal(self.charge)} for moving them counted."
        )


@dataclass(frozen=True)
class Decision:
    """The record of one sourcing. Amounts are in ``currency_code``.

    ``cost_terms`` add up to ``cost``, by kind of cost. ``bound`` is None for a baseline.
    ``ledger_revision`` is 0 when the caller supplied the stock, ``carriage_revision`` when there
    are no lanes. ``policy_reason`` tells why that
    policy decided, ``rules`` what its rules did, ``stages`` what was tried in turn. Locations in
    ``beyond_capacity`` may send more than they have capacity for, those that are
    ``closed_when_full`` never do. ``reoptimization`` is set where
    it was made to save cost over several orders. ``record`` is what it can be made again from.
    ``actions`` are what rules want to become of the order, by what comes of it, ``substitutions``
    what is sent instead of what was ordered. ``prices`` are those that it looked ahead with, None
    for none.
    """

    decision_id: UUID | None
    order_id: str
    create_time: datetime
    method: SourcingMethod
    outcome: Outcome
    shipments: tuple[DecidedShipment, ...]
    currency_code: str
    cost: Money
    bound: Money | None
    cost_terms: tuple[tuple[str, Money], ...]
    candidates: tuple[CandidateFate, ...]
    ledger_revision: int
    policy_id: str
    policy_version: int
    model_version: str
    problem_hash: str
    unfilled_lines: tuple[UnfilledLine, ...]
    tiers: tuple[DecidedTier, ...] = ()
    policy_reason: str = ""
    rules: tuple[RuleOutcome, ...] = ()
    stages: tuple[StageResult, ...] = ()
    beyond_capacity: frozenset[str] = frozenset()
    closed_when_full: frozenset[str] = frozenset()
    carriage_revision: int = 0
    reoptimization: Reoptimization | None = None
    record: Record | None = None
    actions: tuple[RuleAction, ...] = ()
    substitutions: tuple[DecidedSubstitution, ...] = ()
    prices: PricesUsed | None = None

    @property
    def second_best(self) -> CandidateFate | None:
        """The location with which the best other plan is made; None where nobody knows of any.

        What is worse in a later tier only is better than what is worse in an earlier one.
        """
        others = [one for one in self.candidates if not one.is_chosen and one.loses_by is not None]
        return min(others, key=lambda one: (-one.loses_in_tier, one.loses_by or 0), default=None)

    @property
    def gap(self) -> float | None:
        """How much the cost is above the bound, as a share of it; None without a bound."""
        if self.bound is None:
            return None
        above = self.cost - self.bound
        return above / max(1, abs(self.bound)) if above else 0.0

    @property
    def prices_paid(self) -> Money:
        """What the plan pays by them, as a part of its cost."""
        return Money(sum(amount for kind, amount in self.cost_terms if kind in PRICE_KINDS))

    @property
    def filling(self) -> Filling:
        """What it leaves: nothing, some or all."""
        if not self.unfilled_lines:
            return Filling.FILLED
        return Filling.PARTLY_FILLED if self.shipments else Filling.UNFILLED

    @property
    def unfilled_units(self) -> int:
        """Units that it leaves, over all lines."""
        return sum(line.unfilled for line in self.unfilled_lines)
