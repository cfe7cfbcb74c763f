"""The check that nothing is sold twice: at no instant more was promised than existed.

Both sides are counted in the shop's favour. Promised is only what an answer has shown, from the
answer on and until something may have been done to it; whatever may have arrived has arrived, and
nothing is ever lost. What is still too much was promised too often.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from ordermesh.client.history.calls import Call, History
from ordermesh.client.history.observing import ANYWHERE, Key, Observation, observations
from ordermesh.client.history.requests import Request, requests_of
from ordermesh.client.history.violations import Kind, Violation

UNCOUNTED = ("FeedService", "CountService", "SupplyService")
"""Services that bring stock in ways that are not counted here."""

_CLOSING = ("Release", "Short", "Reassign")
_NAMELESS = ""
_EVERYTHING = "every order"


class Uncounted(ValueError):
    """The history has calls that bring stock in a way that is not counted."""


@dataclass(frozen=True)
class _Change:
    """Something that may have taken units from an owner, at some instant of this span."""

    request: Request
    owner: str

    @property
    def begins(self) -> float:
        return self.request.first.invoke_time

    @property
    def ends(self) -> float:
        return self.request.last_end_time


@dataclass(frozen=True)
class _Span:
    """Units that an owner had for certain from one instant to another."""

    owner: str
    begins: float
    ends: float
    units: Mapping[Key, int]
    call: Call


@dataclass(frozen=True)
class _Arrival:
    """Units that may have been there from an instant on."""

    time: float
    key: Key
    quantity: int


def oversold(history: History) -> list[Violation]:
    """Keys and items of which too much was promised at some instant. Raises ``Uncounted``."""
    strange = sorted(
        {
            call.name
            for call in history.calls
            if call.request_id and call.name.partition("Service/")[0] + "Service" in UNCOUNTED
        }
    )
    if strange:
        raise Uncounted(f"Stock that comes by {', '.join(strange)} is not counted.")
    requests = requests_of(history)
    arrivals = [*_before(history), *_arrivals(requests)]
    spans = _spans(history, requests)
    by_key = [one for one in spans if not one.owner.startswith("order ")]
    by_item = [_by_item(one) for one in spans]
    return [
        *_too_much(by_key, _spread(arrivals, by_key)),
        *_too_much(by_item, _spread(map(_item_of, arrivals), by_item)),
    ]


def _before(history: History) -> Iterator[_Arrival]:
    for one in history.stock:
        yield _Arrival(-inf, (one.sku, one.location_id), one.quantity)


def _arrivals(requests: Iterable[Request]) -> Iterator[_Arrival]:
    for request in requests:
        if not request.may_have_happened:
            continue
        call, begins = request.first, request.first.invoke_time
        match call.name:
            case "LedgerService/ReceiveStock" | "LedgerService/ReturnStock":
                for line in call.request["lines"]:
                    yield _Arrival(begins, _key(line["key"]), int(line["quantity"]))
            case "LedgerService/AdjustStock":
                for change in call.request["adjustments"]:
                    more = int(change.get("delta", change.get("on_hand", 0)))
                    yield _Arrival(begins, _key(change["key"]), max(0, more))
            case "LedgerService/TransferStock":
                for move in call.request["transfers"]:
                    key = (move["from_key"]["sku"], move["to_location_id"])
                    yield _Arrival(begins, key, int(move["quantity"]))
            case "ReturnService/ReceiveReturn":
                where = call.request.get("location_id", ANYWHERE)
                for line in call.request["lines"]:
                    # An item that is not named is that of the line, which only the order knows.
                    yield _Arrival(
                        begins, (line.get("sku", _NAMELESS), where), int(line["quantity"])
                    )


def _key(written: Mapping[str, str]) -> Key:
    return written["sku"], written["location_id"]


def _spans(history: History, requests: list[Request]) -> list[_Span]:
    changes: dict[str, list[_Change]] = defaultdict(list)
    for change in _changes(history, requests):
        changes[change.owner].append(change)
    spans = []
    for seen in observations(history, requests):
        lasts = _lasts(seen, [*changes[seen.owner], *changes[_EVERYTHING]])
        if seen.told < lasts:
            spans.append(_Span(seen.owner, seen.told, lasts, seen.units, seen.call))
        if any(seen.shipped.values()):
            spans.append(_Span(seen.owner, seen.told, inf, seen.shipped, seen.call))
    return spans


def _lasts(seen: Observation, changes: Iterable[_Change]) -> float:
    """Until when the owner has what was seen: nothing may have been done to it before."""
    return min(
        [
            seen.until,
            *(
                change.begins
                for change in changes
                if change.ends > seen.since and seen.call not in change.request.tries
            ),
        ]
    )


def _changes(history: History, requests: Iterable[Request]) -> Iterator[_Change]:
    orders = _orders_of_work(history)
    for request in requests:
        if request.may_have_happened:
            for owner in _touched(request.first, orders):
                yield _Change(request, owner)


def _touched(call: Call, orders: Mapping[str, str]) -> list[str]:
    """The owners from whom a call may take units."""
    asked = call.request
    service, _, verb = call.name.partition("/")
    match service, verb:
        case "ReservationService", "ReassignBulk":
            return [one["reservation_id"] for one in asked["reassignments"]]
        case "ReservationService", "ShipBulk":
            parts = asked["shipments"]
            return [one["reservation_id"] for one in parts if "rest_outcome" in one]
        case "ReservationService", "Reserve":
            return list(asked.get("replaces_reservation_ids", ()))
        case "ReservationService", _ if verb in _CLOSING or "rest_outcome" in asked:
            return [asked["reservation_id"]]
        case "OrderService", "SubmitOrder":
            return list(asked.get("checkout_reservation_ids", ()))
        case "OrderService", "CancelOrder":
            return [f"order {asked['order_id']}"]
        case "FulfillmentService", "RejectFulfillmentOrder":
            order = orders.get(asked["fulfillment_order_id"])
            return [_EVERYTHING if order is None else f"order {order}"]
    return []


def _orders_of_work(history: History) -> dict[str, str]:
    """The order of each fulfillment order that a reply has shown."""
    found = {}
    for call in history.calls:
        one = call.reply.get("fulfillment_order")
        for work in [*([] if one is None else [one]), *call.reply.get("fulfillment_orders", [])]:
            found[work["fulfillment_order_id"]] = work["order_id"]
    return found


def _spread(arrivals: Iterable[_Arrival], spans: Iterable[_Span]) -> list[_Arrival]:
    """What came to an unknown location, or is of an unknown item, may have come to each."""
    keys = {key for span in spans for key in span.units}
    spread = []
    for one in arrivals:
        sku, location_id = one.key
        if sku != _NAMELESS and location_id != ANYWHERE:
            spread.append(one)
            continue
        spread += [
            _Arrival(one.time, key, one.quantity)
            for key in sorted(keys)
            if sku in (_NAMELESS, key[0]) and location_id in (ANYWHERE, key[1])
        ]
    return spread


def _by_item(span: _Span) -> _Span:
    units: Counter[Key] = Counter()
    for (sku, _), quantity in span.units.items():
        units[sku, ANYWHERE] += quantity
    return _Span(span.owner, span.begins, span.ends, units, span.call)


def _item_of(arrival: _Arrival) -> _Arrival:
    return _Arrival(arrival.time, (arrival.key[0], ANYWHERE), arrival.quantity)


def _too_much(spans: Sequence[_Span], arrivals: Iterable[_Arrival]) -> Iterator[Violation]:
    """The first instant of each key at which more was promised than may have been there."""
    came: dict[Key, list[_Arrival]] = defaultdict(list)
    for one in arrivals:
        came[one.key].append(one)
    held: dict[Key, list[_Span]] = defaultdict(list)
    for span in spans:
        for key, quantity in span.units.items():
            if quantity:
                held[key].append(span)
    for key in sorted(held):
        found = _first(key, held[key], came[key])
        if found is not None:
            yield found


def _first(key: Key, spans: Sequence[_Span], arrivals: Sequence[_Arrival]) -> Violation | None:
    """Promises grow when a span begins, and at no other instant: only those are looked at."""
    opened = sorted(spans, key=lambda span: span.begins)
    active: list[_Span] = []
    for span in opened:
        now = span.begins
        active = [one for one in active if one.ends > now]
        active.append(span)
        owners: Counter[str] = Counter()
        for one in active:
            owners[one.owner] = max(owners[one.owner], one.units[key])
        existed = sum(one.quantity for one in arrivals if one.time <= now)
        if owners.total() > existed:
            where = f" at {key[1]}" if key[1] else ""
            return Violation(
                Kind.OVERSOLD,
                f"{owners.total()} units of {key[0]}{where} were promised when call"
                f" {span.call.number} was answered, and at most {existed} existed.",
                tuple(sorted({one.call.number for one in active})),
            )
    return None
