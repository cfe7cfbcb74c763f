"""The copy of what can be promised that inventory keeps in Redis, where it is told to.

Many readers share it without a call to inventory. It holds nothing that cannot be made again. Where
it is away, lost or wrong, readers wait or ask inventory; no unit is ever promised because of it.
``AvailabilityMatrix`` follows it as it follows inventory::

    async with StockCopy("redis://redis:6379/0") as copy, AvailabilityMatrix(copy) as stock:
        await stock.loaded()

It needs the extra ``redis``.
"""

import asyncio
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

from google.protobuf.message import DecodeError, Message

from ordermesh.api.inventory.v1 import (
    AvailabilityVector,
    CopyChange,
    CopyHead,
    KitComposition,
    PackedBalances,
    SealedCopy,
    WatchAvailabilityResponse,
)
from ordermesh.client.watching import LoadAgain, SourceAway

M = TypeVar("M", bound=Message)

__all__ = ["CopyAway", "StockCopy"]

HEAD_KEY = "ordermesh:availability:head"

CALL_SECONDS = 0.5
"""Redis answers in less than a millisecond, or something is wrong with it."""

LOAD_ROWS = 500
CHANGES_MAX = 100
FOLLOW_SECONDS = 1.0
"""How long a reader waits for a change before it looks whether the copy is still the same."""


class CopyAway(SourceAway):
    """There is no copy, or Redis does not answer: wait, or ask inventory."""


def key_of(epoch: int, part: str) -> str:
    """The key of ``vectors``, ``kits`` or ``changes`` of a copy."""
    return f"ordermesh:availability:{epoch}:{part}"


def seal(message: Message) -> bytes:
    """A message with its checksum."""
    body = message.SerializeToString()
    return SealedCopy(checksum=zlib.crc32(body), body=body).SerializeToString()


def unseal(kind: type[M], raw: bytes | None) -> M | None:
    """The message; None where there is none, or another than was sealed."""
    if raw is None:
        return None
    try:
        sealed = SealedCopy.FromString(raw)
        if zlib.crc32(sealed.body) != sealed.checksum:
            return None
        return kind.FromString(sealed.body)
    except DecodeError:
        return None


def vector_of(raw: bytes | None, epoch: int, sku: str) -> AvailabilityVector | None:
    """The vector of an item; None where it is missing, damaged, or of another item or copy."""
    vector = unseal(AvailabilityVector, raw)
    if vector is None or vector.epoch != epoch or vector.sku != sku:
        return None
    width = len(vector.location_ids)
    figures = (vector.on_hand, vector.reserved, vector.available, vector.sequences)
    return vector if all(len(one) == width for one in figures) else None


@dataclass(frozen=True)
class Head:
    """The head of a copy, and how old it was when it was read."""

    epoch: int
    revision: int
    age_seconds: float
    copy_time: datetime
    vector_count: int
    change_revision: int


def head_of(raw: bytes | None, now: Sequence[int]) -> Head | None:
    """The head; ``now`` is the time of Redis in seconds and microseconds."""
    read = unseal(CopyHead, raw)
    if read is None or not read.epoch or not read.HasField("copy_time"):
        return None
    seconds, microseconds = now
    instant = datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=microseconds)
    written = read.copy_time.ToDatetime(tzinfo=UTC)
    age = (instant - written).total_seconds()
    return Head(
        read.epoch,
        read.revision,
        max(0.0, age),
        written,
        read.vector_count,
        read.change_revision,
    )


