"""What a row from outside does to a balance, and which rows cannot be right."""

from datetime import UTC, datetime, timedelta

import pytest

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import (
    BALANCE_LIMIT,
    Account,
    AdjustmentReason,
    Balance,
    Ledger,
    MovementKind,
)
from ordermesh.inventory.domain.misfits import misplaced, misshapen
from ordermesh.inventory.domain.stock_feed import (
    NOTHING_UNSEEN,
    Delta,
    DeltaKind,
    Leave,
    Marks,
    Misfit,
    Outcome,
    Picture,
    PictureRow,
    Tally,
    ToldCause,
    Trouble,
    Unseen,
    apply_delta,
    apply_picture,
    outcome_of,
    tallied,
)
from ordermesh.inventory.domain.stock_source import SourceKind, StockSource

MUG = StockKey("MUG", "A")
NIGHT = datetime(2026, 11, 25, 3, tzinfo=UTC)
TILL = StockSource("TILL", SourceKind.POS, ("A", "B"), jump_units=50)
NUMBERED = Picture(4, None)


def ledger(on_hand: int = 10, reserved: int = 0, sequence: int = 1) -> Ledger:
    return Ledger({MUG: Balance(on_hand, reserved, sequence=sequence)})


def delta(
    kind: DeltaKind, quantity: int, reason: AdjustmentReason = AdjustmentReason.NONE
) -> Delta:
    return Delta(7, MUG, kind, quantity, "paper", reason)


@pytest.mark.parametrize(
    ("change", "kind", "source", "target", "after"),
    [
        (delta(DeltaKind.SALE, 3), MovementKind.SOLD, Account.FREE, Account.CUSTOMER, 7),
        (delta(DeltaKind.RECEIPT, 3), MovementKind.RECEIVED, Account.SUPPLIER, Account.FREE, 13),
        (delta(DeltaKind.RETURN, 3), MovementKind.RETURNED, Account.CUSTOMER, Account.FREE, 13),
        (delta(DeltaKind.ADJUSTMENT, 3), MovementKind.ADJUSTED, Account.LOSS, Account.FREE, 13),
        (delta(DeltaKind.ADJUSTMENT, -3), MovementKind.ADJUSTED, Account.FREE, Account.LOSS, 7),
    ],
)
def test_a_change_goes_the_way_of_its_kind(
    change: Delta, kind: MovementKind, source: Account, target: Account, after: int
) -> None:
    books = ledger()

    assert apply_delta(books, TILL, change, Leave()) is Outcome.APPLIED

    [entry] = books.entries
    assert (entry.source, entry.target, entry.quantity) == (source, target, 3)
    assert books.balance(MUG).on_hand == after
    is_correction = change.kind is DeltaKind.ADJUSTMENT
    assert entry.cause == ToldCause(
        kind,
        source_id="TILL",
        source_sequence=7,
        reason=AdjustmentReason.CORRECTION if is_correction else AdjustmentReason.NONE,
        document="paper",
    )


def test_a_correction_keeps_its_reason() -> None:
    books = ledger()
    lost = delta(DeltaKind.ADJUSTMENT, -1, AdjustmentReason.LOST)

    apply_delta(books, TILL, lost, Leave())

    cause = books.entries[0].cause
    assert isinstance(cause, ToldCause)
    assert cause.reason is AdjustmentReason.LOST


