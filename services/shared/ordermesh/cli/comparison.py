"""What simpler rules would have done with the same orders, the same stock and the same capacity."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from google.type.money_pb2 import Money

from ordermesh.api.order.v1 import StockMatrix
from ordermesh.api.routing.v1 import CostTerm, Decision, LocationCapacity
from ordermesh.kernel.money import SCALE, from_units_and_nanos
from ordermesh.sample.nouns import Item, NetworkLocation, Order, StockRow


@dataclass
class Residual:
    """Stock and capacity that a rule has not used yet; ``take`` changes it.

    ``stock`` is units by SKU and location, ``capacity`` the units that each location can still
    send; a location without an entry has no limit.
    """

    stock: dict[str, dict[str, int]]
    capacity: dict[str, int]

    @classmethod
    def of(cls, stock: Iterable[StockRow], network: Iterable[NetworkLocation]) -> "Residual":
        """What there is before the first order."""
        units: dict[str, dict[str, int]] = {}
        for row in stock:
            places = units.setdefault(row.sku, {})
            places[row.location_id] = places.get(row.location_id, 0) + row.quantity
        capacity = {
            place.location_id: place.capacity_units_per_day
            for place in network
            if place.capacity_units_per_day is not None
        }
        return cls(units, capacity)

    def copy(self) -> "Residual":
        """The same stock and capacity, to be used up apart."""
        return Residual(
            {sku: dict(places) for sku, places in self.stock.items()}, dict(self.capacity)
        )

    def matrix(self, skus: Sequence[str]) -> StockMatrix:
        """The stock of these SKUs in packed form, at the locations that have any of them."""
        places = sorted(
            {place for sku in skus for place, units in self.stock.get(sku, {}).items() if units > 0}
        )
        quantities = [self.stock.get(sku, {}).get(place, 0) for sku in skus for place in places]
        return StockMatrix(skus=skus, location_ids=places, quantities=quantities)

    def capacities(self, location_ids: Iterable[str]) -> list[LocationCapacity]:
        """What those of these locations that have a limit can still send."""
        return [
            LocationCapacity(location_id=place, units=self.capacity[place])
            for place in location_ids
            if place in self.capacity
        ]

    def take(self, decision: Decision) -> None:
        """Use up what the decision's plan sends.

        Raises ``ValueError`` when it sends more of an item than the location has.
        """
        for shipment in decision.plan.shipments:
            place = shipment.location_id
            for line in shipment.lines:
                left = self.stock.get(line.sku, {}).get(place, 0) - line.quantity
                if left < 0:
                    raise ValueError(f"The plan sends more of {line.sku} than {place} has.")
                self.stock[line.sku][place] = left
                if place in self.capacity:
                    self.capacity[place] = max(0, self.capacity[place] - line.quantity)


def stocked_skus(order: Order, items: Mapping[str, Item]) -> list[str]:
    """The SKUs of which stock is kept for the order, ascending: for a kit, its components."""
    skus: set[str] = set()
    for line in order.lines:
        parts = items[line.sku].components if line.sku in items else ()
        skus.update([part.sku for part in parts] or [line.sku])
    return sorted(skus)


@dataclass
class Tally:
    """Decisions added up, by the same rules for whoever made them. Money is in 1e-4 units.

    An order is *whole* when nothing of it is unfilled, *unsent* when nothing of it is sent.
    ``days`` are those to the last parcel, summed over orders of which something is sent. The cost
    contains the penalties for what is unfilled.
    """

    orders: int = 0
    whole: int = 0
    unsent: int = 0
    split: int = 0
    shipments: int = 0
    parcels: int = 0
    extra_parcels: int = 0
    units: int = 0
    unfilled_units: int = 0
    days: int = 0
    late: int = 0
    cost: int = 0
    cost_by_kind: Counter[int] = field(default_factory=Counter)
    shipments_by_location: Counter[str] = field(default_factory=Counter)
    units_by_location: Counter[str] = field(default_factory=Counter)

    def add(self, decision: Decision, promise_days: int) -> None:
        """Count the decision of one order; without a promise nothing is late."""
        shipments = decision.plan.shipments
        parcels = sum(shipment.parcel_count for shipment in shipments)
        last = max((shipment.days for shipment in shipments), default=0)
        self.orders += 1
        self.whole += bool(shipments) and not decision.unfilled_lines
        self.unsent += not shipments
        self.split += len(shipments) > 1
        self.shipments += len(shipments)
        self.parcels += parcels
        self.extra_parcels += max(0, parcels - 1)
        self.unfilled_units += sum(line.unfilled for line in decision.unfilled_lines)
        self.days += last
        self.late += bool(promise_days) and last > promise_days
        self.cost += minor(decision.cost)
        for term in decision.cost_terms:
            self.cost_by_kind[term.kind] += minor(term.amount)
        for shipment in shipments:
            units = sum(line.quantity for line in shipment.lines)
            self.units += units
            self.shipments_by_location[shipment.location_id] += 1
            self.units_by_location[shipment.location_id] += units

    @property
    def not_whole(self) -> int:
        """Orders of which something is unfilled."""
        return self.orders - self.whole

    @property
    def cost_per_order(self) -> float:
        """Currency units, penalties for what is unfilled included."""
        return self.cost / SCALE / self.orders if self.orders else 0.0

    @property
    def cost_per_order_without_penalties(self) -> float:
        """Currency units of what was really paid for."""
        penalties = self.cost_by_kind[CostTerm.KIND_UNFILLED]
        return (self.cost - penalties) / SCALE / self.orders if self.orders else 0.0

    @property
    def extra_parcels_per_order(self) -> float:
        """Parcels beyond the first."""
        return self.extra_parcels / self.orders if self.orders else 0.0

    @property
    def split_share(self) -> float:
        """The share of orders that leave from more than one location."""
        return self.split / self.orders if self.orders else 0.0

    @property
    def days_per_order(self) -> float:
        """Days to the last parcel, over orders of which something is sent."""
        sent = self.orders - self.unsent
        return self.days / sent if sent else 0.0


def minor(amount: Money) -> int:
    """The amount in 1e-4 of its currency."""
    return from_units_and_nanos(amount.units, amount.nanos)


def saving(ours: Tally, theirs: Tally) -> float:
    """By what share ours is cheaper than theirs; negative when it is dearer."""
    return 1 - ours.cost_per_order / theirs.cost_per_order if theirs.cost else 0.0


def ranked(counts: Mapping[str, int], most: int) -> list[tuple[str, int]]:
    """The largest counts first, ties by name."""
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:most]
