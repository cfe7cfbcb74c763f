"""Systems outside, who tell the shop of its stock in short calls."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from ordermesh.api.inventory.v1 import (
    BeginImportRequest,
    CompleteImportRequest,
    DismissQuarantinedRowsRequest,
    GetImportRequest,
    ImportFramesRequest,
    ImportFramesResponse,
    ListQuarantinedRowsRequest,
    ListSourcesRequest,
    PostDeltasRequest,
    PostDeltasResponse,
    PostSnapshotRequest,
    PostSnapshotResponse,
    PutSourcesRequest,
    QuarantinedRow,
    QuarantineReason,
    RetryQuarantinedRowsRequest,
    RetryQuarantinedRowsResponse,
    RowOutcome,
    SnapshotImport,
    SnapshotRow,
    StockDelta,
    StockSource,
    StockSourceState,
)
from ordermesh.inventory.servicer.feeds import FeedServicer
from tests.inventory.caller import NO_CONTEXT, Caller
from tests.inventory.messages import new_id
from tests.inventory.shop import Shop

SALE = StockDelta.KIND_SALE
RECEIPT = StockDelta.KIND_RECEIPT
RETURN = StockDelta.KIND_RETURN
ADJUSTMENT = StockDelta.KIND_ADJUSTMENT

TELL = StockSource.GAP_POLICY_TELL
HOLD = StockSource.GAP_POLICY_HOLD
LEAVE = SnapshotImport.ABSENT_LEAVE
ZERO = SnapshotImport.ABSENT_ZERO

Seen = Mapping[str, int | tuple[int, int]]
"""On hand by place, or on hand and the sequence of ours that the source had heard of."""


def delta(
    number: int,
    place: str,
    quantity: int,
    kind: StockDelta.Kind.ValueType = SALE,
    **fields: Any,
) -> StockDelta:
    sku, location_id = place.split(" at ")
    return StockDelta(
        source_sequence=number,
        sku=sku,
        location_id=location_id,
        kind=kind,
        quantity=quantity,
        **fields,
    )


def seen_rows(seen: Seen) -> list[SnapshotRow]:
    rows = []
    for place, value in seen.items():
        sku, location_id = place.split(" at ")
        on_hand, included = value if isinstance(value, tuple) else (value, None)
        rows.append(
            SnapshotRow(
                sku=sku, location_id=location_id, on_hand=on_hand, included_sequence=included
            )
        )
    return rows


def stamp(instant: datetime | None) -> Timestamp | None:
    if instant is None:
        return None
    written = Timestamp()
    written.FromDatetime(instant)
    return written


def names(outcomes: Iterable[RowOutcome.ValueType]) -> list[str]:
    """Outcomes as short words."""
    return [RowOutcome.Name(one).removeprefix("ROW_OUTCOME_") for one in outcomes]


def why(row: QuarantinedRow) -> str:
    """The reason as a short word."""
    return QuarantineReason.Name(row.reason).removeprefix("QUARANTINE_REASON_")


class Outside(Caller):
    """Short calls to the feed service of a shop, as the source "TILL" unless said otherwise."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop.wiring)
        self.shop = shop
        self.feeds = FeedServicer(shop.wiring)

    async def put_source(self, source_id: str = "TILL", **fields: Any) -> int:
        source = StockSource(
            **{
                "source_id": source_id,
                "kind": StockSource.KIND_POS,
                "location_ids": ["A", "B"],
                "gap_policy": TELL,
                **fields,
            }
        )
        with self.calling("PutSources"):
            request = PutSourcesRequest(request_id=new_id(), sources=[source])
            return (await self.feeds.PutSources(request, NO_CONTEXT)).changed_count

    async def sources(
        self, who: Mapping[str, str] | None = None, **filters: Any
    ) -> list[StockSourceState]:
        request = ListSourcesRequest(page_size=1000, **filters)
        with self.calling("ListSources", **(who or {})):
            return list((await self.feeds.ListSources(request, NO_CONTEXT)).sources)

    async def source(self, source_id: str = "TILL") -> StockSourceState:
        return next(one for one in await self.sources() if one.source.source_id == source_id)

    async def tell(
        self,
        *deltas: StockDelta,
        source_id: str = "TILL",
        request_id: str = "",
        caller: str = "developer",
        role: str = "operator",
    ) -> PostDeltasResponse:
        request = PostDeltasRequest(
            request_id=request_id or new_id(), source_id=source_id, deltas=deltas
        )
        with self.calling("PostDeltas", caller, role):
            return await self.feeds.PostDeltas(request, NO_CONTEXT)

    async def show(
        self,
        seen: Seen | Sequence[SnapshotRow],
        *,
        watermark: int | None = None,
        taken: datetime | None = None,
        source_id: str = "TILL",
        document: str = "",
    ) -> PostSnapshotResponse:
        request = PostSnapshotRequest(
            request_id=new_id(),
            source_id=source_id,
            watermark=watermark,
            picture_time=stamp(taken),
            rows=seen_rows(seen) if isinstance(seen, Mapping) else seen,
            document=document,
        )
        with self.calling("PostSnapshot"):
            return await self.feeds.PostSnapshot(request, NO_CONTEXT)

    async def begin(
        self,
        import_id: str,
        *,
        watermark: int | None = 0,
        taken: datetime | None = None,
        location_ids: Sequence[str] = ("A",),
        absent: SnapshotImport.Absent.ValueType = LEAVE,
        source_id: str = "TILL",
        **fields: Any,
    ) -> SnapshotImport:
        request = BeginImportRequest(
            request_id=new_id(),
            import_id=import_id,
            source_id=source_id,
            location_ids=location_ids,
            watermark=watermark,
            picture_time=stamp(taken),
            absent=absent,
            **fields,
        )
        with self.calling("BeginImport"):
            return (await self.feeds.BeginImport(request, NO_CONTEXT)).snapshot_import

    async def send(
        self, import_id: str, frames: Mapping[int, Seen], request_ids: Sequence[str] = ()
    ) -> list[ImportFramesResponse]:
        ids = iter(request_ids)

        async def sending() -> AsyncIterator[ImportFramesRequest]:
            for number, seen in frames.items():
                yield ImportFramesRequest(
                    request_id=next(ids, new_id()),
                    import_id=import_id,
                    frame=number,
                    rows=seen_rows(seen),
                )

        with self.calling("ImportFrames"):
            return [one async for one in self.feeds.ImportFrames(sending(), NO_CONTEXT)]

    async def complete(self, import_id: str, frame_count: int) -> SnapshotImport:
        """Complete, in as many calls as it takes."""
        while True:
            request = CompleteImportRequest(
                request_id=new_id(), import_id=import_id, frame_count=frame_count
            )
            with self.calling("CompleteImport"):
                found = (await self.feeds.CompleteImport(request, NO_CONTEXT)).snapshot_import
            if found.state == SnapshotImport.STATE_COMPLETED:
                return found

    async def how_far(self, import_id: str) -> SnapshotImport:
        request = GetImportRequest(import_id=import_id)
        with self.calling("GetImport"):
            return (await self.feeds.GetImport(request, NO_CONTEXT)).snapshot_import

    async def quarantined(
        self, who: Mapping[str, str] | None = None, **filters: Any
    ) -> list[QuarantinedRow]:
        request = ListQuarantinedRowsRequest(page_size=1000, **filters)
        with self.calling("ListQuarantinedRows", **(who or {})):
            return list((await self.feeds.ListQuarantinedRows(request, NO_CONTEXT)).rows)

    async def retry(
        self,
        *quarantine_ids: str,
        accept_jumps: bool = False,
        caller: str = "developer",
        role: str = "operator",
    ) -> RetryQuarantinedRowsResponse:
        request = RetryQuarantinedRowsRequest(
            request_id=new_id(),
            quarantine_ids=quarantine_ids,
            accept_jumps=accept_jumps,
            on_behalf_of="Ann",
            note="looked at it",
        )
        with self.calling("RetryQuarantinedRows", caller, role):
            return await self.feeds.RetryQuarantinedRows(request, NO_CONTEXT)

    async def dismiss(self, *quarantine_ids: str, note: str = "") -> None:
        request = DismissQuarantinedRowsRequest(
            request_id=new_id(), quarantine_ids=quarantine_ids, note=note, on_behalf_of="Ann"
        )
        with self.calling("DismissQuarantinedRows"):
            await self.feeds.DismissQuarantinedRows(request, NO_CONTEXT)

    async def now(self) -> datetime:
        """By the clock of the database."""
        return await self.shop.wiring.database.read(lambda tx: tx.now())

    async def on_hand(self, place: str) -> int:
        return (await self.shop.balance(place)).on_hand
