from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordermesh.inventory.domain.errors.requests import (
    DuplicateEntry,
    QuantityTooLarge,
    SameLocation,
)
from ordermesh.inventory.domain.errors.stock import (
    BalanceChanged,
    InsufficientStock,
    NotStockedHere,
    OnHandBelowReserved,
    OnHandChanged,
)
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.ledger import (
    Account,
    AdjustmentReason,
    Balance,
    Cause,
    Ledger,
    MovementKind,
)
from ordermesh.inventory.domain.movement import (
    Adjustment,
    Document,
    StockLine,
    Transfer,
    adjust,
    documented,
    receive,
    refuse_repeated,
    rises,
    summed,
    transfer,
)
from tests.inventory.domain.moves import CUP, JAR, MUG, causes, moved

MUG_B = StockKey("MUG", "B")
LOST, OPENING = AdjustmentReason.LOST, AdjustmentReason.OPENING


@given(st.lists(st.tuples(st.sampled_from((MUG, CUP, JAR)), st.integers(-5, 5)), max_size=9))
def test_sums_are_those_of_each_key_in_the_order_in_which_keys_first_appear(
    rows: list[tuple[StockKey, int]],
) -> None:
    found = summed(rows)

    assert list(found) == list(dict.fromkeys(key for key, _ in rows))
    for key, total in found.items():
        assert total == sum(units for other, units in rows if other == key)


def test_goods_of_one_key_come_in_together_with_their_serial_numbers() -> None:
    ledger = Ledger({MUG: Balance(reserved=2, short=2)})

    receive(
        ledger, [StockLine(MUG, 2, ("S1",)), StockLine(CUP, 1, ("S1",)), StockLine(MUG, 3, ("S2",))]
    )

    assert moved(ledger) == [
        (MUG, "SUPPLIER", "SHORT", 2),
        (MUG, "SUPPLIER", "FREE", 3),
        (CUP, "SUPPLIER", "FREE", 1),
    ]
    assert [entry.serial_numbers for entry in ledger.entries] == [("S1", "S2"), (), ("S1",)]
    assert causes(ledger) == {"RECEIVED"}


def test_a_serial_number_of_an_item_comes_in_once_wherever() -> None:
    for other in (MUG, MUG_B):
        with pytest.raises(DuplicateEntry) as refusal:
            receive(Ledger({}), [StockLine(MUG, 1, ("S1",)), StockLine(other, 1, ("S1",))])
        assert refusal.value.facts() == {"field": "lines.serial_numbers", "value": "S1"}


def test_a_key_is_corrected_once() -> None:
    refuse_repeated([Adjustment(MUG), Adjustment(MUG_B), Adjustment(CUP)])

    with pytest.raises(DuplicateEntry) as refusal:
        refuse_repeated([Adjustment(MUG), Adjustment(CUP), Adjustment(MUG, 1)])
    assert refusal.value.facts() == {"field": "adjustments[2].key", "value": "MUG at A"}


@pytest.mark.parametrize(
    ("delta", "on_hand", "expected"),
    [
        (1, None, True),
        (0, None, False),
        (-1, None, False),
        (0, 1, True),
        (0, 0, False),
        (5, 0, False),
        (-5, 1, True),
    ],
)
def test_a_record_is_made_where_units_are_added(
    delta: int, on_hand: int | None, *, expected: bool
) -> None:
    assert rises(Adjustment(MUG, delta, on_hand)) is expected


