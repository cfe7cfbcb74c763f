"""Calls that wait at one moment are handled together, and each gets its own answer."""

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar

import pytest

from ordermesh.kernel.errors import Overloaded, Unavailable
from ordermesh.runtime.batching import (
    TIMEOUTS_MAX,
    Batcher,
    Waiting,
)
from tests.eventually import eventually
from tests.shared.kitchen import Answers, Kitchen, Poisoned, outcome, settled


async def test_a_lone_item_is_handled_alone_and_at_once() -> None:
    kitchen = Kitchen()

    assert await Batcher(kitchen.handle).ask("tea") == "tea is done"

    assert kitchen.batches == [["tea"]]


async def test_what_waits_while_a_batch_is_under_way_is_the_next_batch_in_order() -> None:
    kitchen = Kitchen()

    answers = await settled(kitchen, Batcher(kitchen.handle), ["a", "b", "c"])

    assert answers == ["a is done", "b is done", "c is done"]
    assert kitchen.batches == [["first"], ["a", "b", "c"]]


async def test_a_batch_has_no_more_items_than_it_may() -> None:
    kitchen = Kitchen()

    await settled(kitchen, Batcher(kitchen.handle, items_max=2), ["a", "b", "c"])

    assert kitchen.batches == [["first"], ["a", "b"], ["c"]]


async def test_a_batch_weighs_no_more_than_it_may_unless_it_is_one_heavy_item() -> None:
    kitchen = Kitchen()
    batcher = Batcher(kitchen.handle, weigh=len, weight_max=4)

    await settled(kitchen, batcher, ["aa", "bb", "c", "very heavy", "d"])

    assert kitchen.batches == [["first"], ["aa", "bb"], ["c"], ["very heavy"], ["d"]]


async def test_the_answer_of_one_may_be_an_error_and_the_others_stand() -> None:
    kitchen = Kitchen()

    good, bad, better = await settled(kitchen, Batcher(kitchen.handle), ["a", "bad", "b"])

    assert (good, better) == ("a is done", "b is done")
    assert isinstance(bad, ValueError)
    assert len(kitchen.batches) == 2


@pytest.mark.parametrize("poisoned", range(8))
async def test_a_batch_that_fails_is_halved_until_the_bad_one_is_alone(poisoned: int) -> None:
    kitchen = Kitchen()
    items = [str(number) for number in range(8)]
    kitchen.poison = {items[poisoned]}

    answers = await settled(kitchen, Batcher(kitchen.handle), items)

    assert isinstance(answers.pop(poisoned), Poisoned)
    items.pop(poisoned)
    assert answers == [f"{item} is done" for item in items]
    # Eight, four, two, one: of each pair of halves, both.
    assert len(kitchen.batches) == 1 + 1 + 2 * 3


async def test_where_nothing_can_be_served_a_batch_is_not_halved() -> None:
    kitchen = Kitchen()
    kitchen.open.clear()
    batcher = Batcher(kitchen.handle)
    first = asyncio.create_task(batcher.ask("first"))
    await asyncio.sleep(0.01)
    others = [asyncio.create_task(batcher.ask(str(number))) for number in range(4)]
    await asyncio.sleep(0.01)
    kitchen.away = 2
    kitchen.open.set()

    outcomes = [await outcome(one) for one in (first, *others)]

    assert all(isinstance(one, Unavailable) for one in outcomes)
    assert len(kitchen.batches) == 2


@pytest.mark.parametrize("slow", range(8))
async def test_one_that_takes_too_long_is_found_as_one_that_fails_is(slow: int) -> None:
    kitchen = Kitchen()
    items = [str(number) for number in range(8)]
    kitchen.slow = {items[slow]}

    answers = await settled(kitchen, Batcher(kitchen.handle), items)

    assert isinstance(answers.pop(slow), Unavailable)
    items.pop(slow)
    assert answers == [f"{item} is done" for item in items]


async def test_where_everything_takes_too_long_the_search_for_one_ends_soon() -> None:
    kitchen = Kitchen()
    items = [str(number) for number in range(64)]
    kitchen.slow = set(items)

    answers = await settled(kitchen, Batcher(kitchen.handle), items)

    assert all(isinstance(one, Unavailable) for one in answers)
    assert len(kitchen.batches) == 1 + TIMEOUTS_MAX


async def test_nobody_is_looked_for_who_has_gone_while_a_batch_took_too_long() -> None:
    kitchen = Kitchen()
    kitchen.slow = {"a"}
    kitchen.open.clear()
    batcher = Batcher(kitchen.handle)
    first = asyncio.create_task(batcher.ask("first"))
    await asyncio.sleep(0.01)
    callers = [asyncio.create_task(batcher.ask(item)) for item in "abcd"]
    await asyncio.sleep(0.01)
    kitchen.open.set()
    await first
    kitchen.open.clear()
    await eventually(lambda: len(kitchen.batches) > 1)
    for one in callers:
        one.cancel()
    kitchen.open.set()
    await asyncio.gather(*callers, return_exceptions=True)
    assert await batcher.ask("next") == "next is done"

    assert kitchen.batches[1] == ["a", "b", "c", "d"]
    assert kitchen.batches[-1] == ["next"]


