"""Items of which the books only track what is wanted: they go where they are kept."""

import pytest

from ordermesh.api.inventory.v1 import (
    AdjustmentReason,
    AdjustStockRequest,
    ReservationMode,
    StockAdjustment,
)
from ordermesh.api.routing import v1
from tests.routing.house import IF_SOURCED, House, item, key, line, new_id, refused
from tests.routing.test_explaining import decided

TRACK_ONLY = ReservationMode.RESERVATION_MODE_TRACK_ONLY


@pytest.fixture
async def shop(house: House) -> House:
    """A tracked mug at NEAR alone, and an untracked poster that EAST keeps and has none of."""
    await house.items(item("MUG"), item("POSTER", reservation_mode=TRACK_ONLY))
    await house.receive({"MUG at NEAR": 5, "POSTER at EAST": 1})
    await house.mesh.ledger.AdjustStock(
        AdjustStockRequest(
            request_id=new_id(),
            adjustments=[StockAdjustment(key=key("POSTER at EAST"), on_hand=0)],
            reason=AdjustmentReason.ADJUSTMENT_REASON_LOST,
        )
    )
    return house


def lines(decision: v1.Decision) -> dict[str, list[str]]:
    return {one.location_id: [each.sku for each in one.lines] for one in decision.plan.shipments}


async def test_what_is_kept_nowhere_is_promised_nowhere(shop: House) -> None:
    await shop.items(item("FLAG", reservation_mode=TRACK_ONLY))

    said = await refused(shop.submit("O-1", line("1", "FLAG"), acceptance=IF_SOURCED))

    assert said.reason == "INSUFFICIENT_STOCK"


async def test_src_4_tracked_and_untracked_items_go_where_they_are_kept(shop: House) -> None:
    await shop.submit("O-1", line("T", "MUG"), line("U", "POSTER"), acceptance=IF_SOURCED)

    assert lines(await decided(shop)) == {"NEAR": ["MUG"], "EAST": ["POSTER"]}
    assert await shop.balance("MUG at NEAR") == (5, 1, 4)
    assert await shop.balance("POSTER at EAST") == (0, 0, 0)


async def test_what_was_never_booked_in_does_not_leave_before_it_is(shop: House) -> None:
    await shop.submit("O-1", line("U", "POSTER", 2))
    (work,) = await shop.work("O-1")
    await shop.accept(work)

    said = await refused(shop.ship(work))
    assert (said.reason, said.rows()[0]["available"]) == ("INSUFFICIENT_STOCK", "0")
    await shop.receive({"POSTER at EAST": 2})
    await shop.ship(work)

    assert await shop.balance("POSTER at EAST") == (0, 0, 0)
    assert (await shop.order("O-1")).state == v1.Order.STATE_FULFILLED
