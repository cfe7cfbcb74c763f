"""What can be promised, answered from the copy, for callers that do not need the newest."""

from collections.abc import Sequence
from datetime import timedelta

from ordermesh.inventory.ports.copies import CopyReader
from ordermesh.inventory.queries.availability import Availability, refuse_too_many, row_sums


async def copied_availability(
    copies: CopyReader,
    skus: Sequence[str],
    location_ids: Sequence[str],
    max_age: timedelta,
    pairs_max: int,
    control_version: int,
) -> Availability | None:
    """As the ledger would have answered; None when the copy is too old or lacks something.

    It is asked only while no controls are in force, as of ``control_version``. It lacks kits, and
    items and locations without a balance, which the ledger may know or refuse.
    Raises ``TooMuchAsked``.
    """
    refuse_too_many(skus, location_ids, pairs_max)
    read = await copies.read(skus)
    if read is None:
        return None
    head, vectors = read
    if head.age_seconds > max_age.total_seconds():
        return None
    stocked = {
        location_id
        for vector in vectors.values()
        for location_id, on_hand in zip(vector.location_ids, vector.on_hand, strict=True)
        if on_hand
    }
    known = {location_id for vector in vectors.values() for location_id in vector.location_ids}
    columns = list(location_ids) or sorted(stocked)
    if not known.issuperset(columns):
        return None
    refuse_too_many(skus, columns, pairs_max)
    available, on_hand, reserved = ([0] * (len(skus) * len(columns)) for _ in range(3))
    places = {location_id: column for column, location_id in enumerate(columns)}
    for row, sku in enumerate(skus):
        vector = vectors[sku]
        for number, location_id in enumerate(vector.location_ids):
            column = places.get(location_id)
            if column is not None:
                place = row * len(columns) + column
                available[place] = vector.available[number]
                on_hand[place] = vector.on_hand[number]
                reserved[place] = vector.reserved[number]
    return Availability(
        columns,
        available,
        on_hand,
        reserved,
        row_sums(available, len(skus)),
        free=available,
        held_back=[0] * len(available),
        control_version=control_version,
        revision=head.revision,
        read_time=head.copy_time,
        age=timedelta(seconds=head.age_seconds),
    )
