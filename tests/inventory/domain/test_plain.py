"""What is granted as plain is what ``reserve`` grants, whatever was asked before it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordermesh.inventory.domain.control import Control, ControlKind
from ordermesh.inventory.domain.control_table import ControlTable
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.kit import Wanted
from ordermesh.inventory.domain.ledger import Account, Balance, Ledger
from ordermesh.inventory.domain.plain import FreeStock, Granted, PlainAsk, PlainLine
from ordermesh.inventory.domain.reservation import LineState
from ordermesh.inventory.domain.reserving import Ask, refuse_malformed, reserve
from ordermesh.inventory.domain.selling import Terms
from ordermesh.kernel.errors import DomainError

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOLD = timedelta(minutes=15)
SHOP = Actor("shop")
KEYS = [StockKey(sku, place) for sku in ("MUG", "CUP") for place in ("A", "B")]
MUG, CUP = KEYS[0], KEYS[2]
NOWHERE = StockKey("MUG", "C")

balances = st.builds(
    lambda on_hand, reserved, damaged, sequence: Balance(
        on_hand, reserved, max(0, reserved - on_hand), damaged, 0, 0, sequence
    ),
    *(st.integers(0, 12) for _ in range(4)),
)
lines = st.builds(
    PlainLine, st.sampled_from(["1", "2", "3"]), st.sampled_from(KEYS), st.integers(1, 6)
)
controls = st.builds(
    Control,
    st.uuids().map(str),
    st.sampled_from(
        [
            ControlKind.EXCLUDE,
            ControlKind.SAFETY_STOCK,
            ControlKind.BUFFER_UNITS,
            ControlKind.BUFFER_PERCENT,
            ControlKind.CAP,
        ]
    ),
    st.integers(0, 4),
    sku=st.sampled_from(["", "MUG"]),
    location_id=st.sampled_from(["", "B"]),
    channel=st.sampled_from(["", "web"]),
)


def ask(number: int, wanted: Sequence[PlainLine], channel: str = "") -> PlainAsk:
    hold = HOLD if number % 2 else None
    return PlainAsk(SHOP, UUID(int=number), f"O-{number}", wanted, hold, number, channel, "Ada")


def as_reserve_decides(ledger: Ledger, wanted: PlainAsk, terms: Terms) -> bool:
    """Whether ``reserve`` grants it; what it refuses has changed nothing."""
    mark = ledger.mark()
    whole = Ask(
        wanted.reservation_id,
        wanted.order_id,
        [Wanted(*line) for line in wanted.lines],
        wanted.hold_duration,
        fence=wanted.fence,
        channel=wanted.channel,
        customer=wanted.customer,
    )
    try:
        refuse_malformed(whole.wanted)
        made = reserve(ledger, wanted.actor, whole, {}, terms, NOON).made
    except DomainError:
        ledger.undo(mark)
        return False
    is_held = wanted.hold_duration is not None
    assert [(one.line_id, one.key, one.quantity) for one in made.lines] == list(wanted.lines)
    assert {one.state for one in made.lines} == {LineState.HELD if is_held else LineState.CONFIRMED}
    return True


@given(
    st.dictionaries(st.sampled_from(KEYS), balances),
    st.lists(
        st.tuples(st.lists(lines, min_size=1, max_size=3), st.sampled_from(["", "web"])), max_size=8
    ),
    st.lists(controls, max_size=3),
    st.sets(st.sampled_from(KEYS), max_size=1),
)
def test_it_grants_what_reserve_grants_entry_by_entry(
    there: Mapping[StockKey, Balance],
    wanted: Sequence[tuple[Sequence[PlainLine], str]],
    in_force: Sequence[Control],
    off: set[StockKey],
) -> None:
    terms = Terms(off=frozenset(off), controls=ControlTable(in_force, 7))
    stock, ledger = FreeStock(there, terms, NOON), Ledger(there)

    for number, (some, channel) in enumerate(wanted, start=1):
        one = ask(number, some, channel)
        before = len(ledger.entries)
        granted = stock.grant(one)
        assert (granted is not None) == as_reserve_decides(ledger, one, terms)
        entries = ledger.entries[before:]
        sequences = [] if granted is None else granted.sequences
        assert [
            (entry.key, entry.quantity, entry.sequence, entry.source, entry.target)
            for entry in entries
        ] == [
            (line.key, line.quantity, sequence, Account.FREE, Account.RESERVED)
            for line, sequence in zip(some, sequences, strict=False)
        ]

    assert stock.changed() == ledger.changed()
    assert stock.opening_sequences() == [there[key].sequence for key in stock.changed()]


@pytest.mark.parametrize(
    "wanted",
    [
        [PlainLine("1", MUG, 6)],
        [PlainLine("1", MUG, 3), PlainLine("2", MUG, 3)],
        [PlainLine("1", MUG, 1), PlainLine("2", CUP, 1)],
        [PlainLine("1", NOWHERE, 1)],
        [PlainLine("1", MUG, 1), PlainLine("1", MUG, 1)],
        [PlainLine("1", MUG, 0)],
        [PlainLine("1", MUG, -1)],
    ],
    ids=[
        "too many",
        "too many in all",
        "one is gone",
        "unknown",
        "twice",
        "none",
        "less than none",
    ],
)
def test_what_is_not_a_plain_yes_changes_nothing(wanted: Sequence[PlainLine]) -> None:
    stock = FreeStock({MUG: Balance(on_hand=5, sequence=3), CUP: Balance()}, Terms(), NOON)

    assert stock.grant(ask(1, wanted)) is None

    assert stock.changed() == {}
    assert stock.grant(ask(2, [PlainLine("1", MUG, 5)])) is not None


def test_what_is_granted_says_when_it_ends_and_under_which_controls() -> None:
    terms = Terms(controls=ControlTable((), 9))
    stock = FreeStock({MUG: Balance(on_hand=5, sequence=3)}, terms, NOON)
    held, kept = (ask(number, [PlainLine("1", MUG, 2)]) for number in (1, 2))

    assert stock.grant(held) == Granted(held, [4], NOON, NOON + HOLD, 9)
    assert stock.grant(kept) == Granted(kept, [5], NOON, None, 9)
    assert Granted(kept, [5], NOON, None, 9).units == 2
    assert stock.changed() == {MUG: Balance(on_hand=5, reserved=4, sequence=5)}
