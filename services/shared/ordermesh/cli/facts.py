"""What a run has shown: the facts behind its summary and its report."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ordermesh.api.notify.v1 import TimelineEntry
from ordermesh.api.returns.v1 import Return
from ordermesh.api.routing.v1 import Decision, FulfillmentOrder, Order
from ordermesh.cli.afterwards import Afterwards
from ordermesh.cli.baselines import NEAREST
from ordermesh.cli.comparison import Tally
from ordermesh.cli.loader import Loaded
from ordermesh.cli.place import PORTS
from ordermesh.cli.story import Outcome, Verification, double_shipped, unexplained
from ordermesh.cli.traces import Span, services
from ordermesh.sample.nouns import Location, Retailer

OURS = "ordermesh"
"""The name of the mesh's own decisions beside those of the baselines."""

SummaryValue = int | float | bool | str | dict[str, float]


@dataclass(frozen=True)
class ShownOrder:
    """The one order whose story is told."""

    order: Order
    decision: Decision
    work: tuple[FulfillmentOrder, ...]
    returns: tuple[Return, ...]
    timeline: tuple[TimelineEntry, ...]
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class RunFacts:
    """Everything that a run has found out.

    ``tallies`` holds the mesh's own decisions under ``OURS`` and then each baseline that was
    finished; ``phases`` seconds by what they were spent on; ``deaths`` how often a service ended
    that should not have.
    """

    retailer: Retailer
    loaded: Loaded
    outcome: Outcome
    afterwards: Afterwards
    tallies: Mapping[str, Tally]
    verification: Verification
    shown: ShownOrder
    phases: Mapping[str, float]
    seconds: float
    deaths: Mapping[str, int] = field(default_factory=dict)

    @property
    def ours(self) -> Tally:
        """The mesh's own decisions."""
        return self.tallies[OURS]

    @property
    def nearest(self) -> Tally:
        """What the nearest single location would have done."""
        return self.tallies[NEAREST]

    @property
    def locations(self) -> dict[str, Location]:
        """The locations by their ids."""
        return {location.location_id: location for location in self.retailer.locations}

    @property
    def services_in_trace(self) -> int:
        """How many services took part in the traces of the order that is shown."""
        return len(services(self.shown.spans))

    def summary(self) -> dict[str, SummaryValue]:
        """The facts as they are written into `summary.json`.

        ``orders_sourced`` are those of which nothing is unfilled, ``orders_unfilled`` those of
        which something or everything is; both are all that were submitted.
        """
        return {
            "orders_submitted": self.loaded.orders,
            "orders_sourced": self.ours.whole,
            "orders_unfilled": self.ours.not_whole,
            "shipments": len(self.outcome.shipped),
            "extra_parcels_per_order": round(self.ours.extra_parcels_per_order, 4),
            "extra_parcels_per_order_nearest": round(self.nearest.extra_parcels_per_order, 4),
            "cost_per_order": round(self.ours.cost_per_order, 4),
            "cost_per_order_nearest": round(self.nearest.cost_per_order, 4),
            "ledger_balanced": self.verification.balanced,
            "units_oversold": self.verification.units_oversold,
            "notifications_delivered": self.afterwards.notifications_delivered,
            "returns_completed": self.afterwards.returns_completed,
            "units_restocked": self.afterwards.units_restocked,
            "services_in_trace": self.services_in_trace,
            "seconds": round(self.seconds, 1),
            "currency_code": self.retailer.currency_code,
            "costs": "illustrative",
            "order_shown": self.shown.order.order_id,
            "units_shipped": self.ours.units,
            "units_unfilled": self.ours.unfilled_units,
            "cost_per_order_by_method": {
                name: round(tally.cost_per_order, 4) for name, tally in self.tallies.items()
            },
            "extra_parcels_per_order_by_method": {
                name: round(tally.extra_parcels_per_order, 4)
                for name, tally in self.tallies.items()
            },
            "seconds_by_phase": {name: round(value, 2) for name, value in self.phases.items()},
        }

    def problems(self) -> list[str]:
        """What is wrong, a sentence each; empty after a good run."""
        found = [f"The service {name} died {times} times." for name, times in self.deaths.items()]
        found += [f"A load was refused: {refusal}" for refusal in self.loaded.refused[:10]]
        if self.loaded.orders != len(self.retailer.orders):
            found.append(
                f"{len(self.retailer.orders) - self.loaded.orders} orders were not accepted."
            )
        if not self.ours.whole:
            found.append("No order was sourced.")
        if not self.verification.balanced:
            found.append("The ledger is not balanced.")
            found += [finding.sentence for finding in self.verification.findings[:10]]
        if self.verification.units_oversold:
            found.append(f"{self.verification.units_oversold} units are oversold.")
        found += [f"Order {one} was shipped twice." for one in double_shipped(self.outcome)[:10]]
        found += [f"Order {one} is not explained." for one in unexplained(self.outcome)[:10]]
        found += self._aftermath_problems()
        # What comes back has gone through all of them.
        wanted = PORTS.keys() if self.shown.returns else {"routing"}
        missing = sorted(wanted - services(self.shown.spans))
        if missing:
            order_id = self.shown.order.order_id
            found.append(f"The traces of order {order_id} have no span of {', '.join(missing)}.")
        return found

    def _aftermath_problems(self) -> list[str]:
        after = self.afterwards
        found = []
        untold = sorted(self.outcome.orders.keys() - after.told_orders)
        if untold:
            found.append(f"{len(untold)} customers have no mail, of order {untold[0]} for one.")
        if after.not_told.total():
            found.append(f"{after.not_told.total()} mails were not sent.")
        unfinished = len(after.returns) - after.returns_completed
        if unfinished:
            found.append(f"{unfinished} returns were not completed.")
        return found
