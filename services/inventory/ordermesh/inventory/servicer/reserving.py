"""Calls of Reserve, however they come: together with those that wait at the same moment."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from functools import partial

import structlog

from ordermesh.api.inventory.v1 import ReserveRequest, ReserveResponse, ReserveVerdict
from ordermesh.inventory.access import EDGE, actor_of
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.plain import Granted
from ordermesh.inventory.operations.foreseeing import (
    get_to_know,
    may_foresee,
    reserve_foreseen,
    unseen_keys,
)
from ordermesh.inventory.operations.plain import PlainWish, reserve_plain
from ordermesh.inventory.operations.reservations import Kept
from ordermesh.inventory.operations.reserving import Verdict, Wish, reserve_many
from ordermesh.inventory.servicer.aside import Aside, Wanting, batcher_of_wishes
from ordermesh.inventory.servicer.fitting import Company, fit, share_of
from ordermesh.inventory.servicer.wiring import Wiring
from ordermesh.inventory.wire.plain import PlainReplies, plain_ask
from ordermesh.inventory.wire.reservations import ask, reservation_message, verdict_message
from ordermesh.kernel.errors import DomainError, Overloaded, Unavailable
from ordermesh.runtime.at_once import AtOnce, MustLook, NotAsRemembered
from ordermesh.runtime.batching import LATER, PASSED_ON, Later
from ordermesh.runtime.call import Call, current_call
from ordermesh.runtime.carrier import linked_span
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.engines import RowsLocked, TransactionConflict
from ordermesh.runtime.idempotency import Answer, Asked
from ordermesh.runtime.status import INTERNAL_REASON, reason_of, to_status
from ordermesh.runtime.telemetry import Attributes
from ordermesh.runtime.validation import InvalidFields, validate

RESERVE = "/ordermesh.api.inventory.v1.ReservationService/Reserve"

WORKERS = 2
"""How many batches are under way at once on PostgreSQL, each on a connection of its own."""

_Plain = Mapping[int, PlainWish | None]
"""What each request wants, where that is plain, by its identity."""

_log = structlog.get_logger(__name__)


class Reserving:
    """Handles requests together; each is known by its own id, whichever method it came by."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._companies: dict[int, Company] = {}  # of calls under way, by their identity
        self._looking = 0
        self._nobody_looks = asyncio.Event()
        self._nobody_looks.set()
        self._batcher = batcher_of_wishes(
            self._handle, workers=1 if wiring.database.dialect == "sqlite" else WORKERS
        )
        self._aside = Aside(wiring, self._companies, self._looked_aside)

    @property
    def is_looking(self) -> bool:
        """Whether something is being decided on what is there, and not on what is remembered."""
        return self._looking > 0

    async def reserve(self, request: ReserveRequest) -> ReserveResponse:
        """The answer to one; raises its refusal."""
        if request.validate_only:
            return await self._rehearse(Asked(current_call(), request))
        return await self._batcher.ask(Asked(current_call(), request))

    async def verdicts(self, requests: Sequence[ReserveRequest]) -> list[ReserveVerdict]:
        """The verdict on each. Raises ``Overloaded``."""
        call = replace(current_call(), method=RESERVE)
        invalid: dict[int, Exception] = {}
        for place, request in enumerate(requests):
            try:
                validate(request)
            except InvalidFields as error:
                invalid[place] = error
        sound = [one for place, one in enumerate(requests) if place not in invalid]
        real = [Asked(call, one) for one in sound if not one.validate_only]
        company = self._companies[id(call)] = Company(requests)
        try:
            answers = await self._batcher.ask_all(real)
            verdicts = await self._verdicts(call, requests, invalid, answers)
        finally:
            del self._companies[id(call)]
        are_granted = all(type(one) is ReserveResponse for one in answers)
        if not (are_granted and company.is_surely_small and len(answers) == len(requests)):
            fit(verdicts)
        return verdicts

    async def _verdicts(
        self,
        call: Call,
        requests: Sequence[ReserveRequest],
        invalid: Mapping[int, Exception],
        answered: Sequence[ReserveResponse | BaseException],
    ) -> list[ReserveVerdict]:
        """The verdicts in the order of the requests; what is a rehearsal is decided now."""
        answers = iter(answered)
        verdicts: list[ReserveVerdict] = []
        for place, request in enumerate(requests):
            if place in invalid:
                verdicts.append(_verdict(invalid[place]))
            elif request.validate_only:
                verdicts.append(await self._rehearsed(Asked(call, request)))
            else:
                verdicts.append(_verdict(next(answers)))
        return verdicts

    async def _rehearsed(self, asked: Asked[ReserveRequest]) -> ReserveVerdict:
        try:
            return _verdict(await self._rehearse(asked))
        except DomainError as refusal:
            return _verdict(refusal)

    async def _rehearse(self, asked: Asked[ReserveRequest]) -> ReserveResponse:
        """What would be answered; nothing is written, not even the answer."""
        wish = self._wish(asked)
        if isinstance(wish, DomainError):
            raise wish

        async def work(tx: Transaction) -> Verdict:
            (verdict,) = await reserve_many(self._wiring.stores, tx, [wish], is_rehearsal=True)
            return verdict

        verdict = await self._wiring.database.run(work)
        if isinstance(verdict, Kept):
            return _reply(verdict)
        if isinstance(verdict, DomainError):
            raise verdict
        raise AssertionError("A wish that is alone is decided.")

    async def _handle(self, waiting: Sequence[Wanting]) -> Sequence[Answer[ReserveResponse]]:
        plain = _plain_wishes(waiting)
        with _batch_span("reserve batch", waiting):
            left = self._aside.without(waiting)
            while True:
                try:
                    answers = await self._decided(plain, left) if left else []
                except RowsLocked:
                    if not await self._aside.notice(left):
                        answers = await self._looked(plain, left)
                        break
                    left = self._aside.without(left)
                else:
                    break
        if len(left) == len(waiting):
            return answers
        decided = dict(zip(map(id, left), answers, strict=True))
        return [decided.get(id(one), PASSED_ON) for one in waiting]

    async def _decided(
        self, plain: _Plain, waiting: Sequence[Wanting]
    ) -> list[Answer[ReserveResponse]]:
        """The answers; raises ``RowsLocked`` where somebody keeps what some of them want."""
        answers = await self._foreseen(plain, waiting)
        places = [place for place, one in enumerate(answers) if isinstance(one, Later)]
        if places:
            left = [waiting[place] for place in places]
            rest = await self._looked(plain, left, is_patient=False)
            for place, answer in zip(places, rest, strict=True):
                answers[place] = answer
        return answers

    async def _foreseen(
        self, plain: _Plain, waiting: Sequence[Wanting]
    ) -> list[Answer[ReserveResponse]]:
        """What could be decided on what is remembered; ``LATER`` for what is to be looked at.

        Raises ``RowsLocked``.
        """
        nothing: list[Answer[ReserveResponse]] = [LATER] * len(waiting)
        wishes = _in_order(plain, [one.item for one in waiting])
        await self._get_to_know(wishes)
        while True:
            if not may_foresee(self._wiring.stores, wishes):
                return nothing
            if not self.is_looking:
                break
            # What is being looked at changes what is remembered: what is decided beside it fails.
            await self._nobody_looks.wait()
        try:
            return await self._wiring.mutations.run_at_once(
                [one.item for one in waiting],
                ReserveResponse,
                partial(self._foresee, plain),
                lambda place: waiting[place].is_wanted,
            )
        except RowsLocked:
            raise
        except (MustLook, NotAsRemembered, TransactionConflict, Unavailable):
            # Whether it was written or not, and why it was not, is found out by looking.
            return nothing

    async def _get_to_know(self, wishes: Sequence[PlainWish | None]) -> None:
        """See what was not seen yet, beside all others: to decide while looking keeps them up."""
        stores = self._wiring.stores
        # Twice, because who sees that items or controls have changed forgets all that was seen.
        for _ in range(2):
            keys = unseen_keys(stores, wishes)
            if not keys:
                return
            # Who cannot look now finds out when it is decided.
            with suppress(Unavailable, Overloaded, TransactionConflict):
                await self._wiring.database.read(partial(self._glance, keys))

    async def _glance(self, keys: Collection[StockKey], tx: Transaction) -> None:
        await get_to_know(self._wiring.stores, tx, keys)

    async def _looked(
        self, plain: _Plain, waiting: Sequence[Wanting], *, is_patient: bool = True
    ) -> list[Answer[ReserveResponse]]:
        """What is decided on what is there, while nobody decides on what is remembered."""
        self._looking += 1
        self._nobody_looks.clear()
        try:
            return await self._look(plain, waiting, is_patient=is_patient)
        finally:
            self._looking -= 1
            if not self.is_looking:
                self._nobody_looks.set()

    async def _looked_aside(self, waiting: Sequence[Wanting]) -> list[Answer[ReserveResponse]]:
        """As ``_looked``; but others go on, because they want other things."""
        with _batch_span("reserve aside", waiting):
            return await self._look(_plain_wishes(waiting), waiting)

    async def _look(
        self, plain: _Plain, waiting: Sequence[Wanting], *, is_patient: bool = True
    ) -> list[Answer[ReserveResponse]]:
        return await self._wiring.mutations.run_many(
            [one.item for one in waiting],
            ReserveResponse,
            partial(self._decide, plain),
            lambda place: waiting[place].is_wanted,
            lambda place, reply: self._count(waiting[place].item, reply),
            is_patient=is_patient,
        )

    async def _foresee(
        self, plain: _Plain, tx: AtOnce, asked: Sequence[Asked[ReserveRequest]]
    ) -> Sequence[Answer[ReserveResponse]]:
        wishes = _in_order(plain, asked)
        return _plain_answers(await reserve_foreseen(self._wiring.stores, tx, wishes))

    async def _decide(
        self, plain: _Plain, tx: Transaction, asked: Sequence[Asked[ReserveRequest]]
    ) -> Sequence[Answer[ReserveResponse]]:
        stores = self._wiring.stores
        granted = await reserve_plain(stores, tx, [plain[id(one)] for one in asked])
        if granted is not None:
            return _plain_answers(granted)
        wishes = [self._wish(one) for one in asked]
        sound = [one for one in wishes if isinstance(one, Wish)]
        verdicts = iter(await reserve_many(stores, tx, sound) if sound else ())
        answers: list[Answer[ReserveResponse]] = []
        for wish in wishes:
            verdict = next(verdicts) if isinstance(wish, Wish) else wish
            answers.append(_reply(verdict) if isinstance(verdict, Kept) else verdict)
        return answers

    def _wish(self, one: Asked[ReserveRequest]) -> Wish | DomainError:
        call, company = id(one.call), self._companies.get(id(one.call))
        try:
            actor = actor_of(one.call.identity, one.request.on_behalf_of)
            is_limited = EDGE in one.call.identity.roles
            wish = Wish(actor, ask(one.request), one.trace, is_limited, call)
        except DomainError as refusal:
            return refusal
        if company is None:
            return wish
        return replace(wish, room=company.room, share=share_of(one.request))

    def _count(self, one: Asked[ReserveRequest], reply: ReserveResponse) -> None:
        """Count a reply that was known already to what the call it came with is answered."""
        company = self._companies.get(id(one.call))
        if company is not None:
            company.count(one.request, reply)


