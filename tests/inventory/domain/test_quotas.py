from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from ordermesh.inventory.domain.errors.reservation import HoldQuotaExceeded
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.quotas import NO_QUOTAS, Hold, HoldQuotas, OpenHolds
from ordermesh.inventory.domain.reservation import Line, LineState, Reservation
from tests.inventory.domain.moves import CUP, MUG

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MUG_B = StockKey("MUG", "B")


def line(number: int, key: StockKey, units: int, **fields: Any) -> Line:
    return replace(Line(number, str(number), key, units, LineState.HELD), **fields)


def held(number: int, *lines: Line, customer: str = "ann", owner: str = "shop") -> Reservation:
    return Reservation(UUID(int=number), owner, "", NOON, lines, customer=customer)


def hold(number: int, sku: str, units: int, customer: str = "ann") -> Hold:
    return Hold(UUID(int=number), customer, sku, units)


def refusal(
    holds: OpenHolds, made: Reservation, *replaced: Reservation, is_limited: bool = True
) -> dict[str, str] | None:
    """The facts of the refusal, if there is one."""
    try:
        holds.refuse_over_quota(made, replaced, NOON, is_limited=is_limited)
    except HoldQuotaExceeded as refused:
        return refused.facts()
    return None


def test_without_quotas_anybody_may_hold_any_number() -> None:
    holds = OpenHolds(NO_QUOTAS, [hold(1, "MUG", 10**6)], {"shop": 10**6})

    assert refusal(holds, held(2, line(1, MUG, 10**6))) is None
    assert not NO_QUOTAS.concern_customers
    assert not HoldQuotas(caller_reservations=1).concern_customers
    assert HoldQuotas(customer_reservations=1).concern_customers
    assert HoldQuotas(customer_units=1).concern_customers


@pytest.mark.parametrize(("count", "is_refused"), [(0, False), (2, False), (3, True), (4, True)])
def test_a_caller_holds_as_many_reservations_as_it_may(count: int, *, is_refused: bool) -> None:
    holds = OpenHolds(HoldQuotas(caller_reservations=3), [], {"shop": count, "other": 99})
    made = held(9, line(1, MUG, 1), customer="")

    assert refusal(holds, made) == (
        {"per": "caller", "of": "reservations", "limit": "3", "held": str(count), "wanted": "1"}
        if is_refused
        else None
    )
    assert refusal(holds, made, is_limited=False) is None


@pytest.mark.parametrize(("count", "is_refused"), [(0, False), (1, False), (2, True)])
def test_a_shopper_holds_as_many_reservations_as_she_may(count: int, *, is_refused: bool) -> None:
    # Each of them with two items: reservations count, and not rows.
    mine = [hold(number, sku, 1) for number in range(count) for sku in ("MUG", "CUP")]
    others = [hold(number, "MUG", 1, "bob") for number in range(20, 29)]
    holds = OpenHolds(HoldQuotas(customer_reservations=2), [*mine, *others], {})

    assert refusal(holds, held(9, line(1, MUG, 1))) == (
        {"per": "customer", "of": "reservations", "limit": "2", "held": "2", "wanted": "1"}
        if is_refused
        else None
    )


@pytest.mark.parametrize(("units", "is_refused"), [(1, False), (2, False), (3, True)])
def test_a_shopper_holds_as_many_units_of_an_item_as_she_may(
    units: int, *, is_refused: bool
) -> None:
    holds = OpenHolds(
        HoldQuotas(customer_units=5),
        [hold(1, "MUG", 2), hold(2, "MUG", 1), hold(2, "CUP", 5), hold(3, "MUG", 5, "bob")],
        {},
    )

    assert refusal(holds, held(9, line(1, MUG, units))) == (
        {
            "per": "customer",
            "of": "units",
            "limit": "5",
            "held": "3",
            "wanted": "3",
            "sku": "MUG",
        }
        if is_refused
        else None
    )


def test_units_of_an_item_count_together_wherever_they_are() -> None:
    holds = OpenHolds(HoldQuotas(customer_units=5), [], {})

    assert refusal(holds, held(9, line(1, MUG, 3), line(2, MUG_B, 2), line(3, CUP, 5))) is None
    facts = refusal(holds, held(9, line(1, MUG, 3), line(2, MUG_B, 3)))
    assert facts is not None
    assert facts["wanted"] == "6"


@pytest.mark.parametrize(
    "other",
    [
        {"state": LineState.CONFIRMED},
        {"mode": ReservationMode.TRACK_ONLY},
    ],
)
def test_only_what_is_held_until_a_time_is_a_hold(other: dict[str, Any]) -> None:
    holds = OpenHolds(HoldQuotas(1, 1, 1), [hold(1, "MUG", 1)], {"shop": 1})

    assert refusal(holds, held(9, line(1, MUG, 9, **other))) is None
    assert refusal(holds, held(9, line(1, MUG, 9), line(2, CUP, 9, **other))) is not None


