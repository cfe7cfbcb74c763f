from datetime import UTC, datetime
from typing import Any

import pytest

from ordermesh.inventory.domain.conditions import UNCONDITIONAL
from ordermesh.inventory.domain.control import Control, ControlKind
from ordermesh.inventory.domain.control_table import ControlTable
from ordermesh.inventory.domain.errors.stock import (
    ALL_OVERDUE,
    InsufficientStock,
    KeyQuarantined,
    NotStockedHere,
)
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Account, Balance, Cause, Ledger, MovementKind
from ordermesh.inventory.domain.selling import Terms, refuse_short, sellable
from tests.inventory.domain.moves import CUP, JAR, MUG

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
SET = StockKey("SET", "A")
SHORT = Balance(on_hand=3, reserved=5, short=2)


def terms(*controls: Control, **fields: Any) -> Terms:
    return Terms(controls=ControlTable(controls), **fields)


def cap(value: int, **fields: Any) -> Control:
    return Control("cap", ControlKind.CAP, value, **fields)


def pool(number: int, value: int, channel: str) -> Control:
    return Control(f"pool-{number}", ControlKind.POOL, value, channel=channel, number=number)


def test_without_controls_what_is_free_may_be_sold_unless_it_is_switched_off() -> None:
    plain = Terms()

    assert plain.conditions(MUG, "web", NOON) is UNCONDITIONAL
    assert plain.available(MUG, Balance(5, 2), NOON) == 3
    assert plain.available(MUG, SHORT, NOON, returning=3) == 1
    assert plain.pool_of(MUG, "web", NOON) is None
    assert plain.ceiling(SET, "web", NOON) is None
    off = Terms(off=frozenset({MUG, SET}))
    assert off.available(MUG, Balance(5), NOON, returning=9) == 0
    assert off.available(CUP, Balance(5), NOON) == 5
    assert off.ceiling(SET, "web", NOON) == 0


def test_controls_apply_by_the_tags_of_the_item_and_the_groups_of_the_location() -> None:
    red = terms(cap(2, tag="red"), tags={"MUG": ("red",)})
    west = terms(cap(2, location_group="west"), groups={"A": ("west",)})

    assert red.available(MUG, Balance(5), NOON) == 2
    assert red.available(CUP, Balance(5), NOON) == 5
    assert west.available(MUG, Balance(5), NOON) == 2
    assert west.available(JAR, Balance(5), NOON) == 5
    assert red.ceiling(SET, "web", NOON) is None
    assert terms(cap(2, channel="web")).ceiling(SET, "web", NOON) == 2


def test_units_are_taken_from_the_pool_of_the_channel() -> None:
    rules = terms(pool(7, 4, "web"))

    assert rules.pool_of(MUG, "web", NOON) == 7
    assert rules.pool_of(MUG, "app", NOON) is None
    assert rules.available(MUG, Balance(9), NOON, channel="web", taken={7: 1}.__getitem__) == 3
    assert rules.available(MUG, Balance(9), NOON, channel="app", taken={7: 1}.__getitem__) == 6


def test_readers_do_not_count_promises_of_what_is_uncounted() -> None:
    rules = terms(cap(4), uncounted=frozenset({MUG}))

    assert rules.shown(MUG, Balance(3, 2), NOON, returning=2) == 3
    assert rules.available(MUG, Balance(3, 2), NOON) == 1
    assert rules.shown(CUP, Balance(3, 2), NOON, returning=1) == 2
    assert rules.shown(MUG, Balance(9, 9), NOON) == 4
    assert rules.shown(CUP, Balance(9), NOON, channel="web") == 4
    pools = terms(pool(7, 4, "web"), uncounted=frozenset({MUG}))
    assert pools.shown(MUG, Balance(9), NOON, channel="web", taken={7: 1}.__getitem__) == 3


def test_demand_that_fits_is_not_refused() -> None:
    ledger = Ledger({MUG: Balance(5, 2), CUP: Balance(1)})

    refuse_short(ledger, {}, Terms(), NOON)
    refuse_short(ledger, {MUG: 3, CUP: 1}, Terms(), NOON)


