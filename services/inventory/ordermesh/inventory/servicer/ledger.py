"""LedgerService."""

from collections.abc import AsyncIterator

import grpc

from ordermesh.api.inventory.v1 import (
    AdjustStockRequest,
    AdjustStockResponse,
    BlockStockRequest,
    BlockStockResponse,
    DisposeStockRequest,
    DisposeStockResponse,
    FreeQuarantinedKeyRequest,
    FreeQuarantinedKeyResponse,
    LedgerServiceServicer,
    ListBalancesRequest,
    ListBalancesResponse,
    ListMovementsRequest,
    ListMovementsResponse,
    ListQuarantinedKeysRequest,
    ListQuarantinedKeysResponse,
    ListShortfallsRequest,
    ListShortfallsResponse,
    ReceiveStockRequest,
    ReceiveStockResponse,
    ReturnStockRequest,
    ReturnStockResponse,
    TransferStockRequest,
    TransferStockResponse,
    UnblockStockRequest,
    UnblockStockResponse,
    VerifyLedgerRequest,
    VerifyLedgerResponse,
)
from ordermesh.inventory.access import acting, demand, named
from ordermesh.inventory.domain.belonging import refuse_unnamed
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.movement import Document
from ordermesh.inventory.operations.stock import (
    adjust_stock,
    block_stock,
    dispose_stock,
    receive_stock,
    return_stock,
    transfer_stock,
    unblock_stock,
)
from ordermesh.inventory.operations.suspecting import free_key
from ordermesh.inventory.queries.lists import list_balances, list_movements, list_shortfalls
from ordermesh.inventory.queries.suspects import list_suspects
from ordermesh.inventory.queries.verification import verify_ledger
from ordermesh.inventory.servicer.wiring import Wiring
from ordermesh.inventory.wire.keys import stock_key
from ordermesh.inventory.wire.ledger import (
    StockRequest,
    adjustments,
    balance_message,
    blocked_units,
    disposed_units,
    document,
    finding_messages,
    movement_filter,
    movement_message,
    stock_lines,
    transfers,
)
from ordermesh.inventory.wire.shortfalls import shortfall_filter, shortfall_message
from ordermesh.inventory.wire.suspects import suspect_message
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.pages import (
    fitting_rows,
    page_size,
    page_token,
    place,
    place_at_revision,
    place_in_time,
)


