"""Random lives of an order's returns: a plain model agrees with every answer and every balance."""

from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field
from random import Random

import pytest

from ordermesh.api.order.v1 import Disposition
from ordermesh.api.returns.v1 import DisposedLine, Grade, Return
from ordermesh.client.errors import Refusal
from tests.returns.desk import (
    BAD,
    GOOD,
    LIKE_NEW,
    REFURBISHABLE,
    TO_BLOCK,
    TO_DISCARD,
    TO_RESTOCK,
    Desk,
    asked,
    came,
    quantities,
)
from tests.routing.house import answered, item, line, usd

STEPS = 45

Pair = tuple[str, str]

SOLD: dict[Pair, int] = {("1", "MUG"): 5, ("2", "CUP"): 6, ("2", "POT"): 3}
"""Five mugs, and three sets of a pot and two cups."""

SET = {"POT": 1, "CUP": 2}


@dataclass
class Line:
    """One item of one order line in the model's return."""

    quantity: int
    received: int = 0
    restocked: int = 0
    blocked: int = 0
    discarded: int = 0


@dataclass
class Wish:
    """A return in the model."""

    location_id: str
    lines: dict[Pair, Line]
    is_open: bool = True
    is_cancelled: bool = False


@dataclass
class Model:
    """What the contract says, without a database."""

    wishes: dict[str, Wish] = field(default_factory=dict)
    on_hand: Counter[str] = field(default_factory=Counter)
    blocked: Counter[tuple[str, str]] = field(default_factory=Counter)

    def returnable(self) -> dict[Pair, tuple[int, int, int, int]]:
        found = {}
        for pair, shipped in SOLD.items():
            lines = [
                (wish.is_open, wish.lines[pair])
                for wish in self.wishes.values()
                if pair in wish.lines
            ]
            coming = sum(one.quantity - one.received for is_open, one in lines if is_open)
            back = sum(one.received for _, one in lines)
            found[pair] = (shipped, coming, back, shipped - coming - back)
        return found

    def authorize(self, return_id: str, wanted: dict[Pair, int], location_id: str) -> str:
        left = {pair: row[3] for pair, row in self.returnable().items()}
        if any(quantity > left[pair] for pair, quantity in wanted.items()):
            return "OVER_RETURNED"
        lines = {pair: Line(quantity) for pair, quantity in wanted.items()}
        self.wishes[return_id] = Wish(location_id, lines)
        return ""

    def receive(
        self, return_id: str, pair: Pair, quantity: int, grade: Grade.ValueType, *, is_last: bool
    ) -> str:
        wish = self.wishes[return_id]
        if wish.is_cancelled:
            return "RETURN_CANCELLED"
        if pair not in wish.lines:
            return "LINE_NOT_IN_RETURN"
        row = wish.lines[pair]
        expected = row.quantity - row.received if wish.is_open else 0
        if expected == 0:
            return "ALREADY_RECEIVED"
        if quantity > expected:
            return "OVER_RECEIVED"
        row.received += quantity
        disposition = self.becomes(grade, wish.location_id)
        self.count(wish, pair, quantity, disposition)
        if is_last or all(one.received == one.quantity for one in wish.lines.values()):
            wish.is_open = False
        return ""

    def becomes(self, grade: Grade.ValueType, location_id: str) -> Disposition.ValueType:
        if grade == BAD:
            return TO_DISCARD
        return TO_RESTOCK if grade in (LIKE_NEW, GOOD) and location_id == "WEST" else TO_BLOCK

    def count(
        self, wish: Wish, pair: Pair, quantity: int, disposition: Disposition.ValueType
    ) -> None:
        row = wish.lines[pair]
        if disposition == TO_RESTOCK:
            row.restocked += quantity
            self.on_hand[pair[1]] += quantity
        elif disposition == TO_BLOCK:
            row.blocked += quantity
            self.blocked[pair[1], wish.location_id] += quantity
        else:
            row.discarded += quantity

    def cancel(self, return_id: str) -> str:
        wish = self.wishes[return_id]
        if wish.is_cancelled:
            return ""
        if not wish.is_open:
            return "ALREADY_RECEIVED"
        wish.is_open = False
        wish.is_cancelled = not any(row.received for row in wish.lines.values())
        return ""

    def dispose(
        self, return_id: str, pair: Pair, quantity: int, disposition: Disposition.ValueType
    ) -> str:
        wish = self.wishes[return_id]
        if pair not in wish.lines:
            return "LINE_NOT_IN_RETURN"
        if quantity > wish.lines[pair].blocked:
            return "NOT_BLOCKED"
        if disposition == TO_RESTOCK and wish.location_id != "WEST":
            return "NOT_RESTOCKED_HERE"
        wish.lines[pair].blocked -= quantity
        self.blocked[pair[1], wish.location_id] -= quantity
        self.count(wish, pair, quantity, disposition)
        return ""


