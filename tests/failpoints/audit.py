"""What must be so when a day is over, whatever went wrong in it: nothing lost, nothing doubled."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress

from sqlalchemy import select

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.api.inventory.v1 import (
    ListBalancesRequest,
    ListMovementsRequest,
    ListReservationsRequest,
    Movement,
    ReservationLine,
)
from ordermesh.api.notify.v1 import ListNotificationsRequest, Notification, NotificationKind
from ordermesh.api.returns.v1 import GetReturnableRequest, ListReturnsRequest, Return
from ordermesh.api.routing.v1 import GetOrderRequest, Order
from ordermesh.cli.calls import patiently
from ordermesh.cli.place import PORTS
from ordermesh.cli.story import read_timeline, verify
from ordermesh.client import Mesh, follow
from ordermesh.kernel.clock import SystemClock
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.tables import work
from tests.failpoints.story import Day
from tests.failpoints.world import World

QUIET_SECONDS = 0.3
_OPEN = (ReservationLine.STATE_HELD, ReservationLine.STATE_CONFIRMED)

Kinds = Counter["NotificationKind.ValueType"]

REST_SECONDS, REST_TURNS = 0.5, 60
"""A delivery that was under way when the last call was answered is not work that is left."""


async def told(mesh: Mesh, day: Day) -> dict[str, list[Notification]]:
    """The notices of each order of the day, as notify has them."""
    found: dict[str, list[Notification]] = {}
    for order_id in (*day.shipped, *day.cancelled):
        request = ListNotificationsRequest(order_id=order_id, page_size=100)
        reply = await patiently(mesh.notifications.ListNotifications, request)
        found[order_id] = list(reply.notifications)
    return found


def wanted_notices(day: Day, order_id: str) -> Kinds:
    """What the customer of an order is told, each once; what left in two parcels twice."""
    kinds: Kinds = Counter({NotificationKind.NOTIFICATION_KIND_ORDER_CONFIRMED: 1})
    if order_id in day.shipped:
        kinds[NotificationKind.NOTIFICATION_KIND_SHIPPED] = 1
    if order_id in day.delivered:
        kinds[NotificationKind.NOTIFICATION_KIND_DELIVERED] = 1
    if order_id in day.returned:
        kinds[NotificationKind.NOTIFICATION_KIND_RETURN_RECEIVED] = 1
        kinds[NotificationKind.NOTIFICATION_KIND_REFUND_DUE] = 1
    return kinds


async def findings(world: World, day: Day) -> list[str]:
    """What is not as it must be, yet or for ever: none when all is settled."""
    found = [
        *[one async for one in _orders(world.mesh, day)],
        *[one async for one in _stock(world.mesh, day)],
        *[one async for one in _returns(world.mesh, day)],
        *_notices(world, day, await told(world.mesh, day)),
    ]
    if not world.is_whole():
        found.append("a service is down")
    return found


async def books(mesh: Mesh) -> list[str]:
    """What the ledger finds wrong with itself."""
    checked = await verify(mesh)
    if checked.balanced and not checked.units_oversold and not checked.findings:
        return []
    return [f"the ledger does not balance: {checked}"]


async def _orders(mesh: Mesh, day: Day) -> AsyncIterator[str]:
    for order_id, units in {**day.shipped, **dict.fromkeys(day.cancelled, 0)}.items():
        reply = await patiently(mesh.orders.GetOrder, GetOrderRequest(order_id=order_id))
        order = reply.order
        wanted = Order.STATE_FULFILLED if units else Order.STATE_CANCELLED
        left = sum(one.shipped_quantity for one in order.lines)
        if (order.state, left, order.cancel_requested) != (wanted, units, False):
            yield f"order {order_id} is {Order.State.Name(order.state)}, {left} of {units} left"
        told = await _events(mesh, order_id)
        for event, count in told.items():
            if count > 1 and not event.startswith(_OFTEN_TOLD):
                yield f"{event} of {order_id} was told {count} times"
        missing = _TOLD_OF[bool(units)] - told.keys()
        if missing:
            yield f"{', '.join(sorted(missing))} of {order_id} was never told"


_OFTEN_TOLD = (
    # An order that is sourced anew is told of anew, and parcels and notices each have an event.
    "ordermesh.order.sourced",
    "ordermesh.fulfillment_order.",
    "ordermesh.notification.",
)
_TOLD_OF: Mapping[bool, set[str]] = {
    True: {
        "ordermesh.order.received.v1",
        "ordermesh.order.sourced.v1",
        "ordermesh.fulfillment_order.shipped.v1",
        "ordermesh.order.fulfilled.v1",
    },
    False: {
        "ordermesh.order.received.v1",
        "ordermesh.order.sourced.v1",
        "ordermesh.order.cancelled.v1",
    },
}
"""What the timeline of an order must have, by whether it left."""


async def _events(mesh: Mesh, order_id: str) -> Counter[str]:
    return Counter(entry.event_type for entry in await read_timeline(mesh, order_id))


async def _stock(mesh: Mesh, day: Day) -> AsyncIterator[str]:
    """The item's units are where they should be, and each order has moved its own once."""
    for order_id, units in {**day.shipped, **dict.fromkeys(day.cancelled, 0)}.items():
        page = await patiently(
            mesh.ledger.ListMovements, ListMovementsRequest(order_id=order_id, page_size=1000)
        )
        moved: Counter[int] = Counter()
        for movement in page.movements:
            moved[movement.kind] += sum(entry.quantity for entry in movement.entries)
        back = day.returned.get(order_id, 0)
        if moved[Movement.KIND_SHIPPED] != units:
            yield f"{moved[Movement.KIND_SHIPPED]} units of {order_id} left, not {units}"
        if moved[Movement.KIND_RETURNED] != back:
            yield f"{moved[Movement.KIND_RETURNED]} units of {order_id} came back, not {back}"
        held = await patiently(
            mesh.reservations.ListReservations,
            ListReservationsRequest(order_id=order_id, page_size=100),
        )
        for one in held.reservations:
            if any(line.state in _OPEN for line in one.lines):
                yield f"{order_id} still holds stock in {one.reservation_id}"
    page_of_balances = await patiently(
        mesh.ledger.ListBalances, ListBalancesRequest(skus=[day.item], page_size=100)
    )
    there = sum(one.on_hand for one in page_of_balances.balances)
    reserved = sum(one.reserved for one in page_of_balances.balances)
    sold = sum(units for order_id, units in day.shipped.items() if not order_id.endswith("-0"))
    wanted = sum(day.received.values()) - sold + sum(day.returned.values())
    if (there, reserved) != (wanted, 0):
        yield f"{there} of {day.item} are there, {reserved} reserved; not {wanted} and 0"


