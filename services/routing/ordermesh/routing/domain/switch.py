"""Switches: methods of a location that are on or off for a while, and revert by themselves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.domain.network import NetworkLocation


@dataclass(frozen=True, slots=True)
class Switch:
    """Methods of a location are on, or off, from ``start_time`` until ``end_time``.

    Without an end it lasts until it is ended. Of several the one with the highest ``number``
    decides: it was made last.
    """

    switch_id: UUID
    location_id: str
    methods: tuple[str, ...]
    is_on: bool
    start_time: datetime
    end_time: datetime | None
    reason: str
    caller: str
    on_behalf_of: str
    create_time: datetime
    number: int = 0

    def lasts_at(self, now: datetime) -> bool:
        """Whether it has begun and not ended."""
        return self.start_time <= now and (self.end_time is None or now < self.end_time)

    def ended(self, now: datetime) -> "Switch":
        """The same, ended now; one that has ended is as it was, one to come never begins."""
        if self.end_time is not None and self.end_time <= now:
            return self
        return replace(self, end_time=max(now, self.start_time))


def check(switch: Switch, now: datetime) -> None:
    """Raise ``FieldViolation`` for one that would end before it begins, or has ended already."""
    if switch.end_time is None:
        return
    if switch.end_time <= switch.start_time:
        raise FieldViolation("end_time", "switch.ascending", "It would end before it begins.")
    if switch.end_time <= now:
        raise FieldViolation("end_time", "switch.past", "It would have ended already.")


@dataclass(frozen=True)
class Switches:
    """All switches that have not ended, by location, the one made last first."""

    by_location: Mapping[str, tuple[Switch, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, switches: Iterable[Switch]) -> "Switches":
        """From switches in any order."""
        found: dict[str, list[Switch]] = {}
        for switch in sorted(switches, key=lambda one: -one.number):
            found.setdefault(switch.location_id, []).append(switch)
        return cls({name: tuple(some) for name, some in found.items()})

    def deciding(self, location_id: str, method: str, now: datetime) -> Switch | None:
        """The switch that decides about a method now; None where the network says it."""
        for switch in self.by_location.get(location_id, ()):
            if method in switch.methods and switch.lasts_at(now):
                return switch
        return None

    def why_off(self, location: NetworkLocation, method: str, now: datetime) -> str | None:
        """Why a method is off now, in one sentence; None when it is on."""
        switch = self.deciding(location.location_id, method, now)
        if switch is None:
            return None if method in location.methods else f"{method} is not one of its methods"
        if switch.is_on:
            return None
        until = "" if switch.end_time is None else f" until {switch.end_time:%Y-%m-%d %H:%MZ}"
        return f"{method} is switched off{until}: {switch.reason}"

    def next_change(self, now: datetime) -> datetime | None:
        """When the next switch begins or ends; None: nothing will change by itself."""
        edges = [
            edge
            for some in self.by_location.values()
            for switch in some
            for edge in (switch.start_time, switch.end_time)
            if edge is not None and edge > now
        ]
        return min(edges, default=None)


NONE = Switches()
