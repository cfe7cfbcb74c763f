"""Routing and the ledger as returns sees them, and who hears of returns."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

import grpc

from ordermesh.api.event.v1 import DeliverRequest, EventEnvelope
from ordermesh.api.inventory.v1 import (
    BlockedKind,
    DisposedStock,
    DisposeStockRequest,
    ReturnedStock,
    ReturnStockRequest,
)
from ordermesh.api.order.v1 import StockKey
from ordermesh.api.routing.v1 import (
    FindReturnLocationRequest,
    GetOrderRequest,
    OrderLine,
    ReturnedUnits,
    ReturnHandling,
)
from ordermesh.client.errors import Refusal
from ordermesh.client.mesh import Mesh
from ordermesh.kernel.ids import derived_id
from ordermesh.kernel.money import from_units_and_nanos
from ordermesh.returns.domain.authorizing import Component, Goal, SoldLine
from ordermesh.returns.domain.errors import NoReturnLocation, OrderNotFound
from ordermesh.returns.domain.keeping import Kept, kept_as, taken_from
from ordermesh.returns.domain.order_return import (
    Disposal,
    Price,
    Receipt,
    Return,
)
from ordermesh.returns.ports import Destination, LedgerRefused
from ordermesh.returns.wire.messages import disposition_value
from ordermesh.runtime.answers import PeerFault, answered, unforeseen

T = TypeVar("T")

CONSUMERS: Mapping[str, frozenset[str]] = {"notify": frozenset({"return"})}
"""Which peers want events about what."""

CALL_SECONDS = 2.0

_IN_DOUBT = "KEY_QUARANTINED"
"""The ledger moves nothing at a key until an operator has looked, and keeps no such answer."""


_KINDS: Mapping[Kept | None, "BlockedKind.ValueType"] = {
    None: BlockedKind.BLOCKED_KIND_UNSPECIFIED,
    Kept.INSPECTION: BlockedKind.BLOCKED_KIND_INSPECTION,
    Kept.DAMAGED: BlockedKind.BLOCKED_KIND_DAMAGED,
}


class RoutingPeer:
    """Routing, behind the stubs."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh

    async def sold_lines(self, order_id: str) -> dict[str, SoldLine]:
        """The lines of an order as they were sold, by id."""
        request = GetOrderRequest(order_id=order_id)
        answer = await answered(
            "routing", self._mesh.orders.GetOrder(request, timeout=CALL_SECONDS)
        )
        if isinstance(answer, Refusal):
            if answer.reason == "ORDER_NOT_FOUND":
                raise OrderNotFound(order_id)
            raise PeerFault("routing", answer.code.name, answer.reason)
        return {line.line_id: _sold(line) for line in answer.order.lines}

    async def destination(
        self, order_id: str, units: Sequence[tuple[str, int]], location_id: str
    ) -> Destination:
        """Where units of items of an order go back to."""
        total: dict[str, int] = {}
        for sku, quantity in units:
            total[sku] = total.get(sku, 0) + quantity
        request = FindReturnLocationRequest(
            order_id=order_id,
            units=[ReturnedUnits(sku=sku, quantity=quantity) for sku, quantity in total.items()],
            location_id=location_id,
        )
        answer = await answered(
            "routing", self._mesh.sourcing.FindReturnLocation(request, timeout=CALL_SECONDS)
        )
        if isinstance(answer, Refusal):
            if answer.reason == "NO_RETURN_LOCATION":
                raise NoReturnLocation(order_id, location_id)
            if answer.reason == "ORDER_NOT_FOUND":
                raise OrderNotFound(order_id)
            raise PeerFault("routing", answer.code.name, answer.reason)
        chosen = answer.chosen
        return Destination(
            Goal(chosen.location_id, answer.reason),
            restocks=chosen.handling == ReturnHandling.RETURN_HANDLING_RESTOCK,
        )


class LedgerPeer:
    """The ledger, behind the stubs. Its request ids are derived: telling twice is telling once.

    What the ledger has refused it would refuse again under the same id, though the cause were
    gone: what is told anew has a new one. Only a refusal that it keeps is such: after any other
    the same call may have been made before, or may arrive late, and be done.
    """

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh

    async def take_back(self, one: Return, receipt: Receipt) -> UUID:
        """Goods came back; gives the movement."""
        request = ReturnStockRequest(
            request_id=_request_id("receipt", one, receipt),
            on_behalf_of=receipt.actor.on_behalf_of or receipt.actor.caller,
            lines=[
                ReturnedStock(
                    key=StockKey(sku=part.sku, location_id=receipt.location_id),
                    quantity=part.quantity,
                    disposition=disposition_value(part.disposition),
                    blocked_kind=_KINDS[kept_as(part)],
                )
                for part in receipt.units
            ],
            document=one.return_id,
            order_id=one.order_id,
        )
        call = self._mesh.ledger.ReturnStock(request, timeout=CALL_SECONDS)
        return UUID((await _told(call)).movement_id)

    async def dispose(self, one: Return, disposal: Disposal) -> UUID:
        """It was decided about units that were kept apart; gives the movement."""
        request = DisposeStockRequest(
            request_id=_request_id("disposal", one, disposal),
            on_behalf_of=disposal.actor.on_behalf_of or disposal.actor.caller,
            lines=[
                DisposedStock(
                    key=StockKey(sku=part.sku, location_id=part.location_id),
                    quantity=units,
                    disposition=disposition_value(part.disposition),
                    blocked_kind=_KINDS[kept],
                )
                for part, kept, units in taken_from(one, disposal)
            ],
            document=one.return_id,
        )
        call = self._mesh.ledger.DisposeStock(request, timeout=CALL_SECONDS)
        return UUID((await _told(call)).movement_id)


def _request_id(kind: str, one: Return, part: Receipt | Disposal) -> str:
    return str(derived_id(kind, one.return_id, part.number, part.ledger_refusals))


async def _told(call: Awaitable[T]) -> T:
    answer = await answered("inventory", call)
    if not isinstance(answer, Refusal):
        return answer
    if answer.code is grpc.StatusCode.FAILED_PRECONDITION and answer.reason != _IN_DOUBT:
        raise LedgerRefused(answer.reason)
    # No decision that the ledger keeps: under this id it may have been done before, or be done yet.
    raise unforeseen("inventory", answer)


def deliverer(mesh: Mesh, peer: str) -> Callable[[Sequence[EventEnvelope]], Awaitable[None]]:
    """Hands events over to a peer's inbox."""

    async def deliver(events: Sequence[EventEnvelope]) -> None:
        await mesh.inbox(peer).Deliver(DeliverRequest(events=events), timeout=CALL_SECONDS)

    return deliver


def _sold(line: OrderLine) -> SoldLine:
    price = None
    if line.HasField("unit_price"):
        price = Price(
            line.unit_price.currency_code,
            from_units_and_nanos(line.unit_price.units, line.unit_price.nanos),
        )
    components = []
    for part in line.components:
        share = None
        if part.HasField("price_share"):
            share = Price(
                part.price_share.currency_code,
                from_units_and_nanos(part.price_share.units, part.price_share.nanos),
                part.quantity,
            )
        components.append(Component(part.sku, part.quantity, share))
    return SoldLine(line.line_id, line.sku, price, tuple(components))
