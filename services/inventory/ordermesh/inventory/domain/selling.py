"""What may be sold of what is there: the terms that are compared with every wish."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ordermesh.inventory.domain.availability import as_shown, available
from ordermesh.inventory.domain.conditions import UNCONDITIONAL, Conditions, Taken, nothing_taken
from ordermesh.inventory.domain.control_table import NO_CONTROLS, ControlTable
from ordermesh.inventory.domain.errors.stock import InsufficientStock, NotStockedHere
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Balance, Ledger


@dataclass(frozen=True)
class Terms:
    """The terms at one moment. ``off`` are keys whose item or location is switched off.

    ``uncounted`` are those whose promises do not count for readers. ``tags`` are those of items,
    ``groups`` those of locations, as far as controls name any.
    """

    off: frozenset[StockKey] = frozenset()
    uncounted: frozenset[StockKey] = frozenset()
    controls: ControlTable = NO_CONTROLS
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def conditions(self, key: StockKey, channel: str, now: datetime) -> Conditions:
        """On what conditions a channel sells units of a key; empty: a caller that names none."""
        if not self.controls.controls:
            return UNCONDITIONAL
        product = self.controls.product(key.sku, self.tags.get(key.sku, ()))
        return product.conditions(
            key.location_id, self.groups.get(key.location_id, ()), channel, now
        )

    def pool_of(self, key: StockKey, channel: str, now: datetime) -> int | None:
        """The number of the pool from which a channel takes units of a key; None: of no pool."""
        pool = self.conditions(key, channel, now).pool
        return None if pool is None else pool.number

    def ceiling(self, kit: StockKey, channel: str, now: datetime) -> int | None:
        """How many of a kit may be sold at most, whatever its components allow; None: any."""
        return 0 if kit in self.off else self.conditions(kit, channel, now).ceiling

    def available(
        self,
        key: StockKey,
        balance: Balance,
        now: datetime,
        *,
        channel: str = "",
        returning: int = 0,
        taken: Taken = nothing_taken,
    ) -> int:
        """Units of a key that a channel may promise; ``returning`` as in ``available``."""
        if key in self.off:
            return 0
        conditions, free = self.conditions(key, channel, now), available(balance, returning)
        return free if conditions is UNCONDITIONAL else conditions.available(free, taken)

    def shown(
        self,
        key: StockKey,
        balance: Balance,
        now: datetime,
        *,
        channel: str = "",
        returning: int = 0,
        taken: Taken = nothing_taken,
    ) -> int:
        """As ``available``, as readers count: promises of what is uncounted do not count."""
        is_uncounted = key in self.uncounted
        return self.available(
            key,
            as_shown(balance, is_uncounted=is_uncounted),
            now,
            channel=channel,
            returning=0 if is_uncounted else returning,
            taken=taken,
        )


def refuse_short(
    ledger: Ledger,
    demand: Mapping[StockKey, int],
    terms: Terms,
    now: datetime,
    *,
    channel: str = "",
    kits: Mapping[StockKey, int] | None = None,
    without_record: bool = True,
) -> None:
    """Refuse demand that is more than what a channel may sell of any key.

    ``kits`` are those that the demand is for: their components are part of the demand, and what is
    said about the kit itself counts besides.

    Raises ``KeyQuarantined``, ``NotStockedHere`` when all that is missing has no record, unless
    ``without_record`` is false, and ``InsufficientStock`` otherwise, with every short key.
    """
    ledger.refuse_quarantined(demand)
    short = {
        key: (wanted, there)
        for key, wanted in demand.items()
        if wanted > (there := sellable(ledger, key, terms, channel, now))
    }
    refused = {
        key: (wanted, ceiling)
        for key, wanted in (kits or {}).items()
        if (ceiling := terms.ceiling(key, channel, now)) is not None and wanted > ceiling
    }
    if refused:
        raise InsufficientStock({**refused, **short})
    if not short:
        return
    if without_record and not any(ledger.has_record(key) for key in short):
        raise NotStockedHere(short)
    # What one unit more does under conditions is not one unit: all overdue holds must go.
    conditional = {key for key in short if terms.conditions(key, channel, now) != UNCONDITIONAL}
    raise InsufficientStock(short, conditional)


def sellable(ledger: Ledger, key: StockKey, terms: Terms, channel: str, now: datetime) -> int:
    """Units of a key that a channel may take while something is decided."""
    return terms.available(
        key,
        ledger.balance(key),
        now,
        channel=channel,
        taken=lambda number: ledger.taken(number, key),
    )
