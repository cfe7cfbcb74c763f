"""Later decisions take units from the account in which the ledger keeps them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from ordermesh.returns.domain.keeping import Kept, taken_from
from ordermesh.returns.domain.order_return import (
    Actor,
    Disposal,
    DisposedUnits,
    Disposition,
    Grade,
    Receipt,
    ReceivedUnits,
    RefundTiming,
    Return,
    ReturnLine,
    ReturnReason,
)
from ordermesh.returns.domain.receiving import (
    Arrival,
    ArrivedLine,
    DisposedLine,
    dispose,
    receive,
)

ACTOR = Actor("store")
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def receipt(number: int, grade: Grade, quantity: int, hour: int) -> Receipt:
    came = ReceivedUnits("1", "MUG", quantity, grade, Disposition.BLOCK)
    return Receipt(number, "EAST", (came,), ACTOR, NOON + timedelta(hours=hour))


def disposal(number: int, disposition: Disposition, quantity: int, hour: int) -> Disposal:
    units = DisposedUnits("1", "MUG", quantity, disposition, "EAST")
    return Disposal(number, (units,), ACTOR, NOON + timedelta(hours=hour))


def returned(*receipts: Receipt, disposals: tuple[Disposal, ...]) -> Return:
    made = Return(
        return_id="R",
        order_id="O",
        location_id="EAST",
        location_reason="",
        refund_timing=RefundTiming.NOW,
        lines=(),
        create_time=NOON,
        update_time=NOON,
    )
    return replace(made, receipts=receipts, disposals=disposals)


def taken(one: Return, number: int) -> list[tuple[Kept, int]]:
    (decided,) = (part for part in one.disposals if part.number == number)
    return [(kept, units) for _, kept, units in taken_from(one, decided)]


def test_what_is_discarded_is_damaged_first_and_what_is_sold_is_sound_first() -> None:
    receipts = (receipt(1, Grade.GOOD, 3, 0), receipt(2, Grade.BAD, 2, 0))
    thrown = disposal(1, Disposition.DISCARD, 3, 1)
    sold = disposal(2, Disposition.RESTOCK, 2, 2)
    one = returned(*receipts, disposals=(thrown, sold))

    assert taken(one, 1) == [(Kept.DAMAGED, 2), (Kept.INSPECTION, 1)]
    assert taken(one, 2) == [(Kept.INSPECTION, 2)]


def test_what_arrives_after_a_decision_changes_nothing_of_it() -> None:
    decided = disposal(1, Disposition.DISCARD, 1, 1)
    before = returned(receipt(1, Grade.GOOD, 1, 0), disposals=(decided,))
    after = replace(before, receipts=(*before.receipts, receipt(2, Grade.BAD, 1, 2)))

    assert taken(before, 1) == taken(after, 1) == [(Kept.INSPECTION, 1)]


def blocked_line() -> ReturnLine:
    return ReturnLine("1", "MUG", 9, ReturnReason.UNWANTED, received=3, blocked=3)


def test_a_decision_takes_what_arrived_before_it_though_the_clock_was_set_back() -> None:
    came = replace(receipt(1, Grade.GOOD, 3, 1), movement_id=uuid4())
    kept = replace(returned(came, disposals=()), lines=(blocked_line(),))
    thrown = [DisposedLine("1", "MUG", 2, Disposition.DISCARD)]

    after = dispose(kept, thrown, {}, ACTOR, NOON)

    assert taken(after, 1) == [(Kept.INSPECTION, 2)]


def test_a_decision_takes_nothing_of_what_arrives_after_it_though_the_clock_was_set_back() -> None:
    thrown = disposal(1, Disposition.DISCARD, 1, 1)
    before = replace(
        returned(receipt(1, Grade.GOOD, 3, 0), disposals=(thrown,)), lines=(blocked_line(),)
    )
    came = ArrivedLine("1", "MUG", 2, Grade.BAD, Disposition.BLOCK)

    after, _ = receive(before, Arrival((came,), "EAST", False, False), (), {}, ACTOR, NOON)

    assert taken(before, 1) == taken(after, 1) == [(Kept.INSPECTION, 1)]
