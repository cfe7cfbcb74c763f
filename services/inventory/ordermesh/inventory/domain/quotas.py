"""Quotas on open holds, so that nobody keeps stock from others by holding it and never buying.

Only holds count that can still expire: what is confirmed is bought, and has limits of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ordermesh.inventory.domain.errors.reservation import HoldQuotaExceeded
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.reservation import Line, LineState, Reservation


@dataclass(frozen=True)
class HoldQuotas:
    """How much may be held at once; 0: any number.

    ``customer_reservations`` and ``customer_units``, of each SKU, are for one shopper, by the key
    that the caller passes. ``caller_reservations`` is for one caller from outside.
    """

    customer_reservations: int = 0
    customer_units: int = 0
    caller_reservations: int = 0

    def concern(self, customer: str, *, is_limited: bool) -> bool:
        """Whether what a shopper or a caller holds already must be known."""
        return bool(
            (is_limited and self.caller_reservations) or (customer and self.concern_customers)
        )

    @property
    def concern_customers(self) -> bool:
        """Whether shoppers have a quota."""
        return bool(self.customer_reservations or self.customer_units)


NO_QUOTAS = HoldQuotas()
"""Anybody may hold any number."""


@dataclass(frozen=True)
class Hold:
    """Units of one SKU that a reservation holds for a shopper."""

    reservation_id: UUID
    customer: str
    sku: str
    units: int


class OpenHolds:
    """The open holds of shoppers and callers, while one wish after the other is decided.

    ``caller_counts`` is how many reservations each caller holds.
    """

    def __init__(
        self, quotas: HoldQuotas, holds: Iterable[Hold], caller_counts: Mapping[str, int]
    ) -> None:
        self._quotas = quotas
        self._is_counted = quotas != NO_QUOTAS
        self._by_customer: dict[str, list[Hold]] = {}
        for hold in holds:
            self._by_customer.setdefault(hold.customer, []).append(hold)
        self._caller_counts = dict(caller_counts)

    def refuse_over_quota(
        self,
        made: Reservation,
        replaced: Sequence[Reservation],
        now: datetime,
        *,
        is_limited: bool,
    ) -> None:
        """Raise ``HoldQuotaExceeded`` when a shopper or a caller would hold more than it may.

        What the new reservation takes over does not count twice: ``replaced`` are as they were
        before, and only those that were open holds of its caller make room for it. Only a caller
        that ``is_limited`` has a quota.
        """
        wanted = _held_units(made) if self._is_counted else None
        if not wanted:
            return
        quotas = self._quotas
        if is_limited:
            taken_over = [one for one in replaced if one.owner == made.owner and _is_hold(one, now)]
            held = self._caller_counts.get(made.owner, 0) - len(taken_over)
            _refuse("caller", "reservations", quotas.caller_reservations, held, 1)
        if not made.customer:
            return
        gone = {one.reservation_id for one in replaced}
        known = self._by_customer.get(made.customer, ())
        mine = [hold for hold in known if hold.reservation_id not in gone]
        count = len({hold.reservation_id for hold in mine})
        _refuse("customer", "reservations", quotas.customer_reservations, count, 1)
        for sku, units in wanted.items():
            held = sum(hold.units for hold in mine if hold.sku == sku)
            _refuse("customer", "units", quotas.customer_units, held, units, sku)

    def note(self, made: Reservation, replaced: Sequence[Reservation], now: datetime) -> None:
        """Somebody holds something, and let go of something else, which is as it was before."""
        if not self._is_counted:
            return
        for one in replaced:
            if _is_hold(one, now):
                self._caller_counts[one.owner] = self._caller_counts.get(one.owner, 0) - 1
            kept = self._by_customer.get(one.customer, ())
            self._by_customer[one.customer] = [
                hold for hold in kept if hold.reservation_id != one.reservation_id
            ]
        units = _held_units(made)
        if units:
            self._caller_counts[made.owner] = self._caller_counts.get(made.owner, 0) + 1
        if made.customer:
            self._by_customer.setdefault(made.customer, []).extend(
                Hold(made.reservation_id, made.customer, sku, count) for sku, count in units.items()
            )


def _held_units(reservation: Reservation) -> dict[str, int]:
    """Units that are held until a time, by SKU: on hand, or of goods that are still to come."""
    units: dict[str, int] = {}
    for line in reservation.lines:
        if _is_held(line):
            units[line.key.sku] = units.get(line.key.sku, 0) + line.quantity
    return units


def _is_hold(reservation: Reservation, now: datetime) -> bool:
    """Whether a stored reservation was counted: something of it is held, and not overdue."""
    return any(_is_held(line) and not line.is_overdue(now) for line in reservation.lines)


def _is_held(line: Line) -> bool:
    return line.state is LineState.HELD and line.mode is ReservationMode.RESERVE


def _refuse(per: str, of: str, limit: int, held: int, wanted: int, sku: str = "") -> None:
    if limit and held + wanted > limit:
        raise HoldQuotaExceeded(per, of, limit, held, wanted, sku)
