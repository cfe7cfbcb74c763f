"""What a decision expects of the work of one location: when each step of it happens."""

from dataclasses import dataclass, fields
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Expected:
    """Instants, each kept with the confidence at which the decision counted its days.

    The location is free to begin at ``release_time``, done at ``ready_time``, and the goods leave
    at ``ship_time``; ``arrival_time`` is when the customer has them, or can collect them. They were
    promised by ``promise_time``, None where nothing was.
    """

    release_time: datetime
    ready_time: datetime
    ship_time: datetime
    arrival_time: datetime
    promise_time: datetime | None = None


EXPECTED = tuple(one.name for one in fields(Expected))
"""The names of these instants, which columns and messages have too."""
