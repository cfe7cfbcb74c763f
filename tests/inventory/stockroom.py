"""Short calls about what there is: items, locations, stock and its books."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from ordermesh.api.inventory.v1 import (
    AdjustmentReason,
    AdjustStockRequest,
    AdjustStockResponse,
    Balance,
    BlockedKind,
    BlockStockRequest,
    BlockStockResponse,
    DisposedStock,
    DisposeStockRequest,
    DisposeStockResponse,
    Item,
    ListBalancesRequest,
    ListItemsRequest,
    ListMovementsRequest,
    Location,
    Movement,
    PutItemsRequest,
    PutLocationsRequest,
    ReceiveStockRequest,
    ReceiveStockResponse,
    ReturnedStock,
    ReturnStockRequest,
    ReturnStockResponse,
    StockAdjustment,
    StockLine,
    StockTransfer,
    TransferStockRequest,
    TransferStockResponse,
    UnblockStockRequest,
    UnblockStockResponse,
    VerifyLedgerRequest,
    VerifyLedgerResponse,
)
from ordermesh.inventory.servicer.items import ItemServicer, LocationServicer
from ordermesh.inventory.servicer.ledger import LedgerServicer
from ordermesh.inventory.servicer.wiring import Wiring
from tests.inventory.caller import NO_CONTEXT, Caller, as_operator
from tests.inventory.messages import (
    Disposed,
    blocked_stock,
    item,
    key,
    location,
    new_id,
)


class Stockroom(Caller):
    """Short calls to the servicers of items, of locations and of the ledger."""

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self.items = ItemServicer(wiring)
        self.locations = LocationServicer(wiring)
        self.ledger = as_operator(LedgerServicer(wiring))

    async def put_items(self, *items: Item | str, request_id: str = "") -> int:
        wanted = [one if isinstance(one, Item) else item(one) for one in items]
        request = PutItemsRequest(request_id=request_id or new_id(), items=wanted)
        with self.calling("PutItems", "developer"):
            return (await self.items.PutItems(request, NO_CONTEXT)).changed_count

    async def put_locations(self, *locations: Location | str) -> int:
        wanted = [one if isinstance(one, Location) else location(one) for one in locations]
        request = PutLocationsRequest(request_id=new_id(), locations=wanted)
        with self.calling("PutLocations", "developer"):
            return (await self.locations.PutLocations(request, NO_CONTEXT)).changed_count

    async def receive(
        self,
        stock: Mapping[str, int],
        *,
        request_id: str = "",
        serials: Mapping[str, Sequence[str]] | None = None,
    ) -> ReceiveStockResponse:
        named = serials or {}
        lines = [
            StockLine(key=key(place), quantity=count, serial_numbers=named.get(place, ()))
            for place, count in stock.items()
        ]
        request = ReceiveStockRequest(request_id=request_id or new_id(), lines=lines)
        with self.calling("ReceiveStock", "developer"):
            return await self.ledger.ReceiveStock(request, NO_CONTEXT)

    async def stock(self, stock: Mapping[str, int]) -> None:
        """Put the items and receive so many of each."""
        await self.put_items(*sorted({place.split(" at ")[0] for place in stock}))
        await self.receive({place: count for place, count in stock.items() if count})

    async def adjust(
        self,
        place: str,
        *,
        delta: int | None = None,
        on_hand: int | None = None,
        expected: int | None = None,
        reason: AdjustmentReason.ValueType = AdjustmentReason.ADJUSTMENT_REASON_CORRECTION,
        note: str = "",
    ) -> AdjustStockResponse:
        change = {"delta": delta} if delta is not None else {"on_hand": on_hand or 0}
        adjustment = StockAdjustment(key=key(place), expected_on_hand=expected, **change)
        request = AdjustStockRequest(
            request_id=new_id(), adjustments=[adjustment], reason=reason, note=note
        )
        with self.calling("AdjustStock", "developer"):
            return await self.ledger.AdjustStock(request, NO_CONTEXT)

    async def transfer(self, *transfers: tuple[str, str, int]) -> TransferStockResponse:
        rows = [
            StockTransfer(from_key=key(place), to_location_id=to, quantity=quantity)
            for place, to, quantity in transfers
        ]
        request = TransferStockRequest(request_id=new_id(), transfers=rows)
        with self.calling("TransferStock", "developer"):
            return await self.ledger.TransferStock(request, NO_CONTEXT)

    async def take_back(self, *units: Disposed, order_id: str = "") -> ReturnStockResponse:
        rows = [
            ReturnedStock(
                key=key(place),
                quantity=quantity,
                disposition=disposition,
                blocked_kind=kind[0] if kind else BlockedKind.BLOCKED_KIND_UNSPECIFIED,
            )
            for place, quantity, disposition, *kind in units
        ]
        request = ReturnStockRequest(
            request_id=new_id(), lines=rows, document="R-1", order_id=order_id
        )
        with self.calling("ReturnStock", "returns", "returns"):
            return await self.ledger.ReturnStock(request, NO_CONTEXT)

    async def dispose(self, *units: Disposed) -> DisposeStockResponse:
        rows = [
            DisposedStock(
                key=key(place),
                quantity=quantity,
                disposition=disposition,
                blocked_kind=kind[0] if kind else BlockedKind.BLOCKED_KIND_UNSPECIFIED,
            )
            for place, quantity, disposition, *kind in units
        ]
        request = DisposeStockRequest(request_id=new_id(), lines=rows)
        with self.calling("DisposeStock", "returns", "returns"):
            return await self.ledger.DisposeStock(request, NO_CONTEXT)

    async def block(
        self,
        *units: tuple[str, int, BlockedKind.ValueType],
        reason: AdjustmentReason.ValueType = AdjustmentReason.ADJUSTMENT_REASON_UNSPECIFIED,
        document: str = "",
    ) -> BlockStockResponse:
        request = BlockStockRequest(
            request_id=new_id(), lines=blocked_stock(units), reason=reason, document=document
        )
        with self.calling("BlockStock", "developer"):
            return await self.ledger.BlockStock(request, NO_CONTEXT)

    async def unblock(self, *units: tuple[str, int, BlockedKind.ValueType]) -> UnblockStockResponse:
        request = UnblockStockRequest(request_id=new_id(), lines=blocked_stock(units))
        with self.calling("UnblockStock", "developer"):
            return await self.ledger.UnblockStock(request, NO_CONTEXT)

    async def balance(self, place: str) -> Balance:
        wanted = key(place)
        request = ListBalancesRequest(skus=[wanted.sku], location_ids=[wanted.location_id])
        balances = (await self.ledger.ListBalances(request, NO_CONTEXT)).balances
        return balances[0] if balances else Balance()

    async def movements(self, **filters: Any) -> list[Movement]:
        request = ListMovementsRequest(page_size=1000, **filters)
        return list((await self.ledger.ListMovements(request, NO_CONTEXT)).movements)

    async def verify(self) -> list[VerifyLedgerResponse]:
        return [reply async for reply in self.verifying()]

    def verifying(self) -> AsyncIterator[VerifyLedgerResponse]:
        return self.ledger.VerifyLedger(VerifyLedgerRequest(), NO_CONTEXT)

    async def all_items(self) -> list[Item]:
        request = ListItemsRequest(page_size=1000)
        return list((await self.items.ListItems(request, NO_CONTEXT)).items)

    async def is_sound(self) -> bool:
        last = (await self.verify())[-1]
        return last.done and last.balanced and last.units_oversold == 0
