from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from ordermesh.inventory.domain.errors.requests import DuplicateEntry
from ordermesh.inventory.domain.errors.stock import InsufficientStock
from ordermesh.inventory.domain.errors.supply import (
    MoreThanExpected,
    SupplyIdTaken,
    SupplyNotFound,
    SupplyStateRefused,
    TransferInTransit,
)
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Balance, Ledger
from ordermesh.inventory.domain.receiving import (
    Receipt,
    Situation,
    cancel,
    change,
    receive,
    refuse_repeated,
    send,
    write_off,
)
from ordermesh.inventory.domain.reservation import Line, LineState, Reservation
from ordermesh.inventory.domain.supply import Supply, SupplyKind, SupplyState, put
from ordermesh.inventory.domain.waiting import BreakCause, Broken, Waiters
from tests.inventory.domain.moves import CUP, MUG, causes, moved

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MUG_B = StockKey("MUG", "B")
ANN, BOB = UUID(int=1), UUID(int=2)
IN_TRANSIT, RECEIVED = SupplyState.IN_TRANSIT, SupplyState.RECEIVED
CANCELLED, CONFIRMED = SupplyState.CANCELLED, SupplyState.CONFIRMED


def supply(**fields: Any) -> Supply:
    plain = Supply("S1", SupplyKind.PURCHASE_ORDER, MUG, 10, NOON + 3 * DAY, 80, version=1)
    return replace(plain, **fields)


def sent(**fields: Any) -> Supply:
    """A transfer that has left B for A."""
    plain: dict[str, Any] = {
        "kind": SupplyKind.TRANSFER,
        "state": IN_TRANSIT,
        "from_location_id": "B",
    }
    return supply(**{**plain, **fields})


def waiting(who: UUID, units: int, *, after: int = 0, **fields: Any) -> Reservation:
    """Somebody waits for S1, since so many days."""
    plain = Line(1, "1", MUG, units, LineState.CONFIRMED, supply_id="S1")
    line = replace(plain, **fields)
    return Reservation(who, "shop", f"W-{who.int}", NOON + after * DAY, (line,), 1, units)


def situation(*stored: Supply, waiters: tuple[Reservation, ...] = ()) -> Situation:
    return Situation({one.supply_id: one for one in stored}, Waiters(waiters), NOON)


def told(broken: list[Broken]) -> list[tuple[UUID, int, BreakCause]]:
    return [(one.reservation.reservation_id, one.line.quantity, one.cause) for one in broken]


def test_a_supply_is_received_once_in_a_request() -> None:
    refuse_repeated([Receipt("S1"), Receipt("S2")])

    with pytest.raises(DuplicateEntry) as refusal:
        refuse_repeated([Receipt("S1"), Receipt("S2"), Receipt("S1")])
    assert refusal.value.facts() == {"field": "receipts[2].supply_id", "value": "S1"}


@pytest.mark.parametrize(
    ("receipt", "units", "state", "missing"),
    [
        (Receipt("S1"), 8, RECEIVED, 0),
        (Receipt("S1", 8), 8, RECEIVED, 0),
        (Receipt("S1", 7), 7, CONFIRMED, 1),
        (Receipt("S1", 7, is_complete=True), 7, RECEIVED, 1),
        (Receipt("S1", 1), 1, CONFIRMED, 7),
    ],
)
def test_what_comes_is_free_and_what_is_still_to_come_is_told(
    receipt: Receipt, units: int, state: SupplyState, missing: int
) -> None:
    ledger = Ledger({MUG: Balance(1)})
    before = supply(state=CONFIRMED, received=1, lost=1)

    (row,), broken = receive(ledger, [receipt], situation(before))

    assert moved(ledger) == [(MUG, "SUPPLIER", "FREE", units)]
    assert causes(ledger) == {"RECEIVED"}
    assert row.supply == supply(state=state, received=1 + units, lost=1, version=2)
    assert (row.quantity, row.missing, row.surplus, row.kept) == (units, missing, 0, 0)
    assert broken == []


