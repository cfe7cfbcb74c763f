"""Inventory as routing sees it."""

from collections.abc import Mapping, Sequence, Set
from datetime import date
from typing import TypeVar
from uuid import UUID

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from ordermesh.api.inventory.v1 import (
    BatchGetItemsRequest,
    BatchGetLocationsRequest,
    ConfirmRequest,
    GetAvailabilityRequest,
    ListBalancesRequest,
    ListMovementsRequest,
    ListQuarantinedKeysRequest,
    Movement,
    ReleaseRequest,
    ReserveLine,
    ReserveRequest,
    SupplyWait,
)
from ordermesh.api.order.v1 import StockKey, StockMatrix
from ordermesh.client.errors import Refusal
from ordermesh.client.mesh import Mesh
from ordermesh.kernel.ids import derived_id
from ordermesh.routing.domain.coming import Coming, by_steps, start_of
from ordermesh.routing.domain.item import Item, KnownLocation
from ordermesh.routing.domain.reservable import TOO_MANY_PARTS
from ordermesh.routing.domain.saga import Cap
from ordermesh.routing.peers.availability import CALL_SECONDS, INVENTORY, AvailabilityReader
from ordermesh.routing.ports.stock import (
    Availability,
    BooksInDoubt,
    CartProblem,
    CartRefused,
    Held,
    Limited,
    Lost,
    NotThere,
    ReassignCall,
    Reassigned,
    Refused,
    ReservationCall,
    ReserveCall,
    ShipCall,
    Shipped,
    Short,
)
from ordermesh.routing.wire.inventory import item, location
from ordermesh.routing.wire.money import timestamp
from ordermesh.routing.wire.reassignment import reassign_request
from ordermesh.routing.wire.shipping import selections, ship_bulk_request, ship_request
from ordermesh.runtime.answers import answered, expected, unforeseen

T = TypeVar("T")

PAGE_SIZE = 1_000
NAMES_MAX = 1_000
DATED_SKUS_MAX = 8
"""How many items one question about many days names, so that its cells stay within limits."""

_IN_DOUBT = "KEY_QUARANTINED"
_TOO_LARGE = "TOO_MUCH_ASKED"
_DOUBT_SECONDS = 30.0
"""People look at books that are in doubt: nothing is different in a moment."""


