"""From the till of a store to the web: real processes, a real load, and how long it takes.

``make till`` prints the figures. They are printed and not judged: a machine may be slow.
"""

import asyncio
import os
import statistics
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence

import pytest

from ordermesh.api.inventory.v1 import (
    PostDeltasRequest,
    PutItemsRequest,
    PutLocationsRequest,
    PutSourcesRequest,
    ReceiveStockRequest,
    RowOutcome,
    StockDelta,
    StockLine,
    StockSource,
    VerifyLedgerRequest,
)
from ordermesh.api.order.v1 import StockKey
from ordermesh.client import Mesh
from tests.inventory.messages import item, location, new_id
from tests.inventory.web import BUYERS_PLACES, BUYERS_SKUS

STORE = "STORE"
TILL_SKUS = 100
RATE = int(os.environ.get("ORDERMESH_TILL_RATE", "500"))
SECONDS = float(os.environ.get("ORDERMESH_TILL_SECONDS", "20"))
SALE_SECONDS = 0.05
"""A sale at the till as often as this."""


async def start(*words: str, **variables: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", *words, stdout=PIPE, env={**os.environ, **variables}
    )


async def line(process: Process) -> str:
    assert process.stdout is not None
    read = await process.stdout.readline()
    assert read, "A process ended before it had said what it should."
    return read.decode().strip()


async def stop(*processes: Process | None) -> None:
    for process in processes:
        if process is not None and process.returncode is None:
            process.terminate()
            await process.wait()


async def stock(mesh: Mesh) -> None:
    """What the till and the buyers take from."""
    till = [f"TILL-{number}" for number in range(TILL_SKUS)]
    skus = [f"SKU-{number}" for number in range(BUYERS_SKUS)]
    await mesh.items.PutItems(
        PutItemsRequest(request_id=new_id(), items=[item(sku) for sku in till + skus])
    )
    places = [location(one) for one in (STORE, *BUYERS_PLACES)]
    await mesh.locations.PutLocations(PutLocationsRequest(request_id=new_id(), locations=places))
    keys = [(sku, STORE) for sku in till]
    keys += [(sku, place) for sku in skus for place in BUYERS_PLACES]
    for begin in range(0, len(keys), 500):
        lines = [
            StockLine(key=StockKey(sku=sku, location_id=place), quantity=100_000)
            for sku, place in keys[begin : begin + 500]
        ]
        await mesh.ledger.ReceiveStock(ReceiveStockRequest(request_id=new_id(), lines=lines))
    source = StockSource(
        source_id="POS",
        kind=StockSource.KIND_POS,
        location_ids=[STORE],
        gap_policy=StockSource.GAP_POLICY_TELL,
    )
    await mesh.feeds.PutSources(PutSourcesRequest(request_id=new_id(), sources=[source]))


async def sell(mesh: Mesh) -> dict[tuple[str, int], float]:
    """Sell one unit after the other; gives when each was told, by the item and what it leaves."""
    told: dict[tuple[str, int], float] = {}
    left = dict.fromkeys(range(TILL_SKUS), 100_000)
    begin = time.monotonic()
    number = 0
    while time.monotonic() < begin + SECONDS:
        place = number % TILL_SKUS
        number += 1
        left[place] -= 1
        delta = StockDelta(
            source_sequence=number,
            sku=f"TILL-{place}",
            location_id=STORE,
            kind=StockDelta.KIND_SALE,
            quantity=1,
        )
        request = PostDeltasRequest(request_id=new_id(), source_id="POS", deltas=[delta])
        told[f"TILL-{place}", left[place]] = time.monotonic()
        (outcome,) = (await mesh.feeds.PostDeltas(request)).outcomes
        assert outcome == RowOutcome.ROW_OUTCOME_APPLIED
        await asyncio.sleep(max(0.0, begin + number * SALE_SECONDS - time.monotonic()))
    return told


async def seen_by(web: Process, count: int) -> dict[tuple[str, int], float]:
    """When the web saw what: as many changes as there were sales."""
    seen: dict[tuple[str, int], float] = {}
    async with asyncio.timeout(120 + SECONDS):
        while len(seen) < count:
            sku, left, instant = (await line(web)).split()
            seen.setdefault((sku, int(left)), float(instant))
    return seen


@pytest.mark.slow
async def test_a_sale_at_a_till_is_unavailable_on_the_web(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    service = await start(
        "ordermesh.inventory",
        ORDERMESH_INVENTORY_DATABASE_URL=database_url,
        ORDERMESH_INVENTORY_PORT="0",
    )
    web = buyers = None
    try:
        target = (await line(service)).rpartition(" ")[2]
        async with Mesh({"inventory": target}, caller="pos", timeout=30.0) as mesh:
            await stock(mesh)
            web = await start("tests.inventory.web", "watch", target)
            assert await line(web) == "ready"
            buyers = await start("tests.inventory.web", "buy", target, str(RATE), str(SECONDS + 2))
            await asyncio.sleep(1.0)
            told = await sell(mesh)
            seen = await seen_by(web, len(told))
            granted, refused, took = (await line(buyers)).split()
            replies = [one async for one in mesh.ledger.VerifyLedger(VerifyLedgerRequest())]
    finally:
        await stop(buyers, web, service)

    assert seen.keys() == told.keys()
    assert (replies[-1].balanced, replies[-1].units_oversold, int(refused)) == (True, 0, 0)
    waits = sorted(1000 * (seen[key] - told[key]) for key in told)
    with capsys.disabled():
        sys.stdout.write(
            f"\ntill to web on {database_url.partition('+')[0]}: {len(waits)} sales beside"
            f" {int(granted) / float(took):.0f} reservations a second ({RATE} wanted):"
            f" p50 {statistics.median(waits):.0f} ms, p99 {quantile(waits, 0.99):.0f} ms,"
            f" most {waits[-1]:.0f} ms\n"
        )


def quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
