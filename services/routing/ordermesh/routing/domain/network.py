"""The network: how each location fulfills."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ordermesh.kernel.money import Money

SHIP = "SHIP"
"""The method by which a location sends parcels."""


class ReturnHandling(StrEnum):
    """What a location does with goods that come back."""

    NONE = "NONE"
    RESTOCK = "RESTOCK"
    KEEP_APART = "KEEP_APART"


@dataclass(frozen=True)
class NetworkLocation:
    """How a location fulfills; amounts are in ``currency_code``.

    ``methods`` that are switched on, none of them: it fulfills nothing. ``priority`` 1 comes first,
    0 last. ``capacity_units_per_day`` None means as many as there are.
    """

    location_id: str
    methods: tuple[str, ...]
    priority: int
    currency_code: str
    pick_fee: Money
    labor_cost_per_unit: Money
    capacity_units_per_day: int | None
    handling_days: int
    return_handling: ReturnHandling = ReturnHandling.NONE
    update_time: datetime | None = None

    @property
    def ships(self) -> bool:
        """Whether it sends parcels."""
        return SHIP in self.methods

    def is_same(self, other: "NetworkLocation") -> bool:
        """Whether nothing but the time of change differs."""
        return (
            self.location_id == other.location_id
            and self.methods == other.methods
            and self.priority == other.priority
            and self.currency_code == other.currency_code
            and self.pick_fee == other.pick_fee
            and self.labor_cost_per_unit == other.labor_cost_per_unit
            and self.capacity_units_per_day == other.capacity_units_per_day
            and self.handling_days == other.handling_days
            and self.return_handling == other.return_handling
        )
