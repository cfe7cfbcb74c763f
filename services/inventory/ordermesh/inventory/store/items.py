"""Items in the database."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Join,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    func,
    insert,
    select,
    update,
)

from ordermesh.inventory.domain.errors.catalog import UnknownSku
from ordermesh.inventory.domain.item import (
    Catalog,
    ExternalReference,
    Handling,
    Item,
    Size,
    Unit,
    Value,
)
from ordermesh.inventory.domain.kit import Component, Kit
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.supply import SupplyState
from ordermesh.inventory.ports.items import Features
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.store.keys import integers, text_rows, text_values, texts
from ordermesh.inventory.store.rows import balance_of
from ordermesh.inventory.store.tables.items import item, kit_component
from ordermesh.inventory.store.tables.ledger import balance
from ordermesh.inventory.store.tables.supplies import supply
from ordermesh.inventory.wire.feeds import item_payload
from ordermesh.runtime import feed
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.prepared import Prepared

TOPIC = "item"
"""The topic of the feed that holds items; the sequence of a change is the item's version."""


_LOOKING_UP = Prepared(
    lambda dialect: select(
        item.c.item_id,
        item.c.sku,
        item.c.is_kit,
        item.c.may_split,
        item.c.kit_version,
        item.c.reservation_mode,
    ).where(item.c.sku.in_(text_rows(dialect)))
)


class SqlItemStore:
    """Items in tables."""

    async def resolve(self, tx: Transaction, skus: Collection[str], names: Names) -> dict[str, Kit]:
        """Read the surrogates of SKUs and of their components; gives the kits among them.

        Raises ``UnknownSku`` with every one that does not exist.
        """
        kits = await self.look_up(tx, skus, names)
        unknown = set(skus) - names.item_ids.keys()
        if unknown:
            raise UnknownSku(unknown)
        return kits

    async def look_up(self, tx: Transaction, skus: Collection[str], names: Names) -> dict[str, Kit]:
        """As ``resolve``, but what does not exist is left out."""
        rows = await tx.rows(_LOOKING_UP, text_values(tx.dialect, skus))
        names.item_ids.update({row.sku: row.item_id for row in rows})
        _note_modes(rows, names)
        return await _kits(tx, [row for row in rows if row.is_kit], names)

    async def kits_among(self, tx: Transaction, skus: Collection[str]) -> set[str]:
        """Which of the SKUs are kits, read afresh."""
        found = await tx.execute(
            select(item.c.sku).where(item.c.sku.in_(texts(tx.dialect, skus)), item.c.is_kit)
        )
        return set(found.scalars())

    async def features(self, tx: Transaction, skus: Collection[str]) -> dict[str, Features]:
        """What decides about the sale of items, by SKU."""
        if not skus:
            return {}
        found = await tx.execute(
            select(item.c.sku, item.c.tags, item.c.is_unsellable, item.c.reservation_mode).where(
                item.c.sku.in_(texts(tx.dialect, skus))
            )
        )
        return {
            row.sku: Features(
                tuple(row.tags),
                row.is_unsellable,
                row.reservation_mode == int(ReservationMode.NONE),
            )
            for row in found
        }

    async def kits_with(self, tx: Transaction, skus: Collection[str]) -> set[str]:
        """The kits of which any of the items is a component."""
        return {kit for kits in (await _kits_of(tx, skus)).values() for kit in kits}

    async def lock_catalog(
        self, tx: Transaction, skus: Collection[str], becoming: Collection[str]
    ) -> Catalog:
        """Lock and read items; ``becoming`` may become kits, so their balances are locked too."""
        found = await tx.execute(
            select(item)
            .where(item.c.sku.in_(texts(tx.dialect, skus)))
            .order_by(item.c.item_id)
            .with_for_update()
        )
        rows = found.all()
        kits = await _kits(tx, [row for row in rows if row.is_kit], Names())
        kits_of = await _kits_of(tx, becoming)
        by_id = {row.item_id: row.sku for row in rows if row.sku in becoming and not row.is_kit}
        return Catalog(
            items={row.sku: _item(row, kits.get(row.sku)) for row in rows},
            latest_version={row.sku: row.kit_version for row in rows},
            kits_of=kits_of,
            with_stock=await _with_stock(tx, by_id),
        )

    async def put(self, tx: Transaction, items: Sequence[Item], now: datetime) -> None:
        """Store new and changed items, and tell the watchers."""
        by_sku = {one.sku: one for one in items}
        stored = await tx.execute(
            select(
                item.c.sku, item.c.item_id, item.c.version, item.c.create_time, item.c.kit_version
            ).where(item.c.sku.in_(texts(tx.dialect, by_sku)))
        )
        known = {row.sku: row for row in stored}
        # Sorted, so that two requests that make the same items wait for each other in one order.
        new = [_columns(by_sku[sku], now) for sku in sorted(by_sku.keys() - known.keys())]
        if new:
            await tx.execute(
                insert(item), [{**row, "create_time": now, "version": 1} for row in new]
            )
        if known:
            await tx.execute(
                update(item)
                .where(item.c.item_id == bindparam("key_item_id"))
                .values(version=item.c.version + 1),
                [
                    {
                        **_columns(by_sku[sku], now),
                        "kit_version": max(row.kit_version, _version_of(by_sku[sku])),
                        "key_item_id": row.item_id,
                    }
                    for sku, row in known.items()
                ],
            )
        await _put_components(tx, items, known)
        changes: list[feed.NewChange] = []
        for one in items:
            before = known.get(one.sku)
            payload = item_payload(one, before.create_time if before else now, now)
            changes.append(feed.NewChange(one.sku, payload, before.version + 1 if before else 1))
        await feed.append_all(tx, topic=TOPIC, changes=changes, now=now)

    async def get(self, tx: Transaction, skus: Collection[str]) -> dict[str, Item]:
        """The items that exist, by SKU."""
        return {
            one.sku: one
            for one in await _items(tx, select(item).where(item.c.sku.in_(texts(tx.dialect, skus))))
        }

    async def page(self, tx: Transaction, after: str, size: int) -> list[Item]:
        """The next items in the order of SKUs."""
        return await _items(
            tx, select(item).where(item.c.sku > after).order_by(item.c.sku).limit(size)
        )

    async def kits_page(
        self, tx: Transaction, skus: Collection[str], after: str, size: int
    ) -> list[Item]:
        """The next kits in the order of SKUs; no SKUs means all."""
        statement = select(item).where(item.c.is_kit, item.c.sku > after)
        if skus:
            statement = statement.where(item.c.sku.in_(texts(tx.dialect, skus)))
        return await _items(tx, statement.order_by(item.c.sku).limit(size))

    async def last_revision(self, tx: Transaction) -> int:
        """The highest revision that was noted."""
        return await last_revision(tx, item)

    async def stamp(self, tx: Transaction, revisions: Mapping[tuple[str, int], int]) -> None:
        """Note the revision that the change to a version of an item got in the feed."""
        await stamp(tx, item, item.c.sku, revisions)


