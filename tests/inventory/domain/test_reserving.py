from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from ordermesh.inventory.domain.control import Control, ControlKind
from ordermesh.inventory.domain.control_table import ControlTable
from ordermesh.inventory.domain.errors.control import PurchaseLimit
from ordermesh.inventory.domain.errors.requests import DuplicateEntry, TooManySerialNumbers
from ordermesh.inventory.domain.errors.reservation import (
    Fenced,
    NotYourReservation,
    ReservationClosed,
    ReservationIdTaken,
    ReservationNotFound,
    ReservationReleased,
)
from ordermesh.inventory.domain.errors.stock import InsufficientStock, NotStockedHere
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.kit import Component, Kit, Wait, Wanted, exploded
from ordermesh.inventory.domain.ledger import Balance, Cause, Ledger, MovementKind
from ordermesh.inventory.domain.limits import Buyer, Purchases
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.reservation import Line, LineState, Reservation
from ordermesh.inventory.domain.reserving import (
    HOLD_DEFAULT,
    Ask,
    Reserved,
    refuse_malformed,
    reserve,
)
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.domain.supply import Supply, SupplyKind
from ordermesh.inventory.domain.verbs import release
from tests.inventory.domain.moves import moved

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
HOLD = timedelta(minutes=15)
STOREFRONT = Actor("storefront")
ID, OTHER = UUID(int=1), UUID(int=2)
MUG_A, MUG_B, CUP_A = StockKey("MUG", "A"), StockKey("MUG", "B"), StockKey("CUP", "A")


def books(**on_hand: int) -> Ledger:
    """From MUG_A=5 and the like."""
    keys = {name: StockKey(*name.split("_")) for name in on_hand}
    return Ledger({keys[name]: Balance(on_hand=count) for name, count in on_hand.items()})


def ask(*wanted: tuple[str, StockKey, int], confirmed: bool = False, **more: object) -> Ask:
    lines = [Wanted(*row) for row in wanted]
    plain = Ask(ID, "X", lines, None if confirmed else HOLD)
    return replace(plain, **more)  # type: ignore[arg-type]  # fields by name


def made(ledger: Ledger, what: Ask, now: datetime = NOON) -> Reservation:
    return reserve(ledger, STOREFRONT, what, {}, Terms(), now)[0]


def states(reservation: Reservation) -> list[tuple[StockKey, int, LineState]]:
    return [(line.key, line.quantity, line.state) for line in reservation.lines]


def refused(ledger: Ledger, what: Ask, off: Sequence[StockKey] = ()) -> dict[str, str]:
    with pytest.raises(InsufficientStock) as refusal:
        reserve(ledger, STOREFRONT, what, {}, Terms(frozenset(off)), NOON)
    return refusal.value.facts()


def test_a_hold_ends_when_its_time_has_passed_and_a_confirmed_one_never() -> None:
    held = made(books(MUG_A=5), ask(("L1", MUG_A, 2)))
    confirmed = made(books(MUG_A=5), ask(("L1", MUG_A, 2), confirmed=True))

    assert [line.expire_time for line in held.lines] == [NOON + HOLD]
    assert [(line.state, line.expire_time) for line in confirmed.lines] == [
        (LineState.CONFIRMED, None)
    ]


def test_every_short_key_is_named_and_no_other() -> None:
    ledger = books(X_A=1, Y_A=9, Z_A=0)
    wanted = [
        ("1", StockKey("X", "A"), 4),
        ("2", StockKey("Y", "A"), 2),
        ("3", StockKey("Z", "A"), 3),
    ]

    facts = refused(ledger, ask(*wanted))

    assert facts == {
        "sku": "X", "locationId": "A", "wanted": "4", "available": "1",
        "sku-2": "Z", "locationId-2": "A", "wanted-2": "3", "available-2": "0",
        "rows": "2",
    }  # fmt: skip


def test_demand_for_one_key_is_summed_before_it_is_checked() -> None:
    facts = refused(books(MUG_A=5), ask(("L1", MUG_A, 3), ("L2", MUG_A, 3)))

    assert (facts["wanted"], facts["available"]) == ("6", "5")


def test_two_kits_with_a_common_component_are_summed() -> None:
    kits = {
        "SET": Kit((Component("MUG", 2), Component("CUP", 1))),
        "PAIR": Kit((Component("MUG", 2),)),
    }
    wanted = [Wanted("1", StockKey("SET", "A"), 1), Wanted("2", StockKey("PAIR", "A"), 1)]

    facts = refused(books(MUG_A=3, CUP_A=9), ask(wanted=exploded(wanted, kits)))

    assert (facts["sku"], facts["wanted"], facts["available"]) == ("MUG", "4", "3")


