"""Keepers of stock: goods arrive, break, move, are counted, and are sold past the shops."""

from collections.abc import Sequence
from typing import Any

from google.protobuf.duration_pb2 import Duration

from ordermesh.api.inventory.v1 import (
    AdjustmentReason,
    AdjustStockRequest,
    Balance,
    ConfirmRequest,
    LineReassignment,
    LineSelection,
    ListBalancesRequest,
    ListBalancesResponse,
    ReassignRequest,
    ReleaseRequest,
    ReserveLine,
    ReserveRequest,
    ShipRequest,
    ShortOutcome,
    ShortRequest,
    StockAdjustment,
    StockLine,
    StockTransfer,
    TransferStockRequest,
)
from ordermesh.api.order.v1 import StockKey
from ordermesh.api.routing.v1 import PutNetworkLocationsRequest
from tests.simulation.asking import Caller
from tests.simulation.stories.counts import count
from tests.simulation.stories.warehouses import ship, waiting
from tests.simulation.stories.world import LOCATIONS, SKUS, key, open_location, receive


class Keeper:
    """Who keeps the stock: goods arrive, break, and are sold past the shop."""

    def __init__(self, caller: Caller, deeds: int, seconds: float) -> None:
        self._caller = caller
        self._deeds = deeds
        self._pause = 2 * seconds / deeds

    async def run(self) -> None:
        deeds = (
            self._arrive,
            self._arrive,
            self._break,
            self._sell,
            self._sell,
            self._close,
            self._move,
            self._count,
            self._miss,
            self._miss,
        )
        for _ in range(self._deeds):
            await self._caller.rest(self._pause)
            await self._caller.random.choice(deeds)()

    def _place(self) -> StockKey:
        random = self._caller.random
        return key(random.choice(SKUS), random.choice(LOCATIONS))

    async def _arrive(self) -> None:
        units = self._caller.random.randint(1, 8)
        await receive(self._caller, [StockLine(key=self._place(), quantity=units)])

    async def _break(self) -> None:
        """Units are gone, perhaps promised ones."""
        caller = self._caller
        request_id = caller.new_id()
        change = StockAdjustment(key=self._place(), delta=-caller.random.randint(1, 6))
        request = AdjustStockRequest(
            request_id=request_id,
            adjustments=[change],
            reason=AdjustmentReason.ADJUSTMENT_REASON_DAMAGED,
            document=request_id,
        )
        await caller.ask(caller.mesh.ledger.AdjustStock, request)

    async def _sell(self) -> None:
        """A sale that routing knows nothing of, with what may follow from it."""
        caller, reservations = self._caller, self._caller.mesh.reservations
        reservation_id, place = caller.new_id(), self._place()
        units = caller.random.randint(1, 4)
        is_sure = caller.likely(0.5)
        reserve = ReserveRequest(
            request_id=caller.new_id(),
            reservation_id=reservation_id,
            lines=[ReserveLine(line_id="1", key=place, quantity=units)],
            confirm=is_sure,
        )
        if not is_sure:
            reserve.hold_duration.CopyFrom(Duration(seconds=caller.random.randint(1, 20)))
        if not (await caller.ask(reservations.Reserve, reserve)).is_ok:
            return
        if not is_sure:
            await caller.rest(8.0)
            confirm = ConfirmRequest(
                request_id=caller.new_id(),
                reservation_id=reservation_id,
                reserve_again=caller.likely(0.5),
            )
            if not (await caller.ask(reservations.Confirm, confirm)).is_ok:
                return
        await self._finish(reservation_id, place, units)

    async def _finish(self, reservation_id: str, place: StockKey, units: int) -> None:
        caller, reservations = self._caller, self._caller.mesh.reservations
        part = caller.random.randint(1, units)
        selection = LineSelection(
            line_id="1", sku=place.sku, location_id=place.location_id, quantity=part
        )
        common: dict[str, Any] = {
            "request_id": caller.new_id(),
            "reservation_id": reservation_id,
            "lines": [selection],
        }
        match caller.random.choice(("ship", "ship", "short", "release", "elsewhere")):
            case "ship":
                await caller.ask(reservations.Ship, ShipRequest(**common))
            case "short":
                outcome = ShortOutcome.SHORT_OUTCOME_WRITE_OFF
                await caller.ask(reservations.Short, ShortRequest(outcome=outcome, **common))
            case "elsewhere":
                there = LineReassignment(
                    line=selection, to_location_id=caller.random.choice(LOCATIONS)
                )
                reassign = ReassignRequest(**{**common, "lines": [there]})
                await caller.ask(reservations.Reassign, reassign)
            case _:
                await caller.ask(reservations.Release, ReleaseRequest(**common))

    async def _close(self) -> None:
        """A location ships nothing for a while."""
        caller = self._caller
        place = caller.random.choice(LOCATIONS)
        shut = open_location(place, caller.random)
        del shut.methods[:]
        for one in (shut, open_location(place, caller.random)):
            request = PutNetworkLocationsRequest(request_id=caller.new_id(), locations=[one])
            await caller.ask(caller.mesh.network.PutNetworkLocations, request, tries=12)
            await caller.rest(6.0)

    async def _move(self) -> None:
        """Units go from one location to another in one step."""
        caller = self._caller
        request_id = caller.new_id()
        transfer = StockTransfer(
            from_key=self._place(),
            to_location_id=caller.random.choice(LOCATIONS),
            quantity=caller.random.randint(1, 5),
        )
        request = TransferStockRequest(
            request_id=request_id, transfers=[transfer], document=request_id
        )
        await caller.ask(caller.mesh.ledger.TransferStock, request)

    async def _count(self) -> None:
        """Somebody counts a shelf, perhaps wrongly, while it is sold from."""
        random = self._caller.random
        mistake = random.choice((0, 0, -1, -2, 1, 3))
        await count(
            self._caller,
            self._place(),
            lambda there: max(0, there.on_hand + mistake),
            rest_seconds=4.0,
            believed=0.7,
        )

    async def _miss(self) -> None:
        """Goods that are promised are not where they should be; some of them come in after all."""
        caller = self._caller
        place = await self._promised() or self._place()
        sold = await self._sold(place)
        await count(
            caller, place, lambda there: caller.random.randint(0, max(0, there.reserved - 1))
        )
        if caller.likely(0.5):
            await self._ship_from(place)
        if caller.likely(0.6):
            await caller.rest(6.0)
            units = caller.random.randint(1, 5)
            await receive(caller, [StockLine(key=place, quantity=units)])
        if sold:
            await self._finish(sold, place, 1)

    async def _ship_from(self, place: StockKey) -> None:
        """They are said to have left before routing has heard that they are missing."""
        for work in await waiting(self._caller, place.location_id):
            if any(line.sku == place.sku for line in work.lines):
                await ship(self._caller, work)

    async def _promised(self) -> StockKey | None:
        """Where something is promised to somebody, if it is found anywhere."""
        caller = self._caller
        asked = ListBalancesRequest(skus=SKUS, location_ids=LOCATIONS)
        found = await caller.read(caller.mesh.ledger.ListBalances, asked)
        promised = [one for one in _balances(found) if one.reserved]
        return caller.random.choice(promised).key if promised else None

    async def _sold(self, place: StockKey) -> str:
        """The reservation of a unit more, for nobody's order; empty: none that is known."""
        caller = self._caller
        reservation_id = caller.new_id()
        reserve = ReserveRequest(
            request_id=caller.new_id(),
            reservation_id=reservation_id,
            lines=[ReserveLine(line_id="1", key=place, quantity=1)],
            confirm=True,
        )
        told = await caller.ask(caller.mesh.reservations.Reserve, reserve)
        return reservation_id if told.is_ok else ""


def _balances(reply: ListBalancesResponse | None) -> Sequence[Balance]:
    return () if reply is None else reply.balances
