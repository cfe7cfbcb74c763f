"""Reads: each is one consistent look at the database."""

from ordermesh.api.returns.v1 import (
    GetReturnableRequest,
    GetReturnableResponse,
    GetReturnRequest,
    GetReturnResponse,
    ListReturnsRequest,
    ListReturnsResponse,
)
from ordermesh.returns.domain.errors import ReturnNotFound
from ordermesh.returns.ports import ReturnStore
from ordermesh.returns.wire.messages import return_message, returnable_reply
from ordermesh.returns.wire.requests import return_filter
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.pages import fitting_rows, page_size, page_token, place_in_numbers


class Reading:
    """Reads on an open transaction."""

    def __init__(self, store: ReturnStore) -> None:
        self._store = store

    async def returnable(
        self, tx: Transaction, request: GetReturnableRequest
    ) -> GetReturnableResponse:
        """What of an order can come back."""
        return returnable_reply(await self._store.returnable(tx, request.order_id))

    async def one(self, tx: Transaction, request: GetReturnRequest) -> GetReturnResponse:
        """One return; raises ``ReturnNotFound``."""
        found = await self._store.load(tx, request.return_id, lock=False)
        if found is None:
            raise ReturnNotFound(request.return_id)
        return GetReturnResponse(order_return=return_message(found))

    async def page(self, tx: Transaction, request: ListReturnsRequest) -> ListReturnsResponse:
        """A page of returns; raises ``InvalidPageToken``."""
        size = page_size(request.page_size)
        after = place_in_numbers(request, request.page_token)
        rows = await self._store.page(tx, return_filter(request), after, size + 1)
        returns = fitting_rows(return_message(row.order_return) for row in rows[:size])
        reply = ListReturnsResponse(returns=returns)
        if len(rows) > len(returns):
            reply.next_page_token = page_token(request, rows[len(returns) - 1].number)
        return reply
