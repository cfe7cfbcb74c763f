"""Stock that is received, corrected, carried, taken back, blocked, and decided on."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ordermesh.api.inventory.v1 import (
    AdjustmentReason,
    AdjustStockRequest,
    BlockedKind,
    BlockedStock,
    BlockStockRequest,
    DisposedStock,
    DisposeStockRequest,
    ReceiveStockRequest,
    ReturnedStock,
    ReturnStockRequest,
    StockAdjustment,
    StockLine,
    StockTransfer,
    TransferStockRequest,
    UnblockStockRequest,
)
from ordermesh.api.order.v1 import Disposition, StockKey
from ordermesh.inventory.servicer.ledger import LedgerServicer
from tests.inventory.many.record import Places, Record, Request
from tests.inventory.many.world import ENOUGH, PLACES, STORES, World
from tests.inventory.messages import key

KINDS = (
    BlockedKind.BLOCKED_KIND_DAMAGED,
    BlockedKind.BLOCKED_KIND_INSPECTION,
    BlockedKind.BLOCKED_KIND_MISSING,
)
RESTOCK, BLOCK, DISCARD = (
    Disposition.DISPOSITION_RESTOCK,
    Disposition.DISPOSITION_BLOCK,
    Disposition.DISPOSITION_DISCARD,
)
REASONS = (
    AdjustmentReason.ADJUSTMENT_REASON_COUNTED,
    AdjustmentReason.ADJUSTMENT_REASON_LOST,
    AdjustmentReason.ADJUSTMENT_REASON_CORRECTION,
)


def written(stock_key: StockKey) -> str:
    """As "SKU-7 at A"."""
    return f"{stock_key.sku} at {stock_key.location_id}"


class Moving:
    """Asks for movements of stock, and says what each of them did to the goods."""

    shares: Mapping[str, int] = {
        "ReceiveStock": 6, "AdjustStock": 3, "TransferStock": 3, "ReturnStock": 2, "BlockStock": 3,
        "UnblockStock": 3, "DisposeStock": 2,
    }  # fmt: skip

    def __init__(self, world: World, record: Record) -> None:
        self.servicer = LedgerServicer(world.shop.wiring)
        self.world = world
        self.record = record
        self.blocked: list[tuple[str, BlockedKind.ValueType]] = []

    async def ask(self, method: str) -> Request | None:
        request_id, few = self.world.id(), self.world.random.randint(1, 3)
        if method == "ReceiveStock":
            place, balance = await self.world.poorest()
            count = max(1, ENOUGH - balance.on_hand - self.world.random.randint(0, 5))
            line = StockLine(key=key(place), quantity=count)
            return ReceiveStockRequest(request_id=request_id, lines=[line])
        if method == "AdjustStock":
            place, there = await self.world.richest()
            delta = self.world.one((-few, -few, few))
            if there.free > 2 * ENOUGH:
                delta = -there.free // 2
            adjustment = StockAdjustment(key=key(place), delta=delta)
            return AdjustStockRequest(
                request_id=request_id,
                adjustments=[adjustment],
                reason=self.world.one(REASONS),
            )
        if method == "TransferStock":
            place, there = await self.world.richest(PLACES)
            if there.free > ENOUGH:
                few = there.free // 2
            transfer = StockTransfer(
                from_key=key(place), to_location_id=self.world.one(STORES), quantity=few
            )
            return TransferStockRequest(request_id=request_id, transfers=[transfer])
        if method == "ReturnStock":
            returned = ReturnedStock(
                key=key(self.world.place(PLACES)),
                quantity=few,
                disposition=self.world.one((RESTOCK, BLOCK, DISCARD)),
                blocked_kind=self.world.one((*KINDS[:2], BlockedKind.ValueType(0))),
            )
            return ReturnStockRequest(request_id=request_id, lines=[returned])
        return await self.blocking(method, request_id, few)

    async def blocking(self, method: str, request_id: str, few: int) -> Request | None:
        """Units that go off sale, or on sale again, or are decided on."""
        if method == "BlockStock":
            kind = self.world.one(KINDS)
            if kind == BlockedKind.BLOCKED_KIND_INSPECTION:
                place, _ = await self.world.richest()
            else:
                # Damage does not ask what is promised.
                place, there = await self.world.tightest()
                few = max(1, min(there.on_hand, there.free + few))
            self.blocked.append((place, kind))
            unit = BlockedStock(key=key(place), quantity=few, kind=kind)
            return BlockStockRequest(
                request_id=request_id, lines=[unit], reason=self.world.one(REASONS)
            )
        if not self.blocked:
            return None
        place, kind = self.blocked.pop(self.world.random.randrange(len(self.blocked)))
        if method == "UnblockStock":
            unit = BlockedStock(key=key(place), quantity=min(few, 2), kind=kind)
            return UnblockStockRequest(request_id=request_id, lines=[unit])
        disposed = DisposedStock(
            key=key(place),
            quantity=min(few, 2),
            disposition=self.world.one((RESTOCK, DISCARD)),
            blocked_kind=kind,
        )
        return DisposeStockRequest(request_id=request_id, lines=[disposed])

    def hear(self, method: str, request: Any, answer: Any) -> None:
        self.record.move(answer.movement_id, moved(method, request))


def moved(method: str, request: Any) -> Places:
    """How many more units are where, sellable or not."""
    places: Places = Counter()
    if method == "ReceiveStock":
        for line in request.lines:
            places[written(line.key)] += line.quantity
    elif method == "AdjustStock":
        for one in request.adjustments:
            places[written(one.key)] += one.delta
    elif method == "TransferStock":
        for one in request.transfers:
            to_key = StockKey(sku=one.from_key.sku, location_id=one.to_location_id)
            places[written(one.from_key)] -= one.quantity
            places[written(to_key)] += one.quantity
    elif method == "ReturnStock":
        for line in request.lines:
            places[written(line.key)] += line.quantity if line.disposition != DISCARD else 0
    elif method == "DisposeStock":
        for line in request.lines:
            places[written(line.key)] -= line.quantity if line.disposition == DISCARD else 0
    else:
        for line in request.lines:
            places[written(line.key)] += 0
    return places
