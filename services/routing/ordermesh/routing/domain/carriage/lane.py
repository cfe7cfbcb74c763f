"""Lanes: directed ways from a location or a group to a part of the map, or to another location."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.carriage.area import Address, Area
from ordermesh.routing.domain.carriage.carrier import (
    HOURS_PER_DAY,
    PER_MILLE,
    ServiceKey,
    TransitUnit,
    ZoneTransit,
)


@dataclass(frozen=True)
class Lane:
    """Parcels from an origin to some areas go by these services.

    ``origin_id`` is a location or a group. An origin that has lanes ships over them alone.
    """

    lane_id: str
    origin_id: str
    destinations: tuple[Area, ...]
    services: tuple[ServiceKey, ...]
    version: int = 0
    is_withdrawn: bool = False

    def leads_to(self, destination: Address) -> bool:
        """Whether the address is at its end."""
        return any(area.holds(destination) for area in self.destinations)


@dataclass(frozen=True)
class TransferLane:
    """Goods from one location to another, as for pickup in a store or for a hub.

    It runs every ``cadence_hours``, once at ``run_time`` where anybody knows; ``fixed_cost`` is for
    one run, ``cost_per_unit`` for what is on it, in ``currency_code``.
    """

    lane_id: str
    from_location_id: str
    to_location_id: str
    cadence_hours: int
    transit: ZoneTransit
    currency_code: str
    fixed_cost: Money
    cost_per_unit: Money
    version: int = 0
    is_withdrawn: bool = False
    run_time: datetime | None = None

    def leaves(self, ready: datetime) -> datetime:
        """When the run leaves at the latest that takes what is ready."""
        cadence = timedelta(hours=self.cadence_hours)
        if self.run_time is None:
            return ready + cadence
        return self.run_time - (self.run_time - ready) // cadence * cadence

    def chances(self) -> tuple[tuple[timedelta, int], ...]:
        """How long a run takes, each with its weight; days are of 24 hours."""
        hours = HOURS_PER_DAY if self.transit.unit is TransitUnit.DAYS else 1
        outcomes = [(one.amount, one.per_mille) for one in self.transit.outcomes]
        return tuple(
            (timedelta(hours=amount * hours), weight)
            for amount, weight in outcomes or [(self.transit.amount, PER_MILLE)]
        )
