"""Which rows from outside cannot be right, whatever the stock is."""

from collections.abc import Collection
from datetime import datetime

from ordermesh.inventory.domain.stock_feed import (
    BY_PICTURE,
    DeltaKind,
    Misfit,
    Picture,
    PictureRow,
    Row,
    Trouble,
)
from ordermesh.inventory.domain.stock_source import SourceState, StockSource

ID_LENGTH_MAX = 128


def misshapen(row: Row) -> Misfit | None:
    """What is wrong with a row by itself."""
    for name, value in (("sku", row.key.sku), ("location_id", row.key.location_id)):
        if not 0 < len(value) <= ID_LENGTH_MAX or not value.isprintable():
            return Misfit(Trouble.MALFORMED, {"field": name})
    if isinstance(row, PictureRow):
        if row.on_hand < 0:
            return Misfit(Trouble.NEGATIVE, {"wanted": str(row.on_hand)})
        return None
    if row.kind is DeltaKind.UNSPECIFIED:
        return Misfit(Trouble.MALFORMED, {"field": "kind"})
    if row.quantity == 0 or (row.quantity < 0 and row.kind is not DeltaKind.ADJUSTMENT):
        return Misfit(Trouble.MALFORMED, {"field": "quantity"})
    if row.kind is DeltaKind.ADJUSTMENT and row.reason in BY_PICTURE:
        return Misfit(Trouble.MALFORMED, {"field": "reason"})
    return None


def misdated(picture: Picture, now: datetime) -> Misfit | None:
    """What is wrong with the time of a picture."""
    if picture.taken is None or not picture.is_in_future(now):
        return None
    facts = {"pictureTime": picture.taken.isoformat(), "now": now.isoformat()}
    return Misfit(Trouble.IN_FUTURE, facts)


def misnumbered(picture: Picture, state: SourceState) -> Misfit | None:
    """What is wrong with the watermark of a picture."""
    if not state.is_far_behind(picture.watermark):
        return None
    facts = {
        "watermark": str(picture.watermark),
        "appliedSequence": str(state.numbers.applied),
        "limit": str(state.source.ahead_max),
    }
    return Misfit(Trouble.TOO_FAR_AHEAD, facts)


def misplaced(
    row: Row,
    source: StockSource,
    skus: Collection[str],
    location_ids: Collection[str],
    kits: Collection[str],
) -> Misfit | None:
    """What is wrong with a row's key: the names that exist are ``skus`` and ``location_ids``."""
    if row.key.location_id not in location_ids:
        return Misfit(Trouble.UNKNOWN_LOCATION)
    if row.key.location_id not in source.own_locations:
        return Misfit(Trouble.FOREIGN_LOCATION)
    if row.key.sku not in skus:
        return Misfit(Trouble.UNKNOWN_SKU)
    if row.key.sku in kits:
        return Misfit(Trouble.KIT)
    return None
