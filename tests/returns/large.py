"""Returns as large as they may be, or larger."""

from datetime import UTC, datetime

from ordermesh.kernel.money import Money
from ordermesh.returns.domain.order_return import (
    Actor,
    Change,
    Grade,
    Price,
    RefundTiming,
    Return,
    ReturnLine,
    ReturnReason,
    ReturnState,
)
from ordermesh.returns.domain.receiving import Arrival, ArrivedLine

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)

CLERK = Actor("store", "\N{FERRIS WHEEL}" * 128)

LONG, LONGEST = "-", "\N{FERRIS WHEEL}"
"""What ids are filled with: a letter of one byte, and one of four."""


def large(lines: int = 500, filling: str = LONG, units: int = 5) -> Return:
    """A return of so many lines with ids of 128 letters."""
    return Return(
        return_id="R-1",
        order_id="O-1",
        refund_timing=RefundTiming.AFTER_RECEIPT,
        location_id="WEST",
        location_reason="",
        lines=tuple(
            ReturnLine(
                str(number).rjust(128, filling),
                f"SKU-{number}".rjust(128, filling),
                units,
                ReturnReason.UNWANTED,
                Price("EUR", Money(999_999_999_900), units),
            )
            for number in range(lines)
        ),
        history=(Change(ReturnState.AUTHORIZED, CLERK, NOON),),
        create_time=NOON,
        update_time=NOON,
    )


def arriving(one: Return, grades: tuple[Grade, ...] = (Grade.GOOD,), units: int = 1) -> Arrival:
    """Units of each line in each condition, as many rows as one call may name."""
    rows = [
        ArrivedLine(line.line_id, line.sku, units, grade, None)
        for line in one.lines
        for grade in grades
    ]
    return Arrival(tuple(rows[:500]), "\N{FERRIS WHEEL}" * 128, restocks=False, is_last=False)
