"""One place turns a command into a recorded fact: look up the request id, do, record, commit."""

import json
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar, cast
from uuid import UUID

from google.protobuf.message import Message
from opentelemetry.context import Context, get_current
from sqlalchemy import (
    ARRAY,
    Select,
    Uuid,
    bindparam,
    delete,
    func,
    select,
)

from ordermesh.kernel.errors import DomainError, InvalidRequest, NotFound, RuleViolated
from ordermesh.runtime import failpoints
from ordermesh.runtime.at_once import AtOnce
from ordermesh.runtime.batching import LATER, Later
from ordermesh.runtime.bulk import insert_rows
from ordermesh.runtime.call import Call, current_call
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.engines import Dialect
from ordermesh.runtime.prepared import Prepared
from ordermesh.runtime.request_identity import (
    RequestIdMalformed,
    request_hash_of,
    request_id_of,
)
from ordermesh.runtime.tables import insert_now
from ordermesh.runtime.tables import reply as replies

R = TypeVar("R", bound=Message)
Q = TypeVar("Q", bound=Message)

Answer: TypeAlias = R | Exception | Later
"""What becomes of one of many requests: its reply, its error, or that its turn comes later."""

PRUNE_ROWS = 1_000
"""How many stored replies one transaction deletes at most."""


class RequestIdReused(InvalidRequest):
    """The request id was used before, for something else."""

    reason: ClassVar[str] = "REQUEST_ID_REUSED"


@dataclass(frozen=True)
class Asked(Generic[Q]):
    """A request that is handled together with others: whose it is, and its trace."""

    call: Call
    request: Q
    trace: Context = field(default_factory=get_current)


