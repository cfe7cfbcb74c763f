"""What the databases and the notes of callers show of the situations that a run went through."""

from collections.abc import Mapping

from tests.simulation.asking import Notebook
from tests.simulation.books import Books
from tests.simulation.markers import reached

_SEEN: Mapping[str, tuple[str, str]] = {
    "an order was planned more than once": (
        "routing",
        "select order_id from decision group by order_id having count(*) > 1",
    ),
    "a checkout was asked again while it was undecided": (
        "routing",
        # Nobody has more patience with one call.
        (
            "select 1 from saga join customer_order o using (order_id)"
            " where julianday(answer_by) > julianday(o.create_time) + 3.2 / 86400"
        ),
    ),
    "an order was split over locations": (
        "routing",
        "select decision_id from fulfillment_order group by decision_id having count(*) > 1",
    ),
    "an order was fulfilled": (
        "routing",
        "select 1 from customer_order where state = 'FULFILLED'",
    ),
    "an order was cancelled": (
        "routing",
        "select 1 from customer_order where state = 'CANCELLED'",
    ),
    "an order could not be filled": (
        "routing",
        "select 1 from customer_order where state = 'UNFILLABLE'",
    ),
    "an order was fulfilled in part": (
        "routing",
        "select 1 from order_line where shipped > 0 and unfilled > 0",
    ),
    "work was rejected": ("routing", "select 1 from fulfillment_order where state = 'REJECTED'"),
    "work was cancelled": ("routing", "select 1 from fulfillment_order where state = 'CANCELLED'"),
    "a cart died by its time": ("inventory", "select 1 from reservation_line where state = 5"),
    "a hold was lost and reserved again": (
        "inventory",
        "select 1 from reservation where is_renewed",
    ),
    "a picker found less": ("inventory", "select 1 from reservation_line where state = 6"),
    "a shortfall was opened": ("inventory", "select 1 from shortfall"),
    "a shortfall was closed": (
        "inventory",
        "select 1 from shortfall where close_time is not null",
    ),
    "a count changed the books": ("inventory", "select 1 from movement where kind = 15"),
    "units went to another location": ("inventory", "select 1 from movement where kind = 3"),
    "a return was received": ("returns", "select 1 from receipt"),
    "a return was decided about": ("returns", "select 1 from disposal"),
    "a return was cancelled": ("returns", "select 1 from order_return where state = 'CANCELLED'"),
    "a mail was sent, and perhaps twice": (
        "notify",
        "select 1 from notification where possible_duplicate",
    ),
    "a mail was dropped": ("notify", "select 1 from notification where state = 'DROPPED'"),
}


def note(books: Books, notebook: Notebook) -> None:
    """Say what was there."""
    for name, (service, statement) in _SEEN.items():
        if books.rows(service, statement):
            reached(name)
    _note_told(books, notebook)


def _note_told(books: Books, notebook: Notebook) -> None:
    for told in notebook.of("SubmitOrder"):
        if told.is_ok and told.request.checkout_reservation_ids:
            reached("a cart became an order")
        if told.reason in ("INSUFFICIENT_STOCK", "CANNOT_BE_SOURCED"):
            reached("an order that was refused left nothing")
        # Received at first, and at work by now.
        is_later = told.is_ok and told.reply.order.state == told.reply.order.STATE_RECEIVED
        if is_later and books.rows(
            "routing",
            "select 1 from order_line where order_id = ? and sourced > 0",
            told.request.order_id,
        ):
            reached("an order waited for inventory and was sourced later")
    if any(one.is_ok for one in notebook.of("Release")):
        reached("a cart was released")
    for told in notebook.of("ShipFulfillmentOrder"):
        if told.reason == "INSUFFICIENT_STOCK":
            reached("goods were shipped that were not there")
        is_leaving = told.is_ok and (
            told.reply.fulfillment_order.state == told.reply.fulfillment_order.STATE_SHIPPING
        )
        if is_leaving and books.rows(
            "routing",
            "select 1 from fulfillment_order where fulfillment_order_id = ?"
            " and state not in ('SHIPPED', 'DELIVERED')",
            told.request.fulfillment_order_id,
        ):
            reached("goods were shipped that were not there")
