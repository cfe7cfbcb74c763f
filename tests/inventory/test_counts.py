"""Counting: blind, against what the books said when it began, believed by somebody else."""

import pytest

from ordermesh.api.inventory.v1 import (
    AdjustmentReason,
    Count,
    CountLine,
    ListShortfallsRequest,
    Movement,
)
from ordermesh.inventory.domain.errors.counts import (
    CountIdTaken,
    CountNotFound,
    NotInCount,
    SamePerson,
    WrongCountState,
)
from ordermesh.inventory.operations import counts as counting
from ordermesh.kernel.errors import InvalidRequest
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.desk import (
    ACCEPTED,
    CANCELLED,
    DISPUTED,
    LOST,
    MISSING,
    RECOUNT,
    Desk,
    figures,
)
from tests.inventory.messages import selection


async def test_a_count_id_is_used_once(desk: Desk) -> None:
    await desk.plan("C-1")

    with pytest.raises(CountIdTaken) as refusal:
        await desk.plan("C-1", "MUG")
    assert refusal.value.facts() == {"countId": "C-1"}


async def test_what_nobody_planned_is_not_found(desk: Desk) -> None:
    for call in (desk.open(), desk.submit("Ann", {"MUG": 1}), desk.cancel(), desk.get()):
        with pytest.raises(CountNotFound):
            await call


async def test_nothing_is_counted_before_it_is_open_nor_after_it_is_over(desk: Desk) -> None:
    await desk.plan("C-1", "MUG")
    with pytest.raises(WrongCountState) as early:
        await desk.submit("Ann", {"MUG": 10})
    assert early.value.facts() == {"countId": "C-1", "state": "PLANNED"}

    await desk.open()
    with pytest.raises(WrongCountState):
        await desk.open()
    await desk.submit("Ann", {"MUG": 10})

    for call in (desk.submit("Bob", {"MUG": 9}), desk.cancel(), desk.accept("Cat")):
        with pytest.raises(WrongCountState) as late:
            await call
        assert late.value.facts()["state"] == "SETTLED"


async def test_items_that_are_not_in_the_count_are_refused(desk: Desk) -> None:
    await desk.begin("MUG")

    with pytest.raises(NotInCount) as refusal:
        await desk.submit("Ann", {"MUG": 10, "CUP": 6})

    assert refusal.value.facts() == {"countId": "C-1", "sku": "CUP"}
    assert (await desk.get()).lines[0].state == CountLine.STATE_OPEN


async def test_more_items_than_one_count_holds_are_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "LINES_MAX", 1)
    await desk.plan("C-1")

    with pytest.raises(InvalidRequest, match="one count can hold"):
        await desk.open()


async def test_without_items_all_that_is_stocked_is_counted(desk: Desk) -> None:
    planned = await desk.plan("C-1")
    opened = await desk.open()

    assert (planned.state, list(planned.lines)) == (Count.STATE_PLANNED, [])
    assert [line.sku for line in opened.lines] == ["CUP", "MUG"]
    assert opened.HasField("open_time")


async def test_a_place_where_nothing_is_stocked_is_settled_at_once(desk: Desk) -> None:
    await desk.plan("C-1", location_id="D")

    assert (await desk.open()).state == Count.STATE_SETTLED


async def test_a_counter_is_not_shown_what_the_books_expect_nor_what_others_found(
    desk: Desk,
) -> None:
    await desk.begin("MUG")
    line = (await desk.submit("Ann", {"MUG": 8}))["MUG"]

    assert line.state == RECOUNT
    assert list(line.tallies) == []
    assert list((await desk.get()).lines[0].tallies) == []


async def test_what_agrees_with_the_books_is_settled_without_a_movement(desk: Desk) -> None:
    await desk.begin("MUG")
    before = len(await desk.shop.movements(sku="MUG"))

    line = (await desk.submit("Ann", {"MUG": 10}))["MUG"]

    assert (line.state, line.accepted_by, line.movement_id) == (ACCEPTED, "Ann", "")
    assert line.reason == AdjustmentReason.ADJUSTMENT_REASON_UNSPECIFIED
    assert len(await desk.shop.movements(sku="MUG")) == before
    assert (await desk.get()).state == Count.STATE_SETTLED