@pytest.mark.parametrize(
    ("before", "adjustment", "moves"),
    [
        (Balance(5), Adjustment(MUG, 3), [(MUG, "LOSS", "FREE", 3)]),
        (Balance(5), Adjustment(MUG, -3), [(MUG, "FREE", "LOSS", 3)]),
        (Balance(5), Adjustment(MUG, -5), [(MUG, "FREE", "LOSS", 5)]),
        (Balance(5), Adjustment(MUG, 0), []),
        (Balance(5), Adjustment(MUG, on_hand=5), []),
        (Balance(5), Adjustment(MUG, on_hand=0), [(MUG, "FREE", "LOSS", 5)]),
        (Balance(5), Adjustment(MUG, 9, on_hand=6), [(MUG, "LOSS", "FREE", 1)]),
        (Balance(5, 3), Adjustment(MUG, on_hand=3), [(MUG, "FREE", "LOSS", 2)]),
        # What is short may get less short, and not even need be covered wholly.
        (Balance(1, 3, 2), Adjustment(MUG, 1), [(MUG, "LOSS", "SHORT", 1)]),
        (Balance(1, 3, 2), Adjustment(MUG, on_hand=1), []),
        (
            Balance(1, 3, 2),
            Adjustment(MUG, 4),
            [(MUG, "LOSS", "SHORT", 2), (MUG, "LOSS", "FREE", 2)],
        ),
        (None, Adjustment(MUG, 2), [(MUG, "LOSS", "FREE", 2)]),
        (None, Adjustment(MUG, on_hand=0), []),
    ],
)
def test_a_correction_moves_the_difference(
    before: Balance | None, adjustment: Adjustment, moves: list[object]
) -> None:
    ledger = Ledger({} if before is None else {MUG: before})

    adjust(ledger, [adjustment], LOST)

    assert moved(ledger) == moves
    assert causes(ledger) <= {"ADJUSTED"}


def test_what_was_there_from_the_start_comes_from_the_opening() -> None:
    ledger = Ledger({CUP: Balance(5)})

    adjust(ledger, [Adjustment(MUG, 3), Adjustment(CUP, -1)], OPENING)

    assert moved(ledger) == [(MUG, "OPENING", "FREE", 3), (CUP, "FREE", "OPENING", 1)]


def test_less_than_is_promised_is_refused_with_every_key() -> None:
    ledger = Ledger({MUG: Balance(5, 3), CUP: Balance(4, 4), JAR: Balance(1, 3, 2)})

    with pytest.raises(OnHandBelowReserved) as refusal:
        adjust(
            ledger,
            [Adjustment(MUG, on_hand=2), Adjustment(CUP, -1), Adjustment(JAR, on_hand=0)],
            LOST,
        )

    assert refusal.value.rows == (
        {"sku": "MUG", "locationId": "A", "onHand": 5, "reserved": 3, "wanted": 2},
        {"sku": "CUP", "locationId": "A", "onHand": 4, "reserved": 4, "wanted": 3},
        {"sku": "JAR", "locationId": "B", "onHand": 1, "reserved": 3, "wanted": 0},
    )
    assert not ledger.entries


def test_less_than_nothing_is_below_what_is_promised_or_of_no_record() -> None:
    with pytest.raises(OnHandBelowReserved):
        adjust(Ledger({MUG: Balance(5)}), [Adjustment(MUG, -6)], LOST)
    with pytest.raises(NotStockedHere) as refusal:
        adjust(Ledger({MUG: Balance(5)}), [Adjustment(CUP, -1), Adjustment(JAR, -1)], LOST)
    assert refusal.value.rows == (
        {"sku": "CUP", "locationId": "A"},
        {"sku": "JAR", "locationId": "B"},
    )


