"""The matrix in a reader's process, beside a real server that comes and goes."""

import asyncio
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import grpc
import pytest
from sqlalchemy import update

from ordermesh.api.inventory.v1 import (
    AvailabilityServiceServicer,
    add_AvailabilityServiceServicer_to_server,
)
from ordermesh.client import AvailabilityMatrix, Mesh
from ordermesh.client import matrix as matrices
from ordermesh.client.testing import refuse
from ordermesh.client.testing import serving as faking
from ordermesh.inventory.__main__ import assemble, define
from ordermesh.inventory.background.sealing import Sealer
from ordermesh.inventory.settings import InventorySettings
from ordermesh.inventory.store.seals import SqlSealStore
from ordermesh.kernel.clock import SystemClock
from ordermesh.kernel.ids import RandomIds
from ordermesh.runtime import feed as feeds
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.tables import feed
from tests.eventually import eventually
from tests.fakes import FakeClock
from tests.inventory.messages import item, location
from tests.inventory.shop import Shop
from tests.servers import Served, serving


@pytest.fixture
async def front(inventory_database: Database, clock: FakeClock) -> Shop:
    """Short calls on the database of ``served``, with locations A to D."""
    opened = Shop(assemble(inventory_database, SystemClock(), RandomIds(), {}), clock)
    await opened.put_locations("A", "B", "C", "D")
    return opened


@asynccontextmanager
async def loaded(mesh: Mesh, **choice: Any) -> AsyncIterator[AvailabilityMatrix]:
    async with AvailabilityMatrix(mesh, **choice) as stock, asyncio.timeout(60):
        await stock.loaded()
        yield stock


async def forbidden(_service: Any, _request: Any, context: Any) -> AsyncIterator[Any]:
    await refuse(context, "PERMISSION_DENIED", code=grpc.StatusCode.PERMISSION_DENIED)
    yield


async def test_whom_inventory_does_not_let_follow_is_told() -> None:
    methods = {"WatchAvailability": forbidden, "GetAvailability": forbidden}
    fake = type("Closed", (AvailabilityServiceServicer,), methods)
    services = {"inventory": [(add_AvailabilityServiceServicer_to_server, fake())]}
    async with faking(services) as mesh, AvailabilityMatrix(mesh) as stock:
        assert stock.age_seconds == float("inf")
        with pytest.raises(grpc.aio.AioRpcError):
            await stock.loaded()
        with pytest.raises(grpc.aio.AioRpcError):
            await anext(stock.changes())


async def test_a_matrix_is_used_inside_of_its_block(served: Served) -> None:
    with pytest.raises(RuntimeError):
        await AvailabilityMatrix(served.mesh).loaded()


async def test_a_matrix_knows_what_there_is_and_what_changes(front: Shop, served: Served) -> None:
    await front.stock({"MUG at A": 10, "MUG at B": 4, "CUP at B": 7})
    async with loaded(served.mesh) as stock:
        assert stock.available("MUG", "A") == 10
        assert (stock.total("MUG"), stock.total("MUG", ["B", "C"])) == (14, 4)
        assert dict(zip(stock.location_ids, stock.vector("CUP"), strict=True)) == {"A": 0, "B": 7}
        assert 0 <= stock.age_seconds < 60
        assert set(stock.skus) == {"MUG", "CUP"}

        await front.reserve({"MUG at A": 3})
        await eventually(lambda: stock.available("MUG", "A") == 7)
        await front.stock({"POT at D": 1})
        await eventually(lambda: stock.total("POT") == 1)
        assert stock.load_count == 1

        reply = stock.answer(["MUG", "POT"], ["A", "D"])
        assert array("q", reply.fixed.available).tolist() == [7, 0, 0, 1]
        assert reply.revision == stock.revision > 0


async def test_a_switch_reaches_the_matrix(front: Shop, served: Served) -> None:
    await front.stock({"MUG at A": 10, "MUG at B": 4})
    async with loaded(served.mesh) as stock:
        await front.put_locations(location("A", disabled=True))
        await eventually(lambda: stock.total("MUG") == 4)
        await front.put_locations(location("A"))
        await eventually(lambda: stock.total("MUG") == 14)


