"""Changes that happened outside: late, twice, out of order, and sometimes wrong."""

import pytest

from ordermesh.api.inventory.v1 import (
    Account,
    AdjustmentReason,
    ListShortfallsRequest,
    Movement,
    Shortfall,
    StockDelta,
)
from ordermesh.inventory.domain import stock_source
from ordermesh.inventory.domain.errors.feed import NotYourSource, TooManyHeld, UnknownSource
from ordermesh.inventory.domain.errors.requests import DuplicateEntry, TooMuchAsked
from ordermesh.inventory.operations import feeds as operation
from ordermesh.runtime.validation import InvalidFields
from tests.dialects import on_sqlite
from tests.fakes import FakeClock
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.messages import item
from tests.inventory.outside import (
    ADJUSTMENT,
    HOLD,
    RECEIPT,
    RETURN,
    SALE,
    TELL,
    Outside,
    delta,
    names,
    why,
)
from tests.inventory.shop import Shop


@pytest.fixture
async def outside(shop: Shop) -> Outside:
    """A till that speaks for A and B, and 10 mugs at A."""
    await shop.stock({"MUG at A": 10})
    opened = Outside(shop)
    await opened.put_source()
    return opened


async def test_a_sale_at_the_till_takes_units_and_says_who_told_of_it(outside: Outside) -> None:
    reply = await outside.tell(delta(1, "MUG at A", 2, document="receipt 77"))

    assert names(reply.outcomes) == ["APPLIED"]
    assert (reply.applied_sequence, reply.counts.applied_count) == (1, 1)
    assert await outside.on_hand("MUG at A") == 8
    movement = (await outside.shop.movements(sku="MUG"))[-1]
    entry = movement.entries[0]
    assert (movement.kind, movement.document) == (Movement.KIND_SOLD, "receipt 77")
    assert (entry.from_account, entry.to_account) == (
        Account.ACCOUNT_FREE,
        Account.ACCOUNT_CUSTOMER,
    )
    assert (entry.source_id, entry.source_sequence, entry.quantity) == ("TILL", 1, 2)
    assert await outside.shop.is_sound()


async def test_each_kind_of_change_has_its_cause(outside: Outside) -> None:
    await outside.tell(
        delta(1, "MUG at A", 5, RECEIPT),
        delta(2, "MUG at A", 1, RETURN),
        delta(3, "MUG at A", -2, ADJUSTMENT, reason=AdjustmentReason.ADJUSTMENT_REASON_DAMAGED),
        delta(4, "MUG at A", 3, ADJUSTMENT),
    )

    movements = (await outside.shop.movements(sku="MUG"))[1:]
    assert [one.kind for one in movements] == [
        Movement.KIND_RECEIVED,
        Movement.KIND_RETURNED,
        Movement.KIND_ADJUSTED,
        Movement.KIND_ADJUSTED,
    ]
    assert [one.reason for one in movements[2:]] == [
        AdjustmentReason.ADJUSTMENT_REASON_DAMAGED,
        AdjustmentReason.ADJUSTMENT_REASON_CORRECTION,
    ]
    assert await outside.on_hand("MUG at A") == 17


async def test_a_change_that_comes_twice_counts_once(outside: Outside) -> None:
    await outside.tell(delta(1, "MUG at A", 2))

    reply = await outside.tell(delta(1, "MUG at A", 2), delta(2, "MUG at A", 1))

    assert names(reply.outcomes) == ["DUPLICATE", "APPLIED"]
    assert reply.counts.duplicate_count == 1
    assert await outside.on_hand("MUG at A") == 7


async def test_a_request_that_comes_twice_has_one_answer(outside: Outside) -> None:
    request_id = "99999999-9999-4999-8999-999999999999"
    first = await outside.tell(delta(1, "MUG at A", 2), request_id=request_id)

    assert await outside.tell(delta(1, "MUG at A", 2), request_id=request_id) == first
    assert await outside.on_hand("MUG at A") == 8


