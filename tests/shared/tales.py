"""Histories that are made up: some cannot be, others have an innocent cause."""

import itertools
from collections.abc import Callable
from typing import Any

from ordermesh.client.history.calls import (
    Call,
    History,
    Outcome,
    Stock,
)
from ordermesh.client.history.checking import check

R1, R2 = "00000000-0000-0000-0000-0000000000a1", "00000000-0000-0000-0000-0000000000a2"


HELD, CONFIRMED, SHIPPED, RELEASED = "HELD", "CONFIRMED", "SHIPPED", "RELEASED"


class Tale:
    """A history as a test tells it. Instants are given as (begin, end)."""

    def __init__(self, mugs: int = 0) -> None:
        self.history = History(stock=[Stock("MUG", "EAST", mugs)])
        self._ids = itertools.count(1)

    def call(
        self,
        name: str,
        instants: tuple[float, float],
        request: dict[str, Any],
        reply: dict[str, Any] | None = None,
        **ending: Any,
    ) -> Call:
        package = "inventory" if name.startswith(("Reservation", "Ledger", "Feed")) else "routing"
        if name.startswith("Return"):
            package = "returns"
        call = self.history.begin(
            ending.pop("client", "shop"), f"ordermesh.api.{package}.v1.{name}", request, instants[0]
        )
        call.end_time, call.outcome = instants[1], ending.pop("outcome", Outcome.OK)
        call.reply = (reply or {}) if call.outcome is Outcome.OK else {}
        call.code, call.reason = ending.pop("code", ""), ending.pop("reason", "")
        return call

    def new_id(self) -> str:
        return str(next(self._ids))

    def reserve(
        self, name: str, quantity: int, instants: tuple[float, float], **fields: Any
    ) -> Call:
        ending = {key: fields.pop(key) for key in ("outcome", "code", "reason") if key in fields}
        state = CONFIRMED if fields.get("confirm") else HELD
        request = {
            "request_id": fields.pop("request_id", self.new_id()),
            "reservation_id": name,
            "lines": [{"line_id": "1", "quantity": str(quantity)}],
            **fields,
        }
        shown = reservation(name, quantity, state)
        return self.call("ReservationService/Reserve", instants, request, shown, **ending)

    def verb(
        self,
        verb: str,
        name: str,
        instants: tuple[float, float],
        reply: dict[str, Any] | None = None,
        outcome: Outcome = Outcome.OK,
        **fields: Any,
    ) -> Call:
        request = {"request_id": self.new_id(), "reservation_id": name, **fields}
        return self.call(f"ReservationService/{verb}", instants, request, reply, outcome=outcome)

    def receive(self, quantity: int, instants: tuple[float, float], **ending: Any) -> Call:
        line = {"key": {"sku": "MUG", "location_id": "EAST"}, "quantity": str(quantity)}
        request = {"request_id": self.new_id(), "lines": [line]}
        return self.call("LedgerService/ReceiveStock", instants, request, {}, **ending)

    def order(
        self, name: str, sourced: int, instants: tuple[float, float], shipped: int = 0, **more: Any
    ) -> Call:
        request = {"request_id": more.pop("request_id", self.new_id()), "order_id": name}
        shown = order(name, sourced, shipped, **more)
        return self.call("OrderService/SubmitOrder", instants, request, shown)

    def look(self, name: str, version: int, instants: tuple[float, float]) -> Call:
        shown = order(name, 0, 0, version=version)
        return self.call("OrderService/GetOrder", instants, {"order_id": name}, shown)

    @property
    def kinds(self) -> list[str]:
        return [str(one.kind) for one in check(self.history).violations]


def reservation(name: str, quantity: int, state: str) -> dict[str, Any]:
    line = {
        "line_id": "1",
        "key": {"sku": "MUG", "location_id": "EAST"},
        "quantity": str(quantity),
        "state": f"STATE_{state}",
    }
    return {"reservation": {"reservation_id": name, "lines": [line]}}


def order(
    name: str, sourced: int, shipped: int, version: int = 1, state: str = "RELEASED"
) -> dict[str, Any]:
    line = {"line_id": "1", "sku": "MUG", "quantity": "9"}
    line |= {"sourced_quantity": str(sourced), "shipped_quantity": str(shipped)}
    return {
        "order": {
            "order_id": name,
            "state": f"STATE_{state}",
            "lines": [line],
            "version": str(version),
        }
    }


