"""What replies show of reservations and orders: which units they had for certain, and when."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf

from ordermesh.client.history.calls import Call, Fields, History, Outcome
from ordermesh.client.history.requests import Request

HOLD_SECONDS = 900.0
"""How long a hold lasts for which no time was named."""

ANYWHERE = ""
"""The location of units of which only the item is known."""

Key = tuple[str, str]
"""An item and a location."""

_SHOW_RESERVATION = ("Reserve", "Confirm", "Extend", "Ship", "GetReservation")
_HELD_FOR_GOOD = ("STATE_SOURCED", "STATE_RELEASED", "STATE_FULFILLED")
_TRACKED = ("RESERVATION_MODE_TRACK_ONLY", "RESERVATION_MODE_NONE")


@dataclass(frozen=True)
class Observation:
    """At some instant from ``since`` to ``told`` the owner had these units, held or shipped.

    Those held are its own until ``until`` at least, unless something else is done to it; those
    shipped have left for ever.
    """

    owner: str
    since: float
    told: float
    units: Mapping[Key, int]
    shipped: Mapping[Key, int]
    until: float
    call: Call


def observations(history: History, requests: list[Request]) -> Iterator[Observation]:
    """What all replies show of reservations that were made in this history, and of orders."""
    made = {
        str(call.request["reservation_id"])
        for call in history.calls
        if call.name == "ReservationService/Reserve"
    }
    for request in requests:
        for call in request.tries:
            if call.outcome is not Outcome.OK:
                continue
            service, _, verb = call.name.partition("/")
            if service == "ReservationService" and verb in _SHOW_RESERVATION:
                seen = call.reply.get("reservation", {})
                if seen.get("reservation_id") in made and not call.request.get("validate_only"):
                    yield _reservation(request, call, seen)
            if service == "OrderService":
                for order in orders_in(call.reply):
                    if order.get("state") in _HELD_FOR_GOOD:
                        yield _order(request, call, order)


def orders_in(reply: Fields) -> list[Fields]:
    """The orders that a reply shows."""
    one = reply.get("order")
    return [*([] if one is None else [one]), *reply.get("orders", [])]


def seconds(written: str) -> float:
    """A duration as protobuf writes it: ``900s``."""
    return float(written.removesuffix("s"))


def _reservation(request: Request, call: Call, seen: Fields) -> Observation:
    units: Counter[Key] = Counter()
    shipped: Counter[Key] = Counter()
    is_held = False
    for line in seen.get("lines", []):
        if line.get("supply_id") or line.get("mode") in _TRACKED:
            continue
        key = (line["key"]["sku"], line["key"]["location_id"])
        quantity = int(line["quantity"])
        if line["state"] == "STATE_SHIPPED":
            shipped[key] += quantity
        elif line["state"] in ("STATE_HELD", "STATE_CONFIRMED"):
            units[key] += quantity
            is_held = is_held or line["state"] == "STATE_HELD"
    since = request.first.invoke_time
    until = inf if not is_held else since + _hold_seconds(call)
    return Observation(
        seen["reservation_id"], since, call.end_time, units + shipped, shipped, until, call
    )


def _hold_seconds(call: Call) -> float:
    """How long at least what is held is held from the beginning of this request on."""
    if call.name.endswith(("/Reserve", "/Extend")):
        return seconds(call.request.get("hold_duration", f"{HOLD_SECONDS}s"))
    return 0.0


def _order(request: Request, call: Call, order: Fields) -> Observation:
    units: Counter[Key] = Counter()
    shipped: Counter[Key] = Counter()
    for line in order.get("lines", []):
        parts = line.get("components") or [{"sku": line["sku"], "quantity": 1}]
        for part in parts:
            each = int(part["quantity"])
            units[part["sku"], ANYWHERE] += each * int(line.get("sourced_quantity", 0))
            shipped[part["sku"], ANYWHERE] += each * int(line.get("shipped_quantity", 0))
    return Observation(
        f"order {order['order_id']}",
        request.first.invoke_time,
        call.end_time,
        units,
        shipped,
        inf,
        call,
    )