async def test_a_gap_is_told_and_what_was_missing_still_counts(outside: Outside) -> None:
    reply = await outside.tell(delta(1, "MUG at A", 1), delta(4, "MUG at A", 1))

    assert reply.applied_sequence == 4
    assert [(gap.first, gap.last) for gap in reply.gaps] == [(2, 3)]
    assert (await outside.source()).gap_count == 1

    late = await outside.tell(delta(3, "MUG at A", 1), delta(2, "MUG at A", 1))

    assert names(late.outcomes) == ["APPLIED", "APPLIED"]
    assert list(late.gaps) == []
    assert await outside.on_hand("MUG at A") == 6


async def test_a_change_from_before_more_gaps_than_are_kept_is_not_taken_for_known(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock_source, "GAPS_KEPT", 2)
    await outside.tell(*(delta(number, "MUG at A", 1) for number in (2, 4, 6, 8)))
    assert (await outside.source()).gap_count == 2

    late = await outside.tell(
        delta(1, "MUG at A", 1), delta(2, "MUG at A", 1), delta(7, "MUG at A", 1)
    )

    # Of 1 nobody knows any more; 2 stands in the books, and the gap before 8 is still known.
    assert names(late.outcomes) == ["QUARANTINED", "DUPLICATE", "APPLIED"]
    [row] = await outside.quarantined()
    assert (why(row), dict(row.facts)) == ("NUMBER_FORGOTTEN", {"forgottenSequence": "3"})
    assert await outside.on_hand("MUG at A") == 5
    again = await outside.tell(delta(1, "MUG at A", 1))
    assert names(again.outcomes) == ["DUPLICATE"]

    assert names((await outside.retry(row.quarantine_id)).outcomes) == ["APPLIED"]
    assert await outside.on_hand("MUG at A") == 4
    assert names((await outside.tell(delta(1, "MUG at A", 1))).outcomes) == ["DUPLICATE"]


async def test_a_source_that_holds_applies_in_order(outside: Outside) -> None:
    await outside.put_source(gap_policy=HOLD)

    held = await outside.tell(delta(3, "CUP at A", 1), delta(2, "MUG at A", 12))

    assert names(held.outcomes) == ["HELD", "HELD"]
    assert [(gap.first, gap.last) for gap in held.gaps] == [(1, 1)]
    assert (held.applied_sequence, (await outside.source()).held_count) == (0, 2)
    assert await outside.on_hand("MUG at A") == 10

    # The sale of 12 would have been impossible without the receipt that comes before it.
    await outside.shop.put_items("CUP")
    await outside.shop.receive({"CUP at A": 1})
    again = await outside.tell(delta(2, "MUG at A", 12))
    assert names(again.outcomes) == ["DUPLICATE"]
    released = await outside.tell(delta(1, "MUG at A", 5, RECEIPT))

    assert names(released.outcomes) == ["APPLIED"]
    assert (released.counts.applied_count, released.applied_sequence) == (3, 3)
    assert (await outside.source()).held_count == 0
    assert await outside.on_hand("MUG at A") == 3
    assert await outside.on_hand("CUP at A") == 0


async def test_a_picture_settles_what_is_held_of_its_keys_and_frees_what_follows(
    outside: Outside,
) -> None:
    await outside.put_source(gap_policy=HOLD)
    await outside.tell(delta(2, "MUG at A", 1), delta(3, "MUG at A", 1))

    await outside.show({"MUG at A": (7, 1)}, watermark=3)

    assert (await outside.source()).held_count == 0
    sold = await outside.tell(delta(4, "MUG at A", 2))
    assert names(sold.outcomes) == ["APPLIED"]
    assert [(gap.first, gap.last) for gap in sold.gaps] == [(1, 1)]
    assert await outside.on_hand("MUG at A") == 5
    for number in (2, 4):
        again = await outside.tell(delta(number, "MUG at A", 2))
        assert names(again.outcomes) == ["DUPLICATE"]

    # What was missing may come all the same: the picture contained it.
    late = await outside.tell(delta(1, "MUG at A", 1), delta(5, "MUG at A", 1))
    assert names(late.outcomes) == ["CONTAINED", "APPLIED"]
    assert (late.applied_sequence, list(late.gaps)) == (5, [])
    assert await outside.on_hand("MUG at A") == 4


