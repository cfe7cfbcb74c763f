"""Short words for what a ledger holds, and what it was told to do."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.kit import Wanted
from ordermesh.inventory.domain.ledger import Balance, Ledger
from ordermesh.inventory.domain.reservation import LineState, Reservation
from ordermesh.inventory.domain.reserving import Ask, reserve
from ordermesh.inventory.domain.selling import Terms

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOLD = timedelta(minutes=15)
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


def promised(
    ledger: Ledger, *rows: tuple[str, StockKey, int], is_confirmed: bool = False
) -> Reservation:
    """A reservation of line ids, keys and units, made at noon."""
    ask = Ask(UUID(int=1), "X", [Wanted(*row) for row in rows], None if is_confirmed else HOLD)
    return reserve(ledger, Actor("storefront"), ask, {}, Terms(), NOON).made


def lines(reservation: Reservation) -> list[tuple[StockKey, int, LineState]]:
    """What of what is in which state."""
    return [(line.key, line.quantity, line.state) for line in reservation.lines]


def stocked(**on_hand: int) -> Ledger:
    """From MUG_A=5 and the like."""
    keys = {name: StockKey(*name.split("_")) for name in on_hand}
    return Ledger({keys[name]: Balance(on_hand=units) for name, units in on_hand.items()})
