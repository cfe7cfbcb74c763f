"""The network: how each location fulfills."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.calendars.distribution import QuantilePoint
from ordermesh.routing.domain.capacity import Capacity
from ordermesh.routing.domain.timetable import ALWAYS, Timetable

FREE = Money(0)

SHIP = "SHIP"
"""The method by which a location sends parcels."""

PICK_UP = "PICK_UP"
"""The method by which customers collect at a location."""


CURBSIDE = "CURBSIDE"
"""The method by which customers are handed the goods into their cars."""

COLLECTED = frozenset({PICK_UP, CURBSIDE})
"""The methods by which the customer comes to the location."""


@dataclass(frozen=True, slots=True)
class PickupPoint:
    """Where a customer collects, and by which of the methods for that."""

    location_id: str
    method: str = PICK_UP


class ReturnHandling(StrEnum):
    """What a location does with goods that come back."""

    NONE = "NONE"
    RESTOCK = "RESTOCK"
    KEEP_APART = "KEEP_APART"


@dataclass(frozen=True)
class NetworkLocation:
    """How a location fulfills; amounts are in ``currency_code``.

    ``methods`` that are switched on, none of them: it fulfills nothing. ``priority`` 1 comes first,
    0 last. ``capacities`` are sorted by id; none means as much as there is. ``handling_days`` are
    the lead time in open days, ``processing`` what the work takes on top. ``capabilities`` are
    sorted. ``reject_permille`` is how many of 1000 orders fail there.
    """

    location_id: str
    methods: tuple[str, ...]
    priority: int
    currency_code: str
    pick_fee: Money
    labor_cost_per_unit: Money
    handling_days: int
    return_handling: ReturnHandling = ReturnHandling.NONE
    update_time: datetime | None = None
    capabilities: tuple[str, ...] = ()
    timetable: Timetable = ALWAYS
    processing: tuple[QuantilePoint, ...] = ()
    reject_permille: int = 0
    capacities: tuple[Capacity, ...] = ()
    labor_cost_per_line: Money = FREE

    @property
    def ships(self) -> bool:
        """Whether it sends parcels."""
        return SHIP in self.methods

    @property
    def is_simple(self) -> bool:
        """Whether it always works, so that days of handling are days of the calendar."""
        return self.timetable == ALWAYS and not self.processing

    def is_same(self, other: "NetworkLocation") -> bool:
        """Whether nothing but the time of change differs."""
        return replace(self, update_time=None) == replace(other, update_time=None)
