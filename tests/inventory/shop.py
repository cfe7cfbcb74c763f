"""The inventory service behind short calls, without a network: stock is written "MUG at A"."""

import inspect
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar, cast

from google.protobuf.duration_pb2 import Duration
from sqlalchemy import Interval, literal, update

from ordermesh.api.inventory.v1 import (
    AdjustmentReason,
    AdjustStockRequest,
    AdjustStockResponse,
    Balance,
    BlockedKind,
    BlockStockRequest,
    BlockStockResponse,
    ConfirmRequest,
    Control,
    DeleteControlsRequest,
    DisposedStock,
    DisposeStockRequest,
    DisposeStockResponse,
    ExplainControlsRequest,
    ExplainControlsResponse,
    ExtendRequest,
    GetAvailabilityRequest,
    GetAvailabilityResponse,
    GetReservationRequest,
    Item,
    LineReassignment,
    LineSelection,
    ListBalancesRequest,
    ListControlsRequest,
    ListControlsResponse,
    ListItemsRequest,
    ListMovementsRequest,
    ListReservationsRequest,
    Location,
    Movement,
    PutControlsRequest,
    PutControlsResponse,
    PutItemsRequest,
    PutLocationsRequest,
    ReassignBulkRequest,
    ReassignRequest,
    ReceiveStockRequest,
    ReceiveStockResponse,
    ReleaseRequest,
    ReleaseResponse,
    Reservation,
    ReservationReassignment,
    ReserveLine,
    ReserveRequest,
    ReserveResponse,
    ReturnedStock,
    ReturnStockRequest,
    ReturnStockResponse,
    ShipRequest,
    ShipResponse,
    ShortOutcome,
    ShortRequest,
    ShortResponse,
    StockAdjustment,
    StockLine,
    StockTransfer,
    TransferStockRequest,
    TransferStockResponse,
    UnblockStockRequest,
    UnblockStockResponse,
    VerifyLedgerRequest,
    VerifyLedgerResponse,
)
from ordermesh.inventory.operations.expiry import expire_overdue
from ordermesh.inventory.servicer.availability import AvailabilityServicer
from ordermesh.inventory.servicer.controls import ControlServicer
from ordermesh.inventory.servicer.items import ItemServicer, LocationServicer
from ordermesh.inventory.servicer.ledger import LedgerServicer
from ordermesh.inventory.servicer.reservations import ReservationServicer
from ordermesh.inventory.servicer.wiring import Wiring
from ordermesh.inventory.store.tables.reservations import line, reservation
from ordermesh.runtime.call import Call, Identity, calling, current_call
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.feed import Sequencer
from tests.fakes import FakeClock
from tests.inventory.messages import (
    Disposed,
    Wanted,
    blocked_stock,
    item,
    key,
    location,
    new_id,
    reserve_lines,
)
from tests.inventory.reading import dump

R = TypeVar("R")


NO_CONTEXT: Any = None


def as_operator(servicer: R) -> R:
    """The servicer, called by an operator wherever the test does not say who calls."""
    return cast("R", _AsOperator(servicer))


class _AsOperator:
    def __init__(self, servicer: Any) -> None:
        self._servicer = servicer

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._servicer, name)
        if not inspect.iscoroutinefunction(method):
            return method

        async def call(*arguments: Any) -> Any:
            try:
                current_call()
            except LookupError:
                identity = Identity("developer", frozenset({"operator"}))
                with calling(Call(f"/inventory/{name}", identity, None)):
                    return await method(*arguments)
            return await method(*arguments)

        return call


