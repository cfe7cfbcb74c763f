"""Whatever order news of the world comes in, the books end where the world is.

A small world has true numbers. Its changes reach the books by three ways: a source tells of them
in numbered changes, we make them ourselves, or nobody tells (theft, and goods that turn up). The
source takes pictures. Its messages arrive late, twice and in any order.
"""

import random
from dataclasses import dataclass, field

import pytest

from ordermesh.api.inventory.v1 import SnapshotRow, StockDelta, StockSource
from tests.inventory.messages import selection
from tests.inventory.outside import ADJUSTMENT, HOLD, RECEIPT, TELL, Outside, delta
from tests.inventory.shop import Shop

PLACES = ("MUG at A", "MUG at B", "CUP at A")
OPENING = 1_000
"""So many that no order of messages leaves less than none in the books."""


@dataclass(frozen=True)
class Taken:
    """A picture on its way."""

    watermark: int
    rows: dict[str, tuple[int, int]]


@dataclass
class World:
    """What is truly there, and the messages about it that have not arrived."""

    outside: Outside
    random: random.Random
    true: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PLACES, OPENING))
    numbered: int = 0
    under_way: list[StockDelta | Taken] = field(default_factory=list)

    async def happen(self) -> None:
        """Let something happen in the world."""
        place = self.random.choice(PLACES)
        event = self.random.choice(("sale", "receipt", "correction", "shipment", "goods", "theft"))
        quantity = self.random.randint(1, 9)
        if event == "sale":
            self._number(delta(self.numbered + 1, place, quantity), place, -quantity)
        elif event == "receipt":
            self._number(delta(self.numbered + 1, place, quantity, RECEIPT), place, quantity)
        elif event == "correction":
            self._number(delta(self.numbered + 1, place, -quantity, ADJUSTMENT), place, -quantity)
        elif event == "shipment":
            held = await self.outside.shop.reserve({place: quantity}, confirm=True)
            await self.outside.shop.ship(held.reservation_id, selection("1"))
            self.true[place] -= quantity
        elif event == "goods":
            await self.outside.shop.receive({place: quantity})
            self.true[place] += quantity
        else:
            self.true[place] -= quantity

    def _number(self, change: StockDelta, place: str, effect: int) -> None:
        self.numbered += 1
        self.true[place] += effect
        self.under_way.append(change)

    async def take_picture(self, *, is_last: bool = False) -> None:
        """Of everything, or of some keys; it knows of all that is in the books about us."""
        count = len(PLACES) if is_last else self.random.randint(1, len(PLACES))
        rows = {}
        for place in self.random.sample(PLACES, count):
            sequence = (await self.outside.shop.balance(place)).sequence
            rows[place] = (self.true[place], sequence)
        self.under_way.append(Taken(self.numbered, rows))

    async def deliver(self) -> None:
        """Let one of the messages arrive, whichever; some arrive twice."""
        place = self.random.randrange(len(self.under_way))
        message = self.under_way[place]
        if self.random.random() > 0.2:
            del self.under_way[place]
        if isinstance(message, Taken):
            shown = await self.outside.show(message.rows, watermark=message.watermark)
            assert shown.counts.quarantined_count == 0
        else:
            told = await self.outside.tell(message)
            assert told.counts.quarantined_count == 0


SEEDS = [*range(3), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 30))]
"""A few histories each time, and many among the long proofs."""


@pytest.mark.parametrize("policy", [TELL, HOLD])
@pytest.mark.parametrize("seed", SEEDS)
async def test_any_order_of_news_ends_where_the_world_is(
    shop: Shop, seed: int, policy: StockSource.GapPolicy.ValueType
) -> None:
    await shop.stock(dict.fromkeys(PLACES, OPENING))
    outside = Outside(shop)
    await outside.put_source(gap_policy=policy)
    world = World(outside, random.Random(seed))

    for _ in range(30):
        await world.happen()
        if world.random.random() < 0.15:
            await world.take_picture()
        while world.under_way and world.random.random() < 0.4:
            await world.deliver()
    # Nothing that nobody tells of happens after the last picture.
    await world.take_picture(is_last=True)
    for _ in range(10):
        place = world.random.choice(PLACES)
        world._number(delta(world.numbered + 1, place, 1), place, -1)
        held = await shop.reserve({place: 2}, confirm=True)
        await shop.ship(held.reservation_id, selection("1"))
        world.true[place] -= 2
        while world.under_way and world.random.random() < 0.3:
            await world.deliver()
    while world.under_way:
        await world.deliver()

    assert {place: await outside.on_hand(place) for place in PLACES} == world.true
    assert await shop.is_sound()
    state = await outside.source()
    assert (state.gap_count, state.held_count) == (0, 0)
    assert state.applied_sequence == world.numbered


async def test_without_the_watermark_the_world_and_the_books_part(shop: Shop) -> None:
    """The check can fail: a picture that lies about what it contains is found out."""
    await shop.stock({"MUG at A": OPENING})
    outside = Outside(shop)
    await outside.put_source()
    await outside.tell(delta(1, "MUG at A", 5))

    # Taken before the sale, but it says that it contains it.
    await outside.show([SnapshotRow(sku="MUG", location_id="A", on_hand=OPENING,
                                    included_sequence=1)], watermark=1)  # fmt: skip

    assert await outside.on_hand("MUG at A") == OPENING
