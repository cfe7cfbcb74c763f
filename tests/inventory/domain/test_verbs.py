from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from ordermesh.inventory.domain.errors.requests import SameLocation
from ordermesh.inventory.domain.errors.reservation import (
    ReservationClosed,
    ReservationExpired,
    ReservationIdTaken,
    ReservationNotConfirmed,
    ReservationNotFound,
    ReservationReleased,
)
from ordermesh.inventory.domain.errors.stock import InsufficientStock, NotStockedHere, ShortOfStock
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.kit import Component, Kit, Wanted, exploded
from ordermesh.inventory.domain.ledger import Balance, Ledger
from ordermesh.inventory.domain.moving import reassign
from ordermesh.inventory.domain.picking import Shipment, ship
from ordermesh.inventory.domain.reservation import LineState, Reservation, Selection
from ordermesh.inventory.domain.reserving import Ask, reserve
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.domain.verbs import confirm, expire_for, release, settle

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


def test_confirming_twice_changes_nothing() -> None:
    ledger = books(MUG_A=5)
    held = made(ledger, ask(("L1", MUG_A, 2)))

    confirmed = confirm(ledger, held, NOON)

    assert states(confirmed) == [(MUG_A, 2, LineState.CONFIRMED)]
    assert confirm(ledger, confirmed, LATER) == confirmed
    assert len(ledger.entries) == 1


def test_a_hold_whose_time_has_passed_cannot_be_confirmed_swept_or_not() -> None:
    ledger = books(MUG_A=5)
    held = made(ledger, ask(("L1", MUG_A, 2)))

    for reservation in (held, settle(Ledger({MUG_A: Balance(5, 2)}), held, LATER)):
        with pytest.raises(ReservationExpired) as refusal:
            confirm(Ledger({MUG_A: Balance(5, 2)}), reservation, LATER)
        assert refusal.value.facts()["expireTime"] == (NOON + HOLD).isoformat()


def test_a_closed_reservation_cannot_be_confirmed() -> None:
    ledger = books(MUG_A=5)
    released, _ = release(ledger, made(ledger, ask(("L1", MUG_A, 2))), [], NOON)

    with pytest.raises(ReservationClosed):
        confirm(ledger, released, NOON)


def test_releasing_too_much_releases_what_is_open_and_says_so() -> None:
    ledger = books(MUG_A=10)
    held = made(ledger, ask(("1", MUG_A, 3), ("2", MUG_A, 2)))

    released, takings = release(
        ledger, held, [Selection("1", quantity=5), Selection("2", quantity=2)], NOON
    )

    assert [(taking.wanted, taking.taken) for taking in takings] == [(5, 3), (2, 2)]
    assert not released.open_lines
    assert ledger.balance(MUG_A) == Balance(on_hand=10, sequence=4)


def test_a_part_is_released_and_the_rest_stays() -> None:
    ledger = books(MUG_A=10)

    released, _ = release(
        ledger, made(ledger, ask(("1", MUG_A, 5))), [Selection("1", quantity=2)], NOON
    )

    assert states(released) == [(MUG_A, 3, LineState.HELD), (MUG_A, 2, LineState.RELEASED)]


def test_releasing_what_is_closed_changes_nothing() -> None:
    ledger = books(MUG_A=10)
    once, _ = release(ledger, made(ledger, ask(("1", MUG_A, 5))), [], NOON)
    count = len(ledger.entries)

    twice, takings = release(ledger, once, [Selection("1")], LATER)

    assert twice == once
    assert (takings[0].wanted, takings[0].taken) == (0, 0)
    assert len(ledger.entries) == count


def test_only_confirmed_lines_can_be_shipped() -> None:
    ledger = books(MUG_A=5)

    with pytest.raises(ReservationNotConfirmed):
        ship(ledger, made(ledger, ask(("1", MUG_A, 2))), Shipment([Selection("1")]), NOON)


def test_more_than_is_open_cannot_be_shipped_and_every_line_is_named() -> None:
    ledger = books(MUG_A=5, CUP_A=5)
    paid = made(ledger, ask(("1", MUG_A, 2), ("2", CUP_A, 3), confirmed=True))

    with pytest.raises(ReservationClosed) as refusal:
        ship(ledger, paid, Shipment([Selection("1", quantity=3), Selection("2", quantity=4)]), NOON)

    facts = refusal.value.facts()
    assert (facts["lineId"], facts["wanted"], facts["open"]) == ("1", "3", "2")
    assert (facts["lineId-2"], facts["wanted-2"], facts["open-2"]) == ("2", "4", "3")


def test_a_shipment_of_a_part_leaves_the_rest_confirmed() -> None:
    ledger = books(MUG_A=5)
    paid = made(ledger, ask(("1", MUG_A, 3), confirmed=True))

    shipped, _ = ship(ledger, paid, Shipment([Selection("1", quantity=1)]), NOON)

    assert states(shipped) == [(MUG_A, 2, LineState.CONFIRMED), (MUG_A, 1, LineState.SHIPPED)]
    assert ledger.balance(MUG_A).on_hand == 4


