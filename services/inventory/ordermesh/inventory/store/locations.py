"""Locations in the database."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from ordermesh.inventory.domain.errors.catalog import UnknownLocation
from ordermesh.inventory.domain.item import ExternalReference
from ordermesh.inventory.domain.location import Address, Location, LocationType
from ordermesh.inventory.ports.locations import Place
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.store.items import last_revision, stamp
from ordermesh.inventory.store.keys import integers, text_rows, text_values, texts
from ordermesh.inventory.store.tables.locations import location
from ordermesh.inventory.wire.feeds import location_payload
from ordermesh.runtime import feed
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.prepared import Prepared

TOPIC = "location"
"""The topic of the feed that holds locations; a change's sequence is the location's version."""


_LOOKING_UP = Prepared(
    lambda dialect: select(location.c.location_id, location.c.code).where(
        location.c.code.in_(text_rows(dialect))
    )
)


class SqlLocationStore:
    """Locations in a table."""

    def __init__(self) -> None:
        self._familiar: dict[str, int] = {}

    async def resolve(self, tx: Transaction, location_ids: Collection[str], names: Names) -> None:
        """Read the surrogates; raises ``UnknownLocation`` with every one that does not exist."""
        await self.look_up(tx, location_ids, names)
        unknown = set(location_ids) - names.location_ids.keys()
        if unknown:
            raise UnknownLocation(unknown)

    async def look_up(self, tx: Transaction, location_ids: Collection[str], names: Names) -> None:
        """As ``resolve``, but what does not exist is left out."""
        # A location keeps its surrogate for ever, so what was read once needs no question.
        wanted = set(location_ids)
        new = wanted - self._familiar.keys()
        if new:
            rows = await tx.rows(_LOOKING_UP, text_values(tx.dialect, new))
            self._familiar.update({row.code: row.location_id for row in rows})
        for code in wanted & self._familiar.keys():
            names.location_ids[code] = self._familiar[code]

    async def in_groups(
        self, tx: Transaction, groups: Collection[str], names: Names
    ) -> dict[str, list[str]]:
        """The locations of groups that have any, in the order of their ids.

        Groups are lists in the rows of locations: there are few locations, and all are looked at.
        """
        found = await tx.execute(
            select(location.c.location_id, location.c.code, location.c.groups).order_by(
                location.c.code
            )
        )
        members: dict[str, list[str]] = {}
        for row in found:
            for group in set(groups) & set(row.groups):
                members.setdefault(group, []).append(row.code)
                names.location_ids[row.code] = row.location_id
        return members

    async def places(self, tx: Transaction, location_ids: Collection[int]) -> dict[int, Place]:
        """What locations are called, and whether they are switched off, by surrogates."""
        found = await tx.execute(
            select(
                location.c.location_id, location.c.code, location.c.is_disabled, location.c.groups
            ).where(location.c.location_id.in_(integers(tx.dialect, location_ids)))
        )
        return {
            row.location_id: Place(row.code, row.is_disabled, tuple(row.groups)) for row in found
        }

    async def lock(self, tx: Transaction, location_ids: Collection[str]) -> dict[str, Location]:
        """Lock and read the locations that exist, by id."""
        found = await tx.execute(
            select(location)
            .where(location.c.code.in_(texts(tx.dialect, location_ids)))
            .order_by(location.c.location_id)
            .with_for_update(key_share=True)
        )
        return {row.code: _location(row) for row in found}

    async def put(self, tx: Transaction, locations: Sequence[Location], now: datetime) -> None:
        """Store new and changed locations, and tell the watchers."""
        by_code = {one.location_id: one for one in locations}
        stored = await tx.execute(
            select(
                location.c.code, location.c.location_id, location.c.version, location.c.create_time
            ).where(location.c.code.in_(texts(tx.dialect, by_code)))
        )
        known = {row.code: row for row in stored}
        # Sorted, so that two requests that make the same ones wait for each other in one order.
        new = [_columns(by_code[code], now) for code in sorted(by_code.keys() - known.keys())]
        if new:
            await tx.execute(
                insert(location), [{**row, "create_time": now, "version": 1} for row in new]
            )
        if known:
            await tx.execute(
                update(location)
                .where(location.c.location_id == bindparam("key_location_id"))
                .values(version=location.c.version + 1),
                [
                    {**_columns(by_code[code], now), "key_location_id": row.location_id}
                    for code, row in known.items()
                ],
            )
        changes: list[feed.NewChange] = []
        for one in locations:
            before = known.get(one.location_id)
            payload = location_payload(one, before.create_time if before else now, now)
            version = before.version + 1 if before else 1
            changes.append(feed.NewChange(one.location_id, payload, version))
        await feed.append_all(tx, topic=TOPIC, changes=changes, now=now)

    async def get(self, tx: Transaction, location_ids: Collection[str]) -> dict[str, Location]:
        """The locations that exist, by id."""
        found = await tx.execute(
            select(location).where(location.c.code.in_(texts(tx.dialect, location_ids)))
        )
        return {row.code: _location(row) for row in found}

    async def page(self, tx: Transaction, after: str, size: int) -> list[Location]:
        """The next locations in the order of ids."""
        found = await tx.execute(
            select(location).where(location.c.code > after).order_by(location.c.code).limit(size)
        )
        return [_location(row) for row in found]

    async def last_revision(self, tx: Transaction) -> int:
        """The highest revision that was noted."""
        return await last_revision(tx, location)

    async def stamp(self, tx: Transaction, revisions: Mapping[tuple[str, int], int]) -> None:
        """Note the revision that the change to a version of a location got in the feed."""
        await stamp(tx, location, location.c.code, revisions)


def _columns(one: Location, now: datetime) -> dict[str, Any]:
    return {
        "code": one.location_id,
        "name": one.name,
        "type": int(one.type),
        "address": asdict(one.address) if one.address else None,
        "latitude": one.latitude,
        "longitude": one.longitude,
        "time_zone": one.time_zone,
        "tags": list(one.tags),
        "groups": list(one.groups),
        "is_disabled": one.is_disabled,
        "external_references": [[other.system, other.id] for other in one.external_references],
        "revision": 0,
        "update_time": now,
    }


def _location(row: Row[Any]) -> Location:
    return Location(
        location_id=row.code,
        type=LocationType(row.type),
        latitude=row.latitude,
        longitude=row.longitude,
        time_zone=row.time_zone,
        name=row.name,
        address=_address(row.address) if row.address else None,
        tags=tuple(row.tags),
        groups=tuple(row.groups),
        is_disabled=row.is_disabled,
        external_references=tuple(ExternalReference(*pair) for pair in row.external_references),
        revision=row.revision,
        create_time=row.create_time,
        update_time=row.update_time,
    )


def _address(fields: Mapping[str, Any]) -> Address:
    written = dict(fields)
    for name in ("address_lines", "recipients"):
        written[name] = tuple(written[name])
    return Address(**written)
