"""What routing has a copy of; what it has not is asked from inventory before it is refused."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TypeVar

from ordermesh.routing.domain.errors.catalog import UnknownLocation, UnknownSku
from ordermesh.routing.domain.item import Item
from ordermesh.routing.operations.memory import Memory
from ordermesh.routing.operations.planning import Planner
from ordermesh.routing.ports.stock import Stock
from ordermesh.routing.ports.stores import Stores
from ordermesh.runtime.database import Database, Transaction

T = TypeVar("T")

_ROUNDS = 3
"""A kit may have to be asked for, and then its components."""


class NotKnownHere(Exception):
    """Something has no copy here; inventory may know it."""

    def __init__(self, *, skus: Collection[str] = (), location_ids: Collection[str] = ()) -> None:
        super().__init__("Inventory is to be asked.")
        self.skus = frozenset(skus)
        self.location_ids = frozenset(location_ids)


class Knowledge:
    """Copies of items and locations."""

    def __init__(self, database: Database, stores: Stores, stock: Stock, planner: Planner) -> None:
        self._database = database
        self._planner = planner
        self._stores = stores
        self._stock = stock

    async def items(
        self, tx: Transaction, known: Memory, skus: Collection[str]
    ) -> Mapping[str, Item]:
        """Items with the components of the kits among them; raises ``NotKnownHere``."""
        found = await self._planner.items(tx, known, skus)
        kits = [found[sku] for sku in skus if sku in found]
        wanted = set(skus) | {part.sku for kit in kits for part in kit.components}
        missing = wanted - found.keys()
        if missing:
            raise NotKnownHere(skus=missing)
        return found

    async def require_locations(self, tx: Transaction, location_ids: Collection[str]) -> None:
        """Raise ``NotKnownHere`` unless all of them are known."""
        found = await self._stores.copies.locations(tx, location_ids)
        missing = set(location_ids) - found.keys()
        if missing:
            raise NotKnownHere(location_ids=missing)

    async def with_what_is_missing(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The result of ``attempt``, which is made again after inventory was asked.

        Raises ``UnknownSku`` and ``UnknownLocation`` for what inventory does not know either, and
        ``Unavailable`` when it cannot be asked.
        """
        for _ in range(_ROUNDS):
            try:
                return await attempt()
            except NotKnownHere as missing:
                await self._learn(missing)
        return await attempt()

    async def _learn(self, missing: NotKnownHere) -> None:
        if missing.skus:
            items = await self._stock.items(sorted(missing.skus))
            unknown = missing.skus - {one.sku for one in items}
            if unknown:
                raise UnknownSku(unknown)
            await self._database.run(lambda tx: self._stores.copies.put_items(tx, items))
        if missing.location_ids:
            places = await self._stock.locations(sorted(missing.location_ids))
            strangers = missing.location_ids - {one.location_id for one in places}
            if strangers:
                raise UnknownLocation(strangers)
            await self._database.run(lambda tx: self._stores.copies.put_locations(tx, places))
