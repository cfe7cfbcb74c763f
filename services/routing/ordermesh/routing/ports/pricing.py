"""Who finds prices for what will come: it works elsewhere."""

from typing import Protocol

from ordermesh.routing.domain.foresight.ahead import Ahead, Priced


class Pricing(Protocol):
    """Prices stock and labor over drawn futures."""

    async def __call__(self, ahead: Ahead, seed: int, seconds: float) -> Priced:
        """The best prices found within so many seconds. Raises ``Unavailable``."""
        ...
