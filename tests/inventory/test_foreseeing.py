"""What may be decided on what is remembered, and what becomes of memory; no database is asked."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from opentelemetry.context import Context

from ordermesh.inventory.domain.control import Control, ControlKind
from ordermesh.inventory.domain.control_table import ControlTable
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.ledger import Balance
from ordermesh.inventory.domain.plain import FreeStock, Granted, PlainAsk, PlainLine
from ordermesh.inventory.domain.quotas import NO_QUOTAS, HoldQuotas
from ordermesh.inventory.operations.foreseeing import (
    may_foresee,
    reserve_foreseen,
    unseen_keys,
)
from ordermesh.inventory.operations.plain import PlainWish
from ordermesh.inventory.ports import recollection
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.recollection import Recollection
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.at_once import AtOnce, MustLook
from ordermesh.runtime.batching import LATER

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MUG, CUP, JUG = StockKey("MUG", "A"), StockKey("CUP", "A"), StockKey("JUG", "A")
STAMPS = (UUID(int=100), UUID(int=101))
HISTORY = 3


class Controls:
    """Notes with which stamps a transaction was told to count on controls."""

    def __init__(self) -> None:
        self.expected: list[tuple[object, object]] = []

    def expect(self, tx: object, stamps: object) -> None:
        self.expected.append((tx, stamps))


class Books:
    """Notes what is to be written."""

    def __init__(self) -> None:
        self.written: list[tuple[Names, Sequence[Granted], FreeStock, datetime]] = []

    async def write(
        self,
        _tx: object,
        names: Names,
        granted: Sequence[Granted],
        stock: FreeStock,
        _terms: object,
        now: datetime,
    ) -> None:
        self.written.append((names, granted, stock, now))


class Shelves(dict[StockKey, Balance]):
    """Finds one at a time, and never tells all."""

    def keys(self) -> Any:
        raise AssertionError("all that is remembered was gone through")

    __iter__ = items = values = keys


class Aside(set[StockKey]):
    """The same for keys alone."""

    def __iter__(self) -> Any:
        raise AssertionError("all that is remembered was gone through")


def memory(*controls: Control, **balances: Balance) -> Recollection:
    """Ten mugs and one cup at A, and nothing else, are remembered."""
    known = balances or {"MUG": Balance(on_hand=10, sequence=4), "CUP": Balance(on_hand=1)}
    return Recollection(
        stamps=STAMPS,
        controls=ControlTable(controls, 1),
        item_ids={sku: number for number, sku in enumerate(known, start=1)},
        location_ids={"A": 1},
        balances={StockKey(sku, "A"): balance for sku, balance in known.items()},
        history=HISTORY,
    )


def stores(known: Recollection, quotas: HoldQuotas = NO_QUOTAS) -> Stores:
    """Only what is asked: any other store would not be there."""
    parts = SimpleNamespace(recollection=known, quotas=quotas, controls=Controls(), plain=Books())
    return cast("Stores", parts)


def line(key: StockKey = MUG, quantity: int = 1) -> PlainLine:
    return PlainLine("1", key, quantity)


def wish(number: int = 1, *lines: PlainLine, is_limited: bool = False, **fields: Any) -> PlainWish:
    hold = timedelta(minutes=15)
    ask = PlainAsk(Actor("shop"), UUID(int=number), f"O-{number}", lines or (line(),), hold)
    return PlainWish(ask._replace(**fields), Context(), is_limited)


def transaction(history: int = HISTORY) -> AtOnce:
    return AtOnce(cast("Any", SimpleNamespace(history=history)), NOON)


def test_what_is_remembered_may_be_decided_on() -> None:
    assert may_foresee(stores(memory()), [wish()])
    assert may_foresee(stores(memory()), [wish(1, line(MUG), line(CUP))])


@pytest.mark.parametrize(
    "another",
    [wish(1, line(JUG)), wish(1, line(MUG), line(JUG)), None],
    ids=["unseen", "half unseen", "not plain"],
)
def test_what_needs_to_be_looked_at_is_not_foreseen(another: PlainWish | None) -> None:
    assert not may_foresee(stores(memory()), [another])


def test_half_of_the_wishes_are_enough_and_fewer_are_not() -> None:
    plain, other = [wish(number) for number in (1, 2)], [wish(n, line(JUG)) for n in (3, 4, 5)]

    assert may_foresee(stores(memory()), [*plain, *other[:2]])
    assert may_foresee(stores(memory()), [plain[0], other[0]])
    assert not may_foresee(stores(memory()), [*plain, *other])
    assert not may_foresee(stores(memory()), [plain[0], *other[:2]])


@pytest.mark.parametrize(
    ("kind", "is_enough"),
    [
        (ControlKind.BUFFER_UNITS, True),
        (ControlKind.EXCLUDE, True),
        (ControlKind.POOL, False),
        (ControlKind.LIMIT_PER_LINE, False),
        (ControlKind.LIMIT_PER_ORDER, False),
        (ControlKind.LIMIT_PER_CUSTOMER, False),
    ],
)
def test_pools_and_limits_need_a_look_at_what_was_taken(
    kind: ControlKind, *, is_enough: bool
) -> None:
    known = memory(Control("one", kind, 1, sku="OTHER"))

    assert may_foresee(stores(known), [wish()]) is is_enough


def test_quotas_need_a_look_at_what_is_held_by_those_whom_they_concern() -> None:
    shoppers, callers = HoldQuotas(customer_units=5), HoldQuotas(caller_reservations=5)

    assert not may_foresee(stores(memory(), shoppers), [wish(customer="Ada")])
    assert may_foresee(stores(memory(), shoppers), [wish()])
    assert not may_foresee(stores(memory(), callers), [wish(is_limited=True)])
    assert may_foresee(stores(memory(), callers), [wish()])


def test_nothing_is_foreseen_before_anything_was_seen() -> None:
    known = memory()
    known.stamps = None

    assert not may_foresee(stores(known), [wish()])


def test_a_rest_is_counted_only_where_it_would_be_tried() -> None:
    known = memory()
    known.forget([])
    known.forget([])  # after two misses it rests twice

    assert not may_foresee(stores(known), [wish(1, line(JUG))])
    assert not may_foresee(stores(known), [wish()])
    assert not may_foresee(stores(known), [wish()])
    assert may_foresee(stores(known), [wish()])


def written(parts: Stores) -> list[tuple[Names, Sequence[Granted], FreeStock, datetime]]:
    """What was written of each batch."""
    return cast("Books", parts.plain).written


async def decided(
    parts: Stores, tx: AtOnce, *wishes: PlainWish | None
) -> Sequence[tuple[int, ...] | object]:
    """The units of each verdict's lines, or ``LATER``."""
    verdicts = await reserve_foreseen(parts, tx, wishes)
    return [
        tuple(one.quantity for one in verdict.ask.lines) if isinstance(verdict, Granted) else LATER
        for verdict in verdicts
    ]


