"""Processes beside the service in the proof from till to web: the web, and buyers elsewhere.

::

    python -m tests.inventory.web watch 127.0.0.1:7101     # tells each change as it is seen
    python -m tests.inventory.web buy 127.0.0.1:7101 500 20 # so many reservations a second, so long
"""

import asyncio
import random
import sys
import time
import uuid

from ordermesh.api.inventory.v1 import ReserveBulkRequest, ReserveLine, ReserveRequest
from ordermesh.api.order.v1 import StockKey
from ordermesh.client import AvailabilityMatrix, Mesh

FRAME_SECONDS = 0.05
"""Buyers come together in frames, as an edge that coalesces sends them."""

BUYERS_SKUS = 500
BUYERS_PLACES = ("A", "B", "C")


async def watch(target: str) -> None:
    """One line for each item that changed: the item, what can be promised, and the instant."""
    async with (
        Mesh({"inventory": target}, caller="web") as mesh,
        AvailabilityMatrix(mesh) as stock,
    ):
        await stock.loaded()
        changes = stock.changes()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        async for changed in changes:
            now = time.monotonic()
            lines = [f"{sku} {stock.total(sku)} {now}\n" for sku in changed if sku[:4] == "TILL"]
            if lines:
                sys.stdout.writelines(lines)
                sys.stdout.flush()


async def buy(target: str, rate: int, seconds: float) -> None:
    """Reserve at a rate; at the end one line: granted, refused, and the seconds it took."""
    chance = random.Random(1)
    granted = refused = 0
    frame = round(rate * FRAME_SECONDS)
    pending: set[asyncio.Task[tuple[int, int]]] = set()

    async def send(mesh: Mesh) -> tuple[int, int]:
        requests = [
            ReserveRequest(
                request_id=str(uuid.uuid4()),
                reservation_id=str(uuid.uuid4()),
                lines=[
                    ReserveLine(
                        line_id="1",
                        key=StockKey(
                            sku=f"SKU-{chance.randrange(BUYERS_SKUS)}",
                            location_id=chance.choice(BUYERS_PLACES),
                        ),
                        quantity=1,
                    )
                ],
                confirm=True,
            )
            for _ in range(frame)
        ]
        reply = await mesh.reservations.ReserveBulk(ReserveBulkRequest(requests=requests))
        good = sum(one.HasField("reply") for one in reply.verdicts)
        return good, len(reply.verdicts) - good

    async with Mesh({"inventory": target}, caller="edge", timeout=30.0) as mesh:
        begin = time.monotonic()
        number = 0
        while time.monotonic() < begin + seconds:
            pending.add(asyncio.create_task(send(mesh)))
            number += 1
            await asyncio.sleep(max(0.0, begin + number * FRAME_SECONDS - time.monotonic()))
        for good, bad in await asyncio.gather(*pending):
            granted, refused = granted + good, refused + bad
        took = time.monotonic() - begin
    sys.stdout.write(f"{granted} {refused} {took}\n")


def main() -> None:
    """The command line."""
    command, target, *more = sys.argv[1:]
    if command == "watch":
        asyncio.run(watch(target))
    else:
        asyncio.run(buy(target, int(more[0]), float(more[1])))


if __name__ == "__main__":
    main()
