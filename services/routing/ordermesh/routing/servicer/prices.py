"""Prices."""

from typing import Any

import grpc

from ordermesh.api.routing import v1
from ordermesh.routing.operations.renewing import RenewingPrices
from ordermesh.routing.queries.prices import PriceReading
from ordermesh.runtime.database import Database

Context = grpc.aio.ServicerContext[Any, Any]


class PriceServicer(v1.PriceServiceServicer):
    """Makes and shows prices."""

    def __init__(self, database: Database, renew: RenewingPrices, reading: PriceReading) -> None:
        self._database = database
        self._renew = renew
        self._reading = reading

    async def RenewPrices(
        self,
        request: v1.RenewPricesRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.RenewPricesResponse:
        """Make the next version."""
        return await self._renew(request)

    async def GetPriceSet(
        self,
        request: v1.GetPriceSetRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.GetPriceSetResponse:
        """Read one."""
        return await self._database.read(lambda tx: self._reading.price_set(tx, request))

    async def ListPriceSets(
        self,
        request: v1.ListPriceSetsRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ListPriceSetsResponse:
        """Read versions."""
        return await self._database.read(lambda tx: self._reading.price_sets(tx, request))

    async def ListStockPrices(
        self,
        request: v1.ListStockPricesRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ListStockPricesResponse:
        """Read what stock is worth."""
        return await self._database.read(lambda tx: self._reading.stock(tx, request))

    async def ListLaborPrices(
        self,
        request: v1.ListLaborPricesRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ListLaborPricesResponse:
        """Read what work is worth."""
        return await self._database.read(lambda tx: self._reading.labor(tx, request))

    async def ListStockSuggestions(
        self,
        request: v1.ListStockSuggestionsRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ListStockSuggestionsResponse:
        """Read what would save something elsewhere."""
        return await self._database.read(lambda tx: self._reading.suggestions(tx, request))
