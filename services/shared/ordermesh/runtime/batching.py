"""Calls that wait at one moment become one piece of work: natural batching on a bounded queue.

A worker that is free takes all that waits, so batches grow with the load and a lone call waits for
nobody. The worker is a task of its own: a caller that goes away before its item is taken takes it
out of the queue, and one that goes later changes nothing.
"""

import asyncio
import itertools
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from ordermesh.kernel.errors import Overloaded, Unavailable
from ordermesh.runtime import failpoints
from ordermesh.runtime.engines import TookTooLong

Q = TypeVar("Q")
A = TypeVar("A")

ITEMS_MAX = 256
"""How many items one batch takes at most."""

WAITING_MAX = 4_096
"""How many items wait at most; who comes then is told to come back."""

RETRY_SECONDS = 0.1

TIMEOUTS_MAX = 10
"""After so many parts of a batch that took too long the rest is not tried.

To find one item among ``ITEMS_MAX`` takes nine; where there are more, it is no item's fault.
"""

CROWD = 16
LINGER_SECONDS = 0.002
"""After a batch of so many items the next one waits so long for as many.

So many also wait before a second worker begins beside one that is busy, and a crowd is divided
among workers that rest where each gets so many: what a batch costs beside its items is paid for
each part.
"""

GATHERING_SECONDS = 0.01
"""So long a worker gathers at most, while its loop is busy taking in more."""

LULL_TURNS = 20
"""After so many turns of the loop in which nothing came, nothing is about to come.

A call over the network takes many turns from its first byte to its item. Where nothing else goes on
they take a fraction of a millisecond.
"""


class Later:
    """What is answered for an item that cannot be in this batch: it is the first of the next."""


LATER: Final = Later()


class PassedOn(Later):
    """What is answered for an item that waits in another batcher now."""


PASSED_ON: Final = PassedOn()


@dataclass(eq=False)
class Waiting(Generic[Q, A]):
    """An item whose caller waits for its answer.

    ``company`` is the number of those that came together; 0: it came alone.
    """

    item: Q
    answer: "asyncio.Future[A]"
    company: int = 0

    @property
    def is_wanted(self) -> bool:
        """Whether the caller still waits."""
        return not self.answer.done()