def test_a_key_without_a_record_is_named_alone_or_as_empty_beside_short_ones() -> None:
    with pytest.raises(NotStockedHere) as refusal:
        made(books(MUG_A=5), ask(("1", MUG_A, 1), ("2", CUP_A, 1)))
    assert refusal.value.facts() == {"sku": "CUP", "locationId": "A"}

    facts = refused(books(MUG_A=5), ask(("1", MUG_A, 6), ("2", CUP_A, 1)))
    assert (facts["sku"], facts["sku-2"], facts["available-2"]) == ("MUG", "CUP", "0")


def test_what_is_switched_off_has_nothing_available() -> None:
    facts = refused(books(MUG_A=5), ask(("1", MUG_A, 1)), off=[MUG_A])

    assert facts["available"] == "0"


def test_the_units_of_a_replaced_reservation_count_as_free() -> None:
    ledger = books(MUG_A=5)
    cart = made(ledger, ask(("L1", MUG_A, 3), reservation_id=OTHER))

    order, replaced, _ = reserve(
        ledger, STOREFRONT, ask(("L1", MUG_A, 5), replaces=[OTHER]), {OTHER: cart}, Terms(), NOON
    )

    assert ledger.balance(MUG_A).reserved == 5
    assert states(order) == [(MUG_A, 5, LineState.HELD)]
    assert states(replaced[0]) == [(MUG_A, 3, LineState.RELEASED)]


def test_what_is_named_twice_is_replaced_once() -> None:
    ledger = books(MUG_A=10)
    cart = made(ledger, ask(("L1", MUG_A, 5), reservation_id=OTHER))
    made(ledger, ask(("L1", MUG_A, 5)))
    wanted = ask(("L1", MUG_A, 1), replaces=[OTHER, OTHER])

    _, replaced, _ = reserve(ledger, STOREFRONT, wanted, {OTHER: cart}, Terms(), NOON)

    assert len(replaced) == 1
    assert ledger.balance(MUG_A).reserved == 6


def test_a_reservation_that_cannot_be_replaced_is_refused() -> None:
    ledger = books(MUG_A=5)
    cart = made(ledger, ask(("L1", MUG_A, 3), reservation_id=OTHER))
    wanted = ask(("L1", MUG_A, 1), replaces=[OTHER])

    with pytest.raises(ReservationNotFound):
        reserve(ledger, STOREFRONT, wanted, {}, Terms(), NOON)
    closed, _ = release(Ledger({MUG_A: Balance(5, 3)}), cart, [], NOON)
    with pytest.raises(ReservationClosed):
        reserve(ledger, STOREFRONT, wanted, {OTHER: closed}, Terms(), NOON)
    with pytest.raises(ReservationClosed):
        reserve(ledger, STOREFRONT, wanted, {OTHER: cart}, Terms(), LATER)


def test_an_id_is_used_once_and_not_after_its_release() -> None:
    ledger = books(MUG_A=5)
    first = made(ledger, ask(("L1", MUG_A, 1)))

    with pytest.raises(ReservationIdTaken):
        reserve(ledger, STOREFRONT, ask(("L1", MUG_A, 1)), {ID: first}, Terms(), NOON)
    tombstone = replace(first, lines=(), is_tombstone=True)
    with pytest.raises(ReservationReleased):
        reserve(ledger, STOREFRONT, ask(("L1", MUG_A, 1)), {ID: tombstone}, Terms(), NOON)


SET = Kit((Component("MUG", 2), Component("CUP", 1)))
TRACK, NONE = ReservationMode.TRACK_ONLY, ReservationMode.NONE


def tried(ledger: Ledger, what: Ask, *known: Reservation, **more: Any) -> Reserved:
    plain: dict[str, Any] = {"actor": STOREFRONT, "terms": Terms(), "now": NOON}
    stored = {one.reservation_id: one for one in known}
    return reserve(ledger, ask=what, known=stored, **{**plain, **more})


def wants(*lines: Wanted, **more: Any) -> Ask:
    return replace(ask(), wanted=lines, **more)


def test_a_hold_lasts_a_quarter_of_an_hour_where_nobody_says() -> None:
    assert timedelta(minutes=15) == HOLD_DEFAULT


def test_a_reservation_keeps_what_was_said_of_it() -> None:
    terms = Terms(controls=ControlTable([Control("c", ControlKind.CAP, 9)], 4))
    what = ask(("1", MUG_A, 2), ("2", CUP_A, 3), fence=7, channel="web", customer="ann")

    made, replaced, portions = tried(
        books(MUG_A=5, CUP_A=5), what, terms=terms, actor=Actor("routing", "shop", is_service=True)
    )

    assert (made.reservation_id, made.owner, made.order_id) == (ID, "shop", "X")
    assert (made.create_time, made.last_number, made.granted) == (NOON, 2, 5)
    assert (made.fence, made.channel, made.customer, made.control_version) == (7, "web", "ann", 4)
    assert (list(replaced), list(portions)) == ([], [])
    assert what.buyer == Buyer("X", "ann", "web")


