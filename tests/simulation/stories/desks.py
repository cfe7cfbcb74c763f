"""Returns desks: what was shipped comes back, in some condition, and something becomes of it."""

from ordermesh.api.order.v1 import Disposition
from ordermesh.api.returns.v1 import (
    AuthorizedLine,
    AuthorizeReturnRequest,
    CancelReturnRequest,
    DisposedLine,
    DisposeReturnedRequest,
    GetReturnableRequest,
    GetReturnRequest,
    Grade,
    ReceivedLine,
    ReceiveReturnRequest,
    RefundTiming,
    Return,
    ReturnReason,
)
from tests.simulation.asking import Caller

_GRADES = (Grade.GRADE_LIKE_NEW, Grade.GRADE_GOOD, Grade.GRADE_BAD)
_TIMINGS = (RefundTiming.REFUND_TIMING_NOW, RefundTiming.REFUND_TIMING_AFTER_RECEIPT)

LOOKS = 10
"""So often a desk looks whether anything has left yet."""


class Desk:
    """Takes back some of what its notebook knows as shipped."""

    def __init__(self, caller: Caller, returns: int, seconds: float) -> None:
        self._caller = caller
        self._returns = returns
        self._pause = 2 * seconds / returns
        self._last = ""

    async def run(self) -> None:
        for number in range(1, self._returns + 1):
            await self._caller.rest(self._pause)
            orders = await self._shipped()
            if orders:
                await self._take_back(f"{self._caller.name}-{number}", self._pick(orders))

    async def _shipped(self) -> list[str]:
        """The orders of which something has left; it is waited a while for the first."""
        for _ in range(LOOKS):
            shipped = self._caller.notebook.of("ShipFulfillmentOrder")
            orders = [one.reply.fulfillment_order.order_id for one in shipped if one.is_ok]
            if orders:
                return orders
            await self._caller.rest(2.0)
        return []

    def _pick(self, orders: list[str]) -> str:
        """Some come again with more of the same order: in all no more than was shipped."""
        if self._last in orders and self._caller.likely(0.5):
            return self._last
        self._last = self._caller.random.choice(orders)
        return self._last

    async def _take_back(self, return_id: str, order_id: str) -> None:
        caller, returns = self._caller, self._caller.mesh.returns
        found = await caller.read(returns.GetReturnable, GetReturnableRequest(order_id=order_id))
        # Some want to return more than was shipped.
        is_greedy = caller.likely(0.15)
        lines = [
            AuthorizedLine(
                line_id=one.line_id,
                sku=one.sku,
                quantity=caller.random.randint(1, one.returnable_quantity),
            )
            if not is_greedy
            else AuthorizedLine(
                line_id=one.line_id, sku=one.sku, quantity=one.returnable_quantity + 1
            )
            for one in (() if found is None else found.lines)
            if (one.returnable_quantity or is_greedy) and caller.likely(0.7)
        ]
        authorize = AuthorizeReturnRequest(
            request_id=caller.new_id(),
            return_id=return_id,
            order_id=order_id,
            lines=lines,
            refund_timing=caller.random.choice(_TIMINGS),
            reason=ReturnReason.RETURN_REASON_UNWANTED,
        )
        told = await caller.ask(returns.AuthorizeReturn, authorize)
        if not told.is_ok:
            return
        await caller.rest(3.0)
        if caller.likely(0.15):
            cancel = CancelReturnRequest(request_id=caller.new_id(), return_id=return_id)
            await caller.ask(returns.CancelReturn, cancel)
            return
        for one in told.reply.order_return.lines:
            await self._arrive(return_id, one.line_id, one.sku, one.quantity)
        await self._decide(return_id)

    async def _arrive(self, return_id: str, line_id: str, sku: str, quantity: int) -> None:
        """Some of it comes back."""
        caller = self._caller
        came = ReceivedLine(
            line_id=line_id,
            sku=sku,
            quantity=caller.random.randint(1, quantity),
            grade=caller.random.choice(_GRADES),
        )
        request = ReceiveReturnRequest(
            request_id=caller.new_id(),
            return_id=return_id,
            lines=[came],
            last=caller.likely(0.3),
        )
        await caller.ask(caller.mesh.returns.ReceiveReturn, request)

    async def _decide(self, return_id: str) -> None:
        """What was kept apart is looked at."""
        caller = self._caller
        found = await caller.read(
            caller.mesh.returns.GetReturn, GetReturnRequest(return_id=return_id)
        )
        known: Return | None = None if found is None else found.order_return
        for line in () if known is None else known.lines:
            if line.blocked_quantity and caller.likely(0.7):
                decided = DisposedLine(
                    line_id=line.line_id,
                    sku=line.sku,
                    quantity=line.blocked_quantity,
                    disposition=caller.random.choice(
                        (Disposition.DISPOSITION_RESTOCK, Disposition.DISPOSITION_DISCARD)
                    ),
                )
                request = DisposeReturnedRequest(
                    request_id=caller.new_id(), return_id=return_id, lines=[decided]
                )
                await caller.ask(caller.mesh.dispositions.DisposeReturned, request)
