"""The acceptance cases of returns, by their numbers, over gRPC with a real ledger and real routing.

========  ==================================================================================
RET-3     is left out: whether stock of an item is kept at all is not told apart yet
RET-9     is left out: a replacement is an order that is held, and orders have no holds yet
RET-10    is left out: goods that go back to the customer have no way in the ledger yet
========  ==================================================================================
"""

from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError

from ordermesh.api.returns.v1 import DisposedLine, RefundDue, Return
from ordermesh.client.errors import Refusal
from ordermesh.returns.store.tables import return_change
from ordermesh.runtime.database import Transaction
from tests.returns.desk import (
    AFTER_RECEIPT,
    BAD,
    GOOD,
    NO_HANDLING,
    NOW,
    REFURBISHABLE,
    RESTOCK,
    TO_DISCARD,
    TO_RESTOCK,
    Desk,
    asked,
    authorization,
    came,
    quantities,
    receipt,
    states,
    types,
)
from tests.routing.house import answered, entry, item, line, refused, usd


@pytest.fixture
async def mugs(desk: Desk) -> Desk:
    """Three mugs were sold at 9.99 and left; ten are on hand in the west."""
    await desk.house.stock({"MUG at NEAR": 3, "MUG at WEST": 10})
    await desk.sell("O-1", line("1", "MUG", 3, unit_price=usd(9.99)))
    return desk


async def test_ret_1_a_unit_comes_back_once(mugs: Desk) -> None:
    await mugs.authorize("R-1", asked("1", 1), location_id="WEST")
    first = receipt("R-1", came("1", 1))
    await mugs.mesh.returns.ReceiveReturn(first, timeout=20)
    assert await mugs.stock("MUG at WEST") == (11, 0)

    again = await refused(mugs.receive("R-1", came("1", 1)))

    assert (again.reason, again.metadata["received"]) == ("ALREADY_RECEIVED", "1")
    repeated = await mugs.mesh.returns.ReceiveReturn(first, timeout=20)
    assert repeated.order_return.return_id == "R-1"
    assert len(repeated.order_return.receipts) == 1
    assert await mugs.stock("MUG at WEST") == (11, 0)
    assert await mugs.house.books_balance()


async def test_ret_2_a_location_that_does_not_restock(mugs: Desk) -> None:
    await mugs.authorize("R-1", asked("1", 1), location_id="EAST")

    done = await mugs.receive("R-1", came("1", 1))

    assert quantities(done) == {("1", "MUG"): (1, 1, 0, 1, 0)}
    assert await mugs.stock("MUG at EAST") == (0, 1)
    assert await mugs.stock("MUG at WEST") == (10, 0)
    wish = await mugs.authorize("R-2", asked("1", 1), location_id="EAST")
    refusal = await refused(mugs.receive(wish.return_id, came("1", 1, disposition=TO_RESTOCK)))
    assert (refusal.reason, refusal.metadata) == ("NOT_RESTOCKED_HERE", {"locationId": "EAST"})


async def test_ret_4_one_sound_one_damaged(mugs: Desk) -> None:
    await mugs.authorize("R-1", asked("1", 2), location_id="WEST")

    done = await mugs.receive("R-1", came("1", 1, GOOD), came("1", 1, BAD))

    assert quantities(done) == {("1", "MUG"): (2, 2, 1, 0, 1)}
    assert await mugs.stock("MUG at WEST") == (11, 0)
    assert done.state == Return.STATE_COMPLETED


async def test_ret_5_a_cancelled_return_frees_its_quantity(mugs: Desk) -> None:
    await mugs.authorize("R-1", asked("1", 2))
    assert await mugs.returnable() == {("1", "MUG"): (3, 2, 0, 1)}

    cancelled = await mugs.cancel("R-1")

    assert cancelled.state == Return.STATE_CANCELLED
    assert await mugs.returnable() == {("1", "MUG"): (3, 0, 0, 3)}
    await mugs.authorize("R-2", asked("1", 3))
    assert await mugs.returnable() == {("1", "MUG"): (3, 3, 0, 0)}
    late = await refused(mugs.receive("R-1", came("1", 1)))
    assert late.reason == "RETURN_CANCELLED"


