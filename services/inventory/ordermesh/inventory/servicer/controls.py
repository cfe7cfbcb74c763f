"""ControlService."""

import grpc

from ordermesh.api.inventory.v1 import (
    ControlServiceServicer,
    DeleteControlsRequest,
    DeleteControlsResponse,
    ExplainControlsRequest,
    ExplainControlsResponse,
    ListControlsRequest,
    ListControlsResponse,
    PutControlsRequest,
    PutControlsResponse,
)
from ordermesh.inventory.access import acting
from ordermesh.inventory.domain.belonging import refuse_foreign
from ordermesh.inventory.operations.controls import delete_controls, put_controls
from ordermesh.inventory.queries.controls import explain_controls, list_controls
from ordermesh.inventory.servicer.wiring import Wiring
from ordermesh.inventory.wire.controls import control, control_message, explanation_message
from ordermesh.inventory.wire.keys import stock_key
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.pages import page_size, page_token, place_in_text


class ControlServicer(ControlServiceServicer):
    """Keeps the controls."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def PutControls(
        self,
        request: PutControlsRequest,
        _context: grpc.aio.ServicerContext[PutControlsRequest, PutControlsResponse],
    ) -> PutControlsResponse:
        """Create and replace controls."""

        async def work(tx: Transaction) -> PutControlsResponse:
            controls = [control(message) for message in request.controls]
            actor = acting(request.on_behalf_of)
            changed = await put_controls(self._wiring.stores, tx, controls, actor)
            return PutControlsResponse(changed_count=changed.count, version=changed.version)

        return await self._wiring.mutations.run(request, PutControlsResponse, work)

    async def DeleteControls(
        self,
        request: DeleteControlsRequest,
        _context: grpc.aio.ServicerContext[DeleteControlsRequest, DeleteControlsResponse],
    ) -> DeleteControlsResponse:
        """End controls."""

        async def work(tx: Transaction) -> DeleteControlsResponse:
            actor = acting(request.on_behalf_of)
            ids = set(request.control_ids)
            changed = await delete_controls(self._wiring.stores, tx, ids, actor)
            return DeleteControlsResponse(deleted_count=changed.count, version=changed.version)

        return await self._wiring.mutations.run(request, DeleteControlsResponse, work)

    async def ListControls(
        self,
        request: ListControlsRequest,
        _context: grpc.aio.ServicerContext[ListControlsRequest, ListControlsResponse],
    ) -> ListControlsResponse:
        """Read the controls, page by page."""
        after = place_in_text(request, request.page_token)
        size = page_size(request.page_size)
        page = await self._wiring.database.read(
            lambda tx: list_controls(self._wiring.stores, tx, request.version, after, size)
        )
        token = page_token(request, page.rows[-1].control_id) if page.has_more else ""
        return ListControlsResponse(
            controls=[control_message(one) for one in page.rows],
            next_page_token=token,
            version=page.version,
        )

    async def ExplainControls(
        self,
        request: ExplainControlsRequest,
        _context: grpc.aio.ServicerContext[ExplainControlsRequest, ExplainControlsResponse],
    ) -> ExplainControlsResponse:
        """Say which controls apply, and why."""
        key = stock_key(request.key)
        refuse_foreign(acting(""), [key.location_id])
        found = await self._wiring.database.read(
            lambda tx: explain_controls(self._wiring.stores, tx, key, request.channel)
        )
        return explanation_message(found, request.channel)
