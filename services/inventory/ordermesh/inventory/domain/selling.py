"""What may be sold of what is there: the terms that are compared with every wish."""

from collections.abc import Mapping
from dataclasses import dataclass

from ordermesh.inventory.domain.availability import available
from ordermesh.inventory.domain.errors.stock import InsufficientStock, NotStockedHere
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Balance, Ledger


@dataclass(frozen=True)
class Terms:
    """The terms at one moment. ``off`` are keys whose item or location is switched off.

    ``uncounted`` are those whose promises do not count for readers.
    """

    off: frozenset[StockKey] = frozenset()
    uncounted: frozenset[StockKey] = frozenset()

    def available(self, key: StockKey, balance: Balance, returning: int = 0) -> int:
        """Units of a key that can be promised; ``returning`` as in ``available``."""
        return available(balance, returning, is_off=key in self.off)


def refuse_short(
    ledger: Ledger,
    demand: Mapping[StockKey, int],
    terms: Terms,
    *,
    without_record: bool = True,
) -> None:
    """Refuse demand that is more than what may be sold of any key.

    Raises ``NotStockedHere`` when all that is missing has no record, unless ``without_record`` is
    false, and ``InsufficientStock`` otherwise, with every short key.
    """
    short = {
        key: (wanted, there)
        for key, wanted in demand.items()
        if wanted > (there := terms.available(key, ledger.balance(key)))
    }
    if not short:
        return
    if without_record and not any(ledger.has_record(key) for key in short):
        raise NotStockedHere(short)
    raise InsufficientStock(short)
