"""Renewing prices by call, on schedule, and when what they were made from has changed."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta

from ordermesh.api.routing import v1
from ordermesh.kernel.clock import Clock
from ordermesh.routing.domain.errors.requests import DuplicateEntry, FieldViolation
from ordermesh.routing.domain.foresight.price_set import PriceSet
from ordermesh.routing.operations.price_renewal import Renewal, RenewPrices
from ordermesh.routing.ports.stores import Stores
from ordermesh.routing.wire.price import price_set_message, promotions_of
from ordermesh.runtime.carrier import place_of
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.doorbell import Doorbell
from ordermesh.runtime.idempotency import Mutations
from ordermesh.runtime.leadership import Leadership

LEADER = "pricing"
IDLE_SECONDS = 3_600.0

CHANGES = ("carriage", "locations", "network", "policies")
"""What prices are made from, as far as routing counts its changes: outages among it."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Schedule:
    """How often prices are renewed, 0 for never, and how.

    It is looked every ``look_seconds`` whether something has changed; they are renewed no oftener.
    """

    seconds: float = 0.0
    look_seconds: float = 15.0
    renewal: Renewal = field(default_factory=Renewal)


class RenewingPrices:
    """Answers calls."""

    def __init__(
        self, database: Database, mutations: Mutations, clock: Clock, renew: RenewPrices
    ) -> None:
        self._database = database
        self._mutations = mutations
        self._clock = clock
        self._renew = renew

    async def __call__(self, request: v1.RenewPricesRequest) -> v1.RenewPricesResponse:
        """Make the next version; the same id again is told the same, and makes none."""
        known = await self._mutations.known(request, v1.RenewPricesResponse)
        if known is not None:
            return known
        renewal = _renewal(request)
        seen: set[str] = set()
        for number, one in enumerate(renewal.promotions):
            if one.sku in seen:
                raise DuplicateEntry("promotions", one.sku)
            seen.add(one.sku)
            if one.end_time <= self._clock.now():
                field = f"promotions[{number}].end_time"
                raise FieldViolation(field, "promotion.ended", "The promotion has ended.")
        made = await self._renew.make(renewal)

        async def store(tx: Transaction) -> v1.RenewPricesResponse:
            stored = await self._renew.store(tx, made)
            return v1.RenewPricesResponse(price_set=price_set_message(stored, await tx.now()))

        return await self._mutations.run(request, v1.RenewPricesResponse, store)


class RenewingOnSchedule:
    """Renews prices every so many seconds in one of the replicas, and sooner after a change.

    0 seconds: never.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        stores: Stores,
        renew: RenewPrices,
        schedule: Schedule,
    ) -> None:
        self._database = database
        self._leadership = Leadership(database, clock, LEADER)
        self._clock = clock
        self._stores = stores
        self._renew = renew
        self._schedule = schedule
        self._seconds = schedule.seconds
        self._seen: dict[str, int] | None = None
        self._doorbell = Doorbell()
        self._is_stopping = False
        self._has_ended = asyncio.Event()
        self._has_ended.set()

    async def run(self) -> None:
        """Go on until stopped."""
        self._has_ended.clear()
        try:
            while not self._is_stopping:
                if self._seconds:
                    await self._look()
                if not self._is_stopping:
                    wait = (
                        min(self._seconds, self._schedule.look_seconds)
                        if self._seconds
                        else IDLE_SECONDS
                    )
                    await self._doorbell.wait(self._clock, wait)
        finally:
            self._has_ended.set()

    async def stop(self) -> None:
        """End ``run``; returns when it has ended."""
        self._is_stopping = True
        self._doorbell.ring()
        await self._has_ended.wait()
        if self._seconds:
            await self._leadership.resign()

    async def _look(self) -> None:
        """Renew if it is time, or something has changed."""
        try:
            if not await self._leadership.hold():
                self._seen = None
                return
            cause, seen = await self._database.read(self._cause)
            if cause:
                made = await self._renew.run(self._with(cause))
                self._seen = seen
                _log.info("prices were renewed", extra=_facts(made))
        except Exception as error:  # noqa: BLE001 - the next time is another chance
            _log.warning("prices were not renewed", extra={"failure": place_of(error)})

    async def _cause(self, tx: Transaction) -> tuple[str, dict[str, int]]:
        """Why prices are to be renewed now, "" for no reason; and how often what has changed."""
        counts = dict(await self._stores.network.versions(tx))
        seen = {name: counts[name] for name in CHANGES}
        newest = await self._stores.prices.get(tx)
        if newest is None:
            return "there were none", seen
        age = await tx.now() - newest.create_time
        if age >= timedelta(seconds=self._seconds):
            return f"every {self._seconds:g} seconds", seen
        if self._seen is not None and age >= timedelta(seconds=self._schedule.look_seconds):
            changed = [name for name in CHANGES if seen[name] != self._seen[name]]
            if changed:
                return f"changed: {', '.join(changed)}", seen
        if self._seen is None:
            self._seen = seen
        return "", seen

    def _with(self, cause: str) -> Renewal:
        # A schedule that is slower than prices fade would leave orders without any in between.
        fresh = max(self._schedule.renewal.fresh, timedelta(seconds=self._seconds))
        return Renewal(hours=self._schedule.renewal.hours, fresh=fresh, cause=cause)


def _renewal(request: v1.RenewPricesRequest) -> Renewal:
    usual = Renewal()
    hours, fresh, seconds = usual.hours, usual.fresh, usual.seconds
    if request.HasField("horizon"):
        hours = int(request.horizon.ToTimedelta() / timedelta(hours=1))
    if request.HasField("fresh_duration"):
        fresh = request.fresh_duration.ToTimedelta()
    if request.HasField("solve_duration"):
        seconds = request.solve_duration.ToTimedelta().total_seconds()
    return Renewal(
        hours=hours,
        fresh=fresh,
        baskets=request.baskets_max or usual.baskets,
        seconds=seconds,
        seed=request.seed,
        promotions=promotions_of(request),
        cause=request.cause or "asked for",
    )


def _facts(made: PriceSet) -> dict[str, object]:
    return {
        "version": made.version,
        "cause": made.cause,
        "stock_prices": len(made.stock),
        "labor_prices": len(made.labor),
    }
