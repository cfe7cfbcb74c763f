"""A return is refused before it is too large to be told of, or to be answered."""

from dataclasses import replace
from uuid import UUID

import pytest

from ordermesh.returns.domain.errors import TooMuchAsked
from ordermesh.returns.domain.order_return import Actor, Grade, Return
from ordermesh.returns.domain.receiving import cancel, posted, receive
from ordermesh.returns.wire import fitting
from ordermesh.returns.wire.fitting import (
    ANSWERED_BYTES_MAX,
    TOLD_BYTES_MAX,
    check_authorized,
    check_received,
)
from ordermesh.returns.wire.messages import return_message
from ordermesh.runtime.limits import Limits
from tests.returns.desk import Desk, asked, came
from tests.returns.large import CLERK, LONGEST, NOON, arriving, large
from tests.routing.house import line, refused

MOVEMENT = UUID(int=7)


def full(one: Return) -> Return:
    """The return when all has come of it, as it is told."""
    return replace(
        one,
        lines=tuple(
            replace(
                line,
                received=line.quantity,
                restocked=line.quantity,
                blocked=line.quantity,
                discarded=line.quantity,
            )
            for line in one.lines
        ),
    )


def padded(told: Return, size: int) -> str:
    """The reason of its location that makes a return exactly so many bytes."""
    lacking = size - return_message(told).ByteSize()
    for beside in (4, 3, 2):
        reason = "x" * (lacking - beside)
        if return_message(replace(told, location_reason=reason)).ByteSize() == size:
            return reason
    raise AssertionError("No reason makes it so large.")


def test_a_return_of_exactly_as_many_bytes_is_let_in_and_one_byte_more_is_not() -> None:
    one = large(330, LONGEST)
    reason = padded(full(one), TOLD_BYTES_MAX)
    fits = replace(one, location_reason=reason)

    assert check_authorized(fits) is fits
    with pytest.raises(TooMuchAsked) as refusal:
        check_authorized(replace(fits, location_reason=reason + "x"))

    assert refusal.value.facts() == {"limit": str(TOLD_BYTES_MAX)}


def test_a_thousand_lines_with_the_longest_ids_in_ascii_are_let_in() -> None:
    check_authorized(large(1000, units=1_000_000))


def test_what_is_due_at_once_does_not_count_for_what_is_told() -> None:
    one = large(1000, units=1)
    came, _ = receive(one, arriving(one), (), {}, CLERK, NOON)
    refunded = replace(one, refunds=came.refunds * 10)

    assert check_authorized(refunded) is refunded


@pytest.fixture(scope="module")
def filled() -> tuple[Return, Return]:
    """A return with as many receipts as fit, none of which the ledger knows, and with one more."""
    one = large(330, LONGEST, 1_000_000)
    while True:
        after, _ = receive(one, arriving(one, tuple(Grade)), (), {}, CLERK, NOON)
        try:
            check_received(after)
        except TooMuchAsked:
            return one, after
        one = after


def test_a_return_of_exactly_as_many_bytes_is_received_and_one_byte_more_is_not(
    filled: tuple[Return, Return],
) -> None:
    one, _ = filled
    known = one
    for receipt in one.receipts:
        known, _ = posted(known, receipt.number, MOVEMENT, NOON)
    reason = padded(full(known), ANSWERED_BYTES_MAX)
    fits = replace(one, location_reason=reason)

    assert check_received(fits) is fits
    with pytest.raises(TooMuchAsked) as refusal:
        check_received(replace(fits, location_reason=reason + "x"))

    assert refusal.value.facts() == {"limit": str(ANSWERED_BYTES_MAX)}


def test_a_return_that_takes_no_more_is_answered_until_it_is_over(
    filled: tuple[Return, Return],
) -> None:
    one, more = filled
    with pytest.raises(TooMuchAsked):
        check_received(more)

    one, _ = cancel(one, CLERK, NOON)
    for receipt in one.receipts:
        one, _ = posted(one, receipt.number, MOVEMENT, NOON)

    assert return_message(one).ByteSize() < Limits.reply_bytes


def test_many_small_receipts_count_with_the_movements_that_they_will_have() -> None:
    one = large(1, units=1_000_000)
    arrival = replace(arriving(one), location_id="W")
    one, _ = receive(one, arrival, (), {}, Actor("store"), NOON)
    many = replace(one, receipts=one.receipts * 12_500)
    known = replace(
        many, receipts=tuple(replace(part, movement_id=MOVEMENT) for part in many.receipts)
    )
    assert return_message(many).ByteSize() < ANSWERED_BYTES_MAX < return_message(known).ByteSize()

    with pytest.raises(TooMuchAsked):
        check_received(many)


async def test_too_large_a_return_is_refused_and_fewer_lines_are_let_in(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.house.stock({"MUG at NEAR": 1, "LAMP at NEAR": 1})
    await desk.sell("O-1", line("1", "MUG", 1), line("2", "LAMP", 1))
    small = await desk.authorize("R-1", asked("1", 1))
    await desk.cancel("R-1")
    before = await desk.fingerprint()
    monkeypatch.setattr(fitting, "TOLD_BYTES_MAX", small.ByteSize() + 20)

    for lines in ((asked("1", 1), asked("2", 1)), ()):
        refusal = await refused(desk.authorize("R-2", *lines))
        assert (refusal.reason, refusal.code.name) == ("TOO_MUCH_ASKED", "INVALID_ARGUMENT")
    assert await desk.fingerprint() == before

    for return_id, wanted in (("R-2", "1"), ("R-3", "2")):
        await desk.authorize(return_id, asked(wanted, 1))


async def test_too_much_received_is_refused_and_can_be_returned_anew(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.house.stock({"MUG at NEAR": 3})
    await desk.sell("O-1", line("1", "MUG", 3))
    await desk.authorize("R-1", asked("1", 3))
    one = await desk.receive("R-1", came("1", 1))
    before = await desk.fingerprint()
    monkeypatch.setattr(fitting, "ANSWERED_BYTES_MAX", one.ByteSize() + 20)

    refusal = await refused(desk.receive("R-1", came("1", 1)))

    assert (refusal.reason, refusal.code.name) == ("TOO_MUCH_ASKED", "INVALID_ARGUMENT")
    assert await desk.fingerprint() == before
    await desk.cancel("R-1")
    await desk.authorize("R-2", asked("1", 2))
    await desk.receive("R-2", came("1", 2))
