"""Calendars of carriers in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from ordermesh.routing.domain.carrier_calendars import NamedCalendar
from ordermesh.routing.store import versions
from ordermesh.routing.store.tables.network import calendar
from ordermesh.routing.store.timetables import stored_timetable, timetable_json
from ordermesh.runtime.database import Transaction


class SqlCalendarStore:
    """Keeps calendars."""

    async def all(self, tx: Transaction) -> tuple[NamedCalendar, ...]:
        """Every calendar, by id."""
        rows = await tx.execute(select(calendar).order_by(calendar.c.calendar_id))
        return tuple(_calendar(row) for row in rows)

    async def page(self, tx: Transaction, after: str, size: int) -> list[NamedCalendar]:
        """The next calendars after an id."""
        rows = await tx.execute(
            select(calendar)
            .where(calendar.c.calendar_id > after)
            .order_by(calendar.c.calendar_id)
            .limit(size)
        )
        return [_calendar(row) for row in rows]

    async def put(self, tx: Transaction, calendars: Sequence[NamedCalendar], now: datetime) -> int:
        """Create and replace; gives how many were created or changed."""
        names = sorted(one.calendar_id for one in calendars)
        rows = await tx.execute(
            select(calendar)
            .where(calendar.c.calendar_id.in_(names))
            .order_by(calendar.c.calendar_id)
            .with_for_update()
        )
        known = {row.calendar_id: _calendar(row) for row in rows}
        changed = [one for one in calendars if known.get(one.calendar_id) != one]
        for one in changed:
            values = {
                "calendar_id": one.calendar_id,
                "time_zone": one.time_zone,
                "timetable": timetable_json(one.timetable),
                "update_time": now,
            }
            if one.calendar_id in known:
                await tx.execute(
                    update(calendar).where(calendar.c.calendar_id == one.calendar_id).values(values)
                )
            else:
                await tx.execute(insert(calendar).values(values))
        if changed:
            await versions.changed(tx, versions.NETWORK)
        return len(changed)


def _calendar(row: Row[Any]) -> NamedCalendar:
    return NamedCalendar(
        row.calendar_id, row.time_zone, stored_timetable(row.timetable), row.update_time
    )
