"""The copies of inventory's items and locations in SQL."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.item import Item, KitPart, KnownLocation
from ordermesh.routing.domain.price import Price
from ordermesh.routing.ports.stores import Feed
from ordermesh.routing.store import versions
from ordermesh.routing.store.tables.copies import followed_item, followed_location, follower
from ordermesh.runtime.database import Transaction

_CHUNK = 500
"""How many names one statement asks for."""


class SqlCopyStore:
    """Keeps what is followed in inventory."""

    async def items(self, tx: Transaction, skus: Collection[str]) -> dict[str, Item]:
        """The items that are known, by SKU, with the components of the kits among them."""
        found = await self._items(tx, frozenset(skus))
        parts = {part.sku for one in found.values() for part in one.components}
        missing = parts - found.keys()
        if missing:
            found |= await self._items(tx, missing)
        return found

    async def page(self, tx: Transaction, after: str, size: int) -> list[Item]:
        """The next items after a SKU."""
        rows = await tx.execute(
            select(followed_item)
            .where(followed_item.c.sku > after)
            .order_by(followed_item.c.sku)
            .limit(size)
        )
        return [_item(row) for row in rows]

    async def _items(self, tx: Transaction, skus: Collection[str]) -> dict[str, Item]:
        found: dict[str, Item] = {}
        names = sorted(skus)
        for start in range(0, len(names), _CHUNK):
            rows = await tx.execute(
                select(followed_item).where(followed_item.c.sku.in_(names[start : start + _CHUNK]))
            )
            found |= {row.sku: _item(row) for row in rows}
        return found

    async def locations(
        self, tx: Transaction, location_ids: Collection[str] | None = None
    ) -> dict[str, KnownLocation]:
        """The locations that are known, by id; None means all."""
        statement = select(followed_location)
        if location_ids is not None:
            statement = statement.where(followed_location.c.location_id.in_(sorted(location_ids)))
        return {row.location_id: _location(row) for row in await tx.execute(statement)}

    async def put_items(self, tx: Transaction, items: Sequence[Item]) -> None:
        """Keep items unless a newer change of them is known."""
        await _put(tx, followed_item, "sku", [_item_values(one) for one in items])
        if items:
            await versions.changed(tx, versions.ITEMS)

    async def put_locations(self, tx: Transaction, locations: Sequence[KnownLocation]) -> None:
        """Keep locations unless a newer change of them is known."""
        rows = [_location_values(one) for one in locations]
        await _put(tx, followed_location, "location_id", rows)
        if rows:
            await versions.changed(tx, versions.LOCATIONS)

    async def revision(self, tx: Transaction, feed: Feed) -> int:
        """Every change up to this revision is known; 0: nothing was ever listed."""
        row = await tx.execute(select(follower.c.revision).where(follower.c.feed == feed))
        return row.scalar_one_or_none() or 0

    async def advance(self, tx: Transaction, feed: Feed, revision: int, now: datetime) -> None:
        """Every change up to the revision is known now."""
        insert = sqlite.insert if tx.dialect == "sqlite" else postgresql.insert
        statement = insert(follower).values(feed=feed, revision=revision, heard_time=now)
        await tx.execute(
            statement.on_conflict_do_update(
                index_elements=["feed"],
                set_={
                    "revision": statement.excluded.revision,
                    "heard_time": statement.excluded.heard_time,
                },
            )
        )


async def _put(tx: Transaction, table: Table, key: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows unless the stored one shows a newer change.

    A row of revision 0 was asked for out of turn: it fills a gap and replaces nothing newer; the
    watch brings it again with its number.
    """
    if not rows:
        return
    insert = sqlite.insert if tx.dialect == "sqlite" else postgresql.insert
    statement = insert(table)
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=[key],
            set_={name: statement.excluded[name] for name in rows[0] if name != key},
            where=or_(table.c.revision == 0, statement.excluded.revision >= table.c.revision),
        ),
        [dict(row) for row in sorted(rows, key=lambda row: str(row[key]))],
    )


def _item(row: Row[Any]) -> Item:
    has_value = row.value_currency is not None
    return Item(
        sku=row.sku,
        revision=row.revision,
        weight_grams=row.weight_grams,
        value=Price(row.value_currency, Money(row.value_amount)) if has_value else None,
        is_sellable=row.is_sellable,
        components=tuple(KitPart(sku, quantity) for sku, quantity in row.components),
        components_may_split=row.may_split,
        tags=tuple(row.tags),
        handling=tuple(row.handling),
        size_millimetres=tuple(row.size) if row.size else None,
        markdown_time=row.markdown_time,
        keep_together=row.keep_together,
        may_wait=row.may_wait,
        is_untracked=row.is_untracked,
    )


def _item_values(item: Item) -> dict[str, Any]:
    return {
        "sku": item.sku,
        "revision": item.revision,
        "weight_grams": item.weight_grams,
        "value_currency": None if item.value is None else item.value.currency_code,
        "value_amount": None if item.value is None else item.value.amount,
        "is_sellable": item.is_sellable,
        "components": [[part.sku, part.quantity] for part in item.components],
        "may_split": item.components_may_split,
        "tags": list(item.tags),
        "handling": list(item.handling),
        "size": None if item.size_millimetres is None else list(item.size_millimetres),
        "markdown_time": item.markdown_time,
        "keep_together": item.keep_together,
        "may_wait": item.may_wait,
        "is_untracked": item.is_untracked,
    }


def _location(row: Row[Any]) -> KnownLocation:
    return KnownLocation(
        location_id=row.location_id,
        revision=row.revision,
        kind=row.kind,
        place=Place(row.latitude, row.longitude),
        time_zone=row.time_zone,
        is_disabled=row.is_disabled,
        tags=tuple(row.tags),
        groups=tuple(row.groups),
        country_code=row.country_code,
        region=row.region,
        postal_code=row.postal_code,
    )


def _location_values(location: KnownLocation) -> dict[str, Any]:
    return {
        "location_id": location.location_id,
        "revision": location.revision,
        "kind": location.kind,
        "latitude": location.place.latitude_microdegrees,
        "longitude": location.place.longitude_microdegrees,
        "time_zone": location.time_zone,
        "is_disabled": location.is_disabled,
        "tags": list(location.tags),
        "groups": list(location.groups),
        "country_code": location.country_code,
        "region": location.region,
        "postal_code": location.postal_code,
    }
