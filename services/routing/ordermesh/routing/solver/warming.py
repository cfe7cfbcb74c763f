"""Compiles the kernel ahead of time, so that no order waits for a compiler.

``python -m ordermesh.routing.solver.warming`` does it once and for all and keeps what it made;
where that is found again, warming takes a fraction of a second. Numba looks at the file of a
function only: who changes one that others call removes the compiled files (``*.nbi``, ``*.nbc``).
"""

import importlib

import numpy as np

from ordermesh.routing.solver import kernel, plain
from ordermesh.routing.solver.lattice import lattice_of

ATOMS_WARM = 10
"""Orders of up to so many single atoms find what they need laid out."""


def warm() -> None:
    """Call every function of the kernel once, on arrays as they are in use; lay out lattices."""
    for atoms in range(1, ATOMS_WARM + 1):
        lattice_of((2,) * atoms).lay_out()
    lattice = lattice_of((2,))
    flat, ones = lattice.flat, np.ones(1, np.int64)
    square = np.ones((1, 1), np.int64)
    fits = kernel.fitting(
        lattice.counts, ones, square, np.zeros((0, 1), np.int64), np.zeros((1, 0), np.int64), ones
    )
    values = np.full((1, lattice.size), kernel.INFINITE, np.int64)
    parcels = np.ones((1, lattice.size), np.int64)
    which = np.zeros(1, np.int64)
    kernel.fill_counted(values, which, lattice.counts, ones, ones, square, parcels, which, fits)
    singles = np.full(lattice.size, kernel.INFINITE, np.int64)
    best, who, packed = singles.copy(), np.zeros(lattice.size, np.int64), singles.copy()
    alone, grams = np.ones(lattice.size, np.bool_), np.ones(lattice.size, np.int64)
    carries = np.ones((1, 1), np.bool_)
    kernel.fill_singles(
        singles,
        who,
        lattice.counts,
        fits[0],
        alone,
        grams,
        grams,
        ones,
        square,
        carries,
        ones,
        ones,
        ones,
        square,
        square,
        ones,
        ones,
        1,
    )
    kernel.pack(packed, singles, alone, flat.order, flat.starts, flat.parts, flat.rests)
    kernel.least_of(values, np.zeros(1, np.bool_), best, who)
    known = np.full((1, lattice.size), kernel.INFINITE, np.int64)
    kernel.relax(
        known,
        best,
        ones,
        flat.anchors,
        flat.anchor_rests,
        flat.order,
        flat.starts,
        flat.parts,
        flat.rests,
        False,
    )
    kernel.margins(values, known[0], ones.copy())
    sums = (ones, ones, square, square, np.full(1, 2, np.int64), lattice.strides, parcels, which)
    kernel.least_of_counted(best, who, np.zeros(1, np.bool_), *sums)
    kernel.margins_counted(ones.copy(), known[0], *sums)
    plain.search(
        ones, ones, square, ones, ones, ones, square, ones, square, square,
        np.full(1, 2, np.int64), lattice.strides, flat.anchors, flat.anchor_rests, flat.order,
        flat.starts, flat.parts, flat.rests, False, ones.copy(), square.copy(), known, ones.copy(),
        ones.copy(),
    )  # fmt: skip


if __name__ == "__main__":
    warm()
    # The passes over batches are compiled as they are imported: their types are declared.
    importlib.import_module("ordermesh.routing.solver.batch.engine")
