"""What has left, what is on its way back, and what can still be returned."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ShippedLine:
    """Units of an item that left for one order line, in one fulfillment order."""

    order_id: str
    fulfillment_order_id: str
    line_id: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True, order=True)
class Returnable:
    """Units of an item for an order line: shipped, on their way back, and back.

    ``authorized`` counts what open returns still expect.
    """

    line_id: str
    sku: str
    shipped: int
    authorized: int = 0
    received: int = 0

    @property
    def returnable(self) -> int:
        """Units that can still be returned."""
        return self.shipped - self.authorized - self.received


def shipped_lines(
    order_id: str, fulfillment_order_id: str, units: Iterable[tuple[str, str, int]]
) -> list[ShippedLine]:
    """The facts of one shipment, from order line, item and units; the same pair twice is summed."""
    total: dict[tuple[str, str], int] = {}
    for line_id, sku, quantity in units:
        total[line_id, sku] = total.get((line_id, sku), 0) + quantity
    return [
        ShippedLine(order_id, fulfillment_order_id, line_id, sku, quantity)
        for (line_id, sku), quantity in total.items()
    ]
