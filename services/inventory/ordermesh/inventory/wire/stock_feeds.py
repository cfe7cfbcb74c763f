"""What sources tell, and what became of it."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from google.protobuf.duration_pb2 import Duration

from ordermesh.api.inventory.v1 import AdjustmentReason as AdjustmentReasonMessage
from ordermesh.api.inventory.v1 import (
    BeginImportRequest,
    FeedCounts,
    ImportFramesRequest,
    ListQuarantinedRowsRequest,
    PostSnapshotRequest,
    QuarantineCount,
    QuarantinedRow,
    QuarantineReason,
    RowOutcome,
    SequenceGap,
    SnapshotRow,
    StockDelta,
    StockSourceState,
)
from ordermesh.api.inventory.v1 import SnapshotImport as SnapshotImportMessage
from ordermesh.api.inventory.v1 import StockSource as StockSourceMessage
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import AdjustmentReason
from ordermesh.inventory.domain.quarantine import Quarantined, QuarantineState
from ordermesh.inventory.domain.snapshot_import import Absent, ImportState, SnapshotImport
from ordermesh.inventory.domain.stock_feed import (
    Delta,
    DeltaKind,
    Outcome,
    Picture,
    PictureRow,
    Tally,
    Told,
    Trouble,
)
from ordermesh.inventory.domain.stock_source import (
    Gap,
    GapPolicy,
    SourceKind,
    SourceReport,
    StockSource,
)
from ordermesh.inventory.ports.feeds import QuarantineFilter
from ordermesh.inventory.wire.keys import actor_message, instant, timestamp

GAPS_SHOWN = 20


def source(message: StockSourceMessage) -> StockSource:
    """From the contract."""
    return StockSource(
        source_id=message.source_id,
        kind=SourceKind(message.kind),
        location_ids=tuple(message.location_ids),
        callers=tuple(message.callers),
        may_fall_below_reserved=message.may_fall_below_reserved,
        jump_units=message.jump_units,
        jump_percent=message.jump_percent,
        gap_policy=GapPolicy(message.gap_policy),
        silence=(
            message.silence_duration.ToTimedelta() if message.HasField("silence_duration") else None
        ),
        ahead_max=message.ahead_max,
    )


def source_message(one: StockSource) -> StockSourceMessage:
    """To the contract."""
    message = StockSourceMessage(
        source_id=one.source_id,
        kind=StockSourceMessage.Kind.ValueType(one.kind),
        location_ids=one.location_ids,
        callers=one.callers,
        may_fall_below_reserved=one.may_fall_below_reserved,
        jump_units=one.jump_units,
        jump_percent=one.jump_percent,
        gap_policy=StockSourceMessage.GapPolicy.ValueType(one.gap_policy),
        ahead_max=one.ahead_max,
    )
    if one.silence is not None:
        message.silence_duration.FromTimedelta(one.silence)
    return message


def report_message(report: SourceReport, now: datetime) -> StockSourceState:
    """A source and how far it has come."""
    silence = Duration()
    silence.FromTimedelta(report.silence(now))
    numbers = report.state.numbers
    return StockSourceState(
        source=source_message(report.state.source),
        applied_sequence=numbers.applied,
        gaps=gap_messages(numbers.gaps),
        gap_count=len(numbers.gaps),
        held_count=report.held_count,
        quarantined_count=report.quarantined_count,
        heard_time=timestamp(report.state.heard_time),
        silence_duration=silence,
        is_stale=report.is_stale(now),
    )


def gap_messages(gaps: Sequence[Gap]) -> list[SequenceGap]:
    """The latest gaps."""
    return [SequenceGap(first=gap.first, last=gap.last) for gap in gaps[-GAPS_SHOWN:]]


def delta(message: StockDelta) -> Delta:
    """From the contract."""
    return Delta(
        source_sequence=message.source_sequence,
        key=StockKey(message.sku, message.location_id),
        kind=DeltaKind(message.kind),
        quantity=message.quantity,
        document=message.document,
        reason=AdjustmentReason(message.reason),
    )


def picture_rows(messages: Iterable[SnapshotRow]) -> list[PictureRow]:
    """From the contract."""
    return [
        PictureRow(
            StockKey(message.sku, message.location_id),
            message.on_hand,
            message.included_sequence if message.HasField("included_sequence") else None,
        )
        for message in messages
    ]


def picture(request: PostSnapshotRequest | BeginImportRequest) -> Picture:
    """After which change, and when, a picture was taken."""
    return Picture(
        request.watermark if request.HasField("watermark") else None,
        instant(request.picture_time) if request.HasField("picture_time") else None,
    )


def told(request: PostSnapshotRequest) -> list[Told]:
    """The rows of a small picture."""
    shown = picture(request)
    return [
        Told(request.source_id, row, shown, document=request.document)
        for row in picture_rows(request.rows)
    ]


def announced(request: BeginImportRequest) -> SnapshotImport:
    """A picture that comes in frames."""
    return SnapshotImport(
        import_id=UUID(request.import_id),
        source_id=request.source_id,
        location_ids=tuple(sorted(request.location_ids)),
        picture=picture(request),
        absent=Absent(request.absent),
        document=request.document,
    )


def digest(request: ImportFramesRequest) -> bytes:
    """What the rows of a frame are known by, whichever request brings them."""
    hashed = hashlib.sha256()
    for row in request.rows:
        written = row.SerializeToString(deterministic=True)
        # The length keeps two rows from being read as one.
        hashed.update(len(written).to_bytes(4, "big"))
        hashed.update(written)
    return hashed.digest()


def outcome_messages(outcomes: Iterable[Outcome]) -> list[RowOutcome.ValueType]:
    """To the contract."""
    return [RowOutcome.ValueType(one) for one in outcomes]


def counts_message(tally: Tally) -> FeedCounts:
    """To the contract."""
    found = tally.outcomes
    return FeedCounts(
        applied_count=found[Outcome.APPLIED],
        unchanged_count=found[Outcome.UNCHANGED],
        duplicate_count=found[Outcome.DUPLICATE],
        contained_count=found[Outcome.CONTAINED],
        outdated_count=found[Outcome.OUTDATED],
        held_count=found[Outcome.HELD],
        quarantined_count=found[Outcome.QUARANTINED],
        quarantined=[
            QuarantineCount(reason=QuarantineReason.ValueType(trouble), count=count)
            for trouble, count in sorted(tally.troubles.items())
        ],
    )


def import_message(one: SnapshotImport) -> SnapshotImportMessage:
    """To the contract."""
    return SnapshotImportMessage(
        import_id=str(one.import_id),
        source_id=one.source_id,
        location_ids=one.location_ids,
        watermark=one.picture.watermark,
        picture_time=timestamp(one.picture.taken),
        absent=SnapshotImportMessage.Absent.ValueType(one.absent),
        document=one.document,
        next_frame=one.next_frame,
        counts=counts_message(one.tally),
        state=_import_state(one.state),
        create_time=timestamp(one.create_time),
        update_time=timestamp(one.update_time),
    )


def _import_state(state: ImportState) -> SnapshotImportMessage.State.ValueType:
    """To the contract, where an import is open until all that it named is forgotten."""
    is_done = state is ImportState.COMPLETED
    return SnapshotImportMessage.STATE_COMPLETED if is_done else SnapshotImportMessage.STATE_OPEN


def quarantine_filter(request: ListQuarantinedRowsRequest) -> QuarantineFilter:
    """Which rows are wanted."""
    return QuarantineFilter(
        source_id=request.source_id,
        import_id=UUID(request.import_id) if request.import_id else None,
        reason=Trouble(request.reason) if request.reason else None,
        state=QuarantineState(request.state) if request.state else None,
    )


def quarantined_message(one: Quarantined) -> QuarantinedRow:
    """To the contract."""
    row = one.told.row
    is_delta = isinstance(row, Delta)
    shown = one.told.picture or Picture(None, None)
    return QuarantinedRow(
        quarantine_id=str(one.quarantine_id),
        source_id=one.told.source_id,
        reason=QuarantineReason.ValueType(one.misfit.trouble),
        facts=one.misfit.facts,
        delta=_delta_message(row) if isinstance(row, Delta) else None,
        snapshot_row=None if isinstance(row, Delta) else _row_message(row),
        watermark=None if is_delta else shown.watermark,
        picture_time=timestamp(shown.taken),
        import_id=str(one.told.import_id) if one.told.import_id else "",
        state=QuarantinedRow.State.ValueType(one.state),
        create_time=timestamp(one.create_time),
        decide_time=timestamp(one.decide_time),
        decided_by=actor_message(one.decided_by) if one.decided_by else None,
        note=one.note,
    )


def _delta_message(row: Delta) -> StockDelta:
    return StockDelta(
        source_sequence=row.source_sequence,
        sku=row.key.sku,
        location_id=row.key.location_id,
        kind=StockDelta.Kind.ValueType(row.kind),
        quantity=row.quantity,
        document=row.document,
        reason=AdjustmentReasonMessage.ValueType(row.reason),
    )


def _row_message(row: PictureRow) -> SnapshotRow:
    return SnapshotRow(
        sku=row.key.sku,
        location_id=row.key.location_id,
        on_hand=row.on_hand,
        included_sequence=row.included_sequence,
    )
