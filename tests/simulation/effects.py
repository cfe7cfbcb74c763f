"""Whether what callers were told is what happened: each deed once, and nothing that was refused."""

from collections import Counter
from collections.abc import Iterator
from uuid import UUID

from ordermesh.api.routing.v1 import FulfillmentOrder
from tests.simulation.asking import Notebook, Outcome, Told
from tests.simulation.books import Books
from tests.simulation.markers import reached

_RELEASED = 4
"""The state of a line whose units were given back, as it is stored."""


def wrong(books: Books, notebook: Notebook) -> Iterator[str]:
    """What callers were told and is not so."""
    for told in notebook.of("ReceiveStock"):
        yield from _movements(books, told, 1, sum(one.quantity for one in told.request.lines))
    for told in notebook.of("AdjustStock"):
        units = sum(abs(one.delta) for one in told.request.adjustments)
        yield from _movements(books, told, 2, units)
    carts = Counter(one.request.reservation_id for one in notebook.of("Reserve"))
    for told in notebook.of("Reserve"):
        yield from _reservation(books, told, is_alone=carts[told.request.reservation_id] == 1)
    yield from _kept_carts(books, notebook)
    for told in notebook.of("Release"):
        yield from _released(books, told)
    yield from _orders(books, notebook)
    yield from _work(books, notebook)
    yield from _between(books)


def _movements(books: Books, told: Told, kind: int, units: int) -> Iterator[str]:
    found = books.rows(
        "inventory",
        "select m.movement_id, m.kind, sum(e.quantity) as units from movement m"
        " join entry e on e.movement_id = m.movement_id where m.document = ?"
        " group by m.movement_id",
        told.request.request_id,
    )
    allowed = {Outcome.OK: (1,), Outcome.REFUSED: (0,), Outcome.UNKNOWN: (0, 1)}[told.outcome]
    if len(found) not in allowed:
        yield f"{told.method} was {told.outcome}, and made {len(found)} movements: {told.request}"
    for row in found:
        # Goods that arrive where some are short pay these first: two entries, the units are one's.
        if row["units"] != units or row["kind"] != kind:
            yield f"{told.method} moved {row['units']} units instead of {units}: {told.request}"


def _reservation(books: Books, told: Told, *, is_alone: bool) -> Iterator[str]:
    """``is_alone``: nobody else has asked for a reservation of this id."""
    name = UUID(told.request.reservation_id).hex
    rows = books.rows(
        "inventory",
        "select is_tombstone, is_renewed, granted from reservation where reservation_id = ?",
        name,
    )
    made = [row for row in rows if not row["is_tombstone"]]
    if told.is_ok and not made:
        yield f"A reservation was acknowledged and does not exist: {told.request}"
    if told.outcome is Outcome.REFUSED and made and is_alone:
        yield f"A reservation was refused with {told.reason} and exists: {told.request}"
    granted = sum(line.quantity for line in told.reply.reservation.lines) if told.is_ok else 0
    # Lines that expired and were reserved again were granted twice.
    is_once = bool(made) and not made[0]["is_renewed"]
    if told.is_ok and is_once and made[0]["granted"] != granted:
        yield f"A reservation of {granted} units has {made[0]['granted']}: {told.request}"


def _kept_carts(books: Books, notebook: Notebook) -> Iterator[str]:
    """A cart whose successor was refused is as it was: nobody has given its units back."""
    given = {one.request.reservation_id for one in notebook.of("Release")}
    for told in notebook.of("SubmitOrder"):
        given.update(told.request.checkout_reservation_ids)
    grown = [one for one in notebook.of("Reserve") if one.request.replaces_reservation_ids]
    for told in grown:
        if told.outcome is not Outcome.REFUSED:
            given.update(told.request.replaces_reservation_ids)
        if told.is_ok:
            reached("a larger cart took the place of a cart")
    for told in grown:
        for name in set(told.request.replaces_reservation_ids) - given:
            lines = books.rows(
                "inventory",
                "select state from reservation_line where reservation_id = ?",
                UUID(name).hex,
            )
            if any(row["state"] == _RELEASED for row in lines):
                yield f"A larger cart was refused with {told.reason}, and took away: {name}"
            elif lines:
                reached("a cart stayed where a larger one was refused")


