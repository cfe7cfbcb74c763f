from uuid import UUID

import pytest

from ordermesh.inventory.domain.errors.requests import QuantityTooLarge
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import (
    Account,
    Balance,
    BlockedKind,
    Cause,
    Entry,
    Ledger,
    MovementKind,
)

KEY = StockKey("RETRO-CLOCK", "STORE-12")
CAUSE = Cause(MovementKind.ADJUSTED)
FREE, RESERVED, SHORT = Account.FREE, Account.RESERVED, Account.SHORT
DAMAGED, INSPECTION, MISSING = Account.DAMAGED, Account.INSPECTION, Account.MISSING
SUPPLIER, CUSTOMER, LOSS = Account.SUPPLIER, Account.CUSTOMER, Account.LOSS

WORKED_EXAMPLE = [
    # what happens, entries, then on hand, reserved, short, blocked
    ("receive 10", [(SUPPLIER, FREE, 10)], (10, 0, 0, 0)),
    ("reserve 4 for order X", [(FREE, RESERVED, 4)], (10, 4, 0, 0)),
    ("reserve 5 for order Y", [(FREE, RESERVED, 5)], (10, 9, 0, 0)),
    ("ship X", [(RESERVED, CUSTOMER, 4)], (6, 5, 0, 0)),
    ("a count finds 3", [(FREE, LOSS, 1), (SHORT, LOSS, 2)], (3, 5, 2, 0)),
    ("reassign 2 of Y elsewhere", [(RESERVED, SHORT, 2)], (3, 3, 0, 0)),
    ("a return comes in damaged", [(CUSTOMER, DAMAGED, 1)], (3, 3, 0, 1)),
    ("its disposition: sellable", [(DAMAGED, FREE, 1)], (4, 3, 0, 0)),
]


def figures(balance: Balance) -> tuple[int, int, int, int]:
    return balance.on_hand, balance.reserved, balance.short, balance.blocked


def test_the_worked_example_of_the_design_comes_out_row_by_row() -> None:
    ledger = Ledger({})
    for what, entries, expected in WORKED_EXAMPLE:
        for source, target, quantity in entries:
            ledger.move(CAUSE, KEY, source, target, quantity)
        assert figures(ledger.balance(KEY)) == expected, what

    assert [entry.sequence for entry in ledger.entries] == list(range(1, 10))


def test_a_balance_is_the_fold_of_its_entries() -> None:
    ledger = Ledger({})
    for _, entries, _ in WORKED_EXAMPLE:
        for source, target, quantity in entries:
            ledger.move(CAUSE, KEY, source, target, quantity)

    sums = dict.fromkeys(Account, 0)
    for entry in ledger.entries:
        sums[entry.source] -= entry.quantity
        sums[entry.target] += entry.quantity

    balance = ledger.balance(KEY)
    assert sums[FREE] == balance.free
    assert sums[RESERVED] == balance.reserved
    assert sums[DAMAGED] == balance.damaged
    assert sums[INSPECTION] == balance.inspection
    assert sums[MISSING] == balance.missing
    assert -sums[SHORT] == balance.short
    assert sum(sums.values()) == 0


def test_each_kind_of_blocked_units_has_a_figure_of_its_own() -> None:
    ledger = Ledger({KEY: Balance(on_hand=10, reserved=4)})

    for kind, count in ((BlockedKind.DAMAGED, 1), (BlockedKind.INSPECTION, 2)):
        ledger.move(CAUSE, KEY, FREE, kind.account, count)
    ledger.take_away(CAUSE, KEY, MISSING, 5)

    balance = ledger.balance(KEY)
    assert [balance.blocked_as(kind) for kind in BlockedKind] == [1, 2, 5]
    assert (balance.blocked, balance.on_hand, balance.free, balance.short) == (8, 2, 0, 2)
    assert [(entry.source, entry.quantity) for entry in ledger.entries[2:]] == [
        (FREE, 3), (SHORT, 2),
    ]  # fmt: skip


def test_no_more_is_taken_away_than_is_on_hand() -> None:
    ledger = Ledger({KEY: Balance(on_hand=2, reserved=1)})

    with pytest.raises(ValueError, match="not on hand"):
        ledger.take_away(CAUSE, KEY, MISSING, 3)

    assert ledger.entries == ()


@pytest.mark.parametrize(
    ("quantity", "entries", "expected"),
    [
        (1, [(SHORT, 1)], (4, 5, 1, 0)),
        (2, [(SHORT, 2)], (5, 5, 0, 0)),
        (7, [(SHORT, 2), (FREE, 5)], (10, 5, 0, 0)),
    ],
)
def test_what_comes_in_pays_the_deficit_first(
    quantity: int, entries: list[tuple[Account, int]], expected: tuple[int, int, int, int]
) -> None:
    ledger = Ledger({KEY: Balance(on_hand=3, reserved=5, short=2, sequence=6)})

    ledger.bring(CAUSE, KEY, SUPPLIER, quantity)

    assert [(entry.target, entry.quantity) for entry in ledger.entries] == entries
    assert figures(ledger.balance(KEY)) == expected


