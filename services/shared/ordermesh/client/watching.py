"""Where a matrix gets its balances from: inventory itself, over a mesh."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from typing import Protocol

import grpc

from ordermesh.api.inventory.v1 import (
    BatchGetItemsRequest,
    WatchAvailabilityRequest,
    WatchAvailabilityResponse,
)
from ordermesh.client.errors import refusal_of
from ordermesh.client.following import PASSING, SILENCE_SECONDS
from ordermesh.client.mesh import Mesh

ITEMS_MAX = 1_000
"""Items that one call reads."""


class SourceAway(Exception):
    """Nothing can be told now: ask again in a while."""


class LoadAgain(Exception):
    """What is known does not lead to what follows: only a new picture does."""


class Follower(Protocol):
    """Tells one reader what there is and what becomes of it."""

    def told(
        self, *, afresh: bool
    ) -> AsyncGenerator[tuple[WatchAvailabilityResponse, float], None]:
        """A picture, if ``afresh``, and then what changes, each with its age in seconds.

        Raises ``SourceAway`` and ``LoadAgain``.
        """
        ...


class MeshFollower:
    """Watches inventory. ``skus`` and ``location_ids`` choose; empty means all.

    What a ``channel`` may promise is followed from a picture on; after a pause it is loaded anew.
    """

    def __init__(
        self, mesh: Mesh, skus: Collection[str], location_ids: Collection[str], channel: str = ""
    ) -> None:
        self._mesh = mesh
        self._channel = channel
        self._skus = frozenset(skus)
        self._location_ids = frozenset(location_ids)
        self._asked = set(skus)
        self._revision = 0

    async def told(
        self, *, afresh: bool
    ) -> AsyncGenerator[tuple[WatchAvailabilityResponse, float], None]:
        """As ``Follower``; raises ``AioRpcError`` where asking again does not help."""
        try:
            async for reply in self._watched(afresh=afresh):
                yield reply, 0.0
        except grpc.aio.AioRpcError as error:
            refusal = refusal_of(error)
            if refusal is not None and refusal.reason == "REVISION_COMPACTED":
                raise LoadAgain(refusal.sentence) from error
            if error.code() not in PASSING:
                raise
            raise SourceAway(f"Inventory answers {error.code().name}.") from error
        except TimeoutError as error:
            raise SourceAway("Inventory says nothing.") from error

    async def _watched(self, *, afresh: bool) -> AsyncIterator[WatchAvailabilityResponse]:
        if afresh:
            self._asked = await self._wanted()
        elif self._channel:
            raise LoadAgain("What controls did meanwhile is not known.")
        request = WatchAvailabilityRequest(
            start_revision=0 if afresh else self._revision + 1,
            snapshot=afresh,
            packed=True,
            kits=True,
            skus=sorted(self._asked),
            location_ids=sorted(self._location_ids),
            channel=self._channel,
        )
        is_whole = not afresh
        stream = self._mesh.availability.WatchAvailability(request)
        replies = stream.__aiter__()
        try:
            while True:
                try:
                    async with asyncio.timeout(SILENCE_SECONDS):
                        reply = await replies.__anext__()
                except StopAsyncIteration:
                    return
                if is_whole:
                    self._refuse_gap(reply)
                if is_whole or reply.snapshot_end:
                    self._revision = reply.revision
                    is_whole = True
                yield reply
        finally:
            stream.cancel()

    async def _wanted(self) -> set[str]:
        """The items to ask for: those that were chosen, and the components of the kits of them."""
        wanted = set(self._skus)
        chosen = sorted(self._skus)
        for start in range(0, len(chosen), ITEMS_MAX):
            request = BatchGetItemsRequest(skus=chosen[start : start + ITEMS_MAX])
            for one in (await self._mesh.items.BatchGetItems(request)).items:
                wanted.update(part.sku for part in one.kit.components)
        return wanted

    def _refuse_gap(self, reply: WatchAvailabilityResponse) -> None:
        if reply.revision < self._revision:
            raise LoadAgain("Inventory tells of another history.")
        if self._skus and any(
            part.sku not in self._asked for kit in reply.kits for part in kit.components
        ):
            raise LoadAgain("A kit that is followed has a component that is not.")
