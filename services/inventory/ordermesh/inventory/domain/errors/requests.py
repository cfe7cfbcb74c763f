"""Requests that make no sense, whatever the stock is."""

from typing import ClassVar

from ordermesh.inventory.domain.errors.facts import place
from ordermesh.inventory.domain.key import StockKey
from ordermesh.kernel.errors import InvalidRequest


class DuplicateEntry(InvalidRequest):
    """The request names the same thing twice where it must be named once."""

    reason: ClassVar[str] = "DUPLICATE_ENTRY"

    def __init__(self, field: str, value: object) -> None:
        super().__init__(f"{field} names {value} twice.", {"field": field, "value": value})


class LotUnsupported(InvalidRequest):
    """Balances are not kept by lot."""

    reason: ClassVar[str] = "LOT_UNSUPPORTED"

    def __init__(self, key: StockKey, lot_id: str) -> None:
        super().__init__("Balances are not kept by lot.", {**place(key), "lotId": lot_id})


class TooManySerialNumbers(InvalidRequest):
    """More serial numbers than units."""

    reason: ClassVar[str] = "TOO_MANY_SERIAL_NUMBERS"

    def __init__(self, line_id: str, serial_numbers: int, units: int) -> None:
        super().__init__(
            f"Line {line_id} has more serial numbers than units.",
            {"lineId": line_id, "serialNumbers": serial_numbers, "units": units},
        )


class QuantityTooLarge(InvalidRequest):
    """A balance would exceed 10^12 units."""

    reason: ClassVar[str] = "QUANTITY_TOO_LARGE"

    def __init__(self, key: StockKey) -> None:
        super().__init__(f"More of {key} than a balance can hold.", place(key))


class SameLocation(InvalidRequest):
    """From and to are the same."""

    reason: ClassVar[str] = "SAME_LOCATION"

    def __init__(self, key: StockKey) -> None:
        super().__init__(f"{key} is where it would go.", place(key))


class TooMuchAsked(InvalidRequest):
    """A list needs at least one filter, or the request names too many pairs or lines."""

    reason: ClassVar[str] = "TOO_MUCH_ASKED"

    def __init__(self, sentence: str, limit: int) -> None:
        super().__init__(sentence, {"limit": limit})