def _released(books: Books, told: Told) -> Iterator[str]:
    """What was released before it was made is never made."""
    if told.is_ok and not told.reply.HasField("reservation"):
        name = UUID(told.request.reservation_id).hex
        made = "select 1 from reservation where reservation_id = ? and not is_tombstone"
        if books.rows("inventory", made, name):
            yield f"A reservation was released before it was made, and was made: {told.request}"


def _orders(books: Books, notebook: Notebook) -> Iterator[str]:
    asked: dict[str, list[Told]] = {}
    for told in notebook.of("SubmitOrder"):
        asked.setdefault(told.request.order_id, []).append(told)
    for order_id, tries in asked.items():
        lines = books.rows(
            "routing",
            "select line_id, sku, quantity from order_line where order_id = ? order by number",
            order_id,
        )
        outcomes = {one.outcome for one in tries}
        if Outcome.OK in outcomes and not lines:
            yield f"Order {order_id} was acknowledged and does not exist."
        # Who cancels while the order is being made is told so, and the order is kept.
        reasons = {one.reason for one in tries} - {"ORDER_CANCELLED"}
        if outcomes == {Outcome.REFUSED} and reasons and lines:
            yield f"Order {order_id} was refused with {tries[0].reason} and exists."
        wanted = [(one.line_id, one.sku, one.quantity) for one in tries[0].request.lines]
        if lines and [tuple(row) for row in lines] != wanted:
            yield f"Order {order_id} has other lines than were ordered."
    for told in notebook.of("CancelOrder"):
        if told.is_ok:
            left = books.number(
                "routing",
                "select sum(sourced - shipped) from order_line where order_id = ?",
                told.request.order_id,
            )
            if left:
                yield f"Order {told.request.order_id} was cancelled, and {left} units are at work."


_ANY = ("ACCEPTED", "REJECTED", "SHIPPED", "DELIVERED", "CANCELLED")
_BECAME = {
    "AcceptFulfillmentOrder": _ANY,
    "RejectFulfillmentOrder": ("REJECTED",),
    "ShipFulfillmentOrder": ("SHIPPED", "DELIVERED"),
    "DeliverFulfillmentOrder": ("DELIVERED",),
}


def _work(books: Books, notebook: Notebook) -> Iterator[str]:
    for method, states in _BECAME.items():
        for told in notebook.of(method):
            name = told.request.fulfillment_order_id
            rows = books.rows(
                "routing",
                "select state from fulfillment_order where fulfillment_order_id = ?",
                name,
            )
            if told.is_ok and not rows:
                yield f"{method} of {name} was acknowledged, and there is no such work."
            elif told.is_ok and _is_done(told) and rows[0]["state"] not in states:
                yield f"{method} of {name} was acknowledged, and it is {rows[0]['state']}."


def _is_done(told: Told) -> bool:
    """Goods that are leaving may turn out not to be there."""
    is_leaving = told.reply.fulfillment_order.state == FulfillmentOrder.STATE_SHIPPING
    return not is_leaving


def _between(books: Books) -> Iterator[str]:
    """What has left, as routing and as the ledger know it."""
    by_work = Counter(
        {
            (row[0], row[1]): row[2]
            for row in books.rows(
                "routing",
                "select o.order_id, f.sku, sum(f.quantity) from fulfillment_line f"
                " join fulfillment_order o on o.fulfillment_order_id = f.fulfillment_order_id"
                " where o.state in ('SHIPPED', 'DELIVERED') group by o.order_id, f.sku",
            )
        }
    )
    by_ledger = Counter(
        {
            (row[0], row[1]): row[2]
            for row in books.rows(
                "inventory",
                "select r.order_id, i.sku, sum(l.quantity) from reservation_line l"
                " join reservation r on r.reservation_id = l.reservation_id"
                " join item i on i.item_id = l.item_id"
                " where l.state = 3 and r.order_id <> '' group by r.order_id, i.sku",
            )
        }
    )
    for what in sorted(by_work.keys() | by_ledger.keys()):
        if by_work[what] != by_ledger[what]:
            yield (
                f"I11 of {what[1]} {by_work[what]} left for order {what[0]} says routing,"
                f" {by_ledger[what]} says the ledger"
            )
