"""What the service writes into its feed for watchers, and into its events for peers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ordermesh.api.inventory.v1 import BalanceChange, SupplyBroken
from ordermesh.api.inventory.v1 import ReservationExpired as ReservationExpiredMessage
from ordermesh.inventory.domain.item import Item
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Balance
from ordermesh.inventory.domain.location import Location
from ordermesh.inventory.domain.reservation import Line, Reservation
from ordermesh.inventory.wire.items import item_message
from ordermesh.inventory.wire.keys import key_message
from ordermesh.inventory.wire.locations import location_message
from ordermesh.inventory.wire.reservations import line_message


def item_payload(item: Item, create_time: datetime, update_time: datetime) -> bytes:
    """An item as watchers get it, but for its revision."""
    return item_message(
        replace(item, revision=0, create_time=create_time, update_time=update_time)
    ).SerializeToString(deterministic=True)


def location_payload(location: Location, create_time: datetime, update_time: datetime) -> bytes:
    """A location as watchers get it, but for its revision."""
    return location_message(
        replace(location, revision=0, create_time=create_time, update_time=update_time)
    ).SerializeToString(deterministic=True)


def balance_payload(key: StockKey, balance: Balance, available: int) -> bytes:
    """A balance as watchers get it, with the units of it that can be promised."""
    return BalanceChange(
        key=key_message(key),
        on_hand=balance.on_hand,
        reserved=balance.reserved,
        available=available,
        sequence=balance.sequence,
    ).SerializeToString(deterministic=True)


def expired_message(
    reservation: Reservation, lines: Sequence[Line], now: datetime
) -> ReservationExpiredMessage:
    """What the peers are told when lines were not confirmed in time."""
    return ReservationExpiredMessage(
        reservation_id=str(reservation.reservation_id),
        order_id=reservation.order_id,
        lines=[line_message(line, now) for line in lines],
    )


def broken_message(reservation: Reservation, lines: Sequence[Line], now: datetime) -> SupplyBroken:
    """What the peers are told when supplies cannot keep what lines wait for."""
    return SupplyBroken(
        reservation_id=str(reservation.reservation_id),
        order_id=reservation.order_id,
        lines=[line_message(line, now) for line in lines],
    )
