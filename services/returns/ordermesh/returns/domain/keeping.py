"""As what the ledger keeps units apart, and from which of these a later decision takes."""

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum

from ordermesh.returns.domain.order_return import (
    Disposal,
    DisposedUnits,
    Disposition,
    ReceivedUnits,
    Return,
)
from ordermesh.returns.domain.receiving import SOUND


class Kept(StrEnum):
    """As what units are kept apart: a sound one only has to be looked at."""

    INSPECTION = "INSPECTION"
    DAMAGED = "DAMAGED"


_Place = tuple[str, str, str]
"""An order line, an item and a location."""


def kept_as(part: ReceivedUnits) -> Kept | None:
    """As what the ledger keeps units that arrived; None where it does not keep them apart."""
    if part.disposition is not Disposition.BLOCK:
        return None
    return Kept.INSPECTION if part.grade in SOUND else Kept.DAMAGED


def taken_from(one: Return, disposal: Disposal) -> list[tuple[DisposedUnits, Kept, int]]:
    """The units that a later decision is about, as what they are kept, and how many of them.

    Sound units are sold again first, damaged ones discarded first. It is the same for one decision
    whatever arrives or is decided after it, so that telling the ledger twice is telling it once.
    """
    left = _kept_before(one, disposal)
    for earlier in one.disposals:
        if earlier.number < disposal.number:
            for part in earlier.units:
                for _ in _take(left, part):
                    pass
    return [(part, kept, units) for part in disposal.units for kept, units in _take(left, part)]


def _kept_before(one: Return, disposal: Disposal) -> Counter[tuple[_Place, Kept]]:
    """What had been kept apart when it was decided, by place and kind."""
    left: Counter[tuple[_Place, Kept]] = Counter()
    for receipt in one.receipts:
        if receipt.receive_time <= disposal.dispose_time:
            for part in receipt.units:
                kept = kept_as(part)
                if kept is not None:
                    place = (part.line_id, part.sku, receipt.location_id)
                    left[place, kept] += part.quantity
    return left


def _take(left: Counter[tuple[_Place, Kept]], part: DisposedUnits) -> Iterator[tuple[Kept, int]]:
    place, rest = (part.line_id, part.sku, part.location_id), part.quantity
    is_sold = part.disposition is Disposition.RESTOCK
    for kept in sorted(Kept, key=lambda kept: (kept is Kept.INSPECTION) is not is_sold):
        units = min(rest, left[place, kept])
        if units:
            left[place, kept] -= units
            rest -= units
            yield kept, units