async def test_what_will_not_arrive_any_more_can_be_returned_anew(mugs: Desk) -> None:
    await mugs.authorize("R-1", asked("1", 3), location_id="WEST")
    await mugs.receive("R-1", came("1", 1))
    assert await mugs.returnable() == {("1", "MUG"): (3, 2, 1, 0)}

    over = await mugs.cancel("R-1")

    assert (over.state, states(over)[-2:]) == (Return.STATE_COMPLETED, ["RECEIVED", "COMPLETED"])
    assert await mugs.returnable() == {("1", "MUG"): (3, 0, 1, 2)}
    assert types(await mugs.events(4))[-1] == "return.completed"
    late = await refused(mugs.receive("R-1", came("1", 1)))
    assert late.reason == "ALREADY_RECEIVED"


async def test_ret_6_a_whole_order_in_one_step(desk: Desk) -> None:
    await desk.house.stock({"MUG at NEAR": 2, "LAMP at NEAR": 1})
    await desk.sell("O-1", line("1", "MUG", 2), line("2", "LAMP", 1))

    made = await desk.authorize("R-1")

    assert quantities(made) == {("1", "MUG"): (2, 0, 0, 0, 0), ("2", "LAMP"): (1, 0, 0, 0, 0)}
    assert {one[3] for one in (await desk.returnable()).values()} == {0}
    nothing_left = await refused(desk.authorize("R-2"))
    assert nothing_left.reason == "OVER_RETURNED"


async def test_ret_7_refund_at_once(mugs: Desk) -> None:
    made = await mugs.authorize("R-1", asked("1", 2), refund_timing=NOW)

    assert [amount(refund.amount) for refund in made.refunds] == [Decimal("19.98")]
    events = await mugs.events(2)
    assert types(events) == ["return.authorized", "refund.due"]
    await mugs.receive("R-1", came("1", 2), location_id="WEST")
    assert len((await mugs.get("R-1")).refunds) == 1


async def test_ret_8_refund_after_receipt(mugs: Desk) -> None:
    made = await mugs.authorize("R-1", asked("1", 2), refund_timing=AFTER_RECEIPT)
    assert list(made.refunds) == []

    done = await mugs.receive("R-1", came("1", 2), location_id="WEST")

    assert [amount(refund.amount) for refund in done.refunds] == [Decimal("19.98")]
    events = await mugs.events(4)
    assert types(events) == [
        "return.authorized",
        "return.received",
        "refund.due",
        "return.completed",
    ]
    due = RefundDue.FromString(events[2].payload)
    assert due.refund.refund_id == done.refunds[0].refund_id
    assert [event.sequence for event in events] == [1, 2, 3, 4]
    assert {event.order_id for event in events} == {"O-1"}


async def test_what_was_refunded_and_never_came_is_not_refunded_again(mugs: Desk) -> None:
    await mugs.authorize("R-1", asked("1", 2), refund_timing=NOW)
    await mugs.cancel("R-1")
    await mugs.authorize("R-2", asked("1", 1), refund_timing=NOW)
    await mugs.receive("R-2", came("1", 1), location_id="WEST")
    await mugs.authorize("R-3", asked("1", 2), location_id="WEST")
    await mugs.receive("R-3", came("1", 1))
    assert await due(mugs, "R-1", "R-2", "R-3") == [Decimal("19.98")]

    await mugs.receive("R-3", came("1", 1))

    assert await due(mugs, "R-1", "R-2", "R-3") == [Decimal("19.98"), Decimal("9.99")]
    assert types(await mugs.events(11)).count("refund.due") == 2


async def test_what_was_refunded_for_a_rest_that_never_came_is_not_refunded_again(
    mugs: Desk,
) -> None:
    await mugs.authorize("R-1", asked("1", 3), refund_timing=NOW, location_id="WEST")
    await mugs.receive("R-1", came("1", 1), last=True)

    await mugs.authorize("R-2", asked("1", 2), refund_timing=NOW)

    assert await due(mugs, "R-1", "R-2") == [Decimal("29.97")]


async def test_units_that_come_back_one_by_one_are_refunded_what_all_of_them_cost(
    desk: Desk,
) -> None:
    await desk.house.items("CUP", item("SET", {"CUP": 3}))
    await desk.house.receive({"CUP at NEAR": 3})
    await desk.sell("O-1", line("1", "SET", 1, unit_price=usd(10)))

    for number in (1, 2, 3):
        await desk.authorize(f"R-{number}", asked("1", 1, "CUP"), refund_timing=NOW)

    assert sum(await due(desk, "R-1", "R-2", "R-3")) == Decimal(10)


