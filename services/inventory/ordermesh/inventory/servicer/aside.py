"""Wishes for stock that somebody keeps locked: they wait apart, so that all others are served.

A balance may be locked for long: by a process that is frozen, by a person at a prompt. Whoever
decides many wishes at once would wait for it with all of them, one batch after the other.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial

from ordermesh.api.inventory.v1 import ReserveRequest, ReserveResponse
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.operations.locked import Locked, locked
from ordermesh.inventory.servicer.fitting import Company
from ordermesh.inventory.servicer.wiring import Wiring
from ordermesh.kernel.errors import Overloaded, Unavailable
from ordermesh.runtime.batching import Batcher, Later, Waiting
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.engines import RowsLocked, TransactionConflict
from ordermesh.runtime.idempotency import Answer, Asked

Wanting = Waiting[Asked[ReserveRequest], ReserveResponse]
"""A wish whose caller waits."""

Handle = Callable[[Sequence[Wanting]], Awaitable[Sequence[Answer[ReserveResponse]]]]
"""Answers wishes together."""

LINES_MAX = 2_000
"""How many lines one transaction decides on, unless a single request has more."""

Look = Callable[[Sequence[Wanting]], Awaitable[list[Answer[ReserveResponse]]]]
"""Decides on what is there, under locks."""


def batcher_of_wishes(
    handle: Handle, workers: int = 1
) -> Batcher[Asked[ReserveRequest], ReserveResponse]:
    """Wishes that wait at one moment are handled together, as many as one transaction takes."""
    return Batcher(
        handle,
        weigh=lambda one: len(one.request.lines),
        weight_max=LINES_MAX,
        workers=workers,
    )


class Aside:
    """Knows what somebody keeps locked, and has the wishes for it decided apart.

    ``companies`` are the calls under way with more than one wish, by their identity: of such a call
    all that is still to be decided waits apart, so that its wishes keep their order.

    What was found locked counts as such until a wish for it is decided.
    """

    def __init__(self, wiring: Wiring, companies: Mapping[int, Company], look: Look) -> None:
        self._wiring = wiring
        self._companies = companies
        self._look = look
        self._kept: set[StockKey] = set()
        self._batcher = batcher_of_wishes(self._handle)

    @property
    def kept(self) -> Collection[StockKey]:
        """What was wanted when others kept it locked; of kits and groups what they are called."""
        return self._kept

    def without(self, waiting: Sequence[Wanting]) -> Sequence[Wanting]:
        """Those that nobody needs to wait for; the others wait here from now on."""
        if not self._kept and self._batcher.is_idle:
            return waiting
        for one in waiting:
            company = self._companies.get(id(one.item.call))
            if company is not None and not self._kept.isdisjoint(_wanted(one)):
                company.is_aside = True
        parted = [one for one in waiting if self._is_concerned(one)]
        self._batcher.join(parted)
        gone = set(map(id, parted))
        return [one for one in waiting if id(one) not in gone]

    async def notice(self, waiting: Sequence[Wanting]) -> bool:
        """Somebody kept something locked that these want; gives whether it is known what.

        Where it is no balance of theirs it may be one of a kit, of a group, or of a reservation
        that is replaced: then all who want such wait apart.
        """
        found = await self._find(waiting)
        if found is None:
            return False
        kept = found.kept
        if not kept:
            for one in waiting:
                wanted = _wanted(one)
                if one.item.request.replaces_reservation_ids or wanted & found.without_balance:
                    kept |= wanted
        self._kept |= kept
        return bool(kept)

    async def _handle(self, waiting: Sequence[Wanting]) -> Sequence[Answer[ReserveResponse]]:
        """Decide on these; who wants what is still kept locked is told that others are in the way.

        Nothing is found out by halving the batch: each half would wait as long again.
        """
        refusals: dict[int, Exception] = {}
        try:
            answers = await self._look(waiting)
        except RowsLocked as error:
            found = await self._find(waiting)
            if found is None or not found.kept:
                raise
            refusals = {id(one): error for one in waiting if found.kept & _wanted(one)}
            left = [one for one in waiting if id(one) not in refusals]
            answers = await self._look(left) if left else []
        decided = iter(answers)
        answered = [refusals.get(id(one)) or next(decided) for one in waiting]
        for one, answer in zip(waiting, answered, strict=True):
            if id(one) not in refusals and not isinstance(answer, Later):
                self._kept -= _wanted(one)
        return answered

    async def _find(self, waiting: Sequence[Wanting]) -> Locked | None:
        """What is kept locked of what these want; None where that cannot be found out now."""
        keys = {key for one in waiting for key in _wanted(one)}
        with suppress(Unavailable, Overloaded, TransactionConflict):
            return await self._wiring.database.run(partial(self._looked_for, keys))
        return None

    async def _looked_for(self, keys: Collection[StockKey], tx: Transaction) -> Locked:
        return await locked(self._wiring.stores, tx, keys)

    def _is_concerned(self, one: Wanting) -> bool:
        company = self._companies.get(id(one.item.call))
        if company is not None and company.is_aside:
            return True
        return not self._kept.isdisjoint(_wanted(one))


def _wanted(one: Wanting) -> set[StockKey]:
    """What a wish names; a group stands where else a location does."""
    return {
        StockKey(line.grouped.sku, line.grouped.location_group)
        if line.HasField("grouped")
        else StockKey(line.key.sku, line.key.location_id)
        for line in one.item.request.lines
    }
