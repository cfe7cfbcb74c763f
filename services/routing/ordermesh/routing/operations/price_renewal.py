"""Renewing prices: gathered, found by a solver elsewhere, and stored as the next version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.batch.instance import NO_LIMIT
from ordermesh.routing.domain.foresight.ahead import Priced
from ordermesh.routing.domain.foresight.demand import Promotion
from ordermesh.routing.domain.foresight.price_set import (
    STOCK_MAX,
    LaborPrice,
    PriceSet,
    StockPrice,
    suggestions,
)
from ordermesh.routing.domain.foresight.prices import PriceBook
from ordermesh.routing.operations.looking_ahead import Gathered, Horizon, LookingAhead
from ordermesh.routing.ports.pricing import Pricing
from ordermesh.routing.ports.stores import Stores
from ordermesh.runtime.database import Database, Transaction

FADING = 4
"""Prices are gone after so many times as long as they are fresh."""


@dataclass(frozen=True)
class Renewal:
    """How prices are to be made, and why."""

    hours: int = 7 * 24
    fresh: timedelta = timedelta(minutes=15)
    baskets: int = 500
    seconds: float = 20.0
    seed: int = 0
    promotions: tuple[Promotion, ...] = ()
    cause: str = ""


class RenewPrices:
    """Makes versions. Two at once make two, and the later one counts."""

    def __init__(
        self, database: Database, stores: Stores, looking: LookingAhead, pricing: Pricing
    ) -> None:
        self._database = database
        self._stores = stores
        self._looking = looking
        self._pricing = pricing

    async def make(self, renewal: Renewal) -> PriceSet:
        """The next version, not yet stored. Raises ``Unavailable`` and ``PolicyNotFound``."""
        before, book = await self._database.read(self._before)
        promotions = _promotions(renewal.promotions, () if before is None else before.promotions)
        horizon = Horizon(renewal.hours, renewal.baskets, promotions)
        gathered = await self._looking.gather(horizon, book)
        priced = await self._pricing(gathered.ahead, renewal.seed, renewal.seconds)
        return _set(renewal, promotions, gathered, priced)

    async def store(self, tx: Transaction, made: PriceSet) -> PriceSet:
        """Store it; orders use it from then on. Gives it with its number."""
        return await self._stores.prices.add(tx, made)

    async def run(self, renewal: Renewal) -> PriceSet:
        """Make and store the next version. Raises as ``make``."""
        made = await self.make(renewal)
        return await self._database.run(lambda tx: self.store(tx, made))

    async def _before(self, tx: Transaction) -> tuple[PriceSet | None, PriceBook | None]:
        return await self._stores.prices.get(tx), await self._stores.prices.book(tx)


def _promotions(new: Sequence[Promotion], before: Sequence[Promotion]) -> tuple[Promotion, ...]:
    """What is known of promotions: what is new replaces what was said of the same item."""
    known = {one.sku: one for one in (*before, *new)}
    return tuple(known[sku] for sku in sorted(known))


def _set(
    renewal: Renewal, promotions: tuple[Promotion, ...], gathered: Gathered, priced: Priced
) -> PriceSet:
    now, demand, ahead = gathered.now, gathered.demand, gathered.ahead
    rows = len(ahead.rows)
    stock = [
        StockPrice(
            sku=sku,
            location_id=place,
            price=Money(price),
            units=units,
            last_unit=Money(last),
            next_unit=Money(following),
            missing_permille=missing,
            idle_units=idle,
        )
        for (sku, place), price, units, last, following, missing, idle in zip(
            ahead.rows,
            priced.prices[:rows].tolist(),
            ahead.stock.tolist(),
            priced.last.tolist(),
            priced.next.tolist(),
            priced.missing.tolist(),
            priced.idle.tolist(),
            strict=True,
        )
    ]
    told = [one for one in stock if one.price or one.last_unit or one.next_unit]
    told.sort(key=lambda one: (-one.price, -one.next_unit, one.sku, one.location_id))
    return PriceSet(
        version=0,
        create_time=now,
        currency_code=gathered.currency_code,
        fade_time=now + renewal.fresh,
        end_time=now + FADING * renewal.fresh,
        horizon_hours=gathered.hours,
        seed=renewal.seed,
        days=demand.days,
        orders=demand.orders,
        baskets=ahead.cells.orders,
        futures=priced.futures,
        orders_ahead=ahead.now + ahead.later,
        accuracy=demand.accuracy,
        is_cut=priced.is_cut,
        cause=renewal.cause,
        promotions=tuple(one for one in promotions if one.end_time > now),
        stock=tuple(told[:STOCK_MAX]),
        labor=_labor(gathered, priced),
        suggestions=suggestions(stock, priced.missing_value.tolist()),
    )


def _labor(gathered: Gathered, priced: Priced) -> tuple[LaborPrice, ...]:
    ahead, rows = gathered.ahead, len(gathered.ahead.rows)
    prices = priced.prices[rows : rows + len(ahead.locations)].tolist()
    found = []
    for name, price, units in zip(ahead.locations, prices, ahead.labor_now.tolist(), strict=True):
        if price:
            hourly = gathered.hourly.get(name)
            found.append(
                LaborPrice(
                    name,
                    Money(price),
                    None if units >= NO_LIMIT else units,
                    None if hourly is None else Money(price * hourly),
                )
            )
    return tuple(sorted(found, key=lambda one: (-one.price, one.location_id)))
