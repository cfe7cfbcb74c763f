"""Promises."""

from typing import Any

import grpc

from ordermesh.api.routing import v1
from ordermesh.routing.operations.promising import Promising

Context = grpc.aio.ServicerContext[Any, Any]


class PromiseServicer(v1.PromiseServiceServicer):
    """Says by when goods can be there."""

    def __init__(self, promising: Promising) -> None:
        self._promising = promising

    async def GetPromise(
        self,
        request: v1.GetPromiseRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.GetPromiseResponse:
        """Answer for a cart or a checkout."""
        return await self._promising.cart(request)

    async def GetItemPromises(
        self,
        request: v1.GetItemPromisesRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.GetItemPromisesResponse:
        """Answer for pages of products."""
        return await self._promising.items(request)