@pytest.mark.parametrize(
    ("books", "change", "trouble", "facts"),
    [
        (ledger(), delta(DeltaKind.SALE, 11), Trouble.NEGATIVE, {"onHand": "10", "wanted": "-1"}),
        (ledger(), delta(DeltaKind.RECEIPT, 51), Trouble.IMPOSSIBLE_JUMP,
         {"onHand": "10", "wanted": "61", "limit": "50"}),
        (ledger(200, 0), delta(DeltaKind.SALE, 51), Trouble.IMPOSSIBLE_JUMP,
         {"onHand": "200", "wanted": "149", "limit": "50"}),
        (ledger(BALANCE_LIMIT), delta(DeltaKind.RECEIPT, 1), Trouble.TOO_LARGE,
         {"onHand": str(BALANCE_LIMIT), "wanted": str(BALANCE_LIMIT + 1)}),
        (ledger(10, 4), delta(DeltaKind.SALE, 7), Trouble.BELOW_RESERVED,
         {"onHand": "10", "wanted": "3", "reserved": "4"}),
    ],
)  # fmt: skip
def test_a_change_that_cannot_be_right_moves_nothing(
    books: Ledger, change: Delta, trouble: Trouble, facts: dict[str, str]
) -> None:
    found = apply_delta(books, TILL, change, Leave())

    assert isinstance(found, Misfit)
    assert (found.trouble, found.facts) == (trouble, facts)
    assert found.missing == (1 if trouble is Trouble.BELOW_RESERVED else 0)
    assert books.entries == ()


@pytest.mark.parametrize(
    ("books", "change"),
    [
        (ledger(10, 0), delta(DeltaKind.SALE, 10)),
        (ledger(10, 4), delta(DeltaKind.SALE, 6)),
        (ledger(10, 0), delta(DeltaKind.RECEIPT, 50)),
        (ledger(BALANCE_LIMIT - 1), delta(DeltaKind.RECEIPT, 1)),
    ],
)
def test_what_is_just_possible_is_done(books: Ledger, change: Delta) -> None:
    assert apply_delta(books, TILL, change, Leave()) is Outcome.APPLIED


def test_somebody_who_has_looked_lets_a_jump_pass() -> None:
    books = ledger()

    assert apply_delta(books, TILL, delta(DeltaKind.RECEIPT, 500), Leave(any_jump=True))
    assert books.balance(MUG).on_hand == 510


def test_goods_that_are_gone_take_free_units_first_and_then_leave_promises_short() -> None:
    books = ledger(10, 8)

    apply_delta(books, TILL, delta(DeltaKind.SALE, 5), Leave(below_reserved=True))

    balance = books.balance(MUG)
    assert (balance.on_hand, balance.reserved, balance.short) == (5, 8, 3)
    assert [(one.source, one.quantity) for one in books.entries] == [
        (Account.FREE, 2),
        (Account.SHORT, 3),
    ]


def test_a_balance_that_is_short_already_may_still_come_nearer_to_its_promises() -> None:
    books = Ledger({MUG: Balance(3, 8, 5, sequence=4)})

    assert apply_delta(books, TILL, delta(DeltaKind.RECEIPT, 2), Leave()) is Outcome.APPLIED
    assert books.balance(MUG).short == 3


def shown(
    books: Ledger,
    on_hand: int,
    unseen: Unseen = NOTHING_UNSEEN,
    picture: Picture = NUMBERED,
    included: int | None = 1,
    leave: Leave | None = None,
) -> Outcome | Misfit:
    row = PictureRow(MUG, on_hand, included)
    return apply_picture(books, TILL, picture, row, unseen, leave or Leave(), "night run")


def test_on_hand_becomes_what_was_seen_and_what_has_changed_since() -> None:
    books = ledger(10)

    assert shown(books, 12, Unseen(own=-3, others=-2)) is Outcome.APPLIED

    assert books.balance(MUG).on_hand == 7
    [entry] = books.entries
    assert (entry.source, entry.target) == (Account.FREE, Account.LOSS)
    assert entry.cause == ToldCause(
        MovementKind.ADJUSTED,
        source_id="TILL",
        reason=AdjustmentReason.SNAPSHOT,
        document="night run",
    )


def test_what_the_books_say_moves_nothing() -> None:
    books = ledger(10)

    assert shown(books, 13, Unseen(own=-1, others=-2)) is Outcome.UNCHANGED
    assert books.entries == ()


def test_what_people_counted_since_stands() -> None:
    books = ledger(10)

    assert shown(books, 13, Unseen(is_counted=True)) is Outcome.OUTDATED
    assert books.entries == ()