async def stamp(
    tx: Transaction,
    table: Table,
    name: ColumnElement[str],
    revisions: Mapping[tuple[str, int], int],
) -> None:
    """Write revisions into rows that have not changed since."""
    await tx.execute(
        update(table)
        .where(name == bindparam("key_name"), table.c.version == bindparam("key_version"))
        .values(revision=bindparam("key_revision")),
        [
            {"key_name": key, "key_version": version, "key_revision": revision}
            for (key, version), revision in sorted(revisions.items())
        ],
    )


async def last_revision(tx: Transaction, table: Table) -> int:
    """The highest revision in a table, 0 in an empty one."""
    found = await tx.execute(select(func.coalesce(func.max(table.c.revision), 0)))
    return int(found.scalar_one())


async def _kits_of(tx: Transaction, skus: Collection[str]) -> dict[str, set[str]]:
    """The kits that items are components of, by the items' SKUs."""
    part = item.alias()
    found = await tx.execute(
        select(part.c.sku, item.c.sku.label("kit"))
        .select_from(_components())
        .join(part, part.c.item_id == kit_component.c.item_id)
        .where(part.c.sku.in_(texts(tx.dialect, skus)))
    )
    kits_of: dict[str, set[str]] = defaultdict(set)
    for row in found:
        kits_of[row.sku].add(row.kit)
    return kits_of


def _components() -> Join:
    """The components of the present composition of each kit."""
    return item.join(
        kit_component,
        and_(
            kit_component.c.kit_item_id == item.c.item_id,
            kit_component.c.kit_version == item.c.kit_version,
            item.c.is_kit,
        ),
    )


async def _kits(tx: Transaction, rows: Collection[Row[Any]], names: Names) -> dict[str, Kit]:
    """The kits of the rows, whose components' surrogates are noted."""
    if not rows:
        return {}
    part = item.alias()
    found = await tx.execute(
        select(
            kit_component.c.kit_item_id,
            part.c.item_id,
            part.c.sku,
            part.c.reservation_mode,
            kit_component.c.quantity,
        )
        .select_from(_components())
        .join(part, part.c.item_id == kit_component.c.item_id)
        .where(item.c.item_id.in_(integers(tx.dialect, [row.item_id for row in rows])))
        .order_by(kit_component.c.kit_item_id, kit_component.c.place)
    )
    parts: dict[int, list[Component]] = defaultdict(list)
    components = found.all()
    _note_modes(components, names)
    for row in components:
        names.item_ids[row.sku] = row.item_id
        parts[row.kit_item_id].append(Component(row.sku, row.quantity))
    return {row.sku: Kit(tuple(parts[row.item_id]), row.may_split, row.kit_version) for row in rows}


