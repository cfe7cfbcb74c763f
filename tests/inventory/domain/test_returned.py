import pytest

from ordermesh.inventory.domain.errors.stock import InsufficientBlocked
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Balance, BlockedKind, Ledger
from ordermesh.inventory.domain.returned import DisposedUnits, Disposition, dispose, take_back
from tests.inventory.domain.moves import CUP, JAR, MUG, causes, moved

RESTOCK, BLOCK, DISCARD = Disposition.RESTOCK, Disposition.BLOCK, Disposition.DISCARD
DAMAGED, INSPECTION, MISSING = BlockedKind.DAMAGED, BlockedKind.INSPECTION, BlockedKind.MISSING


def lacking(key: StockKey, wanted: int, blocked: int) -> dict[str, object]:
    return {"sku": key.sku, "locationId": key.location_id, "wanted": wanted, "blocked": blocked}


def test_what_comes_back_is_restocked_kept_apart_or_thrown_away() -> None:
    ledger = Ledger({MUG: Balance(on_hand=1, reserved=2, short=1)})

    take_back(
        ledger,
        [
            DisposedUnits(MUG, RESTOCK, 3),
            DisposedUnits(MUG, BLOCK, 1),
            DisposedUnits(MUG, BLOCK, 2, DAMAGED),
            DisposedUnits(CUP, DISCARD, 4),
        ],
        "W-1",
    )

    assert moved(ledger) == [
        (MUG, "CUSTOMER", "SHORT", 1),
        (MUG, "CUSTOMER", "FREE", 2),
        (MUG, "CUSTOMER", "INSPECTION", 1),
        (MUG, "CUSTOMER", "DAMAGED", 2),
        (CUP, "CUSTOMER", "LOSS", 4),
    ]
    assert {entry.cause.order_id for entry in ledger.entries} == {"W-1"}
    assert causes(ledger) == {"RETURNED"}


def test_units_with_the_same_end_come_back_together() -> None:
    ledger = Ledger({})

    take_back(ledger, [DisposedUnits(MUG, RESTOCK, 3), DisposedUnits(MUG, RESTOCK, 2)], "")

    assert moved(ledger) == [(MUG, "CUSTOMER", "FREE", 5)]


def test_blocked_units_are_restocked_or_discarded_by_their_kind() -> None:
    ledger = Ledger({MUG: Balance(reserved=1, short=1, damaged=3, missing=2)})

    dispose(
        ledger,
        [DisposedUnits(MUG, RESTOCK, 2, DAMAGED), DisposedUnits(MUG, DISCARD, 2, MISSING)],
    )

    assert moved(ledger) == [
        (MUG, "DAMAGED", "SHORT", 1),
        (MUG, "DAMAGED", "FREE", 1),
        (MUG, "MISSING", "LOSS", 2),
    ]
    assert causes(ledger) == {"DISPOSED"}


def test_where_no_kind_is_named_inspection_comes_before_damage_and_nothing_is_missing() -> None:
    ledger = Ledger({MUG: Balance(damaged=3, inspection=2, missing=9)})

    dispose(ledger, [DisposedUnits(MUG, DISCARD, 4)])
    assert moved(ledger) == [(MUG, "INSPECTION", "LOSS", 2), (MUG, "DAMAGED", "LOSS", 2)]

    with pytest.raises(InsufficientBlocked) as refusal:
        dispose(ledger, [DisposedUnits(MUG, DISCARD, 2)])
    assert refusal.value.rows == (lacking(MUG, 2, 1),)


def test_what_names_its_kind_is_taken_before_what_does_not() -> None:
    ledger = Ledger({MUG: Balance(damaged=1, inspection=2)})

    dispose(ledger, [DisposedUnits(MUG, DISCARD, 1), DisposedUnits(MUG, RESTOCK, 2, INSPECTION)])

    assert moved(ledger) == [(MUG, "INSPECTION", "FREE", 2), (MUG, "DAMAGED", "LOSS", 1)]


def test_all_that_is_blocked_may_go_and_every_key_with_too_few_is_named() -> None:
    balances = {
        MUG: Balance(damaged=2, inspection=1),
        CUP: Balance(inspection=3),
        JAR: Balance(missing=4),
    }
    wanted = [
        DisposedUnits(MUG, RESTOCK, 1, DAMAGED),
        DisposedUnits(MUG, DISCARD, 1, DAMAGED),
        DisposedUnits(CUP, DISCARD, 2),
        DisposedUnits(CUP, RESTOCK, 1),
        DisposedUnits(JAR, RESTOCK, 4, MISSING),
    ]
    ledger = Ledger(balances)
    dispose(ledger, wanted)
    assert {ledger.balance(key).blocked for key in (MUG, CUP, JAR)} == {1, 0}

    with pytest.raises(InsufficientBlocked) as refusal:
        dispose(Ledger(balances), wanted * 2)
    assert refusal.value.rows == (lacking(MUG, 4, 2), lacking(JAR, 8, 4), lacking(CUP, 6, 3))


def test_what_is_named_and_what_is_not_may_not_be_the_same_units() -> None:
    ledger = Ledger({MUG: Balance(damaged=2, inspection=1)})
    named = DisposedUnits(MUG, DISCARD, 2, DAMAGED)

    with pytest.raises(InsufficientBlocked) as refusal:
        dispose(ledger, [named, DisposedUnits(MUG, DISCARD, 2)])
    assert refusal.value.rows == (lacking(MUG, 4, 3),)

    dispose(ledger, [named, DisposedUnits(MUG, DISCARD, 1)])
    assert ledger.balance(MUG).blocked == 0


def test_a_key_is_named_once_with_the_kind_that_has_too_few() -> None:
    ledger = Ledger({MUG: Balance(damaged=2)})

    with pytest.raises(InsufficientBlocked) as refusal:
        dispose(ledger, [DisposedUnits(MUG, DISCARD, 3, DAMAGED), DisposedUnits(MUG, DISCARD, 1)])

    assert refusal.value.rows == (lacking(MUG, 3, 2),)
