"""Prices in SQL."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, delete, insert, select

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.foresight.demand import Promotion
from ordermesh.routing.domain.foresight.levels import Accuracy
from ordermesh.routing.domain.foresight.price_set import (
    LaborPrice,
    PriceSet,
    StockPrice,
    Suggested,
    Suggestion,
)
from ordermesh.routing.domain.foresight.prices import PriceBook
from ordermesh.routing.ports.prices import PRICES
from ordermesh.routing.store import versions
from ordermesh.routing.store.tables.prices import (
    labor_price,
    price_set,
    stock_price,
    stock_suggestion,
)
from ordermesh.runtime.database import Transaction

_CHUNK = 500
"""How many rows one statement writes."""

PRUNE_SETS = 20
"""How many versions one transaction forgets at most."""


class SqlPriceStore:
    """Keeps versions of prices."""

    async def add(self, tx: Transaction, new: PriceSet) -> PriceSet:
        """Store the next version with all its prices; gives it with its number."""
        await versions.changed(tx, PRICES)
        made = await tx.execute(
            insert(price_set).values(_values(new)).returning(price_set.c.version)
        )
        version = made.scalar_one()
        await _write(tx, stock_price, version, [_stock_values(one) for one in new.stock])
        await _write(tx, labor_price, version, [_labor_values(one) for one in new.labor])
        suggested = [_suggestion_values(one) for one in new.suggestions]
        await _write(tx, stock_suggestion, version, suggested)
        return replace(new, version=version)

    async def get(self, tx: Transaction, version: int = 0) -> PriceSet | None:
        """A version without its prices; 0: the newest."""
        statement = select(price_set).order_by(price_set.c.version.desc()).limit(1)
        if version:
            statement = statement.where(price_set.c.version == version)
        row = (await tx.execute(statement)).one_or_none()
        return None if row is None else _set(row)

    async def book(self, tx: Transaction, version: int = 0) -> PriceBook | None:
        """The prices that orders pay in a version; 0: in the newest."""
        one = await self.get(tx, version)
        if one is None:
            return None
        of = stock_price.c
        stock: dict[str, dict[str, int]] = {}
        for row in await tx.execute(
            select(of.sku, of.location_id, of.price).where(of.version == one.version, of.price > 0)
        ):
            stock.setdefault(row.sku, {})[row.location_id] = row.price
        labor = await tx.execute(
            select(labor_price.c.location_id, labor_price.c.price).where(
                labor_price.c.version == one.version, labor_price.c.price > 0
            )
        )
        return PriceBook(
            version=one.version,
            currency_code=one.currency_code,
            fade_time=one.fade_time,
            end_time=one.end_time,
            stock=stock,
            labor={row.location_id: row.price for row in labor},
        )

    async def page(self, tx: Transaction, before: int, size: int) -> list[PriceSet]:
        """The versions before a number, the newest first, without their prices."""
        statement = select(price_set).order_by(price_set.c.version.desc()).limit(size)
        if before:
            statement = statement.where(price_set.c.version < before)
        return [_set(row) for row in await tx.execute(statement)]

    async def stock_page(
        self, tx: Transaction, version: int, wanted: tuple[str, str], after: int, size: int
    ) -> list[tuple[int, StockPrice]]:
        """The next prices of stock after a number, the dearest first."""
        of, (sku, location_id) = stock_price.c, wanted
        statement = select(stock_price).where(of.version == version, of.number > after)
        if sku:
            statement = statement.where(of.sku == sku)
        if location_id:
            statement = statement.where(of.location_id == location_id)
        rows = await tx.execute(statement.order_by(of.number).limit(size))
        return [(row.number, _stock(row)) for row in rows]

    async def labor_page(
        self, tx: Transaction, version: int, after: int, size: int
    ) -> list[tuple[int, LaborPrice]]:
        """The next prices of labor after a number, the dearest first."""
        of = labor_price.c
        rows = await tx.execute(
            select(labor_price)
            .where(of.version == version, of.number > after)
            .order_by(of.number)
            .limit(size)
        )
        return [(row.number, _labor(row)) for row in rows]

    async def suggestion_page(
        self, tx: Transaction, version: int, kind: Suggested | None, after: int, size: int
    ) -> list[tuple[int, Suggestion]]:
        """The next suggestions after a number, the most valuable first."""
        of = stock_suggestion.c
        statement = select(stock_suggestion).where(of.version == version, of.number > after)
        if kind is not None:
            statement = statement.where(of.kind == kind)
        rows = await tx.execute(statement.order_by(of.number).limit(size))
        return [(row.number, _suggestion(row)) for row in rows]

    async def prune(self, tx: Transaction, older_than: datetime) -> int:
        """Forget versions made before, never the newest; gives how many."""
        newest = select(price_set.c.version).order_by(price_set.c.version.desc()).limit(1)
        old = await tx.execute(
            select(price_set.c.version)
            .where(
                price_set.c.create_time < older_than,
                price_set.c.version != newest.scalar_subquery(),
            )
            .limit(PRUNE_SETS)
        )
        found = list(old.scalars())
        for table in (stock_suggestion, labor_price, stock_price, price_set):
            await tx.execute(delete(table).where(table.c.version.in_(found)))
        return len(found)


async def _write(
    tx: Transaction, table: Table, version: int, rows: Sequence[dict[str, Any]]
) -> None:
    numbered = [
        {"version": version, "number": number, **row} for number, row in enumerate(rows, start=1)
    ]
    for start in range(0, len(numbered), _CHUNK):
        await tx.execute(insert(table), numbered[start : start + _CHUNK])


def _values(new: PriceSet) -> dict[str, Any]:
    return {
        "create_time": new.create_time,
        "currency_code": new.currency_code,
        "fade_time": new.fade_time,
        "end_time": new.end_time,
        "horizon_hours": new.horizon_hours,
        "seed": new.seed,
        "days": new.days,
        "orders": new.orders,
        "baskets": new.baskets,
        "futures": new.futures,
        "orders_ahead": new.orders_ahead,
        "error": new.accuracy.error,
        "naive_error": new.accuracy.naive_error,
        "bias": new.accuracy.bias,
        "tested_periods": new.accuracy.periods,
        "is_cut": new.is_cut,
        "cause": new.cause,
        "promotions": [[one.sku, one.permille, one.end_time.isoformat()] for one in new.promotions],
    }


def _set(row: Row[Any]) -> PriceSet:
    return PriceSet(
        version=row.version,
        create_time=row.create_time,
        currency_code=row.currency_code,
        fade_time=row.fade_time,
        end_time=row.end_time,
        horizon_hours=row.horizon_hours,
        seed=row.seed,
        days=row.days,
        orders=row.orders,
        baskets=row.baskets,
        futures=row.futures,
        orders_ahead=row.orders_ahead,
        accuracy=Accuracy(row.error, row.naive_error, row.bias, row.tested_periods),
        is_cut=row.is_cut,
        cause=row.cause,
        promotions=tuple(
            Promotion(sku, permille, datetime.fromisoformat(end))
            for sku, permille, end in row.promotions
        ),
    )


def _stock_values(one: StockPrice) -> dict[str, Any]:
    return {
        "sku": one.sku,
        "location_id": one.location_id,
        "price": one.price,
        "units": one.units,
        "last_unit": one.last_unit,
        "next_unit": one.next_unit,
        "missing_permille": one.missing_permille,
        "idle_units": one.idle_units,
    }


def _stock(row: Row[Any]) -> StockPrice:
    return StockPrice(
        row.sku,
        row.location_id,
        Money(row.price),
        row.units,
        Money(row.last_unit),
        Money(row.next_unit),
        row.missing_permille,
        row.idle_units,
    )


def _labor_values(one: LaborPrice) -> dict[str, Any]:
    return {
        "location_id": one.location_id,
        "price": one.price,
        "units": one.units,
        "hour_worth": one.hour_worth,
    }


def _labor(row: Row[Any]) -> LaborPrice:
    worth = None if row.hour_worth is None else Money(row.hour_worth)
    return LaborPrice(row.location_id, Money(row.price), row.units, worth)


def _suggestion_values(one: Suggestion) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "sku": one.sku,
        "from_location_id": one.from_location_id,
        "to_location_id": one.to_location_id,
        "units": one.units,
        "value": one.value,
    }


def _suggestion(row: Row[Any]) -> Suggestion:
    return Suggestion(
        Suggested(row.kind),
        row.sku,
        row.from_location_id,
        row.to_location_id,
        row.units,
        Money(row.value),
    )
