"""Writes the copy into Redis."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from ordermesh.api.inventory.v1 import CopyChange, CopyHead, KitComposition
from ordermesh.client.copies import (
    HEAD_KEY,
    key_of,
    open_redis,
    seal,
    translated,
    unseal,
    vector_of,
)
from ordermesh.client.vectors import Vectors
from ordermesh.inventory.ports.copies import CopyLost
from ordermesh.inventory.wire.copies import kit_message, vector_message

ROWS = 500
"""Vectors that are written at once."""

CHANGES_KEPT = 10_000
"""About how many entries the stream keeps. Who is further behind loads anew."""

KEPT_SECONDS = 600
"""How long a copy that nobody writes any more takes up room."""

_PARTS = ("vectors", "kits", "changes")


class RedisCopyWriter:
    """Writes the copy; ``url`` is ``redis://`` or ``rediss://``."""

    def __init__(self, url: str) -> None:
        self._redis = open_redis(url)

    async def time(self) -> datetime:
        """The clock of Redis."""
        with translated():
            seconds, microseconds = await self._redis.time()
        return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=microseconds)

    async def begin(self, epoch: int, vectors: Vectors, revision: int, since: datetime) -> None:
        """Write all of it beside what there is, show it at once, and remove what there was."""
        with translated():
            for skus in _chunks(vectors.rows):
                sealed = {sku: seal(vector_message(vectors, epoch, sku)) for sku in skus}
                await self._redis.hset(key_of(epoch, "vectors"), mapping=sealed)
            for skus in _chunks(vectors.kits):
                kits = {sku: seal(kit_message(vectors, sku)) for sku in skus}
                await self._redis.hset(key_of(epoch, "kits"), mapping=kits)
            before = await self._before()
            async with self._redis.pipeline(transaction=True) as pipe:
                self._show(pipe, epoch, len(vectors.rows), revision, revision, since)
                if before is not None and before.epoch != epoch:
                    pipe.unlink(*(key_of(before.epoch, part) for part in _PARTS))
                await pipe.execute()

    async def write(
        self, vectors: Vectors, skus: Collection[str], change: CopyChange, since: datetime
    ) -> None:
        """In one transaction of Redis, which fails when the head is not ours."""
        from redis.exceptions import WatchError

        epoch = change.epoch
        with translated():
            async with self._redis.pipeline(transaction=True) as pipe:
                await pipe.watch(HEAD_KEY)
                head = unseal(CopyHead, await pipe.get(HEAD_KEY))
                if head is None or head.epoch != epoch:
                    raise CopyLost
                if head.change_revision != change.previous_revision:
                    raise CopyLost
                pipe.multi()
                if skus:
                    sealed = {sku: seal(vector_message(vectors, epoch, sku)) for sku in skus}
                    pipe.hset(key_of(epoch, "vectors"), mapping=sealed)
                for kit in change.kits:
                    if kit.components:
                        pipe.hset(key_of(epoch, "kits"), kit.sku, seal(kit))
                    else:
                        pipe.hdel(key_of(epoch, "kits"), kit.sku)
                shown = change.previous_revision
                if skus or change.kits:
                    shown = change.revision
                    pipe.xadd(
                        key_of(epoch, "changes"),
                        {"change": seal(change)},
                        id=f"{change.revision}-0",
                        maxlen=CHANGES_KEPT,
                        approximate=True,
                    )
                self._show(pipe, epoch, len(vectors.rows), change.revision, shown, since)
                try:
                    await pipe.execute()
                except WatchError as error:
                    raise CopyLost from error

    async def wrong_among(self, epoch: int, vectors: Vectors, skus: Sequence[str]) -> list[str]:
        """Read them and compare, vectors and kits."""
        if not skus:
            return []
        with translated():
            found = await self._redis.hmget(key_of(epoch, "vectors"), list(skus))
            kits = await self._redis.hmget(key_of(epoch, "kits"), list(skus))
        return [
            sku
            for sku, raw, kit in zip(skus, found, kits, strict=True)
            if _differs(vectors, epoch, sku, raw, kit)
        ]

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _before(self) -> CopyHead | None:
        from redis.exceptions import ResponseError

        with suppress(ResponseError):  # something else lies under our key
            return unseal(CopyHead, await self._redis.get(HEAD_KEY))
        return None

    def _show(
        self,
        pipe: Any,
        epoch: int,
        vector_count: int,
        revision: int,
        change_revision: int,
        since: datetime,
    ) -> None:
        head = CopyHead(
            epoch=epoch,
            revision=revision,
            vector_count=vector_count,
            change_revision=change_revision,
        )
        head.copy_time.FromDatetime(since)
        pipe.set(HEAD_KEY, seal(head))
        for part in _PARTS:
            pipe.expire(key_of(epoch, part), KEPT_SECONDS)


def _differs(vectors: Vectors, epoch: int, sku: str, raw: bytes | None, kit: bytes | None) -> bool:
    """Whether what is kept of an item or a kit is something else than we would write."""
    if (sku in vectors.rows, sku in vectors.kits) != (raw is not None, kit is not None):
        return True
    if raw is not None and vector_of(raw, epoch, sku) != vector_message(vectors, epoch, sku):
        return True
    return kit is not None and unseal(KitComposition, kit) != kit_message(vectors, sku)


def _chunks(names: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(names)
    while chunk := list(islice(rest, ROWS)):
        yield chunk