def test_a_key_without_any_entry_is_opened_whatever_the_jump() -> None:
    books = ledger(0, sequence=0)

    assert shown(books, 900, picture=Picture(None, NIGHT), included=None) is Outcome.APPLIED

    [entry] = books.entries
    assert (entry.source, entry.target, entry.quantity) == (Account.OPENING, Account.FREE, 900)
    assert isinstance(entry.cause, ToldCause)
    assert entry.cause.reason is AdjustmentReason.SNAPSHOT


@pytest.mark.parametrize(
    ("picture", "included", "reason"),
    [
        (Picture(4, NIGHT), 1, AdjustmentReason.SNAPSHOT),
        (Picture(4, NIGHT), None, AdjustmentReason.SNAPSHOT_BY_TIME),
        (Picture(None, NIGHT), 1, AdjustmentReason.SNAPSHOT_BY_TIME),
    ],
)
def test_what_is_judged_by_time_says_so(
    picture: Picture, included: int | None, reason: AdjustmentReason
) -> None:
    books = ledger(10)

    shown(books, 9, picture=picture, included=included)

    cause = books.entries[0].cause
    assert isinstance(cause, ToldCause)
    assert cause.reason is reason


def test_without_a_time_a_row_must_say_what_it_contains() -> None:
    assert shown(ledger(10), 9, included=None) == Misfit(
        Trouble.MALFORMED, {"field": "included_sequence"}
    )


def test_a_picture_is_held_to_the_same_rules_as_a_change() -> None:
    def trouble(found: Outcome | Misfit) -> Trouble | None:
        return found.trouble if isinstance(found, Misfit) else None

    assert trouble(shown(ledger(10), 2, Unseen(own=-3))) is Trouble.NEGATIVE
    assert trouble(shown(ledger(10), 61)) is Trouble.IMPOSSIBLE_JUMP
    assert trouble(shown(ledger(10), 61, leave=Leave(any_jump=True))) is None
    assert trouble(shown(ledger(10, 5), 4)) is Trouble.BELOW_RESERVED
    assert trouble(shown(ledger(10, 5), 4, leave=Leave(below_reserved=True))) is None


@pytest.mark.parametrize(
    ("row", "misfit"),
    [
        (PictureRow(MUG, 0), None),
        (PictureRow(MUG, -1), Misfit(Trouble.NEGATIVE, {"wanted": "-1"})),
        (PictureRow(StockKey("", "A"), 1), Misfit(Trouble.MALFORMED, {"field": "sku"})),
        (PictureRow(StockKey("M\n", "A"), 1), Misfit(Trouble.MALFORMED, {"field": "sku"})),
        (PictureRow(StockKey("M" * 128, "A"), 1), None),
        (PictureRow(StockKey("M" * 129, "A"), 1), Misfit(Trouble.MALFORMED, {"field": "sku"})),
        (PictureRow(StockKey("M", ""), 1), Misfit(Trouble.MALFORMED, {"field": "location_id"})),
        (delta(DeltaKind.UNSPECIFIED, 1), Misfit(Trouble.MALFORMED, {"field": "kind"})),
        (delta(DeltaKind.SALE, 0), Misfit(Trouble.MALFORMED, {"field": "quantity"})),
        (delta(DeltaKind.RECEIPT, -1), Misfit(Trouble.MALFORMED, {"field": "quantity"})),
        (delta(DeltaKind.ADJUSTMENT, 0), Misfit(Trouble.MALFORMED, {"field": "quantity"})),
        (delta(DeltaKind.ADJUSTMENT, -1), None),
        (delta(DeltaKind.SALE, 1), None),
    ],
)
def test_a_row_is_looked_at_by_itself(row: Delta | PictureRow, misfit: Misfit | None) -> None:
    assert misshapen(row) == misfit


