"""What has left, what is on its way back, and what can still be returned."""

from collections.abc import Iterable
from dataclasses import dataclass

from ordermesh.returns.domain.order_return import Price


@dataclass(frozen=True, slots=True)
class ShippedLine:
    """Units of an item that left for one order line, in one fulfillment order.

    ``price`` is what they were sold for where they left instead of what was ordered, None where
    they are what was ordered or nobody knows. ``event_sequence`` is the number of the event that
    told it among those of the order: 0 where nobody knows, which was before all others.
    """

    order_id: str
    fulfillment_order_id: str
    line_id: str
    sku: str
    quantity: int
    price: Price | None = None
    event_sequence: int = 0


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
    order_id: str,
    fulfillment_order_id: str,
    units: Iterable[tuple[str, str, int, Price | None]],
    event_sequence: int,
) -> list[ShippedLine]:
    """The facts of one shipment, from order line, item, units and the price of a substitute.

    The same pair twice is summed: it was decided at once, at one price.
    """
    total: dict[tuple[str, str], int] = {}
    prices: dict[tuple[str, str], Price | None] = {}
    for line_id, sku, quantity, price in units:
        total[line_id, sku] = total.get((line_id, sku), 0) + quantity
        prices.setdefault((line_id, sku), price)
    return [
        ShippedLine(order_id, fulfillment_order_id, *pair, quantity, prices[pair], event_sequence)
        for pair, quantity in total.items()
    ]
