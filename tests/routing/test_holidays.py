"""Public holidays, as the library gives them."""

from datetime import date

from ordermesh.routing.store.holidays import PublicHolidays


def test_a_place_that_nobody_knows_has_none_to_give() -> None:
    assert PublicHolidays().dates("XX", "", 2026, 2026) is None
    assert PublicHolidays().dates("US", "ZZ", 2026, 2026) is None


def test_a_country_has_its_holidays_and_a_part_of_it_more() -> None:
    germany = PublicHolidays().dates("DE", "", 2026, 2027)
    bavaria = PublicHolidays().dates("DE", "BY", 2026, 2027)
    assert germany is not None
    assert bavaria is not None
    assert date(2026, 1, 6) in bavaria.keys() - germany.keys()
    assert {date(2026, 10, 3), date(2027, 10, 3)} <= germany.keys()
