"""Decisions over gRPC: what they cost beside an empty call, how many a second, how long one takes.

Inventory and routing are processes of their own, as they are run. Every decision reads the stock of
its lines from the ledger. Costs are the processor's time of both processes, by their own account.
"""

import asyncio
import os
import random
import re
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from google.type.latlng_pb2 import LatLng
from google.type.money_pb2 import Money

from ordermesh.api.inventory.v1 import (
    Item,
    Location,
    PutItemsRequest,
    PutLocationsRequest,
    ReceiveStockRequest,
    StockLine,
)
from ordermesh.api.order.v1 import Destination, FulfillmentMethod, StockKey
from ordermesh.api.routing.v1 import (
    GetNetworkOverviewRequest,
    NetworkLocation,
    PutNetworkLocationsRequest,
    SourceOrderRequest,
    SourcingLine,
    SourcingQuestion,
)
from ordermesh.client.mesh import Mesh
from ordermesh.routing.bench.compared import say

LOCATIONS, ITEMS, AT_ONCE = 50, 60, 8
START_SECONDS = 90.0
_LISTENING = re.compile(rb"listening on (\S+)")
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Running:
    """A mesh whose services are processes of their own."""

    mesh: Mesh
    process_ids: tuple[int, ...]

    def processor_seconds(self) -> float:
        """What the services have used of the processor."""
        ticks = 0
        for process_id in self.process_ids:
            fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / _TICK


async def measure_over_grpc(seconds: float, seed: int) -> dict[str, float]:
    """Measure for about so many seconds in all, print it, and give the figures by name."""
    draw = random.Random(seed)  # noqa: S311 - the seed makes it the same every time
    with tempfile.TemporaryDirectory() as directory:
        async with started_mesh(Path(directory)) as running:
            await _fill(running.mesh, draw)
            await _many(running, lambda: _decide(running.mesh, draw), 1.0)
            empty = await _many(running, lambda: _empty(running.mesh), seconds / 4)
            decided = await _many(running, lambda: _decide(running.mesh, draw), seconds / 4)
            pace = decided.per_second / 2
            latencies = await _paced(lambda: _decide(running.mesh, draw), pace, seconds / 2)
    latencies.sort()
    p99 = latencies[min(len(latencies) - 1, int(0.99 * len(latencies)))] * 1_000
    say(
        f"\nOver gRPC, {LOCATIONS} locations, {AT_ONCE} at once: {decided.per_second:.0f} decisions"
        f" a second; each costs {decided.processor_ms:.2f} ms of the processor, an empty call"
        f" {empty.processor_ms:.2f} ms; p99 {p99:.1f} ms at half of that pace."
    )
    return {
        "grpc_p99_ms": round(p99, 1),
        "decisions_per_second": round(decided.per_second),
        "decision_over_empty_call_cpu": round(decided.processor_ms / empty.processor_ms, 2),
    }


@dataclass(frozen=True, slots=True)
class _Rate:
    per_second: float
    processor_ms: float


async def _many(running: Running, call: Callable[[], Awaitable[object]], seconds: float) -> _Rate:
    """So many callers, one call after the other."""
    began, used, done = time.monotonic(), running.processor_seconds(), 0

    async def go_on() -> None:
        nonlocal done
        while time.monotonic() - began < seconds:
            await call()
            done += 1

    await asyncio.gather(*(go_on() for _ in range(AT_ONCE)))
    spent = time.monotonic() - began
    return _Rate(done / spent, (running.processor_seconds() - used) * 1_000 / done)


async def _paced(
    call: Callable[[], Awaitable[object]], per_second: float, seconds: float
) -> list[float]:
    """Calls that begin at their time whatever became of those before; gives how long each took."""

    async def timed(due: float) -> float:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        await call()
        return time.monotonic() - due

    start, number = time.monotonic(), max(1, int(per_second * seconds))
    return await asyncio.gather(*(timed(start + one / per_second) for one in range(number)))


