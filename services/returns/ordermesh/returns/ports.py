"""What the operations and queries need of the outside: where shipments are kept."""

from collections.abc import Sequence
from typing import Protocol

from ordermesh.returns.domain.returnable import Returnable, ShippedLine
from ordermesh.runtime.database import Transaction


class ShipmentStore(Protocol):
    """What has left, by order."""

    async def add(self, tx: Transaction, lines: Sequence[ShippedLine]) -> None:
        """Keep what left. A line of a fulfillment order that is kept already changes nothing."""
        ...

    async def returnable(self, tx: Transaction, order_id: str) -> Sequence[Returnable]:
        """What has left of an order, in the order of line and item."""
        ...