@pytest.mark.parametrize(
    ("thresholds", "found", "is_believed"),
    [
        ({}, 9, False),
        ({"threshold_units": 0}, 9, False),
        ({"threshold_units": 1}, 9, True),
        ({"threshold_units": 1}, 11, True),
        ({"threshold_units": 1}, 8, False),
        ({"threshold_percent": 10}, 9, True),
        ({"threshold_percent": 9}, 9, False),
        ({"threshold_units": 5, "threshold_percent": 10}, 8, False),
        ({"threshold_units": 1, "threshold_percent": 50}, 8, False),
    ],
)
async def test_a_variance_within_every_threshold_is_believed_at_once(
    desk: Desk, thresholds: dict[str, int], found: int, is_believed: bool
) -> None:
    await desk.begin("MUG", **thresholds)

    line = (await desk.submit("Ann", {"MUG": found}))["MUG"]

    assert line.state == (ACCEPTED if is_believed else RECOUNT)
    assert await figures(desk) == (found if is_believed else 10, 0, 0, 0)
    if is_believed:
        made = (await desk.shop.movements(sku="MUG"))[-1]
        assert (made.movement_id, made.kind) == (line.movement_id, Movement.KIND_COUNTED)
        assert (made.document, made.reason) == ("C-1", AdjustmentReason.ADJUSTMENT_REASON_COUNTED)
    assert await desk.shop.is_sound()


async def test_a_recount_is_made_by_somebody_else(desk: Desk) -> None:
    await desk.begin("MUG", "CUP")
    await desk.submit("Ann", {"MUG": 8, "CUP": 1})

    with pytest.raises(SamePerson) as refusal:
        await desk.submit("Ann", {"MUG": 8, "CUP": 1})

    assert refusal.value.facts() == {
        "countId": "C-1", "person": "Ann", "sku": "MUG",
        "countId-2": "C-1", "person-2": "Ann", "sku-2": "CUP", "rows": "2",
    }  # fmt: skip


async def test_a_recount_that_agrees_with_the_books_ends_it(desk: Desk) -> None:
    await desk.begin("MUG")
    await desk.submit("Ann", {"MUG": 8})

    line = (await desk.submit("Bob", {"MUG": 10}))["MUG"]

    assert (line.state, line.accepted_by) == (ACCEPTED, "Bob")
    assert [(one.counter, one.counted, one.variance) for one in line.tallies] == [
        ("Ann", 8, -2), ("Bob", 10, 0),
    ]  # fmt: skip


async def test_who_counted_cannot_accept(desk: Desk) -> None:
    await desk.begin("MUG")
    await desk.submit("Ann", {"MUG": 8})
    await desk.submit("Bob", {"MUG": 8})

    for counter in ("Ann", "Bob"):
        with pytest.raises(SamePerson):
            await desk.accept(counter)
    assert await figures(desk) == (10, 0, 0, 0)


async def test_only_what_is_disputed_is_accepted(desk: Desk) -> None:
    await desk.begin("MUG")

    with pytest.raises(WrongCountState):
        await desk.accept("Cat")
    await desk.submit("Ann", {"MUG": 8})
    with pytest.raises(WrongCountState) as refusal:
        await desk.accept("Cat", "MUG")
    assert refusal.value.facts() == {"countId": "C-1", "state": "RECOUNT", "sku": "MUG"}


