"""Short calls about what is promised: reservations, from the wish to the shipment."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

from google.protobuf.duration_pb2 import Duration

from ordermesh.api.inventory.v1 import (
    ConfirmRequest,
    ExtendRequest,
    GetReservationRequest,
    LineReassignment,
    LineSelection,
    ListReservationsRequest,
    ReassignBulkRequest,
    ReassignRequest,
    ReleaseRequest,
    ReleaseResponse,
    Reservation,
    ReservationReassignment,
    ReservationShipment,
    ReserveLine,
    ReserveRequest,
    ReserveResponse,
    ShipBulkRequest,
    ShipBulkResponse,
    ShipRequest,
    ShipResponse,
    ShortOutcome,
    ShortRequest,
    ShortResponse,
)
from ordermesh.inventory.servicer.reservations import ReservationServicer
from ordermesh.inventory.servicer.wiring import Wiring
from tests.inventory.caller import NO_CONTEXT, Caller
from tests.inventory.messages import (
    Wanted,
    new_id,
    reserve_lines,
)


class Checkout(Caller):
    """Short calls to the servicer of reservations."""

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self.reservations = ReservationServicer(wiring)

    async def reserve(
        self,
        wanted: Wanted,
        *,
        reservation_id: str = "",
        order_id: str = "",
        hold_seconds: int = 0,
        confirm: bool = False,
        replaces: Iterable[str] = (),
        fence: int = 0,
        caller: str = "developer",
        role: str = "operator",
        on_behalf_of: str = "",
        request_id: str = "",
        channel: str = "",
        customer: str = "",
    ) -> Reservation:
        request = self.wish(
            wanted,
            reservation_id=reservation_id,
            channel=channel,
            customer=customer,
            order_id=order_id,
            confirm=confirm,
            replaces_reservation_ids=replaces,
            fence=fence,
            on_behalf_of=on_behalf_of,
            request_id=request_id,
        )
        if hold_seconds:
            request.hold_duration.FromTimedelta(timedelta(seconds=hold_seconds))
        return (await self.ask(request, caller, role)).reservation

    def wish(self, wanted: Wanted | Sequence[ReserveLine], **fields: Any) -> ReserveRequest:
        """A request for quantities by place, or for lines as they are."""
        lines = [one for one in wanted if isinstance(one, ReserveLine)]
        return ReserveRequest(
            **{
                **fields,
                "request_id": fields.get("request_id") or new_id(),
                "reservation_id": fields.get("reservation_id") or new_id(),
                "lines": lines or reserve_lines(cast("Wanted", wanted)),
            }
        )

    async def ask(
        self, request: ReserveRequest, caller: str = "developer", role: str = "operator"
    ) -> ReserveResponse:
        with self.calling("Reserve", caller, role):
            return await self.reservations.Reserve(request, NO_CONTEXT)

    async def confirm(
        self, reservation_id: str, *, fence: int = 0, again: bool = False, **who: str
    ) -> Reservation:
        request = ConfirmRequest(
            request_id=new_id(),
            reservation_id=reservation_id,
            fence=fence,
            reserve_again=again,
            on_behalf_of=who.get("on_behalf_of", ""),
        )
        with self.calling("Confirm", who.get("caller", "developer"), who.get("role", "operator")):
            return (await self.reservations.Confirm(request, NO_CONTEXT)).reservation

    async def extend(
        self, reservation_id: str, seconds: int, *, fence: int = 0, caller: str = "developer"
    ) -> Reservation:
        request = ExtendRequest(
            request_id=new_id(),
            reservation_id=reservation_id,
            hold_duration=Duration(seconds=seconds),
            fence=fence,
        )
        with self.calling("Extend", caller):
            return (await self.reservations.Extend(request, NO_CONTEXT)).reservation

    async def short(
        self,
        reservation_id: str,
        *lines: LineSelection,
        outcome: ShortOutcome.ValueType = ShortOutcome.SHORT_OUTCOME_WRITE_OFF,
    ) -> ShortResponse:
        request = ShortRequest(
            request_id=new_id(), reservation_id=reservation_id, lines=lines, outcome=outcome
        )
        with self.calling("Short", "routing", "routing"):
            return await self.reservations.Short(request, NO_CONTEXT)

    async def release(
        self,
        reservation_id: str,
        *lines: LineSelection,
        fence: int = 0,
        caller: str = "developer",
        request_id: str = "",
    ) -> ReleaseResponse:
        request = ReleaseRequest(
            request_id=request_id or new_id(),
            reservation_id=reservation_id,
            lines=lines,
            fence=fence,
        )
        with self.calling("Release", caller):
            return await self.reservations.Release(request, NO_CONTEXT)

    async def reassign(
        self, reservation_id: str, *moves: tuple[LineSelection, str], fence: int = 0
    ) -> Reservation:
        lines = [LineReassignment(line=line, to_location_id=to) for line, to in moves]
        request = ReassignRequest(
            request_id=new_id(), reservation_id=reservation_id, lines=lines, fence=fence
        )
        with self.calling("Reassign", "developer"):
            return (await self.reservations.Reassign(request, NO_CONTEXT)).reservation

    async def reassign_bulk(
        self,
        wanted: Mapping[str, Sequence[tuple[LineSelection, str]]],
        fence: int = 0,
        request_id: str = "",
    ) -> list[Reservation]:
        """Moves by reservation."""
        rows = [
            ReservationReassignment(
                reservation_id=reservation_id,
                lines=[LineReassignment(line=line, to_location_id=to) for line, to in moves],
                fence=fence,
            )
            for reservation_id, moves in wanted.items()
        ]
        request = ReassignBulkRequest(request_id=request_id or new_id(), reassignments=rows)
        with self.calling("ReassignBulk", "developer"):
            reply = await self.reservations.ReassignBulk(request, NO_CONTEXT)
        return list(reply.reservations)

    async def ship(self, reservation_id: str, *lines: LineSelection, **fields: Any) -> ShipResponse:
        request = ShipRequest(
            request_id=new_id(), reservation_id=reservation_id, lines=lines, **fields
        )
        with self.calling("Ship", "developer"):
            return await self.reservations.Ship(request, NO_CONTEXT)

    async def ship_bulk(
        self, *shipments: ReservationShipment, document: str = "", request_id: str = ""
    ) -> ShipBulkResponse:
        request = ShipBulkRequest(
            request_id=request_id or new_id(), shipments=shipments, document=document
        )
        with self.calling("ShipBulk", "developer"):
            return await self.reservations.ShipBulk(request, NO_CONTEXT)

    async def reservation(self, reservation_id: str) -> Reservation:
        request = GetReservationRequest(reservation_id=reservation_id)
        reply = await self.reservations.GetReservation(request, NO_CONTEXT)
        return reply.reservation

    async def all_reservations(self) -> list[Reservation]:
        request = ListReservationsRequest(page_size=1000)
        return list((await self.reservations.ListReservations(request, NO_CONTEXT)).reservations)
