from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ordermesh.inventory.domain.errors.requests import DuplicateEntry, SameLocation
from ordermesh.inventory.domain.errors.supply import (
    SupplyKeyChanged,
    SupplyStateRefused,
    SupplyVersionReused,
    TransferInTransit,
)
from ordermesh.inventory.domain.supply import (
    ORDINARY_RULE,
    TRANSITIONS,
    Put,
    PutVerdict,
    Supply,
    SupplyKind,
    SupplyRule,
    SupplyState,
    put,
    refuse_impossible,
)
from tests.inventory.domain.moves import CUP, MUG

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
PLANNED, CONFIRMED = SupplyState.PLANNED, SupplyState.CONFIRMED
IN_TRANSIT, RECEIVED, CANCELLED = (
    SupplyState.IN_TRANSIT,
    SupplyState.RECEIVED,
    SupplyState.CANCELLED,
)
ORDER, TRANSFER = SupplyKind.PURCHASE_ORDER, SupplyKind.TRANSFER


def supply(**fields: Any) -> Supply:
    plain = Supply("S1", ORDER, MUG, 10, NOON + timedelta(days=3), 80)
    return replace(plain, **fields)


def sent(**fields: Any) -> Supply:
    """A transfer that has left B for A."""
    plain: dict[str, Any] = {"kind": TRANSFER, "state": IN_TRANSIT, "from_location_id": "B"}
    return supply(**{**plain, **fields})


def told(one: Supply, *stored: Supply) -> Put:
    (found,) = put([one], {other.supply_id: other for other in stored})
    return found


@pytest.mark.parametrize("state", SupplyState)
def test_what_is_still_to_come_is_what_neither_came_nor_was_lost_of_what_is_expected(
    state: SupplyState,
) -> None:
    is_closed = state in (RECEIVED, CANCELLED)
    one = supply(state=state, received=3, lost=2, promised=4)

    assert one.is_expected is not is_closed
    assert one.open_quantity == (0 if is_closed else 5)
    assert one.unpromised == (-4 if is_closed else 1)
    assert supply(state=state, received=9, lost=3).open_quantity == 0


def test_only_a_transfer_that_has_left_is_on_its_way() -> None:
    found = [
        (kind, state)
        for kind in SupplyKind
        for state in SupplyState
        if supply(kind=kind, state=state).is_on_its_way
    ]

    assert found == [(TRANSFER, IN_TRANSIT)]


def test_a_supply_becomes_only_what_the_table_says() -> None:
    for before in SupplyState:
        for after in SupplyState:
            if after in TRANSITIONS[before]:
                assert supply(state=before).become(after) == supply(state=after)
            else:
                with pytest.raises(SupplyStateRefused) as refusal:
                    supply(state=before).become(after)
                assert refusal.value.facts() == {
                    "supplyId": "S1",
                    "state": before.name,
                    "wanted": after.name,
                }


def test_a_supply_counts_from_now_until_the_horizon_when_it_is_sure_enough() -> None:
    rule = SupplyRule(timedelta(days=3), 80)

    assert rule.counts(supply(expected_time=NOON), NOON)
    assert rule.counts(supply(expected_time=NOON + timedelta(days=3)), NOON)
    assert not rule.counts(supply(expected_time=NOON - MOMENT), NOON)
    assert not rule.counts(supply(expected_time=NOON + timedelta(days=3) + MOMENT), NOON)
    assert not rule.counts(supply(confidence_percent=79), NOON)
    assert not rule.counts(supply(state=CANCELLED), NOON)


def test_where_nothing_is_set_half_sure_supplies_of_a_quarter_of_a_year_count() -> None:
    last = NOON + timedelta(days=90)

    assert ORDINARY_RULE.counts(supply(expected_time=last, confidence_percent=50), NOON)
    assert not ORDINARY_RULE.counts(supply(expected_time=last + MOMENT), NOON)
    assert not ORDINARY_RULE.counts(supply(confidence_percent=49), NOON)


def test_announcements_name_each_supply_once_and_none_that_stays_where_it_is() -> None:
    refuse_impossible([supply(), supply(supply_id="S2", from_location_id="B")])

    with pytest.raises(DuplicateEntry) as twice:
        refuse_impossible([supply(), supply(supply_id="S2"), supply()])
    assert twice.value.facts() == {"field": "supplies[2].supply_id", "value": "S1"}
    with pytest.raises(SameLocation) as home:
        refuse_impossible([supply(), supply(supply_id="S2", from_location_id="A")])
    assert home.value.facts() == {"sku": "MUG", "locationId": "A"}


def test_a_new_supply_is_created_in_its_first_version() -> None:
    one = told(supply(source_version=7))

    assert (one.verdict, one.before) == (PutVerdict.CREATED, None)
    assert one.after == supply(source_version=7, version=1)
    assert one.is_change


