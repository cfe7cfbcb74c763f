"""Policies: the versioned prices and limits by which orders are sourced, and what they must keep.

Amounts are in 1e-4 of the policy's currency. A destination beyond the last zone cannot be reached.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from ordermesh.kernel.money import Money, from_decimal
from ordermesh.routing.domain.rates import CarbonRates, CostModel, ZoneRates
from ordermesh.routing.domain.rules.conditions import Condition
from ordermesh.routing.domain.rules.rule import Rule, SplitLimit, Window
from ordermesh.routing.domain.stages import Stage
from ordermesh.routing.domain.terms import Tier

DEFAULT_ID = "default"
"""The policy of orders that name none."""

REASSIGNMENT_CHARGE = from_decimal("0.50")

CARBON_PER_PARCEL_GRAMS = 250
CARBON_PER_PARCEL_KM_GRAMS = "0.06"
CARBON_PER_KG_KM_GRAMS = "0.1"

_CARBON_FACTORS = "illustrative-1"


class PolicyState(StrEnum):
    """What a version is for."""

    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"


@dataclass(frozen=True, slots=True)
class Zone:
    """A band of distance: what carriage costs and how long it takes."""

    distance_km_max: int
    freight_per_parcel: Money
    freight_per_kg: Money
    transit_days: int


@dataclass(frozen=True)
class Policy:
    """One version of a policy; ``version`` is 0 until it is saved.

    ``parcel_grams_max`` and ``shipments_max`` of 0 mean no limit. An active version is in force in
    its ``windows``, always without any; where several are, the highest ``priority`` decides. Orders
    that name no policy choose it when all of ``chosen_when`` holds, never without any. Without
    ``tiers`` the cost is compared; without ``stages`` as much as can be is filled at once.
    ``reassignment_charge`` is what each new fulfillment order is charged of an order that is moved.
    """

    policy_id: str
    version: int
    name: str
    currency_code: str
    zones: tuple[Zone, ...]
    split_charge: Money
    transit_day_cost: Money
    late_day_cost: Money
    carbon_price_per_kg: Money
    unfilled_fixed: Money
    unfilled_per_unit: Money
    unfilled_per_kg: Money
    parcel_grams_max: int
    shipments_max: int
    create_time: datetime | None = None
    state: PolicyState = PolicyState.ACTIVE
    priority: int = 0
    windows: tuple[Window, ...] = ()
    chosen_when: tuple[Condition, ...] = ()
    rules: tuple[Rule, ...] = ()
    tiers: tuple[Tier, ...] = ()
    stages: tuple[Stage, ...] = ()
    reassignment_charge: Money = REASSIGNMENT_CHARGE

    @property
    def is_active(self) -> bool:
        """Whether it decides when it is in force."""
        return self.state is PolicyState.ACTIVE

    @cached_property
    def limits_parcels(self) -> bool:
        """Whether a rule may limit the parcels of an order: that can take long to solve."""
        limits = [one.effect for one in self.rules if isinstance(one.effect, SplitLimit)]
        return any(one.parcels_max for one in limits)

    @cached_property
    def costs(self) -> CostModel:
        """The prices as the solver wants them; zones are numbered from 1."""
        return CostModel(
            version=f"{self.policy_id}/{self.version}",
            currency=self.currency_code,
            zones=tuple(
                ZoneRates(
                    number,
                    zone.distance_km_max,
                    zone.freight_per_parcel,
                    zone.freight_per_kg,
                    zone.transit_days,
                )
                for number, zone in enumerate(self.zones, start=1)
            ),
            split_charge=self.split_charge,
            transit_day=self.transit_day_cost,
            late_day=self.late_day_cost,
            unfilled_per_atom=self.unfilled_fixed,
            unfilled_per_unit=self.unfilled_per_unit,
            unfilled_per_kg=self.unfilled_per_kg,
            carbon=CarbonRates(
                parcel_micrograms=250_000_000,
                parcel_micrograms_per_km=60_000,
                micrograms_per_gram_km=100,
                price_per_kg=self.carbon_price_per_kg,
                factor_version=_CARBON_FACTORS,
            ),
            parcel_limit_grams=self.parcel_grams_max or None,
        )


def illustrative_policy() -> Policy:
    """The policy that a new mesh begins with. Its rates are illustrative: they are nobody's."""
    zones = (
        (240, "6.20", "0.30", 1),
        (480, "6.60", "0.40", 2),
        (965, "7.10", "0.55", 2),
        (1600, "7.80", "0.78", 3),
        (2250, "8.50", "1.00", 4),
        (2900, "9.30", "1.22", 4),
        (20_100, "10.20", "1.45", 5),
    )
    return Policy(
        policy_id=DEFAULT_ID,
        version=1,
        name="Illustrative rates",
        currency_code="USD",
        zones=tuple(
            Zone(edge, from_decimal(parcel), from_decimal(kilogram), days)
            for edge, parcel, kilogram, days in zones
        ),
        split_charge=from_decimal("2.00"),
        transit_day_cost=from_decimal("0.30"),
        late_day_cost=from_decimal("3.50"),
        carbon_price_per_kg=from_decimal("0.10"),
        unfilled_fixed=from_decimal("40.00"),
        unfilled_per_unit=from_decimal("6.00"),
        unfilled_per_kg=from_decimal("2.00"),
        parcel_grams_max=0,
        shipments_max=0,
    )