def test_units_are_held_with_their_facts_by_one_movement() -> None:
    ledger = books(MUG_A=5)
    line = Wanted("1", MUG_A, 2, lot_id="L1", serial_numbers=("S1",))

    (held,) = tried(ledger, wants(line)).made.lines

    [entry] = ledger.entries
    assert entry.cause == Cause(MovementKind.RESERVED, ID, "X")
    assert (entry.lot_id, entry.serial_numbers) == ("L1", ("S1",))
    assert (held.lot_id, held.serial_numbers) == ("L1", ("S1",))
    assert held.mode is ReservationMode.RESERVE


def test_components_remember_their_kit() -> None:
    lines = exploded([Wanted("1", StockKey("SET", "A"), 2)], {"SET": SET})

    made = tried(books(MUG_A=5, CUP_A=5), wants(*lines)).made

    assert [(one.kit_sku, one.quantity_per_kit, one.quantity) for one in made.lines] == [
        ("SET", 2, 4),
        ("SET", 1, 2),
    ]


def test_what_is_only_tracked_needs_a_record_and_no_units() -> None:
    ledger = books(MUG_A=0)

    (tracked,) = tried(ledger, wants(Wanted("1", MUG_A, 2, mode=TRACK))).made.lines

    assert (tracked.quantity, tracked.mode, tracked.is_on_hand) == (2, TRACK, False)
    assert ledger.entries == ()
    unknown = wants(Wanted("1", CUP_A, 2, mode=TRACK), Wanted("2", MUG_A, 1, mode=TRACK))
    with pytest.raises(NotStockedHere) as refusal:
        tried(ledger, unknown)
    assert refusal.value.rows == ({"sku": "CUP", "locationId": "A"},)
    with pytest.raises(InsufficientStock) as early:
        tried(ledger, unknown, is_final=False)
    assert early.value.rows == ({"sku": "CUP", "locationId": "A", "wanted": 2, "available": 0},)
    # It does not hide what overdue holds may cure.
    curable = wants(Wanted("1", CUP_A, 2, mode=TRACK), Wanted("2", MUG_A, 1))
    with pytest.raises(InsufficientStock) as early:
        tried(ledger, curable, is_final=False)
    assert early.value.rows == ({"sku": "MUG", "locationId": "A", "wanted": 1, "available": 0},)


def test_of_what_is_not_kept_nothing_is_recorded() -> None:
    made = tried(
        books(MUG_A=5), wants(Wanted("1", CUP_A, 9, mode=NONE), Wanted("2", MUG_A, 1))
    ).made

    assert [(one.number, one.line_id) for one in made.lines] == [(1, "2")]
    assert (made.granted, made.last_number) == (1, 1)


def test_units_are_taken_from_the_pool_of_the_channel_where_they_are_held() -> None:
    terms = Terms(controls=ControlTable([Control("p", ControlKind.POOL, 4, channel="web",
                                                 number=7)]))  # fmt: skip
    ledger = books(MUG_A=9)
    lines = [Wanted("1", MUG_A, 3), Wanted("2", MUG_A, 3, mode=TRACK)]

    made = tried(ledger, wants(*lines, channel="web"), terms=terms).made

    assert [one.pool for one in made.lines] == [7, None]
    assert ledger.taken(7, MUG_A) == 3
    with pytest.raises(InsufficientStock):
        tried(ledger, wants(Wanted("1", MUG_A, 2), channel="web"), terms=terms)


def test_what_may_wait_is_promised_of_supply_in_a_line_of_its_own() -> None:
    coming = Supply("S1", SupplyKind.PURCHASE_ORDER, MUG_A, 9, LATER, 90)
    ledger = books(MUG_A=2)
    line = Wanted("1", MUG_A, 5, wait=Wait(LATER), serial_numbers=("S1", "S2", "S3"))

    made = tried(ledger, wants(line), due={MUG_A: [coming]}).made

    assert [
        (one.quantity, one.supply_id, one.needed_by, one.is_waiting, one.serial_numbers)
        for one in made.lines
    ] == [(2, "", None, False, ("S1", "S2")), (3, "S1", LATER, True, ("S3",))]
    assert ledger.promised() == {"S1": 3}
    assert moved(ledger) == [(MUG_A, "FREE", "RESERVED", 2)]
    assert made.granted == 5


