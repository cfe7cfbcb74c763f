"""A large picture imported into a real server while others reserve: what it takes and costs."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from ordermesh.api.inventory.v1 import (
    Balance,
    BeginImportRequest,
    FeedCounts,
    ListBalancesRequest,
    PutItemsRequest,
    PutLocationsRequest,
    PutSourcesRequest,
    ReserveRequest,
    ShipRequest,
    SnapshotImport,
    SnapshotRow,
    StockSource,
    VerifyLedgerRequest,
)
from ordermesh.cli.importing import send
from ordermesh.client import Mesh
from tests.inventory.messages import item, location, new_id, reserve_lines, selection
from tests.inventory.outside import TELL

SKUS_AT_A_LOCATION = 5_000
BUYERS = 64


@asynccontextmanager
async def served(url: str, folder: Path) -> AsyncIterator[tuple[int, Mesh]]:
    """The service as a process of its own on a database: its process id, and a way to call it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ordermesh.inventory",
        cwd=folder,
        env={
            **os.environ,
            "ORDERMESH_INVENTORY_PORT": "0",
            "ORDERMESH_INVENTORY_DATABASE_URL": url,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        words = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().split()
        assert words[:3] == ["ordermesh", "inventory", "listening"]
        async with Mesh({"inventory": words[-1]}) as mesh:
            yield process.pid, mesh
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def resident_mb(process_id: int) -> float:
    """The most memory that a process has had, as Linux tells it."""
    for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"Process {process_id} says nothing of its memory.")


