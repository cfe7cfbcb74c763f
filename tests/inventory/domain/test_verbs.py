from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from ordermesh.inventory.domain.control import Control, ControlKind
from ordermesh.inventory.domain.control_table import ControlTable
from ordermesh.inventory.domain.errors.control import PurchaseLimit
from ordermesh.inventory.domain.errors.reservation import (
    HoldLimit,
    ReservationClosed,
    ReservationExpired,
)
from ordermesh.inventory.domain.errors.stock import InsufficientStock, KeyQuarantined
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.kit import Wanted
from ordermesh.inventory.domain.ledger import Balance, Cause, Ledger, MovementKind
from ordermesh.inventory.domain.limits import Purchases
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.reservation import Line, LineState, Reservation, Selection
from ordermesh.inventory.domain.reserving import Ask, reserve
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.domain.verbs import confirm, expire_for, extend, release, settle
from tests.inventory.domain.moves import moved

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
MOMENT = timedelta(microseconds=1)
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


TRACK = {"mode": ReservationMode.TRACK_ONLY}


def line(number: int, key: StockKey, quantity: int, **more: Any) -> Line:
    plain = Line(number, str(number), key, quantity, LineState.HELD, expire_time=NOON)
    return replace(plain, **more)


def reservation(*lines: Line, **more: Any) -> Reservation:
    plain = Reservation(ID, "storefront", "X", NOON, lines, len(lines), 3)
    return replace(plain, **more)


def test_what_has_passed_expires_at_the_time_its_hold_ended() -> None:
    ledger = Ledger({MUG_A: Balance(5, 4, sequence=9), CUP_A: Balance(5, 2)})
    young = line(2, CUP_A, 2, expire_time=LATER)

    settled = settle(ledger, reservation(line(1, MUG_A, 4), young), NOON + MOMENT)

    assert settled.lines[0].state is LineState.EXPIRED
    assert settled.lines[0].close_time == NOON
    assert settled.lines[1] == young
    assert moved(ledger) == [(MUG_A, "RESERVED", "FREE", 4)]
    assert {entry.cause for entry in ledger.entries} == {Cause(MovementKind.EXPIRED, ID, "X")}
    assert settle(ledger, settled, LATER - MOMENT) == settled


def test_what_waits_for_goods_gives_its_part_of_them_back() -> None:
    ledger = Ledger({MUG_A: Balance(5)})
    waiting = reservation(line(1, MUG_A, 4, supply_id="S1"))

    assert release(ledger, waiting, [], NOON - MOMENT)[0].lines[0].state is LineState.RELEASED
    assert ledger.promised() == {"S1": -4}
    assert ledger.entries == ()
    # A promise on goods that was broken has none.
    broken = reservation(line(1, MUG_A, 4, supply_id="S2", broken_time=NOON))
    release(ledger, broken, [], NOON - MOMENT)
    assert ledger.promised() == {"S1": -4}


def test_units_that_are_given_back_keep_their_facts_and_go_into_their_pool() -> None:
    ledger = Ledger({MUG_A: Balance(5, 2)}, {(7, MUG_A): 2})
    held = line(1, MUG_A, 2, pool=7, lot_id="L1", serial_numbers=("S1", "S2"))

    release(ledger, reservation(held), [], NOON - MOMENT)

    [entry] = ledger.entries
    assert (entry.lot_id, entry.serial_numbers, entry.pool) == ("L1", ("S1", "S2"), 7)
    assert ledger.taken(7, MUG_A) == 0
    assert {entry.cause for entry in ledger.entries} == {Cause(MovementKind.RELEASED, ID, "X")}