def test_a_purchase_limit_comes_before_the_stock() -> None:
    terms = Terms(controls=ControlTable([Control("l", ControlKind.LIMIT_PER_ORDER, 3)]))
    before = tried(books(MUG_A=9), ask(("1", MUG_A, 2), reservation_id=OTHER)).made
    purchases = Purchases([before], NOON)

    tried(books(MUG_A=9), ask(("1", MUG_A, 1)), terms=terms, purchases=purchases)
    with pytest.raises(PurchaseLimit):
        tried(books(MUG_A=0), ask(("1", MUG_A, 2)), terms=terms, purchases=purchases)
    # What is taken over does not count twice.
    ledger = books(MUG_A=9)
    held = tried(ledger, ask(("1", MUG_A, 2), reservation_id=OTHER)).made
    again = ask(("1", MUG_A, 3), replaces=[OTHER])
    tried(ledger, again, held, terms=terms, purchases=Purchases([held], NOON))


def test_what_is_replaced_is_released_and_only_what_is_open_of_it() -> None:
    ledger = Ledger({MUG_A: Balance(5, 3)})
    lines = (
        Line(1, "1", MUG_A, 2, LineState.CONFIRMED),
        Line(2, "2", MUG_A, 1, LineState.HELD, expire_time=NOON),
        Line(3, "3", MUG_A, 4, LineState.SHIPPED),
    )
    old = Reservation(OTHER, "storefront", "X", NOON, lines, 3, 7)

    reserved = tried(ledger, ask(("1", MUG_A, 5), replaces=[OTHER]), old)

    (closed,) = reserved.replaced
    assert [(one.state.name, one.close_time) for one in closed.lines] == [
        ("RELEASED", NOON),
        ("EXPIRED", NOON),
        ("SHIPPED", None),
    ]
    assert ledger.balance(MUG_A).reserved == 5


def test_a_stranger_takes_nothing_over() -> None:
    old = tried(books(MUG_A=5), ask(("1", MUG_A, 2), reservation_id=OTHER)).made

    with pytest.raises(NotYourReservation):
        tried(books(MUG_A=5), ask(("1", MUG_A, 2), replaces=[OTHER]), old, actor=Actor("somebody"))


def test_a_fence_is_heeded_by_what_the_same_order_holds_and_by_no_cart() -> None:
    held = tried(books(MUG_A=5), ask(("1", MUG_A, 2), reservation_id=OTHER, fence=3)).made

    def taken_over(fence: int, of: Reservation = held) -> int:
        again = ask(("1", MUG_A, 2), replaces=[OTHER], fence=fence)
        return tried(Ledger({MUG_A: Balance(5, 2)}), again, of).made.fence

    with pytest.raises(Fenced):
        taken_over(2)
    assert (taken_over(0), taken_over(3)) == (0, 3)
    assert taken_over(2, of=replace(held, order_id="cart")) == 2


def test_that_nothing_is_recorded_is_only_told_where_nothing_overdue_can_help() -> None:
    with pytest.raises(InsufficientStock):
        tried(books(), ask(("1", MUG_A, 1)), is_final=False)
    with pytest.raises(NotStockedHere):
        tried(books(), ask(("1", MUG_A, 1)))


def test_a_best_effort_that_lacks_nothing_is_the_same_early_or_late() -> None:
    for is_final in (True, False):
        made = tried(books(MUG_A=5), ask(("1", MUG_A, 5), is_best_effort=True), is_final=is_final)
        assert [one.granted for one in made.portions] == [5]
        assert made.made.granted == 5


def test_what_only_some_lines_lack_is_refused_early_and_granted_late() -> None:
    what = ask(("1", MUG_A, 3), ("2", CUP_A, 3), is_best_effort=True)

    made = tried(books(MUG_A=5, CUP_A=1), what)
    assert [one.granted for one in made.portions] == [3, 1]
    with pytest.raises(InsufficientStock) as refusal:
        tried(books(MUG_A=5, CUP_A=1), what, is_final=False)
    assert refusal.value.missing == {CUP_A: 2}


def test_a_line_of_a_key_is_asked_for_once_with_no_more_serial_numbers_than_units() -> None:
    refuse_malformed(
        [
            Wanted("1", MUG_A, 2, serial_numbers=("S1", "S2")),
            Wanted("1", CUP_A, 2),
            Wanted("2", MUG_A, 2),
            Wanted("1", MUG_A, 2, group="west"),
        ]
    )

    with pytest.raises(DuplicateEntry) as twice:
        refuse_malformed([Wanted("1", MUG_A, 2), Wanted("2", MUG_A, 2), Wanted("1", MUG_A, 1)])
    assert twice.value.facts() == {"field": "lines[2]", "value": "1 (MUG at A)"}
    with pytest.raises(TooManySerialNumbers) as many:
        refuse_malformed([Wanted("1", MUG_A, 2, serial_numbers=("S1", "S2", "S3"))])
    assert many.value.facts() == {"lineId": "1", "serialNumbers": "3", "units": "2"}
