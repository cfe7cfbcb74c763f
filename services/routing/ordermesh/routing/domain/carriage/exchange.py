"""A network whose locations have their costs in several currencies, in that of a policy."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from ordermesh.routing.domain.carriage.book import Book
from ordermesh.routing.domain.carriage.conversion import Conversion
from ordermesh.routing.domain.carriage.currency import conversion
from ordermesh.routing.domain.errors.policy import CurrencyMismatch
from ordermesh.routing.domain.network import NetworkLocation


def conversions(
    given: Iterable[str], wanted: str, book: Book, now: datetime
) -> Mapping[str, Conversion]:
    """How each other currency becomes the wanted one now; raises ``CurrencyMismatch``."""
    found = {}
    for currency in sorted(set(given) - {wanted}):
        known = conversion(book.currency_rates.values(), wanted, currency, now)
        if known is None:
            raise CurrencyMismatch(wanted, currency)
        found[currency] = known
    return found


def in_one_currency(
    network: tuple[NetworkLocation, ...], wanted: str, changed: Mapping[str, Conversion]
) -> tuple[NetworkLocation, ...]:
    """The network with every amount in one currency, each rounded once."""
    if not changed:
        return network
    return tuple(
        entry if entry.currency_code == wanted else _in(entry, wanted, changed[entry.currency_code])
        for entry in network
    )


def _in(entry: NetworkLocation, wanted: str, changed: Conversion) -> NetworkLocation:
    return replace(
        entry,
        currency_code=wanted,
        pick_fee=changed.of(entry.pick_fee),
        labor_cost_per_unit=changed.of(entry.labor_cost_per_unit),
        labor_cost_per_line=changed.of(entry.labor_cost_per_line),
    )
