"""The states of the exact recurrence: how many atoms of each group, from none to all.

A state is a vector of counts, numbered in mixed radix with the first group most significant; with
one atom in every group it is a set of atoms. Subtracting vectors subtracts numbers. The pairs of a
state and a part of it are laid out once per shape, level by level, where a level holds the states
with the same number of atoms: everything a level needs was decided by lower levels.
"""

import itertools
import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Indices = NDArray[np.intp]

PAIRS_MAX = 2_400_000
"""Pairs of a state and a part of it that are enumerated at most: 13 single atoms have 3^13."""

_SMALL_PAIRS_MAX = 20_000


def pairs_of(shape: tuple[int, ...]) -> int:
    """How many pairs of a state and a part of it there are; ``shape`` is atoms + 1 by group."""
    return math.prod(side * (side + 1) // 2 for side in shape)


@dataclass(frozen=True, slots=True)
class Level:
    """The states with one number of atoms, and every way to take a part that holds the anchor.

    The anchor of a state is its first group that has atoms left. ``parts`` and ``rests`` are
    sorted by state, then part; those of the n-th state start at ``offsets[n]``. ``anchor_rests``
    are the states without one atom of their anchor, and ``anchors`` the groups.
    """

    states: Integers
    offsets: Integers
    parts: Integers
    rests: Integers
    anchors: Integers
    anchor_rests: Integers


@dataclass(frozen=True, slots=True)
class Flat:
    """Every level after the other; the pairs of the n-th state are ``starts[n]:starts[n + 1]``."""

    order: Integers
    starts: Integers
    parts: Integers
    rests: Integers
    anchors: Integers
    anchor_rests: Integers


@dataclass(frozen=True)
class Lattice:
    """All states of one shape. ``counts`` has the shape (states, groups)."""

    shape: tuple[int, ...]
    strides: Integers
    counts: Integers
    levels: tuple[Level, ...]

    @property
    def size(self) -> int:
        """Number of states; the last one is the whole order."""
        return len(self.counts)

    def lay_out(self) -> None:
        """Make now what would be made when it is first looked at."""
        self.flat, self.places  # noqa: B018 - looking makes it

    @cached_property
    def flat(self) -> "Flat":
        """All levels, one after the other."""
        starts = [np.zeros(1, np.int64)]
        for level in self.levels:
            ends = np.append(level.offsets[1:], len(level.parts))
            starts.append(starts[-1][-1] + ends)
        return Flat(
            order=np.concatenate([level.states for level in self.levels]),
            starts=np.concatenate(starts),
            parts=np.concatenate([level.parts for level in self.levels]),
            rests=np.concatenate([level.rests for level in self.levels]),
            anchors=np.concatenate([level.anchors for level in self.levels]),
            anchor_rests=np.concatenate([level.anchor_rests for level in self.levels]),
        )

    @cached_property
    def places(self) -> Integers:
        """Where each state is in ``flat``; the empty one is nowhere."""
        places = np.full(self.size, -1, np.int64)
        places[self.flat.order] = np.arange(self.size - 1)
        return places

    @cached_property
    def all_pairs(self) -> tuple[Integers, Integers, Integers]:
        """Offsets by state, parts and rests of every pair, the empty part included."""
        wholes, parts, _ = _pairs(self.shape, self.strides)
        order = np.lexsort((parts, wholes))
        wholes, parts = wholes[order], parts[order]
        offsets = np.searchsorted(wholes, np.arange(self.size))
        return offsets, parts, wholes - parts


def lattice_of(shape: tuple[int, ...]) -> Lattice:
    """The lattice of this shape; small ones are kept, of the large ones the last two."""
    return _small(shape) if pairs_of(shape) <= _SMALL_PAIRS_MAX else _large(shape)


@lru_cache(maxsize=256)
def _small(shape: tuple[int, ...]) -> Lattice:
    return _build(shape)


@lru_cache(maxsize=2)
def _large(shape: tuple[int, ...]) -> Lattice:
    return _build(shape)


def _build(shape: tuple[int, ...]) -> Lattice:
    size = math.prod(shape)
    strides = np.array([math.prod(shape[index + 1 :]) for index in range(len(shape))], np.int64)
    counts = np.arange(size, dtype=np.int64)[:, None] // strides % np.array(shape, np.int64)
    atoms = counts.sum(axis=1)
    anchors = np.argmax(counts > 0, axis=1).astype(np.int64)

    wholes, parts, anchored = _pairs(shape, strides)
    wholes, parts = wholes[anchored], parts[anchored]
    order = np.lexsort((parts, wholes, atoms[wholes]))
    wholes, parts = wholes[order], parts[order]
    edges = np.searchsorted(atoms[wholes], np.arange(1, atoms[-1] + 2))
    levels = []
    for start, end in itertools.pairwise(edges):
        states, offsets = np.unique(wholes[start:end], return_index=True)
        anchor = anchors[states]
        levels.append(
            Level(
                states=states,
                offsets=offsets,
                parts=parts[start:end],
                rests=wholes[start:end] - parts[start:end],
                anchors=anchor,
                anchor_rests=states - strides[anchor],
            )
        )
    return Lattice(shape, strides, counts, tuple(levels))


def _pairs(
    shape: tuple[int, ...], strides: Integers
) -> tuple[Integers, Integers, NDArray[np.bool_]]:
    """Every pair of a state and a part of it, and whether the part holds the state's anchor."""
    wholes, parts = np.zeros(1, np.int64), np.zeros(1, np.int64)
    anchored = np.zeros(1, np.bool_)
    for side, stride in zip(reversed(shape), reversed(strides.tolist()), strict=True):
        counts = np.arange(side, dtype=np.int64)
        whole, part = np.nonzero(counts[:, None] >= counts[None, :])
        # A group in front of the others is the anchor wherever the state has atoms of it.
        holds = np.where((whole > 0)[:, None], (part > 0)[:, None], anchored[None, :])
        wholes = (whole[:, None] * stride + wholes[None, :]).ravel()
        parts = (part[:, None] * stride + parts[None, :]).ravel()
        anchored = holds.ravel()
    return wholes, parts, anchored