@pytest.mark.parametrize(
    ("sku", "place", "trouble"),
    [
        ("MUG", "A", None),
        ("MUG", "MOON", Trouble.UNKNOWN_LOCATION),
        ("MUG", "C", Trouble.FOREIGN_LOCATION),
        ("NOBODY", "A", Trouble.UNKNOWN_SKU),
        ("BOX", "A", Trouble.KIT),
    ],
)
def test_a_row_is_about_a_key_that_the_source_speaks_for(
    sku: str, place: str, trouble: Trouble | None
) -> None:
    row = PictureRow(StockKey(sku, place), 1)

    found = misplaced(row, TILL, {"MUG", "BOX"}, {"A", "B", "C"}, {"BOX"})

    assert (found.trouble if found else None) is trouble


def test_pictures_are_compared_by_number_and_else_by_time() -> None:
    later = NIGHT + timedelta(hours=1)

    assert Picture(3, later).is_older_than(Picture(4, NIGHT))
    assert not Picture(4, NIGHT).is_older_than(Picture(4, later))
    assert not Picture(5, NIGHT).is_older_than(Picture(4, later))
    assert Picture(None, NIGHT).is_older_than(Picture(4, later))
    assert not Picture(None, NIGHT).is_older_than(Picture(None, NIGHT))
    assert not Picture(3, None).is_older_than(Picture(None, NIGHT))


def test_what_a_picture_does_not_say_is_known_from_those_before() -> None:
    later = NIGHT + timedelta(hours=1)

    assert Picture(3, NIGHT).after(None) == Picture(3, NIGHT)
    assert Picture(None, later).after(Picture(3, NIGHT)) == Picture(3, later)
    assert Picture(4, None).after(Picture(3, NIGHT)) == Picture(4, NIGHT)
    assert Picture(4, later).after(Picture(3, NIGHT)) == Picture(4, later)


def test_a_picture_covers_what_is_not_newer_by_all_that_the_other_says() -> None:
    assert Picture(4, None).covers(Picture(4, None))
    assert Picture(4, NIGHT).covers(Picture(3, NIGHT))
    assert not Picture(3, None).covers(Picture(4, None))
    assert not Picture(None, NIGHT).covers(Picture(4, None))
    assert not Picture(4, None).covers(Picture(4, NIGHT))


def test_a_picture_of_a_key_contains_the_changes_up_to_its_watermark() -> None:
    marks = Marks(keys={MUG: Picture(7, None)})

    assert marks.contain(delta(DeltaKind.SALE, 1))
    assert not Marks(keys={MUG: Picture(6, None)}).contain(delta(DeltaKind.SALE, 1))
    assert not Marks(keys={MUG: Picture(None, NIGHT)}).contain(delta(DeltaKind.SALE, 1))
    # That a picture of the location has begun says nothing of the key.
    assert not Marks(locations={"A": Picture(7, None)}).contain(delta(DeltaKind.SALE, 1))


def test_a_later_picture_of_the_key_or_of_its_location_outdates() -> None:
    old = Picture(3, None)

    assert Marks(keys={MUG: NUMBERED}).outdate(old, MUG, NIGHT)
    assert Marks(locations={"A": NUMBERED}).outdate(old, MUG, NIGHT)
    assert not Marks(locations={"B": NUMBERED}).outdate(old, MUG, NIGHT)
    assert not Marks(keys={MUG: NUMBERED}).outdate(NUMBERED, MUG, NIGHT)


def test_rows_are_counted_by_what_became_of_them() -> None:
    jump = Misfit(Trouble.IMPOSSIBLE_JUMP)
    tally = tallied([Outcome.APPLIED, jump, Outcome.APPLIED, Misfit(Trouble.KIT), jump])

    assert tally.outcomes == {Outcome.APPLIED: 2, Outcome.QUARANTINED: 3}
    assert tally.troubles == {Trouble.IMPOSSIBLE_JUMP: 2, Trouble.KIT: 1}
    assert outcome_of(jump) is Outcome.QUARANTINED
    assert outcome_of(Outcome.HELD) is Outcome.HELD
    total = Tally()
    total.add_all(tally)
    total.add_all(tally)
    assert total.outcomes[Outcome.APPLIED] == 4
    assert total.troubles[Trouble.KIT] == 2
