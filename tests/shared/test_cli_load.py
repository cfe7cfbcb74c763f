"""Loading: what is refused is named with its line, and loading twice is harmless."""
# ruff: noqa: N802 - methods are named by the contract

import io
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from rich.console import Console

from ordermesh.api.inventory.v1 import (
    Balance,
    BatchGetItemsRequest,
    BatchGetItemsResponse,
    BatchGetLocationsRequest,
    BatchGetLocationsResponse,
    Item,
    ItemServiceServicer,
    LedgerServiceServicer,
    ListBalancesRequest,
    ListBalancesResponse,
    Location,
    LocationServiceServicer,
    PutItemsRequest,
    PutItemsResponse,
    PutLocationsRequest,
    PutLocationsResponse,
    ReceiveStockRequest,
    ReceiveStockResponse,
    add_ItemServiceServicer_to_server,
    add_LedgerServiceServicer_to_server,
    add_LocationServiceServicer_to_server,
)
from ordermesh.api.order.v1 import StockKey
from ordermesh.api.routing.v1 import (
    GetNetworkOverviewRequest,
    GetNetworkOverviewResponse,
    NetworkServiceServicer,
    OrderServiceServicer,
    PutNetworkLocationsRequest,
    PutNetworkLocationsResponse,
    SubmitOrderRequest,
    SubmitOrderResponse,
    add_NetworkServiceServicer_to_server,
    add_OrderServiceServicer_to_server,
)
from ordermesh.cli.load import LoadOptions, load, print_loaded

Context = grpc.aio.ServicerContext[object, object]

REVISION = 7


async def refuse(context: Context, reason: str, **facts: str) -> None:
    detail = AnyMessage()
    detail.Pack(ErrorInfo(reason=reason, domain="fake.ordermesh", metadata=facts))
    status = Status(code=9, message=f"{reason} it is.", details=[detail])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    await context.abort(grpc.StatusCode.FAILED_PRECONDITION, status.message)


@dataclass
class FakeMesh(
    ItemServiceServicer,
    LocationServiceServicer,
    LedgerServiceServicer,
    NetworkServiceServicer,
    OrderServiceServicer,
):
    """Both services in one: it keeps what it is given, and refuses what it was told to refuse."""

    refused: frozenset[str] = frozenset()
    items: list[str] = field(default_factory=list)
    locations: list[str] = field(default_factory=list)
    network: list[str] = field(default_factory=list)
    stock: dict[tuple[str, str], int] = field(default_factory=dict)
    orders: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    async def _check(self, context: Context, reason: str, names: Iterable[str]) -> None:
        self.calls.append(reason)
        if wrong := self.refused.intersection(names):
            await refuse(context, reason, name=min(wrong))

    async def PutItems(self, request: PutItemsRequest, context: Context) -> PutItemsResponse:
        await self._check(context, "UNIT_CHANGED", [item.sku for item in request.items])
        self.items += [item.sku for item in request.items]
        return PutItemsResponse()

    async def BatchGetItems(
        self, request: BatchGetItemsRequest, context: Context
    ) -> BatchGetItemsResponse:
        return BatchGetItemsResponse(items=[Item(sku=s, revision=REVISION) for s in request.skus])

    async def PutLocations(
        self, request: PutLocationsRequest, context: Context
    ) -> PutLocationsResponse:
        names = [location.location_id for location in request.locations]
        await self._check(context, "INVALID_TIME_ZONE", names)
        self.locations += names
        return PutLocationsResponse()

    async def BatchGetLocations(
        self, request: BatchGetLocationsRequest, context: Context
    ) -> BatchGetLocationsResponse:
        found = [Location(location_id=one, revision=REVISION) for one in request.location_ids]
        return BatchGetLocationsResponse(locations=found)

    async def PutNetworkLocations(
        self, request: PutNetworkLocationsRequest, context: Context
    ) -> PutNetworkLocationsResponse:
        self.network += [location.location_id for location in request.locations]
        return PutNetworkLocationsResponse()

    async def GetNetworkOverview(
        self, request: GetNetworkOverviewRequest, context: Context
    ) -> GetNetworkOverviewResponse:
        return GetNetworkOverviewResponse(item_revision=REVISION, location_revision=REVISION)

    async def ListBalances(
        self, request: ListBalancesRequest, context: Context
    ) -> ListBalancesResponse:
        found = [
            Balance(key=StockKey(sku=sku, location_id=location_id), on_hand=units)
            for (sku, location_id), units in self.stock.items()
            if sku in request.skus
        ]
        return ListBalancesResponse(balances=found)

    async def ReceiveStock(
        self, request: ReceiveStockRequest, context: Context
    ) -> ReceiveStockResponse:
        names = [f"{line.key.sku}@{line.key.location_id}" for line in request.lines]
        await self._check(context, "UNKNOWN_SKU", names)
        for line in request.lines:
            key = (line.key.sku, line.key.location_id)
            self.stock[key] = self.stock.get(key, 0) + line.quantity
        return ReceiveStockResponse()

    async def SubmitOrder(
        self, request: SubmitOrderRequest, context: Context
    ) -> SubmitOrderResponse:
        await self._check(context, "ORDER_ID_TAKEN", [request.order_id])
        self.orders[request.order_id] = request.request_id
        return SubmitOrderResponse()


@pytest.fixture
def mesh() -> FakeMesh:
    return FakeMesh()  # type: ignore[abstract]  # what is not called is not faked


