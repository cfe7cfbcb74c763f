"""Decisions: the record of one sourcing, which never changes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from ordermesh.kernel.money import Money


class SourcingMethod(StrEnum):
    """How a plan is found."""

    EXACT = "EXACT"
    NEAREST_SINGLE = "NEAREST_SINGLE"
    FEWEST_SPLITS = "FEWEST_SPLITS"
    FIXED_PRIORITY_LIST = "FIXED_PRIORITY_LIST"


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
class DecidedShipment:
    """What one location sends; ``zone`` counts from 1 for the nearest."""

    location_id: str
    lines: tuple[PlannedLine, ...]
    parcel_count: int
    distance_km: int
    zone: int
    days: int
    weight_grams: int
    cost: Money


@dataclass(frozen=True, slots=True)
class CandidateFate:
    """What became of a location that was looked at.

    ``removed_by`` is the rule that kept it out, wholly or for some lines, "" when none did.
    ``loses_by`` is what the best plan that uses it costs more, None where that is not known.
    """

    location_id: str
    is_chosen: bool
    removed_by: str
    fact: str
    loses_by: Money | None
    distance_km: int


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


@dataclass(frozen=True)
class Decision:
    """The record of one sourcing. Amounts are in ``currency_code``.

    ``cost_terms`` add up to ``cost``, by kind of cost. ``bound`` is None for a baseline.
    ``ledger_revision`` is 0 when the caller supplied the stock.
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