async def test_a_picture_says_nothing_of_what_is_held_of_other_keys(outside: Outside) -> None:
    await outside.put_source(gap_policy=HOLD)
    await outside.shop.stock({"CUP at A": 1})
    await outside.tell(delta(2, "CUP at A", 3), delta(4, "MUG at A", 1), delta(6, "MUG at A", 1))

    await outside.show({"MUG at A": (8, 1)}, watermark=3)

    # 4 follows the picture. 5 has not come and may be of mugs; 1 may be of cups, and is.
    assert await outside.on_hand("MUG at A") == 7
    assert (await outside.source()).held_count == 2
    reply = await outside.tell(delta(1, "CUP at A", 5, RECEIPT), delta(3, "CUP at A", 1))
    assert names(reply.outcomes) == ["APPLIED", "APPLIED"]
    assert (reply.applied_sequence, await outside.on_hand("CUP at A")) == (4, 2)
    await outside.tell(delta(5, "MUG at A", 1))
    assert await outside.on_hand("MUG at A") == 5
    assert await outside.shop.is_sound()


async def test_a_second_picture_does_not_undo_what_followed_the_first_one(
    outside: Outside,
) -> None:
    await outside.put_source(gap_policy=HOLD)
    await outside.show({"MUG at A": (7, 1)}, watermark=3)
    await outside.tell(delta(4, "MUG at A", 2))

    # Somebody has taken another one since, and change 1 has still not come.
    reply = await outside.show({"MUG at A": (6, 1)}, watermark=3)

    assert names(reply.outcomes) == ["APPLIED"]
    assert await outside.on_hand("MUG at A") == 6 - 2


async def test_what_is_held_and_follows_a_picture_is_applied_with_it(outside: Outside) -> None:
    await outside.put_source(gap_policy=HOLD)
    await outside.tell(delta(2, "MUG at A", 1), delta(3, "MUG at A", 2))

    await outside.show({"MUG at A": (9, 1)}, watermark=2)

    assert await outside.on_hand("MUG at A") == 7
    await outside.put_source(gap_policy=TELL)
    reply = await outside.tell(delta(5, "MUG at A", 1))
    assert (reply.counts.applied_count, reply.applied_sequence) == (1, 5)
    assert await outside.on_hand("MUG at A") == 6


async def test_a_picture_settles_what_is_held_however_much_is_settled_before(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operation, "RELEASED_MAX", 3)
    await outside.put_source(gap_policy=HOLD)
    await outside.tell(*(delta(number, "MUG at A", 1) for number in range(2, 8)))

    await outside.show({"MUG at A": (10, 1)}, watermark=1)
    reply = await outside.tell(delta(8, "MUG at A", 1))

    assert names(reply.outcomes) == ["APPLIED"]
    assert (await outside.source()).held_count == 0
    assert await outside.on_hand("MUG at A") == 3
    late = await outside.tell(delta(1, "MUG at A", 1))
    assert (names(late.outcomes), late.applied_sequence) == (["CONTAINED"], 8)
    assert await outside.on_hand("MUG at A") == 3


async def test_a_picture_that_is_tried_again_settles_what_is_held(outside: Outside) -> None:
    await outside.put_source(gap_policy=HOLD, ahead_max=2)
    await outside.tell(delta(2, "MUG at A", 1), delta(4, "MUG at A", 1))
    shown = await outside.show({"MUG at A": (9, 1)}, watermark=3)
    assert names(shown.outcomes) == ["QUARANTINED"]

    again = await outside.retry(*shown.quarantine_ids, accept_jumps=True)

    assert names(again.outcomes) == ["APPLIED"]
    assert await outside.on_hand("MUG at A") == 8
    assert (await outside.source()).held_count == 0


async def test_what_is_held_is_applied_when_the_source_holds_no_more(outside: Outside) -> None:
    await outside.put_source(gap_policy=HOLD)
    await outside.tell(delta(2, "MUG at A", 1))
    await outside.put_source(gap_policy=TELL)

    reply = await outside.tell(delta(5, "MUG at A", 1))

    assert (reply.applied_sequence, reply.counts.applied_count) == (5, 2)
    assert [(gap.first, gap.last) for gap in reply.gaps] == [(1, 1), (3, 4)]
    assert await outside.on_hand("MUG at A") == 8


