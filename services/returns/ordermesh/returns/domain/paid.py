"""What was paid for goods that left instead of what was ordered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ordermesh.kernel.money import Money
from ordermesh.returns.domain.order_return import Price
from ordermesh.returns.domain.returnable import ShippedLine


@dataclass(frozen=True, slots=True)
class Paid:
    """What was paid for units of an item that left instead of what their order line wanted.

    ``parts`` are units with their price, None where nobody knows it, in the order in which they
    left. What left first is refunded first: so what leaves later, at another price, changes nothing
    of what was due before, and what is due for all units is what was paid for them.
    """

    currency_code: str
    parts: tuple[tuple[int, Price | None], ...]

    def of(self, quantity: int, after: int = 0) -> Money:
        """What so many units cost after ``after`` others, in 1e-4: all parts sum to the whole."""
        return Money(self._first(after + quantity) - self._first(after))

    @property
    def average(self) -> Price:
        """What all units that have left were sold for together."""
        units = sum(quantity for quantity, _ in self.parts)
        return Price(self.currency_code, self.of(units), units)

    def _first(self, units: int) -> int:
        total = 0
        for quantity, price in self.parts:
            total += price.of(min(units, quantity)) if price else 0
            units -= min(units, quantity)
        return total


def paid_for(shipped: Iterable[ShippedLine]) -> Mapping[tuple[str, str], Paid]:
    """What was paid, by order line and item, for what left in this order.

    What is known of no price has none here: it is what was ordered, or nobody knows.
    """
    found: dict[tuple[str, str], list[tuple[int, Price | None]]] = {}
    for line in shipped:
        parts = found.setdefault((line.line_id, line.sku), [])
        before = 0
        if parts and parts[-1][1] == line.price:
            # One part of what costs the same: units that stand together for one may leave apart.
            before = parts.pop()[0]
        parts.append((before + line.quantity, line.price))
    return {
        pair: Paid(price.currency_code, tuple(parts))
        for pair, parts in found.items()
        if (price := next((price for _, price in parts if price), None))
    }
