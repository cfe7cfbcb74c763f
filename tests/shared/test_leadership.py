from ordermesh.runtime.database import Database
from ordermesh.runtime.leadership import LEASE_SECONDS, Leadership
from tests.dialects import on_sqlite
from tests.fakes import FakeClock


async def test_one_leads_under_a_name_and_another_under_another(
    database: Database, clock: FakeClock
) -> None:
    one, two = (Leadership(database, clock, "copy") for _ in range(2))

    assert [await one.hold(), await two.hold(), await one.hold()] == [True, False, True]
    assert await Leadership(database, clock, "other").hold()


async def test_who_resigns_is_followed_at_once(database: Database, clock: FakeClock) -> None:
    one, two = (Leadership(database, clock, "copy") for _ in range(2))
    await one.hold()
    await two.resign()  # it does not lead: nothing ends
    assert not await two.hold()

    await one.resign()

    assert [await two.hold(), await one.hold()] == [True, False]


@on_sqlite
async def test_a_leader_that_renews_its_lease_leads_on_and_one_that_died_does_not(
    database: Database, clock: FakeClock
) -> None:
    one, two = (Leadership(database, clock, "copy") for _ in range(2))
    await one.hold()

    clock.advance(LEASE_SECONDS * 0.6)
    assert await one.hold()
    clock.advance(LEASE_SECONDS * 0.6)
    assert not await two.hold()
    clock.advance(LEASE_SECONDS)
    assert await two.hold()
    assert not await one.hold()