class Mutations:
    """Runs mutations so that a retry gets the first answer and changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(
        self,
        request: Message,
        reply_type: type[R],
        operation: Callable[[Transaction], Awaitable[R]],
        keeps: tuple[type[DomainError], ...] = (RuleViolated,),
    ) -> R:
        """The reply of ``operation``, or of the first call that carried this request's id.

        The reply, or the ``RuleViolated`` that the operation raised after its effects were rolled
        back, is recorded in the transaction of the effect; ``keeps`` are other errors that are,
        a ``NotFound`` as such, others with the status of a ``RuleViolated``. Every other error
        records nothing, so that a retry drives the work again. Raises ``RequestIdReused`` when the
        id came with another method, caller or content, ``LookupError`` outside of a call, and what
        ``Database.run`` raises.
        """
        request_id = request_id_of(request)
        call = current_call()
        request_hash = request_hash_of(call, request)

        async def transact(tx: Transaction) -> R | DomainError:
            known = await _stored(tx, request_id, request_hash, reply_type)
            if known is not None:
                return known
            outcome: R | DomainError
            try:
                async with tx.savepoint():
                    outcome = await operation(tx)
            except keeps as refusal:
                outcome = refusal
            except DomainError:
                # A twin may have committed since we looked, and be what the operation stumbled on.
                known = await _stored(tx, request_id, request_hash, reply_type)
                if known is None:
                    raise
                return known
            if failpoints.armed:
                await failpoints.reach(failpoints.points.MUTATION_DECIDED)
            row = _reply_row(call, request_id, request_hash, outcome)
            row.update(tx.instants("create_time"))
            await tx.execute(insert_now(replies, tx.dialect, "create_time"), row)
            if failpoints.armed:
                await failpoints.reach(failpoints.points.MUTATION_RECORDED)
            return outcome

        outcome = await self._database.run(transact)
        if isinstance(outcome, DomainError):
            raise outcome
        return outcome

    async def known(self, request: Message, reply_type: type[R]) -> R | None:
        """The reply that was recorded for this request's id; None where there is none yet.

        For what takes long before its transaction. Raises as ``run`` does, the recorded refusal
        among it.
        """
        request_id, request_hash = request_id_of(request), request_hash_of(current_call(), request)
        outcome = await self._database.read(
            lambda tx: _stored(tx, request_id, request_hash, reply_type)
        )
        if isinstance(outcome, DomainError):
            raise outcome
        return outcome

    async def run_many(
        self,
        asked: Sequence[Asked[Q]],
        reply_type: type[R],
        operation: Callable[[Transaction, Sequence[Asked[Q]]], Awaitable[Sequence[Answer[R]]]],
        is_wanted: Callable[[int], bool] = lambda _: True,
        see_known: Callable[[int, R], None] = lambda _place, _reply: None,
        *,
        is_patient: bool = True,
    ) -> list[Answer[R]]:
        """The answers to many requests in one transaction, each as ``run`` would answer it alone.

        ``operation`` gets those that were not answered before, each id once, and gives their
        answers: what it refuses has changed nothing. An id that comes twice is answered alike.
        ``is_wanted`` is asked for each place once the transaction has begun; what is not wanted any
        more is put off. ``see_known`` is shown the replies that were recorded before, by place,
        before ``operation`` begins. ``is_patient`` is as for ``Database.run``, and so is what is
        raised.
        """

        async def transact(tx: Transaction) -> list[Answer[R]]:
            batch = _Batch(asked, reply_type, is_wanted)
            batch.replay(await _stored_rows(tx, batch.request_ids))
            for place, reply in batch.known():
                see_known(place, reply)
            fresh = batch.fresh()
            if fresh:
                batch.answer(fresh, await operation(tx, [asked[place] for place in fresh]))
                stumbled = batch.stumbled()
                if stumbled:
                    # Perhaps on what a twin has committed since.
                    batch.replay(await _stored_rows(tx, stumbled))
                if failpoints.armed:
                    await failpoints.reach(failpoints.points.MUTATIONS_DECIDED)
                rows = batch.rows(fresh, await tx.last_now())
                await insert_rows(tx, replies, rows)
                if failpoints.armed:
                    await failpoints.reach(failpoints.points.MUTATIONS_RECORDED)
            return batch.answers()

        return await self._database.run(transact, is_patient=is_patient)

    async def run_at_once(
        self,
        asked: Sequence[Asked[Q]],
        reply_type: type[R],
        operation: Callable[[AtOnce, Sequence[Asked[Q]]], Awaitable[Sequence[Answer[R]]]],
        is_wanted: Callable[[int], bool] = lambda _: True,
    ) -> list[Answer[R]]:
        """As ``run_many``, for what ``operation`` decides on what is remembered, without looking.

        It answers with replies, and with ``LATER`` for what is to be looked at. A request that was
        answered before meets its own stored reply there, which makes the whole fail. Raises as
        ``Database.run_at_once``; then all are to be given to ``run_many``.
        """

        async def transact(tx: AtOnce) -> list[Answer[R]]:
            batch = _Batch(asked, reply_type, is_wanted)
            fresh = batch.fresh()
            batch.answer(fresh, await operation(tx, [asked[place] for place in fresh]))
            await insert_rows(tx, replies, batch.rows(fresh, await tx.last_now()))
            return batch.answers()

        return await self._database.run_at_once(transact)


class _Batch(Generic[Q, R]):
    """Requests that are answered together, by their places."""

    def __init__(
        self,
        asked: Sequence[Asked[Q]],
        reply_type: type[R],
        is_wanted: Callable[[int], bool],
    ) -> None:
        self._asked = asked
        self._reply_type = reply_type
        self._answers: dict[int, Answer[R]] = {}
        self._hashes = [request_hash_of(one.call, one.request) for one in asked]
        self._ids: list[UUID | None] = []
        self._first: dict[UUID, int] = {}
        self._places: dict[UUID, list[int]] = {}
        self._recorded: set[UUID] = set()
        for place, one in enumerate(asked):
            try:
                request_id = request_id_of(one.request)
            except RequestIdMalformed as error:
                self._ids.append(None)
                self._answers[place] = error
            else:
                self._ids.append(request_id)
                self._places.setdefault(request_id, []).append(place)
                if is_wanted(place):
                    self._first.setdefault(request_id, place)

    @property
    def request_ids(self) -> Collection[UUID]:
        """The ids, each once."""
        return self._first.keys()

    def replay(self, rows: Iterable[Any]) -> None:
        """Answer what was answered before: whatever has such an id is held against the record."""
        for row in rows:
            self._recorded.add(row.request_id)
            for place in self._places[row.request_id]:
                try:
                    self._answers[place] = _read(row, self._hashes[place], self._reply_type)
                except RequestIdReused as error:
                    self._answers[place] = error

    def known(self) -> list[tuple[int, R]]:
        """The replies that there are, by place."""
        return [
            (place, answer)
            for place, answer in self._answers.items()
            if isinstance(answer, self._reply_type)
        ]

    def fresh(self) -> list[int]:
        """The places of ids that have no answer yet."""
        return [place for place in self._first.values() if place not in self._answers]

    def answer(self, places: Sequence[int], answers: Sequence[Answer[R]]) -> None:
        """Note what was decided."""
        self._answers.update(zip(places, answers, strict=True))

    def stumbled(self) -> list[UUID]:
        """The ids of requests that met an error which is not recorded."""
        return [
            request_id
            for request_id, place in self._first.items()
            if isinstance(answer := self._answers[place], DomainError)
            and not isinstance(answer, RuleViolated | InvalidRequest)
        ]

    def rows(self, places: Sequence[int], now: datetime) -> list[dict[str, Any]]:
        """The rows of the answers that are to be recorded: replies and refusals by a rule.

        In the order of their ids, so that two transactions with the same ones wait in one order.
        """
        found = []
        for place in places:
            answer, request_id = self._answers[place], self._ids[place]
            if request_id is None or request_id in self._recorded:
                continue
            if isinstance(answer, Message | RuleViolated):
                call, request_hash = self._asked[place].call, self._hashes[place]
                row = _reply_row(call, request_id, request_hash, answer)
                found.append({**row, "create_time": now})
        return sorted(found, key=lambda row: row["request_id"].int)

    def answers(self) -> list[Answer[R]]:
        """An answer for each place; of an id that is new and comes twice, that of the first."""
        return [
            self._answers[place] if place in self._answers else self._answer_of_first(place)
            for place in range(len(self._asked))
        ]

    def _answer_of_first(self, place: int) -> Answer[R]:
        request_id = self._ids[place]
        first = None if request_id is None else self._first.get(request_id)
        if first is None:
            return LATER  # nobody waits for it
        answer = self._answers[first]
        if self._hashes[first] == self._hashes[place]:
            return answer
        # What leaves no record has not used the id.
        return reused(request_id) if isinstance(answer, Message | RuleViolated) else LATER


async def prune(tx: Transaction, older_than: datetime) -> int:
    """Delete stored replies made before ``older_than``, at most ``PRUNE_ROWS``; gives how many."""
    old = select(replies.c.request_id).where(replies.c.create_time < older_than).limit(PRUNE_ROWS)
    result = await tx.execute(delete(replies).where(replies.c.request_id.in_(old)))
    return result.rowcount


_STORED = select(replies).where(replies.c.request_id == bindparam("of_request"))


async def _stored(
    tx: Transaction, request_id: UUID, request_hash: bytes, reply_type: type[R]
) -> R | DomainError | None:
    result = await tx.execute(_STORED, {"of_request": request_id})
    row = result.one_or_none()
    return None if row is None else _read(row, request_hash, reply_type)


def _reading(dialect: Dialect) -> Select[Any]:
    wanted = (
        replies.c.request_id == func.any(bindparam("ids", type_=ARRAY(Uuid)))
        if dialect == "postgresql"
        else replies.c.request_id.in_(bindparam("ids", expanding=True))
    )
    columns = (replies.c.request_id, replies.c.request_hash, replies.c.reply, replies.c.refusal)
    return select(*columns).where(wanted)


_READING = Prepared(_reading)


async def _stored_rows(tx: Transaction, request_ids: Collection[UUID]) -> Sequence[Any]:
    return await tx.rows(_READING, {"ids": list(request_ids)})


def _read(row: Any, request_hash: bytes, reply_type: type[R]) -> R | DomainError:
    """The answer that was stored. Raises ``RequestIdReused`` when it is of another request."""
    if row.request_hash != request_hash:
        raise reused(row.request_id)
    if row.refusal is not None:
        return _read_refusal(row.refusal)
    return reply_type.FromString(row.reply)


def reused(request_id: UUID | None) -> RequestIdReused:
    """The error of a request id that was used before for something else."""
    return RequestIdReused(
        "This request id was used before for something else.", {"requestId": request_id}
    )


def _reply_row(
    call: Call,
    request_id: UUID,
    request_hash: bytes,
    outcome: Message | DomainError,
) -> dict[str, Any]:
    is_refusal = isinstance(outcome, DomainError)
    return {
        "request_id": request_id,
        "request_hash": request_hash,
        "method": call.method,
        "caller": call.identity.name,
        "reply": None if is_refusal else cast("Message", outcome).SerializeToString(),
        "refusal": _write_refusal(outcome) if isinstance(outcome, DomainError) else None,
    }


def _write_refusal(refusal: DomainError) -> str:
    rows = [{key: str(value) for key, value in row.items()} for row in refusal.rows]
    written = {"reason": refusal.reason, "sentence": refusal.sentence, "rows": rows}
    return json.dumps(written | {"is_missing": True} if isinstance(refusal, NotFound) else written)


def _read_refusal(written: str) -> DomainError:
    fields = json.loads(written)
    base = NotFound if "is_missing" in fields else RuleViolated
    kind = type("StoredRefusal", (base,), {"reason": fields["reason"]})
    refusal: DomainError = kind(fields["sentence"], *fields["rows"])
    return refusal
