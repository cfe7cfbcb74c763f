import pytest

from ordermesh.api.inventory.v1 import ReserveBulkRequest
from ordermesh.inventory.domain.errors.stock import InsufficientStock
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.shop import Shop


async def test_a_rehearsal_says_what_would_be_refused(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1})
    before = await shop.dump()

    with pytest.raises(InsufficientStock) as refusal:
        await shop.ask(shop.wish({"MUG at A": 2}, validate_only=True))

    assert refusal.value.facts()["available"] == "1"
    assert await shop.dump() == before


async def test_a_rehearsal_says_what_would_be_held_and_leaves_no_trace(shop: Shop) -> None:
    await shop.stock({"MUG at A": 3})
    await shop.reserve({"MUG at A": 2}, hold_seconds=10)
    await shop.let_pass(11)
    before = await shop.dump()
    request = shop.wish({"MUG at A": 5}, validate_only=True, best_effort=True)

    told = await shop.ask(request)

    assert [(one.quantity, one.key.location_id) for one in told.reservation.lines] == [(3, "A")]
    assert [one.missing for one in told.line_verdicts] == [2]
    assert await shop.dump() == before
    # Its ids are free: the request can be made in earnest.
    request.validate_only = False
    real = await shop.ask(request)
    assert real.reservation.lines[0].quantity == 3
    assert await shop.is_sound()


async def test_rehearsals_and_requests_share_a_call(shop: Shop) -> None:
    await shop.stock({"MUG at A": 2})
    wishes = [
        shop.wish({"MUG at A": 2}, validate_only=True),
        shop.wish({"MUG at A": 2}),
        shop.wish({"MUG at A": 9}, validate_only=True),
    ]

    with shop.calling("ReserveBulk"):
        reply = await shop.reservations.ReserveBulk(ReserveBulkRequest(requests=wishes), NO_CONTEXT)

    # Rehearsals are asked for after the requests that they came with.
    assert [one.HasField("reply") for one in reply.verdicts] == [False, True, False]
    assert (await shop.balance("MUG at A")).reserved == 2
