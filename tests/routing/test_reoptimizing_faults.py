"""What one order, key or policy has that is out of the ordinary is no harm to the others."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordermesh.api.inventory.v1 import Item, Size
from ordermesh.api.routing import v1
from ordermesh.routing.domain.reoptimizing.fate import Fate, is_foreseen, refused_for
from ordermesh.routing.domain.reoptimizing.movable import days_allowed
from ordermesh.routing.domain.story import Story
from tests.routing.freight import card, carrier, lane, name, put, rates, service, zones
from tests.routing.house import House, item, line, usd
from tests.routing.policing import save
from tests.routing.reoptimizing import APART, crossed, fates, places, reoptimize

ORDERED = datetime(2026, 11, 1, 20, tzinfo=UTC)


def promised(days: int, order_time: datetime = ORDERED) -> Story:
    order = SimpleNamespace(promise_days=days, order_time=order_time)
    return cast("Story", SimpleNamespace(order=order))


def test_a_day_that_has_begun_is_gone() -> None:
    assert days_allowed(promised(3), datetime(2026, 11, 2, 8, tzinfo=UTC), 0) == 2
    assert days_allowed(promised(3), ORDERED, 0) == 3
    assert days_allowed(promised(3), ORDERED + timedelta(days=1), 0) == 2
    assert days_allowed(promised(3), ORDERED + timedelta(days=9), 4) == 4
    assert days_allowed(promised(0), ORDERED, 4) is None


@given(
    days=st.integers(1, 30),
    order_time=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001 - made aware below
    gone=st.timedeltas(timedelta(0), timedelta(days=40)),
    days_now=st.integers(0, 40),
)
def test_no_day_that_is_allowed_is_after_the_promise(
    days: int, order_time: datetime, gone: timedelta, days_now: int
) -> None:
    order_time = order_time.replace(tzinfo=UTC)
    now, promise = order_time + gone, order_time + timedelta(days=days)

    allowed = days_allowed(promised(days, order_time), now, days_now)

    assert allowed is not None
    if allowed != days_now:
        assert now + timedelta(days=allowed) <= promise < now + timedelta(days=allowed + 1)
    assert allowed >= days_now


@pytest.mark.parametrize(
    ("reason", "fate"),
    [
        ("INSUFFICIENT_STOCK", Fate.STOCK_TAKEN),
        ("NOT_STOCKED_HERE", Fate.STOCK_TAKEN),
        ("RESERVATION_CLOSED", Fate.CHANGED_MEANWHILE),
        ("RESERVATION_EXPIRED", Fate.CHANGED_MEANWHILE),
        ("KEY_QUARANTINED", Fate.REFUSED),
        ("FENCED", Fate.REFUSED),
        ("NOT_YOUR_RESERVATION", Fate.REFUSED),
        ("TOO_MUCH_ASKED", Fate.REFUSED),
        ("", Fate.REFUSED),
    ],
)
def test_only_stock_that_others_took_is_told_as_that(reason: str, fate: Fate) -> None:
    told, fact = refused_for(reason)

    assert told is fate
    assert reason in fact
    foreseen = fate is not Fate.REFUSED or reason == "KEY_QUARANTINED"
    assert is_foreseen(reason) is foreseen


async def test_parts_that_go_by_another_service_than_the_rest_are_no_fault(house: House) -> None:
    # One service carries no bleach, and the other nothing that is long.
    await house.items(
        item("BLEACH", handling=[Item.HANDLING_HAZARDOUS]),
        item("MUG", size=Size(length_millimetres=900, width_millimetres=50, height_millimetres=50)),
    )
    dear = rates(1, 50.0, 60.0), rates(2, 80.0, 90.0)
    cheap = rates(1, 5.0, 6.0), rates(2, 8.0, 9.0)
    await put(
        house,
        zones(),
        carrier(
            service("GROUND"),
            service("HAZMAT", handling=["HAZARDOUS"], longest_side_millimetres_max=500),
        ),
        card(*cheap),
        card(*dear, rate_card_id="DEAR", service=name("POSTMAN/HAZMAT")),
        lane("W", "WEST", "POSTMAN/GROUND", "POSTMAN/HAZMAT"),
        lane("N", "NEAR", "POSTMAN/GROUND", "POSTMAN/HAZMAT"),
    )
    await house.receive({"MUG at WEST": 1, "BLEACH at WEST": 1})
    await house.submit("O-1", line("1", "BLEACH"), line("2", "MUG"))
    assert await places(house, "O-1") == {"O-1": {"WEST"}}
    await house.receive({"MUG at NEAR": 1, "BLEACH at NEAR": 1})

    reply = await reoptimize(house)

    assert fates(reply) == {"O-1": "MOVED"}
    assert await places(house, "O-1") == {"O-1": {"NEAR"}}


async def test_what_is_saved_is_told_in_the_currency(house: House) -> None:
    await crossed(house)

    reply = await reoptimize(house)

    saving = reply.cost_before.units + reply.cost_before.nanos / 1e9
    saving -= reply.cost_after.units + reply.cost_after.nanos / 1e9
    saving -= reply.charge.units + reply.charge.nanos / 1e9
    assert {one.fact for one in reply.orders} == {f"2 orders moved together save {saving:.2f} USD"}


async def test_an_order_that_was_sourced_by_a_policy_of_its_own_is_judged_by_that(
    house: House,
) -> None:
    own = await save(house, "own", reassignment_charge=usd(500))
    await house.stock({"MUG at WEST": 1})
    await house.submit("O-1", line("1", "MUG"))
    await house.receive({"MUG at SOUTH": 1})
    await house.source("O-1", policy_id="own", policy_version=own.version)
    (work,) = [
        one for one in await house.work("O-1") if one.state == v1.FulfillmentOrder.STATE_RELEASED
    ]
    await house.receive({"MUG at NEAR": 1})

    reply = await reoptimize(house)

    assert fates(reply)["O-1"] in ("SAVES_TOO_LITTLE", "BEST_WHERE_IT_IS")
    assert await places(house, "O-1") == {"O-1": {work.location_id}}


async def test_an_order_whose_policy_is_gone_leaves_the_others_to_be_moved(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await crossed(house)
    await house.stock({"LAMP at WEST": 1})
    await house.submit("O-3", line("1", "LAMP"))
    from ordermesh.routing.domain.errors.policy import PolicyNotFound
    from ordermesh.routing.operations.planning import Planner

    know = Planner.know

    async def forgetful(self: Planner, tx: object, question: object, *rest: object) -> object:
        if question.order_id == "O-3":  # type: ignore[attr-defined]  # a question
            raise PolicyNotFound("gone", 3)
        return await know(self, tx, question, *rest)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(Planner, "know", forgetful)

    reply = await reoptimize(house)

    assert fates(reply) == {"O-EAST": "MOVED", "O-WEST": "MOVED", "O-3": "NOT_COMPARABLE"}
    assert await places(house, "O-EAST", "O-WEST") == APART
