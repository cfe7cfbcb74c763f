"""The network in SQL."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.network import SHIP, NetworkLocation, ReturnHandling
from ordermesh.routing.domain.switch import Switches
from ordermesh.routing.ports.network import Overview
from ordermesh.routing.ports.stores import Feed
from ordermesh.routing.store import versions
from ordermesh.routing.store.switches import SqlSwitchStore
from ordermesh.routing.store.tables.copies import followed_item, followed_location, follower
from ordermesh.routing.store.tables.network import network_location
from ordermesh.routing.store.timetables import (
    capacities_json,
    points_json,
    stored_capacities,
    stored_points,
    stored_timetable,
    timetable_json,
)
from ordermesh.runtime.database import Transaction


class SqlNetworkStore:
    """Keeps how locations fulfill."""

    async def all(self, tx: Transaction) -> tuple[NetworkLocation, ...]:
        """Every location of the network, by id."""
        rows = await tx.execute(select(network_location).order_by(network_location.c.location_id))
        return tuple(_location(row) for row in rows)

    async def has(self, tx: Transaction, location_id: str) -> bool:
        """Whether the network has a location."""
        rows = await tx.execute(
            select(network_location.c.location_id).where(
                network_location.c.location_id == location_id
            )
        )
        return rows.one_or_none() is not None

    async def page(self, tx: Transaction, after: str, size: int) -> list[NetworkLocation]:
        """The next locations after an id."""
        rows = await tx.execute(
            select(network_location)
            .where(network_location.c.location_id > after)
            .order_by(network_location.c.location_id)
            .limit(size)
        )
        return [_location(row) for row in rows]

    async def versions(self, tx: Transaction) -> tuple[tuple[str, int], ...]:
        """How often network, locations and policies have changed, by name."""
        return await versions.versions(tx)

    async def currencies(self, tx: Transaction, excluding: Collection[str]) -> frozenset[str]:
        """The currencies of all locations but these."""
        rows = await tx.execute(
            select(network_location.c.currency_code)
            .where(network_location.c.location_id.not_in(list(excluding)))
            .distinct()
        )
        return frozenset(rows.scalars())

    async def put(
        self, tx: Transaction, locations: Sequence[NetworkLocation], now: datetime
    ) -> int:
        """Create and replace; gives how many were created or changed."""
        names = sorted(location.location_id for location in locations)
        rows = await tx.execute(
            select(network_location)
            .where(network_location.c.location_id.in_(names))
            .order_by(network_location.c.location_id)
            .with_for_update()
        )
        known = {row.location_id: _location(row) for row in rows}
        created: list[dict[str, Any]] = []
        changed = 0
        for location in locations:
            before = known.get(location.location_id)
            values = _values(replace(location, update_time=now))
            if before is None:
                created.append(values)
            elif not before.is_same(location):
                changed += 1
                await tx.execute(
                    update(network_location)
                    .where(network_location.c.location_id == location.location_id)
                    .values(values)
                )
        if created:
            await tx.execute(insert(network_location), created)
        if changed or created:
            await versions.changed(tx, versions.NETWORK)
        return changed + len(created)

    async def overview(self, tx: Transaction) -> Overview:
        """What routing knows."""
        network, now = await self.all(tx), await tx.now()
        switches = Switches.of(await SqlSwitchStore().lasting(tx, now))
        items = await tx.execute(select(func.count()).select_from(followed_item))
        places = await tx.execute(select(func.count()).select_from(followed_location))
        feeds = {row.feed: row for row in await tx.execute(select(follower))}
        heard = [row.heard_time for row in feeds.values() if row.heard_time is not None]
        return Overview(
            locations=len(network),
            shipping_locations=sum(
                1 for location in network if switches.why_off(location, SHIP, now) is None
            ),
            items=items.scalar_one(),
            known_locations=places.scalar_one(),
            item_revision=feeds[Feed.ITEMS].revision if Feed.ITEMS in feeds else 0,
            location_revision=feeds[Feed.LOCATIONS].revision if Feed.LOCATIONS in feeds else 0,
            heard_time=max(heard, default=None),
        )


def _location(row: Row[Any]) -> NetworkLocation:
    return NetworkLocation(
        location_id=row.location_id,
        methods=tuple(row.methods),
        priority=row.priority,
        currency_code=row.currency_code,
        pick_fee=Money(row.pick_fee),
        labor_cost_per_unit=Money(row.labor_cost_per_unit),
        labor_cost_per_line=Money(row.labor_cost_per_line),
        handling_days=row.handling_days,
        return_handling=ReturnHandling(row.return_handling),
        update_time=row.update_time,
        capabilities=tuple(row.capabilities),
        timetable=stored_timetable(row.timetable),
        processing=stored_points(row.processing),
        reject_permille=row.reject_permille,
        capacities=stored_capacities(row.capacities),
    )


def _values(location: NetworkLocation) -> dict[str, Any]:
    return {
        "location_id": location.location_id,
        "methods": list(location.methods),
        "priority": location.priority,
        "currency_code": location.currency_code,
        "pick_fee": location.pick_fee,
        "labor_cost_per_unit": location.labor_cost_per_unit,
        "labor_cost_per_line": location.labor_cost_per_line,
        "handling_days": location.handling_days,
        "return_handling": location.return_handling,
        "update_time": location.update_time,
        "capabilities": list(location.capabilities),
        "timetable": timetable_json(location.timetable),
        "processing": points_json(location.processing),
        "reject_permille": location.reject_permille,
        "capacities": capacities_json(location.capacities),
    }
