"""The story of `ordermesh run`: orders are submitted, sourced, shipped and checked.

Every step may be repeated: requests carry ids that are derived from what they are about, so a
service may die in the middle and serve again, and the story goes on.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import grpc

from ordermesh.api.inventory.v1 import LedgerFinding, VerifyLedgerRequest, VerifyLedgerResponse
from ordermesh.api.notify.v1 import GetTimelineRequest, TimelineEntry
from ordermesh.api.routing.v1 import (
    Decision,
    FulfillmentOrder,
    GetDecisionRequest,
    GetOrderRequest,
    ListFulfillmentOrdersRequest,
    ListOrdersRequest,
    Order,
    Parcel,
    ShipFulfillmentOrderRequest,
    SubmitOrderResponse,
)
from ordermesh.cli.calls import all_pages, in_flight, patiently
from ordermesh.client import Mesh
from ordermesh.kernel.ids import derived_id

CARRIER = "sample-carrier"
SETTLE_SECONDS = 120.0
"""How long nothing may happen before the story gives up."""

_PAUSE_SECONDS = 0.1
_PAGE = 200
_DONE = (Order.STATE_FULFILLED, Order.STATE_UNFILLABLE, Order.STATE_CANCELLED)
_OPEN_WORK = (FulfillmentOrder.STATE_RELEASED, FulfillmentOrder.STATE_ACCEPTED)


class StoryFailed(Exception):
    """The story did not come to its end; the message says where."""


@dataclass(frozen=True)
class Verification:
    """What the check of the whole ledger found."""

    balanced: bool
    units_oversold: int
    balance_count: int
    entry_count: int
    findings: tuple[LedgerFinding, ...]
    sealed_revision: int = 0
    seal: str = ""


@dataclass
class Outcome:
    """What became of the orders, by their ids."""

    orders: dict[str, Order] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    """The last decision of each order."""

    shipped: dict[str, FulfillmentOrder] = field(default_factory=dict)
    """Shipped work by its id."""


async def settle(
    mesh: Mesh,
    replies: Mapping[str, SubmitOrderResponse],
    sourced: Callable[[], None] = lambda: None,
) -> Outcome:
    """Wait until each order is sourced or explained; ``sourced`` is called for each.

    Raises ``StoryFailed`` for an order that is neither within two minutes.
    """
    outcome = Outcome()

    async def follow(order_id: str) -> None:
        reply = replies[order_id]
        order, decision = reply.order, reply.decision
        if _is_waiting(order):
            order = await _until(mesh, order_id, lambda one: not _is_waiting(one), "sourced")
        if order.decision_ids and decision.decision_id != order.decision_ids[-1]:
            request = GetDecisionRequest(decision_id=order.decision_ids[-1])
            decision = (await patiently(mesh.sourcing.GetDecision, request)).decision
        if not decision.decision_id:
            raise StoryFailed(f"Order {order_id} is {state_word(order)} and has no decision.")
        outcome.orders[order_id], outcome.decisions[order_id] = order, decision
        sourced()

    await in_flight(replies, follow)
    return outcome


async def ship_all(
    mesh: Mesh,
    outcome: Outcome,
    shipped: Callable[[], None] = lambda: None,
) -> None:
    """Ship all work of these orders, as their locations would, until all are done.

    The orders in ``outcome`` are then as they are at the end. Raises ``StoryFailed`` when nothing
    moves for two minutes.
    """
    loop = asyncio.get_running_loop()
    last_change = loop.time()

    async def ship(work: FulfillmentOrder) -> None:
        nonlocal last_change
        done = await _ship(mesh, work, outcome.decisions[work.order_id])
        if done is not None and done.fulfillment_order_id not in outcome.shipped:
            outcome.shipped[done.fulfillment_order_id] = done
            last_change = loop.time()
            shipped()

    while True:
        before = len(outcome.shipped)
        for state in _OPEN_WORK:
            work = [one async for one in _work(mesh, state) if one.order_id in outcome.orders]
            await in_flight(work, ship)
        if len(outcome.shipped) == before:
            outcome.orders |= await _reread(mesh, outcome.orders)
            unfinished = [one for one in outcome.orders.values() if one.state not in _DONE]
            if not unfinished:
                return
            if loop.time() - last_change > SETTLE_SECONDS:
                raise StoryFailed(
                    f"{len(unfinished)} orders are not shipped and nothing moves, among them"
                    f" {unfinished[0].order_id}, which is {state_word(unfinished[0])}."
                )
        await asyncio.sleep(_PAUSE_SECONDS)


async def verify(
    mesh: Mesh, progressed: Callable[[VerifyLedgerResponse], None] = lambda _: None
) -> Verification:
    """Have the whole ledger checked. Raises ``StoryFailed`` when the check is not finished."""
    findings: list[LedgerFinding] = []
    async for reply in mesh.ledger.VerifyLedger(VerifyLedgerRequest(), timeout=SETTLE_SECONDS):
        findings.extend(reply.findings)
        progressed(reply)
        if reply.done:
            return Verification(
                balanced=reply.balanced,
                units_oversold=reply.units_oversold,
                balance_count=reply.checked_count,
                entry_count=reply.entry_count,
                findings=tuple(findings),
                sealed_revision=reply.sealed_revision,
                seal=reply.seal,
            )
    raise StoryFailed("The check of the ledger ended before everything was checked.")


async def read_order(mesh: Mesh, order_id: str) -> Order:
    """The order as it is now."""
    return (await patiently(mesh.orders.GetOrder, GetOrderRequest(order_id=order_id))).order


async def read_timeline(mesh: Mesh, order_id: str) -> list[TimelineEntry]:
    """What happened to an order, oldest first, as the customer is told."""

    async def read(token: str) -> tuple[Sequence[TimelineEntry], str]:
        request = GetTimelineRequest(order_id=order_id, page_token=token)
        page = await patiently(mesh.timeline.GetTimeline, request)
        return page.entries, page.next_page_token

    return [entry async for entry in all_pages(read)]


def choose_shown(outcome: Outcome) -> str:
    """The order whose story is told: two shipments, everything filled, and as wide as possible."""

    def interest(order_id: str) -> tuple[bool, bool, int, int, str]:
        decision, order = outcome.decisions[order_id], outcome.orders[order_id]
        shipments = len(decision.plan.shipments)
        return (
            shipments == 2,
            bool(shipments) and not decision.unfilled_lines,
            len(order.lines),
            len(decision.candidates),
            order_id,
        )

    return max(outcome.orders, key=interest)


def double_shipped(outcome: Outcome) -> list[str]:
    """Orders of which more has left than was ordered, or that were decided for twice over."""
    units: dict[tuple[str, str, str], int] = {}
    for work in outcome.shipped.values():
        for line in work.lines:
            key = (work.order_id, line.line_id, line.sku)
            units[key] = units.get(key, 0) + line.quantity
    wrong = {
        order_id
        for (order_id, line_id, sku), sent in units.items()
        if sent > _wanted(outcome.orders[order_id], line_id, sku)
    }
    return sorted(wrong)


def unexplained(outcome: Outcome) -> list[str]:
    """Orders with units that are neither sourced nor cancelled nor said to be unfilled, and why."""
    return sorted(
        order.order_id
        for order in outcome.orders.values()
        for line in order.lines
        if line.sourced_quantity + line.cancelled_quantity + line.unfilled_quantity != line.quantity
        or bool(line.unfilled_quantity) != bool(line.unfilled_reason)
    )


def state_word(order: Order) -> str:
    """The state of an order as people say it: `SOURCED`."""
    return Order.State.Name(order.state).removeprefix("STATE_")


async def _ship(mesh: Mesh, work: FulfillmentOrder, decision: Decision) -> FulfillmentOrder | None:
    """Ship; None when the work was taken back meanwhile."""
    work_id = work.fulfillment_order_id
    try:
        ship = ShipFulfillmentOrderRequest(
            request_id=str(derived_id("ship", work_id)),
            fulfillment_order_id=work_id,
            parcels=_parcels(work, decision),
        )
        reply = await patiently(mesh.fulfillments.ShipFulfillmentOrder, ship)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.FAILED_PRECONDITION:
            return None
        raise
    return reply.fulfillment_order


def _parcels(work: FulfillmentOrder, decision: Decision) -> Iterable[Parcel]:
    """As many as were planned, of equal weight."""
    for shipment in decision.plan.shipments:
        if shipment.location_id == work.location_id:
            count, weight = max(1, shipment.parcel_count), shipment.weight_grams
            break
    else:
        count, weight = 1, 0
    for number in range(1, count + 1):
        yield Parcel(
            carrier=CARRIER,
            tracking_number=f"SC-{work.fulfillment_order_id[:8]}-{number}",
            weight_grams=weight // count,
        )


def _work(mesh: Mesh, state: FulfillmentOrder.State.ValueType) -> AsyncIterator[FulfillmentOrder]:
    async def read(token: str) -> tuple[Sequence[FulfillmentOrder], str]:
        request = ListFulfillmentOrdersRequest(state=state, page_size=_PAGE, page_token=token)
        page = await patiently(mesh.fulfillments.ListFulfillmentOrders, request)
        return page.fulfillment_orders, page.next_page_token

    return all_pages(read)


async def _reread(mesh: Mesh, known: Mapping[str, Order]) -> dict[str, Order]:
    """These orders as they are now."""

    async def read(token: str) -> tuple[Sequence[Order], str]:
        request = ListOrdersRequest(page_size=_PAGE, page_token=token)
        page = await patiently(mesh.orders.ListOrders, request)
        return page.orders, page.next_page_token

    return {order.order_id: order async for order in all_pages(read) if order.order_id in known}


async def _until(
    mesh: Mesh, order_id: str, condition: Callable[[Order], bool], wanted: str
) -> Order:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SETTLE_SECONDS
    while True:
        order = await read_order(mesh, order_id)
        if condition(order):
            return order
        if loop.time() > deadline:
            raise StoryFailed(
                f"Order {order_id} was not {wanted} within {SETTLE_SECONDS:.0f} s: it is"
                f" {state_word(order)}."
            )
        await asyncio.sleep(_PAUSE_SECONDS)


def _is_waiting(order: Order) -> bool:
    return order.state == Order.STATE_RECEIVED


def _wanted(order: Order, line_id: str, sku: str) -> int:
    """Units of an item that a line of the order wants, kits resolved."""
    for line in order.lines:
        if line.line_id == line_id:
            parts = {part.sku: part.quantity for part in line.components}
            return line.quantity * (parts.get(sku, 0) if parts else int(sku == line.sku))
    return 0