class StockCopy:
    """Redis, as a reader of the copy sees it: at ``url``, ``redis://`` or ``rediss://``.

    After ``seconds`` without an answer it counts as away; following needs more than one.
    """

    def __init__(self, url: str, *, seconds: float = CALL_SECONDS + FOLLOW_SECONDS) -> None:
        self._redis = open_redis(url, seconds=seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def head(self) -> Head:
        """What the copy is worth now; raises ``CopyAway``."""
        with translated():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.time()
                pipe.get(HEAD_KEY)
                now, raw = await pipe.execute()
        head = head_of(raw, now)
        if head is None:
            raise CopyAway("Redis holds no copy now.")
        return head

    async def vectors(
        self, skus: Sequence[str]
    ) -> tuple[Head, Mapping[str, AvailabilityVector | None]]:
        """The vectors of items, of one moment; None where there is no sound one, and of kits.

        Raises ``CopyAway``.
        """
        head = await self.head()
        for _ in range(2):
            with translated():
                async with self._redis.pipeline(transaction=True) as pipe:
                    pipe.time()
                    pipe.get(HEAD_KEY)
                    pipe.hmget(key_of(head.epoch, "vectors"), list(skus))
                    # What was stocked before it became a kit has a vector still, of nothing.
                    pipe.hmget(key_of(head.epoch, "kits"), list(skus))
                    now, raw, found, kits = await pipe.execute()
            read = head_of(raw, now)
            if read is None:
                break
            if read.epoch == head.epoch:
                return read, {
                    sku: vector_of(one, read.epoch, sku) if kit is None else None
                    for sku, one, kit in zip(skus, found, kits, strict=True)
                }
            head = read
        raise CopyAway("Redis holds no copy now.")

    def follower(self) -> "CopyFollower":
        """What one matrix follows the copy with."""
        return CopyFollower(self)

    async def picture(self, head: Head) -> AsyncIterator[WatchAvailabilityResponse]:
        """The whole copy as a snapshot of inventory; raises ``CopyAway``, ``LoadAgain``."""
        count = 0
        async for rows in self._hash(key_of(head.epoch, "vectors")):
            vectors = [vector_of(raw, head.epoch, sku) for sku, raw in rows.items()]
            count += len(vectors)
            yield WatchAvailabilityResponse(packed=_packed(vectors))
        if count < head.vector_count:
            raise LoadAgain("Vectors are missing.")
        async for rows in self._hash(key_of(head.epoch, "kits")):
            kits = [unseal(KitComposition, raw) for raw in rows.values()]
            if None in kits:
                raise LoadAgain("A kit is damaged.")
            yield WatchAvailabilityResponse(kits=[kit for kit in kits if kit])
        yield WatchAvailabilityResponse(revision=head.revision, snapshot_end=True)

    async def changes(self, epoch: int, revision: int) -> Sequence[CopyChange]:
        """The changes after a revision, when there are some or a moment has passed.

        Raises ``CopyAway``, and ``LoadAgain`` where something is damaged or was missed.
        """
        with translated():
            found = await self._redis.xread(
                {key_of(epoch, "changes"): f"{revision}-0"},
                count=CHANGES_MAX,
                block=round(FOLLOW_SECONDS * 1000),
            )
        changes = []
        for _, fields in (entry for _, entries in found or () for entry in entries):
            change = unseal(CopyChange, fields.get(b"change"))
            if change is None or change.epoch != epoch or change.previous_revision != revision:
                raise LoadAgain("A change is damaged or was missed.")
            revision = change.revision
            changes.append(change)
        return changes

    async def has_lost(self, head: Head, revision: int) -> bool:
        """Whether the stream does not hold what follows a revision, although the head says so."""
        with translated():
            found = await self._redis.xrange(
                key_of(head.epoch, "changes"), f"({revision}-0", "+", count=1
            )
        return not found

    async def _hash(self, key: str) -> AsyncIterator[Mapping[str, bytes]]:
        cursor = 0
        while True:
            with translated():
                cursor, found = await self._redis.hscan(key, cursor, count=LOAD_ROWS)
            if found:
                yield {name.decode(errors="replace"): raw for name, raw in found.items()}
            if not cursor:
                return


class CopyFollower:
    """Tells one reader what a copy holds and what becomes of it."""

    def __init__(self, copy: StockCopy) -> None:
        self._copy = copy
        self._epoch = 0
        self._seen = 0
        self._whole = float("-inf")  # when the copy had everything, by the loop's clock

    async def told(
        self, *, afresh: bool
    ) -> AsyncGenerator[tuple[WatchAvailabilityResponse, float], None]:
        """What there is, if ``afresh``, and then what changes, each with its age in seconds.

        Raises ``CopyAway``, and ``LoadAgain`` when another copy has begun or something was missed.
        """
        head = await self._head()
        if afresh:
            self._epoch, self._seen = head.epoch, head.change_revision
            async for reply in self._copy.picture(head):
                yield reply, self._age()
        while True:
            for change in await self._copy.changes(self._epoch, self._seen):
                self._seen = change.revision
                yield (
                    WatchAvailabilityResponse(
                        revision=change.revision, packed=change.packed, kits=change.kits
                    ),
                    self._age(),  # more may follow: only a head tells that nothing is missing
                )
            head = await self._head()
            if head.epoch != self._epoch or head.change_revision < self._seen:
                raise LoadAgain("Another copy has begun.")
            if head.change_revision == self._seen:
                yield WatchAvailabilityResponse(revision=head.revision), head.age_seconds
            elif await self._copy.has_lost(head, self._seen):
                raise LoadAgain("Changes were lost.")

    async def _head(self) -> Head:
        head = await self._copy.head()
        self._whole = asyncio.get_running_loop().time() - head.age_seconds
        return head

    def _age(self) -> float:
        """How old the copy is by the head that was read last."""
        return asyncio.get_running_loop().time() - self._whole


def open_redis(url: str, *, seconds: float = CALL_SECONDS + FOLLOW_SECONDS) -> Any:
    """Connections that give up soon; raises ``ModuleNotFoundError`` without the extra ``redis``."""
    try:
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Redis needs the extra `redis`: pip install 'ordermesh[redis]'."
        ) from error

    return Redis.from_url(
        url,
        socket_timeout=seconds,
        socket_connect_timeout=min(seconds, CALL_SECONDS),
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )


class translated:  # noqa: N801 - it reads as a statement
    """A block in which whatever Redis or the network says is ``CopyAway``."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        from redis.exceptions import RedisError

        if isinstance(error, RedisError | OSError | TimeoutError):
            raise CopyAway(
                f"Redis does not answer as it should: {type(error).__name__}."
            ) from error


def _packed(vectors: Sequence[AvailabilityVector | None]) -> PackedBalances:
    packed = PackedBalances()
    places: dict[str, int] = {}
    for number, vector in enumerate(vectors):
        if vector is None:
            raise LoadAgain("A vector is damaged.")
        packed.skus.append(vector.sku)
        packed.sku_numbers.extend([number] * len(vector.location_ids))
        packed.location_numbers.extend(
            places.setdefault(location_id, len(places)) for location_id in vector.location_ids
        )
        packed.on_hand.extend(vector.on_hand)
        packed.reserved.extend(vector.reserved)
        packed.available.extend(vector.available)
        packed.sequences.extend(vector.sequences)
    packed.location_ids.extend(places)
    return packed