def test_what_comes_beyond_what_is_expected_needs_leave() -> None:
    other = supply(supply_id="S2", key=CUP, quantity=5)
    receipts = [Receipt("S1", 11), Receipt("S2", 5)]
    with pytest.raises(MoreThanExpected) as refusal:
        receive(Ledger({}), [*receipts, Receipt("S3", 2)], situation(
            supply(), other, supply(supply_id="S3", quantity=1)))  # fmt: skip
    assert refusal.value.rows == (
        {"supplyId": "S1", "wanted": 11, "expected": 10},
        {"supplyId": "S3", "wanted": 2, "expected": 1},
    )

    ledger = Ledger({})
    (row,), _ = receive(ledger, [Receipt("S1", 13, accept_surplus=True)], situation(supply()))
    assert moved(ledger) == [(MUG, "SUPPLIER", "FREE", 10), (MUG, "SUPPLIER", "FREE", 3)]
    assert (row.quantity, row.surplus, row.missing) == (13, 3, 0)
    assert row.supply.state is RECEIVED
    assert row.supply.received == 13


def test_a_transfer_brings_what_was_sent_and_what_is_too_much_was_found() -> None:
    ledger = Ledger({})

    receive(ledger, [Receipt("S1", 12, accept_surplus=True)], situation(sent()))

    assert moved(ledger) == [(MUG, "TRANSIT", "FREE", 10), (MUG, "LOSS", "FREE", 2)]


@pytest.mark.parametrize(
    "other",
    [
        supply(state=RECEIVED),
        supply(state=CANCELLED),
        sent(state=SupplyState.PLANNED),
        sent(state=CONFIRMED),
    ],
)
def test_what_is_closed_or_has_not_left_is_not_received(other: Supply) -> None:
    with pytest.raises(SupplyStateRefused) as refusal:
        receive(Ledger({}), [Receipt("S1", 1)], situation(other))

    assert refusal.value.facts() == {
        "supplyId": "S1",
        "state": other.state.name,
        "wanted": "RECEIVED",
    }


def test_a_transfer_is_not_complete_while_units_are_on_their_way() -> None:
    with pytest.raises(TransferInTransit) as refusal:
        receive(
            Ledger({}), [Receipt("S1", 6, is_complete=True)], situation(sent(received=1, lost=1))
        )
    assert refusal.value.facts() == {"supplyId": "S1", "inTransit": "2"}

    (row,), _ = receive(Ledger({}), [Receipt("S1", 10, is_complete=True)], situation(sent()))
    assert row.supply.state is RECEIVED
    (part,), _ = receive(Ledger({}), [Receipt("S1", 6)], situation(sent()))
    assert part.supply.state is IN_TRANSIT


def test_every_unknown_supply_is_named() -> None:
    with pytest.raises(SupplyNotFound) as refusal:
        receive(Ledger({}), [Receipt("S3"), Receipt("S1"), Receipt("S2")], situation(supply()))
    assert refusal.value.rows == ({"supplyId": "S2"}, {"supplyId": "S3"})
    with pytest.raises(SupplyNotFound):
        cancel(Ledger({}), "S2", situation(supply()))
    with pytest.raises(SupplyNotFound):
        write_off(Ledger({}), "S2", 1, situation(supply()))


def test_what_comes_goes_to_those_who_wait_the_oldest_first_after_the_deficit_is_paid() -> None:
    ledger = Ledger({MUG: Balance(on_hand=1, reserved=3, short=2)})
    waiters = (waiting(BOB, 4, after=2), waiting(ANN, 3, after=1))
    at = situation(supply(promised=7), waiters=waiters)

    (row,), broken = receive(ledger, [Receipt("S1", 7)], at)

    assert moved(ledger) == [
        (MUG, "SUPPLIER", "SHORT", 2),
        (MUG, "SUPPLIER", "FREE", 5),
        (MUG, "FREE", "RESERVED", 3),
        (MUG, "FREE", "RESERVED", 2),
    ]
    assert [entry.reservation_id for entry in ledger.entries[2:]] == [ANN, BOB]
    assert ledger.promised() == {"S1": -5}
    assert row.kept == 5
    done = at.waiters.done()
    assert [(line.quantity, line.supply_id) for line in done[ANN].lines] == [(3, "")]
    assert [(line.quantity, line.supply_id) for line in done[BOB].lines] == [(2, "S1"), (2, "")]
    assert broken == []