async def test_what_is_held_is_never_forgotten(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operation, "RELEASED_MAX", 2)
    monkeypatch.setattr(stock_source, "GAPS_KEPT", 2)
    await outside.put_source(gap_policy=HOLD)
    await outside.tell(*(delta(number, "MUG at A", 1) for number in (2, 4, 6, 8)))
    await outside.put_source(gap_policy=TELL)
    await outside.tell(*(delta(number, "MUG at A", 1) for number in (20, 22, 24)))

    await outside.tell(*(delta(number, "MUG at A", 1) for number in (30, 32, 34)))

    assert await outside.on_hand("MUG at A") == 0
    source = await outside.source()
    assert (source.held_count, source.quarantined_count) == (0, 0)


async def test_not_more_than_a_bound_is_held(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operation, "HELD_MAX", 2)
    await outside.put_source(gap_policy=HOLD)
    await outside.tell(delta(2, "MUG at A", 1), delta(3, "MUG at A", 1))

    with pytest.raises(TooManyHeld) as refused:
        await outside.tell(delta(4, "MUG at A", 1))

    assert refused.value.facts() == {"sourceId": "TILL", "missing": "1", "limit": "2"}


@pytest.mark.parametrize(
    ("wrong", "reason", "facts"),
    [
        (delta(1, "NOBODY at A", 1), "UNKNOWN_SKU", {}),
        (delta(1, "MUG at MOON", 1), "UNKNOWN_LOCATION", {}),
        (delta(1, "MUG at C", 1), "FOREIGN_LOCATION", {}),
        (delta(1, "BOX at A", 1), "KIT", {}),
        (delta(1, "MUG at A", 11), "NEGATIVE", {"onHand": "10", "wanted": "-1"}),
        (delta(1, "MUG at B", 1), "NEGATIVE", {"onHand": "0", "wanted": "-1"}),
        (delta(1, "MUG at A", 8), "BELOW_RESERVED",
         {"onHand": "10", "reserved": "3", "wanted": "2"}),
        (delta(1, "MUG at A", 51, RECEIPT), "IMPOSSIBLE_JUMP",
         {"onHand": "10", "wanted": "61", "limit": "50"}),
        (delta(1, "MUG at A", 0), "MALFORMED", {"field": "quantity"}),
        (delta(1, "MUG at A", -1), "MALFORMED", {"field": "quantity"}),
        (delta(1, "MUG at A", 1, StockDelta.KIND_UNSPECIFIED), "MALFORMED", {"field": "kind"}),
        (delta(1, "M\0UG at A", 1), "MALFORMED", {"field": "sku"}),
        (delta(1, " at A", 1), "MALFORMED", {"field": "sku"}),
        (delta(1, "MUG at A", 1, ADJUSTMENT, reason=AdjustmentReason.ADJUSTMENT_REASON_SNAPSHOT),
         "MALFORMED", {"field": "reason"}),
        (delta(1, "MUG at A", 1, ADJUSTMENT,
               reason=AdjustmentReason.ADJUSTMENT_REASON_SNAPSHOT_BY_TIME),
         "MALFORMED", {"field": "reason"}),
    ],
)  # fmt: skip
async def test_a_row_that_cannot_be_right_is_kept_and_the_others_go_on(
    outside: Outside, wrong: StockDelta, reason: str, facts: dict[str, str]
) -> None:
    await outside.shop.put_items(item("LID"), item("BOX", {"LID": 1}))
    await outside.put_source(jump_units=50)
    await outside.shop.reserve({"MUG at A": 3}, confirm=True)

    reply = await outside.tell(wrong, delta(2, "MUG at A", 1))

    assert names(reply.outcomes) == ["QUARANTINED", "APPLIED"]
    assert await outside.on_hand("MUG at A") == 9
    [row] = await outside.quarantined()
    assert (why(row), dict(row.facts)) == (reason, facts)
    assert (row.delta, row.source_id) == (wrong, "TILL")
    assert list(reply.quarantine_ids) == [row.quarantine_id]
    assert [one.count for one in reply.counts.quarantined] == [1]
    assert (await outside.source()).quarantined_count == 1
    assert await outside.shop.is_sound()


