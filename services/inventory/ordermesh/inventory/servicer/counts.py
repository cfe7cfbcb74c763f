"""CountService."""

import grpc

from ordermesh.api.inventory.v1 import (
    AcceptCountRequest,
    AcceptCountResponse,
    CancelCountRequest,
    CancelCountResponse,
    CountServiceServicer,
    GetCountRequest,
    GetCountResponse,
    ListCountsRequest,
    ListCountsResponse,
    OpenCountRequest,
    OpenCountResponse,
    PlanCountRequest,
    PlanCountResponse,
    SubmitCountRequest,
    SubmitCountResponse,
)
from ordermesh.inventory.access import acting, named
from ordermesh.inventory.domain.belonging import refuse_unnamed
from ordermesh.inventory.domain.ledger import AdjustmentReason
from ordermesh.inventory.domain.movement import Document
from ordermesh.inventory.operations.counts import (
    accept_count,
    cancel_count,
    open_count,
    plan_count,
    submit_count,
)
from ordermesh.inventory.queries.counts import get_count, list_counts
from ordermesh.inventory.servicer.wiring import Wiring
from ordermesh.inventory.wire.counts import count_filter, count_message, counted, plan_of
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.pages import page_size, page_token, place_in_text


class CountServicer(CountServiceServicer):
    """Counts stock."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def PlanCount(
        self,
        request: PlanCountRequest,
        _context: grpc.aio.ServicerContext[PlanCountRequest, PlanCountResponse],
    ) -> PlanCountResponse:
        """Plan a count."""

        async def work(tx: Transaction) -> PlanCountResponse:
            actor = acting(request.on_behalf_of)
            one = await plan_count(self._wiring.stores, tx, plan_of(request), actor)
            return PlanCountResponse(count=count_message(one))

        return await self._wiring.mutations.run(request, PlanCountResponse, work)

    async def OpenCount(
        self,
        request: OpenCountRequest,
        _context: grpc.aio.ServicerContext[OpenCountRequest, OpenCountResponse],
    ) -> OpenCountResponse:
        """Begin a count."""

        async def work(tx: Transaction) -> OpenCountResponse:
            actor = acting(request.on_behalf_of)
            one = await open_count(self._wiring.stores, tx, request.count_id, actor)
            return OpenCountResponse(count=count_message(one))

        return await self._wiring.mutations.run(request, OpenCountResponse, work)

    async def SubmitCount(
        self,
        request: SubmitCountRequest,
        _context: grpc.aio.ServicerContext[SubmitCountRequest, SubmitCountResponse],
    ) -> SubmitCountResponse:
        """Take what somebody counted."""

        async def work(tx: Transaction) -> SubmitCountResponse:
            found = [counted(line) for line in request.lines]
            actor = acting(request.on_behalf_of)
            one = await submit_count(
                self._wiring.stores, tx, request.count_id, found, request.counter, actor
            )
            return SubmitCountResponse(count=count_message(one))

        return await self._wiring.mutations.run(request, SubmitCountResponse, work)

    async def AcceptCount(
        self,
        request: AcceptCountRequest,
        _context: grpc.aio.ServicerContext[AcceptCountRequest, AcceptCountResponse],
    ) -> AcceptCountResponse:
        """Believe what was counted."""

        async def work(tx: Transaction) -> AcceptCountResponse:
            reason = AdjustmentReason(request.reason)
            paper = Document(acting(request.on_behalf_of), "", request.note, reason)
            one = await accept_count(
                self._wiring.stores,
                tx,
                request.count_id,
                request.skus,
                request.accepted_by,
                paper,
            )
            return AcceptCountResponse(count=count_message(one))

        return await self._wiring.mutations.run(request, AcceptCountResponse, work)

    async def CancelCount(
        self,
        request: CancelCountRequest,
        _context: grpc.aio.ServicerContext[CancelCountRequest, CancelCountResponse],
    ) -> CancelCountResponse:
        """Call a count off."""

        async def work(tx: Transaction) -> CancelCountResponse:
            actor = acting(request.on_behalf_of)
            one = await cancel_count(self._wiring.stores, tx, request.count_id, actor)
            return CancelCountResponse(count=count_message(one))

        return await self._wiring.mutations.run(request, CancelCountResponse, work)

    async def GetCount(
        self,
        request: GetCountRequest,
        _context: grpc.aio.ServicerContext[GetCountRequest, GetCountResponse],
    ) -> GetCountResponse:
        """Read a count with its lines."""
        one, revision = await self._wiring.database.read(
            lambda tx: get_count(self._wiring.stores, tx, request.count_id, acting(""))
        )
        return GetCountResponse(count=count_message(one), revision=revision)

    async def ListCounts(
        self,
        request: ListCountsRequest,
        _context: grpc.aio.ServicerContext[ListCountsRequest, ListCountsResponse],
    ) -> ListCountsResponse:
        """Read counts, page by page."""
        refuse_unnamed(acting(""), named(request.location_id))
        after = place_in_text(request, request.page_token)
        size = page_size(request.page_size)
        page = await self._wiring.database.read(
            lambda tx: list_counts(self._wiring.stores, tx, count_filter(request), after, size)
        )
        return ListCountsResponse(
            counts=[count_message(one) for one in page.rows],
            next_page_token=page_token(request, page.rows[-1].count_id) if page.has_more else "",
            revision=page.revision,
        )