async def test_changes_name_items_and_the_kits_that_are_made_of_them(
    front: Shop, served: Served
) -> None:
    await front.stock({"POT at A": 5, "CUP at A": 7, "MUG at A": 1})
    await front.put_items(item("TEA-SET", {"POT": 1, "CUP": 2}))
    async with loaded(served.mesh) as stock:
        assert (set(stock.kits), stock.kits_of("POT")) == ({"TEA-SET"}, {"TEA-SET"})
        assert stock.available("TEA-SET", "A") == 3
        told = stock.changes()
        first = asyncio.ensure_future(anext(told))
        await asyncio.sleep(0)

        await front.reserve({"CUP at A": 3})
        assert await first == {"CUP", "TEA-SET"}
        assert stock.available("TEA-SET", "A") == 2

        await front.put_items(item("TEA-SET", {"POT": 1, "MUG": 1}))
        assert await anext(told) == {"TEA-SET"}
        assert stock.available("TEA-SET", "A") == 1
        await told.aclose()


async def test_who_follows_a_kit_follows_its_components(front: Shop, served: Served) -> None:
    await front.stock({"POT at A": 5, "CUP at A": 7, "MUG at A": 1, "MUG at B": 1})
    await front.put_items(item("TEA-SET", {"POT": 1, "CUP": 2}))
    async with loaded(served.mesh, skus=["TEA-SET"], location_ids=["A"]) as stock:
        assert set(stock.skus) == {"POT", "CUP"}
        assert stock.total("TEA-SET") == 3

        await front.put_items(item("TEA-SET", {"POT": 1, "MUG": 1}))
        await eventually(lambda: stock.total("TEA-SET") == 1)
        assert set(stock.skus) == {"POT", "MUG"}
        assert stock.location_ids == ("A",)


@asynccontextmanager
async def on_port(database_url: str, port: int) -> AsyncIterator[tuple[Shop, Served]]:
    """The service at a port, and short calls to its database."""
    database = await Database.open(database_url, clock=SystemClock())
    definition = define(database, SystemClock(), InventorySettings(port=0))
    shop = Shop(assemble(database, SystemClock(), RandomIds(), {}), FakeClock())
    async with serving(definition, port=port) as served:
        yield shop, served


async def test_a_matrix_outlives_restarts_of_the_service(database_url: str) -> None:
    async with on_port(database_url, 0) as (shop, served):
        port = int(served.targets["inventory"].rpartition(":")[2])
        await shop.put_locations("A")
        await shop.stock({"MUG at A": 10})
        mesh = served.as_caller("webshop")
        matrix = AvailabilityMatrix(mesh)
        stock = await matrix.__aenter__()
        await stock.loaded()
    try:
        assert stock.available("MUG", "A") == 10  # older and older, and still there
        async with on_port(database_url, port) as (shop, _):
            await shop.reserve({"MUG at A": 4})
            await eventually(lambda: stock.available("MUG", "A") == 6)
            assert stock.load_count == 1
    finally:
        await matrix.__aexit__(None, None, None)
        await mesh.close()


async def test_changes_that_are_not_kept_any_more_mean_another_picture(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrices, "PAUSE_SECONDS_MAX", 0.2)
    async with on_port(database_url, 0) as (shop, served):
        port = int(served.targets["inventory"].rpartition(":")[2])
        await shop.put_locations("A")
        await shop.stock({"MUG at A": 10})
        mesh = served.as_caller("webshop")
        matrix = AvailabilityMatrix(mesh)
        stock = await matrix.__aenter__()
        await stock.loaded()
        await eventually(lambda: stock.revision == 3)
    try:
        database = await Database.open(database_url, clock=SystemClock())
        quiet = Shop(assemble(database, SystemClock(), RandomIds(), {}), FakeClock())
        await quiet.reserve({"MUG at A": 1})
        await quiet.reserve({"MUG at A": 2})
        await eventually(lambda: stamped(quiet, 5))
        # What is not sealed is not forgotten, and would be found wrong.
        await Sealer(database, SqlSealStore(), SystemClock()).seal()
        assert await database.run(forget) == 5
        await database.close()

        async with on_port(database_url, port):
            await eventually(lambda: stock.available("MUG", "A") == 7)
            assert stock.load_count == 2
    finally:
        await matrix.__aexit__(None, None, None)
        await mesh.close()


async def stamped(shop: Shop, revision: int) -> bool:
    """Whether so many changes have their revisions, when the lease of the last server has ended."""
    sequencer = feeds.Sequencer(shop.wiring.database, SystemClock())
    while await sequencer.stamp():
        pass
    return await shop.wiring.database.read(feeds.revision) == revision


async def forget(tx: Transaction) -> int:
    """Forget all changes, as if they were old."""
    now = await tx.now()
    await tx.execute(update(feed).values(create_time=now - timedelta(days=30)))
    return await feeds.compact(tx, now - timedelta(days=14))
