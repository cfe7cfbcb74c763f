"""Where refusals are kept that a worker decided for a caller who may have gone."""

from typing import Protocol
from uuid import UUID

from ordermesh.routing.domain.refusal import Refusal
from ordermesh.runtime.database import Transaction


class RefusalStore(Protocol):
    """Refusals that were decided after a request had been stored."""

    async def put(self, tx: Transaction, request_id: UUID, refusal: Refusal) -> None:
        """Remember why a request was refused."""
        ...

    async def get(self, tx: Transaction, request_id: UUID) -> Refusal | None:
        """Why a request was refused; None when it was not."""
        ...

    async def forget_reply(self, tx: Transaction, request_id: UUID) -> None:
        """Forget that a request was ever made, so that a retry drives it again."""
        ...
