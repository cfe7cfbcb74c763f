"""Taking goods in, deciding later about what was kept apart, and telling the ledger of both."""

from collections.abc import Callable, Sequence

from ordermesh.api.returns.v1 import (
    DisposeReturnedRequest,
    DisposeReturnedResponse,
    ReceiveReturnRequest,
    ReceiveReturnResponse,
)
from ordermesh.api.returns.v1 import Return as ReturnMessage
from ordermesh.kernel.clock import Clock
from ordermesh.returns.domain.errors import NoReturnLocation, ReturnNotFound
from ordermesh.returns.domain.order_return import Return
from ordermesh.returns.domain.receiving import (
    Arrival,
    blocked_locations,
    dispose,
    disposed,
    not_disposed,
    not_posted,
    posted,
    receive,
)
from ordermesh.returns.operations.calling import acting, answer_by
from ordermesh.returns.operations.records import Records
from ordermesh.returns.ports import Destination, Ledger, LedgerRefused, ReturnStore, Routing
from ordermesh.returns.wire.fitting import check_received
from ordermesh.returns.wire.messages import return_message
from ordermesh.returns.wire.requests import arrived_lines, disposed_lines
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.failpoints import At
from ordermesh.runtime.idempotency import Mutations
from ordermesh.runtime.waiting import Waiters
from ordermesh.runtime.work import Claimed, WorkKind, enqueue

RECEIPT, DISPOSAL = b"receipt", b"disposal"

WORK_KIND = "post"
"""The kind of work that tells the ledger; the key is the return's id."""


Answer = Destination | NoReturnLocation
"""What routing says of a location; a refusal is raised where it is recorded."""


class _NotAsked(Exception):
    """Routing is to be asked about a location before anything can be decided."""

    def __init__(self, one: Return, location_ids: Sequence[str]) -> None:
        super().__init__("Routing is to be asked.")
        self.order_return = one
        self.location_ids = location_ids


class ReceiveReturn:
    """Takes goods in."""

    def __init__(
        self,
        database: Database,
        mutations: Mutations,
        clock: Clock,
        store: ReturnStore,
        routing: Routing,
        records: Records,
        waiters: Waiters,
    ) -> None:
        self._database = database
        self._mutations = mutations
        self._clock = clock
        self._store = store
        self._routing = routing
        self._records = records
        self._waiters = waiters

    async def receive(self, request: ReceiveReturnRequest) -> ReceiveReturnResponse:
        """Record what arrived; answered when the ledger knows, or when time is up."""
        known: dict[str, Answer] = {}

        async def run(tx: Transaction) -> ReceiveReturnResponse:
            before = await self._records.locked(tx, request.return_id)
            location_id = request.location_id or before.location_id
            if location_id not in known:
                raise _NotAsked(before, [location_id])
            found = known[location_id]
            if isinstance(found, NoReturnLocation):
                raise found  # in here, where it is recorded as what the request was answered
            arrival = Arrival(arrived_lines(request), location_id, found.restocks, request.last)
            others = await self._others(tx, before)
            paid = await self._store.paid(tx, before.order_id)
            actor = acting(request.on_behalf_of)
            after, events = receive(before, arrival, others, paid, actor, await tx.now())
            written = await self._records.save(tx, before, check_received(after), events)
            await _post(tx, written.return_id, RECEIPT, len(written.receipts))
            return ReceiveReturnResponse(order_return=return_message(written))

        while True:
            try:
                receipt = await self._mutations.run(request, ReceiveReturnResponse, run)
                break
            except _NotAsked as missing:
                await self._ask(missing, known)
        number = len(receipt.order_return.receipts)
        later = await self._when(
            request.return_id, lambda one: one.receipts[number - 1].movement_id is not None
        )
        return receipt if later is None else ReceiveReturnResponse(order_return=later)

    async def dispose(self, request: DisposeReturnedRequest) -> DisposeReturnedResponse:
        """Decide about units that were kept apart; answered as a receipt is."""
        known: dict[str, Answer] = {}

        async def run(tx: Transaction) -> DisposeReturnedResponse:
            before = await self._records.locked(tx, request.return_id)
            missing = sorted(blocked_locations(before) - known.keys())
            if missing:
                raise _NotAsked(before, missing)
            # A location that takes no goods back any more sells none of them.
            restocks = {
                name: isinstance(one, Destination) and one.restocks for name, one in known.items()
            }
            after = dispose(
                before,
                disposed_lines(request.lines),
                restocks,
                acting(request.on_behalf_of),
                await tx.now(),
            )
            written = await self._records.save(tx, before, after)
            await _post(tx, written.return_id, DISPOSAL, len(written.disposals))
            return DisposeReturnedResponse(order_return=return_message(written))

        while True:
            try:
                receipt = await self._mutations.run(request, DisposeReturnedResponse, run)
                break
            except _NotAsked as missing:
                await self._ask(missing, known)
        later = await self._when(
            request.return_id, lambda one: all(part.movement_id for part in one.disposals)
        )
        return receipt if later is None else DisposeReturnedResponse(order_return=later)

    async def _others(self, tx: Transaction, one: Return) -> list[Return]:
        """The other returns of the order, of which none is refunded until the transaction ends."""
        await self._store.lock(tx, one.order_id)
        found = await self._store.of_order(tx, one.order_id)
        return [other for other in found if other.return_id != one.return_id]

    async def _ask(self, missing: _NotAsked, known: dict[str, Answer]) -> None:
        one = missing.order_return
        units = [(line.sku, line.quantity) for line in one.lines]
        for location_id in missing.location_ids:
            try:
                known[location_id] = await self._routing.destination(
                    one.order_id, units, location_id
                )
            except NoReturnLocation as refusal:
                known[location_id] = refusal

    async def _when(
        self, return_id: str, condition: Callable[[Return], bool]
    ) -> ReturnMessage | None:
        """The return as soon as it is so; None when time is up before."""

        async def look(tx: Transaction) -> ReturnMessage | None:
            one = await self._store.load(tx, return_id, lock=False)
            if one is None:
                raise ReturnNotFound(return_id)
            return return_message(one) if condition(one) else None

        try:
            return await self._waiters.wait_for(
                return_id, lambda: self._database.read(look), answer_by(self._clock)
            )
        except TimeoutError:
            return None