def test_what_is_taken_over_does_not_count_twice() -> None:
    old = held(1, line(1, MUG, 3))
    holds = OpenHolds(HoldQuotas(1, 3, 1), [hold(1, "MUG", 3)], {"shop": 1})

    assert refusal(holds, held(9, line(1, MUG, 3))) is not None
    assert refusal(holds, held(9, line(1, MUG, 3)), old) is None
    assert refusal(holds, held(9, line(1, MUG, 4)), old) is not None


@pytest.mark.parametrize("supply_id", ["", "S1"])
def test_what_is_held_of_supply_is_held(supply_id: str) -> None:
    holds = OpenHolds(HoldQuotas(9, 3, 9), [hold(1, "MUG", 1)], {})

    assert refusal(holds, held(9, line(1, MUG, 2, supply_id=supply_id))) is None
    facts = refusal(holds, held(9, line(1, MUG, 1), line(2, MUG, 2, supply_id=supply_id)))
    assert facts is not None
    assert (facts["of"], facts["held"], facts["wanted"]) == ("units", "1", "3")


@pytest.mark.parametrize(
    "old",
    [
        {"state": LineState.CONFIRMED},
        {"mode": ReservationMode.TRACK_ONLY},
        {"expire_time": NOON},
    ],
)
def test_who_takes_over_what_was_no_hold_holds_one_more(old: dict[str, Any]) -> None:
    holds = OpenHolds(HoldQuotas(caller_reservations=1), [], {"shop": 1})
    made = held(9, line(1, MUG, 1), customer="")
    bought = held(1, line(1, MUG, 1, **old), customer="")

    assert refusal(holds, made, bought) is not None
    holds.note(held(8, line(1, MUG, 1, state=LineState.CONFIRMED), customer=""), [bought], NOON)
    assert refusal(holds, made) is not None
    # A hold of somebody else gives its new owner no room.
    assert refusal(holds, made, held(2, line(1, MUG, 1), customer="", owner="other")) is not None


def test_who_is_nobody_has_no_quota_as_a_shopper() -> None:
    holds = OpenHolds(HoldQuotas(1, 1), [hold(1, "MUG", 1, "")], {})

    assert refusal(holds, held(9, line(1, MUG, 9), customer="")) is None


def test_what_is_decided_counts_for_what_comes_next() -> None:
    holds = OpenHolds(HoldQuotas(2, 5, 9), [], {})
    first, second = held(1, line(1, MUG, 2)), held(2, line(1, MUG, 2))

    holds.note(first, [], NOON)
    facts = refusal(holds, held(9, line(1, MUG, 4)))
    assert facts is not None
    assert (facts["held"], facts["wanted"]) == ("2", "4")
    holds.note(second, [], NOON)
    facts = refusal(holds, held(9, line(1, CUP, 1)))
    assert facts is not None
    assert (facts["of"], facts["held"]) == ("reservations", "2")

    holds.note(held(3, line(1, MUG, 3)), [first], NOON)
    assert refusal(holds, held(9, line(1, CUP, 1))) is not None
    holds.note(held(4, line(1, MUG, 1), customer="bob"), [second], NOON)
    assert refusal(holds, held(9, line(1, MUG, 2))) is None
    assert refusal(holds, held(9, line(1, MUG, 3))) is not None


def test_the_count_of_a_caller_goes_up_with_what_it_holds_and_down_with_what_it_lets_go() -> None:
    def counted(holds: OpenHolds) -> str | None:
        facts = refusal(holds, held(99, line(1, MUG, 1), customer=""))
        return facts["held"] if facts else None

    def plain(number: int, **fields: Any) -> Reservation:
        return held(number, line(1, MUG, 1, **fields), customer="")

    holds = OpenHolds(HoldQuotas(caller_reservations=2), [], {"shop": 1})
    assert counted(holds) is None
    holds.note(plain(1), [], NOON)
    assert counted(holds) == "2"
    holds.note(plain(2), [], NOON)
    assert counted(holds) == "3"
    # What is confirmed at once is no hold.
    holds.note(plain(3, state=LineState.CONFIRMED), [], NOON)
    assert counted(holds) == "3"
    holds.note(plain(4), [plain(1), plain(2)], NOON)
    assert counted(holds) == "2"
    holds.note(plain(5, state=LineState.CONFIRMED), [plain(4)], NOON)
    assert counted(holds) is None


def test_who_lets_go_first_may_hold_more_than_once() -> None:
    """Of callers that were never counted, too, what is let go is counted down."""
    holds = OpenHolds(HoldQuotas(caller_reservations=1), [], {})
    one = held(1, line(1, MUG, 1), customer="")

    holds.note(held(2, line(1, MUG, 1, state=LineState.CONFIRMED), customer=""), [one], NOON)
    assert refusal(holds, held(3, line(1, MUG, 1), customer="")) is None
    holds.note(one, [], NOON)
    assert refusal(holds, held(3, line(1, MUG, 1), customer="")) is None
    holds.note(one, [], NOON)
    assert refusal(holds, held(3, line(1, MUG, 1), customer="")) is not None
