"""What routing knows at the moment of a question."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from ordermesh.routing.domain.calendars.clock_face import zone_of
from ordermesh.routing.domain.capacity import AtLimit, Load, Room, Share, WindowKey, room, shares
from ordermesh.routing.domain.carriage.book import NO_BOOK, Book
from ordermesh.routing.domain.carrier_calendars import EVERY_DAY, CarrierCalendars
from ordermesh.routing.domain.dispatching import CONFIDENCE_PERMILLE, Dispatches, no_holidays
from ordermesh.routing.domain.foresight.prices import NO_PRICES, PricesNow
from ordermesh.routing.domain.item import Item, KnownLocation
from ordermesh.routing.domain.network import SHIP, NetworkLocation
from ordermesh.routing.domain.policy import Policy
from ordermesh.routing.domain.rules.evaluation import NO_RULEBOOK, Rulebook
from ordermesh.routing.domain.rules.knowing import Facts
from ordermesh.routing.domain.sourcing import SourcingLocation
from ordermesh.routing.domain.switch import NONE as NOTHING_SWITCHED
from ordermesh.routing.domain.switch import Switches

AtRest = dict[tuple[str, int], SourcingLocation]
"""Locations by id and days of handling."""


@dataclass(frozen=True)
class Known:
    """What routing knows at the moment of a question.

    ``used`` is what is taken of windows of capacity; ``capacity`` replaces what a location can
    still send, in units. The first window of capacity ends at ``window_end``; a location counts as
    having handed over when it has with a probability of ``permille``. ``policy_reason`` tells why
    that policy decides; ``put`` are facts by location and SKU. ``at_rest`` remembers, for this
    network, locations that look the same in every question. ``instead`` are units of items that
    could be sent instead of what was ordered, as many as could be wanted. ``prices`` are what stock
    and work are worth to orders that will come. What is decided with other orders together is
    brought together nowhere: then it does not ``consolidates``.
    """

    policy: Policy
    network: tuple[NetworkLocation, ...]
    locations: Mapping[str, KnownLocation]
    items: Mapping[str, Item]
    used: Mapping[WindowKey, int]
    now: datetime
    capacity: Mapping[str, int] = field(default_factory=dict)
    switches: Switches = NOTHING_SWITCHED
    dispatches: Dispatches = field(default_factory=lambda: Dispatches(no_holidays))
    carriers: CarrierCalendars = EVERY_DAY
    policy_reason: str = ""
    rulebook: Rulebook = NO_RULEBOOK
    put: Mapping[tuple[str, str], Facts] = field(default_factory=dict)
    book: Book = NO_BOOK
    window_end: datetime | None = None
    permille: int = CONFIDENCE_PERMILLE
    at_rest: AtRest = field(default_factory=dict)
    instead: Mapping[str, int] = field(default_factory=dict)
    prices: PricesNow = NO_PRICES
    consolidates: bool = True

    def entry(self, location_id: str) -> NetworkLocation:
        """How a location fulfills. Raises ``KeyError``."""
        return self._entries[location_id]

    @cached_property
    def _entries(self) -> dict[str, NetworkLocation]:
        return {one.location_id: one for one in self.network}

    def handover(
        self, location: NetworkLocation, time_zone: str, at: datetime | None = None
    ) -> tuple[int, str]:
        """Days until it has handed over, and why it sends nothing now ("" when it does).

        ``at`` is when the goods are there, None for those that are.
        """
        why_off = self.switches.why_off(location, SHIP, self.now)
        if why_off is not None:
            return 0, why_off
        if at is None or at <= self.now:
            days = self.dispatches.days(location, time_zone, self.now, self.permille)
        else:
            days = self.dispatches.days_from(location, time_zone, self.now, at, self.permille)
        return (0, "it is closed for good") if days is None else (days, "")

    @cached_property
    def has_soft_limits(self) -> bool:
        """Whether a location has a limit at which it only comes last."""
        return any(
            one.at_limit is AtLimit.RANK_LAST for entry in self.network for one in entry.capacities
        )

    def room_of(self, location: NetworkLocation, method: str = SHIP) -> Room:
        """What it can still send, or hand over; by what its capacities have left now."""
        if location.location_id in self.capacity:
            units = self.capacity[location.location_id]
            return Room(units, units)
        if not location.capacities:
            return NO_LIMIT
        return room(
            location.location_id,
            location.capacities,
            method,
            zone_of(self.locations[location.location_id].time_zone),
            self.now,
            self.used,
        )

    def shares_of(
        self, location_id: str, load: Load, method: str = SHIP, *, is_closed_when_full: bool = False
    ) -> tuple[Share, ...]:
        """What work takes of the windows of a location that last now."""
        location = self.entry(location_id)
        zone = zone_of(self.locations[location_id].time_zone)
        return shares(
            location_id,
            location.capacities,
            method,
            zone,
            self.now,
            load,
            is_closed_when_full=is_closed_when_full,
        )


NO_LIMIT = Room(None)
