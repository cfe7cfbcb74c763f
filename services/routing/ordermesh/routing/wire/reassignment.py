"""What the ledger is asked to hold elsewhere."""

from ordermesh.api.inventory.v1 import (
    LineReassignment,
    LineSelection,
    ReassignBulkRequest,
    ReservationReassignment,
)
from ordermesh.routing.domain.reoptimizing.moving import LedgerMove
from ordermesh.routing.ports.stock import ReassignCall


def reassign_request(call: ReassignCall) -> ReassignBulkRequest:
    """The request, on behalf of nobody: routing acts for whoever the reservations belong to."""
    return ReassignBulkRequest(
        request_id=str(call.request_id),
        reassignments=[
            ReservationReassignment(
                reservation_id=str(one.reservation_id),
                lines=[_line(move) for move in one.moves],
                fence=one.fence,
            )
            for one in call.reservations
        ],
    )


def _line(move: LedgerMove) -> LineReassignment:
    return LineReassignment(
        line=LineSelection(
            line_id=move.line_id,
            location_id=move.from_location_id,
            sku=move.sku,
            quantity=move.quantity,
        ),
        to_location_id=move.to_location_id,
    )