async def test_each_is_decided_on_what_those_before_have_left() -> None:
    parts, tx = stores(memory()), transaction()

    verdicts = await decided(
        parts,
        tx,
        wish(1, line(quantity=4)),
        wish(2, line(quantity=7)),
        wish(3, line(JUG)),
        wish(4, line(quantity=5), line(CUP, 1)),
        wish(4, line(quantity=1)),
        None,
        wish(6),
    )

    assert verdicts == [(4,), LATER, LATER, (5, 1), LATER, LATER, (1,)]
    ((names, granted, stock, now),) = written(parts)
    assert [one.ask.reservation_id.int for one in granted] == [1, 4, 6]
    assert [one.sequences for one in granted] == [[5], [6, 1], [7]]
    assert [one.expire_time for one in granted] == [NOON + timedelta(minutes=15)] * 3
    assert stock.changed()[MUG] == Balance(on_hand=10, reserved=10, sequence=7)
    assert stock.opening_sequences() == [4, 0]
    assert now == NOON
    assert names.item_ids == {"MUG": 1, "CUP": 2}
    assert names.location_ids == {"A": 1}
    assert cast("Controls", parts.controls).expected == [(tx, STAMPS)]


@pytest.mark.parametrize(
    "fields", [{"sku": "MUG"}, {"tag": "hot"}, {"location_group": "west"}, {"channel": "web"}]
)
async def test_controls_decide_by_the_tags_and_groups_that_are_remembered(
    fields: dict[str, Any],
) -> None:
    known = memory(Control("floor", ControlKind.BUFFER_UNITS, 7, **fields))
    known.tags["MUG"], known.groups["A"] = ("hot",), ("west",)

    verdicts = await decided(
        stores(known),
        transaction(),
        wish(1, line(quantity=4), channel="web"),
        wish(2, line(quantity=3), channel="web"),
    )

    assert verdicts == [LATER, (3,)]


