"""Money that is due for units that came back, or may: once for each, however they come back."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ordermesh.kernel.ids import derived_id
from ordermesh.kernel.money import Money
from ordermesh.returns.domain.order_return import Refund, RefundedUnits, RefundTiming, Return
from ordermesh.returns.domain.paid import Paid

Pair = tuple[str, str]


def refund_for(
    one: Return,
    others: Sequence[Return],
    paid: Mapping[Pair, Paid],
    pairs: Iterable[Pair],
    now: datetime,
) -> tuple[Return, Refund | None]:
    """The return with one more refund, for what of these order lines and items is owed by now.

    ``others`` are the other returns of the order, ``paid`` is what was paid for what left instead
    of what was ordered, of which the order tells no price. Money that was due at once for units
    that never came stays due, and is that of the next units that do: None when nothing is owed
    beyond it. What is due over all refunds of a line is exactly its price, however it is divided;
    units without a price are due nothing. In which condition units come back changes nothing.
    """
    known = (one, *others)
    refunded, owed = _refunded(known), _owed(known)
    units = tuple(
        RefundedUnits(*pair, owed[pair] - refunded[pair])
        for pair in pairs
        if owed[pair] > refunded[pair]
    )
    if not units:
        return one, None
    amount: Money | None = None
    currency = ""
    for part in units:
        pair = (part.line_id, part.sku)
        line = one.line(*pair)
        price = paid.get(pair) or (line.price if line else None)
        if price is not None:
            amount = Money((amount or 0) + price.of(part.quantity, refunded[pair]))
            currency = price.currency_code
    number = len(one.refunds) + 1
    refund = Refund(derived_id("refund", one.return_id, number), currency, amount, units, now)
    return replace(one, refunds=(*one.refunds, refund)), refund


def _refunded(returns: Iterable[Return]) -> Counter[Pair]:
    """Units that money is due for already."""
    units: Counter[Pair] = Counter()
    for one in returns:
        for refund in one.refunds:
            for part in refund.units:
                units[part.line_id, part.sku] += part.quantity
    return units


def _owed(returns: Iterable[Return]) -> Counter[Pair]:
    """Units that money is due for by what has come, and by what is refunded before it comes."""
    units: Counter[Pair] = Counter()
    for one in returns:
        is_at_once = one.refund_timing is RefundTiming.NOW and one.is_expecting
        for line in one.lines:
            units[line.pair] += line.quantity if is_at_once else line.received
    return units