def test_what_does_not_come_breaks_the_newest_promises() -> None:
    waiters = (waiting(ANN, 3, after=1), waiting(BOB, 4, after=2))
    at = situation(supply(promised=7), waiters=waiters)

    (row,), broken = receive(Ledger({}), [Receipt("S1", 5, is_complete=True)], at)

    assert row.kept == 5
    assert told(broken) == [(BOB, 2, BreakCause.CANCELLED)]


def test_a_receipt_that_only_pays_the_deficit_keeps_no_promise() -> None:
    ledger = Ledger({MUG: Balance(reserved=5, short=5)})
    at = situation(supply(promised=3), waiters=(waiting(ANN, 3),))

    (row,), _ = receive(ledger, [Receipt("S1", 4)], at)

    assert row.kept == 0
    assert moved(ledger) == [(MUG, "SUPPLIER", "SHORT", 4)]


def test_what_is_cancelled_breaks_every_promise_and_twice_changes_nothing() -> None:
    ledger = Ledger({})
    at = situation(supply(promised=3), waiters=(waiting(ANN, 3),))

    after, broken = cancel(ledger, "S1", at)

    assert (after.state, after.version) == (CANCELLED, 2)
    assert told(broken) == [(ANN, 3, BreakCause.CANCELLED)]
    assert ledger.promised() == {"S1": -3}
    assert cancel(ledger, "S1", situation(after, waiters=(waiting(ANN, 3),))) == (after, [])


def test_what_has_come_or_is_on_its_way_is_not_cancelled() -> None:
    with pytest.raises(SupplyStateRefused) as refusal:
        cancel(Ledger({}), "S1", situation(supply(state=RECEIVED)))
    assert refusal.value.facts()["wanted"] == "CANCELLED"
    with pytest.raises(TransferInTransit) as transit:
        cancel(Ledger({}), "S1", situation(sent(received=4)))
    assert transit.value.facts() == {"supplyId": "S1", "inTransit": "6"}


def test_an_announcement_breaks_what_the_supply_can_no_longer_keep() -> None:
    before = supply(promised=7)
    waiters = (
        waiting(ANN, 3, after=1, needed_by=NOON + 4 * DAY),
        waiting(BOB, 4, after=2),
    )

    def broken_by(**fields: Any) -> list[tuple[UUID, int, BreakCause]]:
        at = situation(before, waiters=waiters)
        puts = put([supply(**fields)], {"S1": before})
        return told(change(Ledger({}), puts, at))

    assert broken_by(expected_time=NOON + 4 * DAY) == []
    assert broken_by(expected_time=NOON + 5 * DAY) == [(ANN, 3, BreakCause.LATE)]
    assert broken_by(quantity=7) == []
    assert broken_by(quantity=5) == [(BOB, 2, BreakCause.FEWER)]
    assert broken_by(quantity=2) == [(BOB, 4, BreakCause.FEWER), (ANN, 1, BreakCause.FEWER)]
    assert broken_by(state=CANCELLED) == [
        (BOB, 4, BreakCause.CANCELLED),
        (ANN, 3, BreakCause.CANCELLED),
    ]
    # Nothing waits for what is new, and what is outdated changes nothing.
    at = situation(before, waiters=waiters)
    assert change(Ledger({}), put([supply(quantity=1, version=0)], {}), at) == []
    late = replace(before, source_version=7)
    outdated = put([supply(quantity=1, source_version=6)], {"S1": late})
    assert change(Ledger({}), outdated, at) == []


