"""Rates of exchange: the latest that has begun, the way back inverted, and rounding."""

from datetime import UTC, datetime
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ordermesh.routing.domain.carriage.currency import CurrencyRate, conversion
from tests.routing.carriage.making import EARLIER, LATER, NOW

MARCH = datetime(2026, 3, 1, tzinfo=UTC)


def rate(pair: str, since: datetime, billionths: int, version: int = 1) -> CurrencyRate:
    start, end = pair.split("/")
    return CurrencyRate(start, end, since, billionths, "a bank", version)


def test_an_unknown_currency_and_a_rate_that_has_not_begun_convert_nothing() -> None:
    rates = [rate("JPY/EUR", LATER, 6_100_000)]

    assert conversion(rates, "EUR", "JPY", NOW) is None
    assert conversion(rates, "EUR", "USD", LATER) is None
    assert conversion([], "EUR", "USD", NOW) is None


def test_the_same_currency_needs_no_rate() -> None:
    same = conversion([], "EUR", "EUR", NOW)

    assert same is not None
    assert (same.of(45_005), same.version) == (45_005, "")


def test_the_latest_rate_that_has_begun_decides_and_is_named() -> None:
    rates = [
        rate("JPY/EUR", EARLIER, 6_000_000),
        rate("JPY/EUR", MARCH, 6_100_000, version=2),
        rate("JPY/EUR", LATER, 7_000_000),
    ]

    found = conversion(rates, "EUR", "JPY", NOW)

    assert found is not None
    assert found.of(1_000 * 10_000) == 61_000
    assert found.version == "JPY/EUR@2026-03-01T00:00:00Z/2"


def test_the_way_back_is_inverted_where_only_it_is_known() -> None:
    back = conversion([rate("EUR/USD", EARLIER, 1_250_000_000)], "EUR", "USD", NOW)
    both = conversion(
        [rate("EUR/USD", MARCH, 1_250_000_000), rate("USD/EUR", EARLIER, 790_000_000)],
        "EUR",
        "USD",
        NOW,
    )

    assert back is not None
    assert back.of(10_000) == 8_000
    assert both is not None
    assert both.of(10_000) == 7_900


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**15), st.booleans())
def test_every_amount_converts_and_is_rounded_half_to_even(
    amount: int, billionths: int, inverted: bool
) -> None:
    pair = "EUR/USD" if inverted else "USD/EUR"
    found = conversion([rate(pair, EARLIER, billionths)], "EUR", "USD", NOW)
    exact = Fraction(billionths, 10**9)

    assert found is not None
    assert found.of(amount) == round(amount / exact if inverted else amount * exact)