def test_serial_numbers_go_with_the_units_that_they_name() -> None:
    ledger = Ledger({KEY: Balance(on_hand=0, reserved=1, short=1, sequence=2)})

    ledger.bring(CAUSE, KEY, SUPPLIER, 3, ("S1", "S2", "S3"))

    assert [entry.serial_numbers for entry in ledger.entries] == [("S1",), ("S2", "S3")]


def test_a_released_promise_pays_the_deficit_first() -> None:
    ledger = Ledger({KEY: Balance(on_hand=3, reserved=5, short=2, sequence=6)})

    ledger.bring(CAUSE, KEY, RESERVED, 3)

    assert figures(ledger.balance(KEY)) == (3, 2, 0, 0)
    assert ledger.balance(KEY).free == 1


@pytest.mark.parametrize(
    ("source", "target", "quantity"),
    [
        (FREE, RESERVED, 6),  # 5 are free
        (FREE, LOSS, 6),
        (RESERVED, CUSTOMER, 6),  # 5 are reserved
        (DAMAGED, FREE, 1),  # none is blocked
        (INSPECTION, FREE, 1),
        (MISSING, FREE, 1),
        (SUPPLIER, SHORT, 1),  # nothing is owed
        (FREE, FREE, 1),
        (SUPPLIER, FREE, 0),
        (SUPPLIER, FREE, -1),
    ],
)
def test_an_entry_that_no_sound_ledger_can_have_is_a_fault(
    source: Account, target: Account, quantity: int
) -> None:
    ledger = Ledger({KEY: Balance(on_hand=10, reserved=5)})

    with pytest.raises(ValueError, match=r"."):
        ledger.move(CAUSE, KEY, source, target, quantity)


def test_a_balance_that_lies_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="below zero"):
        Balance(on_hand=-1)
    with pytest.raises(ValueError, match="deficit"):
        Balance(on_hand=1, reserved=2)
    with pytest.raises(ValueError, match="deficit"):
        Balance(on_hand=2, reserved=1, short=1)


def test_a_balance_has_a_limit() -> None:
    ledger = Ledger({KEY: Balance(on_hand=10**12 - 1)})
    ledger.move(CAUSE, KEY, SUPPLIER, FREE, 1)

    with pytest.raises(QuantityTooLarge) as refusal:
        ledger.move(CAUSE, KEY, SUPPLIER, FREE, 1)

    assert refusal.value.facts() == {"sku": "RETRO-CLOCK", "locationId": "STORE-12"}


def test_an_entry_with_one_account_on_both_sides_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="moves nothing"):
        Entry(CAUSE, KEY, 1, FREE, FREE, 1)


@pytest.mark.parametrize(
    ("balance", "is_empty"),
    [
        (Balance(), True),
        (Balance(sequence=9), True),
        (Balance(on_hand=1), False),
        (Balance(reserved=1, short=1), False),
        (Balance(damaged=1), False),
        (Balance(inspection=1), False),
        (Balance(missing=1), False),
    ],
)
def test_a_balance_is_empty_where_nothing_is_there_and_nothing_is_promised(
    balance: Balance, *, is_empty: bool
) -> None:
    assert balance.is_empty == is_empty


POOL = 7
OTHER = StockKey("CUP", "STORE-12")


def test_promised_units_are_taken_from_their_pool_and_sold_ones_stay_taken() -> None:
    ledger = Ledger({KEY: Balance(10), OTHER: Balance(5)}, {(POOL, KEY): 3})

    ledger.move(CAUSE, KEY, FREE, RESERVED, 6, pool=POOL)
    assert ledger.taken(POOL, KEY) == 9
    ledger.move(CAUSE, KEY, RESERVED, CUSTOMER, 2, pool=POOL)
    assert ledger.taken(POOL, KEY) == 9
    ledger.bring(CAUSE, KEY, RESERVED, 3, pool=POOL)
    assert ledger.taken(POOL, KEY) == 6
    ledger.move(CAUSE, KEY, FREE, LOSS, 1, pool=POOL)
    ledger.move(CAUSE, KEY, SUPPLIER, FREE, 1, pool=POOL)

    assert ledger.taken(POOL, KEY) == 6
    assert ledger.taken_here() == {(POOL, KEY): 3}
    assert (ledger.taken(POOL, OTHER), ledger.taken(8, KEY)) == (0, 0)


def test_units_of_no_pool_are_taken_from_none() -> None:
    ledger = Ledger({KEY: Balance(10)})

    ledger.move(CAUSE, KEY, FREE, RESERVED, 6)

    assert ledger.taken_here() == {}


def test_what_was_taken_and_given_back_was_not_taken() -> None:
    ledger = Ledger({KEY: Balance(10), OTHER: Balance(5)})

    for key in (KEY, OTHER):
        ledger.move(CAUSE, key, FREE, RESERVED, 4, pool=POOL)
    ledger.bring(CAUSE, KEY, RESERVED, 4, pool=POOL)

    assert ledger.taken_here() == {(POOL, OTHER): 4}


