"""Reads the copy from Redis for callers that do not need the newest, and never waits for long."""

from collections.abc import Mapping, Sequence

from ordermesh.api.inventory.v1 import AvailabilityVector
from ordermesh.client.copies import CopyAway, Head, StockCopy
from ordermesh.kernel.clock import Clock

ANSWER_SECONDS = 0.1
"""The ledger itself answers in about this time: to wait longer for a copy would be pointless."""

REST_SECONDS, REST_SECONDS_MAX = 1.0, 15.0
"""How long Redis is left alone after it did not answer, and after it did not again and again."""


class RedisCopyReader:
    """Reads the copy; ``url`` is ``redis://`` or ``rediss://``."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._copy = StockCopy(url, seconds=ANSWER_SECONDS)
        self._clock = clock
        self._rest = REST_SECONDS
        self._resting_until = float("-inf")

    async def read(
        self, skus: Sequence[str]
    ) -> tuple[Head, Mapping[str, AvailabilityVector]] | None:
        """The vectors of all these items; None when one is missing, or Redis does not answer."""
        if self._clock.monotonic() < self._resting_until:
            return None
        try:
            head, found = await self._copy.vectors(skus)
        except CopyAway:
            self._resting_until = self._clock.monotonic() + self._rest
            self._rest = min(REST_SECONDS_MAX, 2 * self._rest)
            return None
        self._rest = REST_SECONDS
        sound = {sku: vector for sku, vector in found.items() if vector is not None}
        return (head, sound) if len(sound) == len(found) else None

    async def close(self) -> None:
        """Close the connections."""
        await self._copy.close()
