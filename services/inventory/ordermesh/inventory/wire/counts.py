"""Counts and their requests."""

from ordermesh.api.inventory.v1 import (
    AdjustmentReason as AdjustmentReasonMessage,
)
from ordermesh.api.inventory.v1 import Count as CountMessage
from ordermesh.api.inventory.v1 import (
    CountedStock,
    ListCountsRequest,
    PlanCountRequest,
)
from ordermesh.api.inventory.v1 import CountLine as CountLineMessage
from ordermesh.api.inventory.v1 import Tally as TallyMessage
from ordermesh.inventory.domain.count import (
    Count,
    Counted,
    CountLine,
    CountState,
    Plan,
    Tally,
    Threshold,
)
from ordermesh.inventory.ports.counts import CountFilter
from ordermesh.inventory.wire.keys import actor_message, timestamp


def plan_of(request: PlanCountRequest) -> Plan:
    """What is to be counted."""
    threshold = Threshold(
        request.threshold_units if request.HasField("threshold_units") else None,
        request.threshold_percent if request.HasField("threshold_percent") else None,
    )
    return Plan(
        request.count_id,
        request.location_id,
        request.skus,
        threshold,
        request.assigned_to,
        request.document,
        request.note,
    )


def counted(line: CountedStock) -> Counted:
    """What somebody found."""
    return Counted(line.sku, line.counted)


def count_filter(request: ListCountsRequest) -> CountFilter:
    """Which counts are wanted."""
    state = CountState(request.state) if request.state else None
    return CountFilter(request.location_id, state)


def count_message(one: Count) -> CountMessage:
    """To the contract."""
    return CountMessage(
        count_id=one.count_id,
        location_id=one.location_id,
        state=CountMessage.State.ValueType(one.state),
        assigned_to=one.assigned_to,
        threshold_units=one.threshold.units,
        threshold_percent=one.threshold.percent,
        document=one.document,
        note=one.note,
        actor=actor_message(one.actor),
        create_time=timestamp(one.create_time),
        open_time=timestamp(one.open_time),
        close_time=timestamp(one.close_time),
        lines=[_line_message(line) for line in one.lines],
    )


def _line_message(line: CountLine) -> CountLineMessage:
    """A line; while a blind count of it is due, nothing of what it should find."""
    return CountLineMessage(
        sku=line.sku,
        state=CountLineMessage.State.ValueType(line.state),
        sequence=line.expected.sequence,
        tallies=[] if line.is_blind else [_tally_message(tally) for tally in line.tallies],
        accepted_by=line.accepted_by,
        accept_time=timestamp(line.accept_time),
        reason=AdjustmentReasonMessage.ValueType(line.reason),
        settled_missing=line.settled_missing,
        movement_id=str(line.movement_id) if line.movement_id else "",
    )


def _tally_message(tally: Tally) -> TallyMessage:
    return TallyMessage(
        counter=tally.counter,
        counted=tally.units,
        expected=tally.expected.units,
        variance=tally.variance,
        count_time=timestamp(tally.count_time),
    )
