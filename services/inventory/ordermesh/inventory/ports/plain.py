"""Where plain reservations are written."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from ordermesh.inventory.domain.plain import FreeStock, Granted
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.ports.names import Names
from ordermesh.runtime.database import Transaction


class PlainStore(Protocol):
    """Where plain reservations are written."""

    async def write(
        self,
        tx: Transaction,
        names: Names,
        granted: Sequence[Granted],
        stock: FreeStock,
        terms: Terms,
        now: datetime,
    ) -> None:
        """Write reservations, entries and balances, and tell the watchers.

        ``granted`` is all that was granted of ``stock``.
        """
        ...