class LedgerServicer(LedgerServiceServicer):
    """Keeps the stock ledger."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def ReceiveStock(
        self,
        request: ReceiveStockRequest,
        _context: grpc.aio.ServicerContext[ReceiveStockRequest, ReceiveStockResponse],
    ) -> ReceiveStockResponse:
        """Bring goods in."""

        async def work(tx: Transaction) -> ReceiveStockResponse:
            paper = _paper(request)
            moved = await receive_stock(self._wiring.stores, tx, stock_lines(request), paper)
            return ReceiveStockResponse(
                movement_id=str(moved.movement_id),
                balances=[balance_message(row) for row in moved.balances],
            )

        return await self._wiring.mutations.run(request, ReceiveStockResponse, work)

    async def AdjustStock(
        self,
        request: AdjustStockRequest,
        _context: grpc.aio.ServicerContext[AdjustStockRequest, AdjustStockResponse],
    ) -> AdjustStockResponse:
        """Correct what is on hand."""

        async def work(tx: Transaction) -> AdjustStockResponse:
            paper = _paper(request)
            moved = await adjust_stock(
                self._wiring.stores, tx, adjustments(request), paper.reason, paper
            )
            return AdjustStockResponse(
                movement_id=str(moved.movement_id) if moved.movement_id else "",
                balances=[balance_message(row) for row in moved.balances],
            )

        return await self._wiring.mutations.run(request, AdjustStockResponse, work)

    async def TransferStock(
        self,
        request: TransferStockRequest,
        _context: grpc.aio.ServicerContext[TransferStockRequest, TransferStockResponse],
    ) -> TransferStockResponse:
        """Move free units between locations."""

        async def work(tx: Transaction) -> TransferStockResponse:
            paper = _paper(request)
            moved = await transfer_stock(self._wiring.stores, tx, transfers(request), paper)
            return TransferStockResponse(
                movement_id=str(moved.movement_id),
                balances=[balance_message(row) for row in moved.balances],
            )

        return await self._wiring.mutations.run(request, TransferStockResponse, work)

    async def ReturnStock(
        self,
        request: ReturnStockRequest,
        _context: grpc.aio.ServicerContext[ReturnStockRequest, ReturnStockResponse],
    ) -> ReturnStockResponse:
        """Take goods back from a customer."""

        async def work(tx: Transaction) -> ReturnStockResponse:
            paper = _paper(request)
            units = disposed_units(request.lines)
            moved = await return_stock(self._wiring.stores, tx, units, request.order_id, paper)
            return ReturnStockResponse(
                movement_id=str(moved.movement_id),
                balances=[balance_message(row) for row in moved.balances],
            )

        return await self._wiring.mutations.run(request, ReturnStockResponse, work)

    async def DisposeStock(
        self,
        request: DisposeStockRequest,
        _context: grpc.aio.ServicerContext[DisposeStockRequest, DisposeStockResponse],
    ) -> DisposeStockResponse:
        """Decide what becomes of blocked units."""

        async def work(tx: Transaction) -> DisposeStockResponse:
            paper = _paper(request)
            units = disposed_units(request.lines)
            moved = await dispose_stock(self._wiring.stores, tx, units, paper)
            return DisposeStockResponse(
                movement_id=str(moved.movement_id),
                balances=[balance_message(row) for row in moved.balances],
            )

        return await self._wiring.mutations.run(request, DisposeStockResponse, work)

    async def BlockStock(
        self,
        request: BlockStockRequest,
        _context: grpc.aio.ServicerContext[BlockStockRequest, BlockStockResponse],
    ) -> BlockStockResponse:
        """Take units off sale."""

        async def work(tx: Transaction) -> BlockStockResponse:
            paper = _paper(request)
            units = blocked_units(request.lines)
            moved = await block_stock(self._wiring.stores, tx, units, paper)
            return BlockStockResponse(
                movement_id=str(moved.movement_id),
                balances=[balance_message(row) for row in moved.balances],
            )

        return await self._wiring.mutations.run(request, BlockStockResponse, work)

    async def UnblockStock(
        self,
        request: UnblockStockRequest,
        _context: grpc.aio.ServicerContext[UnblockStockRequest, UnblockStockResponse],
    ) -> UnblockStockResponse:
        """Put blocked units on sale again."""

        async def work(tx: Transaction) -> UnblockStockResponse:
            paper = _paper(request)
            units = blocked_units(request.lines)
            moved = await unblock_stock(self._wiring.stores, tx, units, paper)
            return UnblockStockResponse(
                movement_id=str(moved.movement_id),
                balances=[balance_message(row) for row in moved.balances],
            )

        return await self._wiring.mutations.run(request, UnblockStockResponse, work)

    async def ListBalances(
        self,
        request: ListBalancesRequest,
        _context: grpc.aio.ServicerContext[ListBalancesRequest, ListBalancesResponse],
    ) -> ListBalancesResponse:
        """Read balances, page by page."""
        refuse_unnamed(acting(""), request.location_ids)
        last = place(request, request.page_token, str, str)
        after = StockKey(*map(str, last)) if last else None
        size = page_size(request.page_size)
        page = await self._wiring.database.read(
            lambda tx: list_balances(
                self._wiring.stores,
                tx,
                request.skus,
                request.location_ids,
                after,
                size,
                request.as_of_revision,
            )
        )
        return ListBalancesResponse(
            balances=[balance_message(row) for row in page.rows],
            next_page_token=page_token(request, *page.rows[-1].key) if page.has_more else "",
            revision=page.revision,
        )

    async def ListMovements(
        self,
        request: ListMovementsRequest,
        _context: grpc.aio.ServicerContext[ListMovementsRequest, ListMovementsResponse],
    ) -> ListMovementsResponse:
        """Read movements, page by page."""
        refuse_unnamed(acting(""), named(request.location_id))
        after, begun = place_at_revision(request, request.page_token)
        size = page_size(request.page_size)
        page = await self._wiring.database.read(
            lambda tx: list_movements(
                self._wiring.stores, tx, movement_filter(request), after, size
            )
        )
        movements = fitting_rows(map(movement_message, page.rows))
        at, token = page.revision if begun is None else begun, ""
        if page.has_more or len(movements) < len(page.rows):
            last = page.rows[len(movements) - 1]
            token = page_token(request, last.create_time.isoformat(), str(last.movement_id), at)
        return ListMovementsResponse(
            movements=movements,
            next_page_token=token,
            revision=at,
        )

    async def ListShortfalls(
        self,
        request: ListShortfallsRequest,
        _context: grpc.aio.ServicerContext[ListShortfallsRequest, ListShortfallsResponse],
    ) -> ListShortfallsResponse:
        """Read promises that have no unit behind them, page by page."""
        refuse_unnamed(acting(""), named(request.location_id))
        after, begun = place_at_revision(request, request.page_token)
        size = page_size(request.page_size)
        page = await self._wiring.database.read(
            lambda tx: list_shortfalls(
                self._wiring.stores, tx, shortfall_filter(request), after, size
            )
        )
        at, token = page.revision if begun is None else begun, ""
        if page.has_more:
            last = page.rows[-1]
            token = page_token(request, last.open_time.isoformat(), str(last.shortfall_id), at)
        return ListShortfallsResponse(
            shortfalls=[shortfall_message(one) for one in page.rows],
            next_page_token=token,
            revision=at,
        )

    async def VerifyLedger(
        self,
        request: VerifyLedgerRequest,  # noqa: ARG002 - it has no fields
        _context: grpc.aio.ServicerContext[VerifyLedgerRequest, VerifyLedgerResponse],
    ) -> AsyncIterator[VerifyLedgerResponse]:
        """Check the books."""
        async for progress in verify_ledger(
            self._wiring.verification, self._wiring.stores.seals, self._wiring.database
        ):
            yield VerifyLedgerResponse(
                checked_count=progress.checked_count,
                total_count=progress.total_count,
                findings=finding_messages(progress.findings),
                done=progress.is_done,
                units_oversold=progress.units_oversold if progress.is_done else 0,
                balanced=progress.is_done and progress.found_count == 0,
                entry_count=progress.entry_count,
                sealed_revision=progress.head.revision if progress.is_done else 0,
                seal=progress.head.seal.hex() if progress.is_done else "",
            )

    async def ListQuarantinedKeys(
        self,
        request: ListQuarantinedKeysRequest,
        _context: grpc.aio.ServicerContext[ListQuarantinedKeysRequest, ListQuarantinedKeysResponse],
    ) -> ListQuarantinedKeysResponse:
        """Read the keys whose books were found wrong, page by page."""
        after = place_in_time(request, request.page_token)
        size = page_size(request.page_size)
        rows, has_more = await self._wiring.database.read(
            lambda tx: list_suspects(
                self._wiring.stores, tx, after, size, include_freed=request.include_freed
            )
        )
        token = ""
        if has_more:
            last = rows[-1]
            token = page_token(request, last.found_time.isoformat(), str(last.suspect_id))
        return ListQuarantinedKeysResponse(
            keys=[suspect_message(one) for one in rows], next_page_token=token
        )

    async def FreeQuarantinedKey(
        self,
        request: FreeQuarantinedKeyRequest,
        _context: grpc.aio.ServicerContext[FreeQuarantinedKeyRequest, FreeQuarantinedKeyResponse],
    ) -> FreeQuarantinedKeyResponse:
        """Let units of a key move again."""
        key = stock_key(request.key)

        async def work(tx: Transaction) -> FreeQuarantinedKeyResponse:
            freed = await free_key(
                self._wiring.stores,
                self._wiring.verification,
                tx,
                key,
                acting(request.on_behalf_of),
                request.note,
            )
            return FreeQuarantinedKeyResponse(key=suspect_message(freed))

        return await self._wiring.mutations.run(request, FreeQuarantinedKeyResponse, work)


def _paper(request: StockRequest) -> Document:
    return document(request, acting(request.on_behalf_of), demand(request))
