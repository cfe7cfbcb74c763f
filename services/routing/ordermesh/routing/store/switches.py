"""Switches of locations in SQL."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, or_, select, update

from ordermesh.routing.domain.switch import Switch
from ordermesh.routing.store import versions
from ordermesh.routing.store.tables.network import location_switch
from ordermesh.runtime.database import Transaction


class SqlSwitchStore:
    """Keeps what is switched on and off, and when."""

    async def add(self, tx: Transaction, switch: Switch) -> Switch:
        """Store a switch; gives it with its number."""
        added = await tx.execute(
            insert(location_switch)
            .values(
                switch_id=switch.switch_id,
                location_id=switch.location_id,
                methods=list(switch.methods),
                is_on=switch.is_on,
                start_time=switch.start_time,
                end_time=switch.end_time,
                reason=switch.reason,
                caller=switch.caller,
                on_behalf_of=switch.on_behalf_of,
                create_time=switch.create_time,
            )
            .returning(*location_switch.c)
        )
        await versions.changed(tx, versions.NETWORK)
        return _switch(added.one())

    async def lock(self, tx: Transaction, switch_id: UUID) -> Switch | None:
        """One switch, kept from others until the commit."""
        rows = await tx.execute(
            select(location_switch)
            .where(location_switch.c.switch_id == switch_id)
            .with_for_update()
        )
        row = rows.one_or_none()
        return None if row is None else _switch(row)

    async def end(self, tx: Transaction, switch: Switch) -> None:
        """Write when it ends."""
        await tx.execute(
            update(location_switch)
            .where(location_switch.c.switch_id == switch.switch_id)
            .values(end_time=switch.end_time)
        )
        await versions.changed(tx, versions.NETWORK)

    async def lasting(self, tx: Transaction, now: datetime) -> tuple[Switch, ...]:
        """Those that have not ended, the oldest first."""
        rows = await tx.execute(
            select(location_switch)
            .where(or_(location_switch.c.end_time.is_(None), location_switch.c.end_time > now))
            .order_by(location_switch.c.number)
        )
        return tuple(_switch(row) for row in rows)

    async def page(
        self,
        tx: Transaction,
        location_id: str,
        ending_after: datetime | None,
        after: int,
        size: int,
    ) -> list[Switch]:
        """The next switches after a number; of a location, and not ended, where that is asked."""
        statement = select(location_switch).where(location_switch.c.number > after)
        if location_id:
            statement = statement.where(location_switch.c.location_id == location_id)
        if ending_after is not None:
            ends = location_switch.c.end_time
            statement = statement.where(or_(ends.is_(None), ends > ending_after))
        rows = await tx.execute(statement.order_by(location_switch.c.number).limit(size))
        return [_switch(row) for row in rows]


def _switch(row: Row[Any]) -> Switch:
    return Switch(
        switch_id=row.switch_id,
        location_id=row.location_id,
        methods=tuple(row.methods),
        is_on=row.is_on,
        start_time=row.start_time,
        end_time=row.end_time,
        reason=row.reason,
        caller=row.caller,
        on_behalf_of=row.on_behalf_of,
        create_time=row.create_time,
        number=row.number,
    )