def test_a_transfer_that_is_sent_takes_free_units_from_where_it_leaves() -> None:
    ledger = Ledger({MUG_B: Balance(12, 2)})

    (first, second), broken = send(
        ledger,
        [sent(version=0, quantity=6), sent(supply_id="S2", version=0, quantity=4)],
        situation(),
    )

    assert moved(ledger) == [(MUG_B, "FREE", "TRANSIT", 6), (MUG_B, "FREE", "TRANSIT", 4)]
    assert causes(ledger) == {"TRANSFERRED"}
    assert (first.version, second.version, first.state) == (1, 1, IN_TRANSIT)
    assert broken == []


def test_no_more_is_sent_than_is_free_by_all_transfers_together() -> None:
    ledger = Ledger({MUG_B: Balance(12, 3), StockKey("CUP", "B"): Balance(1)})
    transfers = [
        sent(version=0, quantity=6),
        sent(supply_id="S2", version=0, quantity=4),
        sent(supply_id="S3", key=CUP, version=0, quantity=1),
    ]

    with pytest.raises(InsufficientStock) as refusal:
        send(ledger, transfers, situation())

    assert refusal.value.rows == ({"sku": "MUG", "locationId": "B", "wanted": 10, "available": 9},)
    assert not ledger.entries


def test_a_transfer_that_was_announced_keeps_its_promises_when_it_is_sent() -> None:
    planned = sent(state=SupplyState.PLANNED, promised=7, version=3, source_version=5)
    at = situation(planned, waiters=(waiting(ANN, 3, after=1), waiting(BOB, 4, after=2)))

    (one,), broken = send(Ledger({MUG_B: Balance(9)}), [sent(quantity=6, version=0)], at)

    assert (one.promised, one.version, one.source_version) == (7, 4, 5)
    assert told(broken) == [(BOB, 1, BreakCause.FEWER)]


@pytest.mark.parametrize(
    "other",
    [
        {"kind": SupplyKind.PURCHASE_ORDER},
        {"key": CUP},
        {"from_location_id": "C"},
    ],
)
def test_the_id_of_another_supply_is_taken(other: dict[str, Any]) -> None:
    with pytest.raises(SupplyIdTaken) as refusal:
        send(
            Ledger({MUG_B: Balance(20)}),
            [sent()],
            situation(sent(state=CONFIRMED, **other)),
        )

    assert refusal.value.facts() == {"supplyId": "S1"}


def test_a_transfer_is_sent_once() -> None:
    with pytest.raises(SupplyStateRefused):
        send(Ledger({MUG_B: Balance(20)}), [sent()], situation(sent()))


@pytest.mark.parametrize(
    ("units", "lost", "state"), [(0, 8, RECEIVED), (8, 8, RECEIVED), (7, 7, IN_TRANSIT)]
)
def test_units_are_lost_on_their_way(units: int, lost: int, state: SupplyState) -> None:
    ledger = Ledger({})
    at = situation(sent(received=1, lost=1, promised=8), waiters=(waiting(ANN, 8),))

    after, broken = write_off(ledger, "S1", units, at)

    assert moved(ledger) == [(MUG, "TRANSIT", "LOSS", lost)]
    assert causes(ledger) == {"ADJUSTED"}
    assert after == sent(received=1, lost=1 + lost, promised=8, state=state, version=2)
    cause = BreakCause.CANCELLED if state is RECEIVED else BreakCause.FEWER
    assert told(broken) == [(ANN, lost, cause)]


def test_no_more_is_lost_than_is_on_its_way() -> None:
    with pytest.raises(MoreThanExpected) as refusal:
        write_off(Ledger({}), "S1", 10, situation(sent(received=1)))
    assert refusal.value.facts() == {"supplyId": "S1", "wanted": "10", "expected": "9"}
    for other in (supply(state=IN_TRANSIT), sent(state=CONFIRMED), sent(state=RECEIVED)):
        with pytest.raises(SupplyStateRefused):
            write_off(Ledger({}), "S1", 1, situation(other))
