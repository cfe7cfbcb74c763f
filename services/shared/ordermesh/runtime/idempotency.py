"""One place turns a command into a recorded fact: look up the request id, do, record, commit."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import ClassVar, Protocol, TypeVar, cast
from uuid import UUID

from google.protobuf.message import Message
from sqlalchemy import delete, insert, select

from ordermesh.kernel.errors import DomainError, InvalidRequest, RuleViolated
from ordermesh.runtime.call import current_call
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.tables import reply as replies

R = TypeVar("R", bound=Message)

PRUNE_ROWS = 1_000
"""How many stored replies one transaction deletes at most."""


class RequestIdReused(InvalidRequest):
    """The request id was used before, for something else."""

    reason: ClassVar[str] = "REQUEST_ID_REUSED"


class RequestIdMalformed(InvalidRequest):
    """The request id is not a UUID."""

    reason: ClassVar[str] = "FIELD_VIOLATION"


class _Identified(Protocol):
    request_id: str


class Mutations:
    """Runs mutations so that a retry gets the first answer and changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(
        self,
        request: Message,
        reply_type: type[R],
        operation: Callable[[Transaction], Awaitable[R]],
    ) -> R:
        """The reply of ``operation``, or of the first call that carried this request's id.

        The reply, or the ``RuleViolated`` that the operation raised after its effects were rolled
        back, is recorded in the transaction of the effect. Every other error records nothing, so
        that a retry drives the work again. Raises ``RequestIdReused`` when the id came with another
        method, caller or content, ``LookupError`` outside of a call, and what ``Database.run``
        raises.
        """
        request_id = _request_id(request)
        request_hash = _request_hash(request)

        async def transact(tx: Transaction) -> R | RuleViolated:
            known = await _stored(tx, request_id, request_hash, reply_type)
            if known is not None:
                return known
            outcome: R | RuleViolated
            try:
                async with tx.savepoint():
                    outcome = await operation(tx)
            except RuleViolated as refusal:
                outcome = refusal
            except DomainError:
                # A twin may have committed since we looked, and be what the operation stumbled on.
                known = await _stored(tx, request_id, request_hash, reply_type)
                if known is None:
                    raise
                return known
            await _store(tx, request_id, request_hash, outcome)
            return outcome

        outcome = await self._database.run(transact)
        if isinstance(outcome, RuleViolated):
            raise outcome
        return outcome


async def prune(tx: Transaction, older_than: datetime) -> int:
    """Delete stored replies made before ``older_than``, at most ``PRUNE_ROWS``; gives how many."""
    old = select(replies.c.request_id).where(replies.c.create_time < older_than).limit(PRUNE_ROWS)
    result = await tx.execute(delete(replies).where(replies.c.request_id.in_(old)))
    return result.rowcount


def _request_id(request: Message) -> UUID:
    written = cast("_Identified", request).request_id
    try:
        return UUID(written)
    except ValueError as error:
        raise RequestIdMalformed(
            "request_id must be a UUID.", {"field": "request_id", "rule": "string.uuid"}
        ) from error


def _request_hash(request: Message) -> bytes:
    call = current_call()
    digest = hashlib.sha256()
    for part in (
        call.method.encode(),
        call.identity.name.encode(),
        request.SerializeToString(deterministic=True),
    ):
        # The length keeps two parts from being read as one.
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


async def _stored(
    tx: Transaction, request_id: UUID, request_hash: bytes, reply_type: type[R]
) -> R | RuleViolated | None:
    result = await tx.execute(select(replies).where(replies.c.request_id == request_id))
    row = result.one_or_none()
    if row is None:
        return None
    if row.request_hash != request_hash:
        raise RequestIdReused(
            "This request id was used before for something else.", {"requestId": request_id}
        )
    if row.refusal is not None:
        return _read_refusal(row.refusal)
    return reply_type.FromString(row.reply)


async def _store(
    tx: Transaction, request_id: UUID, request_hash: bytes, outcome: Message | RuleViolated
) -> None:
    call = current_call()
    is_refusal = isinstance(outcome, RuleViolated)
    await tx.execute(
        insert(replies).values(
            request_id=request_id,
            request_hash=request_hash,
            method=call.method,
            caller=call.identity.name,
            reply=None if is_refusal else cast("Message", outcome).SerializeToString(),
            refusal=_write_refusal(outcome) if isinstance(outcome, RuleViolated) else None,
            create_time=tx.instant(),
        )
    )


def _write_refusal(refusal: RuleViolated) -> str:
    rows = [{key: str(value) for key, value in row.items()} for row in refusal.rows]
    return json.dumps({"reason": refusal.reason, "sentence": refusal.sentence, "rows": rows})


def _read_refusal(written: str) -> RuleViolated:
    fields = json.loads(written)
    kind = type("StoredRefusal", (RuleViolated,), {"reason": fields["reason"]})
    refusal: RuleViolated = kind(fields["sentence"], *fields["rows"])
    return refusal
