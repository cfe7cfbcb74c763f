"""SupplyService."""

import grpc

from ordermesh.api.inventory.v1 import (
    CancelSupplyRequest,
    CancelSupplyResponse,
    GetSupplyRequest,
    GetSupplyResponse,
    ListSuppliesRequest,
    ListSuppliesResponse,
    PutSuppliesRequest,
    PutSuppliesResponse,
    ReceiveSupplyRequest,
    ReceiveSupplyResponse,
    SendTransferRequest,
    SendTransferResponse,
    SupplyServiceServicer,
    WriteOffTransferRequest,
    WriteOffTransferResponse,
)
from ordermesh.inventory.access import acting, demand, named
from ordermesh.inventory.domain.belonging import refuse_unnamed
from ordermesh.inventory.domain.ledger import AdjustmentReason
from ordermesh.inventory.domain.movement import Document
from ordermesh.inventory.operations.supplies import (
    cancel_supply,
    put_supplies,
    receive_supply,
    send_transfer,
    write_off_transfer,
)
from ordermesh.inventory.queries.supplies import get_supply, list_supplies
from ordermesh.inventory.servicer.wiring import Wiring
from ordermesh.inventory.wire.supplies import (
    broken_promises,
    put_outcome,
    receipt,
    received_supply,
    supply,
    supply_filter,
    supply_message,
)
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.pages import page_size, page_token, place_in_text


class SupplyServicer(SupplyServiceServicer):
    """Keeps what is expected."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def PutSupplies(
        self,
        request: PutSuppliesRequest,
        _context: grpc.aio.ServicerContext[PutSuppliesRequest, PutSuppliesResponse],
    ) -> PutSuppliesResponse:
        """Announce supplies, or tell of changes."""

        async def work(tx: Transaction) -> PutSuppliesResponse:
            told = [supply(message) for message in request.supplies]
            paper = Document(acting(request.on_behalf_of))
            changed = await put_supplies(self._wiring.stores, tx, told, paper)
            return PutSuppliesResponse(
                outcomes=[
                    put_outcome(one, changed.supplies[one.after.supply_id])
                    for one in changed.outcome
                ],
                broken_promises=broken_promises(changed.broken),
            )

        return await self._wiring.mutations.run(request, PutSuppliesResponse, work)

    async def CancelSupply(
        self,
        request: CancelSupplyRequest,
        _context: grpc.aio.ServicerContext[CancelSupplyRequest, CancelSupplyResponse],
    ) -> CancelSupplyResponse:
        """Say that what is still to come will not."""

        async def work(tx: Transaction) -> CancelSupplyResponse:
            paper = Document(acting(request.on_behalf_of))
            changed = await cancel_supply(self._wiring.stores, tx, request.supply_id, paper)
            return CancelSupplyResponse(
                supply=supply_message(changed.supplies[request.supply_id]),
                broken_promises=broken_promises(changed.broken),
            )

        return await self._wiring.mutations.run(request, CancelSupplyResponse, work)

    async def ReceiveSupply(
        self,
        request: ReceiveSupplyRequest,
        _context: grpc.aio.ServicerContext[ReceiveSupplyRequest, ReceiveSupplyResponse],
    ) -> ReceiveSupplyResponse:
        """Bring in what has come."""

        async def work(tx: Transaction) -> ReceiveSupplyResponse:
            receipts = [receipt(message) for message in request.receipts]
            paper = Document(
                acting(request.on_behalf_of),
                request.document,
                request.note,
                demand=demand(request),
            )
            changed = await receive_supply(self._wiring.stores, tx, receipts, paper)
            return ReceiveSupplyResponse(
                movement_id=str(changed.movement_id),
                received=[
                    received_supply(one, changed.supplies[one.supply.supply_id])
                    for one in changed.outcome
                ],
                broken_promises=broken_promises(changed.broken),
            )

        return await self._wiring.mutations.run(request, ReceiveSupplyResponse, work)

    async def SendTransfer(
        self,
        request: SendTransferRequest,
        _context: grpc.aio.ServicerContext[SendTransferRequest, SendTransferResponse],
    ) -> SendTransferResponse:
        """Say that goods have left for another location."""

        async def work(tx: Transaction) -> SendTransferResponse:
            told = [supply(message) for message in request.transfers]
            paper = Document(
                acting(request.on_behalf_of),
                request.document,
                request.note,
                demand=demand(request),
            )
            changed = await send_transfer(self._wiring.stores, tx, told, paper)
            return SendTransferResponse(
                movement_id=str(changed.movement_id),
                supplies=[supply_message(changed.supplies[one.supply_id]) for one in told],
                broken_promises=broken_promises(changed.broken),
            )

        return await self._wiring.mutations.run(request, SendTransferResponse, work)

    async def WriteOffTransfer(
        self,
        request: WriteOffTransferRequest,
        _context: grpc.aio.ServicerContext[WriteOffTransferRequest, WriteOffTransferResponse],
    ) -> WriteOffTransferResponse:
        """Say that units of a transfer were lost on their way."""

        async def work(tx: Transaction) -> WriteOffTransferResponse:
            actor = acting(request.on_behalf_of)
            paper = Document(
                actor,
                request.supply_id,
                request.note,
                AdjustmentReason.LOST,
                demand(request),
            )
            changed = await write_off_transfer(
                self._wiring.stores, tx, request.supply_id, request.quantity, paper
            )
            return WriteOffTransferResponse(
                movement_id=str(changed.movement_id),
                supply=supply_message(changed.supplies[request.supply_id]),
                broken_promises=broken_promises(changed.broken),
            )

        return await self._wiring.mutations.run(request, WriteOffTransferResponse, work)

    async def GetSupply(
        self,
        request: GetSupplyRequest,
        _context: grpc.aio.ServicerContext[GetSupplyRequest, GetSupplyResponse],
    ) -> GetSupplyResponse:
        """Read one."""
        found = await self._wiring.database.read(
            lambda tx: get_supply(self._wiring.stores, tx, request.supply_id, acting(""))
        )
        return GetSupplyResponse(supply=supply_message(found))

    async def ListSupplies(
        self,
        request: ListSuppliesRequest,
        _context: grpc.aio.ServicerContext[ListSuppliesRequest, ListSuppliesResponse],
    ) -> ListSuppliesResponse:
        """Read supplies that match, page by page."""
        refuse_unnamed(acting(""), named(request.location_id))
        after = place_in_text(request, request.page_token)
        size = page_size(request.page_size)
        rows, has_more = await self._wiring.database.read(
            lambda tx: list_supplies(self._wiring.stores, tx, supply_filter(request), after, size)
        )
        return ListSuppliesResponse(
            supplies=[supply_message(one) for one in rows],
            next_page_token=page_token(request, rows[-1].supply_id) if has_more else "",
        )