async def test_holds_whose_time_has_passed_are_no_reason_to_distrust_a_sale(
    outside: Outside,
) -> None:
    await outside.shop.reserve({"MUG at A": 9}, hold_seconds=60)
    await outside.shop.let_pass(61)

    reply = await outside.tell(delta(1, "MUG at A", 8))

    assert names(reply.outcomes) == ["APPLIED"]
    assert await outside.on_hand("MUG at A") == 2
    assert await outside.shop.is_sound()


async def test_a_jump_may_be_a_share_of_what_is_there(outside: Outside) -> None:
    await outside.put_source(jump_units=5, jump_percent=200)

    reply = await outside.tell(delta(1, "MUG at A", 20, RECEIPT), delta(2, "MUG at A", 61, RECEIPT))

    assert names(reply.outcomes) == ["APPLIED", "QUARANTINED"]


async def test_a_row_that_is_named_in_two_spellings_is_tried_once(outside: Outside) -> None:
    await outside.tell(delta(1, "CUP at A", 2, RECEIPT))
    [row] = await outside.quarantined()
    await outside.shop.put_items("CUP")

    with pytest.raises(InvalidFields):
        await outside.retry(row.quarantine_id.lower(), row.quarantine_id.upper())
    assert (await outside.source()).quarantined_count == 1

    await outside.retry(row.quarantine_id.upper())
    assert await outside.on_hand("CUP at A") == 2


async def test_a_row_is_tried_again_when_the_world_has_changed(outside: Outside) -> None:
    await outside.tell(delta(1, "CUP at A", 2, RECEIPT), delta(2, "MUG at A", 99, RECEIPT))
    [row] = await outside.quarantined()

    assert names((await outside.retry(row.quarantine_id)).outcomes) == ["QUARANTINED"]
    await outside.shop.put_items("CUP")
    reply = await outside.retry(row.quarantine_id)

    assert names(reply.outcomes) == ["APPLIED"]
    assert await outside.on_hand("CUP at A") == 2
    [decided] = await outside.quarantined()
    assert decided.state == decided.STATE_ACCEPTED
    assert (decided.decided_by.caller, decided.decided_by.on_behalf_of) == ("developer", "Ann")
    assert decided.note == "looked at it"
    assert (await outside.source()).quarantined_count == 0
    assert await outside.shop.is_sound()


async def test_a_jump_is_accepted_when_somebody_has_looked(outside: Outside) -> None:
    await outside.put_source(jump_units=50)
    await outside.tell(delta(1, "MUG at A", 500, RECEIPT))
    [row] = await outside.quarantined()

    assert names((await outside.retry(row.quarantine_id)).outcomes) == ["QUARANTINED"]
    reply = await outside.retry(row.quarantine_id, accept_jumps=True)

    assert names(reply.outcomes) == ["APPLIED"]
    assert await outside.on_hand("MUG at A") == 510


async def test_a_row_that_is_dismissed_stays_without_effect(outside: Outside) -> None:
    await outside.tell(delta(1, "MUG at A", 99))
    [row] = await outside.quarantined()

    await outside.dismiss(row.quarantine_id, note="the till was tested")

    [decided] = await outside.quarantined(state=3)
    assert (decided.note, decided.state) == ("the till was tested", decided.STATE_DISMISSED)
    assert names((await outside.tell(delta(1, "MUG at A", 99))).outcomes) == ["DUPLICATE"]
    assert await outside.on_hand("MUG at A") == 10


async def test_a_source_is_spoken_for_by_its_own_callers_alone(outside: Outside) -> None:
    await outside.put_source(callers=["source/till-7"])

    reply = await outside.tell(delta(1, "MUG at A", 1), caller="source/till-7", role="source")
    assert names(reply.outcomes) == ["APPLIED"]
    with pytest.raises(NotYourSource):
        await outside.tell(delta(2, "MUG at A", 1), caller="source/till-8", role="source")
    with pytest.raises(UnknownSource):
        await outside.tell(delta(2, "MUG at A", 1), source_id="NOBODY")
    with pytest.raises(DuplicateEntry):
        await outside.tell(delta(2, "MUG at A", 1), delta(2, "MUG at A", 1, SALE))
    assert await outside.on_hand("MUG at A") == 9


