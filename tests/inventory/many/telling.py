"""Systems outside: numbered changes, late and twice; pictures, whole or in frames."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ordermesh.api.inventory.v1 import (
    BeginImportRequest,
    CompleteImportRequest,
    DismissQuarantinedRowsRequest,
    ImportFramesRequest,
    PostDeltasRequest,
    PostSnapshotRequest,
    PutSourcesRequest,
    RetryQuarantinedRowsRequest,
    RowOutcome,
    SnapshotImport,
    SnapshotRow,
    StockDelta,
    StockSource,
)
from ordermesh.inventory.servicer.feeds import FeedServicer
from tests.inventory.many.record import Refused, Request
from tests.inventory.many.world import KITS, PLACES, SKUS, STORES, World
from tests.inventory.outside import (
    ADJUSTMENT,
    HOLD,
    LEAVE,
    RECEIPT,
    RETURN,
    SALE,
    TELL,
    ZERO,
    stamp,
)

APPLIED = RowOutcome.ROW_OUTCOME_APPLIED
COMPLETED = SnapshotImport.STATE_COMPLETED

SOURCES = {
    "TILL": StockSource(
        source_id="TILL",
        kind=StockSource.KIND_POS,
        location_ids=["A", "B"],
        gap_policy=TELL,
        may_fall_below_reserved=True,
        jump_units=40,
    ),
    "WMS": StockSource(
        source_id="WMS",
        kind=StockSource.KIND_WMS,
        location_ids=["C", "D"],
        gap_policy=HOLD,
        may_fall_below_reserved=True,
        jump_units=40,
    ),
    "ERP": StockSource(
        source_id="ERP",
        kind=StockSource.KIND_ERP,
        location_ids=list(STORES),
        gap_policy=TELL,
        jump_units=15,
    ),
}


@dataclass
class Outside:
    """A source: what it has numbered, and what of that waits to be sent, or was sent."""

    last: int = 0
    applied: int = 0
    late: list[StockDelta] = field(default_factory=list)
    sent: deque[StockDelta] = field(default_factory=lambda: deque(maxlen=40))


@dataclass(frozen=True)
class Picture:
    """A picture as it was sent: what it shows of which stock keys, and what it contains."""

    source_id: str
    watermark: int | None
    taken: datetime | None
    rows: dict[str, SnapshotRow]


@dataclass
class Importing:
    """A picture that comes in frames."""

    announced: BeginImportRequest
    frames: list[list[SnapshotRow]]
    next_frame: int = 1


class Telling:
    """Tells of stock as systems outside do.

    ``deltas`` are all numbered changes, ``pictures`` all by their document, and ``applied``
    the changes that were acknowledged as applied.
    """

    shares: Mapping[str, int] = {
        "PostDeltas": 8, "PostSnapshot": 3, "BeginImport": 1, "ImportFrames": 2,
        "CompleteImport": 1, "RetryQuarantinedRows": 2, "DismissQuarantinedRows": 1,
    }  # fmt: skip

    def __init__(self, world: World) -> None:
        self.servicer = FeedServicer(world.shop.wiring)
        self.world = world
        self.outside = {source_id: Outside() for source_id in SOURCES}
        self.deltas: dict[tuple[str, int], StockDelta] = {}
        self.applied: set[tuple[str, int]] = set()
        self.pictures: dict[str, Picture] = {}
        self.imports: dict[str, Importing] = {}
        self.quarantined: deque[str] = deque(maxlen=100)

    async def open(self) -> None:
        """Make the sources known."""
        with self.world.shop.calling("PutSources"):
            request = PutSourcesRequest(request_id=self.world.id(), sources=SOURCES.values())
            await self.servicer.PutSources(request, self.world.shop.no_context)

    async def ask(self, method: str) -> Request | None:
        if method == "PostDeltas":
            return self.post(self.world.one(list(SOURCES)))
        if method == "PostSnapshot":
            return await self.snapshot()
        if method == "BeginImport":
            return await self.begin() if len(self.imports) < 5 else None
        if method in ("ImportFrames", "CompleteImport"):
            return self.go_on(method)
        if not self.quarantined:
            return None
        chosen = [self.quarantined.popleft() for _ in range(min(2, len(self.quarantined)))]
        if method == "DismissQuarantinedRows":
            return DismissQuarantinedRowsRequest(
                request_id=self.world.id(), quarantine_ids=chosen[:1], note="wrong"
            )
        return RetryQuarantinedRowsRequest(
            request_id=self.world.id(), quarantine_ids=chosen, accept_jumps=self.world.happens(0.7)
        )

    def post(self, source_id: str, *, is_last: bool = False) -> PostDeltasRequest:
        """The next changes; some stay behind and come later, some come once more."""
        source = self.outside[source_id]
        deltas = [self.delta(source_id) for _ in range(self.world.random.randint(1, 4))]
        if self.world.happens(0.3) and not is_last:
            source.late.append(deltas.pop(self.world.random.randrange(len(deltas))))
        if source.late and (is_last or not deltas or self.world.happens(0.4)):
            deltas += source.late
            source.late = []
        source.sent.extend(deltas)
        if self.world.happens(0.2):
            known = {one.source_sequence: one for one in [self.world.one(source.sent), *deltas]}
            deltas = list(known.values())
        self.world.random.shuffle(deltas)
        return PostDeltasRequest(request_id=self.world.id(), source_id=source_id, deltas=deltas)

    def delta(self, source_id: str) -> StockDelta:
        """A change with the next number. A few cannot be right."""
        source = self.outside[source_id]
        source.last += 1
        kind, quantity = self.world.one(
            [(SALE, 1), (SALE, 1), (SALE, 2), (RECEIPT, 3), (RETURN, 1), (ADJUSTMENT, -1),
             (ADJUSTMENT, 2)]
        )  # fmt: skip
        sku, place = self.world.one(SKUS), self.world.one(SOURCES[source_id].location_ids)
        dice = self.world.random.random()
        if dice < 0.02:
            sku = self.world.one([*KITS, "NOTHING"])
        elif dice < 0.04:
            kind, quantity = SALE, 10_000
        elif dice < 0.05:
            place = self.world.one([*PLACES, "NOWHERE"])
        made = StockDelta(
            source_sequence=source.last,
            sku=sku,
            location_id=place,
            kind=kind,
            quantity=quantity,
            document=f"{source_id} {source.last}",
        )
        self.deltas[source_id, source.last] = made
        return made

    def mark(self, source_id: str) -> int:
        """Up to which of its changes a source has taken a picture: a few may have come since."""
        return max(0, self.outside[source_id].applied - self.world.random.randint(0, 3))

    async def rows(self, skus: Sequence[str], place: str) -> list[SnapshotRow]:
        """What is seen of keys, which is not always what is there."""
        there = await self.world.look(*(f"{sku} at {place}" for sku in skus))
        rows = []
        for sku, balance in zip(skus, there.values(), strict=True):
            seen = balance.on_hand + self.world.one((-3, -1, 0, 0, 0, 1, 2))
            if self.world.happens(0.03):
                seen = 70
            rows.append(
                SnapshotRow(
                    sku=sku,
                    location_id=place,
                    on_hand=max(0, seen),
                    included_sequence=balance.sequence,
                )
            )
        return rows

    def keep(self, document: str, request: Any, rows: Sequence[SnapshotRow]) -> None:
        """Remember a picture, to look later what it did."""
        taken = request.picture_time.ToDatetime(UTC) if request.HasField("picture_time") else None
        self.pictures[document] = Picture(
            request.source_id,
            request.watermark if request.HasField("watermark") else None,
            taken,
            {f"{row.sku} at {row.location_id}": row for row in rows},
        )

    async def snapshot(self) -> Request:
        """A picture of a few keys, with the number of the last change in it or with a time."""
        source_id = self.world.one(list(SOURCES))
        place = self.world.one(SOURCES[source_id].location_ids)
        rows = await self.rows(self.world.some(SKUS, 4), place)
        timed = self.world.happens(0.2)
        request = PostSnapshotRequest(
            request_id=self.world.id(),
            source_id=source_id,
            rows=rows,
            document=f"picture {len(self.pictures)}",
            watermark=None if timed else self.mark(source_id),
            picture_time=stamp(datetime.now(UTC)) if timed else None,
        )
        self.keep(request.document, request, rows)
        return request

    async def begin(self) -> Request:
        """A picture in frames; a full one says that there is nothing of what it does not name."""
        source_id = self.world.one(list(SOURCES))
        place = self.world.one(SOURCES[source_id].location_ids)
        is_full = self.world.happens(0.3)
        taken = datetime.now(UTC)
        skus = self.world.random.sample(SKUS, len(SKUS) - 1 if is_full else 6)
        rows = await self.rows(skus, place)
        request = BeginImportRequest(
            request_id=self.world.id(),
            import_id=self.world.id(),
            source_id=source_id,
            location_ids=[place] if is_full else [],
            watermark=self.mark(source_id),
            picture_time=stamp(taken),
            absent=ZERO if is_full else LEAVE,
            document=f"picture {len(self.pictures)}",
        )
        self.keep(request.document, request, rows)
        size = self.world.random.randint(2, 6)
        frames = [rows[start : start + size] for start in range(0, len(rows), size)]
        self.imports[request.import_id] = Importing(request, frames)
        return request

    def go_on(self, method: str) -> Request | None:
        """The next frames of an import, or its end."""
        is_end = method == "CompleteImport"
        fitting = [
            one for one in self.imports.values() if (one.next_frame > len(one.frames)) == is_end
        ]
        if not fitting:
            return None
        chosen = self.world.one(fitting)
        if is_end:
            return CompleteImportRequest(
                request_id=self.world.id(),
                import_id=chosen.announced.import_id,
                frame_count=len(chosen.frames),
            )
        first = max(1, chosen.next_frame - self.world.one((0, 0, 0, 1)))
        last = min(len(chosen.frames), chosen.next_frame + self.world.random.randint(0, 1))
        return tuple(
            ImportFramesRequest(
                request_id=self.world.id(),
                import_id=chosen.announced.import_id,
                frame=number,
                rows=chosen.frames[number - 1],
            )
            for number in range(first, last + 1)
        )

    def hear(self, method: str, request: Any, answer: Any) -> None:
        if method == "PostDeltas":
            source = self.outside[request.source_id]
            source.applied = max(source.applied, answer.applied_sequence)
            for delta, outcome in zip(request.deltas, answer.outcomes, strict=True):
                if outcome == APPLIED:
                    self.applied.add((request.source_id, delta.source_sequence))
        elif method == "ImportFrames":
            for frame, reply in zip(request, answer, strict=False):
                one = self.imports.get(frame.import_id)
                if one is not None and not isinstance(reply, Refused):
                    one.next_frame = max(one.next_frame, reply.frame + 1)
        elif method == "CompleteImport" and answer.snapshot_import.state == COMPLETED:
            self.imports.pop(request.import_id, None)
        self.quarantined.extend(getattr(answer, "quarantine_ids", ()))