async def _empty(mesh: Mesh) -> None:
    await mesh.network.GetNetworkOverview(GetNetworkOverviewRequest())


async def _decide(mesh: Mesh, draw: random.Random) -> None:
    lines = [
        SourcingLine(line_id=str(number), sku=f"SKU-{sku}", quantity=1)
        for number, sku in enumerate(draw.sample(range(ITEMS), draw.randint(1, 5)))
    ]
    question = SourcingQuestion(lines=lines, destination=_destination(draw), promise_days=3)
    await mesh.sourcing.SourceOrder(
        SourceOrderRequest(request_id=str(uuid.uuid4()), question=question, validate_only=True)
    )


def _destination(draw: random.Random) -> Destination:
    point = LatLng(latitude=draw.uniform(28, 47), longitude=draw.uniform(-120, -75))
    return Destination(country_code="US", position=point)


async def _fill(mesh: Mesh, draw: random.Random) -> None:
    """Locations, items and stock."""
    names = [f"L{number:03}" for number in range(LOCATIONS)]
    items = [Item(sku=f"SKU-{sku}", unit=Item.UNIT_EACH, weight_grams=400) for sku in range(ITEMS)]
    await mesh.items.PutItems(PutItemsRequest(request_id=str(uuid.uuid4()), items=items))
    locations = [
        Location(
            location_id=name,
            type=Location.TYPE_DISTRIBUTION_CENTER,
            time_zone="America/New_York",
            position=_destination(draw).position,
        )
        for name in names
    ]
    await mesh.locations.PutLocations(
        PutLocationsRequest(request_id=str(uuid.uuid4()), locations=locations)
    )
    entries = [
        NetworkLocation(
            location_id=name,
            methods=[FulfillmentMethod.FULFILLMENT_METHOD_SHIP],
            priority=rank,
            pick_fee=Money(currency_code="USD", units=2),
            labor_cost_per_unit=Money(currency_code="USD", units=1),
        )
        for rank, name in enumerate(names, start=1)
    ]
    await mesh.network.PutNetworkLocations(
        PutNetworkLocationsRequest(request_id=str(uuid.uuid4()), locations=entries)
    )
    for name in names:
        lines = [
            StockLine(key=StockKey(sku=f"SKU-{sku}", location_id=name), quantity=100)
            for sku in range(ITEMS)
            if draw.random() < 0.5
        ]
        await mesh.ledger.ReceiveStock(
            ReceiveStockRequest(request_id=str(uuid.uuid4()), lines=lines)
        )


@asynccontextmanager
async def started_mesh(directory: Path) -> AsyncIterator[Running]:
    """Inventory and routing as processes of their own, on files in this directory."""
    inventory = await _started("inventory", directory, {})
    processes = [inventory[0]]
    try:
        targets = {"inventory": inventory[1]}
        routing = await _started(
            "routing", directory, {"ORDERMESH_ROUTING_PEERS": f'{{"inventory": "{inventory[1]}"}}'}
        )
        processes.append(routing[0])
        targets["routing"] = routing[1]
        async with Mesh(targets, caller="bench", timeout=30.0) as mesh:
            yield Running(mesh, tuple(process.pid for process in processes))
    finally:
        for process in processes:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.wait()


async def _started(
    name: str, directory: Path, more: dict[str, str]
) -> tuple[asyncio.subprocess.Process, str]:
    """A service on a database file of its own, and its address. Raises ``RuntimeError``."""
    prefix = f"ORDERMESH_{name.upper()}"
    settings = {
        f"{prefix}_PORT": "0",
        f"{prefix}_DATABASE_URL": f"sqlite+aiosqlite:///{directory / name}.db",
        f"{prefix}_LOG_LEVEL": "ERROR",
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"ordermesh.{name}",
        env={**os.environ, **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    async with asyncio.timeout(START_SECONDS):
        while process.stdout is not None and (said := await process.stdout.readline()):
            found = _LISTENING.search(said)
            if found:
                return process, found.group(1).decode()
    raise RuntimeError(f"{name} did not start.")
