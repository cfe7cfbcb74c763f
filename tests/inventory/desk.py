"""Short calls to the service of counts."""

from collections.abc import Mapping
from typing import Any

from ordermesh.api.inventory.v1 import (
    AcceptCountRequest,
    AdjustmentReason,
    BlockedKind,
    CancelCountRequest,
    Count,
    CountedStock,
    CountLine,
    GetCountRequest,
    ListCountsRequest,
    OpenCountRequest,
    PlanCountRequest,
    SubmitCountRequest,
)
from ordermesh.inventory.servicer.counts import CountServicer
from ordermesh.runtime.call import Call, Identity, calling
from tests.inventory.caller import NO_CONTEXT, as_operator
from tests.inventory.messages import new_id
from tests.inventory.shop import Shop

LOST = AdjustmentReason.ADJUSTMENT_REASON_LOST
MISSING = BlockedKind.BLOCKED_KIND_MISSING
RECOUNT, DISPUTED = CountLine.STATE_RECOUNT, CountLine.STATE_DISPUTED
ACCEPTED, CANCELLED = CountLine.STATE_ACCEPTED, CountLine.STATE_CANCELLED


class Desk:
    """Short calls to the service of counts."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._servicer = as_operator(CountServicer(shop.wiring))

    async def _call(self, method: str, request: Any) -> Count:
        identity = Identity("scanner", frozenset({"location"}), frozenset("ABCD"))
        with calling(Call(f"/inventory/{method}", identity, None)):
            reply = await getattr(self._servicer, method)(request, NO_CONTEXT)
        one: Count = reply.count
        return one

    async def plan(self, count_id: str = "C-1", *skus: str, **fields: Any) -> Count:
        request = PlanCountRequest(
            **{
                "request_id": new_id(),
                "count_id": count_id,
                "location_id": "A",
                "skus": skus,
                **fields,
            }
        )
        return await self._call("PlanCount", request)

    async def open(self, count_id: str = "C-1") -> Count:
        return await self._call(
            "OpenCount", OpenCountRequest(request_id=new_id(), count_id=count_id)
        )

    async def begin(self, *skus: str, **fields: Any) -> Count:
        await self.plan("C-1", *skus, **fields)
        return await self.open()

    async def submit(
        self, counter: str, found: Mapping[str, int], count_id: str = "C-1"
    ) -> dict[str, CountLine]:
        lines = [CountedStock(sku=sku, counted=units) for sku, units in found.items()]
        request = SubmitCountRequest(
            request_id=new_id(), count_id=count_id, counter=counter, lines=lines
        )
        one = await self._call("SubmitCount", request)
        return {line.sku: line for line in one.lines}

    async def accept(
        self, by: str, *skus: str, reason: AdjustmentReason.ValueType = LOST, note: str = ""
    ) -> Count:
        request = AcceptCountRequest(
            request_id=new_id(),
            count_id="C-1",
            accepted_by=by,
            skus=skus,
            reason=reason,
            note=note,
        )
        return await self._call("AcceptCount", request)

    async def cancel(self) -> Count:
        return await self._call(
            "CancelCount", CancelCountRequest(request_id=new_id(), count_id="C-1")
        )

    async def get(self, count_id: str = "C-1") -> Count:
        return (await self._servicer.GetCount(GetCountRequest(count_id=count_id), NO_CONTEXT)).count

    async def list(self, **filters: Any) -> list[str]:
        seen: list[str] = []
        token = ""
        while True:
            request = ListCountsRequest(page_size=2, page_token=token, **filters)
            reply = await self._servicer.ListCounts(request, NO_CONTEXT)
            assert not any(one.lines for one in reply.counts)
            seen += [one.count_id for one in reply.counts]
            token = reply.next_page_token
            if not token:
                return seen


async def figures(desk: Desk, place: str = "MUG at A") -> tuple[int, int, int, int]:
    """On hand, reserved, short and missing."""
    balance = await desk.shop.balance(place)
    return balance.on_hand, balance.reserved, balance.short, balance.missing
