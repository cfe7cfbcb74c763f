"""What there is to ask about, and chance."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import select

from ordermesh.inventory.store.tables.items import item as item_table
from ordermesh.inventory.store.tables.ledger import balance
from ordermesh.inventory.store.tables.locations import location as location_table
from ordermesh.runtime.database import Transaction
from tests.inventory.messages import item, location
from tests.inventory.reading import insist
from tests.inventory.shop import Shop

T = TypeVar("T")

SKUS = [f"SKU-{number}" for number in range(12)]
KITS = {"SET": {"SKU-0": 1, "SKU-1": 2}, "PAIR": {"SKU-1": 2}}

STORES = "ABCD"
DOCK = "E"
"""A location that only supplies and transfers bring goods to, so that promises there wait."""

PLACES = STORES + DOCK
ENOUGH = 16
"""So much is kept of a key: little enough that losses leave promises without a unit behind them."""

GROUPS = {"A": "east", "B": "east", "C": "west", "D": "west", "E": "docks"}


class Seen(NamedTuple):
    """What the books say of a stock key."""

    on_hand: int = 0
    free: int = 0
    missing: int = 0
    sequence: int = 0


async def open_shop(shop: Shop) -> None:
    """Put items, kits, locations in groups, and some stock."""
    await shop.put_locations(*(location(place, groups=[GROUPS[place]]) for place in PLACES))
    await shop.put_items(*(item(sku, promised_on_supply=True) for sku in SKUS))
    await shop.put_items(*(item(kit, parts) for kit, parts in KITS.items()))
    await shop.receive({f"{sku} at {place}": ENOUGH for sku in SKUS for place in STORES[:3]})


@dataclass
class World:
    """A shop, and the dice of its callers. ``expected`` are supplies by id, and their keys."""

    shop: Shop
    random: Random
    expected: dict[str, str] = field(default_factory=dict)

    def id(self) -> str:
        """A UUID."""
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def happens(self, share: float) -> bool:
        """Whether something that happens in this share of cases happens now."""
        return self.random.random() < share

    def some(self, rows: Sequence[T], most: int) -> list[T]:
        """One to so many of the rows, each once."""
        return self.random.sample(rows, self.random.randint(1, min(most, len(rows))))

    def one(self, rows: Sequence[T]) -> T:
        """Any of them."""
        return self.random.choice(rows)

    def place(self, places: Sequence[str] = STORES) -> str:
        """Any item at any of the locations: "SKU-7 at A"."""
        return f"{self.one(SKUS)} at {self.one(places)}"

    async def look(self, *places: str) -> dict[str, Seen]:
        """What the books say of stock keys now; somebody may change it before it is used."""
        pairs = [place.split(" at ") for place in places]
        statement = (
            select(balance, item_table.c.sku, location_table.c.code)
            .join(item_table, item_table.c.item_id == balance.c.item_id)
            .join(location_table, location_table.c.location_id == balance.c.location_id)
            .where(item_table.c.sku.in_({sku for sku, _ in pairs}))
            .where(location_table.c.code.in_({code for _, code in pairs}))
        )

        async def read(tx: Transaction) -> dict[str, Seen]:
            return {
                f"{row.sku} at {row.code}": Seen(
                    row.on_hand, row.on_hand - row.reserved + row.short, row.missing, row.sequence
                )
                for row in await tx.execute(statement)
            }

        found = await insist(lambda: self.shop.wiring.database.read(read))
        return {place: found.get(place, Seen()) for place in places}

    async def poorest(self) -> tuple[str, Seen]:
        """Of a few stock keys the one with least on hand, so that stock does not run out."""
        found = await self.look(*(self.place() for _ in range(3)))
        return min(found.items(), key=lambda one: one[1].on_hand)

    async def tightest(self) -> tuple[str, Seen]:
        """Of some stock keys the one with least that is free beside what is promised."""
        found = await self.look(*(self.place() for _ in range(12)))
        there = [one for one in found.items() if one[1].on_hand > 0] or list(found.items())
        return min(there, key=lambda one: one[1].free)

    async def richest(self, places: Sequence[str] = STORES) -> tuple[str, Seen]:
        """Of a few stock keys the one with most that is free."""
        found = await self.look(*(self.place(places) for _ in range(3)))
        return max(found.items(), key=lambda one: one[1].free)
