import asyncio

import pytest
from sqlalchemy import update

from ordermesh.api.inventory.v1 import ReservationLine
from ordermesh.inventory.domain.errors.reservation import ReservationClosed, ReservationExpired
from ordermesh.inventory.store.tables.reservations import reservation
from tests.inventory.messages import control, item, selection
from tests.inventory.reading import insist
from tests.inventory.shop import Shop

CONFIRMED = ReservationLine.STATE_CONFIRMED
EXPIRED = ReservationLine.STATE_EXPIRED
RELEASED = ReservationLine.STATE_RELEASED
SHIPPED = ReservationLine.STATE_SHIPPED


def states(lines: object) -> list[tuple[int, int]]:
    return [(line.quantity, line.state) for line in lines]  # type: ignore[attr-defined]  # lines


async def test_stock_that_went_to_somebody_else_is_not_reserved_again(shop: Shop) -> None:
    await shop.stock({"MUG at A": 2, "CUP at A": 1})
    held = await shop.reserve({"MUG at A": 2, "CUP at A": 1}, hold_seconds=10)
    await shop.let_pass(11)
    await shop.reserve({"MUG at A": 1})
    before = await shop.dump()

    with pytest.raises(ReservationExpired) as refusal:
        await shop.confirm(held.reservation_id, again=True)

    assert refusal.value.facts()["reservationId"] == held.reservation_id
    assert await shop.dump() == before


async def test_without_leave_an_expired_reservation_stays_expired(shop: Shop) -> None:
    await shop.stock({"MUG at A": 2})
    held = await shop.reserve({"MUG at A": 2}, hold_seconds=10)
    await shop.let_pass(11)

    with pytest.raises(ReservationExpired):
        await shop.confirm(held.reservation_id)


@pytest.mark.parametrize("swept", [False, True])
async def test_lines_that_expired_are_reserved_anew_as_new_lines(shop: Shop, swept: bool) -> None:
    await shop.stock({"MUG at A": 2, "CUP at A": 4})
    await shop.put_items(item("SET", {"MUG": 1, "CUP": 2}))
    held = await shop.reserve({"SET at A": 2}, hold_seconds=10)
    await shop.let_pass(11)
    if swept:
        await shop.sweep()

    confirmed = await shop.confirm(held.reservation_id, again=True)

    assert states(confirmed.lines) == [
        (2, EXPIRED),
        (4, EXPIRED),
        (2, CONFIRMED),
        (4, CONFIRMED),
    ]
    assert [line.kit_sku for line in confirmed.lines] == ["SET"] * 4
    assert (await shop.balance("CUP at A")).reserved == 4
    shipped = await shop.ship(held.reservation_id, selection("1"))
    assert states(shipped.reservation.lines)[2:] == [(2, SHIPPED), (4, SHIPPED)]
    assert await shop.is_sound()


async def test_what_an_older_version_reserved_again_without_saying_when_was(shop: Shop) -> None:
    await shop.stock({"MUG at A": 4})
    held = await shop.reserve({"MUG at A": 2}, hold_seconds=10)
    await shop.let_pass(11)
    first = await shop.confirm(held.reservation_id, again=True)
    timeless = update(reservation).values(renew_time=None)
    await shop.wiring.database.run(lambda tx: tx.execute(timeless))

    assert await shop.confirm(held.reservation_id, again=True) == first
    assert (await shop.balance("MUG at A")).reserved == 2


async def test_only_once_and_what_was_released_after_it_stays_released(shop: Shop) -> None:
    await shop.stock({"MUG at A": 2})
    held = await shop.reserve({"MUG at A": 2}, hold_seconds=10)
    await shop.let_pass(11)
    first = await shop.confirm(held.reservation_id, again=True)

    assert await shop.confirm(held.reservation_id, again=True) == first
    assert await shop.confirm(held.reservation_id) == first
    await shop.release(held.reservation_id)
    with pytest.raises(ReservationClosed):
        await shop.confirm(held.reservation_id, again=True)
    assert (await shop.balance("MUG at A")).reserved == 0
    assert await shop.is_sound()