async def _returns(mesh: Mesh, day: Day) -> AsyncIterator[str]:
    for order_id in day.shipped:
        reply = await patiently(mesh.returns.GetReturnable, GetReturnableRequest(order_id=order_id))
        left = sum(one.shipped_quantity for one in reply.lines)
        if left != day.shipped[order_id]:
            yield f"returns knows of {left} units of {order_id}, not {day.shipped[order_id]}"
    for order_id, units in day.returned.items():
        found = await patiently(mesh.returns.ListReturns, ListReturnsRequest(order_id=order_id))
        if len(found.returns) != 1:
            yield f"there are {len(found.returns)} returns of {order_id}"
        for one in found.returns:
            restocked = sum(part.restocked_quantity for part in one.lines)
            if (one.state, restocked, len(one.receipts)) != (Return.STATE_COMPLETED, units, 1):
                yield f"return {one.return_id} is {Return.State.Name(one.state)}"
            if len(one.refunds) != 1:
                yield f"return {one.return_id} has {len(one.refunds)} refunds"


def _notices(world: World, day: Day, notices: Mapping[str, list[Notification]]) -> Iterator[str]:
    for order_id, found in notices.items():
        wanted = wanted_notices(day, order_id)
        if order_id == day.order_id(0):
            # It left from two places.
            wanted[NotificationKind.NOTIFICATION_KIND_SHIPPED] = 2
        counted: Kinds = Counter(one.kind for one in found)
        if counted != wanted:
            yield f"the customer of {order_id} is told {dict(counted)}, not {dict(wanted)}"
        for one in found:
            mails = world.mails_of(one.notification_id)
            if one.state != Notification.STATE_SENT:
                yield f"a notice of {order_id} is {Notification.State.Name(one.state)}"
            if mails == 0:
                yield f"a notice of {order_id} was said to be sent, and was not"
            if mails > 1 and not one.possible_duplicate:
                yield f"a notice of {order_id} came {mails} times and is not marked"


async def at_the_end(world: World) -> list[str]:
    """What must be so of a whole mesh: all is done, and each feed tells everything in order."""
    found = await books(world.mesh)
    for name, url in world.database_urls.items():
        if world.dialect == "postgresql":
            left = await _work_left_at_rest(url)
            found += [f"{name} has work left: {left}"] if left else []
    for name in PORTS:
        found += [f"{name}'s feed: {one}" for one in await _feed(world.mesh, name)]
    return found


async def _work_left_at_rest(url: str) -> Counter[str]:
    """What is left when what was under way has had the time to be done."""
    left = await _work_left(url)
    for _ in range(REST_TURNS):
        if not left or any("dead" in kind for kind in left):
            break
        await asyncio.sleep(REST_SECONDS)
        left = await _work_left(url)
    return left


async def _work_left(url: str) -> Counter[str]:
    database = await Database.open(url, clock=SystemClock(), pool_size=1)

    async def read(tx: Transaction) -> Counter[str]:
        rows = await tx.execute(select(work.c.kind, work.c.dead_time))
        return Counter(f"{row.kind}{' (dead)' if row.dead_time else ''}" for row in rows)

    try:
        return await database.read(read)
    finally:
        await database.close()


async def _feed(mesh: Mesh, name: str) -> list[str]:
    """Events of each thing are numbered without a gap, and none comes twice."""
    heard: list[EventEnvelope] = []

    async def listen() -> None:
        async for batch in follow(mesh, name):
            heard.extend(batch.events)

    listening = asyncio.create_task(listen())
    count = -1
    while count != len(heard) or count < 0:
        count = len(heard)
        await asyncio.sleep(QUIET_SECONDS * 3)
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening
    sequences: dict[tuple[str, str], list[int]] = defaultdict(list)
    for event in heard:
        sequences[event.aggregate_type, event.aggregate_id].append(event.sequence)
    return [
        f"{kind} {thing} is told as {found}"
        for (kind, thing), found in sequences.items()
        if found != list(range(1, len(found) + 1))
    ]
