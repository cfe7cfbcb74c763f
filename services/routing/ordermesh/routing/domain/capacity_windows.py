"""Which windows of all capacities last now: looked up for every decision, changed seldom."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from ordermesh.routing.domain.calendars.clock_face import zone_of
from ordermesh.routing.domain.network import NetworkLocation


class Windows:
    """The windows of the capacities of a network. Holds for one state of it."""

    def __init__(self, network: Iterable[NetworkLocation], time_zones: Mapping[str, str]) -> None:
        # Many locations have windows of the same form in the same zone.
        self._forms = {
            (time_zones[location.location_id], one.weekdays, one.start_minute, one.end_minute): one
            for location in network
            if location.location_id in time_zones
            for one in location.capacities
        }
        self._starts: frozenset[datetime] = frozenset()
        self._since: datetime | None = None
        self._until: datetime | None = None

    def end(self, now: datetime) -> datetime | None:
        """When the first of the windows that last now ends; None without any."""
        self.starts(now)
        return self._until if self._forms else None

    def starts(self, now: datetime) -> frozenset[datetime]:
        """When the windows start that last now, and those that come next."""
        if self._since is None or self._until is None or not self._since <= now < self._until:
            windows = [one.window(zone_of(form[0]), now) for form, one in self._forms.items()]
            self._starts = frozenset(window.start_time for window in windows)
            self._since = now
            self._until = min((window.end_time for window in windows), default=now)
        return self._starts
