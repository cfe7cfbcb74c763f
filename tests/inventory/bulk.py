"""Many requests in one call, in short words."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from ordermesh.api.inventory.v1 import (
    ReserveBulkRequest,
    ReserveRequest,
    ReserveResponse,
    ReserveVerdict,
)
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.messages import new_id, reserve_lines
from tests.inventory.shop import Shop


def wish(place: str = "MUG at A", quantity: int = 1, **fields: Any) -> ReserveRequest:
    return ReserveRequest(
        **{
            "request_id": new_id(),
            "reservation_id": new_id(),
            "lines": reserve_lines({place: quantity}),
            **fields,
        }
    )


def held_for(request: ReserveRequest, seconds: int) -> ReserveRequest:
    request.hold_duration.FromTimedelta(timedelta(seconds=seconds))
    return request


async def bulk(shop: Shop, *requests: ReserveRequest) -> list[ReserveVerdict]:
    asked = ReserveBulkRequest(requests=requests)
    return list((await shop.reservations.ReserveBulk(asked, NO_CONTEXT)).verdicts)


async def one(shop: Shop, request: ReserveRequest) -> ReserveResponse:
    return await shop.reservations.Reserve(request, NO_CONTEXT)


def detail(status: Status, kind: type[Message]) -> Any:
    found = kind()
    assert any(packed.Unpack(found) for packed in status.details), status
    return found


def reason(verdict: ReserveVerdict) -> str:
    """The reason of a refusal; empty for a reservation."""
    if verdict.HasField("reply"):
        return ""
    return str(detail(verdict.refusal, ErrorInfo).reason)


def reasons(verdicts: Sequence[ReserveVerdict]) -> list[str]:
    return [reason(verdict) for verdict in verdicts]
