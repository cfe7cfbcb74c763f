"""Kits: what they are made of, and how stock is promised and counted by component."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ordermesh.inventory.domain.errors.requests import TooMuchAsked
from ordermesh.inventory.domain.key import StockKey

LINES_MAX = 5_000
"""Lines of one reservation after its kits were taken apart: its answer must fit in a message."""


@dataclass(frozen=True)
class Component:
    """So many units of an item in one kit."""

    sku: str
    quantity: int


@dataclass(frozen=True)
class Kit:
    """What an item is made of. ``version`` counts its compositions; 0: not stored yet."""

    components: tuple[Component, ...]
    may_split: bool = False
    version: int = 0


@dataclass(frozen=True)
class Wanted:
    """So many units of one key for a caller's line.

    Of a kit's component, ``kit_sku`` names the kit, and ``quantity_per_kit`` counts units in one.
    """

    line_id: str
    key: StockKey
    quantity: int
    kit_sku: str = ""
    quantity_per_kit: int = 0


def exploded(wanted: Sequence[Wanted], kits: Mapping[str, Kit]) -> tuple[Wanted, ...]:
    """The same demand with every kit replaced by its components at the same location.

    Raises ``TooMuchAsked`` when that makes more than ``LINES_MAX`` lines.
    """
    lines: list[Wanted] = []
    for line in wanted:
        kit = kits.get(line.key.sku)
        if kit is None:
            lines.append(line)
            continue
        lines.extend(
            Wanted(
                line_id=line.line_id,
                key=StockKey(component.sku, line.key.location_id),
                quantity=line.quantity * component.quantity,
                kit_sku=line.key.sku,
                quantity_per_kit=component.quantity,
            )
            for component in kit.components
        )
    if len(lines) > LINES_MAX:
        raise TooMuchAsked("The kits of the request have too many components.", LINES_MAX)
    return tuple(lines)


def available_kits(kit: Kit, available: Mapping[str, int]) -> int:
    """How many kits the available units of their components allow at one location."""
    return min(
        available.get(component.sku, 0) // component.quantity for component in kit.components
    )
