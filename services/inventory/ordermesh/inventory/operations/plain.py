"""Plain reservations: granted together, and written column by column.

Only a yes is given here. What is not a plain yes is decided by ``reserving``, which knows
everything that can be asked for and why it may be refused.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from opentelemetry.context import Context

from ordermesh.inventory.domain.control import ControlKind
from ordermesh.inventory.domain.control_table import ControlTable
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.plain import FreeStock, Granted, PlainAsk
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime import failpoints
from ordermesh.runtime.batching import LATER, Later
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.engines import TransactionConflict
from ordermesh.runtime.telemetry import (
    Attributes,
    AttributeValue,
    begins_traces,
    is_traced,
    span,
    within,
)


class PlainWish(NamedTuple):
    """Who wants something plain, and the trace that it is part of.

    ``is_limited``: its caller may have so many open holds and no more. ``call`` is that with which
    it came: the wishes of one are decided in their order. 0: it came alone.
    """

    ask: PlainAsk
    trace: Context
    is_limited: bool = False
    call: int = 0


def needs_more(controls: ControlTable) -> bool:
    """Whether it must be known what others have bought, or what was taken from pools."""
    return controls.limits_purchases or ControlKind.POOL in controls.kinds


async def reserve_plain(
    stores: Stores, tx: Transaction, wishes: Sequence[PlainWish | None]
) -> Sequence[Granted | Later] | None:
    """Grant what is plainly there, under locks; ``LATER`` for wishes that need another look.

    None, and nothing was written, where the first of them does, or all of them might.
    """
    plain = [wish for wish in wishes if wish is not None and not is_counted(stores, wish)]
    if len(plain) < len(wishes) or needs_more(stores.controls.last_table):
        return None
    asks, names = [wish.ask for wish in plain], Names()
    keys = {line.key for ask in asks for line in ask.lines}
    kits = await stores.items.look_up(tx, {key.sku for key in keys}, names)
    await stores.locations.look_up(tx, {key.location_id for key in keys}, names)
    is_known = all(
        key.sku in names.item_ids and key.location_id in names.location_ids for key in keys
    )
    if kits or names.modes or not is_known:
        return None
    books = await stores.ledger.lock(tx, names.pairs(keys), names)
    if failpoints.armed:
        await failpoints.reach(failpoints.points.LEDGER_LOCKED)
    if needs_more(books.terms.controls):
        raise TransactionConflict("Purchases were limited while balances were being locked.")
    if await stores.reservations.load(tx, {ask.reservation_id for ask in asks}, names):
        return None
    now = await tx.now()
    stock = FreeStock(books.balances, books.terms, now)
    verdicts = grant_each(stock, plain, "decide")
    if isinstance(verdicts[0], Later):
        return None
    if failpoints.armed:
        await failpoints.reach(failpoints.points.LEDGER_DECIDED)
    await write_granted(stores, tx, names, verdicts, stock, books.terms, now)
    return verdicts


def is_counted(stores: Stores, wish: PlainWish) -> bool:
    """Whether a quota on open holds concerns it."""
    return stores.quotas.concern(wish.ask.customer, is_limited=wish.is_limited)


def grant_each(
    stock: FreeStock,
    wishes: Sequence[PlainWish | None],
    name: str,
    must_wait: Callable[[PlainWish], bool] = lambda _: False,
) -> list[Granted | Later]:
    """What is granted to each, one after the other; ``name`` is that of the spans.

    Who came with somebody who ``must_wait``, or is put off, and wants of the same, is put off too.
    """
    may_begin = begins_traces()
    made: set[UUID] = set()
    awaited: set[tuple[int, StockKey]] = set()
    verdicts: list[Granted | Later] = []
    for wish in wishes:
        if wish is None:
            verdicts.append(LATER)
            continue
        # Two wishes about one reservation are decided one after the other.
        is_later = wish.ask.reservation_id in made or must_wait(wish)
        if awaited and not is_later:
            is_later = any((wish.call, key) in awaited for _, key, _ in wish.ask.lines)
        made.add(wish.ask.reservation_id)
        verdict = LATER if is_later else _granted(stock, wish, name, may_begin=may_begin) or LATER
        if verdict is LATER and wish.call:
            awaited.update((wish.call, key) for _, key, _ in wish.ask.lines)
        verdicts.append(verdict)
    return verdicts


def _granted(stock: FreeStock, wish: PlainWish, name: str, *, may_begin: bool) -> Granted | None:
    """What is granted, on a span of the wish's own trace where that goes anywhere."""
    ask = wish.ask
    if not is_traced(wish.trace, may_begin=may_begin):
        return stock.grant(ask)
    about: dict[str, AttributeValue] = {
        Attributes.RESERVATION_ID: str(ask.reservation_id),
        Attributes.ORDER_ID: ask.order_id,
        Attributes.LINE_COUNT: len(ask.lines),
    }
    with within(wish.trace), span(name, about):
        return stock.grant(ask)


async def write_granted(
    stores: Stores,
    tx: Transaction,
    names: Names,
    verdicts: Sequence[Granted | Later],
    stock: FreeStock,
    terms: Terms,
    now: datetime,
) -> None:
    """Write what was granted, and tell whom it concerns."""
    granted = [one for one in verdicts if isinstance(one, Granted)]
    await stores.plain.write(tx, names, granted, stock, terms, now)
    if failpoints.armed:
        await failpoints.reach(failpoints.points.LEDGER_WRITTEN)
