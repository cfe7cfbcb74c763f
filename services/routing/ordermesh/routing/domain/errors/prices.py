"""Prices that are not there."""

from typing import ClassVar

from ordermesh.kernel.errors import NotFound


class PricesNotFound(NotFound):
    """There are no prices of this version; 0: none at all."""

    reason: ClassVar[str] = "PRICES_NOT_FOUND"

    def __init__(self, version: int) -> None:
        sentence = (
            f"There are no prices of version {version}." if version else "There are no prices."
        )
        super().__init__(sentence, {"version": version})
