"""Policies: the versioned prices and limits by which orders are sourced, and what they must keep.

Amounts are in 1e-4 of the policy's currency. A destination beyond the last zone cannot be reached.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ordermesh.kernel.money import Money, from_decimal, to_decimal
from ordermesh.routing.domain.errors.policy import (
    CurrencyMismatch,
    UnfilledMustDominate,
    ZonesNotAscending,
)
from ordermesh.routing.domain.network import NetworkLocation

DEFAULT_ID = "default"
"""The policy of orders that name none."""

CARBON_PER_PARCEL_GRAMS = 250
CARBON_PER_PARCEL_KM_GRAMS = "0.06"
CARBON_PER_KG_KM_GRAMS = "0.1"

_GRAMS_PER_KG = 1_000


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

    ``parcel_grams_max`` and ``shipments_max`` of 0 mean no limit.
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


def check(policy: Policy, network: Iterable[NetworkLocation]) -> None:
    """Refuse what no policy may be.

    Raises ``ZonesNotAscending``; ``CurrencyMismatch`` when the network's costs are in another
    currency; ``UnfilledMustDominate`` when there are goods that could be cheaper to leave than to
    send from some location, however late for a promise of one day.
    """
    reached = 0
    for number, zone in enumerate(policy.zones, start=1):
        if zone.distance_km_max <= reached:
            raise ZonesNotAscending(number)
        reached = zone.distance_km_max
    locations = [location for location in network if location.ships]
    for location in locations:
        if location.currency_code != policy.currency_code:
            raise CurrencyMismatch(location.currency_code, policy.currency_code)
    for location in locations:
        _refuse_dear(policy, location)


def _refuse_dear(policy: Policy, location: NetworkLocation) -> None:
    """The dearest way to send from here is dearer for every unit and kilogram, or it is refused.

    Penalty and cost are both straight lines in units and weight, so that each coefficient can be
    compared by itself; beyond the weight limit of a parcel, every further kilogram brings its part
    of a parcel with it.
    """
    for zone in policy.zones:
        parcel = (
            zone.freight_per_parcel
            + location.pick_fee
            + policy.split_charge
            + _carbon(policy, CARBON_PER_PARCEL_GRAMS)
            + _carbon(policy, CARBON_PER_PARCEL_KM_GRAMS, zone.distance_km_max)
        )
        late_days = max(0, zone.transit_days + location.handling_days - 1)
        days = zone.transit_days * policy.transit_day_cost + late_days * policy.late_day_cost
        fixed = parcel + days + location.labor_cost_per_unit
        penalty = policy.unfilled_fixed + policy.unfilled_per_unit
        if penalty <= fixed:
            raise _dominated(penalty, fixed, location)
        if policy.unfilled_per_unit < location.labor_cost_per_unit:
            raise _dominated(policy.unfilled_per_unit, location.labor_cost_per_unit, location)
        kilogram = zone.freight_per_kg + _carbon(
            policy, CARBON_PER_KG_KM_GRAMS, zone.distance_km_max
        )
        if policy.parcel_grams_max:
            kilogram += -(-parcel * _GRAMS_PER_KG // policy.parcel_grams_max)
        if policy.unfilled_per_kg < kilogram:
            raise _dominated(policy.unfilled_per_kg, kilogram, location)


def _dominated(penalty: int, dearest: int, location: NetworkLocation) -> UnfilledMustDominate:
    return UnfilledMustDominate(
        str(to_decimal(penalty)), str(to_decimal(dearest)), location.location_id
    )


def _carbon(policy: Policy, grams: int | str, times: int = 1) -> int:
    """What so many grams of CO2e, so many times, cost: rounded up."""
    units = from_decimal(str(grams)) * times * policy.carbon_price_per_kg
    return -(-units // (10_000 * _GRAMS_PER_KG))


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
