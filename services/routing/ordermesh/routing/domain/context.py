"""What an order says of itself, by which policies are chosen and rules decide."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Traits:
    """What a caller says of an order beside its lines; all of it may be empty, nothing is personal.

    ``priority`` is higher for what is more urgent. ``tags`` are sorted.
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