def _batch_span(name: str, waiting: Sequence[Wanting]) -> AbstractContextManager[object]:
    traces = [one.item.trace for one in waiting]
    return linked_span(name, traces, {Attributes.WORK_ROWS: len(waiting)})


def _plain_wishes(waiting: Sequence[Wanting]) -> _Plain:
    """What each wants; it is read once, however often it is tried."""
    return {id(one.item): _plain_wish(one.item) for one in waiting}


def _plain_wish(one: Asked[ReserveRequest]) -> PlainWish | None:
    identity = one.call.identity
    actor = actor_of(identity, one.request.on_behalf_of)
    ask = plain_ask(actor, one.request)
    return None if ask is None else PlainWish(ask, one.trace, EDGE in identity.roles, id(one.call))


def _in_order(plain: _Plain, asked: Sequence[Asked[ReserveRequest]]) -> list[PlainWish | None]:
    """The wishes; None for those that came with one that is not plain, and after it."""
    waiting: set[int] = set()
    wishes: list[PlainWish | None] = []
    for one in asked:
        wish, call = plain[id(one)], id(one.call)
        if wish is None:
            # What it will take is not known yet.
            waiting.add(call)
        wishes.append(None if call in waiting else wish)
    return wishes


def _plain_answers(verdicts: Sequence[Granted | Later]) -> list[Answer[ReserveResponse]]:
    replies = PlainReplies()
    return [replies.reply(one) if isinstance(one, Granted) else one for one in verdicts]


def _reply(kept: Kept) -> ReserveResponse:
    return ReserveResponse(
        reservation=reservation_message(kept.reservation, kept.now),
        line_verdicts=map(verdict_message, kept.portions),
    )


def _verdict(answer: ReserveResponse | BaseException) -> ReserveVerdict:
    if isinstance(answer, ReserveResponse):
        return ReserveVerdict(reply=answer)
    if not isinstance(answer, Exception):
        raise answer
    if reason_of(answer) == INTERNAL_REASON:
        _log.error("a request of many failed", method=RESERVE, exc_info=answer)
    return ReserveVerdict(refusal=to_status(answer, service="inventory"))
