"""Checkout reservations that cannot be taken over."""

from typing import ClassVar

from ordermesh.kernel.errors import NotFound, RuleViolated


class ReservationNotFound(NotFound):
    """The ledger has no such checkout reservation."""

    reason: ClassVar[str] = "RESERVATION_NOT_FOUND"

    def __init__(self, reservation_id: str) -> None:
        super().__init__("There is no such reservation.", {"reservationId": reservation_id})


class NotYourReservation(RuleViolated):
    """The checkout reservation belongs to somebody else."""

    reason: ClassVar[str] = "NOT_YOUR_RESERVATION"

    def __init__(self, reservation_id: str) -> None:
        super().__init__(
            "The reservation belongs to somebody else.", {"reservationId": reservation_id}
        )


class ReservationClosed(RuleViolated):
    """The checkout reservation is closed."""

    reason: ClassVar[str] = "RESERVATION_CLOSED"

    def __init__(self, reservation_id: str) -> None:
        super().__init__("The reservation is closed.", {"reservationId": reservation_id})


class Fenced(RuleViolated):
    """A worker with a higher fence than the order's works on the checkout reservation."""

    reason: ClassVar[str] = "FENCED"

    def __init__(self, reservation_id: str) -> None:
        super().__init__(
            "Another worker has the reservation of this order, by its higher fence. Hold the cart"
            " without an order, or without a fence.",
            {"reservationId": reservation_id},
        )
