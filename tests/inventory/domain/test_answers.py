"""How large answers are: never less than what a message takes."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from ordermesh.api.inventory.v1 import ReserveResponse
from ordermesh.inventory.domain.answers import (
    RESERVATION_BYTES_MAX,
    Room,
    portions_bytes,
    refuse_too_large,
)
from ordermesh.inventory.domain.errors.requests import TooMuchAsked
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.portions import Portion
from ordermesh.inventory.domain.reservation import Line, LineState, Reservation
from ordermesh.inventory.wire.reservations import reservation_message, verdict_message

NOON = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=UTC)
ONE, OTHER = UUID(int=1), UUID(int=2)


def reservation(lines: int, text: str) -> Reservation:
    line = Line(
        number=1,
        line_id=text,
        key=StockKey(text, text),
        quantity=10**12,
        state=LineState.HELD,
        expire_time=NOON + timedelta(hours=1),
        kit_sku=text,
        quantity_per_kit=10**6,
        lot_id=text,
        serial_numbers=(text, text),
        supply_id=text,
        needed_by=NOON,
        broken_time=NOON,
    )
    return Reservation(
        ONE, text, text, NOON, (line,) * lines, lines, channel=text, customer=text,
        fence=2**62, control_version=2**62,
    )  # fmt: skip


@pytest.mark.parametrize("text", ["x", "MUG", "é" * 128, "😀" * 128])
def test_a_message_never_takes_more_than_was_thought(text: str) -> None:
    made = reservation(50, text)
    portion = Portion(text, StockKey(text, text), 10**12, 5 * 10**11, "NOT_STOCKED_HERE", (), text)

    size = refuse_too_large(made) + portions_bytes([portion] * 50)

    message = ReserveResponse(
        reservation=reservation_message(made, NOON),
        line_verdicts=[verdict_message(portion)] * 50,
    ).ByteSize()
    assert message <= size <= 1.7 * message


def test_what_a_message_could_not_carry_is_refused() -> None:
    refuse_too_large(reservation(400, "é" * 128))

    with pytest.raises(TooMuchAsked) as refusal:
        refuse_too_large(reservation(900, "é" * 128))

    assert refusal.value.facts() == {"limit": str(RESERVATION_BYTES_MAX)}


def test_room_is_taken_once_for_each_however_often_it_is_decided() -> None:
    room = Room(10)

    for _ in range(3):
        room.claim(ONE, 6)
    room.claim(OTHER, 4)
    with pytest.raises(TooMuchAsked):
        room.claim(OTHER, 5)
    room.claim(ONE, 5)
    room.claim(OTHER, 5)


def test_what_was_answered_before_takes_its_room_though_there_is_none() -> None:
    room = Room(10)

    room.take(ONE, 25)

    with pytest.raises(TooMuchAsked) as refusal:
        room.claim(OTHER, 1)
    assert refusal.value.facts() == {"limit": "0"}
