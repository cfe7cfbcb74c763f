"""Allowing goods to come back, and withdrawing it."""

from dataclasses import dataclass

from opentelemetry import trace

from ordermesh.api.returns.v1 import (
    AuthorizeReturnRequest,
    AuthorizeReturnResponse,
    CancelReturnRequest,
    CancelReturnResponse,
)
from ordermesh.returns.domain.authorizing import SoldLine, authorize, wanted_units
from ordermesh.returns.domain.errors import NoReturnLocation, ReturnIdTaken
from ordermesh.returns.domain.order_return import ReturnLine
from ordermesh.returns.domain.receiving import cancel
from ordermesh.returns.operations.calling import acting
from ordermesh.returns.operations.records import Records
from ordermesh.returns.ports import Destination, ReturnStore, Routing
from ordermesh.returns.wire.fitting import check_authorized
from ordermesh.returns.wire.messages import return_message
from ordermesh.returns.wire.requests import ask
from ordermesh.runtime import failpoints
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.idempotency import Mutations
from ordermesh.runtime.telemetry import Attributes


class _NotAsked(Exception):
    """Routing is to be asked before anything can be decided."""


@dataclass
class _Answers:
    """What routing has said; the destination, or that there is none, is that of ``lines``."""

    sold: dict[str, SoldLine] | None = None
    lines: tuple[ReturnLine, ...] = ()
    destination: Destination | NoReturnLocation | None = None


class AuthorizeReturn:
    """Makes returns."""

    def __init__(
        self, mutations: Mutations, store: ReturnStore, routing: Routing, records: Records
    ) -> None:
        self._mutations = mutations
        self._store = store
        self._routing = routing
        self._records = records

    async def __call__(self, request: AuthorizeReturnRequest) -> AuthorizeReturnResponse:
        """Allow goods to come back; raises what the contract lists.

        A request that was answered before is answered from what was stored, whether routing can
        be asked or not: it is asked only when a decision lacks its answers.
        """
        trace.get_current_span().set_attribute(Attributes.ORDER_ID, request.order_id)
        answers = _Answers()

        async def run(tx: Transaction) -> AuthorizeReturnResponse:
            return await self._authorize(tx, request, answers)

        while True:
            try:
                return await self._mutations.run(request, AuthorizeReturnResponse, run)
            except _NotAsked:
                await self._ask(request, answers)

    async def cancel(self, request: CancelReturnRequest) -> CancelReturnResponse:
        """Withdraw what of a return has not arrived; raises what the contract lists."""

        async def run(tx: Transaction) -> CancelReturnResponse:
            before = await self._records.locked(tx, request.return_id)
            actor = acting(request.on_behalf_of)
            after, events = cancel(before, actor, await tx.now())
            written = await self._records.save(tx, before, after, events)
            return CancelReturnResponse(order_return=return_message(written))

        return await self._mutations.run(request, CancelReturnResponse, run)

    async def _authorize(
        self, tx: Transaction, request: AuthorizeReturnRequest, answers: _Answers
    ) -> AuthorizeReturnResponse:
        wanted = ask(request)
        await self._store.lock(tx, wanted.order_id)
        if await self._store.load(tx, wanted.return_id, lock=False) is not None:
            raise ReturnIdTaken(wanted.return_id)
        if answers.sold is None:
            raise _NotAsked
        there = {
            (one.line_id, one.sku): one for one in await self._store.returnable(tx, wanted.order_id)
        }
        paid = await self._store.paid(tx, wanted.order_id)
        lines = wanted_units(wanted, answers.sold, there, paid)
        if answers.destination is None or answers.lines != lines:
            answers.lines = lines
            raise _NotAsked
        if isinstance(answers.destination, NoReturnLocation):
            raise answers.destination  # in here, where it is recorded as what was answered
        made, events = authorize(
            wanted,
            lines,
            answers.destination.goal,
            await self._store.of_order(tx, wanted.order_id),
            paid,
            acting(request.on_behalf_of),
            await tx.now(),
        )
        written = await self._records.create(tx, check_authorized(made), events)
        return AuthorizeReturnResponse(order_return=return_message(written))

    async def _ask(self, request: AuthorizeReturnRequest, answers: _Answers) -> None:
        if answers.sold is None:
            answers.sold = await self._routing.sold_lines(request.order_id)
            return
        units = [(line.sku, line.quantity) for line in answers.lines]
        try:
            answers.destination = await self._routing.destination(
                request.order_id, units, request.location_id
            )
        except NoReturnLocation as refusal:
            answers.destination = refusal
        if failpoints.armed:
            await failpoints.reach(failpoints.points.RETURNS_ASKED)
