"""What is to be sourced, from where and under what, in words of orders and networks."""

from dataclasses import dataclass

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.problem import Adjustment, Rule
from ordermesh.routing.domain.rates import CostModel
from ordermesh.routing.domain.tariffs import Tariff
from ordermesh.routing.domain.terms import PLAIN, Tier

FREE = Money(0)

ZONE_SERVICE = "standard"
"""The service that the zones of a policy stand for."""


@dataclass(frozen=True, slots=True)
class SourcingComponent:
    """So many units of a SKU in one kit; weight and volume are those of one unit."""

    sku: str
    quantity: int
    weight_grams: int = 0
    cubic_mm: int = 0


@dataclass(frozen=True, slots=True)
class SourcingLine:
    """A line as ordered: a quantity of a SKU, whose units weigh and measure so much each.

    ``category`` decides with what it may share a parcel. Units of a ``divisible`` line may leave
    from different locations. A line with ``components`` is for a kit; those of one kit leave
    together unless ``components_may_split``.
    """

    line_id: str
    sku: str
    quantity: int
    weight_grams: int = 0
    divisible: bool = False
    components: tuple[SourcingComponent, ...] = ()
    components_may_split: bool = False
    cubic_mm: int = 0
    category: str = ""

    @property
    def parts(self) -> tuple[SourcingComponent, ...]:
        """What one of it is made of: its components, or one unit of itself."""
        alone = SourcingComponent(self.sku, 1, self.weight_grams, self.cubic_mm)
        return self.components or (alone,)


@dataclass(frozen=True, slots=True)
class SourcingOrder:
    """What is to be sourced, and where it goes."""

    order_id: str
    lines: tuple[SourcingLine, ...]
    destination: Place


@dataclass(frozen=True, slots=True)
class SourcingService:
    """A way to send parcels from a location to the order's destination.

    ``days`` count from the order to the arrival. ``excluded_line_ids`` are lines that it does not
    carry.
    """

    service_id: str
    zone: int
    tariff: Tariff
    transit_days: int
    days: int
    excluded_line_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SourcingLocation:
    """A location as sourcing sees it: a lower ``rank`` comes first in lists and wins ties.

    ``capacity_units`` is what is left of today's capacity, None for no limit. ``services`` reach
    the destination from here; None means the one of the policy's zones, after ``handling_days``.
    ``why_off`` says why it does not ship, ``why_unreached`` why no service goes there,
    ``capacity_fact`` which window has the least left. ``source_id`` and ``available_from`` are as
    in the candidate. ``legs`` are locations as they are seen from this one where it is a hub: their
    services are the runs that bring their goods.
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
    services: tuple[SourcingService, ...] | None = None
    handling_per_shipment: Money = FREE
    adjustments: tuple[Adjustment, ...] = ()
    why_off: str = ""
    why_unreached: str = ""
    capacity_fact: str = ""
    days_max: int | None = None
    source_id: str = ""
    available_from: str = ""
    labor_per_line: Money = FREE
    legs: tuple["SourcingLocation", ...] = ()


@dataclass(frozen=True, slots=True)
class SourcingPolicy:
    """The prices and limits that an order is sourced under.

    ``allowed_location_ids`` of None allows every location. ``promise_is_hard`` takes locations
    away that would be more than ``more_days`` late; otherwise late days are only charged.
    """

    costs: CostModel
    promise_days: int | None = None
    promise_is_hard: bool = False
    more_days: int = 0
    shipments_max: int | None = None
    all_or_nothing: bool = False
    allowed_location_ids: frozenset[str] | None = None
    parcels_max: int | None = None
    apart: tuple[tuple[str, str], ...] = ()
    tiers: tuple[Tier, ...] = PLAIN


@dataclass(frozen=True, slots=True)
class Rejection:
    """A location that may not ship some lines of this order; no lines means all of them.

    It refused them before, or a rule of the policy, which ``rule_id`` names, keeps it out. What
    ``is_of_stock`` is about what lies there, and not about what is brought there.
    """

    location_id: str
    line_ids: frozenset[str]
    fact: str
    rule: Rule = Rule.REJECTED_BEFORE
    rule_id: str = ""
    is_of_stock: bool = False
