"""The history summed up, in stretches that one statement can take."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, and_, case, func, or_, select, tuple_

from ordermesh.inventory.domain.ledger import Account
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.ledger import entry
from ordermesh.inventory.store.tables.locations import location
from ordermesh.runtime.database import Transaction

STATEMENT_ROWS = 50_000
"""How many rows of the history one statement sums up at most."""


def within(column: ColumnElement[int], after: int, last: int | None) -> ColumnElement[bool]:
    """Whether an item comes after one, and not after the last; None: there is no last."""
    return column > after if last is None else and_(column > after, column <= last)


def units_in(account: Account) -> ColumnElement[int]:
    """Units that entries brought into an account, less those that they took out of it."""
    return func.coalesce(
        func.sum(
            case(
                (entry.c.to_account == int(account), entry.c.quantity),
                (entry.c.from_account == int(account), -entry.c.quantity),
                else_=0,
            )
        ),
        0,
    )


async def stretches(
    tx: Transaction, key: Sequence[Column[Any]], after: int, last: int | None
) -> list[ColumnElement[bool]]:
    """Conditions that part the rows of items, in the order of a key that begins with the item.

    One statement takes so many rows and no more, so that it takes no longer when an item has
    millions.
    """
    begin = within(key[0], after, last)
    found: list[ColumnElement[bool]] = []
    while True:
        ends = select(*key).where(begin).order_by(*key).offset(STATEMENT_ROWS - 1).limit(1)
        end = (await tx.execute(ends)).one_or_none()
        if end is None:
            return [*found, begin]
        found.append(and_(begin, tuple_(*key) <= tuple_(*end)))
        begin = and_(within(key[0], end[0] - 1, last), tuple_(*key) > tuple_(*end))


def folds(wanted: ColumnElement[bool]) -> Select[Any]:
    """What these entries sum up to, by key."""
    sums = (
        select(
            entry.c.item_id,
            entry.c.location_id,
            units_in(Account.FREE).label("free"),
            units_in(Account.RESERVED).label("reserved"),
            units_in(Account.SHORT).label("minus_short"),
            units_in(Account.DAMAGED).label("damaged"),
            units_in(Account.INSPECTION).label("inspection"),
            units_in(Account.MISSING).label("missing"),
            units_in(Account.TRANSIT).label("transit"),
            func.count().label("entries"),
            func.max(entry.c.sequence).label("last_sequence"),
            func.sum(case((entry.c.quantity <= 0, 1), else_=0)).label("hollow"),
        )
        .where(wanted)
        .group_by(entry.c.item_id, entry.c.location_id)
        .subquery()
    )
    return (
        select(sums, item.c.sku, location.c.code)
        .join(item, item.c.item_id == sums.c.item_id)
        .join(location, location.c.location_id == sums.c.location_id)
    )


def promised(wanted: ColumnElement[bool]) -> Select[Any]:
    """What these entries leave reserved; of most reservations that is nothing."""
    key = (entry.c.item_id, entry.c.location_id, entry.c.reservation_id)
    is_about = or_(
        entry.c.to_account == int(Account.RESERVED),
        entry.c.from_account == int(Account.RESERVED),
    )
    units = units_in(Account.RESERVED)
    return (
        select(*key, units.label("units")).where(wanted, is_about).group_by(*key).having(units != 0)
    )
