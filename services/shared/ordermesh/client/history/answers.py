"""The checks of answers: tries of one request are answered alike, and what is there stays there."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from ordermesh.client.history.calls import Call, Fields, History, Outcome
from ordermesh.client.history.requests import Request, requests_of
from ordermesh.client.history.violations import Kind, Violation

_LIVING = (
    "OrderService/",
    "FulfillmentService/",
    "ReturnService/",
    "DispositionService/",
    "SourcingService/",
)
"""Services that answer a retry with the thing as it is by then: it must only be the same thing."""

_NAMES = ("order_id", "fulfillment_order_id", "return_id")

_READS = {
    "OrderService/GetOrder": ("OrderService/SubmitOrder", "order_id"),
    "ReservationService/GetReservation": ("ReservationService/Reserve", "reservation_id"),
    "ReturnService/GetReturn": ("ReturnService/AuthorizeReturn", "return_id"),
}
"""Which call makes what each of these reads, and by which name."""


def different(history: History) -> Iterator[Violation]:
    """Requests whose tries were answered differently, and ids under which two things were done."""
    answered: dict[tuple[str, str, str], Call] = {}
    for request in requests_of(history):
        first = request.first
        if not first.request_id:
            continue
        yield from _differing(request)
        done = request.answered
        if done is None:
            continue
        other = answered.setdefault((first.client, first.method, first.request_id), done)
        if other is not done:
            yield Violation(
                Kind.REQUEST_ID_REUSED,
                f"Two different requests with the id {first.request_id} were done.",
                (other.number, done.number),
            )


def _differing(request: Request) -> Iterator[Violation]:
    decided = [call for call in request.tries if _is_decided(call)]
    for call in decided[1:]:
        if _answer(call) != _answer(decided[0]):
            yield Violation(
                Kind.REPLIES_DIFFER,
                f"Two tries of {call.name} {call.request_id} were answered"
                f" {_words(decided[0])} and {_words(call)}.",
                (decided[0].number, call.number),
            )
            return


def _is_decided(call: Call) -> bool:
    """Whether the answer is one that is kept: other refusals may pass."""
    if call.outcome is Outcome.OK:
        return not _is_receipt(call)
    return call.outcome is Outcome.FAIL and (
        call.code == "FAILED_PRECONDITION" or call.reason == "REQUEST_ID_REUSED"
    )


def _is_receipt(call: Call) -> bool:
    """Whether it tells of goods that are leaving: what the ledger says of them may be a refusal."""
    work = call.reply.get("fulfillment_order")
    return isinstance(work, dict) and work.get("state") == "STATE_SHIPPING"


def _answer(call: Call) -> Any:
    if call.outcome is Outcome.FAIL:
        return call.reason
    if call.name.startswith(_LIVING):
        return {
            kind: {name: thing[name] for name in _NAMES if name in thing}
            for kind, thing in call.reply.items()
            if isinstance(thing, dict) and any(name in thing for name in _NAMES)
        }
    return call.reply


def _words(call: Call) -> str:
    return "with different replies" if call.outcome is Outcome.OK else f"with {call.reason}"


def lost(history: History) -> Iterator[Violation]:
    """Things that were acknowledged, and not found afterwards."""
    made: dict[tuple[str, str], Call] = {}
    for call in history.calls:
        if call.outcome is Outcome.OK:
            for maker, name in _READS.values():
                if call.name == maker and not call.request.get("validate_only"):
                    key = (maker, str(call.request[name]))
                    known = made.get(key)
                    if known is None or call.end_time < known.end_time:
                        made[key] = call
    for call in history.calls:
        if call.name not in _READS or call.code != "NOT_FOUND":
            continue
        maker, name = _READS[call.name]
        before = made.get((maker, str(call.request.get(name, ""))))
        if before is not None and before.end_time < call.invoke_time:
            yield Violation(
                Kind.LOST,
                f"{name} {call.request[name]} was made and is not there.",
                (before.number, call.number),
            )


def fallen(history: History) -> Iterator[Violation]:
    """Things that were seen older than somebody had seen them before."""
    seen: dict[str, list[tuple[float, float, int, Call]]] = defaultdict(list)
    for request in requests_of(history):
        for call in request.tries:
            if call.outcome is Outcome.OK:
                # A try may be answered with what was stored for the first.
                since = request.first.invoke_time if call.request_id else call.invoke_time
                for thing, version in _versions(call):
                    seen[thing].append((since, call.end_time, version, call))
    for thing in sorted(seen):
        yield from _fallen(thing, seen[thing])


def _fallen(thing: str, sightings: Sequence[tuple[float, float, int, Call]]) -> Iterator[Violation]:
    ended = sorted(sightings, key=lambda one: one[1])
    place, highest, witness = 0, -1, sightings[0][3]
    for since, _, version, call in sorted(sightings, key=lambda one: one[0]):
        while place < len(ended) and ended[place][1] < since:
            if ended[place][2] > highest:
                highest, witness = ended[place][2], ended[place][3]
            place += 1
        if version < highest:
            yield Violation(
                Kind.VERSION_FELL,
                f"{thing} was seen at {highest}, and at {version} afterwards.",
                (witness.number, call.number),
            )
            return


def _versions(call: Call) -> Iterator[tuple[str, int]]:
    """The things that a reply shows, with their versions."""
    for value in call.reply.values():
        for thing in value if isinstance(value, list) else [value]:
            if isinstance(thing, dict) and "version" in thing:
                name = _name(thing)
                if name:
                    yield name, int(thing["version"])
    if "revision" in call.reply and not call.request_id and not call.request.get("page_token"):
        yield f"the revision of {call.method.partition('.v1.')[0]}", int(call.reply["revision"])


def _name(thing: Fields) -> str:
    """Of an order, its work or a return: the most particular of the names that it has."""
    for name in ("return_id", "fulfillment_order_id", "order_id"):
        if name in thing:
            return f"{name} {thing[name]}"
    return ""
