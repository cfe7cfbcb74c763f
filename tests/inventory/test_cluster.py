"""A server of PostgreSQL for one run is killed, and serves again with what it had acknowledged."""

import asyncio

import asyncpg
import pytest

from ordermesh.inventory.bench.cluster import Cluster, NoPostgres

KILLS = 3
CONNECTIONS = 6


async def test_a_server_that_is_killed_while_it_is_busy_starts_again_each_time() -> None:
    try:
        cluster = Cluster()
    except NoPostgres as error:
        pytest.skip(f"Kills were not tested on PostgreSQL: {error}")
    with cluster:
        database = await cluster.create()
        asked = await cluster.connect(database)
        await asked.execute("create table told (number int primary key)")
        await asked.close()
        for number in range(KILLS):
            busy = [await cluster.connect(database) for _ in range(CONNECTIONS)]
            await busy[0].execute("insert into told values ($1)", number)
            # Who forks for a connection that comes just then is not to be missed.
            opening = asyncio.create_task(_open_and_work(cluster, database))
            working = [asyncio.create_task(one.execute("select pg_sleep(60)")) for one in busy]
            await asyncio.sleep(0.05)
            await asyncio.to_thread(cluster.kill)
            await asyncio.gather(opening, *working, return_exceptions=True)
            await asyncio.to_thread(cluster.start)

        asked = await cluster.connect(database)
        told = await asked.fetch("select number from told order by number")
        await asked.close()

    assert [row["number"] for row in told] == list(range(KILLS))


async def _open_and_work(cluster: Cluster, database: str) -> None:
    while True:
        try:
            connection = await cluster.connect(database)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return
        await connection.execute("select 1")
        await connection.close()
