"""Callers that come at once are handled together, and a company stays in its order."""

import asyncio
from collections.abc import Sequence

import pytest

from ordermesh.kernel.errors import Overloaded
from ordermesh.runtime.batching import (
    PASSED_ON,
    Batcher,
    Later,
    Waiting,
)
from tests.eventually import eventually
from tests.shared.kitchen import Answers, Kitchen


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