@dataclass
class Measured:
    """What an import took, and what became of everything."""

    rows: int
    seconds: float = 0.0
    peak_mb: float = 0.0
    reserved: Counter[tuple[str, str]] = field(default_factory=Counter)
    shipped: Counter[tuple[str, str]] = field(default_factory=Counter)
    reserving_ms: list[float] = field(default_factory=list)
    counts: FeedCounts = field(default_factory=FeedCounts)

    def alone(self) -> str:
        """How fast it was with nobody else."""
        return f"{self.rows:,} rows in {self.seconds:.0f} s: {self.rows / self.seconds:,.0f} rows/s"

    def lines(self) -> list[str]:
        """For people."""
        took = sorted(self.reserving_ms)
        half, most = took[len(took) // 2], took[int(len(took) * 0.99)]
        return [
            self.alone(),
            f"{len(took):,} reservations meanwhile: {len(took) / self.seconds:,.0f}/s",
            f"they took: p50 {half:.0f} ms, p99 {most:.0f} ms, longest {took[-1]:.0f} ms",
            f"{sum(self.shipped.values()):,} units shipped meanwhile",
            f"server: {self.peak_mb:.0f} MB at most",
        ]


def seen(number: int, version: int) -> int:
    """What the picture of this version shows of a key."""
    return 20 + (number * 7 + version * 13) % 50


class Proof:
    """A network of so many keys, a source that sees them all, and buyers."""

    def __init__(self, mesh: Mesh, process_id: int, rows: int, rate: float) -> None:
        self._mesh = mesh
        self._process_id = process_id
        self._rate = rate
        count = max(1, rows // SKUS_AT_A_LOCATION)
        self.skus = [f"SKU-{number:05}" for number in range(rows // count)]
        self.places = [f"STORE-{number:03}" for number in range(count)]
        self.keys = [(sku, place) for place in self.places for sku in self.skus]

    async def prepare(self) -> None:
        """Put items, locations and the source."""
        for start in range(0, len(self.skus), 1_000):
            items = [item(sku) for sku in self.skus[start : start + 1_000]]
            await self._mesh.items.PutItems(PutItemsRequest(request_id=new_id(), items=items))
        places = [location(place) for place in self.places]
        await self._mesh.locations.PutLocations(
            PutLocationsRequest(request_id=new_id(), locations=places)
        )
        source = StockSource(
            source_id="WMS",
            kind=StockSource.KIND_WMS,
            location_ids=self.places,
            gap_policy=TELL,
        )
        await self._mesh.feeds.PutSources(PutSourcesRequest(request_id=new_id(), sources=[source]))

    async def bring(self, version: int, *, buying: bool) -> Measured:
        """Import a picture; with ``buying`` others reserve and ship all the while."""
        measured, done = Measured(len(self.keys)), asyncio.Event()
        loop = asyncio.get_running_loop()
        sequences = await self._sequences() if buying else {}
        began = loop.time()
        buyers = [
            asyncio.create_task(self._buy(measured, done, Random(number)))
            for number in range(BUYERS if buying else 0)
        ]
        found = await self._import(version, sequences)
        measured.seconds = loop.time() - began
        done.set()
        await asyncio.gather(*buyers)
        measured.counts = found.counts
        measured.peak_mb = resident_mb(self._process_id)
        return measured

    async def _import(self, version: int, sequences: dict[tuple[str, str], int]) -> SnapshotImport:
        """In a thread with a loop of its own, so that both do not wait for each other here."""
        announcement = BeginImportRequest(
            import_id=new_id(),
            source_id="WMS",
            location_ids=self.places,
            watermark=0,
            absent=SnapshotImport.ABSENT_LEAVE,
            document=f"picture {version}",
        )

        def rows() -> Iterator[SnapshotRow]:
            for number, (sku, place) in enumerate(self.keys):
                yield SnapshotRow(
                    sku=sku,
                    location_id=place,
                    on_hand=seen(number, version),
                    included_sequence=sequences.get((sku, place), 0),
                )

        async def work() -> SnapshotImport:
            async with Mesh(self._mesh.targets) as mesh:
                return await send(mesh, announcement, rows, lambda _rows, _counts: None)

        return await asyncio.to_thread(lambda: asyncio.run(work()))

    async def _buy(self, measured: Measured, done: asyncio.Event, random: Random) -> None:
        """Reserve one unit after the other at the rate, and ship every fifth at once."""
        loop = asyncio.get_running_loop()
        pause, due = BUYERS / self._rate, loop.time()
        while not done.is_set():
            key = random.choice(self.keys)
            request = ReserveRequest(
                request_id=new_id(),
                reservation_id=new_id(),
                lines=reserve_lines({f"{key[0]} at {key[1]}": 1}),
                confirm=True,
            )
            began = loop.time()
            await self._mesh.reservations.Reserve(request)
            measured.reserving_ms.append((loop.time() - began) * 1_000)
            measured.reserved[key] += 1
            if len(measured.reserving_ms) % 5 == 0:
                await self._mesh.reservations.Ship(
                    ShipRequest(
                        request_id=new_id(),
                        reservation_id=request.reservation_id,
                        lines=[selection("1")],
                    )
                )
                measured.shipped[key] += 1
            due += pause
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def _sequences(self) -> dict[tuple[str, str], int]:
        """What the source has heard of us when it takes its picture: everything so far."""
        return {
            (balance.key.sku, balance.key.location_id): balance.sequence
            async for balance in self._balances()
        }

    async def _balances(self) -> AsyncIterator[Balance]:
        token = ""
        while True:
            request = ListBalancesRequest(page_size=1_000, page_token=token)
            page = await self._mesh.ledger.ListBalances(request, timeout=30)
            for balance in page.balances:
                yield balance
            token = page.next_page_token
            if not token:
                return

    async def differences(self, version: int, measured: Measured) -> list[str]:
        """Keys where the books are not what the picture showed, less what has left since."""
        numbers = {key: number for number, key in enumerate(self.keys)}
        wrong, count = [], 0
        async for balance in self._balances():
            key = (balance.key.sku, balance.key.location_id)
            left = measured.shipped[key]
            wanted = (seen(numbers[key], version) - left, measured.reserved[key] - left)
            count += 1
            if (balance.on_hand, balance.reserved) != wanted:
                wrong.append(f"{key}: {balance.on_hand}, {balance.reserved}, not {wanted}")
        return wrong if count == len(self.keys) else [*wrong, f"{count} keys"]

    async def is_sound(self) -> bool:
        """Whether the ledger balances, every key and reservation."""
        async for progress in self._mesh.ledger.VerifyLedger(VerifyLedgerRequest()):
            if progress.done:
                return progress.balanced and progress.units_oversold == 0
        return False