async def test_accepted_lines_move_the_books_in_one_movement_with_its_reason(desk: Desk) -> None:
    await desk.begin()
    for counter in ("Ann", "Bob"):
        await desk.submit(counter, {"MUG": 8, "CUP": 7})

    count = await desk.accept("Cat", note="behind the shelf")

    assert count.state == Count.STATE_SETTLED
    assert [(line.sku, line.accepted_by, line.reason) for line in count.lines] == [
        ("CUP", "Cat", LOST), ("MUG", "Cat", LOST),
    ]  # fmt: skip
    made = await desk.shop.movements(location_id="A")
    counted = [one for one in made if one.kind == Movement.KIND_COUNTED]
    assert [(one.reason, one.note) for one in counted] == [(LOST, "behind the shelf")]
    assert {line.movement_id for line in count.lines} == {counted[0].movement_id}
    assert (await figures(desk), await figures(desk, "CUP at A")) == ((8, 0, 0, 0), (7, 0, 0, 0))
    assert await desk.shop.is_sound()


async def test_a_disputed_line_can_be_counted_once_more(desk: Desk) -> None:
    await desk.begin("MUG")
    await desk.submit("Ann", {"MUG": 8})
    assert (await desk.submit("Bob", {"MUG": 7}))["MUG"].state == DISPUTED
    assert (await desk.submit("Cat", {"MUG": 8}))["MUG"].state == DISPUTED

    await desk.accept("Dan")

    assert await figures(desk) == (8, 0, 0, 0)


async def test_what_was_missing_and_is_found_pays_promises_first(desk: Desk) -> None:
    paid = await desk.shop.reserve({"MUG at A": 10}, confirm=True)
    await desk.shop.block(("MUG at A", 3, MISSING))
    assert await figures(desk) == (7, 10, 3, 3)
    await desk.begin("MUG")

    line = (await desk.submit("Ann", {"MUG": 10}))["MUG"]

    assert (line.state, line.settled_missing) == (ACCEPTED, 3)
    assert await figures(desk) == (10, 10, 0, 0)
    await desk.shop.ship(paid.reservation_id, selection("1"))
    assert await desk.shop.is_sound()


async def test_more_than_anybody_knew_of_is_found(desk: Desk) -> None:
    await desk.shop.block(("MUG at A", 2, MISSING))
    await desk.begin("MUG", "POT", threshold_units=5)

    lines = await desk.submit("Ann", {"MUG": 13, "POT": 4})

    assert {line.state for line in lines.values()} == {ACCEPTED}
    assert await figures(desk) == (13, 0, 0, 0)
    assert await figures(desk, "POT at A") == (4, 0, 0, 0)
    assert await desk.shop.is_sound()


async def test_less_than_is_promised_opens_a_shortfall(desk: Desk) -> None:
    await desk.shop.reserve({"MUG at A": 8}, order_id="O-1", confirm=True)
    await desk.begin("MUG")
    for counter in ("Ann", "Bob"):
        await desk.submit(counter, {"MUG": 5})

    await desk.accept("Cat")

    assert await figures(desk) == (5, 8, 3, 0)
    reply = await desk.shop.ledger.ListShortfalls(ListShortfallsRequest(), NO_CONTEXT)
    assert [(one.order_id, one.quantity) for one in reply.shortfalls] == [("O-1", 3)]
    assert await desk.shop.is_sound()


async def test_a_count_that_is_called_off_leaves_the_books_and_what_was_accepted(
    desk: Desk,
) -> None:
    await desk.begin(threshold_units=1)
    await desk.submit("Ann", {"MUG": 9, "CUP": 1})

    count = await desk.cancel()

    assert count.state == Count.STATE_CANCELLED
    assert {line.sku: line.state for line in count.lines} == {"MUG": ACCEPTED, "CUP": CANCELLED}
    assert await figures(desk, "CUP at A") == (6, 0, 0, 0)


async def test_counts_are_listed_by_place_and_state(desk: Desk) -> None:
    for number in range(5):
        await desk.plan(f"C-{number}", "MUG", location_id="AB"[number % 2])
    await desk.open("C-2")

    assert await desk.list() == ["C-0", "C-1", "C-2", "C-3", "C-4"]
    assert await desk.list(location_id="B") == ["C-1", "C-3"]
    assert await desk.list(location_id="A", state=Count.STATE_OPEN) == ["C-2"]
