"""Solvers of batches: they work elsewhere, and are stopped when nobody waits for them."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from typing import Protocol


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


class BatchSolving(Protocol):
    """Where batches are solved."""

    def open(self) -> AbstractAsyncContextManager[BatchSession]:
        """Begin with one; waits while there is no room. What was begun is stopped at the end."""
        ...
