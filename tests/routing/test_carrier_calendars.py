"""On which days carriers deliver: in days of plans, and in promises."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime

import pytest

from ordermesh.api.routing import v1
from ordermesh.routing.domain.calendars.hours import ExceptionDay, Span
from ordermesh.routing.domain.carriage.book import Book
from ordermesh.routing.domain.carriage.carrier import Carrier, Service
from ordermesh.routing.domain.carrier_calendars import (
    EVERY_DAY,
    CarrierCalendars,
    NamedCalendar,
)
from ordermesh.routing.domain.timetable import Timetable
from ordermesh.routing.store.holidays import PublicHolidays
from tests.dialects import on_sqlite
from tests.routing.conftest import INVENTORY, ROUTING
from tests.routing.freight import card, carrier, lane, put, service, transit, zones
from tests.routing.house import House, entry
from tests.routing.requests import put_calendars, question
from tests.routing.test_network import ShiftedClock
from tests.routing.test_promises import fastest, line

THURSDAY = datetime(2026, 11, 26, 18, tzinfo=UTC)

WEEKDAYS = NamedCalendar(
    "weekdays", "", Timetable(hours=tuple((day, Span(480, 1200)) for day in range(5)))
)


def known(*calendars: NamedCalendar, called: str = "weekdays") -> CarrierCalendars:
    sold = Service("slow", "", "zones", (), calendar=called)
    book = Book({"post": Carrier("post", "", (sold,))})
    return CarrierCalendars(calendars, book, PublicHolidays().dates)


def days(carriers: CarrierCalendars, handling: int, in_transit: int) -> int:
    return carriers.days("post/slow", "America/Chicago", THURSDAY, handling, in_transit)


def test_without_a_calendar_every_day_is_one_of_delivery() -> None:
    assert days(EVERY_DAY, 1, 2) == 3
    assert days(known(), 1, 2) == 3
    assert days(known(WEEKDAYS, called="unheard of"), 1, 2) == 3


def test_days_in_transit_are_days_of_the_calendar() -> None:
    # Thursday, Friday, Monday, Tuesday.
    assert [days(known(WEEKDAYS), 0, one) for one in range(4)] == [0, 1, 4, 5]
    # Handed over on Saturday, it is there on Monday after one day, and after none as well.
    assert [days(known(WEEKDAYS), 2, one) for one in range(3)] == [4, 4, 5]


def test_holidays_of_a_carrier_are_not_days_of_delivery() -> None:
    table = Timetable(WEEKDAYS.timetable.hours, holiday_country="US")
    assert days(known(NamedCalendar("weekdays", "", table)), 0, 0) == 1


def test_a_carrier_that_never_delivers_is_believed_to_take_its_days() -> None:
    shut = tuple(
        ExceptionDay(date.fromordinal(date(2026, 1, 1).toordinal() + n), ()) for n in range(900)
    )
    assert days(known(NamedCalendar("weekdays", "", Timetable(exceptions=shut))), 1, 2) == 3


@pytest.fixture
async def friday(migrated_url: Callable[[str], str]) -> AsyncIterator[House]:
    """A house on a Friday, with mugs that a carrier takes a day for."""
    clock = ShiftedClock(datetime(2026, 11, 27, 18, tzinfo=UTC))
    opened = House(migrated_url(INVENTORY), migrated_url(ROUTING), clock)
    await opened.open()
    await opened.stock({"MUG at NEAR": 9})
    await opened.network(entry("NEAR", handling_days=0))
    slow = service(transits=[transit(1, 1), transit(2, 1)], calendar="weekdays")
    await put(opened, zones(), carrier(slow), card(), lane("L", "NEAR"))
    yield opened
    await opened.close()


@on_sqlite
async def test_plans_and_promises_go_by_the_calendar_of_the_carrier(friday: House) -> None:
    async def seen() -> tuple[list[int], str]:
        reply = await friday.mesh.sourcing.SourceOrder(question())
        promise = await fastest(friday, line("MUG"))
        return [one.days for one in reply.decision.plan.shipments], promise.window.date

    assert await seen() == ([1], "2026-11-28")

    made = await friday.mesh.network.PutCalendars(put_calendars())

    assert made.changed_count == 1
    assert await seen() == ([3], "2026-11-30")
    assert (await friday.mesh.network.PutCalendars(put_calendars())).changed_count == 0


@on_sqlite
async def test_calendars_are_read_as_they_were_put(friday: House) -> None:
    request = put_calendars()
    other = v1.Calendar(
        calendar_id="daily", time_zone="Europe/Berlin", timetable=request.calendars[0].timetable
    )
    request.calendars.append(other)
    await friday.mesh.network.PutCalendars(request)
    page = await friday.mesh.network.ListCalendars(v1.ListCalendarsRequest(page_size=1))
    (first,) = page.calendars
    first.ClearField("update_time")
    assert first == other
    rest = await friday.mesh.network.ListCalendars(
        v1.ListCalendarsRequest(page_size=1, page_token=page.next_page_token)
    )
    assert [one.calendar_id for one in rest.calendars] == ["weekdays"]
    assert rest.next_page_token == ""
