"""Every mutating method, told wrongly in every way: the right status and reason, and no change."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import grpc
import pytest
from google.protobuf import descriptor_pool
from google.protobuf.duration_pb2 import Duration
from grpc_health.v1 import (  # type: ignore[import-untyped]  # it ships no types
    health_pb2,
    health_pb2_grpc,
)
from sqlalchemy import insert, select, update

from ordermesh.api.inventory.v1 import (
    BeginImportRequest,
    CountedStock,
    Location,
    OpenCountRequest,
    PlanCountRequest,
    PostDeltasRequest,
    PutControlsRequest,
    PutItemsRequest,
    PutLocationsRequest,
    PutSourcesRequest,
    ReceiveStockRequest,
    ReserveRequest,
    ReturnedStock,
    ReturnStockRequest,
    StockLine,
    StockSource,
    SubmitCountRequest,
)
from ordermesh.client.errors import refusal_of
from ordermesh.client.mesh import Mesh
from ordermesh.inventory.__main__ import define
from ordermesh.inventory.settings import InventorySettings
from ordermesh.inventory.store.tables.controls import control_version
from ordermesh.inventory.store.tables.feeds import quarantined_row
from ordermesh.inventory.store.tables.items import item as item_table
from ordermesh.inventory.store.tables.ledger import balance
from ordermesh.inventory.store.tables.levels import level_watch
from ordermesh.inventory.store.tables.locations import location as location_table
from ordermesh.inventory.store.tables.suspects import quarantined_key
from ordermesh.kernel.clock import SystemClock
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.migrate import migrate
from tests.conftest import Fill
from tests.eventually import eventually
from tests.impatience import all_connections_in_use, recorded_count
from tests.inventory.conftest import MIGRATIONS
from tests.inventory.messages import control, item, key, location, new_id, reserve_lines
from tests.inventory.mistakes import supplies
from tests.inventory.mistakes.rows import BLOCK, good_requests, rows
from tests.inventory.mistakes.table import HELD, IMPORT, INVALID, PAID, QUARANTINED, VIOLATION
from tests.inventory.outside import delta
from tests.inventory.reading import dump
from tests.servers import Served, serving

PREPARED = 18
"""Requests by which the shop is prepared."""


@pytest.fixture
def database_url(filled_url: Callable[[str, Fill], str]) -> str:
    """A copy of the prepared shop."""
    return filled_url("a prepared shop", prepare)


@pytest.fixture
def prepared(served: Served) -> Mesh:
    """The prepared shop as it is called."""
    return served.mesh


async def prepare(url: str) -> None:
    """Fill a new database and close it."""
    await migrate(url, script_location=MIGRATIONS)
    database = await Database.open(url, clock=SystemClock())
    settings = InventorySettings(port=0)
    async with serving(define(database, SystemClock(), settings)) as opened:
        await fill_shop(opened.mesh, database)


async def fill_shop(mesh: Mesh, database: Database) -> None:
    """Stock, a kit, a hold and a paid reservation; a till, an import, and a row in quarantine."""
    names = ("MUG", "CUP", "JAR", "LID")
    for items in ([item(name) for name in names], [item("BOX", {"LID": 1})]):
        await mesh.items.PutItems(PutItemsRequest(request_id=new_id(), items=items))
    places: list[Location] = [location(name) for name in "ABCD"]
    await mesh.locations.PutLocations(PutLocationsRequest(request_id=new_id(), locations=places))
    stock = ("MUG at A", "CUP at A", "MUG at B", "JAR at A", "JAR at D")
    lines = [StockLine(key=key(place), quantity=10) for place in stock]
    await mesh.ledger.ReceiveStock(ReceiveStockRequest(request_id=new_id(), lines=lines))
    blocked = ReturnedStock(key=key("MUG at A"), quantity=5, disposition=BLOCK)
    await mesh.ledger.ReturnStock(ReturnStockRequest(request_id=new_id(), lines=[blocked]))
    for reservation_id, confirm in ((HELD, False), (PAID, True)):
        request = ReserveRequest(
            request_id=new_id(),
            reservation_id=reservation_id,
            lines=reserve_lines({"MUG at A": 3, "CUP at A": 1}),
            confirm=confirm,
            fence=2,
            hold_duration=None if confirm else Duration(seconds=14_400),
        )
        await mesh.reservations.Reserve(request)
    await prepare_feeds(mesh, database)
    await database.run(seize_a_key)
    controls = [control("old", "cap", 500, sku="MUG")]
    await mesh.controls.PutControls(PutControlsRequest(request_id=new_id(), controls=controls))
    await eventually(lambda: controls_were_told(database))
    for method, expected in supplies.preparing():
        setattr(expected, "request_id", new_id())  # noqa: B010 - the table knows which message it is
        await stub_method(mesh, method)(expected)
    await plan_counts(mesh)


async def seize_a_key(tx: Transaction) -> None:
    """Jars at D are in quarantine, although their books are sound."""
    jar = select(item_table.c.item_id).where(item_table.c.sku == "JAR").scalar_subquery()
    there = select(location_table.c.location_id).where(location_table.c.code == "D")
    place = {"item_id": jar, "location_id": there.scalar_subquery()}
    await tx.execute(
        update(balance)
        .where(balance.c.item_id == jar, balance.c.location_id == place["location_id"])
        .values(is_quarantined=True)
    )
    row = {"suspect_id": UUID(QUARANTINED), "findings": [], "found_time": await tx.now()}
    await tx.execute(insert(quarantined_key).values({**place, **row}))


async def controls_were_told(database: Database) -> bool:
    """Whether watchers have heard what the controls of now make of availability."""

    async def read(tx: Transaction) -> bool:
        told = (await tx.execute(select(level_watch.c.control_version))).scalar_one()
        present = (await tx.execute(select(control_version.c.version))).scalar_one()
        return bool(told == present)

    return await database.read(read)


async def prepare_feeds(mesh: Mesh, database: Database) -> None:
    till = StockSource(
        source_id="TILL",
        kind=StockSource.KIND_POS,
        location_ids=["A"],
        gap_policy=StockSource.GAP_POLICY_TELL,
    )
    await mesh.feeds.PutSources(PutSourcesRequest(request_id=new_id(), sources=[till]))
    wrong = PostDeltasRequest(
        request_id=new_id(), source_id="TILL", deltas=[delta(1, "MUG at A", 999)]
    )
    await mesh.feeds.PostDeltas(wrong)
    begin = good_requests()["FeedService.BeginImport"]
    assert isinstance(begin, BeginImportRequest)
    begin.request_id, begin.import_id, begin.document = new_id(), IMPORT, ""
    await mesh.feeds.BeginImport(begin)
    named = update(quarantined_row).values(quarantine_id=UUID(QUARANTINED))

    async def name(tx: Transaction) -> None:
        await tx.execute(named)

    await database.run(name)


async def plan_counts(mesh: Mesh) -> None:
    """Two counts: one is planned, one is open, and of its lines one is disputed."""
    for count_id in ("PLANNED", "OPEN"):
        plan = PlanCountRequest(
            request_id=new_id(), count_id=count_id, location_id="A", skus=["MUG", "CUP"]
        )
        await mesh.counts.PlanCount(plan)
    await mesh.counts.OpenCount(OpenCountRequest(request_id=new_id(), count_id="OPEN"))
    for counter, skus in (("Ann", ("MUG", "CUP")), ("Bob", ("MUG",))):
        found = [CountedStock(sku=sku, counted=8) for sku in skus]
        submit = SubmitCountRequest(
            request_id=new_id(), count_id="OPEN", counter=counter, lines=found
        )
        await mesh.counts.SubmitCount(submit)


def stub_method(mesh: Mesh, method: str) -> Any:
    service, name = method.split(".")
    stubs = {
        "ItemService": mesh.items,
        "LocationService": mesh.locations,
        "LedgerService": mesh.ledger,
        "ReservationService": mesh.reservations,
        "FeedService": mesh.feeds,
        "ControlService": mesh.controls,
        "SupplyService": mesh.supplies,
        "CountService": mesh.counts,
    }
    return getattr(stubs[service], name)


def fresh(method: str) -> Any:
    request = good_requests()[method]
    setattr(request, "request_id", new_id())  # noqa: B010 - which message it is, is in the table
    return request


def test_the_table_has_every_mutating_method_of_the_contract() -> None:
    pool = descriptor_pool.Default()
    mutating = {
        f"{service}.{method.name}"
        for service in ("ItemService", "LocationService", "LedgerService", "ReservationService",
                        "AvailabilityService", "FeedService", "ControlService", "SupplyService",
                        "CountService")
        for method in pool.FindServiceByName(f"ordermesh.api.inventory.v1.{service}").methods
        if "request_id" in method.input_type.fields_by_name and not method.client_streaming
    }  # fmt: skip

    assert mutating == good_requests().keys() == {row.method for row in rows()}


@pytest.mark.parametrize("method", good_requests())
async def test_every_method_refuses_what_is_wrong_and_changes_nothing(
    prepared: Mesh, inventory_database: Database, method: str
) -> None:
    before = await dump(inventory_database)
    for row in rows():
        if row.method != method:
            continue
        request = fresh(method)
        row.spoil(request)

        with pytest.raises(grpc.aio.AioRpcError) as error:
            await stub_method(prepared, method)(request)

        refusal = refusal_of(error.value)
        assert refusal is not None, row.what
        assert (refusal.code, refusal.reason) == (row.code, row.reason), row.what
        assert bool(refusal.violations) == (row.reason == VIOLATION), row.what
        if row.facts is not None:
            assert refusal.metadata == row.facts, row.what
        assert await dump(inventory_database) == before, row.what

    # What was spoilt would have succeeded: the table speaks of its own mistakes alone.
    await stub_method(prepared, method)(fresh(method))
    assert await dump(inventory_database) != before


@pytest.mark.parametrize("method", good_requests())
async def test_a_request_id_is_not_used_for_two_requests(
    prepared: Mesh, inventory_database: Database, method: str
) -> None:
    request = fresh(method)
    reply = await stub_method(prepared, method)(request)
    await eventually(lambda: controls_were_told(inventory_database))
    after = await dump(inventory_database)
    assert await stub_method(prepared, method)(request) == reply

    other = type(request)()
    other.CopyFrom(request)
    other.on_behalf_of = "somebody"
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await stub_method(prepared, method)(other)

    refusal = refusal_of(error.value)
    assert refusal is not None
    assert (refusal.code, refusal.reason) == (INVALID, "REQUEST_ID_REUSED")
    assert refusal.metadata == {"requestId": request.request_id}
    assert await dump(inventory_database) == after


@pytest.mark.parametrize("method", good_requests())
async def test_a_call_whose_time_is_over_and_one_that_was_cancelled_change_nothing(
    prepared: Mesh, inventory_database: Database, method: str
) -> None:
    call = stub_method(prepared, method)
    before = await dump(inventory_database)

    with pytest.raises(grpc.aio.AioRpcError) as late:
        await call(fresh(method), timeout=-1)
    assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED

    async with all_connections_in_use(inventory_database):
        with pytest.raises(grpc.aio.AioRpcError) as over:
            await call(fresh(method), timeout=0.2)
        assert over.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED

        cancelled = call(fresh(method))
        reply = asyncio.ensure_future(cancelled.code())
        await everything_has_arrived(prepared)
        cancelled.cancel()
        assert await reply is grpc.StatusCode.CANCELLED
        await everything_has_arrived(prepared)

    assert await recorded_count(inventory_database) == PREPARED
    assert await dump(inventory_database) == before
    await call(fresh(method))
    assert await recorded_count(inventory_database) == PREPARED + 1


async def everything_has_arrived(mesh: Mesh) -> None:
    """Return once the server has heard all that was sent to it before, cancellations too.

    What is sent over one connection arrives in order, so it is enough that a later call was heard.
    """
    health = health_pb2_grpc.HealthStub(mesh.channel("inventory"))
    for _ in range(3):
        await health.Check(health_pb2.HealthCheckRequest())
