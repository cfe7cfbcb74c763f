"""ItemService and LocationService."""

from collections.abc import AsyncIterator

import grpc

from ordermesh.api.inventory.v1 import (
    BatchGetItemsRequest,
    BatchGetItemsResponse,
    BatchGetLocationsRequest,
    BatchGetLocationsResponse,
    Item,
    ItemServiceServicer,
    ListItemsRequest,
    ListItemsResponse,
    ListLocationsRequest,
    ListLocationsResponse,
    Location,
    LocationServiceServicer,
    PutItemsRequest,
    PutItemsResponse,
    PutLocationsRequest,
    PutLocationsResponse,
    WatchItemsRequest,
    WatchItemsResponse,
    WatchLocationsRequest,
    WatchLocationsResponse,
)
from ordermesh.inventory.operations.catalog import put_items, put_locations
from ordermesh.inventory.queries.lists import (
    batch_get_items,
    batch_get_locations,
    list_items,
    list_locations,
)
from ordermesh.inventory.servicer.wiring import Wiring, follow
from ordermesh.inventory.wire.items import item, item_message
from ordermesh.inventory.wire.locations import location, location_message
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.feed import Change
from ordermesh.runtime.pages import fitting_rows, page_size, page_token, place_in_text


class ItemServicer(ItemServiceServicer):
    """Keeps the items."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def PutItems(
        self,
        request: PutItemsRequest,
        _context: grpc.aio.ServicerContext[PutItemsRequest, PutItemsResponse],
    ) -> PutItemsResponse:
        """Create and replace items."""

        async def work(tx: Transaction) -> PutItemsResponse:
            items = [item(message) for message in request.items]
            return PutItemsResponse(changed_count=await put_items(self._wiring.stores, tx, items))

        return await self._wiring.mutations.run(request, PutItemsResponse, work)

    async def BatchGetItems(
        self,
        request: BatchGetItemsRequest,
        _context: grpc.aio.ServicerContext[BatchGetItemsRequest, BatchGetItemsResponse],
    ) -> BatchGetItemsResponse:
        """Read items by SKU."""
        found, revision = await self._wiring.database.read(
            lambda tx: batch_get_items(self._wiring.stores, tx, request.skus)
        )
        return BatchGetItemsResponse(items=[item_message(one) for one in found], revision=revision)

    async def ListItems(
        self,
        request: ListItemsRequest,
        _context: grpc.aio.ServicerContext[ListItemsRequest, ListItemsResponse],
    ) -> ListItemsResponse:
        """Read all items, page by page."""
        after = place_in_text(request, request.page_token)
        page = await self._wiring.database.read(
            lambda tx: list_items(self._wiring.stores, tx, after, page_size(request.page_size))
        )
        items = fitting_rows(map(item_message, page.rows))
        has_more = page.has_more or len(items) < len(page.rows)
        return ListItemsResponse(
            items=items,
            next_page_token=page_token(request, items[-1].sku) if has_more else "",
            revision=page.revision,
        )

    async def WatchItems(
        self,
        request: WatchItemsRequest,
        _context: grpc.aio.ServicerContext[WatchItemsRequest, WatchItemsResponse],
    ) -> AsyncIterator[WatchItemsResponse]:
        """Stream changed items."""
        async for revision, items in follow(
            self._wiring.feed, "item", request.start_revision, _changed_item
        ):
            yield WatchItemsResponse(revision=revision, items=items)


class LocationServicer(LocationServiceServicer):
    """Keeps the locations."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def PutLocations(
        self,
        request: PutLocationsRequest,
        _context: grpc.aio.ServicerContext[PutLocationsRequest, PutLocationsResponse],
    ) -> PutLocationsResponse:
        """Create and replace locations."""

        async def work(tx: Transaction) -> PutLocationsResponse:
            locations = [location(message) for message in request.locations]
            count = await put_locations(self._wiring.stores, tx, locations, self._wiring.time_zones)
            return PutLocationsResponse(changed_count=count)

        return await self._wiring.mutations.run(request, PutLocationsResponse, work)

    async def BatchGetLocations(
        self,
        request: BatchGetLocationsRequest,
        _context: grpc.aio.ServicerContext[BatchGetLocationsRequest, BatchGetLocationsResponse],
    ) -> BatchGetLocationsResponse:
        """Read locations by id."""
        found, revision = await self._wiring.database.read(
            lambda tx: batch_get_locations(self._wiring.stores, tx, request.location_ids)
        )
        return BatchGetLocationsResponse(
            locations=[location_message(one) for one in found], revision=revision
        )

    async def ListLocations(
        self,
        request: ListLocationsRequest,
        _context: grpc.aio.ServicerContext[ListLocationsRequest, ListLocationsResponse],
    ) -> ListLocationsResponse:
        """Read all locations, page by page."""
        after = place_in_text(request, request.page_token)
        page = await self._wiring.database.read(
            lambda tx: list_locations(self._wiring.stores, tx, after, page_size(request.page_size))
        )
        locations = fitting_rows(map(location_message, page.rows))
        has_more = page.has_more or len(locations) < len(page.rows)
        return ListLocationsResponse(
            locations=locations,
            next_page_token=page_token(request, locations[-1].location_id) if has_more else "",
            revision=page.revision,
        )

    async def WatchLocations(
        self,
        request: WatchLocationsRequest,
        _context: grpc.aio.ServicerContext[WatchLocationsRequest, WatchLocationsResponse],
    ) -> AsyncIterator[WatchLocationsResponse]:
        """Stream changed locations."""
        async for revision, locations in follow(
            self._wiring.feed, "location", request.start_revision, _changed_location
        ):
            yield WatchLocationsResponse(revision=revision, locations=locations)


def _changed_item(change: Change) -> Item:
    message = Item.FromString(change.payload)
    message.revision = change.revision
    return message


def _changed_location(change: Change) -> Location:
    message = Location.FromString(change.payload)
    message.revision = change.revision
    return message