def test_a_transfer_leaves_only_by_being_sent() -> None:
    with pytest.raises(SupplyStateRefused) as new:
        told(sent())
    assert new.value.facts() == {"supplyId": "S1", "state": "PLANNED", "wanted": "IN_TRANSIT"}
    with pytest.raises(SupplyStateRefused):
        told(sent(), sent(state=CONFIRMED, version=1))

    assert told(sent(state=CONFIRMED)).verdict is PutVerdict.CREATED
    # Goods of a supplier are on their way without leaving any books.
    assert told(supply(state=IN_TRANSIT)).verdict is PutVerdict.CREATED
    assert told(supply(state=IN_TRANSIT), supply()).verdict is PutVerdict.CHANGED


@pytest.mark.parametrize("other", [{"key": CUP}, {"kind": SupplyKind.SHIPPING_NOTICE}])
def test_what_a_supply_is_never_changes(other: dict[str, Any]) -> None:
    with pytest.raises(SupplyKeyChanged) as refusal:
        told(supply(**other), supply(state=RECEIVED))

    assert refusal.value.facts() == {"supplyId": "S1", "sku": "MUG", "locationId": "A"}


@pytest.mark.parametrize("state", [RECEIVED, CANCELLED])
def test_what_is_closed_stays_as_it_is(state: SupplyState) -> None:
    before = supply(state=state, version=4)
    one = told(supply(quantity=99, source_version=9), before)

    assert (one.verdict, one.after) == (PutVerdict.CLOSED, before)
    assert not one.is_change


def test_what_a_later_version_told_of_is_outdated() -> None:
    before = supply(source_version=7, version=4)

    one = told(supply(quantity=99, source_version=6), before)
    assert (one.verdict, one.after) == (PutVerdict.OUTDATED, before)
    first = told(supply(quantity=99, source_version=1), before)
    assert first.verdict is PutVerdict.OUTDATED
    assert not one.is_change
    # Who counts no versions is never late, and the count that was reached stays.
    uncounted = told(supply(quantity=99), before)
    assert uncounted.verdict is PutVerdict.CHANGED
    assert uncounted.after == supply(quantity=99, source_version=7, version=5)


def test_the_same_again_changes_nothing_and_something_else_needs_another_version() -> None:
    before = supply(source_version=7, version=4, received=2, lost=1, promised=3)

    same = told(supply(source_version=7), before)
    assert (same.verdict, same.after) == (PutVerdict.UNCHANGED, before)
    assert not same.is_change
    with pytest.raises(SupplyVersionReused) as refusal:
        told(supply(source_version=7, quantity=11), before)
    assert refusal.value.facts() == {"supplyId": "S1", "version": "7"}
    with pytest.raises(SupplyVersionReused):
        told(supply(source_version=1, quantity=11), supply(source_version=1))

    later = told(supply(source_version=8, quantity=11), before)
    assert later.verdict is PutVerdict.CHANGED
    assert later.after == supply(
        source_version=8, quantity=11, version=5, received=2, lost=1, promised=3
    )
    assert later.before == before


def test_who_counts_no_versions_may_change_what_they_said() -> None:
    one = told(supply(quantity=11), supply(version=2))

    assert (one.verdict, one.after) == (PutVerdict.CHANGED, supply(quantity=11, version=3))


def test_what_is_made_so_small_that_all_of_it_has_come_is_received() -> None:
    before = supply(version=1, received=4)

    assert told(supply(quantity=5), before).after.state is PLANNED
    assert told(supply(quantity=4), before).after.state is RECEIVED
    assert told(supply(quantity=3), before).after.state is RECEIVED
    # Of which nothing has come stays expected.
    assert told(supply(quantity=0), supply(version=1)).after.state is PLANNED


def test_a_state_is_announced_only_where_a_way_leads_there() -> None:
    assert told(supply(state=CANCELLED), supply()).after.state is CANCELLED
    with pytest.raises(SupplyStateRefused) as refusal:
        told(supply(state=PLANNED), supply(state=CONFIRMED))
    assert refusal.value.facts() == {"supplyId": "S1", "state": "CONFIRMED", "wanted": "PLANNED"}


@pytest.mark.parametrize(
    "other",
    [{"quantity": 9}, {"from_location_id": "C"}, {"state": PLANNED}, {"state": CANCELLED}],
)
def test_of_a_transfer_on_its_way_only_dates_and_words_change(other: dict[str, Any]) -> None:
    before = sent(version=2, received=1)

    with pytest.raises(TransferInTransit) as refusal:
        told(sent(**other), before)
    assert refusal.value.facts() == {"supplyId": "S1", "inTransit": "9"}

    later = told(sent(expected_time=NOON + timedelta(days=5)), before)
    assert later.verdict is PutVerdict.CHANGED