def test_every_short_key_is_named_with_what_there_is() -> None:
    ledger = Ledger({MUG: Balance(5, 2), CUP: Balance(1)})

    with pytest.raises(InsufficientStock) as refusal:
        refuse_short(ledger, {MUG: 4, CUP: 1, JAR: 1}, Terms(), NOON)

    assert refusal.value.rows == (
        {"sku": "MUG", "locationId": "A", "wanted": 4, "available": 3},
        {"sku": "JAR", "locationId": "B", "wanted": 1, "available": 0},
    )
    assert refusal.value.missing == {MUG: 1, JAR: 1}


def test_what_nobody_keeps_is_not_stocked_unless_records_do_not_matter() -> None:
    ledger = Ledger({MUG: Balance()})

    with pytest.raises(NotStockedHere) as refusal:
        refuse_short(ledger, {CUP: 1, JAR: 1}, Terms(), NOON)
    assert refusal.value.rows == (
        {"sku": "CUP", "locationId": "A"},
        {"sku": "JAR", "locationId": "B"},
    )
    with pytest.raises(InsufficientStock):
        refuse_short(ledger, {CUP: 1}, Terms(), NOON, without_record=False)
    with pytest.raises(InsufficientStock):
        refuse_short(ledger, {CUP: 1, MUG: 1}, Terms(), NOON)


def test_of_keys_under_conditions_all_overdue_holds_must_go() -> None:
    rules = terms(cap(2, sku="MUG"))
    ledger = Ledger({MUG: Balance(5), CUP: Balance(5)})

    with pytest.raises(InsufficientStock) as refusal:
        refuse_short(ledger, {MUG: 3, CUP: 6}, rules, NOON)

    assert refusal.value.missing == {MUG: ALL_OVERDUE, CUP: 1}


def test_what_is_said_about_a_kit_counts_besides_its_components() -> None:
    ledger = Ledger({MUG: Balance(9), CUP: Balance(1)})
    rules = terms(cap(2, sku="SET"))

    refuse_short(ledger, {MUG: 2}, rules, NOON, kits={SET: 2})
    refuse_short(ledger, {MUG: 9}, Terms(), NOON, kits={SET: 9})
    with pytest.raises(InsufficientStock) as refusal:
        refuse_short(ledger, {MUG: 3, CUP: 3}, rules, NOON, kits={SET: 3})

    assert refusal.value.rows == (
        {"sku": "SET", "locationId": "A", "wanted": 3, "available": 2},
        {"sku": "CUP", "locationId": "A", "wanted": 3, "available": 1},
    )


def test_what_a_channel_may_take_goes_down_with_what_it_took() -> None:
    ledger = Ledger({MUG: Balance(9)}, {(7, MUG): 1})
    rules = terms(pool(7, 4, "web"))

    assert sellable(ledger, MUG, rules, "web", NOON) == 3
    cause = Cause(MovementKind.RESERVED)
    ledger.move(cause, MUG, Account.FREE, Account.RESERVED, 2, pool=7)
    assert sellable(ledger, MUG, rules, "web", NOON) == 1
    # What is left of the pool is not for the others: of seven free units six are.
    assert sellable(ledger, MUG, rules, "app", NOON) == 6
    with pytest.raises(InsufficientStock):
        refuse_short(ledger, {MUG: 2}, rules, NOON, channel="web")
    refuse_short(ledger, {MUG: 6}, rules, NOON, channel="app")


def test_of_a_key_in_quarantine_nothing_is_sold_however_much_there_is() -> None:
    ledger = Ledger({MUG: Balance(9), CUP: Balance(1)}, quarantined=frozenset({MUG}))

    with pytest.raises(KeyQuarantined) as refusal:
        refuse_short(ledger, {MUG: 1, CUP: 5}, Terms(), NOON)
    assert refusal.value.rows == ({"sku": "MUG", "locationId": "A"},)
    refuse_short(ledger, {CUP: 1}, Terms(), NOON)
