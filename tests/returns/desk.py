"""The desk of a test: returns, routing and inventory as real servers, behind short calls."""

from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from typing import Any

from sqlalchemy import select

from ordermesh.api.event.v1 import EventEnvelope, WatchEventsRequest
from ordermesh.api.inventory.v1 import Balance, ListBalancesRequest
from ordermesh.api.order.v1 import Disposition
from ordermesh.api.returns.v1 import (
    AuthorizedLine,
    AuthorizeReturnRequest,
    CancelReturnRequest,
    DisposedLine,
    DisposeReturnedRequest,
    GetReturnableRequest,
    GetReturnRequest,
    Grade,
    ReceivedLine,
    ReceiveReturnRequest,
    RefundTiming,
    Return,
    ReturnReason,
)
from ordermesh.api.routing.v1 import NewOrderLine, ReturnHandling
from ordermesh.client.mesh import Mesh
from ordermesh.kernel.clock import SystemClock
from ordermesh.returns.__main__ import Seams, assemble
from ordermesh.returns.store.tables import metadata
from ordermesh.runtime.database import Database, Transaction
from tests.eventually import eventually
from tests.routing.house import House, NoJitter, entry, key, new_id
from tests.servers import serving

RESTOCK = ReturnHandling.RETURN_HANDLING_RESTOCK
KEEP_APART = ReturnHandling.RETURN_HANDLING_KEEP_APART
NO_HANDLING = ReturnHandling.RETURN_HANDLING_NONE

NOW = RefundTiming.REFUND_TIMING_NOW
AFTER_RECEIPT = RefundTiming.REFUND_TIMING_AFTER_RECEIPT

LIKE_NEW, GOOD = Grade.GRADE_LIKE_NEW, Grade.GRADE_GOOD
REFURBISHABLE, BAD = Grade.GRADE_REFURBISHABLE, Grade.GRADE_BAD

TO_RESTOCK = Disposition.DISPOSITION_RESTOCK
TO_BLOCK = Disposition.DISPOSITION_BLOCK
TO_DISCARD = Disposition.DISPOSITION_DISCARD


def asked(line_id: str, quantity: int, sku: str = "") -> AuthorizedLine:
    return AuthorizedLine(line_id=line_id, sku=sku, quantity=quantity)


def came(
    line_id: str,
    quantity: int,
    grade: Grade.ValueType = LIKE_NEW,
    sku: str = "",
    disposition: Disposition.ValueType = Disposition.DISPOSITION_UNSPECIFIED,
) -> ReceivedLine:
    return ReceivedLine(
        line_id=line_id, sku=sku, quantity=quantity, grade=grade, disposition=disposition
    )


def authorization(return_id: str, *lines: AuthorizedLine, **fields: Any) -> AuthorizeReturnRequest:
    return AuthorizeReturnRequest(
        **{
            "request_id": new_id(),
            "return_id": return_id,
            "order_id": "O-1",
            "lines": lines,
            "refund_timing": AFTER_RECEIPT,
            "reason": ReturnReason.RETURN_REASON_UNWANTED,
            **fields,
        }
    )


def receipt(return_id: str, *lines: ReceivedLine, **fields: Any) -> ReceiveReturnRequest:
    return ReceiveReturnRequest(
        **{"request_id": new_id(), "return_id": return_id, "lines": lines, **fields}
    )


