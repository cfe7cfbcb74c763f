"""Putting the network."""

import asyncio
from collections.abc import Iterable

from ordermesh.api.routing.v1 import (
    PutCalendarsRequest,
    PutCalendarsResponse,
    PutNetworkLocationsRequest,
    PutNetworkLocationsResponse,
)
from ordermesh.routing.domain.carriage.exchange import conversions
from ordermesh.routing.domain.errors.network import UnknownHolidays
from ordermesh.routing.domain.network import NetworkLocation
from ordermesh.routing.domain.timetable import Timetable
from ordermesh.routing.operations.books import Books
from ordermesh.routing.operations.knowledge import Knowledge
from ordermesh.routing.ports.calendars import Holidays
from ordermesh.routing.ports.stores import Stores
from ordermesh.routing.wire.network import network
from ordermesh.routing.wire.timetable import calendars_of
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.idempotency import Mutations

_ANY_YEAR = 2026
"""A place that is known has holidays in every year."""


class PutNetworkLocations:
    """Keeps how locations fulfill."""

    def __init__(
        self, mutations: Mutations, stores: Stores, knowledge: Knowledge, holidays: Holidays
    ) -> None:
        self._mutations = mutations
        self._stores = stores
        self._knowledge = knowledge
        self._holidays = holidays
        self._books = Books(stores)

    async def __call__(self, request: PutNetworkLocationsRequest) -> PutNetworkLocationsResponse:
        """Create and replace all of them or none; raises what the contract lists."""
        entries = network(request.locations)
        tables = [entry.timetable for entry in entries]
        await asyncio.to_thread(require_holidays, tables, self._holidays)
        return await self._knowledge.with_what_is_missing(
            lambda: self._mutations.run(
                request, PutNetworkLocationsResponse, lambda tx: self._put(tx, entries)
            )
        )

    async def _put(
        self, tx: Transaction, entries: tuple[NetworkLocation, ...]
    ) -> PutNetworkLocationsResponse:
        names = [entry.location_id for entry in entries]
        currencies = set(await self._stores.network.currencies(tx, names))
        currencies |= {entries[0].currency_code} if not currencies else set()
        wanted = min(currencies)
        given = currencies | {entry.currency_code for entry in entries}
        if len(given) > 1:
            conversions(given, wanted, await self._books.now(tx), await tx.now())
        await self._knowledge.require_locations(tx, names)
        changed = await self._stores.network.put(tx, entries, await tx.now())
        return PutNetworkLocationsResponse(changed_count=changed)


class PutCalendars:
    """Keeps when carriers deliver."""

    def __init__(self, mutations: Mutations, stores: Stores, holidays: Holidays) -> None:
        self._mutations = mutations
        self._stores = stores
        self._holidays = holidays

    async def __call__(self, request: PutCalendarsRequest) -> PutCalendarsResponse:
        """Create and replace all of them or none; raises what the contract lists."""
        calendars = calendars_of(request.calendars)
        tables = [one.timetable for one in calendars]
        await asyncio.to_thread(require_holidays, tables, self._holidays)

        async def put(tx: Transaction) -> PutCalendarsResponse:
            changed = await self._stores.calendars.put(tx, calendars, await tx.now())
            return PutCalendarsResponse(changed_count=changed)

        return await self._mutations.run(request, PutCalendarsResponse, put)


def require_holidays(timetables: Iterable[Timetable], holidays: Holidays) -> None:
    """Raise ``UnknownHolidays`` for a place whose holidays nobody knows."""
    for timetable in timetables:
        country, part = timetable.holiday_country, timetable.holiday_subdivision
        if country and holidays.dates(country, part, _ANY_YEAR, _ANY_YEAR) is None:
            raise UnknownHolidays(country, part)
