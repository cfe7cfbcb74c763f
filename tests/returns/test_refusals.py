"""Every mutating method and what it refuses: by the right reason, with nothing changed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pool
from google.protobuf.message import Message

from ordermesh.api.returns import v1
from ordermesh.client.errors import Refusal
from tests.impatience import assert_nobody_acts_for_who_has_gone
from tests.returns.desk import (
    TO_DISCARD,
    Desk,
    asked,
    authorization,
    came,
    receipt,
)
from tests.routing.house import answered, line, new_id, refused

INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
REFUSED = grpc.StatusCode.FAILED_PRECONDITION


@dataclass(frozen=True)
class Wrong:
    """A request that is refused, and how."""

    name: str
    request: Callable[[], Message]
    code: grpc.StatusCode
    reason: str
    facts: dict[str, str] = field(default_factory=dict)


def invalid(name: str, request: Callable[[], Message], path: str) -> Wrong:
    return Wrong(name, request, INVALID, "FIELD_VIOLATION", {"field": path})


def cancel(return_id: str = "OPEN", **fields: Any) -> v1.CancelReturnRequest:
    return v1.CancelReturnRequest(**{"request_id": new_id(), "return_id": return_id, **fields})


def dispose(return_id: str = "BACK", quantity: int = 1, **fields: Any) -> v1.DisposeReturnedRequest:
    one = v1.DisposedLine(line_id="1", sku="MUG", quantity=quantity, disposition=TO_DISCARD)
    return v1.DisposeReturnedRequest(
        **{"request_id": new_id(), "return_id": return_id, "lines": [one], **fields}
    )


WRONG = [
    invalid("no return id", lambda: authorization("", asked("1", 1)), "return_id"),
    invalid("a control character", lambda: authorization("R\n1", asked("1", 1)), "return_id"),
    invalid("no order", lambda: authorization("R", asked("1", 1), order_id=""), "order_id"),
    invalid("no units", lambda: authorization("R", asked("1", 0)), "lines[0].quantity"),
    invalid("fewer units", lambda: authorization("R", asked("1", -1)), "lines[0].quantity"),
    invalid("far too many", lambda: authorization("R", asked("1", 10**9)), "lines[0].quantity"),
    invalid("no timing", lambda: authorization("R", refund_timing=0), "refund_timing"),
    invalid("unknown timing", lambda: authorization("R", refund_timing=9), "refund_timing"),
    invalid("no reason", lambda: authorization("R", reason=0), "reason"),
    invalid("no request id", lambda: authorization("R", request_id=""), "request_id"),
    Wrong(
        "a return id that is taken",
        lambda: authorization("OPEN", asked("1", 1)),
        REFUSED,
        "RETURN_ID_TAKEN",
        {"returnId": "OPEN"},
    ),
    Wrong(
        "an unknown order",
        lambda: authorization("R", order_id="O-404"),
        NOT_FOUND,
        "ORDER_NOT_FOUND",
        {"orderId": "O-404"},
    ),
    Wrong(
        "more than is left",
        lambda: authorization("R", asked("1", 4)),
        REFUSED,
        "OVER_RETURNED",
        {"lineId": "1", "sku": "MUG", "wanted": "4", "returnable": "3"},
    ),
    Wrong(
        "another order's line",
        lambda: authorization("R", asked("7", 1)),
        REFUSED,
        "NOT_SHIPPED",
        {"lineId": "7"},
    ),
    Wrong(
        "another item",
        lambda: authorization("R", asked("1", 1, "LAMP")),
        REFUSED,
        "NOT_SHIPPED",
        {"lineId": "1", "sku": "LAMP"},
    ),
    Wrong(
        "a line twice",
        lambda: authorization("R", asked("1", 1), asked("1", 1, "MUG")),
        INVALID,
        "DUPLICATE_ENTRY",
        {"field": "lines[1]"},
    ),
    Wrong(
        "a place that takes nothing",
        lambda: authorization("R", asked("1", 1), location_id="NEAR"),
        REFUSED,
        "NO_RETURN_LOCATION",
        {"orderId": "O-1", "locationId": "NEAR"},
    ),
    invalid("nothing arrived", lambda: receipt("OPEN"), "lines"),
    invalid("no grade", lambda: receipt("OPEN", came("1", 1, 0)), "lines[0].grade"),  # type: ignore[arg-type]
    invalid("an unknown grade", lambda: receipt("OPEN", came("1", 1, 9)), "lines[0].grade"),  # type: ignore[arg-type]
    invalid(
        "an unknown disposition",
        lambda: receipt("OPEN", came("1", 1, disposition=9)),  # type: ignore[arg-type]
        "lines[0].disposition",
    ),
    Wrong("no such return", lambda: receipt("R-404", came("1", 1)), NOT_FOUND, "RETURN_NOT_FOUND"),
    Wrong(
        "more than is expected",
        lambda: receipt("OPEN", came("1", 3)),
        REFUSED,
        "OVER_RECEIVED",
        {"lineId": "1", "sku": "MUG", "wanted": "3", "expected": "2"},
    ),
    Wrong(
        "a line of something else",
        lambda: receipt("OPEN", came("7", 1)),
        REFUSED,
        "LINE_NOT_IN_RETURN",
        {"lineId": "7"},
    ),
    Wrong(
        "one condition twice",
        lambda: receipt("OPEN", came("1", 1), came("1", 1)),
        INVALID,
        "DUPLICATE_ENTRY",
        {"field": "lines[1]"},
    ),
    Wrong(
        "what has arrived",
        lambda: receipt("BACK", came("1", 1)),
        REFUSED,
        "ALREADY_RECEIVED",
        {"lineId": "1", "received": "1"},
    ),
    Wrong(
        "arrived where nothing is taken",
        lambda: receipt("OPEN", came("1", 1), location_id="SOUTH"),
        REFUSED,
        "NO_RETURN_LOCATION",
        {"locationId": "SOUTH"},
    ),
    Wrong("cancelling nothing", lambda: cancel("R-404"), NOT_FOUND, "RETURN_NOT_FOUND"),
    Wrong("cancelling what came", lambda: cancel("BACK"), REFUSED, "ALREADY_RECEIVED"),
    invalid("disposing of nothing", lambda: dispose(lines=[]), "lines"),
    Wrong(
        "disposing of what is not kept apart",
        lambda: dispose(quantity=2),
        REFUSED,
        "NOT_BLOCKED",
        {"wanted": "2", "blocked": "1"},
    ),
    Wrong("disposing of no return", lambda: dispose("R-404"), NOT_FOUND, "RETURN_NOT_FOUND"),
]

VALID: dict[str, Callable[[], Message]] = {
    "AuthorizeReturn": lambda: authorization("R-9", asked("1", 1)),
    "ReceiveReturn": lambda: receipt("OPEN", came("1", 1)),
    "CancelReturn": cancel,
    "DisposeReturned": dispose,
}


@pytest.fixture
async def shop(desk: Desk) -> Desk:
    """Six mugs left: two may come back, one has and is kept apart."""
    await desk.house.stock({"MUG at NEAR": 6})
    await desk.sell("O-1", line("1", "MUG", 6))
    await desk.authorize("OPEN", asked("1", 2))
    await desk.authorize("BACK", asked("1", 1), location_id="EAST")
    await desk.receive("BACK", came("1", 1))
    return desk


def call(desk: Desk, request: Message, **options: Any) -> Any:
    name = type(request).__name__.removesuffix("Request")
    stub = desk.mesh.dispositions if name == "DisposeReturned" else desk.mesh.returns
    return getattr(stub, name)(request, **options)


async def test_every_wrong_request_is_refused_as_the_contract_says_and_changes_nothing(
    shop: Desk,
) -> None:
    before = await shop.fingerprint()
    found: list[tuple[str, object]] = []

    for case in WRONG:
        refusal = await answered(call(shop, case.request()))
        if not isinstance(refusal, Refusal) or (refusal.code, refusal.reason) != (
            case.code,
            case.reason,
        ):
            found.append((case.name, refusal))
        elif case.reason == "FIELD_VIOLATION":
            if case.facts["field"] not in refusal.violations:
                found.append((case.name, refusal))
        elif not case.facts.items() <= refusal.metadata.items():
            found.append((case.name, refusal))

    assert found == []
    assert await shop.fingerprint() == before


@pytest.mark.parametrize("method", VALID)
async def test_a_request_without_a_proper_id_is_refused_and_changes_nothing(
    shop: Desk, method: str
) -> None:
    before = await shop.fingerprint()

    for request_id in ("", "1", "not-a-uuid"):
        request: Any = VALID[method]()
        request.request_id = request_id
        refusal = await refused(call(shop, request))
        assert (refusal.code, refusal.reason) == (INVALID, "FIELD_VIOLATION")
        assert "request_id" in refusal.violations

    assert await shop.fingerprint() == before


@pytest.mark.parametrize("method", VALID)
async def test_a_call_whose_time_is_over_and_one_that_was_cancelled_change_nothing(
    shop: Desk, method: str
) -> None:
    assert shop.database is not None

    def calling(**options: Any) -> Any:
        return call(shop, VALID[method](), **options)

    await assert_nobody_acts_for_who_has_gone(shop.database, calling, shop.fingerprint)


def test_every_mutating_method_is_listed() -> None:
    pool = descriptor_pool.Default()
    mutating = {
        method.name
        for service in ("ReturnService", "DispositionService")
        for method in pool.FindServiceByName(f"ordermesh.api.returns.v1.{service}").methods
        if "request_id" in method.input_type.fields_by_name
    }

    assert mutating == VALID.keys()
    assert mutating == {type(case.request()).__name__.removesuffix("Request") for case in WRONG}


@pytest.mark.parametrize("method", VALID)
async def test_a_request_is_answered_once_and_a_reused_id_is_refused(
    shop: Desk, method: str
) -> None:
    request: Any = VALID[method]()
    first = await call(shop, request, timeout=20)
    after = await shop.fingerprint()

    again = await call(shop, request, timeout=20)
    request.on_behalf_of = "somebody else"
    other = await refused(call(shop, request, timeout=20))

    assert again.order_return.return_id == first.order_return.return_id
    assert (other.reason, other.code) == ("REQUEST_ID_REUSED", INVALID)
    assert await shop.fingerprint() == after


async def test_whoever_asks_again_what_became_of_a_receipt_is_told_so(desk: Desk) -> None:
    await desk.house.stock({"MUG at NEAR": 2})
    await desk.sell("O-1", line("1", "MUG", 2))
    await desk.authorize("R-1", asked("1", 2))
    first = receipt("R-1", came("1", 1))
    answer = await call(desk, first, timeout=20)
    assert await call(desk, first, timeout=20) == answer
    later = await call(desk, receipt("R-1", came("1", 1)), timeout=20)

    assert await call(desk, first, timeout=20) == later


async def test_of_many_returns_of_the_last_units_only_so_many_are_authorized(desk: Desk) -> None:
    await desk.house.stock({"MUG at NEAR": 3})
    await desk.sell("O-1", line("1", "MUG", 3))

    answers = await asyncio.gather(
        *(
            answered(desk.mesh.returns.AuthorizeReturn(authorization(f"R-{n}", asked("1", 1))))
            for n in range(12)
        )
    )

    reasons = [one.reason for one in answers if isinstance(one, Refusal)]
    assert reasons == ["OVER_RETURNED"] * 9
    assert await desk.returnable() == {("1", "MUG"): (3, 3, 0, 0)}
