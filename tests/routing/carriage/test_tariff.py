"""The price of a parcel by its weight: rounded once, never falling, and whether merging pays."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.carriage.checking import findings
from ordermesh.routing.domain.carriage.conversion import Conversion, price_once
from ordermesh.routing.domain.carriage.rate_card import (
    Bracket,
    Goods,
    RateCard,
    Surcharge,
    SurchargeKind,
    ZoneRates,
    quote,
)
from tests.routing.carriage.making import AMSTERDAM, NOW, area, book, card, money, rates

RESIDENTIAL = Surcharge(SurchargeKind.RESIDENTIAL, money("1.00"), bears_fuel=True)
REMOTE = Surcharge(SurchargeKind.REMOTE_AREA, money("7.00"), areas=(area("NL", "", "88"),))
HAZMAT = Surcharge(SurchargeKind.HAZMAT, money("9.00"))
OVERSIZE = Surcharge(
    SurchargeKind.OVERSIZE,
    money("12.00"),
    longest_side_mm_over=1_200,
    length_and_girth_mm_over=3_000,
)


def cards() -> st.SearchStrategy[RateCard]:
    """Cards as they are accepted: brackets without a gap, prices that do not fall."""

    def build(draws: tuple[list[tuple[int, int]], int, int | None, int, int, int]) -> RateCard:
        widths, first, per_kg, minimum, fuel, rate_step = draws
        brackets, grams, price = [], 0, first
        for width, rise in widths:
            brackets.append(Bracket(grams, grams + width, Money(price + rise)))
            grams, price = grams + width, price + rise
        beyond = None if per_kg is None else Money(per_kg)
        rated = ZoneRates(1, tuple(brackets), beyond, Money(minimum))
        return card(rated, fuel_millionths=fuel, weight_step_grams=rate_step)

    return st.tuples(
        st.lists(st.tuples(st.integers(1, 40), st.integers(0, 60)), min_size=1, max_size=4),
        st.integers(0, 200),
        st.none() | st.integers(0, 4_000),
        st.integers(0, 300),
        st.integers(0, 300_000),
        st.integers(1, 3),
    ).map(build)


def test_a_parcel_that_is_too_heavy_for_the_service_has_no_price() -> None:
    light = card(rates(1, "4.50", "5.50"))

    assert quote(light, 1, 2_000) == money("5.50")
    assert quote(light, 1, 2_001) is None
    assert quote(light, 2, 1) is None


def test_a_bracket_ends_with_its_weight_and_the_kilograms_beyond_are_charged_by_the_gram() -> None:
    mine = card(rates(1, "4.50", "5.50", per_kg_beyond=money("0.80")))

    prices = [quote(mine, 1, grams) for grams in (0, 1_000, 1_001, 2_000, 2_500, 3_000)]

    assert prices == [money(one) for one in ("4.50", "4.50", "5.50", "5.50", "5.90", "6.30")]


def test_volume_is_billed_where_it_is_more_and_the_scales_round_up() -> None:
    tariff = card(volume_divisor=5_000, weight_step_grams=500).tariff(1)
    assert tariff is not None

    assert tariff.billable_grams(300, 0) == 500
    assert tariff.billable_grams(300, 20_000_000) == 4_000
    assert tariff.billable_grams(300, 20_000_001) == 4_500
    assert tariff.billable_grams(4_001, 20_000_000) == 4_500


def test_no_parcel_costs_less_than_the_minimum() -> None:
    mine = card(ZoneRates(1, rates(1, "2.00", "5.00").brackets, None, money("3.25")))

    assert (quote(mine, 1, 10), quote(mine, 1, 1_500)) == (money("3.25"), money("5.00"))


def test_fuel_is_charged_on_the_price_and_on_what_bears_it() -> None:
    mine = card(rates(1, "10.00"), fuel_millionths=125_000, surcharges=(RESIDENTIAL, REMOTE))

    assert quote(mine, 1, 10) == money("11.25")
    assert quote(mine, 1, 10, [RESIDENTIAL]) == money("12.375")
    assert quote(mine, 1, 10, [RESIDENTIAL, REMOTE]) == money("19.375")
    assert mine.extra(RESIDENTIAL) == money("1.125")
    assert mine.extra(REMOTE) == money("7.00")


def test_surcharges_are_those_of_the_address_and_of_the_goods() -> None:
    mine = card(surcharges=(RESIDENTIAL, REMOTE, HAZMAT, OVERSIZE))
    island = AMSTERDAM.__class__("NL", "FR", "8899 AB")

    assert mine.surcharges_of(AMSTERDAM, is_residential=False) == ()
    assert mine.surcharges_of(AMSTERDAM, is_residential=True) == (RESIDENTIAL,)
    assert mine.surcharges_of(island, is_residential=True) == (RESIDENTIAL, REMOTE)
    assert mine.surcharges_for(Goods()) == ()
    assert mine.surcharges_for(Goods(sides_mm=(1_200, 400, 400))) == ()
    assert mine.surcharges_for(Goods(sides_mm=(400, 1_201, 10))) == (OVERSIZE,)
    assert mine.surcharges_for(Goods(sides_mm=(1_200, 500, 401))) == (OVERSIZE,)
    assert mine.surcharges_for(Goods(frozenset({"HAZARDOUS", "OVERSIZE"}))) == (HAZMAT, OVERSIZE)


@given(
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.integers(0, 10**6),
    st.integers(1, 10**13),
    st.integers(1, 10**13),
)
def test_a_price_is_rounded_once_and_half_to_even(
    plain: int, fueled: int, fuel: int, numerator: int, denominator: int
) -> None:
    exact = (plain + fueled * (1 + Fraction(fuel, 10**6))) * Fraction(numerator, denominator)

    assert price_once(plain, fueled, fuel, Conversion(numerator, denominator)) == round(exact)


@given(cards(), st.integers(0, 400), st.integers(0, 400))
def test_a_heavier_parcel_is_never_cheaper(mine: RateCard, grams: int, more: int) -> None:
    light, heavy = quote(mine, 1, grams), quote(mine, 1, grams + more)

    assert findings(book(rate_cards={"C": mine}), NOW) == []
    assert heavy is None or (light is not None and light <= heavy)


@given(cards())
def test_where_merging_is_said_to_pay_no_two_weights_say_otherwise(mine: RateCard) -> None:
    last = mine.zones[0].brackets[-1].up_to_grams
    prices = [quote(mine, 1, grams) for grams in range(2 * last + 200)]

    dearer = any(
        merged is None or merged > one + other
        for first, one in enumerate(prices[: last + 100])
        for second, other in enumerate(prices[first : last + 100], start=first)
        if one is not None and other is not None and first
        for merged in [prices[first + second]]
    )

    assert not (mine.merging_is_never_dearer and dearer)


@pytest.mark.parametrize(
    ("steps", "per_kg", "never_dearer"),
    [
        ([(1_000, "5.00"), (2_000, "6.00")], "0.50", True),
        # Two of one kilogram for 10.00, one of two kilograms for 22.56.
        ([(1_000, "5.00"), (2_000, "22.56")], "0.50", False),
        ([(1_000, "5.00"), (2_000, "6.00")], None, False),
        ([(1_000, "5.00"), (2_000, "6.00")], "5.50", False),
        ([(1_000, "5.00"), (2_000, "6.00")], "3.50", False),
    ],
)
def test_whether_merging_can_be_dearer_is_known_of_each_tariff(
    steps: list[tuple[int, str]], per_kg: str | None, never_dearer: bool
) -> None:
    edges = [0, *(grams for grams, _ in steps)]
    brackets = tuple(
        Bracket(over, grams, money(price))
        for over, (grams, price) in zip(edges, steps, strict=False)
    )
    mine = card(ZoneRates(1, brackets, None if per_kg is None else money(per_kg)))

    assert mine.merging_is_never_dearer is never_dearer
