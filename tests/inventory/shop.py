"""The inventory service behind short calls, without a network: stock is written "MUG at A"."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Interval, literal, update

from ordermesh.api.inventory.v1 import (
    Control,
    DeleteControlsRequest,
    ExplainControlsRequest,
    ExplainControlsResponse,
    GetAvailabilityRequest,
    GetAvailabilityResponse,
    ListControlsRequest,
    ListControlsResponse,
    PutControlsRequest,
    PutControlsResponse,
)
from ordermesh.inventory.operations.expiry import expire_overdue
from ordermesh.inventory.servicer.availability import AvailabilityServicer
from ordermesh.inventory.servicer.controls import ControlServicer
from ordermesh.inventory.servicer.wiring import Wiring
from ordermesh.inventory.store.tables.reservations import line, reservation
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.feed import Sequencer
from ordermesh.runtime.idempotency import prune
from tests.fakes import FakeClock
from tests.inventory.caller import NO_CONTEXT, as_operator
from tests.inventory.checkout import Checkout
from tests.inventory.messages import (
    key,
    new_id,
)
from tests.inventory.reading import dump
from tests.inventory.stockroom import Stockroom


class Shop(Stockroom, Checkout):
    """Short calls to the servicers of one service."""

    def __init__(self, wiring: Wiring, clock: FakeClock) -> None:
        super().__init__(wiring)
        self._clock = clock
        self._sequencer = Sequencer(wiring.database, clock)
        self.availability_service = AvailabilityServicer(wiring)
        self.controls = as_operator(ControlServicer(wiring))

    async def availability(
        self,
        skus: Sequence[str],
        location_ids: Sequence[str] = (),
        excluding: Sequence[str] = (),
        **form: Any,
    ) -> GetAvailabilityResponse:
        request = GetAvailabilityRequest(
            skus=skus, location_ids=location_ids, excluding_reservation_ids=excluding, **form
        )
        return await self.availability_service.GetAvailability(request, NO_CONTEXT)

    async def available(self, place: str, excluding: Sequence[str] = (), channel: str = "") -> int:
        wanted = key(place)
        reply = await self.availability(
            [wanted.sku], [wanted.location_id], excluding, channel=channel
        )
        return reply.available.quantities[0]

    async def put_controls(
        self, *controls: Control, request_id: str = "", caller: str = "developer"
    ) -> PutControlsResponse:
        request = PutControlsRequest(request_id=request_id or new_id(), controls=controls)
        with self.calling("PutControls", caller):
            return await self.controls.PutControls(request, NO_CONTEXT)

    async def delete_controls(self, *control_ids: str) -> int:
        request = DeleteControlsRequest(request_id=new_id(), control_ids=control_ids)
        with self.calling("DeleteControls", "developer"):
            return (await self.controls.DeleteControls(request, NO_CONTEXT)).deleted_count

    async def list_controls(self, **fields: Any) -> ListControlsResponse:
        return await self.controls.ListControls(ListControlsRequest(**fields), NO_CONTEXT)

    async def explain(self, place: str, channel: str = "") -> ExplainControlsResponse:
        request = ExplainControlsRequest(key=key(place), channel=channel)
        return await self.controls.ExplainControls(request, NO_CONTEXT)

    async def sweep(self) -> None:
        """Take back what is overdue, as the sweeper does."""
        await self.wiring.database.run(lambda tx: expire_overdue(self.wiring.stores, tx))

    async def let_pass(self, seconds: float) -> None:
        """Let so much time pass for holds.

        The clock of PostgreSQL cannot be moved; there reservations were made earlier instead, and
        their ends come nearer.
        """
        if self.wiring.database.dialect == "sqlite":
            self._clock.advance(seconds)
            return
        passed = literal(timedelta(seconds=seconds), Interval())

        async def shift(tx: Transaction) -> None:
            for column in (line.c.expire_time, reservation.c.create_time, reservation.c.renew_time):
                earlier = update(column.table).where(column.is_not(None))
                await tx.execute(earlier.values({column: column - passed}))

        await self.wiring.database.run(shift)

    async def forget_answers(self) -> None:
        """Forget all stored answers, as happens to each after eight days."""
        later = datetime.now(UTC) + timedelta(minutes=1)
        await self.wiring.database.run(lambda tx: prune(tx, later))

    async def stamp(self) -> None:
        """Give revisions to all that was committed."""
        while await self._sequencer.stamp():
            pass

    async def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table of the service."""

        return await dump(self.wiring.database)
