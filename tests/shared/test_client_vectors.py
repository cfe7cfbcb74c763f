"""Balances in arrays: the newest wins, in whichever order they are told."""

from array import array
from collections.abc import Mapping
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ordermesh.api.inventory.v1 import KitComponent, KitComposition, PackedBalances
from ordermesh.client.vectors import Vectors

Told = tuple[str, str, int, int]
"""An item, a location, the units on hand, and the sequence; nothing is promised."""


def packed(*rows: Told) -> PackedBalances:
    skus = list(dict.fromkeys(row[0] for row in rows))
    places = list(dict.fromkeys(row[1] for row in rows))
    return PackedBalances(
        skus=skus,
        location_ids=places,
        sku_numbers=[skus.index(row[0]) for row in rows],
        location_numbers=[places.index(row[1]) for row in rows],
        on_hand=[row[2] for row in rows],
        reserved=[0 for _ in rows],
        available=[row[2] for row in rows],
        sequences=[row[3] for row in rows],
    )


def kit(sku: str, parts: Mapping[str, int], **more: bool) -> KitComposition:
    components = [KitComponent(sku=part, quantity=count) for part, count in parts.items()]
    return KitComposition(sku=sku, components=components, **more)


def test_an_older_change_does_not_undo_a_newer_one() -> None:
    stock = Vectors()

    assert stock.apply(packed(("MUG", "A", 5, 2))) == {"MUG"}
    assert stock.apply(packed(("MUG", "A", 9, 1))) == set()

    assert stock.available("MUG", "A") == 5
    assert stock.total("MUG") == 5


def test_a_switch_is_told_with_the_same_sequence_and_wins() -> None:
    stock = Vectors()
    stock.apply(packed(("MUG", "A", 5, 2)))

    off = packed(("MUG", "A", 5, 2))
    off.available[0] = 0

    assert stock.apply(off) == {"MUG"}
    assert (stock.available("MUG", "A"), stock.total("MUG")) == (0, 0)


def test_what_was_never_told_of_has_nothing() -> None:
    stock = Vectors()
    stock.apply(packed(("MUG", "A", 5, 1)))

    assert stock.available("CUP", "A") == stock.available("MUG", "B") == stock.total("CUP") == 0
    assert list(stock.vector("CUP")) == [0]


def test_locations_that_come_later_are_nothing_for_those_who_came_before() -> None:
    stock = Vectors()
    stock.apply(packed(("MUG", "A", 5, 1)))
    stock.apply(packed(*(("CUP", f"S{number}", number, 1) for number in range(40))))

    assert len(stock.vector("MUG")) == 41
    assert sum(stock.vector("MUG")) == 5
    assert stock.available("MUG", "S39") == 0
    stock.apply(packed(("MUG", "S39", 3, 1)))
    assert (stock.available("MUG", "S39"), stock.total("MUG")) == (3, 8)
    assert stock.total("MUG", ["A", "S1", "NOWHERE"]) == 5


def test_a_kit_has_what_its_components_allow() -> None:
    stock = Vectors()
    assert stock.compose([kit("SET", {"POT": 1, "CUP": 2})]) == {"SET"}
    assert stock.compose([kit("SET", {"POT": 1, "CUP": 2})]) == set()
    stock.apply(packed(("POT", "A", 5, 1), ("CUP", "A", 7, 1), ("POT", "B", 1, 1)))

    assert list(stock.vector("SET")) == [3, 0]
    assert stock.total("SET") == 3
    assert stock.kits_of(["CUP"]) == {"SET"}

    assert stock.compose([kit("SET", {"POT": 1}, unsellable=True)]) == {"SET"}
    assert (list(stock.vector("SET")), stock.available("SET", "A")) == ([0, 0], 0)
    stock.compose([kit("SET", {"POT": 1})])
    assert (list(stock.vector("SET")), stock.kits_of(["CUP"])) == ([5, 1], set())


def test_a_kit_that_is_none_any_more_has_its_own_balances() -> None:
    stock = Vectors()
    stock.compose([kit("SET", {"POT": 1})])
    stock.apply(packed(("POT", "A", 5, 1), ("SET", "A", 2, 1)))

    assert stock.compose([kit("SET", {})]) == {"SET"}
    assert (stock.available("SET", "A"), stock.total("SET"), stock.kits_of(["POT"])) == (
        2,
        2,
        set(),
    )


def test_a_matrix_has_the_columns_that_were_asked_for() -> None:
    stock = Vectors()
    stock.compose([kit("SET", {"POT": 1, "CUP": 2})])
    stock.apply(packed(("POT", "A", 5, 1), ("CUP", "A", 7, 1), ("POT", "B", 1, 1)))

    def cells(*location_ids: str) -> list[int]:
        fixed = stock.fixed(["POT", "SET", "NOBODY"], location_ids)
        return array("q", fixed.available).tolist()

    assert cells("A", "B") == [5, 1, 3, 0, 0, 0]
    assert cells("B", "NOWHERE", "A") == [1, 0, 5, 0, 0, 3, 0, 0, 0]
    assert cells() == []
    assert array("q", stock.fixed(["SET", "POT"], ["A"]).on_hand).tolist() == [0, 5]


_CHANGES = st.lists(
    st.tuples(st.sampled_from("PQR"), st.sampled_from("ABCDE"), st.integers(0, 99)), max_size=40
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_CHANGES, st.randoms(use_true_random=False))
def test_changes_that_come_twice_and_in_any_order_lead_to_the_same(
    changes: list[tuple[str, str, int]], chance: Random
) -> None:
    counts: dict[tuple[str, str], int] = {}
    told: list[Told] = []
    for sku, place, units in changes:
        counts[sku, place] = counts.get((sku, place), 0) + 1
        told.append((sku, place, units, counts[sku, place]))
    newest = {(sku, place): units for sku, place, units, _ in told}
    shuffled = [*told, *told]
    chance.shuffle(shuffled)

    stock = Vectors()
    for one in shuffled:
        stock.apply(packed(one))

    for (sku, place), units in newest.items():
        assert stock.available(sku, place) == units
    for sku in "PQR":
        assert stock.total(sku) == sum(units for key, units in newest.items() if key[0] == sku)
