"""ReservationService."""

from collections.abc import AsyncIterator
from uuid import UUID

import grpc

from ordermesh.api.inventory.v1 import (
    ConfirmRequest,
    ConfirmResponse,
    ExtendRequest,
    ExtendResponse,
    GetReservationRequest,
    GetReservationResponse,
    ListReservationsRequest,
    ListReservationsResponse,
    ReassignBulkRequest,
    ReassignBulkResponse,
    ReassignRequest,
    ReassignResponse,
    ReleaseRequest,
    ReleaseResponse,
    ReservationServiceServicer,
    ReserveBulkRequest,
    ReserveBulkResponse,
    ReserveRequest,
    ReserveResponse,
    ReserveStreamRequest,
    ReserveStreamResponse,
    ShipBulkRequest,
    ShipBulkResponse,
    ShippedReservation,
    ShipRequest,
    ShipResponse,
    ShortRequest,
    ShortResponse,
)
from ordermesh.inventory.access import acting
from ordermesh.inventory.domain.moving import Reassignment
from ordermesh.inventory.domain.picking import ShortOutcome
from ordermesh.inventory.operations.moving import reassign_reservations
from ordermesh.inventory.operations.picking import Picked, ship_reservations, short_reservation
from ordermesh.inventory.operations.reservations import (
    Verb,
    confirm_reservation,
    extend_reservation,
    release_reservation,
)
from ordermesh.inventory.queries.lists import get_reservation, list_reservations
from ordermesh.inventory.servicer.fitting import fitting
from ordermesh.inventory.servicer.reserving import Reserving
from ordermesh.inventory.servicer.wiring import Wiring
from ordermesh.inventory.wire.reservations import (
    extra_message,
    moves,
    reassignments,
    released_line,
    reservation_filter,
    reservation_message,
    selection,
    shipment,
)
from ordermesh.kernel.errors import NotFound, RuleViolated, Suspended
from ordermesh.runtime.ahead import ahead
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.pages import fitting_rows, page_size, page_token, place_at_revision

FRAMES_AHEAD = 4
"""How many frames of a stream are under way at once."""