def two_holds_of_the_last_unit(tale: Tale) -> None:
    tale.reserve(R1, 3, (1, 2))
    tale.reserve(R2, 3, (3, 4))


def two_confirmed_long_after_one_another(tale: Tale) -> None:
    tale.reserve(R1, 3, (1, 2), confirm=True)
    tale.reserve(R2, 3, (10_000, 10_001), confirm=True)


def a_confirmed_hold_outlives_its_time(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 2), hold_duration="60s")
    tale.verb("Confirm", R1, (30, 31), reservation(R1, 5, CONFIRMED))
    tale.reserve(R2, 1, (100, 101))


def sold_again_after_it_was_shipped(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 2), confirm=True)
    tale.verb("Ship", R1, (3, 4), reservation(R1, 5, SHIPPED))
    tale.reserve(R2, 1, (5, 6))


def sold_again_after_it_left_with_others(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 2), confirm=True)
    request = {"request_id": "s", "shipments": [{"reservation_id": R1}]}
    tale.call("ReservationService/ShipBulk", (3, 4), request)
    tale.reserve(R2, 1, (5, 6))


def sold_again_though_its_release_was_refused(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 2), confirm=True)
    tale.verb("Release", R1, (3, 4), outcome=Outcome.FAIL)
    tale.reserve(R2, 1, (5, 6))


def sold_before_it_could_have_been_released(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 2))
    tale.reserve(R2, 1, (3, 4))
    tale.verb("Release", R1, (5, 6))


def sold_before_more_could_have_come(tale: Tale) -> None:
    tale.reserve(R1, 6, (1, 2))
    tale.receive(10, (3, 4))


def sold_what_was_refused_to_come(tale: Tale) -> None:
    tale.receive(10, (1, 2), outcome=Outcome.FAIL, code="NOT_FOUND")
    tale.reserve(R1, 6, (3, 4))


def counted_twice_because_it_was_received_twice_by_one_request(tale: Tale) -> None:
    first = tale.receive(1, (1, 2), outcome=Outcome.UNKNOWN)
    again = tale.receive(1, (3, 4))
    again.request = first.request
    tale.reserve(R1, 7, (5, 6))


def two_orders_have_more_than_there_is(tale: Tale) -> None:
    tale.order("A", 3, (1, 2))
    tale.order("B", 3, (3, 4))


def a_cart_and_an_order_have_more_than_there_is(tale: Tale) -> None:
    tale.reserve(R1, 3, (1, 2), confirm=True)
    tale.order("B", 3, (3, 4))


def a_reply_that_changed(tale: Tale) -> None:
    tale.reserve(R1, 1, (1, 2), request_id="r")
    tale.reserve(R1, 1, (3, 4), request_id="r").reply = reservation(R1, 1, RELEASED)


def a_no_that_became_a_yes(tale: Tale) -> None:
    tale.reserve(
        R1, 1, (1, 2), request_id="r", outcome=Outcome.FAIL, code="FAILED_PRECONDITION",
        reason="INSUFFICIENT_STOCK",
    )  # fmt: skip
    tale.reserve(R1, 1, (3, 4), request_id="r")


def a_yes_that_became_another_order(tale: Tale) -> None:
    tale.order("A", 1, (1, 2), request_id="r")
    tale.order("A", 1, (3, 4), request_id="r").reply = order("B", 1, 0)


def a_retry_that_is_called_a_reuse(tale: Tale) -> None:
    tale.order("A", 1, (1, 2), request_id="r")
    again = tale.order("A", 1, (3, 4), request_id="r")
    again.outcome, again.reply = Outcome.FAIL, {}
    again.code, again.reason = "INVALID_ARGUMENT", "REQUEST_ID_REUSED"


def two_things_under_one_id(tale: Tale) -> None:
    tale.order("A", 1, (1, 2), request_id="r")
    tale.order("B", 1, (3, 4), request_id="r")


def an_order_that_grew_younger(tale: Tale) -> None:
    tale.look("A", 5, (1, 2))
    tale.look("A", 4, (3, 4))


