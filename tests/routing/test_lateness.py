"""Late goods: which hop spent the slack, and what of the delay is charged to whom."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordermesh.routing.domain.expected import Expected
from ordermesh.routing.domain.fulfillment import (
    FulfillmentLine,
    FulfillmentOrder,
    FulfillmentState,
    RejectReason,
    begin_shipping,
    reject,
    take_back_shipping,
    timed,
)
from ordermesh.routing.domain.lateness import Hop, Lateness, lateness

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def at(number: float) -> datetime:
    """So many hours after the decision."""
    return NOON + hours(number)


EXPECTED = Expected(at(0), at(4), at(6), at(30), at(36))
"""Four hours of work, two until the carrier comes, a day of transit, six hours of slack."""

DELIVERED = FulfillmentState.DELIVERED


def work(expected: Expected | None = EXPECTED, **fields: Any) -> FulfillmentOrder:
    """Work that went just as expected, and arrived."""
    return FulfillmentOrder(
        **{
            "fulfillment_order_id": "F-1",
            "order_id": "O-1",
            "location_id": "NEAR",
            "decision_id": UUID(int=1),
            "lines": (FulfillmentLine("1", "MUG", 1),),
            "promise_days": 0,
            "create_time": NOON,
            "update_time": NOON,
            "state": DELIVERED,
            "expected": expected,
            "release_time": at(0),
            "ready_time": at(4),
            "ship_time": at(6),
            "deliver_time": at(30),
            **fields,
        }
    )


def told(work: FulfillmentOrder, now: datetime | None = None) -> Lateness:
    found = lateness(work, now)
    assert found is not None
    return found


def charges(found: Lateness) -> dict[str, float]:
    return {one.hop.value: one.delay / hours(1) for one in found.hops if one.delay}


def overruns(found: Lateness) -> dict[str, float]:
    return {one.hop.value: one.overrun / hours(1) for one in found.hops}


@pytest.mark.parametrize(
    "silent",
    [
        work(None, deliver_time=at(99)),
        work(replace(EXPECTED, promise_time=None), deliver_time=at(99)),
        work(state=FulfillmentState.REJECTED, deliver_time=None),
        work(state=FulfillmentState.CANCELLED, deliver_time=None),
        work(state=FulfillmentState.PLANNED, release_time=None, ship_time=None, deliver_time=None),
    ],
    ids=["not expected", "not promised", "rejected", "cancelled", "planned"],
)
def test_nothing_is_told_of_work_that_is_not_late_by_anything(silent: FulfillmentOrder) -> None:
    assert lateness(silent, at(99)) is None
    assert lateness(silent, None) is None


def test_goods_on_the_way_are_not_late_before_the_promise_and_only_to_those_who_ask_when() -> None:
    way = work(state=FulfillmentState.SHIPPED, deliver_time=None)

    assert lateness(way, at(36)) is None
    assert lateness(way, None) is None
    assert told(way, at(37)).delay == hours(1)


@pytest.mark.parametrize(
    ("late", "charged", "to_blame"),
    [
        (work(), {}, None),
        (work(deliver_time=at(20)), {}, None),
        (work(deliver_time=at(36)), {}, None),
        (work(deliver_time=at(40)), {"TRANSIT": 4}, "TRANSIT"),
        # The slack of six hours is spent by the hops in their order.
        (
            work(release_time=at(5), ready_time=at(5), ship_time=at(9), deliver_time=at(38)),
            {"TRANSIT": 2},
            "TRANSIT",
        ),
        # The carrier came ten hours late.
        (work(ship_time=at(16), deliver_time=at(40)), {"CARRIER": 4}, "CARRIER"),
        # It came in time, but nothing was ready: that it came again on the next day only is not
        # its fault.
        (
            work(ready_time=at(7), ship_time=at(30), deliver_time=at(54)),
            {"HANDLING": 18},
            "HANDLING",
        ),
        # Nobody said when it was ready.
        (
            work(ready_time=None, ship_time=at(16), deliver_time=at(40)),
            {"HANDLING": 4},
            "HANDLING",
        ),
        # It was held for a day.
        (
            work(release_time=at(24), ready_time=at(28), ship_time=at(30), deliver_time=at(54)),
            {"RELEASE": 18},
            "RELEASE",
        ),
        # What was made good is given back.
        (
            work(release_time=at(24), ready_time=at(26), ship_time=at(28), deliver_time=at(44)),
            {"RELEASE": 18, "HANDLING": -2, "TRANSIT": -8},
            "RELEASE",
        ),
        # It was decided too late, as after a rejection.
        (
            work(replace(EXPECTED, promise_time=at(20)), deliver_time=at(31)),
            {"DECISION": 10, "TRANSIT": 1},
            "DECISION",
        ),
        # Goods that had to come: that the order was free before is no gain.
        (
            work(
                Expected(at(24), at(28), at(30), at(54), at(54)),
                release_time=at(0),
                ready_time=at(29),
                ship_time=at(35),
                deliver_time=at(60),
            ),
            {"HANDLING": 1, "CARRIER": 4, "TRANSIT": 1},
            "CARRIER",
        ),
    ],
)
def test_a_delay_is_charged_to_the_hops_that_made_it(
    late: FulfillmentOrder, charged: Mapping[str, float], to_blame: str | None
) -> None:
    found = told(late)

    assert charges(found) == charged
    assert found.to_blame == to_blame
    assert found.delay == hours(sum(charged.values()))


def test_the_hop_in_which_goods_are_is_charged_with_what_is_certain() -> None:
    waits = work(
        state=FulfillmentState.ON_HOLD, release_time=None, ship_time=None, deliver_time=None
    )
    assert charges(told(waits, at(40))) == {"RELEASE": 4}
    begun = replace(waits, state=FulfillmentState.RELEASED, release_time=at(37))
    assert charges(told(begun, at(40))) == {"RELEASE": 31, "HANDLING": -27}
    gone = replace(begun, state=FulfillmentState.SHIPPED, ship_time=at(7), release_time=at(0))
    assert charges(told(gone, at(40))) == {"TRANSIT": 4}


def test_what_is_collected_is_there_when_it_can_be_collected_however_late_somebody_comes() -> None:
    expected = Expected(at(0), at(4), at(4), at(4), at(6))
    here: dict[str, Any] = {
        "pickup_location_id": "NEAR",
        "state": FulfillmentState.SHIPPED,
        "deliver_time": None,
    }

    in_time = told(work(expected, **here, ready_time=at(5), ship_time=at(90)))
    assert (in_time.delay, overruns(in_time)) == (
        hours(0),
        {"DECISION": -2, "RELEASE": 0, "HANDLING": 1},
    )
    late = told(work(expected, **here, ready_time=at(9), ship_time=at(90)))
    assert charges(late) == {"HANDLING": 3}
    nobody_said = told(work(expected, **here, ready_time=None, ship_time=at(7)))
    assert charges(nobody_said) == {"HANDLING": 1}
    brought: dict[str, Any] = {
        **here,
        "pickup_location_id": "SOUTH",
        "state": DELIVERED,
        "deliver_time": at(40),
    }
    assert charges(told(work(**brought))) == {"TRANSIT": 4}


def test_a_ready_time_that_cannot_be_true_counts_as_the_nearest_that_can() -> None:
    before = told(work(ready_time=at(-50), release_time=at(1), deliver_time=at(40)))
    assert overruns(before)["HANDLING"] == -4
    after = told(work(ready_time=at(500), ship_time=at(16), deliver_time=at(40)))
    assert charges(after) == {"HANDLING": 4}


INSTANTS = st.integers(-200_000, 400_000).map(lambda second: NOON + timedelta(seconds=second))
UNKNOWN = st.none() | INSTANTS


@given(
    expected=st.builds(Expected, INSTANTS, INSTANTS, INSTANTS, INSTANTS, INSTANTS),
    release_time=UNKNOWN,
    ready_time=UNKNOWN,
    ship_time=UNKNOWN,
    deliver_time=UNKNOWN,
    pickup=st.sampled_from(["", "NEAR", "SOUTH"]),
    state=st.sampled_from(sorted(FulfillmentState)),
    now=UNKNOWN,
)
def test_charges_add_up_to_the_delay_whatever_happened_and_overruns_to_what_was_not_expected(
    expected: Expected, pickup: str, now: datetime | None, **times: Any
) -> None:
    one = work(expected, pickup_location_id=pickup, **times)
    found = lateness(one, now)
    if found is None:
        return

    assert sum((hop.delay for hop in found.hops), hours(0)) == found.delay >= hours(0)
    assert [hop.hop for hop in found.hops] == sorted(
        {hop.hop for hop in found.hops}, key=list(Hop).index
    )
    beyond = sum((hop.overrun for hop in found.hops), hours(0))
    assert max(beyond, hours(0)) == found.delay
    assert (found.to_blame is None) == (not found.delay)
    if one.deliver_time is not None and pickup != "NEAR" and expected.promise_time is not None:
        assert found.delay == max(one.deliver_time - expected.promise_time, hours(0))
    if found.to_blame is not None:
        (blamed,) = [hop for hop in found.hops if hop.hop is found.to_blame]
        assert blamed.delay == max(hop.delay for hop in found.hops) > hours(0)


def test_instants_are_kept_once_and_go_when_it_turns_out_that_nothing_left() -> None:
    fresh = work(
        state=FulfillmentState.RELEASED,
        release_time=None,
        ready_time=None,
        ship_time=None,
        deliver_time=None,
    )
    released = timed(fresh, at(1))
    assert timed(released, at(2)).release_time == at(1)

    left = timed(begin_shipping(released, (), UUID(int=2), at(3)), at(5))
    assert (left.release_time, left.ready_time, left.ship_time) == (at(1), at(3), at(5))
    back = timed(take_back_shipping(left), at(6))
    assert (back.release_time, back.ready_time, back.ship_time) == (at(1), None, None)
    assert timed(reject(released, RejectReason.OTHER), at(9)).ship_time is None