class InventoryStock:
    """The ledger, behind the stubs."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self._availability = AvailabilityReader(mesh)

    async def available(
        self, skus: Sequence[str], excluding: Sequence[UUID], channel: str
    ) -> Availability:
        """What can be promised, at one revision; of very many items, at the lowest of several."""
        return await self._availability.read(skus, excluding, channel)

    async def in_doubt(self) -> Set[tuple[str, str]]:
        """The locations and SKUs whose books are in quarantine."""
        found: set[tuple[str, str]] = set()
        request = ListQuarantinedKeysRequest(page_size=PAGE_SIZE)
        while True:
            reply = await expected(
                INVENTORY, self._mesh.ledger.ListQuarantinedKeys(request, timeout=CALL_SECONDS)
            )
            found.update((one.key.location_id, one.key.sku) for one in reply.keys)
            if not reply.next_page_token:
                return found
            request.page_token = reply.next_page_token

    async def kept_at(self, skus: Sequence[str]) -> Mapping[str, Set[str]]:
        """The locations with a stock record of each item."""
        found: dict[str, set[str]] = {sku: set() for sku in skus}
        for start in range(0, len(skus), NAMES_MAX):
            request = ListBalancesRequest(skus=skus[start : start + NAMES_MAX], page_size=PAGE_SIZE)
            while True:
                reply = await expected(
                    INVENTORY, self._mesh.ledger.ListBalances(request, timeout=CALL_SECONDS)
                )
                for one in reply.balances:
                    found[one.key.sku].add(one.key.location_id)
                if not reply.next_page_token:
                    break
                request.page_token = reply.next_page_token
        return found

    async def coming(
        self, skus: Sequence[str], excluding: Sequence[UUID], channel: str, days: Sequence[date]
    ) -> tuple[Coming, ...]:
        """What each day brings, at the revision of each question."""
        there: dict[str, dict[str, int]] = {}
        dated: list[dict[str, dict[str, int]]] = [{} for _ in days]
        for start in range(0, len(skus), DATED_SKUS_MAX):
            reply = await expected(
                INVENTORY,
                self._mesh.availability.GetAvailability(
                    GetAvailabilityRequest(
                        skus=skus[start : start + DATED_SKUS_MAX],
                        excluding_reservation_ids=[str(one) for one in excluding],
                        channel=channel,
                        available_by_times=[timestamp(start_of(day)) for day in days],
                    ),
                    timeout=CALL_SECONDS,
                ),
            )
            _add(there, reply.available, reply.available.quantities)
            for units, one in zip(dated, reply.dated, strict=True):
                _add(units, reply.available, one.quantities)
        return by_steps(days, there, dated)

    async def reserve(self, call: ReserveCall) -> Held | Short | Limited | CartRefused | Lost:
        """Hold all or nothing."""
        request = ReserveRequest(
            request_id=str(call.request_id),
            on_behalf_of=call.on_behalf_of,
            reservation_id=str(call.reservation_id),
            order_id=call.order_id,
            lines=[
                ReserveLine(
                    line_id=one.line_id,
                    key=StockKey(sku=one.sku, location_id=one.location_id),
                    quantity=one.quantity,
                    wait=None
                    if one.needed_by is None
                    else SupplyWait(needed_by_time=timestamp(one.needed_by)),
                )
                for one in call.units
            ],
            confirm=call.confirm,
            replaces_reservation_ids=[str(one) for one in call.replaces],
            fence=call.fence,
            channel=call.channel,
            customer=call.customer,
        )
        if not call.confirm:
            duration = Duration()
            duration.FromMilliseconds(round(call.hold_seconds * 1_000))
            request.hold_duration.CopyFrom(duration)
        answer = await answered(
            INVENTORY, self._mesh.reservations.Reserve(request, timeout=CALL_SECONDS)
        )
        if not isinstance(answer, Refusal):
            return Held()
        if answer.reason in (_IN_DOUBT, _TOO_LARGE):
            await self._close(call)
        if answer.reason in ("INSUFFICIENT_STOCK", "NOT_STOCKED_HERE", _IN_DOUBT):
            return Short(tuple(_cap(row) for row in answer.rows()))
        if answer.reason in ("PURCHASE_LIMIT", "HOLD_QUOTA_EXCEEDED"):
            return Limited(answer.reason, tuple(answer.rows()))
        if answer.reason == _TOO_LARGE:
            return Limited(TOO_MANY_PARTS, ({},))
        if answer.reason == "RESERVATION_RELEASED":
            return Lost()
        if answer.reason in CartProblem.__members__.values():
            refused = UUID(answer.metadata["reservationId"])
            return CartRefused(refused, CartProblem(answer.reason))
        raise unforeseen(INVENTORY, answer)

    async def _close(self, call: ReserveCall) -> None:
        """Let nothing be held under this id by a call that is late.

        That books are in doubt, or too much is asked, is no decision that the ledger keeps.
        """
        own = derived_id("close", call.request_id)
        await self.release(ReservationCall(own, call.reservation_id, call.on_behalf_of, call.fence))

    async def confirm(self, call: ReservationCall) -> Held | Lost:
        """Make a hold last."""
        answer = await answered(
            INVENTORY,
            self._mesh.reservations.Confirm(
                ConfirmRequest(
                    request_id=str(call.request_id),
                    on_behalf_of=call.on_behalf_of,
                    reservation_id=str(call.reservation_id),
                    fence=call.fence,
                ),
                timeout=CALL_SECONDS,
            ),
        )
        if not isinstance(answer, Refusal):
            return Held()
        # Where the books are in doubt the hold is given up: it is planned elsewhere.
        lost = ("RESERVATION_EXPIRED", "RESERVATION_CLOSED", "RESERVATION_NOT_FOUND", _IN_DOUBT)
        if answer.reason in lost:
            return Lost()
        raise unforeseen(INVENTORY, answer)

    async def release(self, call: ReservationCall) -> None:
        """Take promises back; what is closed, or was never there, is released already."""
        answer = await answered(
            INVENTORY,
            self._mesh.reservations.Release(
                ReleaseRequest(
                    request_id=str(call.request_id),
                    on_behalf_of=call.on_behalf_of,
                    reservation_id=str(call.reservation_id),
                    lines=selections(call.units),
                    fence=call.fence,
                ),
                timeout=CALL_SECONDS,
            ),
        )
        if isinstance(answer, Refusal):
            _refuse_doubt(answer)
            if answer.reason != "LINE_NOT_FOUND":
                raise unforeseen(INVENTORY, answer)

    async def ship(self, call: ReservationCall) -> Shipped | NotThere:
        """Say that goods left."""
        request = ship_request(call)
        return _shipped(
            await answered(INVENTORY, self._mesh.reservations.Ship(request, timeout=CALL_SECONDS))
        )

    async def ship_together(self, call: ShipCall) -> Shipped | NotThere:
        """Say that goods of many reservations left, all or none."""
        request = ship_bulk_request(call)
        return _shipped(
            await answered(
                INVENTORY, self._mesh.reservations.ShipBulk(request, timeout=CALL_SECONDS)
            )
        )

    async def left(self, order_id: str, document: str) -> Set[UUID]:
        """The reservations of an order of which goods have left by this document."""
        found: set[UUID] = set()
        request = ListMovementsRequest(order_id=order_id, page_size=PAGE_SIZE)
        while True:
            reply = await expected(
                INVENTORY, self._mesh.ledger.ListMovements(request, timeout=CALL_SECONDS)
            )
            found.update(
                UUID(one.reservation_id)
                for one in reply.movements
                if one.kind == Movement.KIND_SHIPPED and one.document == document
            )
            if not reply.next_page_token:
                return found
            request.page_token = reply.next_page_token

    async def reassign(self, call: ReassignCall) -> Reassigned | Refused:
        """Hold units elsewhere, all or none, for whomever the reservations belong to."""
        answer = await answered(
            INVENTORY,
            self._mesh.reservations.ReassignBulk(reassign_request(call), timeout=CALL_SECONDS),
        )
        if not isinstance(answer, Refusal):
            return Reassigned()
        if answer.code is grpc.StatusCode.PERMISSION_DENIED:
            # Whoever turned it away has not looked at what an earlier call has done.
            raise unforeseen(INVENTORY, answer)
        # Books in doubt are a decision here, which the ledger keeps: it moves nothing of it later.
        return Refused(answer.reason)

    async def items(self, skus: Sequence[str]) -> tuple[Item, ...]:
        """The items that exist among these, with the components of the kits."""
        found: list[Item] = []
        for start in range(0, len(skus), NAMES_MAX):
            request = BatchGetItemsRequest(skus=skus[start : start + NAMES_MAX])
            reply = await expected(
                INVENTORY, self._mesh.items.BatchGetItems(request, timeout=CALL_SECONDS)
            )
            found.extend(item(message) for message in reply.items)
        return tuple(found)

    async def locations(self, location_ids: Sequence[str]) -> tuple[KnownLocation, ...]:
        """The locations that exist among these."""
        found: list[KnownLocation] = []
        for start in range(0, len(location_ids), NAMES_MAX):
            request = BatchGetLocationsRequest(location_ids=location_ids[start : start + NAMES_MAX])
            reply = await expected(
                INVENTORY, self._mesh.locations.BatchGetLocations(request, timeout=CALL_SECONDS)
            )
            found.extend(location(message) for message in reply.locations)
        return tuple(found)


def _shipped(answer: Message | Refusal) -> Shipped | NotThere:
    """What the ledger's answer to goods that left means."""
    if not isinstance(answer, Refusal):
        return Shipped()
    _refuse_doubt(answer)
    if answer.reason == "SHORT_OF_STOCK":
        return NotThere({row["sku"]: int(row["onHand"]) for row in answer.rows()})
    if answer.reason == "INSUFFICIENT_STOCK":
        # It was never held, and nothing of it is there to leave.
        return NotThere({row["sku"]: int(row["available"]) for row in answer.rows()})
    if answer.reason == "WAITS_FOR_SUPPLY":
        return NotThere({row["sku"]: 0 for row in answer.rows()})
    closed = ("RESERVATION_CLOSED", "RESERVATION_NOT_FOUND", "LINE_NOT_FOUND")
    if answer.reason in closed:
        return NotThere({})
    raise unforeseen(INVENTORY, answer)


def _add(units: dict[str, dict[str, int]], matrix: StockMatrix, quantities: Sequence[int]) -> None:
    """Put the quantities of a matrix where its names say."""
    wide = len(matrix.location_ids)
    for row, sku in enumerate(matrix.skus):
        for column, location_id in enumerate(matrix.location_ids):
            units.setdefault(location_id, {})[sku] = quantities[row * wide + column]


def _cap(row: Mapping[str, str]) -> Cap:
    return Cap(row["sku"], row["locationId"], int(row.get("available", "0")))


def _refuse_doubt(refusal: Refusal) -> None:
    """Raise ``BooksInDoubt`` where nothing moves until an operator has looked."""
    if refusal.reason == _IN_DOUBT:
        raise BooksInDoubt(
            "The ledger moves nothing at a key of it now.",
            service=INVENTORY,
            retry_after=_DOUBT_SECONDS,
        )
