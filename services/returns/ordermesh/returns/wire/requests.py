"""What callers ask, as the domain has it; validation has let no unknown value pass."""

from collections.abc import Iterable

from ordermesh.api.order.v1 import Disposition as DispositionMessage
from ordermesh.api.returns import v1
from ordermesh.returns.domain.authorizing import Ask, AskedLine
from ordermesh.returns.domain.order_return import (
    Disposition,
    Grade,
    RefundTiming,
    ReturnReason,
    ReturnState,
)
from ordermesh.returns.domain.receiving import ArrivedLine, DisposedLine
from ordermesh.returns.ports import ReturnFilter


def ask(request: v1.AuthorizeReturnRequest) -> Ask:
    """What shall come back."""
    reason = _reason(request.reason)
    return Ask(
        return_id=request.return_id,
        order_id=request.order_id,
        lines=tuple(
            AskedLine(
                line.line_id,
                line.sku,
                line.quantity,
                _reason(line.reason) if line.reason else reason,
            )
            for line in request.lines
        ),
        refund_timing=RefundTiming(
            v1.RefundTiming.Name(request.refund_timing).removeprefix("REFUND_TIMING_")
        ),
        reason=reason,
        note=request.note,
    )


def arrived_lines(request: v1.ReceiveReturnRequest) -> tuple[ArrivedLine, ...]:
    """What arrived."""
    return tuple(
        ArrivedLine(
            line.line_id,
            line.sku,
            line.quantity,
            Grade(v1.Grade.Name(line.grade).removeprefix("GRADE_")),
            disposition(line.disposition) if line.disposition else None,
        )
        for line in request.lines
    )


def disposed_lines(lines: Iterable[v1.DisposedLine]) -> tuple[DisposedLine, ...]:
    """What shall become of units that are kept apart."""
    return tuple(
        DisposedLine(line.line_id, line.sku, line.quantity, disposition(line.disposition))
        for line in lines
    )


def disposition(value: "DispositionMessage.ValueType") -> Disposition:
    """What becomes of units."""
    return Disposition(DispositionMessage.Name(value).removeprefix("DISPOSITION_"))


def return_filter(request: v1.ListReturnsRequest) -> ReturnFilter:
    """Which returns are wanted."""
    name = v1.Return.State.Name(request.state).removeprefix("STATE_")
    return ReturnFilter(
        order_id=request.order_id,
        location_id=request.location_id,
        state=None if name == "UNSPECIFIED" else ReturnState(name),
    )


def _reason(value: "v1.ReturnReason.ValueType") -> ReturnReason:
    return ReturnReason(v1.ReturnReason.Name(value).removeprefix("RETURN_REASON_"))