async def test_a_stranger_does_not_decide_on_what_is_in_quarantine(outside: Outside) -> None:
    await outside.tell(delta(1, "MUG at A", 99))
    [row] = await outside.quarantined()

    with pytest.raises(NotYourSource):
        await outside.retry(row.quarantine_id, caller="source/till-8", role="source")


async def test_sources_tell_how_far_they_are_and_which_are_silent(outside: Outside) -> None:
    await outside.put_source("WMS", silence_duration={"seconds": 3600}, location_ids=["C"])
    assert await outside.put_source("WMS", silence_duration={"seconds": 3600},
                                    location_ids=["C"]) == 0  # fmt: skip
    await outside.tell(delta(1, "MUG at A", 1))

    assert [one.source.source_id for one in await outside.sources()] == ["TILL", "WMS"]
    assert not (await outside.source("WMS")).is_stale
    assert not (await outside.source("WMS")).HasField("heard_time")
    assert (await outside.source("TILL")).HasField("heard_time")
    assert await outside.sources(stale_only=True) == []


async def shortfalls(outside: Outside) -> list[Shortfall]:
    request = ListShortfallsRequest(page_size=1000)
    return list((await outside.shop.ledger.ListShortfalls(request, NO_CONTEXT)).shortfalls)


@on_sqlite
async def test_a_source_is_not_heard_of_when_its_rows_are_tried_again(
    outside: Outside, clock: FakeClock
) -> None:
    told = await outside.tell(delta(1, "POT at A", 1))
    heard = (await outside.source()).heard_time

    clock.advance(60)
    await outside.retry(*told.quarantine_ids)

    assert (await outside.source()).heard_time == heard


async def test_goods_that_are_gone_leave_promises_short_where_the_source_may_say_so(
    outside: Outside,
) -> None:
    await outside.put_source(may_fall_below_reserved=True)
    held = await outside.shop.reserve({"MUG at A": 9}, confirm=True, order_id="1001")

    reply = await outside.tell(delta(1, "MUG at A", 4), delta(2, "MUG at A", 7))

    # Fewer than none cannot be there, whoever says so.
    assert names(reply.outcomes) == ["APPLIED", "QUARANTINED"]
    balance = await outside.shop.balance("MUG at A")
    assert (balance.on_hand, balance.reserved, balance.short, balance.available) == (6, 9, 3, 0)
    # Whom it hits is told, so that the order is sourced elsewhere.
    [missing] = await shortfalls(outside)
    assert (missing.order_id, missing.open_quantity) == ("1001", 3)
    assert missing.movement_id == (await outside.shop.movements(sku="MUG"))[-1].movement_id
    assert await outside.shop.is_sound()

    await outside.tell(delta(3, "MUG at A", 3, RECEIPT))

    assert (await outside.shop.balance("MUG at A")).short == 0
    assert await shortfalls(outside) == []
    assert (await outside.shop.reservation(held.reservation_id)).order_id == "1001"
    assert await outside.shop.is_sound()


async def test_holds_whose_time_has_passed_go_before_anybody_is_short(outside: Outside) -> None:
    await outside.put_source(may_fall_below_reserved=True)
    await outside.shop.reserve({"MUG at A": 5}, hold_seconds=60)
    await outside.shop.let_pass(61)
    await outside.shop.reserve({"MUG at A": 5}, confirm=True)

    reply = await outside.tell(delta(1, "MUG at A", 5))

    balance = await outside.shop.balance("MUG at A")
    assert names(reply.outcomes) == ["APPLIED"]
    assert (balance.on_hand, balance.reserved, balance.short) == (5, 5, 0)
    assert await outside.shop.is_sound()


async def test_a_caller_reads_of_its_own_sources_alone(outside: Outside) -> None:
    await outside.put_source(callers=["source/till-7"])
    await outside.put_source("OTHER")
    await outside.tell(delta(1, "MUG at A", 99))
    who = {"caller": "source/till-7", "role": "source"}

    assert [one.source.source_id for one in await outside.sources(who=who)] == ["TILL"]
    assert len(await outside.quarantined(who=who, source_id="TILL")) == 1
    with pytest.raises(NotYourSource):
        await outside.quarantined(who=who, source_id="OTHER")
    with pytest.raises(TooMuchAsked):
        await outside.quarantined(who=who)
