"""What one order, key or policy has that is out of the ordinary is no harm to the others."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordermesh.api.inventory.v1 import Item, Size
from ordermesh.api.order.v1 import FulfillmentMethod
from ordermesh.api.routing import v1
from ordermesh.inventory.domain.moving import MOVES_MAX
from ordermesh.routing.domain.plan import Plan
from ordermesh.routing.domain.reoptimizing import proposal
from ordermesh.routing.domain.reoptimizing.fate import Fate, is_foreseen, refused_for
from ordermesh.routing.domain.reoptimizing.movable import Compared, days_allowed
from ordermesh.routing.domain.story import Story
from ordermesh.routing.operations import reoptimization
from ordermesh.routing.store.orders import SqlOrderStore
from tests.eventually import eventually
from tests.routing.freight import card, carrier, lane, name, put, rates, service, zones
from tests.routing.house import House, entry, item, line, new_id, usd
from tests.routing.policing import save
from tests.routing.reoptimizing import APART, CROSSED, bought, crossed, fates, places, reoptimize
from tests.routing.test_books_in_doubt import doubt, free

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
    dear = rates(1, 7.0, 8.0), rates(2, 12.0, 14.0)
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
    (work,) = await house.work("O-1")
    assert (work.location_id, len(work.lines)) == ("WEST", 2)
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


async def apart(house: House) -> None:
    """Two orders that would each be better off elsewhere, and need nothing of each other."""
    await house.stock({"MUG at WEST": 1, "LAMP at WEST": 1})
    await bought(house, "O-1", "EAST", line("1", "MUG"))
    await bought(house, "O-2", "EAST", line("1", "LAMP"))
    await house.receive({"MUG at EAST": 1, "LAMP at EAST": 1})


async def test_a_run_that_was_cut_off_is_not_made_again_by_the_same_request(house: House) -> None:
    await apart(house)
    request_id = new_id()

    async def cut_off(point: str) -> None:
        if point == "reassignment stored":
            raise ConnectionError("the pod is gone")

    house.at = cut_off
    with pytest.raises(grpc.aio.AioRpcError):
        await reoptimize(house, request_id=request_id)
    house.at = lambda _point: None

    again = await reoptimize(house, request_id=request_id)

    # What it had begun is told, and what it had not is left to the next.
    ((moved, fate),) = fates(again).items()
    assert fate == "MOVED"
    assert (again.moved_orders, again.considered_orders) == (1, 1)
    assert again.cost_after.units < again.cost_before.units
    assert await reoptimize(house, request_id=request_id) == again
    assert await places(house, moved) == {moved: {"EAST"}}
    (other,) = {"O-1", "O-2"} - {moved}
    assert await places(house, other) == {other: {"WEST"}}
    assert fates(await reoptimize(house))[other] == "MOVED"
    assert await house.books_balance()


async def test_a_request_that_is_made_twice_at_once_is_one_run(house: House) -> None:
    await apart(house)
    request_id = new_id()
    met = asyncio.Barrier(2)

    async def wait(point: str) -> None:
        if point == "replanned":
            await met.wait()

    house.at = wait
    first, second = await asyncio.gather(
        *(reoptimize(house, request_id=request_id) for _ in range(2))
    )

    assert first == second
    for order_id in ("O-1", "O-2"):
        decided = await house.mesh.sourcing.ListDecisions(
            v1.ListDecisionsRequest(order_id=order_id)
        )
        together = [one for one in decided.decisions if one.HasField("reoptimization")]
        assert {one.reoptimization.run_id for one in together} == {first.run_id}
        assert len(together) == 1
    assert await house.books_balance()


async def test_what_holds_at_a_key_in_quarantine_is_left_alone_and_the_rest_moves(
    house: House,
) -> None:
    await apart(house)
    await doubt(house, "MUG at WEST")

    reply = await reoptimize(house)

    assert fates(reply) == {"O-1": "REFUSED", "O-2": "MOVED"}
    assert "the books of MUG at WEST are in quarantine" in {one.fact for one in reply.orders}
    await free(house, "MUG at WEST")
    assert fates(await reoptimize(house))["O-1"] == "MOVED"
    assert await house.books_balance()


async def test_a_key_in_quarantine_keeps_no_order_from_being_worked_on(house: House) -> None:
    await crossed(house)

    async def seize(point: str) -> None:
        if point == "replanned":
            await doubt(house, "MUG at EAST")

    house.at = seize
    reply = await reoptimize(house)

    assert fates(reply) == {"O-EAST": "REFUSED", "O-WEST": "REFUSED"}
    assert "KEY_QUARANTINED" in reply.orders[0].fact
    (work,) = await house.work("O-EAST")
    assert (await house.accept(work)).state == v1.FulfillmentOrder.STATE_ACCEPTED
    # Nothing of it moves when the key is free.
    await free(house, "MUG at EAST")
    assert await places(house, "O-EAST", "O-WEST") == CROSSED
    assert await house.books_balance()


async def test_what_is_collected_takes_no_place_of_what_could_move(house: House) -> None:
    await house.network(
        *(
            entry(
                place,
                methods=[
                    FulfillmentMethod.FULFILLMENT_METHOD_SHIP,
                    FulfillmentMethod.FULFILLMENT_METHOD_PICK_UP,
                ],
            )
            for place in ("NEAR", "EAST", "WEST")
        )
    )
    await house.stock({"MUG at NEAR": 1})
    await house.submit(
        "O-0",
        line("1", "MUG"),
        method=FulfillmentMethod.FULFILLMENT_METHOD_PICK_UP,
        pickup_location_id="NEAR",
        destination=None,
    )
    assert await places(house, "O-0") == {"O-0": {"NEAR"}}
    await apart(house)

    reply = await reoptimize(house, orders_max=1)

    assert fates(reply) == {"O-1": "MOVED"}
    assert reply.more_orders


async def test_runs_on_schedule_come_to_every_order_in_turn(house: House) -> None:
    await apart(house)
    database = house.database
    assert database is not None
    store = SqlOrderStore()

    first = await database.read(lambda tx: store.unbegun(tx, 0, 1))
    second = await database.read(lambda tx: store.unbegun(tx, first[0][1], 1))
    third = await database.read(lambda tx: store.unbegun(tx, second[0][1], 1))

    assert [order_id for order_id, _ in (*first, *second)] == ["O-1", "O-2"]
    assert third == []


async def test_the_schedule_goes_on_where_it_stopped(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reoptimization, "ORDERS", 1)
    # The oldest order is best where it is, for ever.
    await house.stock({"CUP at EAST": 1})
    await bought(house, "O-0", "EAST", line("1", "CUP"))
    await apart(house)
    await house.stop_routing()
    house.reoptimize_seconds = 0.1
    await house.start_routing()

    async def are_moved() -> bool:
        return await places(house, "O-1", "O-2") == {"O-1": {"EAST"}, "O-2": {"EAST"}}

    await eventually(are_moved)


def test_a_change_has_no_more_parts_than_the_ledger_moves_at_once() -> None:
    line_of_work, shipment = SimpleNamespace(), SimpleNamespace(lines=(1, 2, 3))
    work = SimpleNamespace(lines=(line_of_work, line_of_work))
    one = cast("Compared", SimpleNamespace(movable=SimpleNamespace(work=(work, work))))

    assert proposal.MOVES_MAX == MOVES_MAX
    assert proposal.parts_of(one, cast("Plan", SimpleNamespace(shipments=(shipment,)))) == 7