async def test_parts_that_were_released_before_are_not_reserved_again(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    held = await shop.reserve({"MUG at A": 5}, hold_seconds=10)
    await shop.release(held.reservation_id, selection("1", 3))
    await shop.let_pass(11)

    confirmed = await shop.confirm(held.reservation_id, again=True)

    assert states(confirmed.lines) == [(2, EXPIRED), (3, RELEASED), (2, CONFIRMED)]
    assert (await shop.balance("MUG at A")).reserved == 2


@pytest.mark.parametrize("swept", [False, True])
async def test_what_was_released_after_its_time_is_not_reserved_again(
    shop: Shop, swept: bool
) -> None:
    await shop.stock({"MUG at A": 2})
    held = await shop.reserve({"MUG at A": 2}, hold_seconds=10)
    await shop.let_pass(11)
    if swept:
        await shop.sweep()

    released = await shop.release(held.reservation_id)

    assert states(released.reservation.lines) == [(2, EXPIRED)]
    for again in (True, False):
        with pytest.raises(ReservationClosed):
            await shop.confirm(held.reservation_id, again=again)
    with pytest.raises(ReservationClosed):
        await shop.extend(held.reservation_id, 10)
    assert (await shop.balance("MUG at A")).reserved == 0
    assert await shop.is_sound()


async def test_who_releases_one_expired_line_gives_up_all_that_expired(shop: Shop) -> None:
    await shop.stock({"MUG at A": 2, "CUP at A": 1})
    held = await shop.reserve({"MUG at A": 2, "CUP at A": 1}, hold_seconds=10)
    await shop.let_pass(11)

    reply = await shop.release(held.reservation_id, selection("1", 1))

    assert [(line.wanted, line.released) for line in reply.released_lines] == [(1, 0)]
    with pytest.raises(ReservationClosed):
        await shop.confirm(held.reservation_id, again=True)
    assert await shop.is_sound()


async def test_an_overdue_hold_of_somebody_else_is_no_obstacle(shop: Shop) -> None:
    await shop.stock({"MUG at A": 2})
    held = await shop.reserve({"MUG at A": 2}, hold_seconds=10)
    await shop.let_pass(11)
    await shop.reserve({"MUG at A": 2}, hold_seconds=10)
    await shop.let_pass(11)

    await shop.confirm(held.reservation_id, again=True)

    assert (await shop.balance("MUG at A")).reserved == 2
    assert await shop.is_sound()


async def test_of_many_that_want_the_last_unit_again_one_gets_it(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1})
    ids = []
    for _ in range(5):
        ids.append((await shop.reserve({"MUG at A": 1}, hold_seconds=10)).reservation_id)
        await shop.let_pass(11)

    outcomes = await asyncio.gather(
        *(insist(lambda one=one: shop.confirm(one, again=True)) for one in ids),  # type: ignore[misc]  # bound early
        return_exceptions=True,
    )

    refusals = [one for one in outcomes if isinstance(one, BaseException)]
    assert [getattr(one, "reason", one) for one in refusals] == ["RESERVATION_EXPIRED"] * 4
    assert await shop.is_sound()


async def test_a_kit_that_may_not_be_sold_any_more_is_not_reserved_again(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    await shop.put_items(item("PAIR", {"MUG": 2}))
    held = [await shop.reserve({"PAIR at A": 1}, hold_seconds=10) for _ in range(2)]
    await shop.let_pass(11)
    await shop.put_items(item("PAIR", {"MUG": 2}, unsellable=True))
    before = await shop.dump()

    with pytest.raises(ReservationExpired):
        await shop.confirm(held[0].reservation_id, again=True)
    assert await shop.dump() == before
    await shop.put_items(item("PAIR", {"MUG": 2}))
    await shop.confirm(held[0].reservation_id, again=True)
    await shop.put_controls(control("none", "exclude", 1, sku="PAIR", location_id="A"))
    with pytest.raises(ReservationExpired):
        await shop.confirm(held[1].reservation_id, again=True)
