"""How many units a location can still send in its windows of now, and in those to come."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from ordermesh.routing.domain.batch.instance import NO_LIMIT
from ordermesh.routing.domain.calendars.clock_face import zone_of
from ordermesh.routing.domain.capacity import Capacity, CapacityUnit, WindowKey
from ordermesh.routing.domain.network import SHIP, NetworkLocation


def labor_of(
    location: NetworkLocation,
    time_zone: str,
    now: datetime,
    used: Mapping[WindowKey, int],
    days: int,
    units_per_order: float,
) -> tuple[int, int]:
    """Units that it can send in the windows of now, and in all later ones of so many days.

    Capacity in orders or minutes is turned into units by how many units an order has on average.
    """
    mine = [one for one in location.capacities if one.applies_to(SHIP)]
    if not mine:
        return NO_LIMIT, NO_LIMIT
    zone = zone_of(time_zone)
    first = later = NO_LIMIT
    for one in mine:
        windows = [one.window(zone, now + timedelta(days=day)) for day in range(days)]
        starts = sorted({window.start_time for window in windows})
        left = [
            one.limit - used.get((location.location_id, one.capacity_id, start), 0)
            for start in starts
        ]
        units = [_units(one, max(0, number), units_per_order) for number in left]
        first, later = min(first, units[0]), min(later, sum(units[1:]))
    return first, later


def units_an_hour(location: NetworkLocation, units_per_order: float) -> int | None:
    """Units that it sends in an hour of its shortest capacity; None without any."""
    mine = [
        60 * _units(one, one.limit, units_per_order) // (one.end_minute - one.start_minute)
        for one in location.capacities
        if one.applies_to(SHIP)
    ]
    return min(mine, default=None)


def _units(capacity: Capacity, left: int, units_per_order: float) -> int:
    if capacity.unit is CapacityUnit.UNITS:
        return left
    if capacity.unit is CapacityUnit.ORDERS:
        return int(left * units_per_order)
    each = capacity.minutes_per_order / units_per_order + capacity.minutes_per_unit
    return int(left / each)
