"""Short words for what a ledger was told to do."""

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Balance, Ledger

MUG, CUP, JAR = StockKey("MUG", "A"), StockKey("CUP", "A"), StockKey("JAR", "B")

Move = tuple[StockKey, str, str, int]
"""Of what, from which account, to which, how many units."""


def moved(ledger: Ledger) -> list[Move]:
    """What was moved, in order."""
    return [
        (entry.key, entry.source.name, entry.target.name, entry.quantity)
        for entry in ledger.entries
    ]


def causes(ledger: Ledger) -> set[str]:
    """The kinds of movement that were made."""
    return {entry.cause.kind.name for entry in ledger.entries}


def books(**on_hand: int) -> Ledger:
    """A ledger with free units at A, by SKU."""
    return Ledger({StockKey(sku, "A"): Balance(on_hand=units) for sku, units in on_hand.items()})
