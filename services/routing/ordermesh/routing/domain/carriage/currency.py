"""Rates of exchange, each from a moment on, so that a decision can name the one it used."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ordermesh.routing.domain.carriage.conversion import SAME, Conversion

BILLION = 1_000_000_000


@dataclass(frozen=True, slots=True)
class CurrencyRate:
    """From then on one of ``from_currency`` is ``billionths`` / 1e9 of ``to_currency``."""

    from_currency: str
    to_currency: str
    effective_time: datetime
    billionths: int
    source: str = ""
    version: int = 0

    @property
    def name(self) -> str:
        """What it is called in records."""
        day = self.effective_time.strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"{self.from_currency}/{self.to_currency}@{day}"


def conversion(
    rates: Iterable[CurrencyRate], wanted: str, given: str, now: datetime
) -> Conversion | None:
    """How amounts in ``given`` become amounts in ``wanted`` at this moment; None: nobody knows.

    The latest rate that has begun decides; where only the way back has a rate, it is inverted.
    """
    if wanted == given:
        return SAME
    best: CurrencyRate | None = None
    for rate in rates:
        pair = (rate.from_currency, rate.to_currency)
        if pair not in ((given, wanted), (wanted, given)) or rate.effective_time > now:
            continue
        straight = rate.from_currency == given
        if best is None or (straight, rate.effective_time) > (
            best.from_currency == given,
            best.effective_time,
        ):
            best = rate
    if best is None:
        return None
    version = f"{best.name}/{best.version}"
    if best.from_currency == given:
        return Conversion(best.billionths, BILLION, version)
    return Conversion(BILLION, best.billionths, version)
