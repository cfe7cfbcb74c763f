"""Shortfalls and their requests."""

from ordermesh.api.inventory.v1 import ListShortfallsRequest
from ordermesh.api.inventory.v1 import Shortfall as ShortfallMessage
from ordermesh.inventory.domain.shortfall import Shortfall
from ordermesh.inventory.ports.shortfalls import ShortfallFilter
from ordermesh.inventory.wire.keys import key_message, timestamp


def shortfall_filter(request: ListShortfallsRequest) -> ShortfallFilter:
    """Which shortfalls are wanted."""
    return ShortfallFilter(
        request.sku, request.location_id, request.order_id, request.include_closed
    )


def shortfall_message(one: Shortfall) -> ShortfallMessage:
    """To the contract."""
    return ShortfallMessage(
        shortfall_id=str(one.shortfall_id),
        key=key_message(one.key),
        reservation_id=str(one.reservation_id),
        order_id=one.order_id,
        line_ids=one.line_ids,
        quantity=one.quantity,
        open_quantity=one.open_quantity,
        movement_id=str(one.movement_id),
        open_time=timestamp(one.open_time),
        close_time=timestamp(one.close_time),
    )
