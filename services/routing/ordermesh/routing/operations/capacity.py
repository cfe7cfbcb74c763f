"""Holding, confirming and releasing capacity for callers."""

from datetime import timedelta
from uuid import UUID

from ordermesh.api.routing.v1 import (
    ConfirmCapacityRequest,
    ConfirmCapacityResponse,
    GetCapacityRequest,
    GetCapacityResponse,
    HoldCapacityRequest,
    HoldCapacityResponse,
    ReleaseCapacityRequest,
    ReleaseCapacityResponse,
)
from ordermesh.routing.domain.calendars.clock_face import zone_of
from ordermesh.routing.domain.capacity import CapacityHold, Load, shares
from ordermesh.routing.domain.errors.capacity import (
    CapacityFull,
    CapacityHoldIdTaken,
    CapacityHoldNotFound,
)
from ordermesh.routing.domain.errors.network import NotInNetwork
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.operations.planning import Planner
from ordermesh.routing.ports.stores import Stores
from ordermesh.routing.wire.capacity import hold_message, window_message
from ordermesh.routing.wire.money import instant
from ordermesh.routing.wire.order import method_name
from ordermesh.runtime.call import current_call
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.idempotency import Mutations

HOLD_DURATION = timedelta(minutes=15)


class HoldingCapacity:
    """Holds what locations can do for who plans with it."""

    def __init__(self, mutations: Mutations, stores: Stores, planner: Planner) -> None:
        self._mutations = mutations
        self._stores = stores
        self._planner = planner

    async def hold(self, request: HoldCapacityRequest) -> HoldCapacityResponse:
        """Take of every window or of none; raises what the contract lists."""
        return await self._mutations.run(
            request, HoldCapacityResponse, lambda tx: self._hold(tx, request)
        )

    async def _hold(self, tx: Transaction, request: HoldCapacityRequest) -> HoldCapacityResponse:
        now = await tx.now()
        at = instant(request.work_time, "work_time") if request.HasField("work_time") else now
        if at < now:
            raise FieldViolation("work_time", "work_time.past", "The windows of then are past.")
        known = await self._planner.memory(tx)
        location = known.location(request.location_id)
        if location is None:
            raise NotInNetwork(request.location_id)
        hold_id = UUID(request.hold_id)
        if await self._stores.capacity.get(tx, hold_id, now) is not None:
            raise CapacityHoldIdTaken(request.hold_id)
        lasts = HOLD_DURATION
        if request.HasField("hold_duration"):
            lasts = request.hold_duration.ToTimedelta()
        hold = CapacityHold(
            hold_id=hold_id,
            location_id=location.location_id,
            shares=shares(
                location.location_id,
                location.capacities,
                method_name(request.method),
                zone_of(known.locations[location.location_id].time_zone),
                at,
                Load(request.orders, request.units),
            ),
            caller=current_call().identity.name,
            create_time=now,
            expire_time=now + lasts,
        )
        short = await self._stores.capacity.hold(tx, hold, now)
        if short:
            raise CapacityFull(
                [(one.location_id, one.capacity_id, one.amount, one.limit or 0) for one in short]
            )
        return HoldCapacityResponse(hold=hold_message(hold))

    async def confirm(self, request: ConfirmCapacityRequest) -> ConfirmCapacityResponse:
        """It is used; raises what the contract lists."""

        async def run(tx: Transaction) -> ConfirmCapacityResponse:
            known = await self._own(tx, request.hold_id)
            after = known.confirmed(await tx.now())
            await self._change(tx, known, after)
            return ConfirmCapacityResponse(hold=hold_message(after))

        return await self._mutations.run(request, ConfirmCapacityResponse, run)

    async def release(self, request: ReleaseCapacityRequest) -> ReleaseCapacityResponse:
        """It is not needed; raises what the contract lists."""

        async def run(tx: Transaction) -> ReleaseCapacityResponse:
            known = await self._own(tx, request.hold_id)
            after = known.released(await tx.now())
            await self._change(tx, known, after)
            return ReleaseCapacityResponse(hold=hold_message(after))

        return await self._mutations.run(request, ReleaseCapacityResponse, run)

    async def _own(self, tx: Transaction, hold_id: str) -> CapacityHold:
        known = await self._stores.capacity.lock(tx, UUID(hold_id))
        if known is None or known.caller != current_call().identity.name:
            raise CapacityHoldNotFound(hold_id)
        return known

    async def _change(self, tx: Transaction, before: CapacityHold, after: CapacityHold) -> None:
        if after != before:
            await self._stores.capacity.change(tx, before, after)

    async def left(self, tx: Transaction, request: GetCapacityRequest) -> GetCapacityResponse:
        """What is left of the windows of a location; raises ``NotInNetwork``."""
        known = await self._planner.memory(tx)
        location = known.location(request.location_id)
        if location is None:
            raise NotInNetwork(request.location_id)
        now = await tx.now()
        at = instant(request.work_time, "work_time") if request.HasField("work_time") else now
        zone = zone_of(known.locations[location.location_id].time_zone)
        windows = [(one, one.window(zone, at)) for one in location.capacities]
        starts = {window.start_time for _, window in windows}
        used = await self._stores.capacity.used(tx, starts, now)
        return GetCapacityResponse(
            windows=[
                window_message(
                    location.location_id,
                    one,
                    window,
                    used.get((location.location_id, one.capacity_id, window.start_time), 0),
                )
                for one, window in windows
            ]
        )
