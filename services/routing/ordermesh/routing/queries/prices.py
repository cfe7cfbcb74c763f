"""Reads of prices."""

from ordermesh.api.routing import v1
from ordermesh.routing.domain.errors.prices import PricesNotFound
from ordermesh.routing.domain.foresight.price_set import PriceSet
from ordermesh.routing.ports.stores import Stores
from ordermesh.routing.wire.price import (
    kind_of,
    labor_price_message,
    price_set_message,
    stock_price_message,
    suggestion_message,
)
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.pages import SMALL_NUMBER_MAX, page_size, page_token, place

Place = tuple[int, int]
"""A version, and the number of the last row that was read of it."""


class PriceReading:
    """Reads on an open transaction. All pages of a list are of one version."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    async def price_set(
        self, tx: Transaction, request: v1.GetPriceSetRequest
    ) -> v1.GetPriceSetResponse:
        """A version; raises ``PricesNotFound``."""
        found = await self._version(tx, request.version)
        return v1.GetPriceSetResponse(price_set=price_set_message(found, await tx.now()))

    async def price_sets(
        self, tx: Transaction, request: v1.ListPriceSetsRequest
    ) -> v1.ListPriceSetsResponse:
        """A page of versions; raises ``InvalidPageToken``."""
        size, now = page_size(request.page_size), await tx.now()
        parts = place(request, request.page_token, int)
        before = int(parts[0]) if parts else 0
        rows = await self._stores.prices.page(tx, before, size + 1)
        reply = v1.ListPriceSetsResponse(
            price_sets=[price_set_message(one, now) for one in rows[:size]]
        )
        if len(rows) > size:
            reply.next_page_token = page_token(request, rows[size - 1].version)
        return reply

    async def stock(
        self, tx: Transaction, request: v1.ListStockPricesRequest
    ) -> v1.ListStockPricesResponse:
        """A page of prices of stock; raises ``PricesNotFound`` and ``InvalidPageToken``."""
        size = page_size(request.page_size)
        found, after = await self._from(tx, request, request.page_token, request.version)
        wanted = (request.sku, request.location_id)
        rows = await self._stores.prices.stock_page(tx, found.version, wanted, after, size + 1)
        reply = v1.ListStockPricesResponse(
            stock_prices=[stock_price_message(one, found.currency_code) for _, one in rows[:size]]
        )
        if len(rows) > size:
            reply.next_page_token = page_token(request, found.version, rows[size - 1][0])
        return reply

    async def labor(
        self, tx: Transaction, request: v1.ListLaborPricesRequest
    ) -> v1.ListLaborPricesResponse:
        """A page of prices of labor; raises ``PricesNotFound`` and ``InvalidPageToken``."""
        size = page_size(request.page_size)
        found, after = await self._from(tx, request, request.page_token, request.version)
        rows = await self._stores.prices.labor_page(tx, found.version, after, size + 1)
        reply = v1.ListLaborPricesResponse(
            labor_prices=[labor_price_message(one, found.currency_code) for _, one in rows[:size]]
        )
        if len(rows) > size:
            reply.next_page_token = page_token(request, found.version, rows[size - 1][0])
        return reply

    async def suggestions(
        self, tx: Transaction, request: v1.ListStockSuggestionsRequest
    ) -> v1.ListStockSuggestionsResponse:
        """A page of suggestions; raises ``PricesNotFound`` and ``InvalidPageToken``."""
        size = page_size(request.page_size)
        found, after = await self._from(tx, request, request.page_token, request.version)
        rows = await self._stores.prices.suggestion_page(
            tx, found.version, kind_of(request.kind), after, size + 1
        )
        reply = v1.ListStockSuggestionsResponse(
            suggestions=[suggestion_message(one, found.currency_code) for _, one in rows[:size]]
        )
        if len(rows) > size:
            reply.next_page_token = page_token(request, found.version, rows[size - 1][0])
        return reply

    async def _version(self, tx: Transaction, version: int) -> PriceSet:
        found = await self._stores.prices.get(tx, version)
        if found is None:
            raise PricesNotFound(version)
        return found

    async def _from(
        self,
        tx: Transaction,
        request: v1.ListStockPricesRequest
        | v1.ListLaborPricesRequest
        | v1.ListStockSuggestionsRequest,
        token: str,
        version: int,
    ) -> tuple[PriceSet, int]:
        """The version that the list began with, and the row after which the page begins."""
        parts = place(request, token, int, int, number_max=SMALL_NUMBER_MAX)
        if parts is None:
            return await self._version(tx, version), 0
        return await self._version(tx, int(parts[0])), int(parts[1])
