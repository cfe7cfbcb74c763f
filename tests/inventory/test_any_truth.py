"""Whatever is lost, found, counted and promised in any order: the books stay sound.

After every step each balance is what its entries and its promises say, every unit that is short is
named in a shortfall, and what the books have on hand is what a plain count of the goods says.
"""

import random
from collections import Counter

import pytest

from ordermesh.api.inventory.v1 import BlockedKind, ListShortfallsRequest, ShortOutcome
from ordermesh.api.order.v1 import Disposition
from ordermesh.kernel.errors import DomainError
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.desk import Desk
from tests.inventory.messages import selection
from tests.inventory.shop import Shop

PLACES = ("MUG at A", "MUG at B", "CUP at A")
KINDS = (
    BlockedKind.BLOCKED_KIND_DAMAGED,
    BlockedKind.BLOCKED_KIND_INSPECTION,
    BlockedKind.BLOCKED_KIND_MISSING,
)
OUTCOMES = (
    ShortOutcome.SHORT_OUTCOME_WRITE_OFF,
    ShortOutcome.SHORT_OUTCOME_BLOCK,
    ShortOutcome.SHORT_OUTCOME_RELEASE,
)
RESTOCK, DISCARD = Disposition.DISPOSITION_RESTOCK, Disposition.DISPOSITION_DISCARD


class Life:
    """One life of a shop; ``there`` is how many units are at each place, sellable or not."""

    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop = shop
        self.desk = Desk(shop)
        self.chance = random.Random(seed)
        self.promises: list[str] = []
        self.there: Counter[str] = Counter()
        self.counts = 0

    async def live(self, steps: int) -> int:
        """Do so many things; gives how many were not refused."""
        deeds = (
            self.receive, self.reserve, self.reserve, self.reserve, self.release, self.ship,
            self.short, self.reassign, self.block, self.block, self.unblock, self.unblock,
            self.dispose, self.count, self.count, self.confirm, self.adjust, self.wait,
        )  # fmt: skip
        done = 0
        for _ in range(steps):
            deed = self.chance.choice(deeds)
            try:
                await deed()
            except DomainError:
                continue
            done += 1
            await self.check()
        return done

    async def check(self) -> None:
        """The books agree with themselves, and with the goods."""
        findings = [one for reply in await self.shop.verify() for one in reply.findings]
        assert findings == []
        for place in PLACES:
            balance = await self.shop.balance(place)
            assert balance.on_hand + balance.blocked == self.there[place], place

    def place(self) -> str:
        return self.chance.choice(PLACES)

    def few(self) -> int:
        return self.chance.randint(1, 4)

    async def receive(self) -> None:
        place, units = self.place(), self.few()
        await self.shop.receive({place: units})
        self.there[place] += units

    async def reserve(self) -> None:
        wanted = dict.fromkeys(self.chance.sample(PLACES, self.few() % 3 + 1), self.few())
        made = await self.shop.reserve(
            wanted,
            confirm=self.chance.random() < 0.9,
            order_id=self.chance.choice(("", "O-1", "O-2")),
        )
        self.promises.append(made.reservation_id)

    def promise(self) -> str:
        return self.chance.choice(self.promises or ["00000000-0000-4000-8000-000000000000"])

    async def confirm(self) -> None:
        await self.shop.confirm(self.promise())

    async def release(self) -> None:
        promise = self.promise()
        if promise in self.promises:
            await self.shop.release(promise)

    async def ship(self) -> None:
        promise, units = self.promise(), self.few()
        line = (await self.shop.reservation(promise)).lines[0]
        place = f"{line.key.sku} at {line.key.location_id}"
        chosen = selection(line.line_id, units, location_id=line.key.location_id, sku=line.key.sku)
        await self.shop.ship(promise, chosen)
        self.there[place] -= units

    async def short(self) -> None:
        promise, units, outcome = self.promise(), self.few(), self.chance.choice(OUTCOMES)
        line = (await self.shop.reservation(promise)).lines[0]
        place = f"{line.key.sku} at {line.key.location_id}"
        before = await self.shop.balance(place)
        chosen = selection(line.line_id, units, location_id=line.key.location_id, sku=line.key.sku)
        await self.shop.short(promise, chosen, outcome=outcome)
        if outcome == ShortOutcome.SHORT_OUTCOME_WRITE_OFF:
            # What has no unit behind it takes none away.
            self.there[place] -= units - min(units, before.short)

    async def reassign(self) -> None:
        await self.shop.reassign(self.promise(), (selection("1", self.few()), "B"))

    async def block(self) -> None:
        await self.shop.block((self.place(), self.few(), self.chance.choice(KINDS)))

    async def unblock(self) -> None:
        await self.shop.unblock((self.place(), self.few() // 2 + 1, self.chance.choice(KINDS)))

    async def dispose(self) -> None:
        place, units = self.place(), self.few() // 2 + 1
        fate, kind = self.chance.choice((RESTOCK, DISCARD)), self.chance.choice(KINDS)
        await self.shop.dispose((place, units, fate, kind))
        self.there[place] -= units if fate == DISCARD else 0

    async def count(self) -> None:
        """What is damaged or inspected lies elsewhere: a count finds the rest, or not all of it."""
        self.counts += 1
        name, place = f"C-{self.counts}", self.place()
        sku, location_id = place.split(" at ")
        await self.desk.plan(name, sku, location_id=location_id, threshold_units=100)
        await self.desk.open(name)
        balance = await self.shop.balance(place)
        found = max(0, balance.on_hand + balance.missing + self.chance.randint(-4, 2))
        await self.desk.submit("Ann", {sku: found}, name)
        self.there[place] += found - balance.on_hand - balance.missing

    async def adjust(self) -> None:
        place, delta = self.place(), self.chance.choice((-2, -1, 1))
        await self.shop.adjust(place, delta=delta)
        self.there[place] += delta

    async def wait(self) -> None:
        await self.shop.let_pass(self.chance.choice((60, 60, 16 * 60)))


@pytest.mark.parametrize("seed", range(3))
async def test_any_sequence_of_losses_and_promises_keeps_the_books_sound(
    shop: Shop, seed: int
) -> None:
    await shop.put_items("MUG", "CUP")
    life = Life(shop, seed)
    for place in PLACES:
        await shop.receive({place: 8})
        life.there[place] += 8

    assert await life.live(100) > 40
    request = ListShortfallsRequest(include_closed=True)
    told = (await shop.ledger.ListShortfalls(request, NO_CONTEXT)).shortfalls
    assert len(told) > 3
    assert any(not one.open_quantity for one in told)
