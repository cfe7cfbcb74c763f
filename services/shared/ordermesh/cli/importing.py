"""Sending a large picture in frames, and going on where it broke off."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import islice

import grpc

from ordermesh.api.inventory.v1 import (
    BeginImportRequest,
    CompleteImportRequest,
    FeedCounts,
    ImportFramesRequest,
    SnapshotImport,
    SnapshotRow,
)
from ordermesh.cli.calls import patiently
from ordermesh.client import Mesh
from ordermesh.kernel.ids import RandomIds

FRAME_ROWS = 500
"""Rows in a frame: one transaction, for which others wait a moment.

A frame is known by its number and its rows, so this must not change in the middle of an import.
"""

WINDOW = 4
"""How many frames are under way before the first of them is acknowledged."""

RECONNECT_SECONDS = 0.5
PATIENCE_SECONDS = 120.0
"""For how long nothing may be acknowledged before it is given up."""

_PASSING = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
    }
)


async def begin(mesh: Mesh, announcement: BeginImportRequest) -> SnapshotImport:
    """Announce the picture, or learn how far it has come before. Raises ``AioRpcError``."""
    request = BeginImportRequest()
    request.CopyFrom(announcement)
    request.request_id = str(RandomIds().new())
    reply = await patiently(mesh.feeds.BeginImport, request)
    return reply.snapshot_import


async def send(
    mesh: Mesh,
    announcement: BeginImportRequest,
    rows: Callable[[], Iterator[SnapshotRow]],
    told: Callable[[int, FeedCounts], None],
) -> SnapshotImport:
    """Send all rows, however often the connection breaks, and complete the import.

    ``rows`` gives the rows from the beginning, the same ones each time. ``told`` hears of each
    frame that is durable: how many rows it has, and what became of them. Raises ``AioRpcError``.
    """
    loop = asyncio.get_running_loop()
    heard = loop.time()
    while True:
        begun = await begin(mesh, announcement)
        try:
            count = await _stream(mesh, announcement.import_id, rows(), begun.next_frame, told)
            break
        except grpc.aio.AioRpcError as error:
            further = (await begin(mesh, announcement)).next_frame > begun.next_frame
            heard = loop.time() if further else heard
            if error.code() not in _PASSING or loop.time() > heard + PATIENCE_SECONDS:
                raise
        await asyncio.sleep(RECONNECT_SECONDS)
    return await _complete(mesh, announcement.import_id, count)


async def _stream(
    mesh: Mesh,
    import_id: str,
    rows: Iterator[SnapshotRow],
    next_frame: int,
    told: Callable[[int, FeedCounts], None],
) -> int:
    """Send what has not been acknowledged; gives how many frames there are in all."""
    for _ in islice(rows, (next_frame - 1) * FRAME_ROWS):
        pass
    slots = asyncio.Semaphore(WINDOW)
    sizes: dict[int, int] = {}
    last = next_frame - 1

    async def frames() -> AsyncIterator[ImportFramesRequest]:
        nonlocal last
        while part := list(islice(rows, FRAME_ROWS)):
            await slots.acquire()
            last += 1
            sizes[last] = len(part)
            yield _frame(import_id, last, part)

    async for reply in mesh.feeds.ImportFrames(frames()):
        told(sizes.pop(reply.frame), reply.counts)
        slots.release()
    return last


def _frame(import_id: str, number: int, rows: Sequence[SnapshotRow]) -> ImportFramesRequest:
    return ImportFramesRequest(
        request_id=str(RandomIds().new()), import_id=import_id, frame=number, rows=rows
    )


async def _complete(mesh: Mesh, import_id: str, frame_count: int) -> SnapshotImport:
    while True:
        request = CompleteImportRequest(
            request_id=str(RandomIds().new()), import_id=import_id, frame_count=frame_count
        )
        reply = await patiently(mesh.feeds.CompleteImport, request)
        if reply.snapshot_import.state == SnapshotImport.STATE_COMPLETED:
            return reply.snapshot_import
