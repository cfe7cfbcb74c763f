"""Callers who ask for anything, many at once and some of it twice."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, Protocol, cast

from google.protobuf.message import Message
from google.rpc.code_pb2 import ABORTED, RESOURCE_EXHAUSTED, UNAVAILABLE

from ordermesh.api.inventory.v1 import ReserveBulkRequest, ReserveBulkResponse, ReserveRequest
from ordermesh.kernel.errors import (
    Conflict,
    DomainError,
    NotFound,
    Overloaded,
    RuleViolated,
    Unavailable,
)
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.many.record import Answer, Record, Refused, Request
from tests.inventory.many.world import World

ATTEMPTS = 200
"""How often a caller tries while others are in its way."""

SENT_AGAIN, TWINS, REUSED = 0.05, 0.02, 0.01
"""Shares of calls that send something once more, twice at once, or another thing under its id."""


class Subject(Protocol):
    """What callers may ask about: methods of a servicer, and how often each is called."""

    servicer: Any
    shares: Mapping[str, int]

    async def ask(self, method: str) -> Request | None:
        """The next request; None: there is nothing to ask about yet."""
        ...

    def hear(self, method: str, request: Any, answer: Any) -> None:
        """Look at the reply to a request that was not refused, and remember what it says."""
        ...


_KEEPING_WHAT_IS_NOT_FOUND = frozenset({"ReassignBulk"})
"""Methods that answer for ever what they found not to be there."""


class Callers:
    """Makes requests of all subjects, sends them, and remembers what was answered."""

    def __init__(
        self, world: World, subjects: Sequence[Subject], record: Record, kept: int
    ) -> None:
        """``kept`` requests of the whole run can be sent once more at its end."""
        self.world = world
        self.record = record
        self.succeeded: Counter[str] = Counter()
        self.refused: dict[str, Counter[str]] = {}
        self.replays: Counter[str] = Counter()
        self.again = 0
        self.away = 0
        self._subjects = {method: one for one in subjects for method in one.shares}
        self._methods = list(self._subjects)
        self._shares = [self._subjects[method].shares[method] for method in self._methods]
        self._recent: deque[tuple[str, Request, Answer]] = deque(maxlen=300)
        self._kept: list[tuple[str, Request, Answer]] = []
        self._kept_max = kept
        self._seen = 0

    @property
    def methods(self) -> Sequence[str]:
        """All that may be called."""
        return self._methods

    async def complete(self, most: int) -> None:
        """Call what has not succeeded yet, and other things between, so often at most."""
        for number in range(most):
            never = [method for method in self._methods if not self.succeeded[method]]
            if not never:
                return
            if number % 2:
                await self.call()
            else:
                await self._new(self.world.one(never))

    async def call(self) -> int:
        """Send something new, or something once more; gives how many requests that were."""
        dice = self.world.random.random()
        if self._recent and dice < SENT_AGAIN:
            return await self.send_again(*self.world.one(self._recent))
        if self._recent and dice < SENT_AGAIN + REUSED:
            return await self._reuse(*self.world.one(self._recent)[:2])
        return await self._new(self.world.random.choices(self._methods, self._shares)[0])

    async def _new(self, method: str) -> int:
        """Send something new."""
        request = await self._subjects[method].ask(method)
        if request is None:
            return 0
        twins = 2 if self.world.happens(TWINS) else 1
        answers = await asyncio.gather(*(self._send(method, request) for _ in range(twins)))
        for answer in answers:
            self.record.note(request, answer)
        if twins == 2 and all(_is_kept(answer) for answer in answers):
            assert answers[0] == answers[1], f"{method} was answered in two ways at once: {request}"
            self.replays["twins"] += 1
        self._hear(method, request, answers[0])
        return _size(request) * twins

    async def send_again(self, method: str, request: Request, expected: Answer) -> int:
        """What was answered once is answered alike."""
        answer = await self._send(method, request)
        assert answer == expected, (
            f"{method} was answered differently when it was sent again: {expected}, then {answer},"
            f" to {request}"
        )
        self.replays["again"] += 1
        return _size(request)

    async def send_all_again(self) -> None:
        """Requests of the whole run, each once more."""
        for kept in self._kept:
            await self.send_again(*kept)

    def judge(self) -> None:
        """Calls succeed often enough to prove something."""
        never = [method for method in self._methods if not self.succeeded[method]]
        assert not never, f"never succeeded: {never}, refused: {self.refused}"
        refused = sum(sum(reasons.values()) for reasons in self.refused.values())
        assert self.succeeded.total() > refused, f"most were refused: {self.refused}"
        assert all(self.replays[kind] for kind in ("again", "twins", "reused")), self.replays

    async def _reuse(self, method: str, request: Request) -> int:
        """An id that was used for one thing is not taken for another."""
        if isinstance(request, tuple | ReserveBulkRequest):
            return 0
        other = deepcopy(request)
        cast("ReserveRequest", other).on_behalf_of = "somebody else"
        answer = await self._send(method, other)
        assert answer == Refused("REQUEST_ID_REUSED", is_recorded=False), (method, answer)
        self.replays["reused"] += 1
        return 1

    async def _send(self, method: str, request: Request) -> Answer:
        """The answer, once nobody is in the way."""
        for attempt in range(ATTEMPTS):
            try:
                with self.world.shop.calling(method):
                    answer = await self._called(method, request)
                if not _is_in_the_way(answer):
                    return answer
            except (Conflict, Overloaded):
                pass
            except Unavailable:
                # A statement took too long: whether anything was done, the same request tells.
                self.away += 1
            except DomainError as refusal:
                return _refused(method, refusal)
            self.again += 1
            await asyncio.sleep(0.001 * self.world.random.randint(1, 2 + attempt))
        raise AssertionError(f"Others were {ATTEMPTS} times in the way of {method}: {request}")

    async def _called(self, method: str, request: Request) -> Answer:
        call = getattr(self._subjects[method].servicer, method)
        if not isinstance(request, tuple):
            reply: Message = await call(request, NO_CONTEXT)
            return reply
        replies: list[Message | Refused] = []
        try:
            async for one in call(_stream(request), NO_CONTEXT):
                replies.append(one)  # noqa: PERF401 - those before a refusal are kept
        except (Conflict, Unavailable):
            raise
        except DomainError as refusal:
            replies.append(_refused(method, refusal))
        return tuple(replies)

    def _hear(self, method: str, request: Request, answer: Answer) -> None:
        last = answer[-1] if isinstance(answer, tuple) else answer
        if isinstance(last, Refused):
            self.refused.setdefault(method, Counter())[last.reason] += 1
        else:
            self.succeeded[method] += 1
        if not isinstance(answer, Refused):
            self._subjects[method].hear(method, request, answer)
        if _is_kept(answer):
            self._recent.append((method, request, answer))
            self._sample((method, request, answer))

    def _sample(self, row: tuple[str, Request, Answer]) -> None:
        """Keep some rows, all with the same chance."""
        self._seen += 1
        if len(self._kept) < self._kept_max:
            self._kept.append(row)
        elif (place := self.world.random.randrange(self._seen)) < self._kept_max:
            self._kept[place] = row


def _refused(method: str, refusal: DomainError) -> Refused:
    kept = (RuleViolated, NotFound) if method in _KEEPING_WHAT_IS_NOT_FOUND else RuleViolated
    return Refused(refusal.reason, isinstance(refusal, kept))


def _is_kept(answer: Answer) -> bool:
    """Whether it stays the answer: a call that makes no sense is looked at anew each time."""
    last = answer[-1] if isinstance(answer, tuple) else answer
    return not isinstance(last, Refused) or last.is_recorded


def _is_in_the_way(answer: Answer) -> bool:
    return isinstance(answer, ReserveBulkResponse) and any(
        verdict.refusal.code in (ABORTED, RESOURCE_EXHAUSTED, UNAVAILABLE)
        for verdict in answer.verdicts
    )


def _size(request: Request) -> int:
    if isinstance(request, ReserveBulkRequest):
        return len(request.requests)
    return len(request) if isinstance(request, tuple) else 1


async def _stream(frames: tuple[Message, ...]) -> AsyncIterator[Message]:
    for frame in frames:
        yield frame
