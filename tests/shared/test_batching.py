"""Calls that wait at one moment are handled together, and each gets its own answer."""

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar

import pytest

from ordermesh.kernel.errors import Overloaded, Unavailable
from ordermesh.runtime.batching import (
    LATER,
    PASSED_ON,
    TIMEOUTS_MAX,
    Batcher,
    Later,
    Waiting,
)
from ordermesh.runtime.engines import TookTooLong
from tests.eventually import eventually

Answers = Sequence[str | Exception | Later]


class Poisoned(Exception):
    pass


class Kitchen:
    """Handles orders when it is let; notes what it got together."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.poison: set[str] = set()
        self.slow: set[str] = set()
        self.later: dict[str, int] = {}
        self.away = 0

    async def handle(self, batch: Sequence[Waiting[str, str]]) -> Answers:
        self.batches.append([one.item for one in batch])
        await self.open.wait()
        if self.away:
            self.away -= 1
            raise Unavailable("away", service="kitchen", retry_after=0.1)
        if self.poison & {one.item for one in batch}:
            raise Poisoned
        if self.slow & {one.item for one in batch}:
            raise TookTooLong("slow", service="kitchen", retry_after=0.1)
        return [self._answer(one.item, place) for place, one in enumerate(batch)]

    def _answer(self, item: str, place: int) -> str | Exception | Later:
        if place and self.later.get(item, 0):
            self.later[item] -= 1
            return LATER
        return ValueError(item) if item.startswith("bad") else f"{item} is done"


async def outcome(asked: "asyncio.Task[str]") -> str | BaseException:
    (done,) = await asyncio.gather(asked, return_exceptions=True)
    return done


async def settled(
    kitchen: Kitchen, batcher: Batcher[str, str], items: Sequence[str]
) -> list[object]:
    """Ask for all while the first is being handled, so that they wait together."""
    kitchen.open.clear()
    first = asyncio.create_task(batcher.ask("first"))
    await asyncio.sleep(0.01)
    asked = [asyncio.create_task(batcher.ask(item)) for item in items]
    await asyncio.sleep(0.01)
    kitchen.open.set()
    await first
    return list(await asyncio.gather(*asked, return_exceptions=True))


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


async def test_a_crowd_that_was_answered_comes_together_again() -> None:
    sizes: list[int] = []

    async def handle(batch: Sequence[Waiting[int, int]]) -> Sequence[int | Exception | Later]:
        sizes.append(len(batch))
        await asyncio.sleep(0.001)
        return [one.item for one in batch]

    batcher = Batcher(handle)

    async def caller(number: int) -> None:
        for _ in range(8):
            await batcher.ask(number)
            # As over a wire: some ask again a little sooner than others.
            await asyncio.sleep(0.0005 * (number % 3))

    await asyncio.gather(*(caller(number) for number in range(24)))

    assert sum(sizes) == 24 * 8
    assert sum(sizes) / len(sizes) > 8


async def test_a_lone_caller_after_a_crowd_waits_for_nobody_from_its_second_call_on() -> None:
    kitchen = Kitchen()
    batcher = Batcher(kitchen.handle)
    await asyncio.gather(*(batcher.ask(str(number)) for number in range(20)))

    await batcher.ask("alone")

    assert kitchen.batches[-1] == ["alone"]
    assert batcher._linger() == 0.0


async def _arrive(batcher: Batcher[str, str], item: str, turns: int) -> str:
    """As a call over the network: its item is there some turns of the loop after it began."""
    for _ in range(turns):
        await asyncio.sleep(0)
    return await batcher.ask(item)


async def test_a_crowd_that_is_still_being_taken_in_is_one_batch() -> None:
    kitchen = Kitchen()
    batcher: Batcher[str, str] = Batcher(kitchen.handle)
    await asyncio.gather(*(batcher.ask(f"before {number}") for number in range(2)))
    kitchen.batches.clear()

    await asyncio.gather(*(_arrive(batcher, str(turns), turns) for turns in range(30)))

    assert kitchen.batches == [[str(turns) for turns in range(30)]]


async def test_a_batch_that_is_full_waits_for_no_more_of_a_crowd() -> None:
    kitchen = Kitchen()
    batcher: Batcher[str, str] = Batcher(kitchen.handle, items_max=10)
    await asyncio.gather(*(batcher.ask(f"before {number}") for number in range(2)))
    kitchen.batches.clear()

    await asyncio.gather(*(_arrive(batcher, str(turns), turns) for turns in range(30)))

    assert [len(batch) for batch in kitchen.batches] == [10, 10, 10]


async def test_who_is_alone_is_not_kept_for_a_crowd_that_does_not_come() -> None:
    kitchen = Kitchen()
    batcher: Batcher[str, str] = Batcher(kitchen.handle)
    await batcher.ask("before")

    asked = asyncio.create_task(batcher.ask("alone"))
    late = asyncio.create_task(_arrive(batcher, "late", 6))
    await asyncio.gather(asked, late)

    assert kitchen.batches == [["before"], ["alone"], ["late"]]


async def test_of_a_crowd_one_part_is_decided_while_the_other_is_written() -> None:
    kitchen = Kitchen()
    kitchen.open.clear()
    batcher: Batcher[str, str] = Batcher(kitchen.handle, workers=2)

    everybody = asyncio.gather(*(batcher.ask(str(number)) for number in range(81)))
    await asyncio.sleep(0.05)
    under_way = [len(batch) for batch in kitchen.batches]
    kitchen.open.set()

    assert under_way == [41, 40]
    assert await everybody == [f"{number} is done" for number in range(81)]


async def test_who_are_too_few_for_two_batches_stay_together() -> None:
    kitchen = Kitchen()
    batcher: Batcher[str, str] = Batcher(kitchen.handle, workers=2)

    await asyncio.gather(*(batcher.ask(str(number)) for number in range(31)))

    assert [len(batch) for batch in kitchen.batches] == [31]


async def test_beside_a_worker_that_is_busy_the_other_takes_all_that_waits() -> None:
    kitchen = Kitchen()
    kitchen.open.clear()
    batcher: Batcher[str, str] = Batcher(kitchen.handle, workers=2)

    first = asyncio.create_task(batcher.ask("first"))
    await asyncio.sleep(0.01)
    rest = asyncio.gather(*(batcher.ask(str(number)) for number in range(60)))
    await asyncio.sleep(0.05)
    under_way = [len(batch) for batch in kitchen.batches]
    kitchen.open.set()
    await asyncio.gather(first, rest)

    assert under_way == [1, 60]


async def test_what_came_together_is_handled_in_its_order_part_after_part() -> None:
    under_way: set[int] = set()
    order: list[int] = []

    async def handle(batch: Sequence[Waiting[int, int]]) -> Sequence[int | Exception | Later]:
        assert not under_way
        under_way.update(one.item for one in batch)
        order.extend(one.item for one in batch)
        await asyncio.sleep(0.001)
        under_way.clear()
        return [one.item for one in batch]

    batcher: Batcher[int, int] = Batcher(handle, items_max=40, workers=2)

    assert await batcher.ask_all(range(200)) == list(range(200))
    assert order == list(range(200))


async def test_beside_a_part_of_those_who_came_together_others_are_handled() -> None:
    kitchen = Kitchen()
    kitchen.open.clear()
    batcher: Batcher[str, str] = Batcher(kitchen.handle, items_max=40, workers=2)

    together = asyncio.create_task(batcher.ask_all([f"t{number}" for number in range(100)]))
    await asyncio.sleep(0.01)
    alone = asyncio.gather(*(batcher.ask(f"a{number}") for number in range(20)))
    await asyncio.sleep(0.05)
    under_way = list(kitchen.batches)
    kitchen.open.set()
    await asyncio.gather(together, alone)

    assert under_way == [
        [f"t{number}" for number in range(40)],
        [f"a{number}" for number in range(20)],
    ]
    assert [batch[0] for batch in kitchen.batches[2:]] == ["t40", "t80"]


async def test_of_two_companies_each_is_one_part() -> None:
    kitchen = Kitchen()
    kitchen.open.clear()
    batcher: Batcher[str, str] = Batcher(kitchen.handle, workers=2)
    wanted = [
        [f"{name}{number}" for number in range(count)] for name, count in (("a", 50), ("b", 90))
    ]

    answers = asyncio.gather(*(batcher.ask_all(items) for items in wanted))
    await asyncio.sleep(0.05)
    under_way = list(kitchen.batches)
    kitchen.open.set()
    await answers

    assert under_way == wanted


async def test_what_is_put_off_keeps_the_rest_of_its_company_behind_it() -> None:
    kitchen = Kitchen()
    kitchen.later = {"3": 1}
    batcher: Batcher[str, str] = Batcher(kitchen.handle, items_max=5, workers=2)

    await batcher.ask_all([str(number) for number in range(12)])

    assert kitchen.batches == [
        ["0", "1", "2", "3", "4"],
        ["3", "5", "6", "7", "8"],
        ["9", "10", "11"],
    ]


async def test_what_is_passed_on_is_answered_by_another_who_keeps_the_order() -> None:
    other = Kitchen()
    patient: Batcher[str, str] = Batcher(other.handle)
    kitchen = Kitchen()

    async def handle(batch: Sequence[Waiting[str, str]]) -> Answers:
        passed = [one for one in batch if one.item.startswith("fish")]
        patient.join(passed)
        answers = iter(await kitchen.handle([one for one in batch if one not in passed]))
        return [PASSED_ON if one in passed else next(answers) for one in batch]

    batcher: Batcher[str, str] = Batcher(handle)

    assert await batcher.ask_all(["fish 1", "soup", "fish 2"]) == [
        "fish 1 is done",
        "soup is done",
        "fish 2 is done",
    ]
    assert (kitchen.batches, other.batches) == ([["soup"]], [["fish 1", "fish 2"]])
    await eventually(lambda: batcher.is_idle and patient.is_idle)


async def test_for_whom_there_is_no_room_when_he_is_passed_on_is_told_to_come_back() -> None:
    kitchen = Kitchen()
    batcher: Batcher[str, str] = Batcher(kitchen.handle, waiting_max=1)
    loop = asyncio.get_running_loop()
    passed = [Waiting(item, loop.create_future()) for item in ("first", "second")]

    batcher.join(passed)

    assert not batcher.is_idle
    assert await passed[0].answer == "first is done"
    with pytest.raises(Overloaded):
        await passed[1].answer
