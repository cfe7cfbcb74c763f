"""Supplies behind short calls: "MUG at A", so many, in so many days."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from ordermesh.api.inventory.v1 import (
    BrokenPromise,
    CancelSupplyRequest,
    CancelSupplyResponse,
    GetSupplyRequest,
    ListSuppliesRequest,
    PutOutcome,
    PutSuppliesRequest,
    PutSuppliesResponse,
    ReceiveSupplyRequest,
    ReceiveSupplyResponse,
    Reservation,
    ReservationLine,
    ReserveRequest,
    SendTransferRequest,
    SendTransferResponse,
    Supply,
    SupplyReceipt,
    SupplyWait,
    WriteOffTransferRequest,
    WriteOffTransferResponse,
)
from ordermesh.inventory.servicer.supplies import SupplyServicer
from ordermesh.runtime.call import Call, Identity
from ordermesh.runtime.call import calling as under
from ordermesh.runtime.database import Transaction
from tests.inventory.caller import NO_CONTEXT, as_operator
from tests.inventory.messages import Wanted, item, key, new_id, reserve_lines
from tests.inventory.shop import Shop

PO = Supply.KIND_PURCHASE_ORDER
ASN = Supply.KIND_SHIPPING_NOTICE
TRANSFER = Supply.KIND_TRANSFER
CREATED = PutOutcome.VERDICT_CREATED
CHANGED = PutOutcome.VERDICT_CHANGED
UNCHANGED = PutOutcome.VERDICT_UNCHANGED
LATE = BrokenPromise.CAUSE_LATE
FEWER = BrokenPromise.CAUSE_FEWER
CANCELLED = BrokenPromise.CAUSE_CANCELLED


def stamp(instant: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(instant)
    return message


class Expecting:
    """Calls about supplies; days are counted from ``start``, an instant of the database's clock."""

    def __init__(self, shop: Shop, start: datetime) -> None:
        self.shop = shop
        self.start = start
        self._servicer = as_operator(SupplyServicer(shop.wiring))

    @classmethod
    async def open(cls, shop: Shop, *skus: str) -> "Expecting":
        """With items that may be promised on supply."""
        await shop.put_items(*(item(sku, promised_on_supply=True) for sku in skus))

        async def now(tx: Transaction) -> datetime:
            return await tx.now()

        return cls(shop, await shop.wiring.database.read(now))

    def day(self, days: float) -> Timestamp:
        return stamp(self.start + timedelta(days=days))

    def supply(
        self, supply_id: str, place: str, quantity: int, days: float, **fields: Any
    ) -> Supply:
        return Supply(
            **{
                "supply_id": supply_id,
                "kind": PO,
                "key": key(place),
                "quantity": quantity,
                "expected_time": self.day(days),
                "state": Supply.STATE_CONFIRMED,
                "confidence_percent": 90,
                **fields,
            }
        )

    def transfer(
        self, supply_id: str, place: str, quantity: int, days: float, origin: str, **fields: Any
    ) -> Supply:
        return self.supply(
            supply_id,
            place,
            quantity,
            days,
            **{
                "kind": TRANSFER,
                "state": Supply.STATE_IN_TRANSIT,
                "from_location_id": origin,
                **fields,
            },
        )

    def calling(self, method: str) -> Any:
        identity = Identity("developer", frozenset({"operator"}))
        return under(Call(f"/inventory/{method}", identity, None))

    async def put(self, *supplies: Supply, request_id: str = "") -> PutSuppliesResponse:
        request = PutSuppliesRequest(request_id=request_id or new_id(), supplies=supplies)
        with self.calling("PutSupplies"):
            return await self._servicer.PutSupplies(request, NO_CONTEXT)

    async def expect(
        self, supply_id: str, place: str, quantity: int, days: float, **fields: Any
    ) -> PutSuppliesResponse:
        return await self.put(self.supply(supply_id, place, quantity, days, **fields))

    async def cancel(self, supply_id: str) -> CancelSupplyResponse:
        request = CancelSupplyRequest(request_id=new_id(), supply_id=supply_id)
        with self.calling("CancelSupply"):
            return await self._servicer.CancelSupply(request, NO_CONTEXT)

    async def receive(
        self, *receipts: SupplyReceipt | str, document: str = "DN-1"
    ) -> ReceiveSupplyResponse:
        rows = [
            one if isinstance(one, SupplyReceipt) else SupplyReceipt(supply_id=one)
            for one in receipts
        ]
        request = ReceiveSupplyRequest(request_id=new_id(), receipts=rows, document=document)
        with self.calling("ReceiveSupply"):
            return await self._servicer.ReceiveSupply(request, NO_CONTEXT)

    async def send(self, *transfers: Supply) -> SendTransferResponse:
        request = SendTransferRequest(request_id=new_id(), transfers=transfers, document="TO-1")
        with self.calling("SendTransfer"):
            return await self._servicer.SendTransfer(request, NO_CONTEXT)

    async def write_off(self, supply_id: str, quantity: int = 0) -> WriteOffTransferResponse:
        request = WriteOffTransferRequest(
            request_id=new_id(), supply_id=supply_id, quantity=quantity
        )
        with self.calling("WriteOffTransfer"):
            return await self._servicer.WriteOffTransfer(request, NO_CONTEXT)

    async def ask(self, request: Message) -> Any:
        """The answer to a request of the service, whichever it is."""
        method = type(request).__name__.removesuffix("Request")
        with self.calling(method):
            return await getattr(self._servicer, method)(request, NO_CONTEXT)

    async def get(self, supply_id: str) -> Supply:
        request = GetSupplyRequest(supply_id=supply_id)
        return (await self._servicer.GetSupply(request, NO_CONTEXT)).supply

    async def all(self, **filters: Any) -> list[Supply]:
        request = ListSuppliesRequest(**{"page_size": 1000, **filters})
        return list((await self._servicer.ListSupplies(request, NO_CONTEXT)).supplies)

    async def reserve(
        self,
        wanted: Wanted,
        *,
        needed_by: float | None = None,
        order_id: str = "",
        hold_seconds: int = 0,
        reservation_id: str = "",
        replaces: Iterable[str] = (),
        channel: str = "",
    ) -> Reservation:
        """Reserve what may wait for supply; confirmed unless there are seconds to hold it."""
        wait = SupplyWait()
        if needed_by is not None:
            wait.needed_by_time.CopyFrom(self.day(needed_by))
        request = ReserveRequest(
            request_id=new_id(),
            reservation_id=reservation_id or new_id(),
            order_id=order_id,
            lines=reserve_lines(wanted),
            confirm=not hold_seconds,
            replaces_reservation_ids=replaces,
            wait=wait,
            channel=channel,
        )
        if hold_seconds:
            request.hold_duration.FromSeconds(hold_seconds)
        with self.calling("Reserve"):
            return (await self.shop.reservations.Reserve(request, NO_CONTEXT)).reservation


def parts(reservation: Reservation) -> list[tuple[str, int, str]]:
    """Line id, units and the supply that is waited for of every open line."""
    is_open = (ReservationLine.STATE_HELD, ReservationLine.STATE_CONFIRMED)
    return [
        (line.line_id, line.quantity, line.supply_id)
        for line in reservation.lines
        if line.state in is_open
    ]


def broken(promises: Sequence[BrokenPromise]) -> list[tuple[str, str, int, int]]:
    """Supply, order, units and cause of broken promises."""
    return [(one.supply_id, one.order_id, one.quantity, one.cause) for one in promises]
