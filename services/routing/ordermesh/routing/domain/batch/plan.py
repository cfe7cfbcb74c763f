"""What was decided for a batch, and what it comes to."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ordermesh.routing.domain.batch.cells import bracket_prices, cells_of, lanes_of
from ordermesh.routing.domain.batch.instance import Batch, Integers
from ordermesh.routing.domain.costs import MICROGRAMS_PER_KG

LEFT = -1
"""Where an atom goes that stays unfilled."""


class BatchStatus(StrEnum):
    """What is known of a plan: proven the cheapest, a feasible one, or one cut off by the clock."""

    OPTIMAL = "OPTIMAL"
    FEASIBLE = "FEASIBLE"
    TIME_LIMIT = "TIME_LIMIT"


@dataclass(frozen=True)
class BatchPlan:
    """Where each atom is sent from (``LEFT``: not), and what is claimed of it.

    ``prices`` are money for a unit of each resource (stock rows, then labor of locations); they
    prove ``bound``, below which no plan's cost can be.
    """

    location: Integers
    cost: int
    bound: int
    prices: Integers
    status: BatchStatus

    @property
    def gap(self) -> float:
        """By how much the plan could at most be too dear, as a share of the bound."""
        if self.cost == self.bound:
            return 0.0
        return (self.cost - self.bound) / self.bound if self.bound > 0 else float("inf")


@dataclass(frozen=True)
class Service:
    """What customers and the climate get of a plan.

    ``extra_parcels`` are those of an order beyond its first. ``days`` is the mean time until an
    order's last parcel arrives, ``late`` the share of sent lines that arrive after the promise.
    ``penalties`` is the part of the cost that is charged for what stays.
    """

    extra_parcels: int
    split_orders: int
    days: float
    late: float
    co2e_kg: float
    unfilled_units: int
    penalties: int


def service_of(batch: Batch, location: Integers) -> Service:
    """What a plan comes to beside its cost."""
    lanes, order = lanes_of(batch), batch.order_of_atom
    sent = location >= 0
    destination = batch.orders.destination[order]
    places = np.maximum(location, 0)
    parcels = np.unique(order[sent] * len(batch.locations.ids) + location[sent])
    parcel_order, parcel_place = np.divmod(parcels, len(batch.locations.ids))
    by_order = np.bincount(parcel_order, minlength=len(batch.orders.ids))
    days = lanes.days[destination, places]
    last = np.zeros(len(batch.orders.ids), np.int64)
    np.maximum.at(last, order[sent], days[sent])
    promise = batch.orders.promise_days[order]
    lines, first = np.unique(
        np.stack([order, batch.atoms.line], axis=1)[sent], axis=0, return_inverse=True
    )
    is_late = np.zeros(len(lines), np.bool_)
    np.logical_or.at(is_late, first.ravel(), ((promise >= 0) & (days > promise))[sent])
    carbon, km = batch.costs.carbon, batch.distance_km
    parcel_km = km[batch.orders.destination[parcel_order], parcel_place]
    emitted = int((carbon.parcel_micrograms + carbon.parcel_micrograms_per_km * parcel_km).sum())
    grams = (batch.items.grams[batch.atoms.item] * batch.atoms.units)[sent]
    emitted += int(carbon.micrograms_per_gram_km * (grams * km[destination, places][sent]).sum())
    return Service(
        extra_parcels=int(np.maximum(by_order - 1, 0).sum()),
        split_orders=int((by_order > 1).sum()),
        days=float(last[by_order > 0].mean()) if len(parcels) else 0.0,
        late=float(is_late.mean()) if len(is_late) else 0.0,
        co2e_kg=emitted / MICROGRAMS_PER_KG,
        unfilled_units=int(batch.atoms.units[~sent].sum()),
        penalties=int(batch.atoms.penalty[~sent].sum()),
    )


def cost_of_plan(batch: Batch, location: Integers) -> int:
    """What a plan costs; what it may do is not looked at."""
    cells = cells_of(batch)
    places, order = len(batch.locations.ids), batch.order_of_atom
    keys = np.repeat(np.arange(cells.orders), np.diff(cells.first_row)) * places
    row = np.searchsorted(keys + cells.row_location, order * places + np.maximum(location, 0))
    sent = location >= 0
    atom = np.arange(len(location)) - cells.first_atom[order]
    width = np.diff(cells.first_atom)[order]
    cell = cells.first_cell[order] + (row - cells.first_row[order]) * width + atom
    opened, parcel = np.unique(row[sent], return_inverse=True)
    weight = np.bincount(parcel, cells.grams[sent], len(opened)).astype(np.int64)
    used = np.unique(order[sent])
    return (
        int(cells.cell_cost[cell[sent]].sum())
        + int(cells.row_parcel[opened].sum())
        + int(bracket_prices(cells, cells.row_zone[opened], weight).sum())
        - cells.split_charge * len(used)
        + int(batch.atoms.penalty[~sent].sum())
    )