class ReservationServicer(ReservationServiceServicer):
    """Promises stock."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._reserving = Reserving(wiring)

    async def Reserve(
        self,
        request: ReserveRequest,
        _context: grpc.aio.ServicerContext[ReserveRequest, ReserveResponse],
    ) -> ReserveResponse:
        """Hold all lines or none."""
        return await self._reserving.reserve(request)

    async def ReserveBulk(
        self,
        request: ReserveBulkRequest,
        _context: grpc.aio.ServicerContext[ReserveBulkRequest, ReserveBulkResponse],
    ) -> ReserveBulkResponse:
        """Many calls of Reserve in one."""
        return ReserveBulkResponse(verdicts=await self._reserving.verdicts(request.requests))

    async def ReserveStream(
        self,
        request_iterator: AsyncIterator[ReserveStreamRequest],
        _context: grpc.aio.ServicerContext[ReserveStreamRequest, ReserveStreamResponse],
    ) -> AsyncIterator[ReserveStreamResponse]:
        """A call of ReserveBulk for each frame."""
        async for frame, verdicts in ahead(
            request_iterator, lambda one: self._reserving.verdicts(one.requests), FRAMES_AHEAD
        ):
            yield ReserveStreamResponse(frame=frame.frame, verdicts=verdicts)

    async def GetReservation(
        self,
        request: GetReservationRequest,
        _context: grpc.aio.ServicerContext[GetReservationRequest, GetReservationResponse],
    ) -> GetReservationResponse:
        """Read one."""
        found, revision, now = await self._wiring.database.read(
            lambda tx: get_reservation(self._wiring.stores, tx, UUID(request.reservation_id))
        )
        return GetReservationResponse(
            reservation=reservation_message(found, now), revision=revision
        )

    async def ListReservations(
        self,
        request: ListReservationsRequest,
        _context: grpc.aio.ServicerContext[ListReservationsRequest, ListReservationsResponse],
    ) -> ListReservationsResponse:
        """Read reservations that match, page by page."""
        after, begun = place_at_revision(request, request.page_token)
        size = page_size(request.page_size)
        page = await self._wiring.database.read(
            lambda tx: list_reservations(
                self._wiring.stores, tx, reservation_filter(request), after, size
            )
        )
        reservations = fitting_rows(reservation_message(one, page.now) for one in page.rows)
        at, token = page.revision if begun is None else begun, ""
        if page.has_more or len(reservations) < len(page.rows):
            last = page.rows[len(reservations) - 1]
            token = page_token(request, last.create_time.isoformat(), str(last.reservation_id), at)
        return ListReservationsResponse(
            reservations=reservations,
            next_page_token=token,
            revision=at,
        )

    async def Confirm(
        self,
        request: ConfirmRequest,
        _context: grpc.aio.ServicerContext[ConfirmRequest, ConfirmResponse],
    ) -> ConfirmResponse:
        """Make a hold last."""

        async def work(tx: Transaction) -> ConfirmResponse:
            kept = await confirm_reservation(
                self._wiring.stores, tx, _verb(request), again=request.reserve_again
            )
            return fitting(
                ConfirmResponse(reservation=reservation_message(kept.reservation, kept.now))
            )

        return await self._wiring.mutations.run(request, ConfirmResponse, work)

    async def Extend(
        self,
        request: ExtendRequest,
        _context: grpc.aio.ServicerContext[ExtendRequest, ExtendResponse],
    ) -> ExtendResponse:
        """Give a hold more time."""

        async def work(tx: Transaction) -> ExtendResponse:
            kept = await extend_reservation(
                self._wiring.stores, tx, _verb(request), request.hold_duration.ToTimedelta()
            )
            return fitting(
                ExtendResponse(reservation=reservation_message(kept.reservation, kept.now))
            )

        return await self._wiring.mutations.run(request, ExtendResponse, work)

    async def Release(
        self,
        request: ReleaseRequest,
        _context: grpc.aio.ServicerContext[ReleaseRequest, ReleaseResponse],
    ) -> ReleaseResponse:
        """Take promises back."""

        async def work(tx: Transaction) -> ReleaseResponse:
            wanted = [selection(line) for line in request.lines]
            released = await release_reservation(self._wiring.stores, tx, _verb(request), wanted)
            now, after = released.now, released.reservation
            return fitting(
                ReleaseResponse(
                    reservation=reservation_message(after, now) if after else None,
                    released_lines=map(released_line, wanted, released.takings),
                )
            )

        return await self._wiring.mutations.run(request, ReleaseResponse, work)

    async def Reassign(
        self,
        request: ReassignRequest,
        _context: grpc.aio.ServicerContext[ReassignRequest, ReassignResponse],
    ) -> ReassignResponse:
        """Move promises to other locations."""

        async def work(tx: Transaction) -> ReassignResponse:
            one = Reassignment(UUID(request.reservation_id), moves(request.lines), request.fence)
            (kept,) = await reassign_reservations(
                self._wiring.stores, tx, acting(request.on_behalf_of), [one]
            )
            return fitting(
                ReassignResponse(reservation=reservation_message(kept.reservation, kept.now))
            )

        return await self._wiring.mutations.run(request, ReassignResponse, work)

    async def ReassignBulk(
        self,
        request: ReassignBulkRequest,
        _context: grpc.aio.ServicerContext[ReassignBulkRequest, ReassignBulkResponse],
    ) -> ReassignBulkResponse:
        """Move promises of many reservations to other locations, all or none."""

        async def work(tx: Transaction) -> ReassignBulkResponse:
            kept = await reassign_reservations(
                self._wiring.stores, tx, acting(request.on_behalf_of), reassignments(request)
            )
            return fitting(
                ReassignBulkResponse(
                    reservations=[reservation_message(one.reservation, one.now) for one in kept]
                )
            )

        # Who is refused leaves all where it is, and must not find it moved by a call that was late.
        return await self._wiring.mutations.run(
            request, ReassignBulkResponse, work, keeps=(RuleViolated, NotFound, Suspended)
        )

    async def Ship(
        self,
        request: ShipRequest,
        _context: grpc.aio.ServicerContext[ShipRequest, ShipResponse],
    ) -> ShipResponse:
        """Promised goods left the building."""

        async def work(tx: Transaction) -> ShipResponse:
            wanted = [(_verb(request), shipment(request))]
            (shipped,) = await ship_reservations(self._wiring.stores, tx, wanted, request.document)
            return _ship_response(shipped)

        return await self._wiring.mutations.run(request, ShipResponse, work)

    async def ShipBulk(
        self,
        request: ShipBulkRequest,
        _context: grpc.aio.ServicerContext[ShipBulkRequest, ShipBulkResponse],
    ) -> ShipBulkResponse:
        """Goods promised by many reservations left the building, all or none."""

        async def work(tx: Transaction) -> ShipBulkResponse:
            actor = acting(request.on_behalf_of)
            wanted = [
                (
                    Verb(actor, UUID(one.reservation_id), one.fence),
                    shipment(one, f"shipments[{place}]."),
                )
                for place, one in enumerate(request.shipments)
            ]
            shipped = await ship_reservations(self._wiring.stores, tx, wanted, request.document)
            # Each can still be told by itself, so that it can be read and worked on.
            told = [_ship_response(one) for one in shipped]
            return fitting(ShipBulkResponse(shipped_reservations=map(_without_reservation, told)))

        return await self._wiring.mutations.run(request, ShipBulkResponse, work)

    async def Short(
        self,
        request: ShortRequest,
        _context: grpc.aio.ServicerContext[ShortRequest, ShortResponse],
    ) -> ShortResponse:
        """Promised goods were not found."""

        async def work(tx: Transaction) -> ShortResponse:
            missing = await short_reservation(
                self._wiring.stores,
                tx,
                _verb(request),
                [selection(line) for line in request.lines],
                ShortOutcome(request.outcome),
                request.document,
            )
            return fitting(
                ShortResponse(
                    movement_id=_text(missing.short_movement_id),
                    reservation=reservation_message(missing.reservation, missing.now),
                )
            )

        return await self._wiring.mutations.run(request, ShortResponse, work)


def _ship_response(shipped: Picked) -> ShipResponse:
    return fitting(
        ShipResponse(
            movement_id=_text(shipped.movement_id),
            reservation=reservation_message(shipped.reservation, shipped.now),
            over_shipped=map(extra_message, shipped.extras),
            short_movement_id=_text(shipped.short_movement_id),
        )
    )


def _without_reservation(told: ShipResponse) -> ShippedReservation:
    return ShippedReservation(
        reservation_id=told.reservation.reservation_id,
        movement_id=told.movement_id,
        over_shipped=told.over_shipped,
        short_movement_id=told.short_movement_id,
    )


def _text(movement_id: UUID | None) -> str:
    return str(movement_id) if movement_id else ""


def _verb(
    request: ConfirmRequest | ExtendRequest | ReleaseRequest | ShipRequest | ShortRequest,
) -> Verb:
    return Verb(acting(request.on_behalf_of), UUID(request.reservation_id), request.fence)
