"""What follows the shipping in `ordermesh run`: deliveries, returns, and what customers are told.

As every step of the story, each of these may be repeated: ids are derived from what they are about.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ordermesh.api.notify.v1 import (
    CountNotificationsRequest,
    ListNotificationsRequest,
    Notification,
    NotificationKind,
)
from ordermesh.api.returns.v1 import (
    AuthorizedLine,
    AuthorizeReturnRequest,
    GetReturnableRequest,
    GetReturnRequest,
    Grade,
    ReceivedLine,
    ReceiveReturnRequest,
    RefundTiming,
    Return,
    ReturnableLine,
    ReturnReason,
)
from ordermesh.api.routing.v1 import DeliverFulfillmentOrderRequest, FulfillmentOrder
from ordermesh.cli.calls import all_pages, in_flight, patiently
from ordermesh.cli.story import SETTLE_SECONDS, Outcome, StoryFailed
from ordermesh.client import Mesh
from ordermesh.kernel.ids import derived_id

DELIVERED_EVERY = 4
"""Of so many shipments, the carrier says of one that it has arrived before the story ends."""

RETURNED_EVERY = 12
"""Of so many orders that left, one customer sends something back."""

_GRADES = (
    Grade.GRADE_LIKE_NEW,
    Grade.GRADE_GOOD,
    Grade.GRADE_LIKE_NEW,
    Grade.GRADE_REFURBISHABLE,
    Grade.GRADE_BAD,
)
_REASONS = (
    ReturnReason.RETURN_REASON_UNWANTED,
    ReturnReason.RETURN_REASON_DOES_NOT_FIT,
    ReturnReason.RETURN_REASON_NOT_AS_DESCRIBED,
    ReturnReason.RETURN_REASON_DEFECTIVE,
    ReturnReason.RETURN_REASON_DAMAGED,
)
_PAUSE_SECONDS = 0.2
_PAGE = 1_000


@dataclass
class Afterwards:
    """What became of the orders after they had left."""

    delivered: dict[str, FulfillmentOrder] = field(default_factory=dict)
    """Delivered work by its id."""

    returns: dict[str, Return] = field(default_factory=dict)
    """Returns by their ids, as they are at the end."""

    told: Counter[NotificationKind.ValueType] = field(default_factory=Counter)
    """Mails that were taken over, by what they tell."""

    told_orders: frozenset[str] = frozenset()
    """The orders of whose customers each has at least one mail."""

    not_told: Counter[Notification.State.ValueType] = field(default_factory=Counter)
    """Notices that were not taken over, by their state."""

    @property
    def notifications_delivered(self) -> int:
        """Mails that were taken over."""
        return self.told.total()

    @property
    def returns_completed(self) -> int:
        """Returns of which the ledger knows everything."""
        return sum(one.state == Return.STATE_COMPLETED for one in self.returns.values())

    @property
    def units_restocked(self) -> int:
        """Units that came back and are on sale again."""
        return sum(line.restocked_quantity for one in self.returns.values() for line in one.lines)


def chosen_for_delivery(outcome: Outcome) -> list[FulfillmentOrder]:
    """The shipments that arrive before the story ends."""
    return [outcome.shipped[work_id] for work_id in sorted(outcome.shipped)][::DELIVERED_EVERY]


def chosen_for_return(outcome: Outcome, shown: str) -> list[str]:
    """The orders of which something comes back, the one that is shown among them."""
    left = sorted({work.order_id for work in outcome.shipped.values()})
    return list(dict.fromkeys([*([shown] if shown in left else []), *left[::RETURNED_EVERY]]))


async def deliver_some(
    mesh: Mesh,
    chosen: Iterable[FulfillmentOrder],
    afterwards: Afterwards,
    advanced: Callable[[], None] = lambda: None,
) -> None:
    """Say that these shipments have arrived."""

    async def deliver(work: FulfillmentOrder) -> None:
        work_id = work.fulfillment_order_id
        request = DeliverFulfillmentOrderRequest(
            request_id=str(derived_id("deliver", work_id)), fulfillment_order_id=work_id
        )
        reply = await patiently(mesh.fulfillments.DeliverFulfillmentOrder, request)
        afterwards.delivered[work_id] = reply.fulfillment_order
        advanced()

    await in_flight(chosen, deliver)


async def return_some(
    mesh: Mesh,
    order_ids: Sequence[str],
    afterwards: Afterwards,
    advanced: Callable[[], None] = lambda: None,
) -> None:
    """Send the first line of each of these orders back, and wait until the ledger knows of it.

    Raises ``StoryFailed`` when returns does not hear of a shipment, or the ledger of a return,
    within two minutes.
    """

    async def send_back(numbered: tuple[int, str]) -> None:
        number, order_id = numbered
        line = await _first_returnable(mesh, order_id)
        return_id = f"R-{order_id}"
        authorize = AuthorizeReturnRequest(
            request_id=str(derived_id("authorize", return_id)),
            return_id=return_id,
            order_id=order_id,
            lines=[
                AuthorizedLine(
                    line_id=line.line_id, sku=line.sku, quantity=line.returnable_quantity
                )
            ],
            refund_timing=RefundTiming.REFUND_TIMING_AFTER_RECEIPT,
            reason=_REASONS[number % len(_REASONS)],
        )
        await patiently(mesh.returns.AuthorizeReturn, authorize)
        receive = ReceiveReturnRequest(
            request_id=str(derived_id("receive", return_id)),
            return_id=return_id,
            lines=[
                ReceivedLine(
                    line_id=line.line_id,
                    sku=line.sku,
                    quantity=line.returnable_quantity,
                    grade=_GRADES[number % len(_GRADES)],
                )
            ],
        )
        reply = await patiently(mesh.returns.ReceiveReturn, receive)
        afterwards.returns[return_id] = await _completed(mesh, reply.order_return)
        advanced()

    await in_flight(enumerate(order_ids), send_back)


async def wait_until_told(
    mesh: Mesh,
    expected: int,
    afterwards: Afterwards,
    progressed: Callable[[int], None] = lambda _: None,
) -> None:
    """Wait until so many mails were taken over, or nothing moves any more; then count them."""
    loop = asyncio.get_running_loop()
    last, last_change = -1, loop.time()
    while True:
        reply = await patiently(mesh.notifications.CountNotifications, CountNotificationsRequest())
        counts = {one.state: one.count for one in reply.counts}
        sent = counts.get(Notification.STATE_SENT, 0)
        waiting = counts.get(Notification.STATE_PENDING, 0) + counts.get(
            Notification.STATE_SENDING, 0
        )
        progressed(sent)
        settled = sum(counts.values()) - waiting
        if settled != last:
            last, last_change = settled, loop.time()
        if settled >= expected and not waiting:
            break
        if loop.time() - last_change > SETTLE_SECONDS / 4:
            break
        await asyncio.sleep(_PAUSE_SECONDS)
    await _count(mesh, afterwards)


async def _count(mesh: Mesh, afterwards: Afterwards) -> None:
    async def read(token: str) -> tuple[Sequence[Notification], str]:
        request = ListNotificationsRequest(page_size=_PAGE, page_token=token)
        page = await patiently(mesh.notifications.ListNotifications, request)
        return page.notifications, page.next_page_token

    told_orders: set[str] = set()
    afterwards.told.clear()
    afterwards.not_told.clear()
    async for notification in all_pages(read):
        if notification.state == Notification.STATE_SENT:
            afterwards.told[notification.kind] += 1
            told_orders.add(notification.order_id)
        else:
            afterwards.not_told[notification.state] += 1
    afterwards.told_orders = frozenset(told_orders)


async def _first_returnable(mesh: Mesh, order_id: str) -> ReturnableLine:
    """The first line that can come back, as soon as returns has heard of it."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SETTLE_SECONDS
    while True:
        request = GetReturnableRequest(order_id=order_id)
        reply = await patiently(mesh.returns.GetReturnable, request)
        # A return that was authorized by an attempt before this one is asked for again as it was.
        for line in reply.lines:
            if line.shipped_quantity:
                line.returnable_quantity = line.shipped_quantity
                return line
        if loop.time() > deadline:
            raise StoryFailed(f"Returns has not heard that order {order_id} left.")
        await asyncio.sleep(_PAUSE_SECONDS)


async def _completed(mesh: Mesh, received: Return) -> Return:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SETTLE_SECONDS
    while received.state != Return.STATE_COMPLETED:
        if loop.time() > deadline:
            raise StoryFailed(f"The ledger has not heard of return {received.return_id}.")
        await asyncio.sleep(_PAUSE_SECONDS)
        request = GetReturnRequest(return_id=received.return_id)
        received = (await patiently(mesh.returns.GetReturn, request)).order_return
    return received
