"""What an order says of itself, by which policies are chosen and rules decide."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Traits:
    """What a caller says of an order beside its lines; all of it may be empty, nothing is personal.

    ``priority`` is higher for what is more urgent. ``tags`` are sorted. With ``only_location_ids``
    no other location sends anything of it, and none of ``excluded_location_ids`` ever does.
    """

    brand: str = ""
    order_type: str = ""
    service_level: str = ""
    priority: int = 0
    tags: tuple[str, ...] = ()
    customer_class: str = ""
    payment_state: str = ""
    queue: str = ""
    origin_group: str = ""
    only_location_ids: tuple[str, ...] = ()
    excluded_location_ids: tuple[str, ...] = ()

    def why_not(self, location_id: str) -> str:
        """Why a location sends nothing of it; "" where it may."""
        if location_id in self.excluded_location_ids:
            return "the order excludes it"
        if self.only_location_ids and location_id not in self.only_location_ids:
            return f"the order allows {', '.join(self.only_location_ids)} only"
        return ""

    @property
    def named_locations(self) -> tuple[str, ...]:
        """The locations that are spoken of."""
        return (*self.only_location_ids, *self.excluded_location_ids)


NO_TRAITS = Traits()
"""Nothing is said."""


@dataclass(frozen=True, slots=True)
class OrderContext:
    """The order as rules see it, apart from its lines; ``order_time`` None is now."""

    channel: str = ""
    method: str = ""
    country_code: str = ""
    region: str = ""
    postal_code: str = ""
    order_time: datetime | None = None
    traits: Traits = NO_TRAITS


UNSAID = OrderContext()
"""Of an order that says nothing."""
