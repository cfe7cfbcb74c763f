"""Where the time of work went: which hop spent the slack, and which ones the delay is charged to.

After each hop the arrival to be expected is the expected one, moved by what the hops so far took
more or less than they were to::

                       what was to be expected lies beyond the promise by
    decided            expected arrival - promise: the slack, if negative
    free to begin      ... + (released - expected release), where that is later
    ready              ... + (ready - expected ready)
    left               ... + (shipped - expected ship)
    there              arrived - promise: the delay, if positive

A hop is charged with what it adds to the part that lies beyond the promise. So the slack is spent
first, what is made good later is given back, and the charges add up to the delay, exactly.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ordermesh.routing.domain.expected import Expected
from ordermesh.routing.domain.fulfillment import FulfillmentOrder, FulfillmentState

_NOTHING = timedelta(0)
_NOT_DONE = frozenset(
    {FulfillmentState.PLANNED, FulfillmentState.REJECTED, FulfillmentState.CANCELLED}
)


class Hop(StrEnum):
    """A part of the way from an order to its customer."""

    DECISION = "DECISION"
    RELEASE = "RELEASE"
    HANDLING = "HANDLING"
    CARRIER = "CARRIER"
    TRANSIT = "TRANSIT"


@dataclass(frozen=True, slots=True)
class HopDelay:
    """What a hop took beyond what was expected, and its part of the delay; both may be negative."""

    hop: Hop
    overrun: timedelta
    delay: timedelta


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late goods are, how much earlier than promised they were expected, and by whose fault."""

    delay: timedelta
    slack: timedelta
    hops: tuple[HopDelay, ...]

    @property
    def to_blame(self) -> Hop | None:
        """The hop that is charged with most, the first of equal ones; None without a delay."""
        if not self.delay:
            return None
        return max(self.hops, key=lambda one: one.delay).hop


def lateness(work: FulfillmentOrder, now: datetime | None) -> Lateness | None:
    """Where the time of work went; None where nothing was promised, and where nobody can say yet.

    Goods that are not there are late from the promise on, by ``now``; None: nobody asks for them.
    """
    expected = work.expected
    if expected is None or expected.promise_time is None or work.state in _NOT_DONE:
        return None
    promised = expected.promise_time
    there, is_open = _there(work), False
    if there is None:
        if now is None or now <= promised:
            return None
        there, is_open = now, True
    slack = promised - expected.arrival_time
    beyond = list(_beyond(work, expected, -slack))
    beyond.append((_lasting(work) if is_open else _last(work), there - promised))
    hops = []
    before = charged = _NOTHING
    for hop, after in beyond:
        charge = max(after, _NOTHING)
        hops.append(HopDelay(hop, after - before, charge - charged))
        before, charged = after, charge
    return Lateness(max(there - promised, _NOTHING), max(slack, _NOTHING), tuple(hops))


def _there(work: FulfillmentOrder) -> datetime | None:
    """When the customer had the goods, or could collect them; None for not yet."""
    if not _is_collected_here(work):
        return work.deliver_time
    return work.ship_time if work.ready_time is None else _ready(work, work.ready_time)


def _is_collected_here(work: FulfillmentOrder) -> bool:
    """Whether the customer comes to where the work is done: then nobody carries it."""
    return work.pickup_location_id == work.location_id


def _ready(work: FulfillmentOrder, told: datetime) -> datetime:
    """When it was ready: not before the location was free to begin, nor after it had left."""
    latest = told if work.ship_time is None else min(told, work.ship_time)
    return latest if work.release_time is None else max(latest, work.release_time)


def _last(work: FulfillmentOrder) -> Hop:
    """The hop that ends when the goods are there."""
    return Hop.HANDLING if _is_collected_here(work) else Hop.TRANSIT


def _lasting(work: FulfillmentOrder) -> Hop:
    """The hop in which the goods are."""
    if work.ship_time is not None:
        return Hop.TRANSIT
    return Hop.RELEASE if work.release_time is None else Hop.HANDLING


def _beyond(
    work: FulfillmentOrder, expected: Expected, decided: timedelta
) -> Iterator[tuple[Hop, timedelta]]:
    """After each hop before the last, how far beyond the promise they were to be expected.

    Nobody gains by being free to begin before there was anything to begin with.
    """
    yield Hop.DECISION, decided
    if work.release_time is None:
        return
    yield Hop.RELEASE, decided + max(_NOTHING, work.release_time - expected.release_time)
    if work.ship_time is None or _is_collected_here(work):
        return
    left = decided + (work.ship_time - expected.ship_time)
    ready = None if work.ready_time is None else _ready(work, work.ready_time)
    if ready is None or ready > expected.ship_time:
        # It missed its carrier, or may have: that it waited for the next one is not the carrier's.
        yield Hop.HANDLING, left
        return
    yield Hop.HANDLING, decided + (ready - expected.ready_time)
    yield Hop.CARRIER, left
