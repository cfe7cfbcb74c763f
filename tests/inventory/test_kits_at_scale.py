"""Ten thousand kits that share components: what can be promised, right after every change."""

import random
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import pytest

from ordermesh.api.inventory.v1 import (
    GetAvailabilityRequest,
    ListBalancesRequest,
    WatchAvailabilityRequest,
    WatchAvailabilityResponse,
)
from ordermesh.client.vectors import Vectors
from ordermesh.inventory.domain.errors.stock import InsufficientStock, NotStockedHere
from tests.inventory.messages import item, location
from tests.inventory.shop import Shop

KITS = 10_000
PARTS = 150
PLACES = ("A", "B", "C")
CHANGES = 12

Parts = dict[str, int]


class Story:
    """Random changes of a shop, and what they must lead to, worked out from balances alone."""

    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop = shop
        self.chance = random.Random(seed)
        self.parts = [f"PART-{number:03}" for number in range(PARTS)]
        self.kits: dict[str, Parts] = {
            f"KIT-{number:05}": self._composition() for number in range(KITS)
        }
        self.off: set[str] = set()
        self.reservations: list[str] = []

    def _composition(self) -> Parts:
        chosen = self.chance.sample(self.parts, self.chance.randint(1, 4))
        return {part: self.chance.randint(1, 3) for part in chosen}

    async def open(self) -> None:
        await self.shop.put_items(*self.parts)
        written = [item(sku, parts) for sku, parts in self.kits.items()]
        for start in range(0, KITS, 1000):
            await self.shop.put_items(*written[start : start + 1000])
        keys = [f"{part} at {place}" for part in self.parts for place in PLACES]
        await self.shop.receive({key: self.chance.randint(5, 60) for key in keys})

    async def change(self) -> set[str]:
        """Do something; gives the components that it was about."""
        shop, chance = self.shop, self.chance
        place = chance.choice(PLACES)
        part, sku = chance.choice(self.parts), chance.choice(list(self.kits))
        match chance.randrange(7):
            case 0:
                await shop.receive({f"{part} at {place}": chance.randint(1, 20)})
            case 1:
                await shop.adjust(f"{part} at {place}", on_hand=chance.randint(60, 90))
            case 2 | 3:
                try:
                    made = await shop.reserve({f"{sku} at {place}": chance.randint(1, 3)})
                except (InsufficientStock, NotStockedHere):
                    return set(self.kits[sku])
                self.reservations.append(made.reservation_id)
                return set(self.kits[sku])
            case 4 if self.reservations:
                await shop.release(self.reservations.pop())
            case 5:
                self.kits[sku] = self._composition()
                await shop.put_items(item(sku, self.kits[sku]))
                return set(self.kits[sku])
            case _:
                self.off ^= {place}
                await shop.put_locations(location(place, disabled=place in self.off))
        return {part}

    async def recomputed(self) -> dict[tuple[str, str], int]:
        """What each kit allows at each place: the least of what its components allow."""
        request = ListBalancesRequest(page_size=1000)
        reply = await self.shop.ledger.ListBalances(request, self.shop.no_context)
        free = {
            (one.key.sku, one.key.location_id): one.on_hand - one.reserved
            for one in reply.balances
            if one.key.location_id not in self.off
        }
        return {
            (sku, place): min(free.get((part, place), 0) // count for part, count in parts.items())
            for sku, parts in self.kits.items()
            for place in PLACES
        }


@pytest.mark.parametrize("seed", [1])
async def test_ten_thousand_kits_are_right_after_every_change(shop: Shop, seed: int) -> None:
    await tell(shop, seed, CHANGES)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
async def test_ten_thousand_kits_are_right_through_a_long_story(shop: Shop, seed: int) -> None:
    await tell(shop, seed, 150)


async def tell(shop: Shop, seed: int, changes: int) -> None:
    story = Story(shop, seed)
    await story.open()
    await shop.stamp()
    reader = Vectors()
    request = WatchAvailabilityRequest(snapshot=True, packed=True, kits=True)
    watch = shop.availability_service.WatchAvailability(request, shop.no_context)
    async with aclosing(cast("Any", watch)) as replies:
        seen = await take(reader, replies, until=0)
        before = await story.recomputed()
        for _ in range(changes):
            concerned = await story.change()
            await shop.stamp()
            after = await story.recomputed()
            moved = {sku for sku, place in after if after[sku, place] != before[sku, place]}
            if moved:
                seen = await take(reader, replies, until=seen + 1)

            # The reader's matrix, all of it; and the service, what changed and some that did not.
            found = {
                (sku, place): reader.available(sku, place) for sku in story.kits for place in PLACES
            }
            assert found == after
            some = sorted(moved)[:700] + story.chance.sample(list(story.kits), 200)
            await agree(shop, list(dict.fromkeys(some)), after)
            kits = {kit for kit in moved if story.kits[kit].keys() & concerned}
            assert kits <= reader.kits_of(concerned)
            before = after
    assert await shop.is_sound()


async def take(
    reader: Vectors, replies: AsyncIterator[WatchAvailabilityResponse], *, until: int
) -> int:
    """Apply messages until one says a revision that is high enough; gives it."""
    async for reply in replies:
        reader.compose(reply.kits)
        reader.apply(reply.packed)
        if reply.revision >= max(1, until):
            return reply.revision
    raise AssertionError("The watch ended.")


async def agree(shop: Shop, skus: list[str], expected: dict[tuple[str, str], int]) -> None:
    request = GetAvailabilityRequest(skus=skus, location_ids=PLACES)
    reply = await shop.availability_service.GetAvailability(request, shop.no_context)
    assert list(reply.available.quantities) == [
        expected[sku, place] for sku in skus for place in PLACES
    ]