async def test_what_is_put_off_is_the_first_of_the_next_batch() -> None:
    kitchen = Kitchen()
    kitchen.later = {"b": 1}

    answers = await settled(kitchen, Batcher(kitchen.handle, items_max=3), ["a", "b", "c", "d"])

    assert answers == ["a is done", "b is done", "c is done", "d is done"]
    assert kitchen.batches == [["first"], ["a", "b", "c"], ["b", "d"]]


async def test_what_is_put_off_in_a_halved_batch_keeps_its_order() -> None:
    kitchen = Kitchen()
    kitchen.poison = {"c"}
    kitchen.later = {"b": 1, "d": 1}

    answers = await settled(kitchen, Batcher(kitchen.handle), ["a", "b", "c", "d"])

    assert [answers[place] for place in (0, 1, 3)] == ["a is done", "b is done", "d is done"]
    assert isinstance(answers[2], Poisoned)


async def test_of_a_company_nobody_in_the_other_half_overtakes_who_is_put_off() -> None:
    kitchen = Kitchen()
    kitchen.poison = {"bad"}
    kitchen.later = {"b": 1}
    batcher: Batcher[str, str] = Batcher(kitchen.handle)

    answers = await batcher.ask_all(["a", "b", "c", "bad"])

    assert answers[:3] == ["a is done", "b is done", "c is done"]
    assert isinstance(answers[3], Poisoned)
    assert kitchen.batches[1:] == [
        ["a", "b"],
        ["b", "c", "bad"],
        ["b"],
        ["c", "bad"],
        ["c"],
        ["bad"],
    ]


async def test_a_caller_that_goes_away_before_its_turn_is_not_handled() -> None:
    kitchen = Kitchen()
    kitchen.open.clear()
    batcher = Batcher(kitchen.handle)
    first = asyncio.create_task(batcher.ask("first"))
    await asyncio.sleep(0.01)
    gone = asyncio.create_task(batcher.ask("gone"))
    stays = asyncio.create_task(batcher.ask("stays"))
    await asyncio.sleep(0.01)
    gone.cancel()
    await asyncio.sleep(0)
    kitchen.open.set()

    await asyncio.gather(first, stays)

    assert gone.cancelled()
    assert kitchen.batches == [["first"], ["stays"]]


async def test_a_caller_that_goes_away_while_it_is_handled_disturbs_nobody() -> None:
    kitchen = Kitchen()
    kitchen.open.clear()
    batcher = Batcher(kitchen.handle)
    gone = asyncio.create_task(batcher.ask("gone"))
    await asyncio.sleep(0.01)
    stays = asyncio.create_task(batcher.ask("stays"))
    await asyncio.sleep(0.01)
    gone.cancel()
    await asyncio.sleep(0)
    kitchen.open.set()

    assert await stays == "stays is done"
    assert kitchen.batches == [["gone"], ["stays"]]


async def test_who_comes_when_the_queue_is_full_is_told_when_to_come_back() -> None:
    kitchen = Kitchen()
    kitchen.open.clear()
    batcher = Batcher(kitchen.handle, waiting_max=2)
    first = asyncio.create_task(batcher.ask("first"))
    await asyncio.sleep(0.01)
    waiting = [asyncio.create_task(batcher.ask(item)) for item in ("a", "b")]
    await asyncio.sleep(0.01)

    with pytest.raises(Overloaded) as refused:
        await batcher.ask("c")
    with pytest.raises(Overloaded):
        await batcher.ask_all(["c", "d"])

    assert refused.value.retry_after > 0
    assert batcher.waiting == 2
    kitchen.open.set()
    await asyncio.gather(first, *waiting)
    assert kitchen.batches == [["first"], ["a", "b"]]
    assert await batcher.ask("c") == "c is done"


async def test_many_at_once_get_their_answers_in_their_order() -> None:
    kitchen = Kitchen()

    answers = await Batcher(kitchen.handle, items_max=2).ask_all(["a", "bad", "b"])

    assert answers[0] == "a is done"
    assert isinstance(answers[1], ValueError)
    assert answers[2] == "b is done"
    assert await Batcher(kitchen.handle).ask_all([]) == []


async def test_the_worker_does_not_inherit_what_is_current_for_a_caller() -> None:
    current: ContextVar[str] = ContextVar("current", default="nobody's")
    seen: list[str] = []

    async def look(batch: Sequence[Waiting[str, str]]) -> Answers:
        seen.append(current.get())
        return [one.item for one in batch]

    current.set("the caller's")
    await Batcher(look).ask("a")

    assert seen == ["nobody's"]


async def test_a_worker_that_is_done_makes_room_for_another() -> None:
    kitchen = Kitchen()
    batcher = Batcher(kitchen.handle)

    for number in range(3):
        assert await batcher.ask(str(number)) == f"{number} is done"
        await asyncio.sleep(0.001)

    assert kitchen.batches == [["0"], ["1"], ["2"]]