def test_a_supply_is_promised_by_the_sum_of_what_was_promised_of_it() -> None:
    ledger = Ledger({})

    for supply_id, units in (("S1", 4), ("S2", 3), ("S1", -1), ("S3", 2), ("S3", -2)):
        ledger.promise(supply_id, units)

    assert ledger.promised() == {"S1": 3, "S2": 3}
    assert ledger.entries == ()


def test_what_is_promised_on_supply_is_taken_from_its_pool_at_once() -> None:
    ledger = Ledger({KEY: Balance()}, {(POOL, KEY): 1})

    ledger.promise("S1", 4, (POOL, KEY))
    mark = ledger.mark()
    ledger.promise("S1", -1, (POOL, KEY))
    assert (ledger.taken(POOL, KEY), ledger.taken_here()) == (4, {(POOL, KEY): 3})
    ledger.undo(mark)

    assert (ledger.taken(POOL, KEY), ledger.promised()) == (5, {"S1": 4})


def test_undoing_forgets_everything_since_the_mark_and_nothing_before() -> None:
    ledger = Ledger({KEY: Balance(10)}, {(POOL, KEY): 1})
    ledger.move(CAUSE, KEY, FREE, RESERVED, 2, pool=POOL)
    ledger.promise("S1", 1)
    mark = ledger.mark()
    before = (ledger.entries, ledger.balance(KEY), ledger.taken(POOL, KEY), ledger.promised())

    ledger.move(CAUSE, KEY, FREE, RESERVED, 3, pool=POOL)
    ledger.move(CAUSE, OTHER, SUPPLIER, FREE, 3)
    ledger.promise("S1", 5)
    ledger.promise("S2", 5)
    assert [entry.quantity for entry in ledger.since(mark)] == [3, 3]
    assert ledger.changed().keys() == {KEY, OTHER}
    ledger.undo(mark)

    after = (ledger.entries, ledger.balance(KEY), ledger.taken(POOL, KEY), ledger.promised())
    assert after == before
    assert not ledger.has_record(OTHER)
    assert ledger.since(mark) == ()
    assert ledger.changed() == {KEY: Balance(10, 2, sequence=1)}
    # It goes on from there.
    ledger.move(CAUSE, KEY, FREE, RESERVED, 1)
    assert [entry.sequence for entry in ledger.entries] == [1, 2]


def test_deficits_are_told_of_keys_that_are_short_or_were() -> None:
    short = Balance(on_hand=1, reserved=3, short=2)
    ledger = Ledger({KEY: short, OTHER: Balance(4, 4)})
    third = StockKey("JAR", "STORE-12")

    assert ledger.deficits() == {}
    ledger.bring(CAUSE, KEY, SUPPLIER, 2)
    ledger.take_away(CAUSE, OTHER, LOSS, 1)
    ledger.bring(CAUSE, third, SUPPLIER, 2)

    assert ledger.deficits() == {KEY: 0, OTHER: 1}


def test_an_entry_serves_the_reservation_of_its_cause_or_one_of_its_own() -> None:
    ledger = Ledger({KEY: Balance(10)})
    cause = Cause(MovementKind.RESERVED, UUID(int=1))

    ledger.move(cause, KEY, FREE, RESERVED, 1)
    ledger.move(cause, KEY, FREE, RESERVED, 1, reservation_id=UUID(int=2))

    assert [entry.reservation_id for entry in ledger.entries] == [UUID(int=1), UUID(int=2)]


def test_all_that_is_on_hand_may_be_taken_away() -> None:
    ledger = Ledger({KEY: Balance(on_hand=2, reserved=2)})

    ledger.take_away(CAUSE, KEY, MISSING, 2)

    assert [(entry.source, entry.quantity) for entry in ledger.entries] == [(SHORT, 2)]
    assert figures(ledger.balance(KEY)) == (0, 2, 2, 2)


@pytest.mark.parametrize("kind", BlockedKind)
def test_blocked_units_have_the_same_limit(kind: BlockedKind) -> None:
    ledger = Ledger({KEY: Balance(on_hand=3)})
    ledger.move(CAUSE, KEY, CUSTOMER, kind.account, 10**12)

    with pytest.raises(QuantityTooLarge):
        ledger.move(CAUSE, KEY, FREE, Account.DAMAGED, 1)


@pytest.mark.parametrize(
    "figures",
    [
        {"reserved": -1},
        {"damaged": -1},
        {"inspection": -1},
        {"missing": -1},
        {"on_hand": -1, "reserved": 2, "short": 3},
        {"on_hand": 2, "reserved": 3},
        {"short": -1},
        {"on_hand": 3, "reserved": 2, "short": -1},
    ],
)
def test_figures_that_no_sound_ledger_can_have_are_refused(figures: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"below zero|deficit"):
        Balance(**figures)