@pytest.fixture
async def targets(mesh: FakeMesh) -> AsyncIterator[Mapping[str, str]]:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    add_ItemServiceServicer_to_server(mesh, server)
    add_LocationServiceServicer_to_server(mesh, server)
    add_LedgerServiceServicer_to_server(mesh, server)
    add_NetworkServiceServicer_to_server(mesh, server)
    add_OrderServiceServicer_to_server(mesh, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield dict.fromkeys(("inventory", "routing"), f"127.0.0.1:{port}")
    await server.stop(None)


@pytest.fixture
def files(tmp_path: Path) -> LoadOptions:
    """A small retailer: three items, two locations, five balances, two orders."""
    written = {
        "items": "sku,name,weight_grams,price\nMUG,Mug,300,9.50\nCLOCK,Clock,900,24.00\n"
        "LAMP,Lamp,1200,39.00\n",
        "network": "location_id,name,type,country_code,region,locality,postal_code,latitude,"
        "longitude,time_zone,methods,priority,pick_fee,labor_cost_per_unit,handling_days\n"
        "OHIO,Ohio,DISTRIBUTION_CENTER,US,OH,Columbus,43217,39.8,-82.9,America/New_York,SHIP,1,"
        "1.40,0.45,1\n"
        "UTAH,Utah,STORE,US,UT,Provo,84601,40.2,-111.7,America/Denver,SHIP,2,2.60,1.10,1\n",
        "stock": "sku,location_id,quantity\nMUG,OHIO,5\nMUG,UTAH,2\nCLOCK,OHIO,4\nLAMP,OHIO,3\n"
        "LAMP,UTAH,1\n",
        "orders": "order_id,order_time,postal_code,sku,quantity,unit_price\n"
        "A-1,2026-03-02T12:00:00Z,60601,MUG,1,9.50\nA-2,2026-03-02T12:01:00Z,60601,CLOCK,1,24\n",
    }
    for name, text in written.items():
        (tmp_path / f"{name}.csv").write_text(text)
    paths = {name: tmp_path / f"{name}.csv" for name in written}
    return LoadOptions(sample_orders=None, **paths, currency_code="USD", seed=1, regime="peak")


def quiet() -> Console:
    return Console(file=io.StringIO(), width=200, color_system=None)


async def test_files_are_loaded_whole(
    mesh: FakeMesh, targets: Mapping[str, str], files: LoadOptions
) -> None:
    loaded = await load(targets, files, quiet())

    assert loaded.refused == []
    assert (loaded.items, loaded.locations, loaded.network) == (3, 2, 2)
    assert (loaded.stock_rows, loaded.stock_units, loaded.orders) == (5, 15, 2)
    assert mesh.items == ["MUG", "CLOCK", "LAMP"]
    assert mesh.stock["MUG", "OHIO"] == 5


async def test_loading_twice_receives_nothing_again(
    mesh: FakeMesh, targets: Mapping[str, str], files: LoadOptions
) -> None:
    await load(targets, files, quiet())
    before = dict(mesh.stock), dict(mesh.orders)

    again = await load(targets, files, quiet())

    assert (again.stock_rows, again.stock_rows_kept) == (0, 5)
    assert (dict(mesh.stock), dict(mesh.orders)) == before


async def test_a_corrected_file_brings_in_only_what_was_refused_before(
    mesh: FakeMesh, targets: Mapping[str, str], files: LoadOptions
) -> None:
    mesh.refused = frozenset({"CLOCK@OHIO"})
    await load(targets, files, quiet())
    assert ("CLOCK", "OHIO") not in mesh.stock
    mesh.refused = frozenset()

    again = await load(targets, files, quiet())

    assert (again.stock_rows, again.stock_units, again.stock_rows_kept) == (1, 4, 4)
    assert sum(mesh.stock.values()) == 15


@pytest.mark.parametrize(
    ("name", "file", "line", "column", "why"),
    [
        ("CLOCK", "items.csv", 3, "sku", "UNIT_CHANGED (name CLOCK): UNIT_CHANGED it is."),
        ("UTAH", "network.csv", 3, "location_id", "INVALID_TIME_ZONE (name UTAH)"),
        ("MUG@UTAH", "stock.csv", 3, "sku", "UNKNOWN_SKU (name MUG@UTAH)"),
        ("A-2", "orders.csv", 3, "order_id", "ORDER_ID_TAKEN (name A-2)"),
    ],
)
async def test_what_a_service_refuses_is_named_with_its_line_and_the_rest_is_taken(
    mesh: FakeMesh,
    targets: Mapping[str, str],
    files: LoadOptions,
    name: str,
    file: str,
    line: int,
    column: str,
    why: str,
) -> None:
    mesh.refused = frozenset({name})

    loaded = await load(targets, files, quiet())

    [refusal] = loaded.refused
    assert Path(refusal.file).name == file
    assert (refusal.line, refusal.column) == (line, column)
    assert refusal.value == name.replace("@", " at ")
    assert refusal.why.startswith(why)
    taken = [*mesh.items, *mesh.locations, *mesh.orders, *(f"{s}@{p}" for s, p in mesh.stock)]
    assert name not in taken
    assert len(taken) == 3 + 2 + 5 + 2 - 1


async def test_what_a_file_refuses_never_reaches_a_service(
    mesh: FakeMesh, targets: Mapping[str, str], files: LoadOptions
) -> None:
    assert files.stock is not None
    files.stock.write_text("sku,location_id,quantity\nMUG,OHIO,-5\nSOFA,OHIO,1\nMUG,UTAH,2\n")
    console = quiet()

    loaded = await load(targets, files, console)
    print_loaded(loaded, console)

    assert [(one.line, one.column) for one in loaded.refused] == [(2, "quantity"), (3, "sku")]
    assert mesh.stock == {("MUG", "UTAH"): 2}
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "2 refused" in text
    assert "-5" in text
    assert "SOFA" in text
