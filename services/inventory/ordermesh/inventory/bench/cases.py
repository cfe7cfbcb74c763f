"""The cases: each is one way of getting reservations done, as fast as it goes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from google.protobuf.empty_pb2 import Empty

from ordermesh.api.inventory.v1 import ReserveBulkRequest
from ordermesh.client.coalescing import CoalescingReserver
from ordermesh.client.mesh import Mesh
from ordermesh.inventory.bench.books import SKUS, STOCK, Books, Demand, opened, sku_names
from ordermesh.inventory.bench.cluster import Cluster
from ordermesh.inventory.bench.rates import Case, rate
from ordermesh.inventory.bench.reference import BATCH, batch_script, functions, one_script
from ordermesh.inventory.bench.serving import served

BULK = 1_000
"""Requests of one call of ``ReserveBulk``."""

BULKS_IN_FLIGHT = 2
POOL_MAX = 20
"""Connections of those who call a function of the database for each request."""

HEALTH = "/grpc.health.v1.Health/Check"
CONNECTIONS = 2
"""Connections of pgbench for the batch: as many as the product gives its bulk."""


@dataclass(frozen=True)
class Places:
    """Where the cases work: each has a database of its own, so that no one ploughs another's."""

    books: Books
    sqlite: Books
    mesh: Mesh
    cluster: Cluster
    reference: str
    reference_hot: str

    async def check(self) -> int:
        """Verify all books; gives the units oversold."""
        return await self.books.check() + await self.sqlite.check()


@asynccontextmanager
async def places(cluster: Cluster, folder: Path) -> AsyncIterator[Places]:
    """Databases with stock: for the product, the references, and the service over the wire."""
    names = [await cluster.create() for _ in range(4)]
    urls = [cluster.url(name) for name in names]
    file = f"sqlite+aiosqlite:///{folder / 'ledger.db'}"
    async with AsyncExitStack() as stack:
        for url in urls[1:]:
            async with opened(url) as books:
                await books.load(sku_names(1 if url == urls[2] else SKUS), STOCK)
        for name in names[1:3]:
            connection = await cluster.connect(name)
            await connection.execute(functions())
            await connection.close()
        spread = await stack.enter_async_context(opened(urls[0]))
        await spread.load(sku_names(SKUS), STOCK)
        lite = await stack.enter_async_context(opened(file))
        await lite.load(sku_names(SKUS), STOCK)
        mesh = await stack.enter_async_context(served(urls[3]))
        yield Places(spread, lite, mesh, cluster, names[1], names[2])


def cases(where: Places) -> Mapping[str, Case]:
    """All cases by name."""
    return {**_in_process(where), **_references(where), **_over_the_wire(where)}


def _in_process(where: Places) -> dict[str, Case]:
    spread = Demand(sku_names(SKUS), seed=1)
    hot = Demand(sku_names(1), seed=2)

    def reserving(books: Books, demand: Demand, callers: int) -> Case:
        async def one() -> int:
            await books.reserve(demand.next())
            return 1

        return lambda seconds: rate(one, callers, seconds)

    return {
        "batcher, 128 callers": reserving(where.books, spread, 128),
        "batcher hot, 128 callers": reserving(where.books, hot, 128),
        "batcher, 16 callers": reserving(where.books, spread, 16),
        "batcher, 1 caller": reserving(where.books, spread, 1),
        "SQLite, 256 callers": reserving(where.sqlite, spread, 256),
        "SQLite, 1 caller": reserving(where.sqlite, spread, 1),
    }


def _references(where: Places) -> dict[str, Case]:
    async def batch(seconds: float) -> float:
        script, whole = batch_script(SKUS), max(1, round(seconds))
        return BATCH * await where.cluster.pgbench(where.reference, script, CONNECTIONS, whole)

    async def hot(seconds: float) -> float:
        whole = max(1, round(seconds))
        return await where.cluster.pgbench(where.reference_hot, one_script(1), 128, whole)

    def functions_of(callers: int) -> Case:
        demand = Demand(sku_names(SKUS), seed=3)

        async def run(seconds: float) -> float:
            pool = await asyncpg.create_pool(
                user="postgres",
                database=where.reference,
                host=str(where.cluster.place),
                min_size=min(callers, POOL_MAX),
                max_size=min(callers, POOL_MAX),
            )

            async def one() -> int:
                sku = demand.next().lines[0].key.sku
                wanted = int(sku.removeprefix("SKU-")) + 1
                return int(await pool.fetchval("select bench_one($1)", wanted))

            try:
                await rate(one, callers, 0.2)
                return await rate(one, callers, seconds)
            finally:
                await pool.close()

        return run

    return {
        "pgbench, batch of 256": batch,
        "pgbench hot, 128 clients": hot,
        "function, 128 callers": functions_of(128),
        "function, 16 callers": functions_of(16),
        "function, 1 caller": functions_of(1),
    }


def _over_the_wire(where: Places) -> dict[str, Case]:
    demand = Demand(sku_names(SKUS), seed=4)
    reservations = where.mesh.reservations
    echo = where.mesh.channel("inventory").unary_unary(
        HEALTH, request_serializer=Empty.SerializeToString, response_deserializer=lambda raw: raw
    )

    async def bulk() -> int:
        requests = [demand.next() for _ in range(BULK)]
        answered = await reservations.ReserveBulk(ReserveBulkRequest(requests=requests))
        return sum(verdict.HasField("reply") for verdict in answered.verdicts)

    async def unary() -> int:
        await reservations.Reserve(demand.next())
        return 1

    async def empty() -> int:
        await echo(Empty())
        return 1

    async def coalesced(seconds: float) -> float:
        async with CoalescingReserver(reservations) as reserver:

            async def one() -> int:
                await reserver.reserve(demand.next(), timeout=30.0)
                return 1

            return await rate(one, 64, seconds)

    return {
        "bulk of 1,000": lambda seconds: rate(bulk, BULKS_IN_FLIGHT, seconds),
        "unary, 64 callers": lambda seconds: rate(unary, 64, seconds),
        "empty call, 64 callers": lambda seconds: rate(empty, 64, seconds),
        "coalesced, 64 callers": coalesced,
    }
