"""Money that is due for units that came back, or may."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from ordermesh.kernel.ids import derived_id
from ordermesh.kernel.money import Money
from ordermesh.returns.domain.order_return import Refund, RefundedUnits, Return


def refund_for(one: Return, units: Iterable[RefundedUnits], now: datetime) -> tuple[Return, Refund]:
    """The return with one more refund, for these units at the price they were sold for.

    What is due over all refunds of a line is exactly its price, however it is divided; units
    without a price are due nothing. In which condition units come back changes nothing.
    """
    units = tuple(units)
    refunded: dict[tuple[str, str], int] = {}
    for earlier in one.refunds:
        for part in earlier.units:
            pair = (part.line_id, part.sku)
            refunded[pair] = refunded.get(pair, 0) + part.quantity
    amount: Money | None = None
    currency = ""
    for part in units:
        line = one.line(part.line_id, part.sku)
        if line is not None and line.price is not None:
            due = line.price.of(part.quantity, refunded.get(line.pair, 0))
            amount = Money((amount or 0) + due)
            currency = line.price.currency_code
    number = len(one.refunds) + 1
    refund = Refund(derived_id("refund", one.return_id, number), currency, amount, units, now)
    return replace(one, refunds=(*one.refunds, refund)), refund
