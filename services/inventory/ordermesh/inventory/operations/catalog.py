"""Putting items and locations."""

from collections.abc import Collection, Sequence

from ordermesh.inventory.domain import item as items_domain
from ordermesh.inventory.domain import location as locations_domain
from ordermesh.inventory.domain.item import Item, component_skus
from ordermesh.inventory.domain.location import Location, refuse_impossible
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction


async def put_items(stores: Stores, tx: Transaction, items: Sequence[Item]) -> int:
    """Create and replace items, all or none; gives how many changed. Raises as the domain does."""
    items_domain.refuse_repeated(items)
    skus = {item.sku for item in items} | component_skus(items)
    becoming = {item.sku for item in items if item.kit}
    catalog = await stores.items.lock_catalog(tx, skus, becoming)
    changed = items_domain.put(items, catalog)
    if changed:
        await stores.items.put(tx, changed, await tx.now())
        # Before the controls are read: one that is put meanwhile is seen here, or sees what is put.
        await stores.controls.disturb(tx)
    by_tag = (await stores.controls.table(tx)).needs_features
    switched = {
        item.sku
        for item in changed
        if item.sku in catalog.items
        and _looks_different(catalog.items[item.sku], item, by_tag=by_tag)
    }
    await stores.ledger.tell(tx, switched, ())
    return len(changed)


def _looks_different(before: Item, after: Item, *, by_tag: bool) -> bool:
    """Whether what is available may change with the item; with ``by_tag`` controls name tags."""
    none = ReservationMode.NONE
    return (
        before.is_unsellable != after.is_unsellable
        or (before.reservation_mode is none) != (after.reservation_mode is none)
        or (by_tag and set(before.tags) != set(after.tags))
    )


async def put_locations(
    stores: Stores, tx: Transaction, locations: Sequence[Location], time_zones: Collection[str]
) -> int:
    """Create and replace locations, all or none; gives how many changed.

    Raises as the domain's ``refuse_impossible``.
    """
    refuse_impossible(locations, time_zones)
    stored = await stores.locations.lock(tx, {location.location_id for location in locations})
    changed = locations_domain.put(locations, stored)
    if changed:
        await stores.locations.put(tx, changed, await tx.now())
        # Before the controls are read: one that is put meanwhile is seen here, or sees what is put.
        await stores.controls.disturb(tx)
    by_group = (await stores.controls.table(tx)).needs_features
    switched = {
        location.location_id
        for location in changed
        if location.location_id in stored
        and _sells_differently(stored[location.location_id], location, by_group=by_group)
    }
    await stores.ledger.tell(tx, (), switched)
    return len(changed)


def _sells_differently(before: Location, after: Location, *, by_group: bool) -> bool:
    """Whether what is available may change there; with ``by_group`` controls name groups."""
    return before.is_disabled != after.is_disabled or (
        by_group and set(before.groups) != set(after.groups)
    )
