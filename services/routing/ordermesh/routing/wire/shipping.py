"""What the ledger is told has left."""

from collections.abc import Iterable

from ordermesh.api.inventory.v1 import (
    LineSelection,
    ReservationShipment,
    ShipBulkRequest,
    ShipRequest,
)
from ordermesh.routing.ports.stock import ReservationCall, ShipCall, WantedUnits


def ship_request(call: ReservationCall) -> ShipRequest:
    """Units of one reservation."""
    return ShipRequest(
        request_id=str(call.request_id),
        on_behalf_of=call.on_behalf_of,
        reservation_id=str(call.reservation_id),
        lines=selections(call.units),
        document=call.document,
        fence=call.fence,
    )


def ship_bulk_request(call: ShipCall) -> ShipBulkRequest:
    """Units of many reservations."""
    return ShipBulkRequest(
        request_id=str(call.request_id),
        on_behalf_of=call.on_behalf_of,
        shipments=[
            ReservationShipment(
                reservation_id=str(one.reservation_id),
                lines=selections(one.units),
                fence=call.fence,
            )
            for one in call.reservations
        ],
        document=call.document,
    )


def selections(units: Iterable[WantedUnits]) -> list[LineSelection]:
    """Lines of a reservation, or parts of them."""
    return [
        LineSelection(
            line_id=one.line_id,
            location_id=one.location_id,
            sku=one.sku,
            quantity=one.quantity,
        )
        for one in units
    ]