def an_order_that_grew_younger_between_clients(tale: Tale) -> None:
    tale.look("A", 4, (0, 9))
    tale.look("A", 6, (1, 2)).client = "another"
    tale.look("A", 5, (3, 4))


def a_feed_that_went_back(tale: Tale) -> None:
    for revision, begin in ((7, 1), (6, 3)):
        tale.call(
            "ReservationService/ListReservations", (begin, begin + 1), {},
            {"revision": str(revision)},
        )  # fmt: skip


def an_order_that_is_gone(tale: Tale) -> None:
    tale.order("A", 1, (1, 2))
    tale.call(
        "OrderService/GetOrder", (3, 4), {"order_id": "A"},
        outcome=Outcome.FAIL, code="NOT_FOUND", reason="ORDER_NOT_FOUND",
    )  # fmt: skip


def goods_that_had_left_and_were_not_there(tale: Tale) -> None:
    ship(tale, "STATE_SHIPPED", (1, 2))
    refused(ship(tale, "", (3, 4)))


REFUSED: dict[Callable[[Tale], None], str] = {
    two_holds_of_the_last_unit: "oversold",
    two_confirmed_long_after_one_another: "oversold",
    a_confirmed_hold_outlives_its_time: "oversold",
    sold_again_after_it_was_shipped: "oversold",
    sold_again_after_it_left_with_others: "oversold",
    sold_again_though_its_release_was_refused: "oversold",
    sold_before_it_could_have_been_released: "oversold",
    sold_before_more_could_have_come: "oversold",
    sold_what_was_refused_to_come: "oversold",
    counted_twice_because_it_was_received_twice_by_one_request: "oversold",
    two_orders_have_more_than_there_is: "oversold",
    a_cart_and_an_order_have_more_than_there_is: "oversold",
    a_reply_that_changed: "replies differ",
    a_no_that_became_a_yes: "replies differ",
    a_yes_that_became_another_order: "replies differ",
    a_retry_that_is_called_a_reuse: "replies differ",
    goods_that_had_left_and_were_not_there: "replies differ",
    two_things_under_one_id: "request id reused",
    an_order_that_grew_younger: "version fell",
    an_order_that_grew_younger_between_clients: "version fell",
    a_feed_that_went_back: "version fell",
    an_order_that_is_gone: "lost",
}


def a_hold_that_may_have_run_out(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 2), hold_duration="60s")
    tale.reserve(R2, 5, (62, 63))


def a_hold_whose_usual_time_is_over(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 2))
    tale.reserve(R2, 5, (902, 903))


def a_release_whose_answer_was_lost(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 2))
    tale.verb("Release", R1, (3, 4), outcome=Outcome.UNKNOWN)
    tale.reserve(R2, 5, (5, 6))


def a_release_that_was_lost_and_arrives_late(tale: Tale) -> None:
    tale.verb("Release", R1, (1, 2), outcome=Outcome.UNKNOWN)
    tale.reserve(R1, 5, (3, 4))
    tale.reserve(R2, 5, (5, 6))


def a_release_that_goes_on_at_the_same_time(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 2))
    tale.reserve(R2, 5, (3, 9))
    tale.verb("Release", R1, (4, 10))


def a_reserve_that_was_released_before_it_was_answered(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 10))
    tale.verb("Release", R1, (2, 3))
    tale.reserve(R2, 5, (11, 12))


def stock_whose_receipt_was_lost_on_its_way(tale: Tale) -> None:
    tale.receive(10, (1, 2), outcome=Outcome.UNKNOWN, code="UNAVAILABLE")
    tale.reserve(R1, 15, (3, 4))


def a_reserve_of_which_nothing_is_known(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 2), outcome=Outcome.UNKNOWN, code="DEADLINE_EXCEEDED")
    tale.reserve(R2, 5, (3, 4))


def a_cart_that_became_an_order(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 2), confirm=True)
    tale.order("A", 5, (3, 4)).request = {
        "request_id": "o", "order_id": "A", "checkout_reservation_ids": [R1],
    }  # fmt: skip


def an_order_that_was_cancelled(tale: Tale) -> None:
    tale.order("A", 5, (1, 2))
    tale.call("OrderService/CancelOrder", (3, 4), {"request_id": "c", "order_id": "A"})
    tale.order("B", 5, (5, 6))


