"""Pictures of stock that come late: what has changed since is never undone."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from ordermesh.api.inventory.v1 import Account, AdjustmentReason, Movement
from ordermesh.inventory.store.tables.feeds import picture_mark
from tests.dialects import on_sqlite
from tests.fakes import FakeClock
from tests.inventory.desk import Desk
from tests.inventory.messages import selection
from tests.inventory.outside import (
    RECEIPT,
    Outside,
    delta,
    names,
    seen_rows,
    why,
)
from tests.inventory.shop import Shop


@pytest.fixture
async def outside(shop: Shop) -> Outside:
    """A source that speaks for A and B, and 10 mugs at A."""
    await shop.stock({"MUG at A": 10})
    opened = Outside(shop)
    await opened.put_source()
    return opened


async def test_a_picture_corrects_the_books_with_its_reason(outside: Outside) -> None:
    reply = await outside.show({"MUG at A": (7, 1)}, watermark=0, document="night run")

    assert names(reply.outcomes) == ["APPLIED"]
    assert await outside.on_hand("MUG at A") == 7
    movement = (await outside.shop.movements(sku="MUG"))[-1]
    assert (movement.kind, movement.reason, movement.document) == (
        Movement.KIND_ADJUSTED,
        AdjustmentReason.ADJUSTMENT_REASON_SNAPSHOT,
        "night run",
    )
    entry = movement.entries[0]
    assert (entry.to_account, entry.source_id, entry.source_sequence) == (
        Account.ACCOUNT_LOSS,
        "TILL",
        0,
    )
    assert await outside.shop.is_sound()


async def test_what_the_books_say_already_writes_no_movement(outside: Outside) -> None:
    before = await outside.shop.balance("MUG at A")

    reply = await outside.show({"MUG at A": (10, 1), "MUG at B": (0, 0)}, watermark=0)

    assert names(reply.outcomes) == ["UNCHANGED", "UNCHANGED"]
    assert (reply.counts.unchanged_count, reply.counts.applied_count) == (2, 0)
    assert await outside.shop.balance("MUG at A") == before
    assert len(await outside.shop.movements(sku="MUG")) == 1


async def test_a_key_that_is_new_is_opened(outside: Outside) -> None:
    await outside.put_source(jump_units=1)

    reply = await outside.show({"MUG at B": (40, 0)}, watermark=0)

    assert names(reply.outcomes) == ["APPLIED"]
    entry = (await outside.shop.movements(location_id="B"))[0].entries[0]
    assert (entry.from_account, entry.quantity) == (Account.ACCOUNT_OPENING, 40)


async def test_a_picture_does_not_undo_a_newer_sale_of_its_source(outside: Outside) -> None:
    await outside.tell(delta(1, "MUG at A", 1))
    # The picture was taken now: 9 are there, change 1 is in it. Then two more are sold.
    await outside.tell(delta(2, "MUG at A", 2), delta(3, "MUG at A", 1))

    reply = await outside.show({"MUG at A": (9, 1)}, watermark=1)

    assert names(reply.outcomes) == ["UNCHANGED"]
    assert await outside.on_hand("MUG at A") == 6


async def test_a_picture_does_not_undo_a_newer_shipment_of_ours(outside: Outside) -> None:
    held = await outside.shop.reserve({"MUG at A": 4}, confirm=True)
    included = (await outside.shop.balance("MUG at A")).sequence
    await outside.shop.ship(held.reservation_id, selection("1"))

    # One is missing since long before, and the picture shows it.
    reply = await outside.show({"MUG at A": (9, included)}, watermark=0)

    assert names(reply.outcomes) == ["APPLIED"]
    assert await outside.on_hand("MUG at A") == 5


async def test_only_what_pictures_wrote_is_taken_for_their_corrections(outside: Outside) -> None:
    """Whatever reason others gave their changes before it was refused."""
    await outside.shop.adjust(
        "MUG at A", delta=5, reason=AdjustmentReason.ADJUSTMENT_REASON_SNAPSHOT
    )

    reply = await outside.show({"MUG at A": (10, 1)}, watermark=0)

    assert names(reply.outcomes) == ["UNCHANGED"]
    assert await outside.on_hand("MUG at A") == 15


async def test_a_picture_that_contains_our_shipment_is_not_corrected_for_it(
    outside: Outside,
) -> None:
    held = await outside.shop.reserve({"MUG at A": 4}, confirm=True)
    await outside.shop.ship(held.reservation_id, selection("1"))
    included = (await outside.shop.balance("MUG at A")).sequence

    await outside.show({"MUG at A": (5, included)}, watermark=0)

    assert await outside.on_hand("MUG at A") == 5


async def test_a_change_that_a_picture_has_shown_counts_no_more(outside: Outside) -> None:
    # The picture overtook the sale that it contains.
    await outside.show({"MUG at A": (8, 1)}, watermark=5)

    reply = await outside.tell(delta(4, "MUG at A", 2), delta(6, "MUG at A", 1))

    assert names(reply.outcomes) == ["CONTAINED", "APPLIED"]
    assert await outside.on_hand("MUG at A") == 7


async def test_a_change_to_a_key_that_the_picture_did_not_show_counts(outside: Outside) -> None:
    await outside.show({"MUG at B": (8, 0)}, watermark=5)

    reply = await outside.tell(delta(4, "MUG at A", 2))

    assert names(reply.outcomes) == ["APPLIED"]
    assert await outside.on_hand("MUG at A") == 8


async def test_the_same_picture_twice_changes_nothing_more(outside: Outside) -> None:
    await outside.show({"MUG at A": (7, 1)}, watermark=0)

    reply = await outside.show({"MUG at A": (7, 1)}, watermark=0)

    assert names(reply.outcomes) == ["UNCHANGED"]
    assert await outside.on_hand("MUG at A") == 7


async def test_an_older_picture_is_of_no_use(outside: Outside) -> None:
    await outside.tell(delta(1, "MUG at A", 1), delta(2, "MUG at A", 1))
    await outside.show({"MUG at A": (6, 3)}, watermark=2)

    reply = await outside.show({"MUG at A": (9, 1)}, watermark=1)

    assert names(reply.outcomes) == ["OUTDATED"]
    assert reply.counts.outdated_count == 1
    assert await outside.on_hand("MUG at A") == 6


async def test_a_picture_that_has_a_time_only_leaves_known_which_changes_were_shown(
    outside: Outside,
) -> None:
    await outside.show({"MUG at A": (20, 1)}, watermark=5)
    await outside.show({"MUG at A": (20, 2)}, taken=await outside.now())

    late = await outside.tell(delta(3, "MUG at A", 5, RECEIPT), delta(6, "MUG at A", 1))

    assert names(late.outcomes) == ["CONTAINED", "APPLIED"]
    assert await outside.on_hand("MUG at A") == 19


async def test_a_picture_without_a_time_leaves_known_which_ones_are_older(
    outside: Outside,
) -> None:
    now = await outside.now()
    await outside.put_source("ERP")
    await outside.show({"MUG at A": (7, 1)}, taken=now)
    await outside.show({"MUG at A": (7, 2)}, watermark=0)

    older = now - timedelta(seconds=10)
    for source_id in ("TILL", "ERP"):
        reply = await outside.show({"MUG at A": (9, 1)}, taken=older, source_id=source_id)
        assert names(reply.outcomes) == ["OUTDATED"]
    assert await outside.on_hand("MUG at A") == 7


async def test_a_count_by_people_is_better_knowledge_than_an_older_picture(
    outside: Outside,
) -> None:
    counted = AdjustmentReason.ADJUSTMENT_REASON_COUNTED
    await outside.shop.adjust("MUG at A", on_hand=6, reason=counted)

    reply = await outside.show({"MUG at A": (9, 1)}, watermark=0)

    assert names(reply.outcomes) == ["OUTDATED"]
    assert await outside.on_hand("MUG at A") == 6


@pytest.mark.parametrize(
    "reason",
    [
        AdjustmentReason.ADJUSTMENT_REASON_LOST,
        AdjustmentReason.ADJUSTMENT_REASON_DAMAGED,
        AdjustmentReason.ADJUSTMENT_REASON_COUNTED,
    ],
)
async def test_a_count_is_better_knowledge_whatever_reason_it_was_accepted_with(
    outside: Outside, reason: AdjustmentReason.ValueType
) -> None:
    desk = Desk(outside.shop)
    await desk.begin("MUG")
    for counter in ("Ann", "Bob"):
        await desk.submit(counter, {"MUG": 8})
    await desk.accept("Cat", reason=reason)

    # Taken before the count, and right: it shows the loss that the count has found.
    reply = await outside.show({"MUG at A": (8, 1)}, watermark=0)

    assert names(reply.outcomes) == ["OUTDATED"]
    assert await outside.on_hand("MUG at A") == 8


@pytest.mark.parametrize("included", [1, None])
async def test_a_count_that_agrees_with_the_books_outdates_older_pictures(
    outside: Outside, included: int | None
) -> None:
    now = await outside.now()
    desk = Desk(outside.shop)
    await desk.begin("MUG")
    await desk.submit("Ann", {"MUG": 10})
    seen = seen_rows({"MUG at A": 7 if included is None else (7, included)})

    older = await outside.show(seen, watermark=0, taken=now - timedelta(seconds=60))
    assert names(older.outcomes) == ["OUTDATED"]
    assert await outside.on_hand("MUG at A") == 10

    newer = await outside.show(seen, watermark=0, taken=now + timedelta(seconds=60))
    assert names(newer.outcomes) == ["APPLIED"]
    assert await outside.on_hand("MUG at A") == 7


async def test_a_count_that_found_nothing_of_what_was_never_there_outdates_older_pictures(
    outside: Outside,
) -> None:
    now = await outside.now()
    await outside.shop.put_items("POT")
    desk = Desk(outside.shop)
    await desk.begin("POT")
    await desk.submit("Ann", {"POT": 0})

    older = await outside.show({"POT at A": 5}, taken=now - timedelta(seconds=60))
    assert names(older.outcomes) == ["OUTDATED"]
    assert await outside.on_hand("POT at A") == 0

    newer = await outside.show({"POT at A": 5}, taken=now + timedelta(seconds=60))
    assert names(newer.outcomes) == ["APPLIED"]
    assert await outside.on_hand("POT at A") == 5


async def test_without_a_time_a_picture_is_older_where_it_lacks_what_the_count_has_seen(
    outside: Outside,
) -> None:
    await outside.shop.receive({"MUG at A": 5})
    desk = Desk(outside.shop)
    await desk.begin("MUG")
    await desk.submit("Ann", {"MUG": 15})

    # It had not heard of the receipt, which the count has seen.
    older = await outside.show({"MUG at A": (7, 1)}, watermark=0)
    assert names(older.outcomes) == ["OUTDATED"]

    newer = await outside.show({"MUG at A": (12, 2)}, watermark=0)
    assert names(newer.outcomes) == ["APPLIED"]
    assert await outside.on_hand("MUG at A") == 12


async def test_what_a_source_has_told_itself_makes_its_picture_no_older_than_a_count(
    outside: Outside,
) -> None:
    await outside.tell(delta(1, "MUG at A", 1))
    desk = Desk(outside.shop)
    await desk.begin("MUG")
    await desk.submit("Ann", {"MUG": 9})

    # A till that hears nothing of ours, and has no clock.
    reply = await outside.show({"MUG at A": (7, 1)}, watermark=1)

    assert names(reply.outcomes) == ["APPLIED"]
    assert await outside.on_hand("MUG at A") == 7


async def test_two_sources_do_not_correct_the_same_loss_twice(outside: Outside) -> None:
    await outside.put_source("WMS")
    await outside.show({"MUG at A": (8, 1)}, watermark=0)

    # This picture was taken before the other one was heard of, and shows the same loss.
    reply = await outside.show({"MUG at A": (8, 1)}, watermark=0, source_id="WMS")

    assert names(reply.outcomes) == ["UNCHANGED"]
    assert await outside.on_hand("MUG at A") == 8


async def test_an_older_picture_of_one_source_does_not_undo_a_newer_one_of_another(
    outside: Outside,
) -> None:
    now = await outside.now()
    await outside.put_source("ERP")
    await outside.show({"MUG at A": 8}, taken=now)

    older = await outside.show({"MUG at A": 10}, taken=now - timedelta(seconds=10), source_id="ERP")
    assert names(older.outcomes) == ["OUTDATED"]
    assert await outside.on_hand("MUG at A") == 8

    newer = await outside.show(
        {"MUG at A": (9, 2)}, watermark=0, taken=now + timedelta(seconds=10), source_id="ERP"
    )
    assert names(newer.outcomes) == ["APPLIED"]
    assert await outside.on_hand("MUG at A") == 9


@on_sqlite
async def test_a_source_with_a_time_only_is_compared_by_it_and_marked(
    outside: Outside, clock: FakeClock
) -> None:
    taken = clock.now()
    clock.advance(60)
    await outside.tell(delta(1, "MUG at A", 2))
    await outside.shop.receive({"MUG at A": 5})

    reply = await outside.show({"MUG at A": 9}, taken=taken)

    # 9 as seen, less 2 and 5 more since then.
    assert names(reply.outcomes) == ["APPLIED"]
    assert await outside.on_hand("MUG at A") == 12
    movement = (await outside.shop.movements(sku="MUG"))[-1]
    assert movement.reason == AdjustmentReason.ADJUSTMENT_REASON_SNAPSHOT_BY_TIME


async def test_a_row_without_time_or_sequence_cannot_be_judged(outside: Outside) -> None:
    reply = await outside.show({"MUG at A": 3, "MUG at B": (1, 0)}, watermark=0)

    assert names(reply.outcomes) == ["QUARANTINED", "APPLIED"]
    [row] = await outside.quarantined()
    assert (why(row), dict(row.facts)) == ("MALFORMED", {"field": "included_sequence"})


async def test_rows_that_cannot_be_right_are_kept_and_the_others_go_on(outside: Outside) -> None:
    await outside.shop.stock({"CUP at A": 5, "JAR at A": 5, "POT at A": 5})
    await outside.shop.reserve({"CUP at A": 4}, confirm=True)
    await outside.put_source(jump_units=100)
    await outside.tell(delta(1, "JAR at A", 3))

    reply = await outside.show(
        {
            "NOBODY at A": (1, 0),
            "MUG at C": (1, 0),
            "MUG at A": (-1, 1),
            "CUP at A": (3, 2),
            "POT at A": (500, 1),
            "JAR at A": (2, 1),
            "MUG at B": (4, 0),
        },
        watermark=0,
    )

    assert names(reply.outcomes) == [*["QUARANTINED"] * 6, "APPLIED"]
    rows = await outside.quarantined()
    assert {row.snapshot_row.sku + row.snapshot_row.location_id: why(row) for row in rows} == {
        "NOBODYA": "UNKNOWN_SKU",
        "MUGC": "FOREIGN_LOCATION",
        "MUGA": "NEGATIVE",
        "CUPA": "BELOW_RESERVED",
        "POTA": "IMPOSSIBLE_JUMP",
        # 2 were there before 3 were sold.
        "JARA": "NEGATIVE",
    }
    assert {row.watermark for row in rows} == {0}
    assert [row.quarantine_id for row in rows] == list(reply.quarantine_ids)
    assert await outside.shop.is_sound()


async def test_a_key_twice_in_one_picture_is_doubtful(outside: Outside) -> None:
    rows = seen_rows({"MUG at A": (8, 1)}) + seen_rows({"MUG at A": (7, 1)})

    reply = await outside.show(rows, watermark=0)

    assert names(reply.outcomes) == ["APPLIED", "QUARANTINED"]
    assert await outside.on_hand("MUG at A") == 8


async def test_a_row_tried_again_later_takes_what_has_happened_since_into_account(
    outside: Outside,
) -> None:
    await outside.put_source(jump_units=50)
    await outside.show({"MUG at A": (200, 1)}, watermark=0)
    [row] = await outside.quarantined()
    await outside.tell(delta(1, "MUG at A", 3))
    await outside.shop.receive({"MUG at A": 20})

    reply = await outside.retry(row.quarantine_id, accept_jumps=True)

    assert names(reply.outcomes) == ["APPLIED"]
    assert await outside.on_hand("MUG at A") == 217


async def test_a_change_in_quarantine_that_a_picture_showed_has_no_effect_when_tried_again(
    outside: Outside,
) -> None:
    await outside.put_source(jump_units=50)
    await outside.tell(delta(1, "MUG at A", 60, RECEIPT))
    [row] = await outside.quarantined()
    await outside.show({"MUG at A": (10 + 45, 1)}, watermark=1)

    reply = await outside.retry(row.quarantine_id, accept_jumps=True)

    assert names(reply.outcomes) == ["CONTAINED"]
    assert await outside.on_hand("MUG at A") == 55


async def test_two_pictures_of_a_key_in_quarantine_are_tried_one_after_the_other(
    outside: Outside,
) -> None:
    await outside.put_source(jump_units=50)
    await outside.show({"MUG at A": (200, 1)}, watermark=0)
    await outside.show({"MUG at A": (300, 1)}, watermark=4)
    ids = [row.quarantine_id for row in await outside.quarantined()]

    reply = await outside.retry(*reversed(ids), accept_jumps=True)

    assert names(reply.outcomes) == ["APPLIED", "APPLIED"]
    assert await outside.on_hand("MUG at A") == 300


@pytest.mark.parametrize("source_id", ["TILL", "ERP"])
async def test_a_picture_does_not_undo_a_change_that_is_tried_again_with_it(
    outside: Outside, source_id: str
) -> None:
    for one in ("TILL", "ERP"):
        await outside.put_source(one, jump_units=50)
    await outside.show({"MUG at A": (200, 1)}, watermark=0, source_id="ERP")
    await outside.tell(delta(1, "MUG at A", 60, RECEIPT), source_id=source_id)
    ids = [row.quarantine_id for row in await outside.quarantined()]

    reply = await outside.retry(*ids, accept_jumps=True)

    assert names(reply.outcomes) == ["APPLIED", "APPLIED"]
    assert await outside.on_hand("MUG at A") == 200 + 60
    assert await outside.shop.is_sound()


async def test_an_older_picture_of_another_source_undoes_none_that_is_tried_again_with_it(
    outside: Outside,
) -> None:
    for one in ("TILL", "ERP"):
        await outside.put_source(one, jump_units=50)
    now = await outside.now()
    later = now + timedelta(seconds=60)
    await outside.show({"MUG at A": (300, 1)}, watermark=4, taken=now, source_id="TILL")
    await outside.show({"MUG at A": (200, 1)}, watermark=0, taken=later, source_id="ERP")
    ids = [row.quarantine_id for row in await outside.quarantined()]

    reply = await outside.retry(*ids, accept_jumps=True)

    assert sorted(names(reply.outcomes)) == ["APPLIED", "OUTDATED"]
    assert await outside.on_hand("MUG at A") == 200


async def test_a_picture_by_a_clock_that_is_ahead_is_as_good_as_one_of_now(
    outside: Outside,
) -> None:
    now = await outside.now()

    await outside.show({"MUG at A": 4}, taken=now + timedelta(minutes=4))

    assert await outside.on_hand("MUG at A") == 4


async def test_a_picture_of_the_future_is_doubtful_and_outdates_none(outside: Outside) -> None:
    now = await outside.now()
    taken = now + timedelta(days=400)

    wrong = await outside.show({"MUG at A": (4, 1)}, watermark=0, taken=taken)

    assert names(wrong.outcomes) == ["QUARANTINED"]
    [row] = await outside.quarantined()
    assert (why(row), row.facts["pictureTime"]) == ("IN_FUTURE", taken.isoformat())
    assert names((await outside.retry(row.quarantine_id)).outcomes) == ["QUARANTINED"]
    right = await outside.show({"MUG at A": 6}, taken=now + timedelta(seconds=1))
    assert names(right.outcomes) == ["APPLIED"]
    assert await outside.on_hand("MUG at A") == 6


@on_sqlite
async def test_a_picture_of_the_future_that_was_believed_once_outdates_none_any_more(
    outside: Outside, clock: FakeClock
) -> None:
    await outside.show({"MUG at A": 4}, taken=clock.now())
    await outside.shop.wiring.database.run(
        lambda tx: tx.execute(update(picture_mark).values(taken=clock.now() + timedelta(days=400)))
    )

    reply = await outside.show({"MUG at A": 6}, taken=clock.now())

    assert names(reply.outcomes) == ["APPLIED"]
    assert await outside.on_hand("MUG at A") == 6


async def test_a_watermark_too_far_ahead_is_doubtful_and_outdates_none(outside: Outside) -> None:
    await outside.put_source(ahead_max=100)
    await outside.tell(delta(1, "MUG at A", 1))

    wrong = await outside.show({"MUG at A": (10, 2)}, watermark=102)

    assert names(wrong.outcomes) == ["QUARANTINED"]
    [row] = await outside.quarantined()
    assert (why(row), dict(row.facts)) == (
        "TOO_FAR_AHEAD",
        {"watermark": "102", "appliedSequence": "1", "limit": "100"},
    )
    assert names((await outside.tell(delta(2, "MUG at A", 3))).outcomes) == ["APPLIED"]
    right = await outside.show({"MUG at A": (5, 3)}, watermark=101)
    assert names(right.outcomes) == ["APPLIED"]
    assert await outside.on_hand("MUG at A") == 5


async def test_a_watermark_that_somebody_has_looked_at_is_believed(outside: Outside) -> None:
    await outside.put_source(ahead_max=100)
    await outside.show({"MUG at A": (8, 1)}, watermark=5_000)
    [row] = await outside.quarantined()

    assert names((await outside.retry(row.quarantine_id)).outcomes) == ["QUARANTINED"]
    reply = await outside.retry(row.quarantine_id, accept_jumps=True)

    assert names(reply.outcomes) == ["APPLIED"]
    assert names((await outside.tell(delta(5_000, "MUG at A", 1))).outcomes) == ["CONTAINED"]
    assert await outside.on_hand("MUG at A") == 8


async def test_nobody_has_heard_of_changes_that_were_not_made(outside: Outside) -> None:
    paid = await outside.shop.reserve({"MUG at A": 4}, confirm=True)
    await outside.shop.ship(paid.reservation_id, selection("1"))

    reply = await outside.show({"MUG at A": (10, 4), "MUG at B": (1, 1)}, watermark=0)

    assert names(reply.outcomes) == ["QUARANTINED", "QUARANTINED"]
    assert {
        row.snapshot_row.location_id: (why(row), dict(row.facts))
        for row in await outside.quarantined()
    } == {
        "A": ("UNKNOWN_SEQUENCE", {"includedSequence": "4", "sequence": "3"}),
        "B": ("UNKNOWN_SEQUENCE", {"includedSequence": "1", "sequence": "0"}),
    }
    assert await outside.on_hand("MUG at A") == 6


async def test_a_picture_that_shows_less_than_is_promised_leaves_promises_short(
    outside: Outside,
) -> None:
    await outside.put_source(may_fall_below_reserved=True)
    await outside.shop.reserve({"MUG at A": 9}, confirm=True, order_id="1001")

    reply = await outside.show({"MUG at A": (4, 2)}, watermark=0)

    balance = await outside.shop.balance("MUG at A")
    assert names(reply.outcomes) == ["APPLIED"]
    assert (balance.on_hand, balance.reserved, balance.short) == (4, 9, 5)
    assert await outside.shop.is_sound()