class Shop:
    """Short calls to the servicers of one service."""

    def __init__(self, wiring: Wiring, clock: FakeClock) -> None:
        self.wiring = wiring
        self.no_context = NO_CONTEXT
        self._clock = clock
        self._sequencer = Sequencer(wiring.database, clock)
        self.items = ItemServicer(wiring)
        self.locations = LocationServicer(wiring)
        self.ledger = as_operator(LedgerServicer(wiring))
        self.reservations = ReservationServicer(wiring)
        self.availability_service = AvailabilityServicer(wiring)
        self.controls = as_operator(ControlServicer(wiring))

    def calling(self, method: str, caller: str = "developer", role: str = "operator") -> Any:
        """Who calls which method, for calls that have no short form."""
        return self._as(method, caller, role)

    @contextmanager
    def _as(self, method: str, caller: str, role: str = "operator") -> Any:
        with calling(Call(f"/inventory/{method}", Identity(caller, frozenset({role})), None)):
            yield

    async def put_items(self, *items: Item | str, request_id: str = "") -> int:
        wanted = [one if isinstance(one, Item) else item(one) for one in items]
        request = PutItemsRequest(request_id=request_id or new_id(), items=wanted)
        with self._as("PutItems", "developer"):
            return (await self.items.PutItems(request, NO_CONTEXT)).changed_count

    async def put_locations(self, *locations: Location | str) -> int:
        wanted = [one if isinstance(one, Location) else location(one) for one in locations]
        request = PutLocationsRequest(request_id=new_id(), locations=wanted)
        with self._as("PutLocations", "developer"):
            return (await self.locations.PutLocations(request, NO_CONTEXT)).changed_count

    async def receive(
        self,
        stock: Mapping[str, int],
        *,
        request_id: str = "",
        serials: Mapping[str, Sequence[str]] | None = None,
    ) -> ReceiveStockResponse:
        named = serials or {}
        lines = [
            StockLine(key=key(place), quantity=count, serial_numbers=named.get(place, ()))
            for place, count in stock.items()
        ]
        request = ReceiveStockRequest(request_id=request_id or new_id(), lines=lines)
        with self._as("ReceiveStock", "developer"):
            return await self.ledger.ReceiveStock(request, NO_CONTEXT)

    async def stock(self, stock: Mapping[str, int]) -> None:
        """Put the items and receive so many of each."""
        await self.put_items(*sorted({place.split(" at ")[0] for place in stock}))
        await self.receive({place: count for place, count in stock.items() if count})

    async def adjust(
        self,
        place: str,
        *,
        delta: int | None = None,
        on_hand: int | None = None,
        expected: int | None = None,
        reason: AdjustmentReason.ValueType = AdjustmentReason.ADJUSTMENT_REASON_CORRECTION,
        note: str = "",
    ) -> AdjustStockResponse:
        change = {"delta": delta} if delta is not None else {"on_hand": on_hand or 0}
        adjustment = StockAdjustment(key=key(place), expected_on_hand=expected, **change)
        request = AdjustStockRequest(
            request_id=new_id(), adjustments=[adjustment], reason=reason, note=note
        )
        with self._as("AdjustStock", "developer"):
            return await self.ledger.AdjustStock(request, NO_CONTEXT)

    async def transfer(self, *transfers: tuple[str, str, int]) -> TransferStockResponse:
        rows = [
            StockTransfer(from_key=key(place), to_location_id=to, quantity=quantity)
            for place, to, quantity in transfers
        ]
        request = TransferStockRequest(request_id=new_id(), transfers=rows)
        with self._as("TransferStock", "developer"):
            return await self.ledger.TransferStock(request, NO_CONTEXT)

    async def take_back(self, *units: Disposed, order_id: str = "") -> ReturnStockResponse:
        rows = [
            ReturnedStock(
                key=key(place),
                quantity=quantity,
                disposition=disposition,
                blocked_kind=kind[0] if kind else BlockedKind.BLOCKED_KIND_UNSPECIFIED,
            )
            for place, quantity, disposition, *kind in units
        ]
        request = ReturnStockRequest(
            request_id=new_id(), lines=rows, document="R-1", order_id=order_id
        )
        with self._as("ReturnStock", "returns", "returns"):
            return await self.ledger.ReturnStock(request, NO_CONTEXT)

    async def dispose(self, *units: Disposed) -> DisposeStockResponse:
        rows = [
            DisposedStock(
                key=key(place),
                quantity=quantity,
                disposition=disposition,
                blocked_kind=kind[0] if kind else BlockedKind.BLOCKED_KIND_UNSPECIFIED,
            )
            for place, quantity, disposition, *kind in units
        ]
        request = DisposeStockRequest(request_id=new_id(), lines=rows)
        with self._as("DisposeStock", "returns", "returns"):
            return await self.ledger.DisposeStock(request, NO_CONTEXT)

    async def block(
        self,
        *units: tuple[str, int, BlockedKind.ValueType],
        reason: AdjustmentReason.ValueType = AdjustmentReason.ADJUSTMENT_REASON_UNSPECIFIED,
        document: str = "",
    ) -> BlockStockResponse:
        request = BlockStockRequest(
            request_id=new_id(), lines=blocked_stock(units), reason=reason, document=document
        )
        with self._as("BlockStock", "developer"):
            return await self.ledger.BlockStock(request, NO_CONTEXT)

    async def unblock(self, *units: tuple[str, int, BlockedKind.ValueType]) -> UnblockStockResponse:
        request = UnblockStockRequest(request_id=new_id(), lines=blocked_stock(units))
        with self._as("UnblockStock", "developer"):
            return await self.ledger.UnblockStock(request, NO_CONTEXT)

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
        with self._as("Reserve", caller, role):
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
        with self._as("Confirm", who.get("caller", "developer"), who.get("role", "operator")):
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
        with self._as("Extend", caller):
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
        with self._as("Short", "routing", "routing"):
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
        with self._as("Release", caller):
            return await self.reservations.Release(request, NO_CONTEXT)

    async def reassign(
        self, reservation_id: str, *moves: tuple[LineSelection, str], fence: int = 0
    ) -> Reservation:
        lines = [LineReassignment(line=line, to_location_id=to) for line, to in moves]
        request = ReassignRequest(
            request_id=new_id(), reservation_id=reservation_id, lines=lines, fence=fence
        )
        with self._as("Reassign", "developer"):
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
        with self._as("ReassignBulk", "developer"):
            reply = await self.reservations.ReassignBulk(request, NO_CONTEXT)
        return list(reply.reservations)

    async def ship(self, reservation_id: str, *lines: LineSelection, **fields: Any) -> ShipResponse:
        request = ShipRequest(
            request_id=new_id(), reservation_id=reservation_id, lines=lines, **fields
        )
        with self._as("Ship", "developer"):
            return await self.reservations.Ship(request, NO_CONTEXT)

    async def reservation(self, reservation_id: str) -> Reservation:
        request = GetReservationRequest(reservation_id=reservation_id)
        reply = await self.reservations.GetReservation(request, NO_CONTEXT)
        return reply.reservation

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
        with self._as("PutControls", caller):
            return await self.controls.PutControls(request, NO_CONTEXT)

    async def delete_controls(self, *control_ids: str) -> int:
        request = DeleteControlsRequest(request_id=new_id(), control_ids=control_ids)
        with self._as("DeleteControls", "developer"):
            return (await self.controls.DeleteControls(request, NO_CONTEXT)).deleted_count

    async def list_controls(self, **fields: Any) -> ListControlsResponse:
        return await self.controls.ListControls(ListControlsRequest(**fields), NO_CONTEXT)

    async def explain(self, place: str, channel: str = "") -> ExplainControlsResponse:
        request = ExplainControlsRequest(key=key(place), channel=channel)
        return await self.controls.ExplainControls(request, NO_CONTEXT)

    async def balance(self, place: str) -> Balance:
        wanted = key(place)
        request = ListBalancesRequest(skus=[wanted.sku], location_ids=[wanted.location_id])
        balances = (await self.ledger.ListBalances(request, NO_CONTEXT)).balances
        return balances[0] if balances else Balance()

    async def movements(self, **filters: Any) -> list[Movement]:
        request = ListMovementsRequest(page_size=1000, **filters)
        return list((await self.ledger.ListMovements(request, NO_CONTEXT)).movements)

    async def verify(self) -> list[VerifyLedgerResponse]:
        return [reply async for reply in self.verifying()]

    def verifying(self) -> AsyncIterator[VerifyLedgerResponse]:
        return self.ledger.VerifyLedger(VerifyLedgerRequest(), NO_CONTEXT)

    async def all_items(self) -> list[Item]:
        request = ListItemsRequest(page_size=1000)
        return list((await self.items.ListItems(request, NO_CONTEXT)).items)

    async def all_reservations(self) -> list[Reservation]:
        request = ListReservationsRequest(page_size=1000)
        return list((await self.reservations.ListReservations(request, NO_CONTEXT)).reservations)

    async def is_sound(self) -> bool:
        last = (await self.verify())[-1]
        return last.done and last.balanced and last.units_oversold == 0

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

    async def stamp(self) -> None:
        """Give revisions to all that was committed."""
        while await self._sequencer.stamp():
            pass

    async def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table of the service."""

        return await dump(self.wiring.database)
