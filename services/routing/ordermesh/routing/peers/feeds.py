"""What routing follows of inventory: the items and the locations that there are."""

from collections.abc import AsyncIterator

import grpc

from ordermesh.api.inventory.v1 import (
    ListItemsRequest,
    ListLocationsRequest,
    WatchItemsRequest,
    WatchLocationsRequest,
)
from ordermesh.client.errors import refusal_of
from ordermesh.client.mesh import Mesh
from ordermesh.kernel.errors import Unavailable
from ordermesh.routing.peers.availability import INVENTORY
from ordermesh.routing.ports.feeds import FeedPage, FeedTooOld
from ordermesh.routing.ports.stores import Feed
from ordermesh.routing.wire.inventory import item, location
from ordermesh.runtime.answers import AWAY_SECONDS, expected

PAGE_SIZE = 1_000


class InventoryFeeds:
    """Inventory's items and locations, listed and watched."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh

    async def listed(self, feed: Feed) -> AsyncIterator[FeedPage]:
        """All there is, page by page; each page contains every change up to its revision."""
        token = ""
        while True:
            if feed is Feed.ITEMS:
                items = await expected(
                    INVENTORY,
                    self._mesh.items.ListItems(
                        ListItemsRequest(page_size=PAGE_SIZE, page_token=token)
                    ),
                )
                yield FeedPage(items.revision, items=tuple(item(one) for one in items.items))
                token = items.next_page_token
            else:
                places = await expected(
                    INVENTORY,
                    self._mesh.locations.ListLocations(
                        ListLocationsRequest(page_size=PAGE_SIZE, page_token=token)
                    ),
                )
                known = tuple(location(one) for one in places.locations)
                yield FeedPage(places.revision, locations=known)
                token = places.next_page_token
            if not token:
                return

    async def watched(self, feed: Feed, start_revision: int) -> AsyncIterator[FeedPage]:
        """Changes from a revision on, for ever. Raises ``FeedTooOld`` and ``Unavailable``."""
        try:
            if feed is Feed.ITEMS:
                async for change in self._mesh.items.WatchItems(
                    WatchItemsRequest(start_revision=start_revision)
                ):
                    yield FeedPage(change.revision, items=tuple(item(one) for one in change.items))
            else:
                async for moved in self._mesh.locations.WatchLocations(
                    WatchLocationsRequest(start_revision=start_revision)
                ):
                    known = tuple(location(one) for one in moved.locations)
                    yield FeedPage(moved.revision, locations=known)
        except grpc.aio.AioRpcError as error:
            refusal = refusal_of(error)
            if refusal is not None and refusal.reason == "REVISION_COMPACTED":
                raise FeedTooOld from error
            raise Unavailable(
                f"Inventory is away: {error.code().name}.",
                service=INVENTORY,
                retry_after=AWAY_SECONDS,
            ) from error