def test_who_expects_another_number_or_another_last_entry_is_told_what_there_is() -> None:
    ledger = Ledger({MUG: Balance(5, sequence=7), CUP: Balance(4, sequence=2)})

    adjust(ledger, [Adjustment(MUG, expected_on_hand=5, expected_sequence=7)], LOST)
    with pytest.raises(OnHandChanged) as number:
        adjust(
            ledger,
            [Adjustment(MUG, 1, expected_on_hand=6), Adjustment(CUP, 1, expected_on_hand=0)],
            LOST,
        )
    assert number.value.rows == (
        {"sku": "MUG", "locationId": "A", "onHand": 5, "expectedOnHand": 6},
        {"sku": "CUP", "locationId": "A", "onHand": 4, "expectedOnHand": 0},
    )
    with pytest.raises(BalanceChanged) as sequence:
        adjust(
            ledger,
            [
                Adjustment(MUG, 1, expected_sequence=6),
                Adjustment(CUP, 1, expected_sequence=3),
                Adjustment(JAR, 1, expected_sequence=1),
            ],
            LOST,
        )
    assert sequence.value.rows == (
        {"sku": "MUG", "locationId": "A", "sequence": 7, "expectedSequence": 6},
        {"sku": "CUP", "locationId": "A", "sequence": 2, "expectedSequence": 3},
        {"sku": "JAR", "locationId": "B", "sequence": 0, "expectedSequence": 1},
    )
    assert not ledger.entries


def test_of_several_mistakes_the_first_kind_is_told() -> None:
    ledger = Ledger({MUG: Balance(5, 5, sequence=7), CUP: Balance(4)})
    moved_on = Adjustment(MUG, 1, expected_sequence=6)
    other = Adjustment(CUP, 1, expected_on_hand=3)
    unknown = Adjustment(JAR, -1)
    below = Adjustment(MUG, -1)

    for mistakes, error in (
        ([below, unknown, other, moved_on], BalanceChanged),
        ([below, unknown, other], OnHandChanged),
        ([below, unknown], NotStockedHere),
        ([below], OnHandBelowReserved),
    ):
        with pytest.raises(error):
            adjust(ledger, mistakes, LOST)


def test_free_units_go_to_another_location_and_pay_its_deficit() -> None:
    ledger = Ledger({MUG: Balance(5, 2), MUG_B: Balance(reserved=1, short=1)})

    transfer(ledger, [Transfer(MUG, "B", 3)])

    assert moved(ledger) == [
        (MUG, "FREE", "TRANSIT", 3),
        (MUG_B, "TRANSIT", "SHORT", 1),
        (MUG_B, "TRANSIT", "FREE", 2),
    ]
    assert causes(ledger) == {"TRANSFERRED"}


def test_what_arrives_cannot_be_sent_on_at_once_and_what_leaves_is_summed() -> None:
    ledger = Ledger({MUG: Balance(5, 2), MUG_B: Balance(1), CUP: Balance(9)})

    with pytest.raises(InsufficientStock) as refusal:
        transfer(
            ledger,
            [Transfer(MUG, "B", 2), Transfer(MUG, "C", 2), Transfer(MUG_B, "A", 2),
             Transfer(CUP, "B", 9)],
        )  # fmt: skip
    assert refusal.value.rows == (
        {"sku": "MUG", "locationId": "A", "wanted": 4, "available": 3},
        {"sku": "MUG", "locationId": "B", "wanted": 2, "available": 1},
    )
    assert not ledger.entries


def test_nothing_is_sent_to_where_it_is() -> None:
    with pytest.raises(SameLocation) as refusal:
        transfer(Ledger({MUG: Balance(5)}), [Transfer(MUG, "B", 1), Transfer(MUG, "A", 1)])

    assert refusal.value.facts() == {"sku": "MUG", "locationId": "A"}


def test_more_than_a_balance_can_hold_does_not_come_in() -> None:
    with pytest.raises(QuantityTooLarge):
        receive(Ledger({MUG: Balance(10**12)}), [StockLine(MUG, 1)])


def test_everything_that_was_decided_has_the_document_behind_it() -> None:
    ledger = Ledger({MUG: Balance(5)})
    document = Document(Actor("erp"), "PO-7")
    sold = Cause(MovementKind.SOLD, UUID(int=1))
    ledger.move(sold, MUG, Account.FREE, Account.CUSTOMER, 1)
    receive(ledger, [StockLine(CUP, 1)])

    assert documented(ledger, document) == {
        sold: document,
        Cause(MovementKind.RECEIVED): document,
    }
