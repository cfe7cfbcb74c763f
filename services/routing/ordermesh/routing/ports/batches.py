"""Solvers of batches: they work elsewhere, and are stopped when nobody waits for them."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from ordermesh.routing.domain.batch.instance import Integers
from ordermesh.routing.domain.reoptimizing.instance import Instance


class BatchSession(Protocol):
    """One batch that is being solved."""

    async def send(self, piece: bytes) -> None:
        """Hand over a piece of the request, as it came."""
        ...

    def solve(self, seconds: float) -> AsyncGenerator[tuple[bytes, bool], None]:
        """Solve what was handed over: pieces of the answer, ready to be sent.

        Beside each stands whether it is the outcome of a plan that was cut off. Raises
        ``FieldViolation`` for amounts too large, and ``Unavailable`` where not even the first plan
        was found.
        """
        ...


@dataclass(frozen=True)
class Replanned:
    """Where each atom of an instance would be best, in the costs of its cells.

    ``bound``: no plan costs less, in these costs. ``prices`` of all resources prove it. ``is_cut``:
    it was stopped by the clock.
    """

    location: Integers
    cost: int
    bound: int
    prices: Integers
    is_cut: bool


class Replanning(Protocol):
    """Plans orders together that have their stock."""

    async def __call__(self, instance: Instance, seed: int, seconds: float) -> Replanned:
        """A plan that is no dearer than where they are. Raises ``Unavailable``."""
        ...


class BatchSolving(Protocol):
    """Where batches are solved."""

    def open(self) -> AbstractAsyncContextManager[BatchSession]:
        """Begin with one; waits while there is no room. What was begun is stopped at the end."""
        ...
