"""Kits that share components: what is available equals a recount from nothing, after any change."""

from collections import Counter
from collections.abc import Mapping
from random import Random

import pytest

from ordermesh.inventory.domain.errors.stock import InsufficientStock
from tests.inventory.messages import control, item
from tests.inventory.shop import Shop

PLACES = ("A", "B")


class Recount:
    """Stock and compositions as the test itself keeps them, and what they allow."""

    def __init__(self) -> None:
        self.free: Counter[tuple[str, str]] = Counter()
        self.kits: dict[str, dict[str, int]] = {}
        self.safety: dict[str, int] = {}
        self.caps: dict[str, int] = {}

    def single(self, sku: str, place: str, channel: str) -> int:
        safety = self.safety.get(sku, 0) if channel == "web" else 0
        return max(0, self.free[sku, place] - safety)

    def kit(self, sku: str, place: str, channel: str) -> int:
        parts = self.kits[sku].items()
        count = min(self.single(part, place, channel) // units for part, units in parts)
        return min(count, self.caps.get(sku, count)) if channel == "web" else count

    def take(self, wanted: Mapping[str, int], place: str, sign: int) -> None:
        for sku, count in wanted.items():
            for part, units in self.kits.get(sku, {sku: 1}).items():
                self.free[part, place] -= sign * count * units


async def compare(shop: Shop, recount: Recount) -> None:
    kits = sorted(recount.kits)
    for channel in ("web", ""):
        for start in range(0, len(kits), 1_000):
            asked = kits[start : start + 1_000]
            reply = await shop.availability(asked, PLACES, channel=channel)
            expected = [recount.kit(sku, place, channel) for sku in asked for place in PLACES]
            assert list(reply.available.quantities) == expected


async def change(shop: Shop, recount: Recount, random: Random, components: list[str]) -> None:
    """One random change, made to the shop and to the recount."""
    place = random.choice(PLACES)
    part = random.choice(components)
    kit = random.choice(sorted(recount.kits))
    match random.randrange(6):
        case 0:
            await shop.receive({f"{part} at {place}": 7})
            recount.free[part, place] += 7
        case 1 | 2:
            wanted = {kit: random.randint(1, 3), part: 1}
            try:
                await shop.reserve(
                    {f"{sku} at {place}": count for sku, count in wanted.items()}, channel="web"
                )
            except InsufficientStock:
                return
            recount.take(wanted, place, 1)
        case 3:
            recipe = {one: random.randint(1, 3) for one in random.sample(components, 3)}
            await shop.put_items(item(kit, recipe))
            recount.kits[kit] = recipe
        case 4:
            recount.safety[part] = random.randint(0, 4)
            await shop.put_controls(
                control(f"s-{part}", "safety_stock", recount.safety[part], sku=part, channel="web")
            )
        case 5:
            recount.caps[kit] = random.randint(0, 4)
            await shop.put_controls(
                control(f"c-{kit}", "cap", recount.caps[kit], sku=kit, channel="web")
            )


async def live(shop: Shop, kit_count: int, component_count: int, changes: int, seed: int) -> None:
    random = Random(seed)
    components = [f"PART-{number}" for number in range(component_count)]
    recount = Recount()
    await shop.stock({f"{part} at {place}": 12 for part in components for place in PLACES})
    recount.free.update({(part, place): 12 for part in components for place in PLACES})
    for number in range(kit_count):
        recipe = {one: random.randint(1, 3) for one in random.sample(components, 3)}
        recount.kits[f"KIT-{number}"] = recipe
    rows = [item(sku, recipe) for sku, recipe in recount.kits.items()]
    for start in range(0, len(rows), 1_000):
        await shop.put_items(*rows[start : start + 1_000])
    await compare(shop, recount)
    for _ in range(changes):
        await change(shop, recount, random, components)
        await compare(shop, recount)


@pytest.mark.parametrize("seed", [1, 2])
async def test_kits_that_share_components_are_right_after_every_change(
    shop: Shop, seed: int
) -> None:
    await live(shop, kit_count=120, component_count=20, changes=25, seed=seed)
    assert await shop.is_sound()


@pytest.mark.slow
async def test_ten_thousand_kits_are_right_after_every_change(shop: Shop) -> None:
    await live(shop, kit_count=10_000, component_count=400, changes=20, seed=3)
