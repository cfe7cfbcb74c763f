"""Why the inventory service refuses: one class for each published reason that it raises itself.

Where several rows are wrong, all of them are named, not only the first.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from ordermesh.inventory.domain.key import StockKey
from ordermesh.kernel.errors import Conflict, Facts, InvalidRequest, NotFound, RuleViolated


def _place(key: StockKey) -> Facts:
    return {"sku": key.sku, "locationId": key.location_id}


def _names(names: Iterable[object]) -> str:
    shown = [str(name) for name in names]
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "")


class UnknownSku(NotFound):
    """No item has one of these SKUs."""

    reason: ClassVar[str] = "UNKNOWN_SKU"

    def __init__(self, skus: Iterable[str]) -> None:
        names = sorted(set(skus))
        super().__init__(f"No item is called {_names(names)}.", *({"sku": sku} for sku in names))


class UnknownLocation(NotFound):
    """No location has one of these ids."""

    reason: ClassVar[str] = "UNKNOWN_LOCATION"

    def __init__(self, location_ids: Iterable[str]) -> None:
        names = sorted(set(location_ids))
        super().__init__(
            f"No location is called {_names(names)}.", *({"locationId": name} for name in names)
        )


class DuplicateEntry(InvalidRequest):
    """The request names the same thing twice where it must be named once."""

    reason: ClassVar[str] = "DUPLICATE_ENTRY"

    def __init__(self, field: str, value: object) -> None:
        super().__init__(f"{field} names {value} twice.", {"field": field, "value": value})


class KitInKit(InvalidRequest):
    """A component of a kit is a kit."""

    reason: ClassVar[str] = "KIT_IN_KIT"

    def __init__(self, sku: str, component_sku: str) -> None:
        super().__init__(
            f"Component {component_sku} of kit {sku} is a kit itself.",
            {"sku": sku, "componentSku": component_sku},
        )


class UnitChanged(RuleViolated):
    """The unit of an item never changes."""

    reason: ClassVar[str] = "UNIT_CHANGED"

    def __init__(self, sku: str, unit: str, wanted: str) -> None:
        super().__init__(
            f"{sku} is counted in {unit} for ever.", {"sku": sku, "unit": unit, "wanted": wanted}
        )


class KitWithStock(RuleViolated):
    """An item that has stock cannot become a kit."""

    reason: ClassVar[str] = "KIT_WITH_STOCK"

    def __init__(self, sku: str) -> None:
        super().__init__(f"{sku} has stock and cannot become a kit.", {"sku": sku})


class KitHasNoStock(InvalidRequest):
    """Stock of a kit is kept by its components."""

    reason: ClassVar[str] = "KIT_HAS_NO_STOCK"

    def __init__(self, skus: Iterable[str]) -> None:
        names = sorted(set(skus))
        super().__init__(
            f"Stock is kept by component for {_names(names)}.", *({"sku": sku} for sku in names)
        )


class InvalidTimeZone(InvalidRequest):
    """The IANA database has no such time zone."""

    reason: ClassVar[str] = "INVALID_TIME_ZONE"

    def __init__(self, location_id: str, time_zone: str) -> None:
        super().__init__(
            f"Location {location_id} has no known time zone.",
            {"locationId": location_id, "timeZone": time_zone},
        )


class InvalidPosition(InvalidRequest):
    """Latitude or longitude is out of range."""

    reason: ClassVar[str] = "INVALID_POSITION"

    def __init__(self, location_id: str) -> None:
        super().__init__(
            f"The position of location {location_id} is not on Earth.",
            {"locationId": location_id},
        )


class LotUnsupported(InvalidRequest):
    """Balances are not kept by lot."""

    reason: ClassVar[str] = "LOT_UNSUPPORTED"

    def __init__(self, key: StockKey, lot_id: str) -> None:
        super().__init__("Balances are not kept by lot.", {**_place(key), "lotId": lot_id})


class QuantityTooLarge(InvalidRequest):
    """A balance would exceed 10^12 units."""

    reason: ClassVar[str] = "QUANTITY_TOO_LARGE"

    def __init__(self, key: StockKey) -> None:
        super().__init__(f"More of {key} than a balance can hold.", _place(key))


class CuredByExpiry(RuleViolated):
    """A refusal that overdue holds may be the cause of: they are expired and it is decided again.

    ``missing`` says how many units more each key would need.
    """

    reason: ClassVar[str]

    def __init__(self, sentence: str, missing: Mapping[StockKey, int], *rows: Facts) -> None:
        super().__init__(sentence, *rows)
        self.missing = missing


class OnHandBelowReserved(CuredByExpiry):
    """Less would be on hand than is promised. Rows: on hand, reserved and the number wanted."""

    reason: ClassVar[str] = "ON_HAND_BELOW_RESERVED"

    def __init__(self, rows: Mapping[StockKey, tuple[int, int, int]]) -> None:
        super().__init__(
            f"More is promised than would be on hand of {_names(rows)}.",
            {key: reserved - wanted for key, (_, reserved, wanted) in rows.items()},
            *(
                {**_place(key), "onHand": on_hand, "reserved": reserved, "wanted": wanted}
                for key, (on_hand, reserved, wanted) in rows.items()
            ),
        )


class OnHandChanged(Conflict):
    """Another number is on hand than the caller believed. Rows: on hand and what was expected."""

    reason: ClassVar[str] = "ON_HAND_CHANGED"

    def __init__(self, rows: Mapping[StockKey, tuple[int, int]]) -> None:
        super().__init__(
            f"Another number is on hand of {_names(rows)}.",
            *(
                {**_place(key), "onHand": on_hand, "expectedOnHand": expected}
                for key, (on_hand, expected) in rows.items()
            ),
        )


class NotStockedHere(RuleViolated):
    """The location has no stock record of the item."""

    reason: ClassVar[str] = "NOT_STOCKED_HERE"

    def __init__(self, keys: Iterable[StockKey]) -> None:
        named = list(keys)
        super().__init__(f"There is no record of {_names(named)}.", *(_place(key) for key in named))


class InsufficientStock(CuredByExpiry):
    """Less is available than is wanted. Rows: every short key, wanted and available."""

    reason: ClassVar[str] = "INSUFFICIENT_STOCK"

    def __init__(self, rows: Mapping[StockKey, tuple[int, int]]) -> None:
        super().__init__(
            f"Less is available than wanted of {_names(rows)}.",
            {key: wanted - available for key, (wanted, available) in rows.items()},
            *(
                {**_place(key), "wanted": wanted, "available": available}
                for key, (wanted, available) in rows.items()
            ),
        )


class InsufficientBlocked(RuleViolated):
    """Fewer units are blocked than are to be disposed of. Rows: every such key."""

    reason: ClassVar[str] = "INSUFFICIENT_BLOCKED"

    def __init__(self, rows: Mapping[StockKey, tuple[int, int]]) -> None:
        super().__init__(
            f"Fewer units are blocked than wanted of {_names(rows)}.",
            *(
                {**_place(key), "wanted": wanted, "blocked": blocked}
                for key, (wanted, blocked) in rows.items()
            ),
        )


class SameLocation(InvalidRequest):
    """From and to are the same."""

    reason: ClassVar[str] = "SAME_LOCATION"

    def __init__(self, key: StockKey) -> None:
        super().__init__(f"{key} is where it would go.", _place(key))


class ReservationNotFound(NotFound):
    """No reservation has this id."""

    reason: ClassVar[str] = "RESERVATION_NOT_FOUND"

    def __init__(self, reservation_id: UUID) -> None:
        super().__init__("No reservation has this id.", {"reservationId": reservation_id})


class ReservationIdTaken(RuleViolated):
    """Another reservation has this id."""

    reason: ClassVar[str] = "RESERVATION_ID_TAKEN"

    def __init__(self, reservation_id: UUID) -> None:
        super().__init__("Another reservation has this id.", {"reservationId": reservation_id})


class ReservationReleased(RuleViolated):
    """It was released before it was made."""

    reason: ClassVar[str] = "RESERVATION_RELEASED"

    def __init__(self, reservation_id: UUID) -> None:
        super().__init__(
            "The reservation was released before it was made.", {"reservationId": reservation_id}
        )


class ReservationExpired(RuleViolated):
    """A line of it was not confirmed in time."""

    reason: ClassVar[str] = "RESERVATION_EXPIRED"

    def __init__(self, reservation_id: UUID, expire_time: datetime) -> None:
        super().__init__(
            "The reservation was not confirmed in time.",
            {"reservationId": reservation_id, "expireTime": expire_time.isoformat()},
        )


class HoldLimit(RuleViolated):
    """The hold would last longer than it may in all."""

    reason: ClassVar[str] = "HOLD_LIMIT"

    def __init__(self, reservation_id: UUID, latest: datetime) -> None:
        super().__init__(
            "The hold may not last that long.",
            {"reservationId": reservation_id, "latestExpireTime": latest.isoformat()},
        )


class ReservationClosed(RuleViolated):
    """It is closed, or less of a line is open than is wanted. Rows: line id, wanted and open."""

    reason: ClassVar[str] = "RESERVATION_CLOSED"

    def __init__(self, reservation_id: UUID, *lines: tuple[str, int, int]) -> None:
        super().__init__(
            f"Less is open than wanted of {_names(line_id for line_id, _, _ in lines)}."
            if lines
            else "The reservation is closed.",
            *(
                {
                    "reservationId": reservation_id,
                    "lineId": line_id,
                    "wanted": wanted,
                    "open": still_open,
                }
                for line_id, wanted, still_open in lines
            )
            if lines
            else ({"reservationId": reservation_id},),
        )


class ReservationNotConfirmed(RuleViolated):
    """Only confirmed lines can be shipped."""

    reason: ClassVar[str] = "RESERVATION_NOT_CONFIRMED"

    def __init__(self, reservation_id: UUID, line_id: str) -> None:
        super().__init__(
            f"Line {line_id} is not confirmed.",
            {"reservationId": reservation_id, "lineId": line_id},
        )


class NotYourReservation(RuleViolated):
    """It belongs to somebody else."""

    reason: ClassVar[str] = "NOT_YOUR_RESERVATION"

    def __init__(self, reservation_id: UUID) -> None:
        super().__init__(
            "The reservation belongs to somebody else.", {"reservationId": reservation_id}
        )


class LineNotFound(NotFound):
    """The reservation has no such line."""

    reason: ClassVar[str] = "LINE_NOT_FOUND"

    def __init__(self, reservation_id: UUID, line_id: str) -> None:
        super().__init__(
            f"The reservation has no such line as {line_id}.",
            {"reservationId": reservation_id, "lineId": line_id},
        )


class Fenced(RuleViolated):
    """A later worker has taken over."""

    reason: ClassVar[str] = "FENCED"

    def __init__(self, reservation_id: UUID, fence: int, highest_fence: int) -> None:
        super().__init__(
            "A later worker has taken over.",
            {"reservationId": reservation_id, "fence": fence, "highestFence": highest_fence},
        )


class ShortOfStock(RuleViolated):
    """The promised unit is not on hand. Rows: wanted and on hand."""

    reason: ClassVar[str] = "SHORT_OF_STOCK"

    def __init__(self, rows: Mapping[StockKey, tuple[int, int]]) -> None:
        super().__init__(
            f"Less is on hand than is to leave of {_names(rows)}.",
            *(
                {**_place(key), "wanted": wanted, "onHand": on_hand}
                for key, (wanted, on_hand) in rows.items()
            ),
        )


class TooMuchAsked(InvalidRequest):
    """A list needs at least one filter, or the request names too many pairs or lines."""

    reason: ClassVar[str] = "TOO_MUCH_ASKED"

    def __init__(self, sentence: str, limit: int) -> None:
        super().__init__(sentence, {"limit": limit})