class Life:
    """One order whose goods come and go, in the model and in the mesh."""

    def __init__(self, desk: Desk, random: Random) -> None:
        self.desk = desk
        self.random = random
        self.model = Model()
        self.answers: Counter[str] = Counter()

    async def open(self) -> None:
        await self.desk.house.items(item("CUP"), item("POT"), item("SET", SET))
        await self.desk.house.stock({"MUG at NEAR": 5, "CUP at NEAR": 6, "POT at NEAR": 3})
        await self.desk.sell(
            "O-1",
            line("1", "MUG", 5, unit_price=usd(9.99)),
            line("2", "SET", 3, unit_price=usd(100)),
        )

    async def step(self) -> None:
        verbs = [self.receive, self.receive, self.receive, self.cancel, self.dispose]
        known = sorted(self.model.wishes)
        if known and self.random.random() < 0.8:
            verb = self.random.choice(verbs)
            name, (expected, told) = verb.__name__, await verb(self.random.choice(known))
        else:
            name, (expected, told) = "authorize", await self.authorize()
        assert told == expected, name
        self.answers[f"{name} {expected or 'OK'}"] += 1

    async def authorize(self) -> tuple[str, str]:
        return_id = f"R-{len(self.model.wishes) + 1}"
        place = self.random.choice(("WEST", "EAST"))
        if self.random.random() < 0.3:
            sets = self.random.randint(1, 2)
            wanted = {("2", sku): sets * each for sku, each in SET.items()}
            lines = [asked("2", sets)]
            left = self.model.returnable()
            if any(left[pair][3] < quantity for pair, quantity in wanted.items()):
                told = await self.told(self.desk.authorize(return_id, *lines, location_id=place))
                return "INCOMPLETE_KIT", told
        else:
            pairs = self.random.sample(sorted(SOLD), self.random.randint(1, 2))
            wanted = {pair: self.random.randint(1, 3) for pair in pairs}
            lines = [asked(line_id, count, sku) for (line_id, sku), count in wanted.items()]
        expected = self.model.authorize(return_id, wanted, place)
        return expected, await self.told(self.desk.authorize(return_id, *lines, location_id=place))

    async def receive(self, return_id: str) -> tuple[str, str]:
        pair, quantity = self.random.choice(sorted(SOLD)), self.random.randint(1, 3)
        grade = self.random.choice((LIKE_NEW, GOOD, REFURBISHABLE, BAD))
        last = self.random.random() < 0.15
        expected = self.model.receive(return_id, pair, quantity, grade, is_last=last)
        line_id, sku = pair
        return expected, await self.told(
            self.desk.receive(return_id, came(line_id, quantity, grade, sku), last=last)
        )

    async def cancel(self, return_id: str) -> tuple[str, str]:
        return self.model.cancel(return_id), await self.told(self.desk.cancel(return_id))

    async def dispose(self, return_id: str) -> tuple[str, str]:
        pair, quantity = self.random.choice(sorted(SOLD)), self.random.randint(1, 2)
        becomes = self.random.choice((TO_RESTOCK, TO_DISCARD))
        expected = self.model.dispose(return_id, pair, quantity, becomes)
        one = DisposedLine(line_id=pair[0], sku=pair[1], quantity=quantity, disposition=becomes)
        return expected, await self.told(self.desk.dispose(return_id, one))

    async def told(self, call: Awaitable[object]) -> str:
        answer = await answered(call)
        return answer.reason if isinstance(answer, Refusal) else ""

    async def agree(self) -> None:
        """What the services say is what the model says."""
        assert await self.desk.returnable() == self.model.returnable()
        for return_id, wish in self.model.wishes.items():
            one = await self.desk.get(return_id)
            assert quantities(one) == {
                pair: (row.quantity, row.received, row.restocked, row.blocked, row.discarded)
                for pair, row in wish.lines.items()
            }
            is_open = one.state in (Return.STATE_AUTHORIZED, Return.STATE_PARTLY_RECEIVED)
            assert (is_open, one.state == Return.STATE_CANCELLED) == (
                wish.is_open,
                wish.is_cancelled,
            )
            assert refunded(one) == {
                pair: row.received for pair, row in wish.lines.items() if row.received
            }
        for _, sku in SOLD:
            on_hand, blocked = await self.desk.stock(f"{sku} at WEST")
            assert on_hand == self.model.on_hand[sku], sku
            assert blocked == self.model.blocked[sku, "WEST"], sku
            assert await self.desk.stock(f"{sku} at EAST") == (0, self.model.blocked[sku, "EAST"])


def refunded(one: Return) -> Counter[Pair]:
    """Units that money is due for, by line and item."""
    due: Counter[Pair] = Counter()
    for refund in one.refunds:
        for part in refund.units:
            due[part.line_id, part.sku] += part.quantity
    return due


async def live(desk: Desk, seed: int) -> Counter[str]:
    life = Life(desk, Random(seed))
    await life.open()
    for number in range(STEPS):
        await life.step()
        if number % 5 == 4:
            await life.agree()
    await life.agree()
    assert await desk.house.books_balance()
    return life.answers


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_model_agrees_with_any_sequence_of_calls(desk: Desk, seed: int) -> None:
    answers = await live(desk, seed)

    assert {"authorize OK", "receive OK", "authorize OVER_RETURNED"} <= answers.keys()