def goods_that_came_back_and_were_sold_again(tale: Tale) -> None:
    tale.order("A", 5, (1, 2), shipped=5, state="FULFILLED")
    tale.call(
        "ReturnService/ReceiveReturn", (3, 4),
        {"request_id": "v", "return_id": "V", "lines": [{"line_id": "1", "quantity": "5"}]},
    )  # fmt: skip
    tale.order("B", 5, (5, 6))


def shipping_takes_nothing_from_anybody(tale: Tale) -> None:
    tale.reserve(R1, 3, (1, 2), confirm=True)
    tale.verb("Ship", R1, (3, 4), reservation(R1, 3, SHIPPED))
    tale.reserve(R2, 2, (5, 6))


def what_leaves_together_is_not_found_in_part(tale: Tale) -> None:
    tale.reserve(R1, 3, (1, 2), confirm=True)
    tale.reserve(R2, 2, (1, 2), confirm=True)
    parts = [{"reservation_id": R1, "rest_outcome": "SHORT_OUTCOME_RELEASE"}]
    parts.append({"reservation_id": R2})
    request = {"request_id": "s", "shipments": parts}
    tale.call("ReservationService/ShipBulk", (3, 4), request)
    tale.reserve(tale.new_id(), 3, (5, 6))


def an_order_that_a_retry_finds_further_on(tale: Tale) -> None:
    tale.order("A", 1, (1, 2), request_id="r", version=1, state="RECEIVED")
    tale.order("A", 1, (3, 4), request_id="r", version=4)


def a_stored_reply_that_is_older_than_what_was_read(tale: Tale) -> None:
    tale.order("A", 1, (1, 2), request_id="r", version=1)
    tale.look("A", 7, (3, 4))
    tale.order("A", 1, (5, 6), request_id="r", version=1)


def looks_at_one_time(tale: Tale) -> None:
    tale.look("A", 5, (1, 4))
    tale.look("A", 4, (2, 3))


def a_look_before_it_was_made(tale: Tale) -> None:
    tale.call(
        "OrderService/GetOrder", (1, 5), {"order_id": "A"}, outcome=Outcome.FAIL, code="NOT_FOUND"
    )
    tale.order("A", 1, (2, 3))


def a_refusal_that_passes(tale: Tale) -> None:
    tale.reserve(R1, 1, (1, 2), request_id="r", outcome=Outcome.FAIL, code="NOT_FOUND")
    tale.reserve(R1, 1, (3, 4), request_id="r")


def ship(tale: Tale, state: str, instants: tuple[float, float]) -> Call:
    return tale.call(
        "FulfillmentService/ShipFulfillmentOrder",
        instants,
        {"request_id": "r", "fulfillment_order_id": "F"},
        {"fulfillment_order": {"fulfillment_order_id": "F", "order_id": "A", "state": state}},
    )


def refused(call: Call) -> None:
    call.outcome, call.reply = Outcome.FAIL, {}
    call.code, call.reason = "FAILED_PRECONDITION", "INSUFFICIENT_STOCK"


def goods_that_were_leaving_and_were_not_there(tale: Tale) -> None:
    ship(tale, "STATE_SHIPPING", (1, 2))
    refused(ship(tale, "", (3, 4)))
    refused(ship(tale, "", (5, 6)))


ACCEPTED: tuple[Callable[[Tale], None], ...] = (
    a_hold_that_may_have_run_out,
    a_hold_whose_usual_time_is_over,
    a_release_whose_answer_was_lost,
    a_release_that_was_lost_and_arrives_late,
    a_release_that_goes_on_at_the_same_time,
    a_reserve_that_was_released_before_it_was_answered,
    stock_whose_receipt_was_lost_on_its_way,
    a_reserve_of_which_nothing_is_known,
    a_cart_that_became_an_order,
    an_order_that_was_cancelled,
    goods_that_came_back_and_were_sold_again,
    shipping_takes_nothing_from_anybody,
    what_leaves_together_is_not_found_in_part,
    an_order_that_a_retry_finds_further_on,
    a_stored_reply_that_is_older_than_what_was_read,
    looks_at_one_time,
    a_look_before_it_was_made,
    a_refusal_that_passes,
    goods_that_were_leaving_and_were_not_there,
)
