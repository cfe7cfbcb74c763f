"""FeedService."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import grpc

from ordermesh.api.inventory.v1 import (
    BeginImportRequest,
    BeginImportResponse,
    CompleteImportRequest,
    CompleteImportResponse,
    DismissQuarantinedRowsRequest,
    DismissQuarantinedRowsResponse,
    FeedServiceServicer,
    GetImportRequest,
    GetImportResponse,
    ImportFramesRequest,
    ImportFramesResponse,
    ListQuarantinedRowsRequest,
    ListQuarantinedRowsResponse,
    ListSourcesRequest,
    ListSourcesResponse,
    PostDeltasRequest,
    PostDeltasResponse,
    PostSnapshotRequest,
    PostSnapshotResponse,
    PutSourcesRequest,
    PutSourcesResponse,
    RetryQuarantinedRowsRequest,
    RetryQuarantinedRowsResponse,
)
from ordermesh.inventory.access import OPERATOR, acting
from ordermesh.inventory.domain.stock_feed import outcome_of
from ordermesh.inventory.domain.stock_source import Speaker
from ordermesh.inventory.operations.feeds import (
    dismiss_rows,
    post_deltas,
    post_snapshot,
    put_sources,
    retry_rows,
)
from ordermesh.inventory.operations.imports import (
    begin_import,
    complete_import,
    import_frame,
)
from ordermesh.inventory.queries.feeds import get_import, list_quarantined, list_sources
from ordermesh.inventory.servicer.wiring import Wiring
from ordermesh.inventory.wire.stock_feeds import (
    announced,
    counts_message,
    delta,
    digest,
    gap_messages,
    import_message,
    outcome_messages,
    picture_rows,
    quarantine_filter,
    quarantined_message,
    report_message,
    source,
    told,
)
from ordermesh.runtime.call import current_call
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.pages import page_size, page_token, place_in_text, place_in_time
from ordermesh.runtime.validation import distinct_ids

PAUSE_SHARE = 1.0
"""While others are at work, an import pauses after a frame for this share of what it took."""

PAUSE_SECONDS_MAX = 0.25
PAUSE_STEP_SECONDS = 0.005
"""How long a pause goes on before it looks again whether anybody is at work."""


class FeedServicer(FeedServiceServicer):
    """Takes what systems outside tell of stock."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def PutSources(
        self,
        request: PutSourcesRequest,
        _context: grpc.aio.ServicerContext[PutSourcesRequest, PutSourcesResponse],
    ) -> PutSourcesResponse:
        """Create and replace sources."""

        async def work(tx: Transaction) -> PutSourcesResponse:
            sources = [source(message) for message in request.sources]
            return PutSourcesResponse(
                changed_count=await put_sources(self._wiring.stores, tx, sources)
            )

        return await self._wiring.mutations.run(request, PutSourcesResponse, work)

    async def ListSources(
        self,
        request: ListSourcesRequest,
        _context: grpc.aio.ServicerContext[ListSourcesRequest, ListSourcesResponse],
    ) -> ListSourcesResponse:
        """Read sources, page by page."""
        after = place_in_text(request, request.page_token)
        size = page_size(request.page_size)
        speaker = _speaker("")
        page = await self._wiring.database.read(
            lambda tx: list_sources(
                self._wiring.stores, tx, after, size, speaker, stale_only=request.stale_only
            )
        )
        last = page.rows[-1].state.source.source_id if page.rows else ""
        return ListSourcesResponse(
            sources=[report_message(report, page.now) for report in page.rows],
            next_page_token=page_token(request, last) if page.has_more else "",
        )

    async def PostDeltas(
        self,
        request: PostDeltasRequest,
        _context: grpc.aio.ServicerContext[PostDeltasRequest, PostDeltasResponse],
    ) -> PostDeltasResponse:
        """Hear of changes."""

        async def work(tx: Transaction) -> PostDeltasResponse:
            heard = await post_deltas(
                self._wiring.stores,
                tx,
                request.source_id,
                [delta(message) for message in request.deltas],
                _speaker(request.on_behalf_of),
            )
            return PostDeltasResponse(
                outcomes=outcome_messages(heard.outcomes),
                counts=counts_message(heard.tally),
                applied_sequence=heard.applied,
                gaps=gap_messages(heard.gaps),
                quarantine_ids=map(str, heard.quarantine_ids),
            )

        return await self._wiring.mutations.run(request, PostDeltasResponse, work)

    async def PostSnapshot(
        self,
        request: PostSnapshotRequest,
        _context: grpc.aio.ServicerContext[PostSnapshotRequest, PostSnapshotResponse],
    ) -> PostSnapshotResponse:
        """Hear what a source sees of some keys."""

        async def work(tx: Transaction) -> PostSnapshotResponse:
            result = await post_snapshot(
                self._wiring.stores,
                tx,
                told(request),
                request.source_id,
                _speaker(request.on_behalf_of),
            )
            return PostSnapshotResponse(
                outcomes=outcome_messages(map(outcome_of, result.verdicts)),
                counts=counts_message(result.tally),
                quarantine_ids=map(str, result.quarantine_ids),
            )

        return await self._wiring.mutations.run(request, PostSnapshotResponse, work)

    async def BeginImport(
        self,
        request: BeginImportRequest,
        _context: grpc.aio.ServicerContext[BeginImportRequest, BeginImportResponse],
    ) -> BeginImportResponse:
        """Announce a large picture."""

        async def work(tx: Transaction) -> BeginImportResponse:
            begun = await begin_import(
                self._wiring.stores, tx, announced(request), _speaker(request.on_behalf_of)
            )
            return BeginImportResponse(snapshot_import=import_message(begun))

        return await self._wiring.mutations.run(request, BeginImportResponse, work)

    async def ImportFrames(
        self,
        request_iterator: AsyncIterator[ImportFramesRequest],
        _context: grpc.aio.ServicerContext[ImportFramesRequest, ImportFramesResponse],
    ) -> AsyncIterator[ImportFramesResponse]:
        """Take frames one after the other; the next one is read when one is durable."""
        loop = asyncio.get_running_loop()
        async for request in request_iterator:
            began = loop.time()
            reply = await self._frame(request)
            yield reply
            if not reply.skipped:
                await self._make_way(loop.time() - began)

    async def CompleteImport(
        self,
        request: CompleteImportRequest,
        _context: grpc.aio.ServicerContext[CompleteImportRequest, CompleteImportResponse],
    ) -> CompleteImportResponse:
        """All frames have come."""

        async def work(tx: Transaction) -> CompleteImportResponse:
            after = await complete_import(
                self._wiring.stores,
                tx,
                UUID(request.import_id),
                request.frame_count,
                _speaker(request.on_behalf_of),
            )
            return CompleteImportResponse(snapshot_import=import_message(after))

        return await self._wiring.mutations.run(request, CompleteImportResponse, work)

    async def GetImport(
        self,
        request: GetImportRequest,
        _context: grpc.aio.ServicerContext[GetImportRequest, GetImportResponse],
    ) -> GetImportResponse:
        """Read how far an import has come."""
        speaker = _speaker("")
        found = await self._wiring.database.read(
            lambda tx: get_import(self._wiring.stores, tx, UUID(request.import_id), speaker)
        )
        return GetImportResponse(snapshot_import=import_message(found))

    async def ListQuarantinedRows(
        self,
        request: ListQuarantinedRowsRequest,
        _context: grpc.aio.ServicerContext[ListQuarantinedRowsRequest, ListQuarantinedRowsResponse],
    ) -> ListQuarantinedRowsResponse:
        """Read rows in quarantine, page by page."""
        after = place_in_time(request, request.page_token)
        size = page_size(request.page_size)
        speaker = _speaker("")
        page = await self._wiring.database.read(
            lambda tx: list_quarantined(
                self._wiring.stores, tx, quarantine_filter(request), after, size, speaker
            )
        )
        token = ""
        if page.has_more and (last := page.rows[-1]).create_time is not None:
            token = page_token(request, last.create_time.isoformat(), str(last.quarantine_id))
        return ListQuarantinedRowsResponse(
            rows=[quarantined_message(row) for row in page.rows], next_page_token=token
        )

    async def RetryQuarantinedRows(
        self,
        request: RetryQuarantinedRowsRequest,
        _context: grpc.aio.ServicerContext[
            RetryQuarantinedRowsRequest, RetryQuarantinedRowsResponse
        ],
    ) -> RetryQuarantinedRowsResponse:
        """Try rows again."""

        async def work(tx: Transaction) -> RetryQuarantinedRowsResponse:
            result = await retry_rows(
                self._wiring.stores,
                tx,
                distinct_ids("quarantine_ids", request.quarantine_ids),
                _speaker(request.on_behalf_of),
                request.note,
                accept_jumps=request.accept_jumps,
            )
            return RetryQuarantinedRowsResponse(
                outcomes=outcome_messages(map(outcome_of, result.verdicts)),
                counts=counts_message(result.tally),
            )

        return await self._wiring.mutations.run(request, RetryQuarantinedRowsResponse, work)

    async def DismissQuarantinedRows(
        self,
        request: DismissQuarantinedRowsRequest,
        _context: grpc.aio.ServicerContext[
            DismissQuarantinedRowsRequest, DismissQuarantinedRowsResponse
        ],
    ) -> DismissQuarantinedRowsResponse:
        """Decide that rows are wrong."""

        async def work(tx: Transaction) -> DismissQuarantinedRowsResponse:
            await dismiss_rows(
                self._wiring.stores,
                tx,
                distinct_ids("quarantine_ids", request.quarantine_ids),
                _speaker(request.on_behalf_of),
                request.note,
            )
            return DismissQuarantinedRowsResponse()

        return await self._wiring.mutations.run(request, DismissQuarantinedRowsResponse, work)

    async def _frame(self, request: ImportFramesRequest) -> ImportFramesResponse:
        async def work(tx: Transaction) -> ImportFramesResponse:
            applied = await import_frame(
                self._wiring.stores,
                tx,
                UUID(request.import_id),
                request.frame,
                digest(request),
                picture_rows(request.rows),
                _speaker(request.on_behalf_of),
            )
            return ImportFramesResponse(
                frame=request.frame,
                counts=counts_message(applied.tally),
                skipped=applied.is_skipped,
            )

        return await self._wiring.mutations.run(request, ImportFramesResponse, work)

    async def _make_way(self, seconds: float) -> None:
        """Leave the database to others while there are any, for as long as a frame had it."""
        left = min(seconds * PAUSE_SHARE, PAUSE_SECONDS_MAX)
        while left > 0 and self._wiring.database.running:
            await asyncio.sleep(PAUSE_STEP_SECONDS)
            left -= PAUSE_STEP_SECONDS


def _speaker(on_behalf_of: str) -> Speaker:
    return Speaker(acting(on_behalf_of), OPERATOR in current_call().identity.roles)
