"""Freezing kits: an order keeps its kits as they were, with the shares of their price."""

from collections.abc import Mapping, Sequence

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.item import Item
from ordermesh.routing.domain.order import FrozenComponent
from ordermesh.routing.domain.price import Price


def freeze(
    kit: Item, items: Mapping[str, Item], unit_price: Price | None
) -> tuple[FrozenComponent, ...]:
    """The components of ``kit`` with their shares of ``unit_price``, which add up to it exactly.

    Shares go by the value of the components when all of them have one in one currency, else by
    their units. ``items`` holds the components; an item that is no kit has none. Raises
    ``KeyError`` for a component that is not among ``items``.
    """
    components = kit.components
    if not components:
        return ()
    if unit_price is None:
        return tuple(FrozenComponent(part.sku, part.quantity, None) for part in components)
    values = [items[part.sku].value for part in components]
    known = [value for value in values if value is not None and value.amount > 0]
    if len(known) == len(values) and len({value.currency_code for value in known}) == 1:
        weights = [
            value.amount * part.quantity for value, part in zip(known, components, strict=True)
        ]
    else:
        weights = [part.quantity for part in components]
    return tuple(
        FrozenComponent(part.sku, part.quantity, Price(unit_price.currency_code, share))
        for part, share in zip(components, shares(unit_price.amount, weights), strict=True)
    )


def shares(amount: Money, weights: Sequence[int]) -> tuple[Money, ...]:
    """The amount split by positive weights with the largest remainder method.

    Shares are whole units of 1e-4 and add up to the amount; equal remainders favour the first.
    Raises ``ValueError`` without weights or when one is not positive.
    """
    if not weights or min(weights) <= 0:
        raise ValueError("Weights must be positive.")
    sign = -1 if amount < 0 else 1
    total = sum(weights)
    floors = [abs(amount) * weight // total for weight in weights]
    remainders = [abs(amount) * weight % total for weight in weights]
    left = abs(amount) - sum(floors)
    favoured = sorted(range(len(weights)), key=lambda index: (-remainders[index], index))[:left]
    return tuple(
        Money(sign * (floor + (1 if index in favoured else 0)))
        for index, floor in enumerate(floors)
    )
