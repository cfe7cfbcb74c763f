"""What can be promised: matrices, packed balances and compositions of kits."""

import sys
from array import array
from collections.abc import Iterable, Sequence

from ordermesh.api.inventory.v1 import (
    BalanceChange,
    FixedStock,
    KitComponent,
    KitComposition,
    PackedBalances,
)
from ordermesh.api.inventory.v1 import Item as ItemMessage
from ordermesh.inventory.domain.item import Item
from ordermesh.inventory.ports.ledger import ToldBalance
from ordermesh.inventory.wire.keys import key_message


def fixed_stock(
    available: Sequence[int], on_hand: Sequence[int], reserved: Sequence[int]
) -> FixedStock:
    """Quantities in eight bytes each."""
    return FixedStock(
        available=_bytes(available), on_hand=_bytes(on_hand), reserved=_bytes(reserved)
    )


def _bytes(quantities: Sequence[int]) -> bytes:
    written = array("q", quantities)
    if sys.byteorder == "big":
        written.byteswap()
    return written.tobytes()


def told_message(told: ToldBalance) -> BalanceChange:
    """A balance of a snapshot, as a change would tell it."""
    return BalanceChange(
        key=key_message(told.key),
        on_hand=told.balance.on_hand,
        reserved=told.balance.reserved,
        available=told.available,
        sequence=told.balance.sequence,
    )


def packed(changes: Iterable[BalanceChange]) -> PackedBalances:
    """Changes with each name once, in their order."""
    rows = [
        (one.key.sku, one.key.location_id, one.on_hand, one.reserved, one.available, one.sequence)
        for one in changes
    ]
    return _packed(rows)


def packed_told(told: Iterable[ToldBalance]) -> PackedBalances:
    """Balances of a snapshot with each name once."""
    return _packed(
        [
            (
                *one.key,
                one.balance.on_hand,
                one.balance.reserved,
                one.available,
                one.balance.sequence,
            )
            for one in told
        ]
    )


def _packed(rows: Sequence[tuple[str, str, int, int, int, int]]) -> PackedBalances:
    if not rows:
        return PackedBalances()
    skus, places, on_hand, reserved, available, sequences = zip(*rows, strict=True)
    sku_numbers = {sku: number for number, sku in enumerate(dict.fromkeys(skus))}
    place_numbers = {place: number for number, place in enumerate(dict.fromkeys(places))}
    return PackedBalances(
        skus=sku_numbers,
        location_ids=place_numbers,
        sku_numbers=[sku_numbers[sku] for sku in skus],
        location_numbers=[place_numbers[place] for place in places],
        on_hand=on_hand,
        reserved=reserved,
        available=available,
        sequences=sequences,
    )


def composition_message(item: Item) -> KitComposition:
    """What a kit is made of; of another item, that it is none."""
    parts = item.kit.components if item.kit else ()
    return KitComposition(
        sku=item.sku,
        components=[KitComponent(sku=part.sku, quantity=part.quantity) for part in parts],
        unsellable=item.is_unsellable,
    )


def composition_of(payload: bytes) -> KitComposition:
    """The same, of an item as the feed holds it."""
    item = ItemMessage.FromString(payload)
    return KitComposition(sku=item.sku, components=item.kit.components, unsellable=item.unsellable)
