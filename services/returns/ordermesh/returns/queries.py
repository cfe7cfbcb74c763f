"""Reading what can come back."""

from collections.abc import Sequence

from ordermesh.returns.domain.returnable import Returnable
from ordermesh.returns.ports import ShipmentStore
from ordermesh.runtime.database import Transaction


async def get_returnable(
    store: ShipmentStore, tx: Transaction, order_id: str
) -> Sequence[Returnable]:
    """What has left of an order, in the order of line and item."""
    return await store.returnable(tx, order_id)