class Batcher(Generic[Q, A]):
    """Handles items together, in the order in which they came.

    Up to ``workers`` batches are under way at once: while the database works for one, the next is
    decided. Where there is one writer, more than one only makes the batches smaller. What came
    together keeps its order whatever becomes of it: two parts of it are never under way at once.

    ``handle`` gives for each item its answer, the exception that is its answer, or ``LATER``; never
    ``LATER`` for the first that is still wanted. It asks that once it can begin, because it may
    have waited for its turn longer than a caller does. Where it raises, nothing was done: the batch
    is halved until the item that made it fail is alone, except where nothing can be served at all,
    or nothing in time.
    ``PASSED_ON`` says that the item was handed to another batcher, which it may ``join``.
    ``weigh`` is the size of an item; the items of a batch weigh at most ``weight_max`` together, or
    there is one alone.
    """

    def __init__(
        self,
        handle: Callable[[Sequence[Waiting[Q, A]]], Awaitable[Sequence[A | Exception | Later]]],
        *,
        items_max: int = ITEMS_MAX,
        waiting_max: int = WAITING_MAX,
        weigh: Callable[[Q], int] = lambda _: 1,
        weight_max: int = ITEMS_MAX,
        workers: int = 1,
    ) -> None:
        self._handle = handle
        self._items_max = items_max
        self._waiting_max = waiting_max
        self._weigh = weigh
        self._weight_max = weight_max
        self._waiting: deque[Waiting[Q, A]] = deque()
        self._workers_max = workers
        self._workers: set[asyncio.Task[None]] = set()
        self._busy = 0
        self._is_gathering = False  # one of them is about to take what waits
        self._last = 0
        self._companies = itertools.count(1)
        self._waiting_of: Counter[int] = Counter()
        self._handled: set[int] = set()  # companies of which a part is under way

    @property
    def waiting(self) -> int:
        """How many items wait."""
        return len(self._waiting)

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits, and nothing is under way."""
        return not self._waiting and not self._busy

    async def ask(self, item: Q) -> A:
        """The answer to an item. Raises what is its answer, and ``Overloaded``."""
        (answer,) = self._wait([item])
        return await answer

    async def ask_all(self, items: Sequence[Q]) -> "list[A | BaseException]":
        """The answer to each of many items, which are handled in their order.

        Raises ``Overloaded`` when not all of them can wait.
        """
        return await asyncio.gather(*self._wait(items), return_exceptions=True)

    def join(self, items: Sequence[Waiting[Q, A]]) -> None:
        """Let items that waited in another batcher wait here, behind all others.

        Those for whom there is no room are answered ``Overloaded``.
        """
        room = max(0, self._waiting_max - len(self._waiting))
        for one in items[room:]:
            _answer(one, _too_many())
        self._waiting.extend(items[:room])
        for one in items[:room]:
            self._count_in(one)
        if self._waiting:
            self._call_worker()

    def _wait(self, items: Sequence[Q]) -> "list[asyncio.Future[A]]":
        if len(self._waiting) + len(items) > self._waiting_max:
            raise _too_many()
        loop = asyncio.get_running_loop()
        answers: list[asyncio.Future[A]] = [loop.create_future() for _ in items]
        company = next(self._companies) if len(items) > 1 else 0
        self._waiting.extend(
            Waiting(item, answer, company) for item, answer in zip(items, answers, strict=True)
        )
        if company:
            self._waiting_of[company] += len(items)
        if answers:
            self._call_worker()
        return answers

    def _call_worker(self) -> None:
        """Have a worker where nobody is about to take what waits; beside a busy one for a crowd."""
        if self._is_gathering or self._busy >= self._workers_max:
            return
        if self._busy and self._takeable < CROWD:
            return
        self._is_gathering = True
        # In a context of its own: the worker is nobody's call, though one happens to start it.
        loop = asyncio.get_running_loop()
        worker = loop.create_task(self._work(), name="batch", context=Context())
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

    async def _work(self) -> None:
        """Handle batches until nothing waits, or another worker is about to take what does."""
        while self._is_gathering:
            # Whatever has arrived by now comes along.
            await asyncio.sleep(self._linger())
            await self._gather()
            batch = self._take()
            self._last = len(batch)
            self._is_gathering = False
            self._busy += 1
            companies = {one.company for one in batch} - {0}
            self._handled |= companies
            if self._waiting:
                self._call_worker()
            try:
                self._put_back(await self._settle(batch))
            finally:
                self._busy -= 1
                self._handled -= companies
            if self._is_gathering or not self._takeable:
                return
            self._is_gathering = True

    @property
    def _takeable(self) -> int:
        """How many items wait for nobody of their own company."""
        return len(self._waiting) - sum(self._waiting_of[one] for one in self._handled)

    def _linger(self) -> float:
        """How long to wait for company: only while many come, and fewer are here than last time.

        They were answered a moment ago and are about to ask again: without this a crowd would split
        into ever smaller batches, and each has its fixed cost.
        """
        return LINGER_SECONDS if self._last >= CROWD and len(self._waiting) < self._last else 0.0

    async def _gather(self) -> None:
        """Let come what is coming: where the loop is the narrow place, waiting costs nothing.

        A loop that is busy with the calls of a crowd hands them on one by one, and each would be a
        batch of its own. Who is alone is not kept.
        """
        if self._last <= 1 and len(self._waiting) <= 1:
            return
        loop = asyncio.get_running_loop()
        end, lull = loop.time() + GATHERING_SECONDS, 0
        while lull < LULL_TURNS and len(self._waiting) < self._items_max and loop.time() < end:
            count = len(self._waiting)
            await asyncio.sleep(0)
            lull = 0 if len(self._waiting) > count else lull + 1

    def _share(self) -> int:
        """How many of those that wait one batch takes at most.

        A crowd that comes together is answered together and comes again together: were it one batch
        each time, nothing would be decided while the database works, and it would rest while that
        is done. So who finds all others at rest leaves them their part of a crowd.
        """
        idle = self._workers_max - self._busy
        parts = max(1, min(idle, self._takeable // CROWD))
        return -(-self._takeable // parts)

    def _take(self) -> list[Waiting[Q, A]]:
        batch: list[Waiting[Q, A]] = []
        passed_over: list[Waiting[Q, A]] = []
        weight, share = 0, self._share()
        while self._waiting and len(batch) < self._items_max:
            first = self._waiting[0]
            if first.is_wanted and first.company not in self._handled:
                weight += self._weigh(first.item)
                if batch and (weight > self._weight_max or self._is_enough(batch, first, share)):
                    break
                batch.append(first)
            elif first.is_wanted:
                passed_over.append(first)
            self._waiting.popleft()
            self._count_out(first)
        self._put_back(passed_over)
        return batch

    def _is_enough(
        self, batch: Sequence[Waiting[Q, A]], following: Waiting[Q, A], share: int
    ) -> bool:
        """Whether a batch has its share, so that the next is for another worker."""
        if not following.company:
            return len(batch) >= share
        if following.company == batch[-1].company:
            return False  # parts of it would be handled one after the other
        return len(batch) + self._waiting_of[following.company] > share

    def _count_in(self, one: Waiting[Q, A]) -> None:
        if one.company:
            self._waiting_of[one.company] += 1

    def _count_out(self, one: Waiting[Q, A]) -> None:
        if one.company:
            self._waiting_of[one.company] -= 1
            if not self._waiting_of[one.company]:
                del self._waiting_of[one.company]

    def _put_back(self, items: Sequence[Waiting[Q, A]]) -> None:
        """Let these wait before all others."""
        self._waiting.extendleft(reversed(items))
        for one in items:
            self._count_in(one)

    async def _settle(self, batch: Sequence[Waiting[Q, A]]) -> list[Waiting[Q, A]]:
        """Answer the callers; gives those whose turn is later."""
        later: list[Waiting[Q, A]] = []
        parts, timeouts = [batch], 0
        while parts:
            part, behind = _parted(parts.pop(), {one.company for one in later} - {0})
            later += behind
            try:
                later += await self._answered(part)
            except Exception as error:  # noqa: BLE001 - every caller gets an answer
                is_hopeless = isinstance(error, Unavailable | Overloaded)
                if isinstance(error, TookTooLong):
                    timeouts += 1
                    is_hopeless = timeouts >= TIMEOUTS_MAX
                    if is_hopeless:
                        part, parts = [one for rest in (part, *parts) for one in rest], []
                if is_hopeless or len(part) == 1:
                    for one in part:
                        _answer(one, error)
                else:
                    # Who has gone is not looked for.
                    left = [one for one in part if one.is_wanted]
                    middle = len(left) // 2
                    parts += [left[middle:], left[:middle]]
        return later

    async def _answered(self, batch: Sequence[Waiting[Q, A]]) -> list[Waiting[Q, A]]:
        """Have a batch handled and answer the callers; gives those whose turn is later."""
        if not batch:
            return []
        if failpoints.armed:
            await failpoints.reach(failpoints.points.BATCH_TAKEN)
        answers = await self._handle(batch)
        if failpoints.armed:
            await failpoints.reach(failpoints.points.BATCH_HANDLED)
        pairs = list(zip(batch, answers, strict=True))
        for one, answer in pairs:
            if not isinstance(answer, Later):
                _answer(one, answer)
        return [one for one, answer in pairs if answer is LATER]


def _parted(
    part: Sequence[Waiting[Q, A]], companies: Collection[int]
) -> tuple[list[Waiting[Q, A]], list[Waiting[Q, A]]]:
    """Those of a part that go on, and those behind somebody of their company who is put off."""
    return (
        [one for one in part if one.company not in companies],
        [one for one in part if one.company in companies],
    )


def _too_many() -> Overloaded:
    return Overloaded("Too many calls wait.", retry_after=RETRY_SECONDS)


def _answer(one: Waiting[Q, A], answer: A | Exception) -> None:
    if not one.is_wanted:
        return
    if isinstance(answer, Exception):
        one.answer.set_exception(answer)
    else:
        one.answer.set_result(answer)