@pytest.mark.parametrize(
    ("missing", "expired"), [(-1, 0), (0, 0), (1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (99, 3)]
)
def test_of_overdue_lines_as_many_expire_as_units_are_missing(missing: int, expired: int) -> None:
    lines = [line(number, MUG_A, 2) for number in (1, 2, 3)]
    ledger = Ledger({MUG_A: Balance(8, 8), CUP_A: Balance(5, 5)})
    other, young = line(4, CUP_A, 5), line(5, MUG_A, 2, expire_time=LATER)

    found = expire_for(ledger, [reservation(*lines, other, young)], {MUG_A: missing}, NOON + MOMENT)

    states = [one.state.name for touched in found for one in touched.lines]
    assert states.count("EXPIRED") == expired
    assert states == (["EXPIRED"] * expired + ["HELD"] * (5 - expired) if expired else [])


def test_of_equally_old_holds_the_lower_id_and_number_goes_first() -> None:
    ledger = Ledger({MUG_A: Balance(8, 8)})
    mine = reservation(line(2, MUG_A, 2), line(1, MUG_A, 2))
    others = reservation(line(1, MUG_A, 2), reservation_id=OTHER)

    found = expire_for(ledger, [others, mine], {MUG_A: 3}, NOON)

    assert [one.reservation_id for one in found] == [ID]
    assert [one.close_time for one in found[0].lines] == [NOON, NOON]


def test_what_waits_for_goods_expires_and_frees_nothing_on_hand() -> None:
    ledger = Ledger({MUG_A: Balance(8, 4)})
    waiting = line(1, MUG_A, 5, supply_id="S1", expire_time=NOON - MOMENT)

    (found,) = expire_for(
        ledger, [reservation(waiting, line(2, MUG_A, 2), line(3, MUG_A, 2))], {MUG_A: 2}, NOON
    )

    assert [one.state.name for one in found.lines] == ["EXPIRED", "EXPIRED", "HELD"]
    assert ledger.promised() == {"S1": -5}


def test_a_hold_that_was_lost_is_reserved_again_where_its_stock_is_still_there() -> None:
    ledger = Ledger({MUG_A: Balance(3, 3), CUP_A: Balance(2, 2)})
    held = reservation(
        line(1, MUG_A, 3, lot_id="L1"), line(2, CUP_A, 2, expire_time=LATER), channel="web"
    )

    again = confirm(ledger, held, NOON, terms=Terms())

    assert [(one.number, one.state.name, one.quantity) for one in again.lines] == [
        (1, "EXPIRED", 3),
        (2, "CONFIRMED", 2),
        (3, "CONFIRMED", 3),
    ]
    renewed = again.lines[2]
    assert (renewed.line_id, renewed.lot_id) == ("1", "L1")
    assert (renewed.expire_time, renewed.close_time) == (None, None)
    assert (again.granted, again.renew_time, again.lost_lines) == (6, NOON, ())
    assert moved(ledger) == [(MUG_A, "RESERVED", "FREE", 3), (MUG_A, "FREE", "RESERVED", 3)]
    assert ledger.entries[1].cause == Cause(MovementKind.RESERVED, ID, "X")


def test_a_hold_whose_stock_is_gone_has_expired_unless_others_may_be_in_the_way() -> None:
    held = reservation(line(1, MUG_A, 2), line(2, MUG_A, 1, expire_time=NOON - MOMENT))

    def books_of_others() -> Ledger:
        return Ledger({MUG_A: Balance(3, 4, 1)})

    with pytest.raises(ReservationExpired) as refusal:
        confirm(books_of_others(), held, NOON, terms=Terms())
    assert refusal.value.facts()["expireTime"] == (NOON - MOMENT).isoformat()
    with pytest.raises(InsufficientStock) as missing:
        confirm(books_of_others(), held, NOON, terms=Terms(), is_final=False)
    assert missing.value.rows == ({"sku": "MUG", "locationId": "A", "wanted": 3, "available": 2},)


def test_what_was_only_tracked_is_tracked_again_without_any_stock() -> None:
    ledger = Ledger({MUG_A: Balance()})
    pool = Control("a", ControlKind.POOL, 5, channel="web", number=7)
    terms = Terms(controls=ControlTable([pool]))

    again = confirm(ledger, reservation(line(1, MUG_A, 2, **TRACK), channel="web"), NOON,
                    terms=terms)  # fmt: skip

    assert again.lines[1].state is LineState.CONFIRMED
    assert again.lines[1].pool is None
    assert ledger.entries == ()


def test_what_is_reserved_again_comes_from_the_pool_of_its_channel_and_waits_for_nothing() -> None:
    pool = Control("a", ControlKind.POOL, 5, channel="web", number=7)
    ledger = Ledger({MUG_A: Balance(9)})
    lost = line(1, MUG_A, 2, supply_id="S1", needed_by=LATER)

    again = confirm(
        ledger,
        reservation(lost, channel="web"),
        NOON,
        terms=Terms(controls=ControlTable([pool])),
    )

    assert (again.lines[1].pool, again.lines[1].supply_id) == (7, "")
    assert ledger.taken(7, MUG_A) == 2


def test_what_is_reserved_again_is_held_to_purchase_limits() -> None:
    limit = Control("l", ControlKind.LIMIT_PER_ORDER, 3)
    terms = Terms(controls=ControlTable([limit]))
    bought = reservation(
        line(1, MUG_A, 2, state=LineState.SHIPPED, expire_time=None), reservation_id=OTHER
    )
    held = reservation(line(1, MUG_A, 2))

    confirm(Ledger({MUG_A: Balance(9, 2)}), held, NOON, terms=terms)
    with pytest.raises(PurchaseLimit):
        confirm(
            Ledger({MUG_A: Balance(9, 2)}),
            held,
            NOON,
            terms=terms,
            purchases=Purchases([bought], NOON),
        )


def test_a_reservation_of_which_nothing_was_recorded_is_confirmed() -> None:
    assert confirm(Ledger({}), reservation(), NOON) == reservation()


def test_a_hold_is_extended_to_four_hours_after_it_was_made_and_no_longer() -> None:
    ledger = Ledger({MUG_A: Balance(5, 4), CUP_A: Balance(5, 2)})
    held = reservation(
        line(1, MUG_A, 4, expire_time=LATER),
        line(2, CUP_A, 2, state=LineState.CONFIRMED, expire_time=None),
    )
    now = NOON + timedelta(minutes=30)

    extended = extend(ledger, held, timedelta(hours=3, minutes=30), now)
    assert [one.expire_time for one in extended.lines] == [NOON + timedelta(hours=4), None]
    assert ledger.entries == ()
    with pytest.raises(HoldLimit) as refusal:
        extend(ledger, held, timedelta(hours=3, minutes=30) + MOMENT, now)
    assert refusal.value.facts()["latestExpireTime"] == (NOON + timedelta(hours=4)).isoformat()
    # Where nothing is held there is nothing to be held too long.
    paid = reservation(held.lines[1])
    assert extend(ledger, paid, timedelta(hours=9), now) == paid


def test_a_hold_of_a_key_in_quarantine_is_not_extended() -> None:
    held = reservation(line(1, MUG_A, 2, state=LineState.HELD, expire_time=LATER))
    ledger = Ledger({MUG_A: Balance(5, 2)}, {}, frozenset({MUG_A}))

    with pytest.raises(KeyQuarantined):
        extend(ledger, held, HOLD, NOON)


def test_what_has_passed_or_is_closed_is_not_extended() -> None:
    ledger = Ledger({MUG_A: Balance(5, 4)})

    with pytest.raises(ReservationExpired):
        extend(ledger, reservation(line(1, MUG_A, 4)), HOLD, NOON)
    closed = line(1, MUG_A, 4, state=LineState.RELEASED, expire_time=None)
    with pytest.raises(ReservationClosed):
        extend(ledger, reservation(closed), HOLD, NOON)