class Poster:
    """Tells the ledger what came back and what became of it; a worker runs it.

    ``at`` is called at the named points where the process could end.
    """

    def __init__(self, database: Database, ledger: Ledger, records: Records, at: At) -> None:
        self._database = database
        self._ledger = ledger
        self._records = records
        self._at = at

    def work_kind(self) -> WorkKind:
        """How a worker handles it."""
        return WorkKind(handle=self._handle, needs_a_peer=True)

    async def _handle(self, rows: Sequence[Claimed]) -> None:
        for row in rows:
            await self._post(row)

    async def _post(self, row: Claimed) -> None:
        kind, _, written = row.payload.partition(b":")
        number = int(written)
        one = await self._database.read(lambda tx: self._records.seen(tx, row.key))
        await self._at("before post")
        try:
            if kind == RECEIPT:
                movement_id = await self._ledger.take_back(one, one.receipts[number - 1])
            else:
                movement_id = await self._ledger.dispose(one, one.disposals[number - 1])
        except LedgerRefused:
            await self._database.run(lambda tx: self._keep_refusal(tx, one, kind, number))
            raise
        await self._at("after post")

        async def mark(tx: Transaction) -> None:
            before = await self._records.locked(tx, row.key)
            if kind == RECEIPT:
                after, events = posted(before, number, movement_id, await tx.now())
            else:
                after, events = disposed(before, number, movement_id)
            await self._records.save(tx, before, after, events)
            await row.finish(tx)

        await self._database.run(mark)
        await self._at("marked")

    async def _keep_refusal(self, tx: Transaction, asked: Return, kind: bytes, number: int) -> None:
        """The next attempt is a new request, if this was the last; the worker puts it off."""
        before = await self._records.locked(tx, asked.return_id)
        if kind == RECEIPT:
            after = not_posted(before, number, asked.receipts[number - 1].ledger_refusals)
        else:
            after = not_disposed(before, number, asked.disposals[number - 1].ledger_refusals)
        await self._records.save(tx, before, after)


async def _post(tx: Transaction, return_id: str, kind: bytes, number: int) -> None:
    await enqueue(tx, kind=WORK_KIND, key=return_id, payload=b"%s:%d" % (kind, number))
