"""What can be promised of all items at all locations, kept in the process that asks.

::

    async with AvailabilityMatrix(mesh) as stock:
        await stock.loaded()
        if stock.age_seconds < 10 and stock.available("MUG", "STORE-7") >= 2:
            ...

The matrix loads a picture of all balances, then applies what changes, a moment after it happened.
While inventory is away it keeps what it knows, and gets older; when inventory is back it goes on
from where it was, or loads anew where that is not kept any more. It is a copy: it may refuse early
or say where to ask, but no unit may be promised because of it. A reservation decides.
"""

import asyncio
import random
from array import array
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import Any, Self

from ordermesh.api.inventory.v1 import GetAvailabilityResponse, WatchAvailabilityResponse
from ordermesh.client.copies import StockCopy
from ordermesh.client.following import PAUSE_SECONDS, PAUSE_SECONDS_MAX
from ordermesh.client.mesh import Mesh
from ordermesh.client.vectors import Vectors
from ordermesh.client.watching import Follower, LoadAgain, MeshFollower, SourceAway

CANCEL_SECONDS = 0.5


class AvailabilityMatrix:
    """A copy of what can be promised, which follows its source for as long as the block lasts.

    ``source`` is the mesh, or the copy that inventory keeps in Redis. ``skus`` and ``location_ids``
    choose what is followed of a mesh; empty means all, and a copy is followed as a whole. Kits are
    worked out from their components, which are followed with them. Units of a hold whose time has
    passed are promised again within five seconds.

    What can be promised is what ``channel`` may, or a caller that names none. When controls are
    changed, begin or end, it is known here in under a second, although no stock moves.

    Where inventory refuses to be followed at all, for instance without permission, ``loaded`` and
    ``changes`` raise what it said.
    """

    def __init__(
        self,
        source: Mesh | StockCopy,
        *,
        skus: Collection[str] = (),
        location_ids: Collection[str] = (),
        channel: str = "",
    ) -> None:
        if isinstance(source, StockCopy):
            if skus or location_ids or channel:
                raise ValueError("A copy is followed as a whole.")
            self._follower: Follower = source.follower()
        else:
            self._follower = MeshFollower(source, skus, location_ids, channel)
        self._vectors = Vectors()
        self._revision = 0
        self._load_count = 0
        self._is_closing = False
        self._heard = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._is_loaded = asyncio.Event()
        self._listeners: set[_Listener] = set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._follow(), name="availability matrix")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_closing = True
        while self._task is not None and not self._task.done():
            # More than once: a library beneath may take a cancellation for its own timeout.
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=CANCEL_SECONDS)
        if self._task is not None and not self._task.cancelled():
            self._task.exception()  # whoever waited was told

    async def loaded(self) -> None:
        """Return when the whole picture is here; raises ``AioRpcError`` where it never will be."""
        waiting = asyncio.ensure_future(self._is_loaded.wait())
        try:
            await self._or_failure(waiting)
        finally:
            waiting.cancel()

    @property
    def revision(self) -> int:
        """Every change up to this revision is here."""
        return self._revision

    @property
    def age_seconds(self) -> float:
        """How long inventory has not been heard: changes of so many seconds may be missing.

        Inventory speaks at least every five seconds, and writes a copy every second. Infinite
        before the picture is here.
        """
        if not self._is_loaded.is_set():
            return float("inf")
        return asyncio.get_running_loop().time() - self._heard

    @property
    def load_count(self) -> int:
        """How many pictures were loaded: more than one tells that changes could not be followed."""
        return self._load_count

    @property
    def location_ids(self) -> Sequence[str]:
        """The locations that have balances: the columns of vectors. Others may be added behind."""
        return tuple(self._vectors.location_ids)

    @property
    def skus(self) -> Collection[str]:
        """The items that have balances."""
        return self._vectors.rows.keys()

    @property
    def kits(self) -> Collection[str]:
        """The kits."""
        return self._vectors.kits.keys()

    def available(self, sku: str, location_id: str) -> int:
        """Units, or kits, that can be promised; 0 where inventory knows of none."""
        return self._vectors.available(sku, location_id)

    def vector(self, sku: str) -> "array[int]":
        """What can be promised at each of ``location_ids``, in their order; a copy."""
        return self._vectors.vector(sku)

    def total(self, sku: str, location_ids: Collection[str] | None = None) -> int:
        """What can be promised at some locations together, or at all of them."""
        return self._vectors.total(sku, location_ids)

    def kits_of(self, *skus: str) -> set[str]:
        """The kits that any of the items is part of."""
        return self._vectors.kits_of(skus)

    def answer(self, skus: Sequence[str], location_ids: Sequence[str]) -> GetAvailabilityResponse:
        """What inventory would answer, in fixed encoding, but for the time at which it was read."""
        reply = GetAvailabilityResponse(
            fixed=self._vectors.fixed(skus, location_ids), revision=self._revision
        )
        reply.available.skus.extend(skus)
        reply.available.location_ids.extend(location_ids)
        reply.age_duration.FromNanoseconds(round(1e9 * min(self.age_seconds, 1e9)))
        return reply

    async def changes(self) -> AsyncGenerator[frozenset[str], None]:
        """From now on, the items and kits of which something else can be promised, as it happens.

        Who is slow gets what happened meanwhile at once. After a new picture: all there are.
        """
        listener = _Listener()
        self._listeners.add(listener)
        try:
            while True:
                waiting = asyncio.ensure_future(listener.rung.wait())
                try:
                    await self._or_failure(waiting)
                finally:
                    waiting.cancel()
                yield listener.take()
        finally:
            self._listeners.discard(listener)

    async def _or_failure(self, waiting: "asyncio.Future[Any]") -> None:
        if self._task is None:
            raise RuntimeError("A matrix is used inside of its block.")
        either: set[asyncio.Future[Any]] = {waiting, self._task}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            self._task.result()

    async def _follow(self) -> None:
        pause, afresh = PAUSE_SECONDS, True
        while not self._is_closing:
            try:
                async for _ in self._replies(afresh=afresh):
                    pause, afresh = PAUSE_SECONDS, False
            except LoadAgain:
                afresh = True
            except SourceAway:
                pass
            await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 - it spreads those who return
            pause = min(PAUSE_SECONDS_MAX, 2 * pause)

    async def _replies(self, *, afresh: bool) -> AsyncGenerator[None, None]:
        """Take in what is told; yields when the matrix is whole, and at each message."""
        fresh = Vectors() if afresh else None
        async with aclosing(self._follower.told(afresh=afresh)) as told:
            async for reply, age_seconds in told:
                if fresh is None:
                    changed = _take(self._vectors, reply)
                    self._note(reply, age_seconds)
                    self._tell(changed)
                else:
                    _take(fresh, reply)
                    if not reply.snapshot_end:
                        continue
                    self._note(reply, age_seconds)
                    self._replace(fresh)
                    fresh = None
                yield

    def _replace(self, vectors: Vectors) -> None:
        gone = {*self._vectors.rows, *self._vectors.kits}
        self._vectors = vectors
        self._load_count += 1
        self._tell(gone | {*vectors.rows, *vectors.kits})

    def _note(self, reply: WatchAvailabilityResponse, age_seconds: float) -> None:
        self._revision = reply.revision
        self._heard = asyncio.get_running_loop().time() - age_seconds
        self._is_loaded.set()

    def _tell(self, changed: set[str]) -> None:
        if changed:
            for listener in self._listeners:
                listener.add(changed)


class _Listener:
    """What one loop over the changes has not heard yet."""

    def __init__(self) -> None:
        self.rung = asyncio.Event()
        self._changed: set[str] = set()

    def add(self, changed: set[str]) -> None:
        self._changed |= changed
        self.rung.set()

    def take(self) -> frozenset[str]:
        taken = frozenset(self._changed)
        self._changed.clear()
        self.rung.clear()
        return taken


def _take(vectors: Vectors, reply: WatchAvailabilityResponse) -> set[str]:
    """Apply a message; gives the items and kits of which something else can be promised."""
    made = vectors.compose(reply.kits)
    changed = vectors.apply(reply.packed)
    return changed | made | vectors.kits_of(changed)
