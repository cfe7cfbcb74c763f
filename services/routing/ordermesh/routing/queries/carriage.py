"""Reads of carriage."""

from ordermesh.api.routing.v1 import (
    GetCarriageRequest,
    GetCarriageResponse,
    ListCarriageRequest,
    ListCarriageResponse,
    ListPostalCodeTablesRequest,
    ListPostalCodeTablesResponse,
)
from ordermesh.routing.domain.errors.carriage import CarriageNotFound
from ordermesh.routing.ports.stores import Stores
from ordermesh.routing.wire.carriage import entry_message, kind_name
from ordermesh.routing.wire.postal_code import table_message
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.pages import (
    SMALL_NUMBER_MAX,
    page_size,
    page_token,
    place,
    place_in_text,
)

PAGE_BYTES_MAX = 1_000_000
"""A page ends before it is larger than this, unless one entry is."""


class CarriageReading:
    """Reads on an open transaction."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    async def entry(self, tx: Transaction, request: GetCarriageRequest) -> GetCarriageResponse:
        """One version of an entry; raises ``CarriageNotFound``."""
        kind = kind_name(request.kind)
        found = await self._stores.carriage.get(tx, kind, request.id, request.version)
        if found is None:
            raise CarriageNotFound(kind, request.id, request.version)
        return GetCarriageResponse(entry=entry_message(found))

    async def entries(self, tx: Transaction, request: ListCarriageRequest) -> ListCarriageResponse:
        """A page of what is in force of one kind; raises ``InvalidPageToken``."""
        size = page_size(request.page_size)
        after = place_in_text(request, request.page_token)
        kind = kind_name(request.kind)
        rows = await self._stores.carriage.page(tx, kind, after, size + 1, request.revision)
        taken, bytes_taken = 0, 0
        for row in rows[:size]:
            bytes_taken += len(row.payload)
            if taken and bytes_taken > PAGE_BYTES_MAX:
                break
            taken += 1
        reply = ListCarriageResponse(entries=[entry_message(row) for row in rows[:taken]])
        if len(rows) > taken:
            reply.next_page_token = page_token(request, rows[taken - 1].id)
        return reply

    async def postal_code_tables(
        self, tx: Transaction, request: ListPostalCodeTablesRequest
    ) -> ListPostalCodeTablesResponse:
        """A page of the tables of postal codes; raises ``InvalidPageToken``."""
        size = page_size(request.page_size)
        parts = place(request, request.page_token, str, int, number_max=SMALL_NUMBER_MAX)
        country_code, version = parts or ("", 0)
        after = (str(country_code), int(version))
        tables = await self._stores.postal_codes.page(tx, after, size + 1)
        reply = ListPostalCodeTablesResponse(tables=[table_message(one) for one in tables[:size]])
        if len(tables) > size:
            last = tables[size - 1]
            reply.next_page_token = page_token(request, last.country_code, last.version)
        return reply
