"""Instances of open orders as bytes, without names: what the solver's process is handed."""

import io
from typing import Any

import numpy as np

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.batch.cells import Cells
from ordermesh.routing.domain.batch.instance import (
    Atoms,
    Batch,
    Integers,
    Items,
    Locations,
    Orders,
    Stock,
)
from ordermesh.routing.domain.rates import CarbonRates, CostModel, ZoneRates
from ordermesh.routing.domain.reoptimizing.instance import Instance

CELLS = (
    "first_row",
    "first_cell",
    "first_atom",
    "row_location",
    "row_parcel",
    "cell_cost",
    "cell_stock",
    "units",
    "penalty",
    "twin",
    "contended",
    "grams",
    "row_zone",
    "edges",
    "steps",
)
_FREE = Money(0)


def written(instance: Instance) -> bytes:
    """The instance as bytes."""
    batch, cells = instance.batch, instance.cells
    buffer = io.BytesIO()
    np.savez(
        buffer,
        **{f"cells_{name}": getattr(cells, name) for name in CELLS},
        capacity=batch.locations.capacity,
        stock_item=batch.stock.item,
        stock_location=batch.stock.location,
        stock_units=batch.stock.units,
        atom_line=batch.atoms.line,
        atom_item=batch.atoms.item,
        distance_km=batch.distance_km,
        items=np.array(len(batch.items.skus)),
        start=instance.start,
    )
    return buffer.getvalue()


def read(payload: bytes) -> tuple[Batch, Cells, Integers]:
    """Batch, cells and where each atom is now."""
    with np.load(io.BytesIO(payload)) as found:
        known: dict[str, Any] = {name: found[name] for name in found.files}
    cells = Cells(
        **{name: known[f"cells_{name}"] for name in CELLS},
        stock_rows=len(known["stock_units"]),
        split_charge=0,
    )
    orders, places = cells.orders, len(known["capacity"])
    nothing = np.zeros(places, np.int64)
    batch = Batch(
        name="open orders",
        costs=_NO_COSTS,
        locations=Locations(_names(places), nothing, nothing, nothing, known["capacity"]),
        items=Items(_names(int(known["items"])), np.zeros(int(known["items"]), np.int64)),
        stock=Stock(
            known["stock_item"],
            known["stock_location"],
            known["stock_units"],
            np.zeros(cells.stock_rows, np.int64),
        ),
        orders=Orders(
            _names(orders),
            np.arange(orders, dtype=np.int64),
            np.full(orders, -1, np.int64),
            cells.first_atom,
        ),
        atoms=Atoms(known["atom_line"], known["atom_item"], cells.units, cells.penalty),
        distance_km=known["distance_km"],
    )
    return batch, cells, known["start"]


def _names(number: int) -> tuple[str, ...]:
    return tuple(map(str, range(number)))


_NO_COSTS = CostModel(
    version="",
    currency="",
    zones=(ZoneRates(1, None, _FREE, _FREE, 0),),
    split_charge=_FREE,
    transit_day=_FREE,
    late_day=_FREE,
    unfilled_per_atom=_FREE,
    unfilled_per_unit=_FREE,
    unfilled_per_kg=_FREE,
    carbon=CarbonRates(0, 0, 0, _FREE, ""),
)
"""All costs are in the cells."""
