"""Reads of the network: each is one consistent look at the database."""

from ordermesh.api.routing.v1 import (
    ListCalendarsRequest,
    ListCalendarsResponse,
    ListSwitchesRequest,
    ListSwitchesResponse,
)
from ordermesh.routing.domain.switch import Switches
from ordermesh.routing.ports.stores import Stores
from ordermesh.routing.wire.timetable import calendar_message, switch_message
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.pages import page_size, page_token, place_in_numbers, place_in_text


class NetworkReading:
    """Reads on an open transaction."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    async def switches(self, tx: Transaction, request: ListSwitchesRequest) -> ListSwitchesResponse:
        """A page of switches; raises ``InvalidPageToken``."""
        size = page_size(request.page_size)
        after = place_in_numbers(request, request.page_token)
        now = await tx.now()
        rows = await self._stores.switches.page(
            tx, request.location_id, None if request.include_ended else now, after, size + 1
        )
        lasting = Switches.of(await self._stores.switches.lasting(tx, now))
        reply = ListSwitchesResponse(
            switches=[switch_message(row, lasting, now) for row in rows[:size]]
        )
        if len(rows) > size:
            reply.next_page_token = page_token(request, rows[size - 1].number)
        return reply

    async def calendars(
        self, tx: Transaction, request: ListCalendarsRequest
    ) -> ListCalendarsResponse:
        """A page of calendars; raises ``InvalidPageToken``."""
        size = page_size(request.page_size)
        after = place_in_text(request, request.page_token)
        rows = await self._stores.calendars.page(tx, after, size + 1)
        reply = ListCalendarsResponse(calendars=[calendar_message(row) for row in rows[:size]])
        if len(rows) > size:
            reply.next_page_token = page_token(request, rows[size - 1].calendar_id)
        return reply
