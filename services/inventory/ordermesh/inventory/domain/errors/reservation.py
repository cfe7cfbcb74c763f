"""Reservations that cannot become what is asked."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from ordermesh.inventory.domain.errors.facts import named
from ordermesh.kernel.errors import NotFound, RuleViolated


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


class HoldQuotaExceeded(RuleViolated):
    """A shopper or a caller would have more open holds than it may."""

    reason: ClassVar[str] = "HOLD_QUOTA_EXCEEDED"

    def __init__(
        self, per: str, of: str, limit: int, held: int, wanted: int, sku: str = ""
    ) -> None:
        facts = {"per": per, "of": of, "limit": limit, "held": held, "wanted": wanted}
        super().__init__(
            f"This {per} would hold more {of} than it may.", {**facts, "sku": sku} if sku else facts
        )


class ReservationClosed(RuleViolated):
    """It is closed, or less of a line is open than is wanted. Rows: line id, wanted and open."""

    reason: ClassVar[str] = "RESERVATION_CLOSED"

    def __init__(self, reservation_id: UUID, *lines: tuple[str, int, int]) -> None:
        super().__init__(
            f"Less is open than wanted of {named(line_id for line_id, _, _ in lines)}."
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
