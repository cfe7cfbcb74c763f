"""What is written into the copy in Redis."""

from ordermesh.api.inventory.v1 import AvailabilityVector, KitComponent, KitComposition
from ordermesh.client.vectors import Vectors


def vector_message(vectors: Vectors, epoch: int, sku: str) -> AvailabilityVector:
    """All balances of an item that were ever told of."""
    row = vectors.rows[sku]
    width = min(len(vectors.location_ids), len(row.sequences))
    columns = [column for column in range(width) if row.sequences[column]]
    return AvailabilityVector(
        epoch=epoch,
        sku=sku,
        location_ids=[vectors.location_ids[column] for column in columns],
        on_hand=[row.on_hand[column] for column in columns],
        reserved=[row.reserved[column] for column in columns],
        available=[row.available[column] for column in columns],
        sequences=[row.sequences[column] for column in columns],
    )


def kit_message(vectors: Vectors, sku: str) -> KitComposition:
    """What a kit is made of."""
    return KitComposition(
        sku=sku,
        components=[
            KitComponent(sku=part, quantity=count) for part, count in vectors.kits.get(sku, ())
        ],
        unsellable=vectors.is_unsellable(sku),
    )