class Desk:
    """The three services. ``at`` is what returns calls at the points where it could crash."""

    def __init__(self, house: House, database_url: str) -> None:
        self.house = house
        self._database_url = database_url
        self._returns = AsyncExitStack()
        self._port = 0
        self.at: Callable[[str], None] = lambda _point: None
        self.database: Database | None = None
        self.mesh = house.mesh

    async def open(self) -> None:
        """Start all; WEST sells what comes back, EAST keeps it apart, the others take nothing."""
        await self.start_returns()
        self.house.peers = {"returns": self.house.targets["returns"]}
        await self.house.open()
        await self.house.network(
            entry("WEST", return_handling=RESTOCK), entry("EAST", return_handling=KEEP_APART)
        )
        # Now that the addresses of its peers are known.
        await self.stop_returns()
        await self.start_returns()

    async def start_returns(self, caller: str = "returns") -> None:
        """Serve returns, with what it knew before, where it was before."""
        clock = SystemClock()
        self.database = await Database.open(self._database_url, clock=clock)
        peers = await self._returns.enter_async_context(Mesh(self.house.targets, caller=caller))
        definition = assemble(
            Seams(self.database, clock, NoJitter(), peers, frozenset(), self._reach)
        )
        served = await self._returns.enter_async_context(serving(definition, port=self._port))
        self._port = int(served.targets["returns"].rsplit(":", 1)[1])
        await self._know(served.targets["returns"])

    async def stop_returns(self) -> None:
        await self._returns.aclose()

    async def close(self) -> None:
        await self.mesh.close()
        await self.stop_returns()
        await self.house.close()

    async def _reach(self, point: str) -> None:
        self.at(point)

    async def _know(self, target: str) -> None:
        self.house.targets["returns"] = target
        await self.mesh.close()
        self.mesh = Mesh(self.house.targets)

    async def sell(self, order_id: str, *lines: NewOrderLine, **fields: Any) -> None:
        """Submit and ship an order, and wait until returns has heard of it."""
        house = self.house
        reply = await house.submit(order_id, *lines, **fields)
        work = await house.work(order_id)
        for one in work:
            await house.ship(one)
        units = sum(line.quantity for one in work for line in one.lines)
        assert units, reply
        await eventually(lambda: self.has_heard(order_id, units))

    async def has_heard(self, order_id: str, units: int) -> bool:
        lines = await self.returnable(order_id)
        return sum(one[0] for one in lines.values()) == units

    async def returnable(self, order_id: str = "O-1") -> dict[tuple[str, str], tuple[int, ...]]:
        """Shipped, on its way, back, returnable: by line and item."""
        request = GetReturnableRequest(order_id=order_id)
        reply = await self.mesh.returns.GetReturnable(request)
        return {
            (one.line_id, one.sku): (
                one.shipped_quantity,
                one.authorized_quantity,
                one.received_quantity,
                one.returnable_quantity,
            )
            for one in reply.lines
        }

    async def authorize(self, return_id: str, *lines: AuthorizedLine, **fields: Any) -> Return:
        request = authorization(return_id, *lines, **fields)
        return (await self.mesh.returns.AuthorizeReturn(request)).order_return

    async def receive(self, return_id: str, *lines: ReceivedLine, **fields: Any) -> Return:
        request = receipt(return_id, *lines, **fields)
        return (await self.mesh.returns.ReceiveReturn(request, timeout=20)).order_return

    async def cancel(self, return_id: str) -> Return:
        request = CancelReturnRequest(request_id=new_id(), return_id=return_id)
        return (await self.mesh.returns.CancelReturn(request)).order_return

    async def dispose(self, return_id: str, *lines: DisposedLine) -> Return:
        request = DisposeReturnedRequest(request_id=new_id(), return_id=return_id, lines=lines)
        reply = await self.mesh.dispositions.DisposeReturned(request, timeout=20)
        return reply.order_return

    async def get(self, return_id: str) -> Return:
        return (
            await self.mesh.returns.GetReturn(GetReturnRequest(return_id=return_id))
        ).order_return

    async def stock(self, place: str) -> tuple[int, int]:
        """On hand and blocked."""
        found = await self._balance(place)
        return found.on_hand, found.blocked

    async def kept_apart(self, place: str) -> tuple[int, int]:
        """Blocked to be inspected, and damaged."""
        found = await self._balance(place)
        return found.in_inspection, found.damaged

    async def _balance(self, place: str) -> Balance:
        wanted = key(place)
        request = ListBalancesRequest(skus=[wanted.sku], location_ids=[wanted.location_id])
        found = await self.mesh.ledger.ListBalances(request)
        return next(iter(found.balances), Balance())

    async def events(self, count: int) -> list[EventEnvelope]:
        """The first so many events of returns."""
        found: list[EventEnvelope] = []
        request = WatchEventsRequest(start_revision=1)
        async for page in self.mesh.events("returns").WatchEvents(request, timeout=20):
            found.extend(revised.event for revised in page.events)
            if len(found) >= count:
                return found
        raise AssertionError(f"Only {len(found)} events came.")

    async def fingerprint(self) -> object:
        """Everything that returns has stored."""
        database = self.database
        assert database is not None

        async def read(tx: Transaction) -> dict[str, list[str]]:
            return {
                table.name: sorted(map(repr, await tx.execute(select(table))))
                for table in metadata.sorted_tables
            }

        return await database.read(read)


def quantities(one: Return) -> dict[tuple[str, str], tuple[int, ...]]:
    """Authorized, received, restocked, blocked, discarded: by line and item."""
    return {
        (line.line_id, line.sku): (
            line.quantity,
            line.received_quantity,
            line.restocked_quantity,
            line.blocked_quantity,
            line.discarded_quantity,
        )
        for line in one.lines
    }


def states(one: Return) -> list[str]:
    return [Return.State.Name(change.state).removeprefix("STATE_") for change in one.history]


def types(events: Iterable[EventEnvelope]) -> list[str]:
    return [event.type.removeprefix("ordermesh.").removesuffix(".v1") for event in events]
