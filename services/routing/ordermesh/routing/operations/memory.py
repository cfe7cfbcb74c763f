"""What changes seldom, kept in memory for every decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from ordermesh.routing.domain.capacity_windows import Windows
from ordermesh.routing.domain.carriage.book import Book
from ordermesh.routing.domain.carriage.exchange import conversions, in_one_currency
from ordermesh.routing.domain.carriage.postal_code import PostalCodeTable
from ordermesh.routing.domain.carrier_calendars import EVERY_DAY, CarrierCalendars
from ordermesh.routing.domain.dispatching import Dispatches, no_holidays
from ordermesh.routing.domain.item import Item, KnownLocation
from ordermesh.routing.domain.known import AtRest
from ordermesh.routing.domain.network import NetworkLocation
from ordermesh.routing.domain.policy import Policy
from ordermesh.routing.domain.rules.evaluation import NO_RULEBOOK, Rulebook
from ordermesh.routing.domain.rules.knowing import Facts, static_facts
from ordermesh.routing.domain.switch import NONE as NOTHING_SWITCHED
from ordermesh.routing.domain.switch import Switches


@dataclass(frozen=True)
class Converted:
    """The network in one currency, and its locations as sourcing sees them while nothing happens.

    ``at_rest`` is filled as they are seen.
    """

    network: tuple[NetworkLocation, ...]
    at_rest: AtRest = field(default_factory=dict)


@dataclass
class Memory:
    """What changes seldom and is read for every decision, as it was at some counts of changes."""

    versions: tuple[tuple[str, int], ...]
    network: tuple[NetworkLocation, ...]
    locations: Mapping[str, KnownLocation]
    active: tuple[Policy, ...] = ()
    policies: dict[tuple[str, int], Policy] = field(default_factory=dict)
    rulebooks: dict[tuple[str, int], Rulebook] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    switches: Switches = NOTHING_SWITCHED
    dispatches: Dispatches = field(default_factory=lambda: Dispatches(no_holidays))
    carriers: CarrierCalendars = EVERY_DAY
    book: Book = field(default_factory=Book)
    postal_codes: Mapping[str, PostalCodeTable] = field(default_factory=dict)
    converted: dict[tuple[str, ...], "Converted"] = field(default_factory=dict)

    def network_in(self, currency_code: str, now: datetime) -> "Converted":
        """The network with its costs in one currency; raises ``CurrencyMismatch``."""
        changed = conversions(self._currencies, currency_code, self.book, now)
        name = (currency_code, *(one.version for one in changed.values()))
        if name not in self.converted:
            network = in_one_currency(self.network, currency_code, changed)
            self.converted[name] = Converted(network)
        return self.converted[name]

    @cached_property
    def _currencies(self) -> frozenset[str]:
        return frozenset(entry.currency_code for entry in self.network)

    def location(self, location_id: str) -> NetworkLocation | None:
        """A location of the network of which inventory has told; None for any other."""
        found = self._by_id.get(location_id)
        return found if location_id in self.locations else None

    @cached_property
    def _by_id(self) -> dict[str, NetworkLocation]:
        return {one.location_id: one for one in self.network}

    @cached_property
    def windows(self) -> Windows:
        """The windows of all capacities."""
        return Windows(self.network, {name: one.time_zone for name, one in self.locations.items()})

    @property
    def has_limits(self) -> bool:
        """Whether any location can do only so much in a day."""
        return any(location.capacities for location in self.network)

    @cached_property
    def facts(self) -> Mapping[str, Facts]:
        """What of locations changes only with the network."""
        return {
            entry.location_id: static_facts(entry, self.locations[entry.location_id])
            for entry in self.network
            if entry.location_id in self.locations
        }

    def rulebook(self, policy: Policy) -> Rulebook:
        """The rules of a version on this network, compiled once."""
        if not policy.rules:
            return NO_RULEBOOK
        name = (policy.policy_id, policy.version)
        if name not in self.rulebooks:
            self.rulebooks[name] = Rulebook(policy.rules, self.facts)
        return self.rulebooks[name]
