"""What may never happen, looked for: each check counts how often it did."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ordermesh.api.inventory.v1 import ReserveLine, ReserveRequest, ReserveResponse
from ordermesh.api.order.v1 import StockKey
from ordermesh.inventory.bench.books import LOCATION, Books, new_id, opened
from ordermesh.inventory.bench.cluster import Cluster
from ordermesh.kernel.errors import Conflict, Overloaded, RuleViolated, Unavailable

SCARCE = 200
"""Units of each scarce item: in the end nearly all are sold."""

ITEMS = 25
CALLERS = 96
REQUESTS = 4_000
LOAD_SECONDS = 1.0
"""How long there is load before the database is killed, and after it is back."""

Answer = ReserveResponse | RuleViolated

_UNANSWERED = (Unavailable, Overloaded, Conflict)
"""What leaves a caller without an answer: the same request is sent again."""


@dataclass
class Findings:
    """How often what may never happen did, and how often it might have."""

    oversold: int = 0
    changed_replays: int = 0
    wrong_refusals: int = 0
    lost_acks: int = 0
    asked: int = 0
    refused: int = 0
    replayed: int = 0
    kills: int = 0
    resent: int = 0

    def add(self, other: "Findings") -> None:
        """Count what another check found."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    @property
    def is_clean(self) -> bool:
        """Whether nothing happened that may never happen."""
        return not (self.oversold or self.changed_replays or self.wrong_refusals or self.lost_acks)


@dataclass
class Shelf:
    """Scarce items, and what was asked of them with the answers. ``books`` may be opened anew."""

    books: Books
    draw: random.Random
    prefix: str
    answers: list[tuple[ReserveRequest, Answer]] = field(default_factory=list)
    resent: int = 0

    @property
    def skus(self) -> list[str]:
        """The scarce items."""
        return [f"{self.prefix}-{number:03}" for number in range(ITEMS)]

    def wish(self) -> ReserveRequest:
        """A request of one to three lines; the same item may be wanted twice."""
        chosen = self.draw.choices(self.skus, k=self.draw.choice([1, 1, 2, 3]))
        return ReserveRequest(
            request_id=new_id(),
            reservation_id=new_id(),
            confirm=True,
            lines=[
                ReserveLine(
                    line_id=str(number),
                    key=StockKey(sku=sku, location_id=LOCATION),
                    quantity=self.draw.randint(1, 4),
                )
                for number, sku in enumerate(chosen)
            ],
        )

    async def ask(self, request: ReserveRequest) -> Answer:
        """Ask until there is an answer, always with the same id."""
        while True:
            try:
                return await self.books.reserve(request)
            except RuleViolated as refusal:
                return refusal
            except _UNANSWERED:
                self.resent += 1
                await asyncio.sleep(self.draw.random() / 10)

    async def ask_new(self) -> None:
        """Ask for something new, and keep the answer."""
        request = self.wish()
        self.answers.append((request, await self.ask(request)))

    async def findings(self) -> Findings:
        """Judge all answers against the books; every request is asked again, before and after."""
        left = await self.books.free(self.skus)
        stored = await self.books.reserved_units()
        found = Findings(
            oversold=await self.books.check(),
            wrong_refusals=wrong_refusals(self.answers, left),
            lost_acks=lost_acks(self.answers, stored),
            asked=len(self.answers),
            refused=sum(isinstance(answer, RuleViolated) for _, answer in self.answers),
            resent=self.resent,
        )
        for sku in self.skus:
            found.oversold += max(0, -left[sku])
        found.changed_replays = await self._changed_replays()
        await self.books.restock(self.skus, SCARCE)
        found.changed_replays += await self._changed_replays()
        found.replayed = 2 * len(self.answers)
        found.oversold += await self.books.check()
        return found

    async def _changed_replays(self) -> int:
        """Ask everything again, in another order; gives how many answers are not the first."""
        first: list[Answer] = []
        again: list[Answer] = []
        rest = iter(self.draw.sample(self.answers, len(self.answers)))

        async def caller() -> None:
            for request, answer in rest:
                again.append(await self.ask(request))
                first.append(answer)

        # As many as bought: all at once would only be told that there are too many.
        await asyncio.gather(*(caller() for _ in range(CALLERS)))
        return changed_replays(first, again)


def wrong_refusals(
    answers: Sequence[tuple[ReserveRequest, Answer]], left: Mapping[str, int]
) -> int:
    """How many refusals would have fitted.

    Nothing was given back meanwhile, so what is left at the end was there at every moment: what
    fits into it fitted. And what a refusal says of itself must be a reason to refuse.
    """
    wrong = 0
    for request, answer in answers:
        if not isinstance(answer, RuleViolated):
            continue
        wanted: dict[str, int] = {}
        for line in request.lines:
            wanted[line.key.sku] = wanted.get(line.key.sku, 0) + line.quantity
        fitted = all(left.get(sku, 0) >= units for sku, units in wanted.items())
        says_so = bool(answer.rows) and all(
            int(str(row["wanted"])) > int(str(row["available"])) for row in answer.rows
        )
        wrong += fitted or answer.reason != "INSUFFICIENT_STOCK" or not says_so
    return wrong


def lost_acks(answers: Sequence[tuple[ReserveRequest, Answer]], stored: Mapping[str, int]) -> int:
    """How many acknowledged reservations are not in the books with all their units."""
    return sum(
        stored.get(request.reservation_id) != sum(line.quantity for line in request.lines)
        for request, answer in answers
        if isinstance(answer, ReserveResponse)
    )


def changed_replays(first: Sequence[Answer], again: Sequence[Answer]) -> int:
    """How many answers differ from the first in a single byte, or in a fact of the refusal."""
    return sum(_written(one) != _written(other) for one, other in zip(first, again, strict=True))


def _written(answer: Answer) -> tuple[str, str, bytes | dict[str, str]]:
    if isinstance(answer, ReserveResponse):
        return "yes", "", answer.SerializeToString(deterministic=True)
    return answer.reason, answer.sentence, answer.facts()


async def sell_out(
    books: Books, seed: int, *, requests: int = REQUESTS, units: int = SCARCE
) -> Findings:
    """Many callers buy everything there is; then every answer is looked at, and asked for again."""
    shelf = Shelf(books, random.Random(seed), f"SCARCE-{seed}")  # noqa: S311 - repeatable
    await books.load(shelf.skus, units)

    async def caller() -> None:
        while len(shelf.answers) < requests:
            await shelf.ask_new()

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return await shelf.findings()


async def kill_under_load(
    cluster: Cluster, seed: int, kills: int, tell: Callable[[str], None]
) -> Findings:
    """Kill the database again and again while many buy; whoever got no answer asks again.

    Requests that were under way when it died may have been done: they are sent again with their
    ids, and have one effect.
    """
    database = await cluster.create()
    async with opened(cluster.url(database)) as books:
        shelf = Shelf(books, random.Random(seed), "KILLED")  # noqa: S311 - repeatable
        await books.load(shelf.skus, SCARCE * (1 + kills))
        is_over = False

        async def caller() -> None:
            while not is_over:
                await shelf.ask_new()

        async with asyncio.TaskGroup() as callers:
            for _ in range(CALLERS):
                callers.create_task(caller())
            for number in range(kills):
                await asyncio.sleep(LOAD_SECONDS)
                tell(f"killing the database under load, {number + 1} of {kills}")
                await asyncio.to_thread(cluster.kill)
                await asyncio.to_thread(cluster.start)
            await asyncio.sleep(LOAD_SECONDS)
            is_over = True
        found = await shelf.findings()
        found.kills = kills
        return found
