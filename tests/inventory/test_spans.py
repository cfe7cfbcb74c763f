import pytest

from ordermesh.inventory.domain.errors.stock import InsufficientStock
from ordermesh.runtime.telemetry import ALLOWED, Attributes
from tests.inventory.messages import item
from tests.inventory.shop import Shop
from tests.spans import Spans


async def test_the_span_of_a_decision_tells_what_was_decided_about(
    shop: Shop, spans: Spans
) -> None:
    await shop.stock({"POT at A": 9, "CUP at A": 9})
    await shop.put_items(item("TEA-SET", {"POT": 1, "CUP": 2}))

    made = await shop.reserve({"TEA-SET at A": 1, "CUP at A": 1}, order_id="X")

    decided = spans.named("decide")[-1]
    assert decided.attributes is not None
    assert dict(decided.attributes) == {
        Attributes.RESERVATION_ID: made.reservation_id,
        Attributes.ORDER_ID: "X",
        Attributes.LINE_COUNT: 3,
    }
    assert dict(decided.attributes).keys() <= ALLOWED


async def test_the_span_of_a_refusal_has_its_reason_and_is_no_error(
    shop: Shop, spans: Spans
) -> None:
    await shop.stock({"MUG at A": 1})

    with pytest.raises(InsufficientStock):
        await shop.reserve({"MUG at A": 2}, order_id="X")

    refused = spans.named("decide")[-1]
    assert refused.attributes is not None
    assert refused.attributes[Attributes.REASON] == "INSUFFICIENT_STOCK"
    assert refused.status.is_unset
    assert not refused.events