async def test_the_next_start_from_what_was_decided() -> None:
    known = memory()
    await decided(stores(known), transaction(), wish(1, line(quantity=4)))

    assert (known.balances[MUG].reserved, known.balances[MUG].sequence) == (4, 5)
    assert known.balances[CUP] == Balance(on_hand=1)
    assert await decided(stores(known), transaction(), wish(2, line(quantity=7))) == [LATER]
    assert await decided(stores(known), transaction(), wish(3, line(quantity=6))) == [(6,)]


async def test_where_nothing_can_be_foreseen_nothing_is_written() -> None:
    known, tx = memory(), transaction()
    parts = stores(known)

    assert await decided(parts, tx, wish(1, line(quantity=11))) == [LATER]

    assert written(parts) == []
    assert cast("Controls", parts.controls).expected == []
    tx.failed()
    assert known.epoch == 0
    assert known.balances[MUG].reserved == 0


async def test_what_failed_is_forgotten_with_all_that_counts_on_it() -> None:
    known, first, second = memory(), transaction(), transaction()
    await decided(stores(known), first, wish(1, line(quantity=4)))
    await decided(stores(known), second, wish(2, line(quantity=4)))
    assert (first.is_believed, second.is_believed) == (True, True)

    first.failed()

    assert not second.is_believed
    assert MUG not in known.balances
    assert CUP in known.balances


async def test_what_came_true_ends_a_row_of_misses() -> None:
    known, tx = memory(), transaction()
    known.forget([])
    await decided(stores(known), tx, wish())
    for call in tx.end():
        call()

    known.forget([])

    # One miss alone needs no rest.
    assert not known.is_resting()


async def test_of_another_history_nothing_is_remembered() -> None:
    known = memory()

    with pytest.raises(MustLook):
        await decided(stores(known), transaction(HISTORY + 1), wish())

    assert (known.stamps, known.balances, known.history) == (None, {}, HISTORY + 1)
    with pytest.raises(MustLook):
        await decided(stores(known), transaction(HISTORY + 1), wish())


def test_what_is_plainly_wanted_and_was_never_seen_is_unseen() -> None:
    known = stores(memory())

    assert unseen_keys(known, [wish(1, line(MUG), line(JUG)), None, wish(2)]) == {JUG}
    known.recollection.set_apart([JUG])
    assert unseen_keys(known, [wish(1, line(MUG), line(JUG))]) == set()


async def test_however_much_is_remembered_nobody_goes_through_it_to_decide() -> None:
    known = memory()
    known.balances, known.others = Shelves(known.balances), Aside(known.others)
    wishes = [wish(1), wish(2, line(MUG), line(CUP)), wish(3, line(JUG))]

    assert unseen_keys(stores(known), wishes) == {JUG}
    assert may_foresee(stores(known), wishes)
    assert len(await decided(stores(known), transaction(), *wishes)) == len(wishes)


def test_where_nothing_can_be_foreseen_nothing_is_unseen() -> None:
    limit = Control("limit", ControlKind.LIMIT_PER_CUSTOMER, 3)
    unstamped = memory()
    unstamped.stamps = None

    assert unseen_keys(stores(memory(limit)), [wish(1, line(JUG))]) == set()
    assert unseen_keys(stores(unstamped), [wish(1, line(JUG))]) == set()


def test_however_many_keys_are_asked_for_that_are_nowhere_few_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recollection, "KEYS_MAX", 10)
    known = memory()

    for number in range(100):
        known.set_apart([StockKey(f"NOBODY-{number}-{place}", "A") for place in range(3)])
        assert len(known.others) <= 10
    assert StockKey("NOBODY-99-2", "A") in known.others
