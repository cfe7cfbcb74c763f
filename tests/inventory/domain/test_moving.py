from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from ordermesh.inventory.domain.errors.reservation import ReservationClosed
from ordermesh.inventory.domain.errors.stock import InsufficientStock
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.kit import Wanted
from ordermesh.inventory.domain.ledger import Balance, Ledger
from ordermesh.inventory.domain.moving import reassign
from ordermesh.inventory.domain.reservation import Reservation, Selection
from ordermesh.inventory.domain.reserving import Ask, reserve
from ordermesh.inventory.domain.selling import Terms

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MUG_A, MUG_B, MUG_C = (StockKey("MUG", place) for place in "ABC")


def held(ledger: Ledger, number: int, key: StockKey, quantity: int) -> Reservation:
    ask = Ask(UUID(int=number), "", [Wanted("1", key, quantity)], timedelta(minutes=5))
    return reserve(ledger, Actor("storefront"), ask, {}, Terms(), NOON).made


def places(reservation: Reservation) -> list[tuple[str, int]]:
    return [(line.key.location_id, line.quantity) for line in reservation.lines]


def test_two_reservations_swap_places_where_nothing_is_free() -> None:
    ledger = Ledger({MUG_A: Balance(2), MUG_B: Balance(2)})
    first, second = held(ledger, 1, MUG_A, 2), held(ledger, 2, MUG_B, 2)

    moved = reassign(
        ledger, [(first, [(Selection("1"), "B")]), (second, [(Selection("1"), "A")])], Terms(), NOON
    )

    assert [places(one) for one in moved] == [[("B", 2)], [("A", 2)]]
    assert (ledger.balance(MUG_A).reserved, ledger.balance(MUG_B).reserved) == (2, 2)


def test_demand_of_all_reservations_for_one_place_is_summed() -> None:
    ledger = Ledger({MUG_A: Balance(2), MUG_B: Balance(2), MUG_C: Balance(3)})
    first, second = held(ledger, 1, MUG_A, 2), held(ledger, 2, MUG_B, 2)

    with pytest.raises(InsufficientStock) as refusal:
        reassign(
            ledger,
            [(first, [(Selection("1"), "C")]), (second, [(Selection("1"), "C")])],
            Terms(),
            NOON,
        )

    assert refusal.value.facts() == {
        "sku": "MUG", "locationId": "C", "wanted": "4", "available": "3",
    }  # fmt: skip


def test_parts_of_one_line_go_to_several_places() -> None:
    ledger = Ledger({MUG_A: Balance(3), MUG_B: Balance(1), MUG_C: Balance(1)})
    only = held(ledger, 1, MUG_A, 3)

    moves = [(Selection("1", "A", "", 1), "B"), (Selection("1", "A", "", 1), "C")]
    (moved,) = reassign(ledger, [(only, moves)], Terms(), NOON)

    assert sorted(places(moved)) == [("A", 1), ("B", 1), ("C", 1)]
    with pytest.raises(ReservationClosed):
        reassign(ledger, [(moved, [(Selection("1", "A", "", 2), "B")])], Terms(), NOON)
