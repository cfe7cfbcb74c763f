import pytest

from ordermesh.inventory.domain.blocking import BlockedUnits, block, unblock, undercut
from ordermesh.inventory.domain.errors.stock import (
    InsufficientBlocked,
    InsufficientStock,
    ShortOfStock,
)
from ordermesh.inventory.domain.ledger import Balance, BlockedKind, Ledger
from tests.inventory.domain.moves import CUP, JAR, MUG, causes, moved

DAMAGED, INSPECTION, MISSING = BlockedKind.DAMAGED, BlockedKind.INSPECTION, BlockedKind.MISSING


def test_what_is_to_be_inspected_comes_from_free_units_alone() -> None:
    ledger = Ledger({MUG: Balance(on_hand=5, reserved=2)})

    with pytest.raises(InsufficientStock) as refusal:
        block(ledger, [BlockedUnits(MUG, INSPECTION, 4)])
    assert refusal.value.rows == ({"sku": "MUG", "locationId": "A", "wanted": 4, "available": 3},)
    assert not ledger.entries

    block(ledger, [BlockedUnits(MUG, INSPECTION, 3)])
    assert ledger.balance(MUG) == Balance(on_hand=2, reserved=2, inspection=3, sequence=1)
    assert causes(ledger) == {"BLOCKED"}


@pytest.mark.parametrize("kind", [DAMAGED, MISSING])
def test_facts_take_free_units_first_and_then_leave_promises_without_a_unit(
    kind: BlockedKind,
) -> None:
    ledger = Ledger({MUG: Balance(on_hand=5, reserved=4)})

    block(ledger, [BlockedUnits(MUG, kind, 3)])

    assert moved(ledger) == [(MUG, "FREE", kind.name, 1), (MUG, "SHORT", kind.name, 2)]
    assert ledger.balance(MUG).short == 2
    assert ledger.balance(MUG).blocked_as(kind) == 3


def test_facts_may_take_all_that_is_on_hand_and_no_more() -> None:
    books = {MUG: Balance(on_hand=5, reserved=4), CUP: Balance(on_hand=1), JAR: Balance(on_hand=2)}
    everything = [
        BlockedUnits(MUG, DAMAGED, 2), BlockedUnits(MUG, MISSING, 3), BlockedUnits(CUP, MISSING, 1)
    ]  # fmt: skip

    with pytest.raises(ShortOfStock) as refusal:
        block(Ledger(books), [*everything, *everything, BlockedUnits(JAR, DAMAGED, 2)])
    assert refusal.value.rows == (
        {"sku": "MUG", "locationId": "A", "wanted": 10, "onHand": 5},
        {"sku": "CUP", "locationId": "A", "wanted": 2, "onHand": 1},
    )

    ledger = Ledger(books)
    block(ledger, everything)
    assert ledger.balance(MUG).on_hand == ledger.balance(CUP).on_hand == 0


@pytest.mark.parametrize(
    ("free", "facts", "inspected", "is_refused"),
    [
        (5, 2, 3, False),
        (5, 2, 4, True),
        (5, 0, 5, False),
        (5, 0, 6, True),
        (5, 5, 1, True),
        # The facts alone go beyond what is free: for decisions nothing is left, and not less.
        (5, 7, 1, True),
    ],
)
def test_decisions_find_what_the_facts_leave(
    free: int, facts: int, inspected: int, *, is_refused: bool
) -> None:
    ledger = Ledger({MUG: Balance(on_hand=free + 3, reserved=3)})
    units = [BlockedUnits(MUG, INSPECTION, inspected)]
    units += [BlockedUnits(MUG, DAMAGED, facts)] if facts else []

    if is_refused:
        with pytest.raises(InsufficientStock) as refusal:
            block(ledger, units)
        assert refusal.value.rows == (
            {
                "sku": "MUG",
                "locationId": "A",
                "wanted": inspected,
                "available": max(0, free - facts),
            },
        )
        return
    block(ledger, units)
    assert ledger.balance(MUG).inspection == inspected
    assert ledger.balance(MUG).damaged == facts


def test_the_same_key_and_kind_twice_is_summed() -> None:
    ledger = Ledger({MUG: Balance(on_hand=5), CUP: Balance(on_hand=5)})

    block(ledger, [BlockedUnits(MUG, INSPECTION, 1), BlockedUnits(CUP, DAMAGED, 1)] * 2)

    assert moved(ledger) == [(MUG, "FREE", "INSPECTION", 2), (CUP, "FREE", "DAMAGED", 2)]


def test_facts_undercut_promises_by_what_is_not_free() -> None:
    ledger = Ledger({MUG: Balance(on_hand=5, reserved=3), CUP: Balance(on_hand=5, reserved=3)})

    assert undercut(ledger, [BlockedUnits(MUG, DAMAGED, 2)]) == {}
    assert undercut(ledger, [BlockedUnits(MUG, INSPECTION, 9)]) == {}
    assert undercut(
        ledger,
        [
            BlockedUnits(MUG, DAMAGED, 2),
            BlockedUnits(MUG, MISSING, 1),
            BlockedUnits(CUP, DAMAGED, 4),
        ],
    ) == {MUG: 1, CUP: 2}


def test_what_is_put_on_sale_again_pays_the_deficit_first() -> None:
    ledger = Ledger({MUG: Balance(on_hand=1, reserved=3, short=2, damaged=5)})

    unblock(ledger, [BlockedUnits(MUG, DAMAGED, 2), BlockedUnits(MUG, DAMAGED, 3)])

    assert moved(ledger) == [(MUG, "DAMAGED", "SHORT", 2), (MUG, "DAMAGED", "FREE", 3)]
    assert causes(ledger) == {"UNBLOCKED"}


def test_only_what_is_blocked_so_is_put_on_sale_again() -> None:
    ledger = Ledger(
        {MUG: Balance(damaged=2, inspection=9), CUP: Balance(missing=1), JAR: Balance()}
    )

    with pytest.raises(InsufficientBlocked) as refusal:
        unblock(
            ledger,
            [
                BlockedUnits(MUG, DAMAGED, 3),
                BlockedUnits(MUG, INSPECTION, 9),
                BlockedUnits(CUP, MISSING, 1),
                BlockedUnits(JAR, MISSING, 1),
            ],
        )
    assert refusal.value.rows == (
        {"sku": "MUG", "locationId": "A", "wanted": 3, "blocked": 2},
        {"sku": "JAR", "locationId": "B", "wanted": 1, "blocked": 0},
    )
    assert not ledger.entries
