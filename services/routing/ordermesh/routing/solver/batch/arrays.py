"""The types that the compiled passes are declared with, and the arrays they are handed."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numba import types
from numpy.typing import NDArray

from ordermesh.routing.domain.batch.cells import Cells

Integers = NDArray[np.int64]
Data = tuple[
    Integers,
    Integers,
    Integers,
    Integers,
    Integers,
    Integers,
    NDArray[np.int32],
    Integers,
    Integers,
    Integers,
    int,
    int,
    Integers,
    Integers,
    Integers,
    Integers,
]
"""First rows, cells and atoms of orders; location and parcel of rows; cost and stock of cells;
units, penalty and twin of atoms; the number of rows of stock; the split charge; grams of atoms;
zone of rows; edges and prices of brackets of weight."""

Spread = Callable[[Callable[[int], int], Iterable[int]], Iterator[int]]
"""How pieces of work are run: ``map``, or that of a pool of threads. They do not share results."""

INTEGER = types.int64
COLUMN = types.int64[::1]
FLAGS = types.boolean[::1]
DATA = types.Tuple(  # type: ignore[no-untyped-call]  # the package has no annotations
    [*([COLUMN] * 6), types.int32[::1], *([COLUMN] * 3), INTEGER, INTEGER, *([COLUMN] * 4)]
)

FIRM = 256
"""Prices are taken in 256ths: this much of a price is all of it."""

INFINITE = 2**60
"""What cannot be; the same as ``NEVER`` of a cell."""

STATES = 4096
"""Sets of the atoms of one order at most."""


def data_of(cells: Cells) -> Data:
    """The arrays in the order in which the passes take them."""
    return (
        cells.first_row,
        cells.first_cell,
        cells.first_atom,
        cells.row_location,
        cells.row_parcel,
        cells.cell_cost,
        cells.cell_stock,
        cells.units,
        cells.penalty,
        cells.twin,
        cells.stock_rows,
        cells.split_charge,
        cells.grams,
        cells.row_zone,
        cells.edges,
        cells.steps,
    )
