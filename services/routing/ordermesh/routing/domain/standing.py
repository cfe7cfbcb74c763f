"""How a location stands at the moment of a question: its room, its risk, and what was promised."""

from dataclasses import replace
from datetime import datetime, timedelta

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.calendars.clock_face import local_day, zone_of
from ordermesh.routing.domain.calendars.distribution import PERMILLE
from ordermesh.routing.domain.capacity import Room
from ordermesh.routing.domain.carrier_calendars import CarrierCalendars
from ordermesh.routing.domain.network import NetworkLocation
from ordermesh.routing.domain.order import PromiseMade
from ordermesh.routing.domain.policy import Policy
from ordermesh.routing.domain.problem import Adjustment, AdjustmentKind
from ordermesh.routing.domain.rounding import divide_half_even
from ordermesh.routing.domain.rules.rule import Mode
from ordermesh.routing.domain.sourcing import SourcingService
from ordermesh.routing.domain.stages import Ruled

_MOMENT = timedelta(microseconds=1)


def days_max(promise: PromiseMade | None, time_zone: str, now: datetime) -> int | None:
    """Within how many days a promise has to be kept; None where none was made.

    A day that ends at midnight is the day before that midnight.
    """
    if promise is None:
        return None
    zone = zone_of(time_zone)
    return (local_day(zone, promise.time - _MOMENT) - local_day(zone, now)).days


def arriving(
    services: tuple[SourcingService, ...] | None,
    time_zone: str,
    handling_days: int,
    carriers: CarrierCalendars,
    now: datetime,
) -> tuple[SourcingService, ...] | None:
    """Services with the days on which they arrive, by the calendars of their carriers."""
    if services is None:
        return None
    return tuple(
        replace(
            one,
            days=carriers.days(one.service_id, time_zone, now, handling_days, one.transit_days),
        )
        for one in services
    )


def units_left(location: NetworkLocation, left: Room, ruled: Ruled) -> int | None:
    """How many units it may send, by its own limits and by what the rules say of them."""
    if location.location_id in ruled.open_when_full:
        return None
    if ruled.evaluation.limits.capacity.get(location.location_id) is Mode.HARD:
        return left.units
    return left.hard_units if ruled.past_soft_limits else left.units


def reject_risk(location: NetworkLocation, policy: Policy) -> tuple[Adjustment, ...]:
    """What it costs, on the average, that a location may not do what it is given.

    What is rejected is sourced again, as one more parcel from elsewhere: at least a split, the
    freight of the nearest zone, and a pick fee like this one.
    """
    if not location.reject_permille:
        return ()
    return (Adjustment(AdjustmentKind.REJECT_RISK, "", reject_cost(location, policy)),)


def reject_cost(location: NetworkLocation, policy: Policy) -> Money:
    """The amount of ``reject_risk``, once for each shipment."""
    again = policy.split_charge + policy.zones[0].freight_per_parcel + location.pick_fee
    return Money(divide_half_even(again * location.reject_permille, PERMILLE))