def test_a_promised_unit_that_is_not_on_hand_cannot_leave() -> None:
    ledger = books(MUG_A=5)
    paid = made(ledger, ask(("1", MUG_A, 5), confirmed=True))
    lost = Ledger({MUG_A: Balance(on_hand=2, reserved=5, short=3, sequence=4)})

    with pytest.raises(ShortOfStock) as refusal:
        ship(lost, paid, Shipment([Selection("1")]), NOON)

    assert refusal.value.facts() == {
        "sku": "MUG", "locationId": "A", "wanted": "5", "onHand": "2",
    }  # fmt: skip
    ship(lost, paid, Shipment([Selection("1", quantity=2)]), NOON)
    assert lost.balance(MUG_A) == Balance(on_hand=0, reserved=3, short=3, sequence=5)


def test_a_promise_goes_to_another_location_with_its_state_and_its_time() -> None:
    ledger = books(MUG_A=5, MUG_B=5)
    held = made(ledger, ask(("1", MUG_A, 3)))

    (moved,) = reassign(ledger, [(held, [(Selection("1", quantity=2), "B")])], Terms(), NOON)

    assert states(moved) == [(MUG_A, 1, LineState.HELD), (MUG_B, 2, LineState.HELD)]
    assert {line.expire_time for line in moved.lines} == {NOON + HOLD}
    assert (ledger.balance(MUG_A).reserved, ledger.balance(MUG_B).reserved) == (1, 2)


def test_promises_can_change_places() -> None:
    ledger = books(MUG_A=2, MUG_B=3)
    paid = made(ledger, ask(("1", MUG_A, 2), ("2", MUG_B, 2), confirmed=True))

    (moved,) = reassign(
        ledger, [(paid, [(Selection("1"), "B"), (Selection("2"), "A")])], Terms(), NOON
    )

    assert states(moved) == [
        (MUG_B, 2, LineState.CONFIRMED),
        (MUG_A, 2, LineState.CONFIRMED),
    ]


def test_a_promise_cannot_go_where_too_little_is() -> None:
    ledger = books(MUG_A=5, MUG_B=1)
    paid = made(ledger, ask(("1", MUG_A, 3), confirmed=True))

    with pytest.raises(InsufficientStock) as refusal:
        reassign(ledger, [(paid, [(Selection("1"), "B")])], Terms(), NOON)

    assert refusal.value.facts()["locationId"] == "B"


def test_a_promise_cannot_go_where_it_is() -> None:
    ledger = books(MUG_A=5)
    paid = made(ledger, ask(("1", MUG_A, 3), confirmed=True))

    for selection in (Selection("1"), Selection("1", location_id="A")):
        with pytest.raises(SameLocation) as refusal:
            reassign(ledger, [(paid, [(selection, "A")])], Terms(), NOON)
        assert refusal.value.facts() == {"sku": "MUG", "locationId": "A"}


def test_a_promise_that_expired_or_is_closed_cannot_go_anywhere() -> None:
    ledger = books(MUG_A=5, MUG_B=5)
    held = made(ledger, ask(("1", MUG_A, 3)))

    with pytest.raises(ReservationExpired):
        reassign(
            Ledger({MUG_A: Balance(5, 3), MUG_B: Balance(5)}),
            [(held, [(Selection("1"), "B")])],
            Terms(),
            LATER,
        )
    closed, _ = release(ledger, held, [], NOON)
    with pytest.raises(ReservationClosed):
        reassign(ledger, [(closed, [(Selection("1"), "B")])], Terms(), NOON)


def test_expiry_on_demand_takes_the_oldest_and_no_more_than_is_missing() -> None:
    ledger = books(MUG_A=5)
    old = made(ledger, ask(("1", MUG_A, 2), reservation_id=OTHER))
    young = made(ledger, ask(("1", MUG_A, 3)), NOON + timedelta(minutes=1))

    expired = expire_for(ledger, [young, old], {MUG_A: 1}, LATER)

    assert [one.reservation_id for one in expired] == [OTHER]
    assert states(expired[0]) == [(MUG_A, 2, LineState.EXPIRED)]
    assert expired[0].lines[0].close_time == NOON + HOLD
    assert ledger.balance(MUG_A).free == 2


def test_expiry_on_demand_stops_when_enough_is_back() -> None:
    ledger = books(MUG_A=6)
    lines = [("1", MUG_A, 2), ("2", MUG_A, 2), ("3", MUG_A, 2)]
    held = made(ledger, ask(*lines))

    (expired,) = expire_for(ledger, [held], {MUG_A: 3}, LATER)

    assert [line.state.name for line in expired.lines] == ["EXPIRED", "EXPIRED", "HELD"]


def test_expiry_on_demand_counts_the_deficit_that_is_paid_first() -> None:
    held = made(books(MUG_A=6), ask(("1", MUG_A, 3), ("2", MUG_A, 3)))
    ledger = Ledger({MUG_A: Balance(on_hand=3, reserved=6, short=3, sequence=3)})

    (expired,) = expire_for(ledger, [held], {MUG_A: 1}, LATER)

    assert len(expired.open_lines) == 0
    assert ledger.balance(MUG_A).free == 3
