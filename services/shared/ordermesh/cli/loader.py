"""Loading a retailer through the public API, in bulk, with everything that was refused reported."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import grpc
from rich.progress import Progress, TaskID

from ordermesh.api.inventory.v1 import (
    BatchGetItemsRequest,
    BatchGetLocationsRequest,
    ListBalancesRequest,
    PutItemsRequest,
    PutLocationsRequest,
    ReceiveStockRequest,
)
from ordermesh.api.routing.v1 import (
    GetNetworkOverviewRequest,
    GetNetworkOverviewResponse,
    PutNetworkLocationsRequest,
    SubmitOrderResponse,
)
from ordermesh.cli import messages
from ordermesh.cli.calls import Method, all_pages, in_flight, patiently, words
from ordermesh.client import Mesh
from ordermesh.kernel.ids import RandomIds, derived_id
from ordermesh.sample import nouns
from ordermesh.sample.files.sheets import Column, Refusal, Sheet

Record = TypeVar("Record")
Request = TypeVar("Request")
Reply = TypeVar("Reply")

BULK = 1_000
"""Rows in one call: the most that the contracts take."""

KNOWN_SECONDS = 30.0

_REFUSED = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
    }
)


@dataclass(frozen=True)
class Source:
    """Where records come from, so that a refusal can name its line.

    ``file`` is nothing for a retailer that comes from no file.
    """

    title: str
    key_columns: tuple[str, ...]
    file: Path | None = None
    columns: Sequence[Column] = ()

    def refusal(self, key: tuple[str, ...], why: str) -> Refusal:
        """Why a service refused the record with this key. Its line is 0 where there is no file."""
        name = str(self.file or self.title)
        return Refusal(name, self._line(key), self.key_columns[0], " at ".join(key), why)

    def _line(self, key: tuple[str, ...]) -> int:
        if self.file is None:
            return 0
        for record in Sheet(self.file, self.columns).records():
            if tuple(record.raw(column) for column in self.key_columns) == key:
                return record.line
        return 0


SAMPLE: Mapping[str, Source] = {
    "items": Source("the sample's items", ("sku",)),
    "network": Source("the sample's network", ("location_id",)),
    "stock": Source("the sample's stock", ("sku", "location_id")),
    "orders": Source("the sample's orders", ("order_id",)),
}
"""The sources of the sample retailer, by the names of the four files."""


@dataclass
class Loaded:
    """What a load did."""

    items: int = 0
    locations: int = 0
    network: int = 0
    stock_rows: int = 0
    stock_units: int = 0
    stock_rows_kept: int = 0
    """Rows whose item is stocked at its location already; they were left as they are."""

    orders: int = 0
    refused: list[Refusal] = field(default_factory=list)


class Loader:
    """Puts a retailer's records into a mesh; what was done is counted in ``loaded``.

    Loading twice is harmless: items, locations and the network are put as they are, stock is
    received only where its item has never been stocked, and an order is submitted under a request
    id that is derived from it.
    """

    def __init__(
        self, mesh: Mesh, currency_code: str, progress: Progress, sources: Mapping[str, Source]
    ) -> None:
        self.loaded = Loaded()
        self._mesh = mesh
        self._currency_code = currency_code
        self._progress = progress
        self._sources = sources
        self._ids = RandomIds()

    async def put_items(self, records: Sequence[nouns.Item]) -> None:
        """Put items, kits after what they are made of, and wait until routing knows them."""
        task = self._task("items", len(records))
        plain = [record for record in records if not record.components]
        kits = [record for record in records if record.components]

        def request_of(part: Sequence[nouns.Item]) -> PutItemsRequest:
            items = [messages.item(record, self._currency_code) for record in part]
            return PutItemsRequest(request_id=str(self._ids.new()), items=items)

        def key_of(record: nouns.Item) -> tuple[str, ...]:
            return (record.sku,)

        taken: list[nouns.Item] = []
        for part in (*_parts(plain), *_parts(kits)):
            taken += await self._send(part, request_of, self._mesh.items.PutItems, "items", key_of)
            self._progress.advance(task, len(part))
        self.loaded.items += len(taken)
        await self._until_items_are_known([record.sku for record in taken])

    async def put_network(
        self,
        locations: Sequence[nouns.Location],
        network: Sequence[nouns.NetworkLocation],
    ) -> None:
        """Put locations, wait until routing knows them, and put how they fulfill."""
        task = self._task("locations", len(locations) + len(network))
        taken: list[nouns.Location] = []
        for part in _parts(locations):
            taken += await self._send(
                part,
                self._locations_request,
                self._mesh.locations.PutLocations,
                "network",
                lambda record: (record.location_id,),
            )
            self._progress.advance(task, len(part))
        self.loaded.locations += len(taken)
        known = {record.location_id for record in taken}
        await self._until_locations_are_known(sorted(known))
        for nodes in _parts([record for record in network if record.location_id in known]):
            done = await self._send(
                nodes,
                self._network_request,
                self._mesh.network.PutNetworkLocations,
                "network",
                lambda record: (record.location_id,),
            )
            self.loaded.network += len(done)
        self._progress.update(task, completed=len(locations) + len(network))

    async def receive_stock(self, rows: Sequence[nouns.StockRow]) -> None:
        """Receive the stock of pairs of item and location that were never stocked."""
        task = self._task("stock", len(rows))
        for part in _parts(rows):
            stocked = await self._stocked({row.sku for row in part})
            fresh = [row for row in part if (row.sku, row.location_id) not in stocked]
            self.loaded.stock_rows_kept += len(part) - len(fresh)
            done = await self._send(
                [row for row in fresh if row.quantity],
                _stock_request,
                self._mesh.ledger.ReceiveStock,
                "stock",
                lambda row: (row.sku, row.location_id),
            )
            self.loaded.stock_rows += len(done)
            self.loaded.stock_units += sum(row.quantity for row in done)
            self._progress.advance(task, len(part))

    async def submit_orders(
        self, orders: Sequence[nouns.Order], submitted: Callable[[], None] = lambda: None
    ) -> dict[str, SubmitOrderResponse]:
        """Submit paid orders, several at a time, begun in their order; the replies by order.

        ``submitted`` is called after each.
        """
        task = self._task("orders", len(orders))
        replies: dict[str, SubmitOrderResponse] = {}

        async def submit(order: nouns.Order) -> None:
            request = messages.submit_order(order, self._currency_code)
            try:
                replies[order.order_id] = await patiently(self._mesh.orders.SubmitOrder, request)
                self.loaded.orders += 1
            except grpc.aio.AioRpcError as error:
                self._refuse("orders", (order.order_id,), error)
            self._progress.advance(task)
            submitted()

        await in_flight(orders, submit)
        return replies

    def _locations_request(self, part: Sequence[nouns.Location]) -> PutLocationsRequest:
        return PutLocationsRequest(
            request_id=str(self._ids.new()),
            locations=[messages.location(record) for record in part],
        )

    def _network_request(self, part: Sequence[nouns.NetworkLocation]) -> PutNetworkLocationsRequest:
        return PutNetworkLocationsRequest(
            request_id=str(self._ids.new()),
            locations=[messages.network_location(record, self._currency_code) for record in part],
        )

    async def _send(
        self,
        records: Sequence[Record],
        request_of: Callable[[Sequence[Record]], Request],
        method: Method[Request, Reply],
        source: str,
        key_of: Callable[[Record], tuple[str, ...]],
    ) -> Sequence[Record]:
        """Send them in one call; gives those that were taken.

        A call is taken whole or not at all, so one that is refused is halved until what is wrong
        stands alone.
        """
        if not records:
            return []
        try:
            await patiently(method, request_of(records))
        except grpc.aio.AioRpcError as error:
            if error.code() not in _REFUSED:
                raise
            if len(records) == 1:
                self._refuse(source, key_of(records[0]), error)
                return []
            half = len(records) // 2
            taken = await self._send(records[:half], request_of, method, source, key_of)
            rest = await self._send(records[half:], request_of, method, source, key_of)
            return [*taken, *rest]
        return records

    def _refuse(self, source: str, key: tuple[str, ...], error: grpc.aio.AioRpcError) -> None:
        if error.code() not in _REFUSED:
            raise error
        self.loaded.refused.append(self._sources[source].refusal(key, words(error)))

    async def _stocked(self, skus: set[str]) -> set[tuple[str, str]]:
        """The pairs of SKU and location that have a balance."""

        async def read(token: str) -> tuple[Sequence[tuple[str, str]], str]:
            request = ListBalancesRequest(skus=sorted(skus), page_size=BULK, page_token=token)
            page = await patiently(self._mesh.ledger.ListBalances, request)
            keys = [(one.key.sku, one.key.location_id) for one in page.balances]
            return keys, page.next_page_token

        return {key async for key in all_pages(read)}

    async def _until_items_are_known(self, skus: Sequence[str]) -> None:
        async def read(part: Sequence[str]) -> list[int]:
            page = await patiently(self._mesh.items.BatchGetItems, BatchGetItemsRequest(skus=part))
            return [item.revision for item in page.items]

        await self._until_known(skus, read, lambda overview: overview.item_revision)

    async def _until_locations_are_known(self, location_ids: Sequence[str]) -> None:
        async def read(part: Sequence[str]) -> list[int]:
            request = BatchGetLocationsRequest(location_ids=part)
            page = await patiently(self._mesh.locations.BatchGetLocations, request)
            return [location.revision for location in page.locations]

        await self._until_known(location_ids, read, lambda overview: overview.location_revision)

    async def _until_known(
        self,
        keys: Sequence[str],
        read: Callable[[Sequence[str]], Awaitable[list[int]]],
        known_revision: Callable[[GetNetworkOverviewResponse], int],
    ) -> None:
        """Wait until routing follows inventory as far as the last change of these."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + KNOWN_SECONDS
        for part in _parts(keys):
            while True:
                revisions = await read(part)
                overview = await patiently(
                    self._mesh.network.GetNetworkOverview, GetNetworkOverviewRequest()
                )
                if all(revisions) and known_revision(overview) >= max(revisions, default=0):
                    break
                if loop.time() > deadline:
                    raise TimeoutError(
                        f"Routing has not heard of everything in inventory within"
                        f" {KNOWN_SECONDS:.0f} s: `ordermesh doctor` says how far it follows."
                    )
                await asyncio.sleep(0.05)

    def _task(self, title: str, total: int) -> TaskID:
        return self._progress.add_task(title, total=total)


def _stock_request(rows: Sequence[nouns.StockRow]) -> ReceiveStockRequest:
    request = ReceiveStockRequest(
        lines=[messages.stock_line(row) for row in rows], document="opening stock"
    )
    # Derived from what comes in: should an answer be lost, the same goods do not come in twice.
    request.request_id = str(derived_id("opening stock", request.SerializeToString().hex()))
    return request


def _parts(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    for start in range(0, len(records), BULK):
        yield records[start : start + BULK]
