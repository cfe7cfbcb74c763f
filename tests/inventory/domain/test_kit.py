import pytest

from ordermesh.inventory.domain.errors.catalog import KitHasNoStock
from ordermesh.inventory.domain.errors.requests import TooMuchAsked
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.kit import (
    Component,
    Kit,
    Wait,
    Wanted,
    available_kits,
    exploded,
    kits_among,
    with_modes,
)
from ordermesh.inventory.domain.mode import ReservationMode

SET = Kit((Component("POT", 1), Component("CUP", 2)))
UNSAID, NONE, TRACK, RESERVE = (
    ReservationMode.UNSAID,
    ReservationMode.NONE,
    ReservationMode.TRACK_ONLY,
    ReservationMode.RESERVE,
)


def part(sku: str, units: int, per_kit: int, kit: str = "SET", place: str = "A") -> Wanted:
    return Wanted("1", StockKey(sku, place), units, kit_sku=kit, quantity_per_kit=per_kit)


def test_the_components_of_a_kit_want_it_as_the_kit_was_wanted() -> None:
    wait = Wait()
    (pot, cup) = exploded(
        [Wanted("1", StockKey("SET", "A"), 3, mode=TRACK, wait=wait, group="west")], {"SET": SET}
    )

    assert (pot.key.sku, pot.quantity, cup.key.sku, cup.quantity) == ("POT", 3, "CUP", 6)
    for one in (pot, cup):
        assert (one.mode, one.wait, one.group) == (TRACK, wait, "west")


def test_a_kit_has_no_lot_and_no_serial_numbers_of_its_own() -> None:
    for facts in ({"lot_id": "L1"}, {"serial_numbers": ("S1",)}):
        with pytest.raises(KitHasNoStock) as refusal:
            exploded([Wanted("1", StockKey("SET", "A"), 1, **facts)], {"SET": SET})
        assert refusal.value.facts() == {"sku": "SET"}
        plain = Wanted("1", StockKey("POT", "A"), 1, **facts)
        assert exploded([plain], {"SET": SET}) == (plain,)


def test_a_request_of_kits_becomes_at_most_five_thousand_lines() -> None:
    items = [Wanted(str(number), StockKey("POT", "A"), 1) for number in range(5_001)]

    assert len(exploded(items[1:], {})) == 5_000
    with pytest.raises(TooMuchAsked) as refusal:
        exploded(items, {})
    assert refusal.value.facts() == {"limit": "5000"}


def test_the_mode_is_the_lines_own_or_the_kits_or_the_items_or_stays_unsaid() -> None:
    def found(line: Wanted, **modes: ReservationMode) -> ReservationMode:
        (one,) = with_modes([line], modes)
        return one.mode

    plain, of_kit = Wanted("1", StockKey("POT", "A"), 1), part("POT", 1, 1)

    assert found(plain) is UNSAID
    assert found(plain, POT=TRACK) is TRACK
    assert found(plain, CUP=TRACK) is UNSAID
    assert found(of_kit, POT=TRACK, SET=NONE) is NONE
    assert found(of_kit, POT=TRACK) is TRACK
    assert found(of_kit, POT=TRACK, SET=UNSAID) is TRACK
    (own,) = with_modes([Wanted("1", StockKey("POT", "A"), 1, mode=RESERVE)], {"POT": NONE})
    assert own.mode is RESERVE


def test_what_is_reserved_or_not_said_is_held() -> None:
    held = {
        mode: Wanted("1", StockKey("POT", "A"), 1, mode=mode).is_held for mode in ReservationMode
    }

    assert held == {UNSAID: True, RESERVE: True, TRACK: False, NONE: False}


def test_components_are_for_as_many_kits_as_the_most_wanted_of_them_needs() -> None:
    wanted = [
        part("POT", 3, 1),
        part("CUP", 4, 2),
        part("CUP", 3, 2),
        part("CUP", 1, 2, place="B"),
        part("CUP", 5, 5, kit="CASE"),
        Wanted("2", StockKey("POT", "A"), 9),
    ]

    assert kits_among(wanted) == {
        StockKey("SET", "A"): 4,
        StockKey("SET", "B"): 1,
        StockKey("CASE", "A"): 1,
    }


def test_the_same_item_may_be_in_a_kit_as_different_parts() -> None:
    """Three of one part make three kits, and four of the other make two."""
    assert kits_among([part("CUP", 3, 1), part("CUP", 4, 2)]) == {StockKey("SET", "A"): 3}


def test_a_line_of_a_group_may_be_held_at_each_candidate_and_is_bound_to_one() -> None:
    line = Wanted(
        "1", StockKey("POT", ""), 2, group="west", candidates=("A", "B"), wait=Wait(), lot_id="L"
    )

    assert line.keys == (StockKey("POT", "A"), StockKey("POT", "B"))
    assert line.at("B") == Wanted("1", StockKey("POT", "B"), 2, lot_id="L")
    assert line.at("B").keys == (StockKey("POT", "B"),)


@pytest.mark.parametrize(
    ("pots", "cups", "kits"), [(5, 7, 3), (1, 7, 1), (0, 7, 0), (5, 1, 0), (5, None, 0)]
)
def test_a_kit_is_available_as_often_as_its_scarcest_component(
    pots: int, cups: int | None, kits: int
) -> None:
    available = {"POT": pots} | ({} if cups is None else {"CUP": cups})

    assert available_kits(SET, available) == kits


def test_of_a_component_that_nobody_knows_there_is_nothing_even_if_a_kit_has_one_of_it() -> None:
    assert available_kits(SET, {"CUP": 9}) == 0