def _note_modes(rows: Iterable[Row[Any]], names: Names) -> None:
    names.modes.update(
        {row.sku: ReservationMode(row.reservation_mode) for row in rows if row.reservation_mode}
    )


async def _with_stock(tx: Transaction, by_id: Mapping[int, str]) -> set[str]:
    """Which of the items have anything in stock, promised or expected, their balances locked."""
    if not by_id:
        return set()
    found = await tx.execute(
        select(balance)
        .where(balance.c.item_id.in_(integers(tx.dialect, by_id)))
        .order_by(balance.c.item_id, balance.c.location_id)
        .with_for_update(key_share=True)
    )
    there = {by_id[row.item_id] for row in found if not balance_of(row).is_empty}
    expected = await tx.execute(
        select(supply.c.item_id).where(
            supply.c.item_id.in_(integers(tx.dialect, by_id)),
            supply.c.state <= int(SupplyState.IN_TRANSIT),
        )
    )
    return there | {by_id[item_id] for item_id in expected.scalars()}


async def _put_components(
    tx: Transaction, items: Iterable[Item], known: Mapping[str, Row[Any]]
) -> None:
    """Write compositions that are new. Old ones stay: reservations were made by them."""
    changed = [
        (one.sku, one.kit)
        for one in items
        if one.kit and (one.sku not in known or known[one.sku].kit_version < one.kit.version)
    ]
    if not changed:
        return
    skus = {part.sku for _, kit in changed for part in kit.components} | {sku for sku, _ in changed}
    found = await tx.execute(
        select(item.c.sku, item.c.item_id).where(item.c.sku.in_(texts(tx.dialect, skus)))
    )
    ids = {row.sku: row.item_id for row in found}
    await tx.execute(
        insert(kit_component),
        [
            {
                "kit_item_id": ids[sku],
                "kit_version": kit.version,
                "place": place,
                "item_id": ids[part.sku],
                "quantity": part.quantity,
            }
            for sku, kit in changed
            for place, part in enumerate(kit.components)
        ],
    )


def _version_of(one: Item) -> int:
    return one.kit.version if one.kit else 0


def _columns(one: Item, now: datetime) -> dict[str, Any]:
    size, value = one.size, one.value
    return {
        "sku": one.sku,
        "name": one.name,
        "unit": int(one.unit),
        "weight_grams": one.weight_grams,
        "size": [size.length, size.width, size.height] if size else None,
        "tags": list(one.tags),
        "handling": [int(handling) for handling in one.handling],
        "value": [value.currency_code, value.units, value.nanos] if value else None,
        "is_kit": one.kit is not None,
        "may_split": one.kit is not None and one.kit.may_split,
        "kit_version": _version_of(one),
        "is_unsellable": one.is_unsellable,
        "reservation_mode": int(one.reservation_mode),
        "is_promised_on_supply": one.is_promised_on_supply,
        "markdown_time": one.markdown_time,
        "keep_together": one.keep_together,
        "external_references": [[other.system, other.id] for other in one.external_references],
        "revision": 0,
        "update_time": now,
    }


async def _items(tx: Transaction, statement: Select[Any]) -> list[Item]:
    rows = (await tx.execute(statement)).all()
    kits = await _kits(tx, [row for row in rows if row.is_kit], Names())
    return [_item(row, kits.get(row.sku)) for row in rows]


def _item(row: Row[Any], kit: Kit | None) -> Item:
    return Item(
        sku=row.sku,
        unit=Unit(row.unit),
        name=row.name,
        weight_grams=row.weight_grams,
        size=Size(*row.size) if row.size else None,
        tags=tuple(row.tags),
        handling=tuple(Handling(number) for number in row.handling),
        value=Value(*row.value) if row.value else None,
        kit=kit,
        is_unsellable=row.is_unsellable,
        reservation_mode=ReservationMode(row.reservation_mode),
        is_promised_on_supply=row.is_promised_on_supply,
        markdown_time=row.markdown_time,
        keep_together=row.keep_together,
        external_references=tuple(ExternalReference(*pair) for pair in row.external_references),
        revision=row.revision,
        create_time=row.create_time,
        update_time=row.update_time,
    )
