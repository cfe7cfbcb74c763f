"""AvailabilityService."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import grpc

from ordermesh.api.inventory.v1 import (
    AvailabilityServiceServicer,
    BalanceChange,
    GetAvailabilityRequest,
    GetAvailabilityResponse,
    KitComposition,
    StockEncoding,
    WatchAvailabilityRequest,
    WatchAvailabilityResponse,
)
from ordermesh.inventory.queries.availability import (
    FIXED_PAIRS_MAX,
    PAIRS_MAX,
    Availability,
    Dates,
    get_availability,
)
from ordermesh.inventory.queries.channel_watch import ChannelWatch, Turn
from ordermesh.inventory.queries.copied import copied_availability
from ordermesh.inventory.queries.watching import Picture, Wanted, snapshot
from ordermesh.inventory.servicer.wiring import Wiring, follow
from ordermesh.inventory.wire.availability import (
    composition_message,
    composition_of,
    fixed_stock,
    packed,
    packed_told,
    told_message,
)
from ordermesh.inventory.wire.keys import instant, timestamp
from ordermesh.runtime.feed import Change


class AvailabilityServicer(AvailabilityServiceServicer):
    """Answers what can be promised."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._clock = wiring.feed.clock
        self._looked = float("-inf")  # when the ledger was asked last, and so what the controls are

    async def GetAvailability(
        self,
        request: GetAvailabilityRequest,
        _context: grpc.aio.ServicerContext[GetAvailabilityRequest, GetAvailabilityResponse],
    ) -> GetAvailabilityResponse:
        """Read many SKUs at many locations at one moment."""
        is_fixed = request.encoding == StockEncoding.STOCK_ENCODING_FIXED
        pairs_max = FIXED_PAIRS_MAX if is_fixed and not request.totals_only else PAIRS_MAX
        found = await self._copied(request, pairs_max)
        if found is None:
            now = self._clock.monotonic()
            excluding = {UUID(written) for written in request.excluding_reservation_ids}
            dates = [instant(one) for one in request.available_by_times]
            found = await self._wiring.database.read(
                lambda tx: get_availability(
                    self._wiring.stores,
                    tx,
                    request.skus,
                    request.location_ids,
                    excluding,
                    pairs_max,
                    request.channel,
                    Dates(dates, request.confidence_percent),
                )
            )
            self._looked = max(self._looked, now)
        return _answer(request, found, is_fixed=is_fixed)

    async def _copied(self, request: GetAvailabilityRequest, pairs_max: int) -> Availability | None:
        """From the copy, where there is one and the caller does not need the newest."""
        copies, controls = self._wiring.copies, self._wiring.stores.controls.last_table
        if (
            copies is None
            or not request.HasField("max_age_duration")
            or request.excluding_reservation_ids
            or request.channel
            or request.available_by_times
            # What controls leave depends on the moment, and the ledger alone works it out.
            or controls.controls
        ):
            return None
        max_age = request.max_age_duration.ToTimedelta()
        if self._clock.monotonic() - self._looked > max_age.total_seconds():
            return None  # others may have put controls, of which nothing was heard here
        return await copied_availability(
            copies,
            request.skus,
            request.location_ids,
            max_age,
            pairs_max,
            controls.version,
        )

    async def WatchAvailability(
        self,
        request: WatchAvailabilityRequest,
        _context: grpc.aio.ServicerContext[WatchAvailabilityRequest, WatchAvailabilityResponse],
    ) -> AsyncIterator[WatchAvailabilityResponse]:
        """Stream what became of balances."""
        wanted = Wanted(frozenset(request.skus), frozenset(request.location_ids), request.kits)
        if request.channel:
            async for reply in self._watch_channel(request, wanted):
                yield reply
        start = request.start_revision
        if request.snapshot:
            async for picture in snapshot(self._wiring.stores, self._wiring.database, wanted):
                yield _pictured(picture, is_packed=request.packed)
                start = picture.revision + 1
        topics = ("availability", "item") if request.kits else ("availability",)
        async for revision, changes in follow(self._wiring.feed, topics, start, _changed):
            yield _told(revision, changes, wanted, is_packed=request.packed)

    async def _watch_channel(
        self, request: WatchAvailabilityRequest, wanted: Wanted
    ) -> AsyncIterator[WatchAvailabilityResponse]:
        """The same of what a channel may promise; it ends only where the caller does."""
        wiring, start = self._wiring, 0
        watch = ChannelWatch(wiring.stores, wiring.database, wiring.feed, wanted, request.channel)
        await watch.begin()
        async for picture in snapshot(wiring.stores, wiring.database, wanted, request.channel):
            yield _pictured(picture, is_packed=request.packed)
            start = picture.revision + 1
        async for turn in watch.turns(start):
            yield _turned(turn, wanted, is_packed=request.packed)


def _answer(
    request: GetAvailabilityRequest, found: Availability, *, is_fixed: bool
) -> GetAvailabilityResponse:
    reply = GetAvailabilityResponse(
        totals=found.totals,
        revision=found.revision,
        read_time=timestamp(found.read_time),
        control_version=found.control_version,
    )
    reply.age_duration.FromTimedelta(found.age)
    for time, dated in zip(request.available_by_times, found.dated, strict=True):
        cells = () if request.totals_only else dated.available
        reply.dated.add(available_by_time=time, quantities=cells, totals=dated.totals)
    if request.totals_only:
        return reply
    reply.available.skus.extend(request.skus)
    reply.available.location_ids.extend(found.location_ids)
    if is_fixed:
        reply.fixed.CopyFrom(fixed_stock(found.available, found.on_hand, found.reserved))
    else:
        reply.available.quantities.extend(found.available)
        reply.on_hand.extend(found.on_hand)
        reply.reserved.extend(found.reserved)
        reply.held_back.extend(found.held_back)
    return reply


def _pictured(picture: Picture, *, is_packed: bool) -> WatchAvailabilityResponse:
    return WatchAvailabilityResponse(
        revision=picture.revision,
        balances=() if is_packed else [told_message(told) for told in picture.balances],
        packed=packed_told(picture.balances) if is_packed and picture.balances else None,
        kits=[composition_message(kit) for kit in picture.kits],
        snapshot_end=picture.is_end,
    )


def _turned(turn: Turn, wanted: Wanted, *, is_packed: bool) -> WatchAvailabilityResponse:
    kits = [composition_of(change.payload) for change in turn.items]
    return WatchAvailabilityResponse(
        revision=turn.revision,
        balances=() if is_packed else [told_message(told) for told in turn.balances],
        packed=packed_told(turn.balances) if is_packed and turn.balances else None,
        kits=[kit for kit in kits if wanted.tells_of(kit.sku)],
    )


def _changed(change: Change) -> BalanceChange | KitComposition:
    if change.topic == "item":
        return composition_of(change.payload)
    return BalanceChange.FromString(change.payload)


def _told(
    revision: int,
    changes: Sequence[BalanceChange | KitComposition],
    wanted: Wanted,
    *,
    is_packed: bool,
) -> WatchAvailabilityResponse:
    kits = [one for one in changes if isinstance(one, KitComposition) and wanted.tells_of(one.sku)]
    balances = [
        one
        for one in changes
        if isinstance(one, BalanceChange) and wanted.tells_of(one.key.sku, one.key.location_id)
    ]
    return WatchAvailabilityResponse(
        revision=revision,
        balances=() if is_packed else balances,
        packed=packed(balances) if is_packed and balances else None,
        kits=kits,
    )