async def test_ret_11_every_change_of_state_is_kept(mugs: Desk) -> None:
    await mugs.authorize("R-1", asked("1", 2), on_behalf_of="Ann")
    await mugs.receive("R-1", came("1", 1), location_id="WEST", on_behalf_of="Bob")
    done = await mugs.receive("R-1", came("1", 1), location_id="WEST")

    assert states(done) == ["AUTHORIZED", "PARTLY_RECEIVED", "RECEIVED", "COMPLETED"]
    assert [one.actor.on_behalf_of for one in done.history] == ["Ann", "Bob", "", ""]
    assert [one.actor.caller for one in done.history] == ["developer"] * 3 + [""]
    times = [one.change_time.ToNanoseconds() for one in done.history]
    assert times == sorted(times)
    database = mugs.database
    assert database is not None
    for edit in (delete(return_change), update(return_change).values(state="CANCELLED")):

        async def change(tx: Transaction, edit: object = edit) -> None:
            await tx.execute(edit)  # type: ignore[arg-type]

        with pytest.raises(DBAPIError):
            await database.run(change)


async def test_goods_go_to_the_cheapest_location_that_takes_them(mugs: Desk) -> None:
    made = await mugs.authorize("R-1", asked("1", 1))

    assert made.location_id == "EAST"
    assert made.location_reason.startswith("EAST, ")
    assert "WEST costs" in made.location_reason
    nobody = await refused(mugs.authorize("R-2", asked("1", 1), location_id="NEAR"))
    assert (nobody.reason, nobody.metadata["locationId"]) == ("NO_RETURN_LOCATION", "NEAR")


async def test_who_was_told_that_no_location_takes_it_is_told_so_again(mugs: Desk) -> None:
    await mugs.authorize("R-1", asked("1", 1))
    wish = authorization("R-2", asked("1", 1), location_id="NEAR")
    arrival = receipt("R-1", came("1", 1), location_id="NEAR")
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: mugs.mesh.returns.AuthorizeReturn(wish),
        lambda: mugs.mesh.returns.ReceiveReturn(arrival, timeout=20),
    ]
    first = [await refused(call()) for call in calls]

    await mugs.house.network(entry("NEAR", return_handling=RESTOCK))

    assert [await refused(call()) for call in calls] == first
    assert [one.reason for one in first] == ["NO_RETURN_LOCATION"] * 2


async def test_a_kit_comes_back_whole_or_in_half(desk: Desk) -> None:
    house = desk.house
    await house.items("POT", "CUP", item("SET", {"POT": 1, "CUP": 2}))
    await house.receive({"POT at NEAR": 2, "CUP at NEAR": 4})
    await desk.sell("O-1", line("1", "SET", 2, unit_price=usd(30)))
    assert set(await desk.returnable()) == {("1", "CUP"), ("1", "POT")}

    half = await desk.authorize("R-1", asked("1", 1, "CUP"), location_id="WEST")
    await desk.receive("R-1", came("1", 1, sku="CUP"))

    assert await desk.stock("CUP at WEST") == (1, 0)
    assert await desk.stock("POT at WEST") == (0, 0)
    too_many = await refused(desk.authorize("R-2", asked("1", 2)))
    assert (too_many.reason, too_many.metadata) == (
        "INCOMPLETE_KIT",
        {"lineId": "1", "sku": "SET", "wanted": "2", "returnable": "1"},
    )
    whole = await desk.authorize("R-3", asked("1", 1), location_id="WEST")
    assert quantities(whole) == {("1", "POT"): (1, 0, 0, 0, 0), ("1", "CUP"): (2, 0, 0, 0, 0)}
    await desk.receive("R-3", came("1", 1, sku="POT"), came("1", 2, BAD, sku="CUP"))
    assert await desk.stock("POT at WEST") == (1, 0)
    assert await desk.stock("CUP at WEST") == (1, 0)
    assert (await desk.returnable())["1", "CUP"] == (4, 0, 3, 1)
    paid = [amount(one.amount) for name in ("R-1", "R-3") for one in (await desk.get(name)).refunds]
    assert half.lines[0].unit_price.currency_code == "USD"
    # A third of a kit and a whole one: by units, as these components have no value of their own.
    assert paid == [Decimal(10), Decimal(30)]
    assert await house.books_balance()


async def test_an_order_of_many_kits_comes_back_whole(desk: Desk) -> None:
    parts = {f"PART-{number}": 1 for number in range(50)}
    await desk.house.items(*parts, item("SET", parts))
    await desk.house.receive({f"{part} at NEAR": 11 for part in parts})
    await desk.sell("O-1", *(line(str(number), "SET") for number in range(11)))

    made = await desk.authorize("R-1", location_id="WEST")

    assert len(made.lines) == 550
    assert {one[3] for one in (await desk.returnable()).values()} == {0}


