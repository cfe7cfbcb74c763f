"""The timeline of an order: its entries and their order."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where an entry stands in its timeline: by time, then by the event's number in its thing.

    The event's id decides between things that happened at one instant.
    """

    event_time: datetime
    sequence: int
    event_id: UUID


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to an order; ``source`` is the service that told it."""

    order_id: str
    place: Place
    event_type: str
    source: str
    sentence: str
