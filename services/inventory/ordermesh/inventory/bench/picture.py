"""Availability as a reader in the same process answers it: read from its copy, and encoded."""

import random
import time

from ordermesh.api.inventory.v1 import GetAvailabilityResponse, PackedBalances
from ordermesh.client.vectors import Vectors

ITEMS, LOCATIONS = 100, 210
KNOWN = 2_000
"""Items that the reader knows: it is asked about a part of them."""

ROUNDS = 50


def availability_milliseconds(seed: int = 1) -> float:
    """The median time in which one answer is read and encoded."""
    draw = random.Random(seed)  # noqa: S311 - repeatable
    skus = [f"SKU-{number:05}" for number in range(KNOWN)]
    places = [f"STORE-{number:03}" for number in range(LOCATIONS)]
    vectors = Vectors()
    cells = KNOWN * LOCATIONS
    units = [draw.randint(0, 500) for _ in range(cells)]
    vectors.apply(
        PackedBalances(
            skus=skus,
            location_ids=places,
            sku_numbers=[cell // LOCATIONS for cell in range(cells)],
            location_numbers=[cell % LOCATIONS for cell in range(cells)],
            on_hand=units,
            reserved=[0] * cells,
            available=units,
            sequences=[1] * cells,
        )
    )
    times: list[float] = []
    for _ in range(ROUNDS):
        asked = draw.sample(skus, ITEMS)
        started = time.perf_counter()
        answer = GetAvailabilityResponse(fixed=vectors.fixed(asked, places))
        answer.available.skus.extend(asked)
        answer.available.location_ids.extend(places)
        answer.SerializeToString()
        times.append(time.perf_counter() - started)
    return sorted(times)[ROUNDS // 2] * 1_000