async def test_what_was_kept_apart_is_decided_later(mugs: Desk) -> None:
    await mugs.authorize("R-1", asked("1", 3), location_id="WEST")
    await mugs.receive("R-1", came("1", 3, REFURBISHABLE))
    assert await mugs.stock("MUG at WEST") == (10, 3)

    done = await mugs.dispose(
        "R-1",
        DisposedLine(line_id="1", sku="MUG", quantity=2, disposition=TO_RESTOCK),
        DisposedLine(line_id="1", sku="MUG", quantity=1, disposition=TO_DISCARD),
    )

    assert quantities(done) == {("1", "MUG"): (3, 3, 2, 0, 1)}
    assert await mugs.stock("MUG at WEST") == (12, 0)
    assert types(await mugs.events(5))[-1] == "return.disposed"
    more = await refused(
        mugs.dispose(
            "R-1", DisposedLine(line_id="1", sku="MUG", quantity=1, disposition=TO_DISCARD)
        )
    )
    assert (more.reason, more.metadata["blocked"]) == ("NOT_BLOCKED", "0")


async def test_what_is_decided_is_taken_from_where_the_ledger_keeps_it(mugs: Desk) -> None:
    await mugs.authorize("SOUND", asked("1", 1), location_id="EAST")
    await mugs.receive("SOUND", came("1", 1, GOOD))
    await mugs.authorize("BROKEN", asked("1", 1), location_id="EAST")
    await mugs.receive("BROKEN", came("1", 1, REFURBISHABLE))
    assert await mugs.kept_apart("MUG at EAST") == (1, 1)

    one = DisposedLine(line_id="1", sku="MUG", quantity=1, disposition=TO_DISCARD)
    await mugs.dispose("BROKEN", one)

    assert await mugs.kept_apart("MUG at EAST") == (1, 0)


async def test_what_was_kept_apart_is_decided_though_its_location_takes_nothing_back_any_more(
    mugs: Desk,
) -> None:
    await mugs.authorize("R-1", asked("1", 1), location_id="EAST")
    await mugs.receive("R-1", came("1", 1))
    await mugs.house.network(entry("EAST", return_handling=NO_HANDLING))
    one = DisposedLine(line_id="1", sku="MUG", quantity=1, disposition=TO_RESTOCK)

    refusal = await refused(mugs.dispose("R-1", one))
    one.disposition = TO_DISCARD
    done = await mugs.dispose("R-1", one)

    assert (refusal.reason, refusal.metadata) == ("NOT_RESTOCKED_HERE", {"locationId": "EAST"})
    assert quantities(done) == {("1", "MUG"): (1, 1, 0, 0, 1)}
    assert await mugs.stock("MUG at EAST") == (0, 0)


async def test_the_rest_of_a_return_that_never_came_can_be_returned_anew(mugs: Desk) -> None:
    await mugs.authorize("R-1", asked("1", 3), location_id="WEST")

    done = await mugs.receive("R-1", came("1", 1), last=True)

    assert done.state == Return.STATE_COMPLETED
    assert await mugs.returnable() == {("1", "MUG"): (3, 0, 1, 2)}


async def test_a_request_that_was_answered_is_answered_again_though_routing_is_away(
    mugs: Desk,
) -> None:
    request = authorization("R-1", asked("1", 1))
    first = await mugs.mesh.returns.AuthorizeReturn(request)
    await mugs.house.stop_routing()

    assert await mugs.mesh.returns.AuthorizeReturn(request) == first
    away = await answered(mugs.mesh.returns.AuthorizeReturn(authorization("R-2", asked("1", 1))))

    assert isinstance(away, Refusal)
    assert (away.code.name, away.reason) == ("UNAVAILABLE", "UNAVAILABLE")
    assert away.retry_after is not None
    assert await mugs.returnable() == {("1", "MUG"): (3, 1, 0, 2)}


async def due(desk: Desk, *return_ids: str) -> list[Decimal]:
    """What is due by these returns."""
    found = [await desk.get(name) for name in return_ids]
    return [amount(refund.amount) for one in found for refund in one.refunds]


def amount(money: object) -> Decimal:
    units, nanos = money.units, money.nanos  # type: ignore[attr-defined]
    return Decimal(units) + Decimal(nanos) / 1_000_000_000
