"""The service as a process: started by its module, ended by a signal, killed and started again."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ordermesh.api.inventory.v1 import (
    ListBalancesRequest,
    PutItemsRequest,
    PutLocationsRequest,
    ReceiveStockRequest,
    ReserveRequest,
    StockLine,
    VerifyLedgerRequest,
)
from ordermesh.client.mesh import Mesh
from tests.inventory.messages import item, key, location, new_id, reserve_lines


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, Mesh]]:
    """The service with its defaults, but for the port; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ordermesh.inventory",
        cwd=folder,
        env={**os.environ, "ORDERMESH_INVENTORY_PORT": "0"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        words = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().split()
        assert words[:3] == ["ordermesh", "inventory", "listening"]
        async with Mesh({"inventory": words[-1]}) as mesh:
            yield process, mesh
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    async with running(tmp_path) as (process, mesh):
        await mesh.items.PutItems(PutItemsRequest(request_id=new_id(), items=[item("MUG")]))
        await mesh.locations.PutLocations(
            PutLocationsRequest(request_id=new_id(), locations=[location("A")])
        )
        await mesh.ledger.ReceiveStock(
            ReceiveStockRequest(
                request_id=new_id(), lines=[StockLine(key=key("MUG at A"), quantity=50)]
            )
        )
        requests = [
            ReserveRequest(
                request_id=new_id(), reservation_id=new_id(), lines=reserve_lines({"MUG at A": 1})
            )
            for _ in range(40)
        ]
        calls = [asyncio.ensure_future(mesh.reservations.Reserve(one)) for one in requests]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        process.kill()
        await process.wait()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        acknowledged = sum(not isinstance(one, BaseException) for one in outcomes)
    assert acknowledged >= 1

    async with running(tmp_path) as (process, mesh):
        reserved = (await mesh.ledger.ListBalances(ListBalancesRequest())).balances[0].reserved
        assert acknowledged <= reserved <= 40
        for request in requests:
            await mesh.reservations.Reserve(request)
        balance = (await mesh.ledger.ListBalances(ListBalancesRequest())).balances[0]
        assert (balance.on_hand, balance.reserved) == (50, 40)
        replies = [one async for one in mesh.ledger.VerifyLedger(VerifyLedgerRequest())]
        assert replies[-1].balanced

        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    assert (tmp_path / ".ordermesh" / "inventory.db").exists()
