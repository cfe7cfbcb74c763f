"""Promises in another country, currency and time zone, and the orders that they are passed to."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ordermesh.api.order.v1 import Destination
from ordermesh.api.routing import v1
from tests.dialects import on_sqlite
from tests.routing.conftest import INVENTORY, ROUTING
from tests.routing.house import IF_SOURCED, House, line, new_id, refused
from tests.routing.test_netherlands import CARRIAGE, FILES, imported, loaded, policy
from tests.routing.test_network import ShiftedClock

NINE = datetime(2026, 11, 25, 8, tzinfo=UTC)
"""Wednesday, nine in the morning in Amsterdam."""

pytestmark = on_sqlite


@pytest.fixture
async def shop(migrated_url: Callable[[str], str]) -> AsyncIterator[House]:
    """The network of the Netherlands with its carriage, in euros."""
    house = House(migrated_url(INVENTORY), migrated_url(ROUTING), ShiftedClock(NINE))
    await house.start_inventory()
    await house.start_routing()
    files = {name: FILES / f"{name}.csv" for name in ("items", "network", "stock")}
    assert not (await loaded(house, **files)).refused
    await house.mesh.policies.SavePolicy(v1.SavePolicyRequest(request_id=new_id(), policy=policy()))
    assert not (await imported(house, CARRIAGE)).refused
    yield house
    await house.close()


def asked(sku: str, country: str, code: str, **fields: Any) -> v1.GetPromiseRequest:
    return v1.GetPromiseRequest(
        **{
            "lines": [v1.SourcingLine(line_id="1", sku=sku, quantity=1)],
            "destination": Destination(country_code=country, postal_code=code),
            "objectives": [v1.PromiseObjective.PROMISE_OBJECTIVE_CHEAPEST],
            **fields,
        }
    )


async def promised(house: House, *where: str, **fields: Any) -> v1.PromiseOption:
    (option,) = (await house.mesh.promises.GetPromise(asked(*where, **fields))).options
    assert option.cost.currency_code == "EUR"
    return option


def instant(stamp: Any) -> datetime:
    found: datetime = stamp.ToDatetime(tzinfo=UTC)
    return found


async def test_nothing_is_promised_where_no_lane_leads(shop: House) -> None:
    said = await refused(shop.mesh.promises.GetPromise(asked("MOK", "NL", "9999 ZZ")))
    assert said.reason == "UNKNOWN_DESTINATION"

    tokyo = await promised(shop, "MOK", "JP", "100-0001")

    assert not tokyo.shipments
    assert not tokyo.HasField("window")
    assert [(one.sku, one.quantity) for one in tokyo.unpromised_lines] == [("MOK", 1)]


async def test_a_courier_in_town_is_promised_to_the_hour_and_an_order_gets_it(
    shop: House,
) -> None:
    fastest = [v1.PromiseObjective.PROMISE_OBJECTIVE_FASTEST]
    town = await promised(shop, "MOK", "NL", "1012ab", objectives=fastest)

    assert [one.location_id for one in town.shipments] == ["WINKEL-AMS"]
    assert not town.window.is_in_days
    # Two hours from a moment after nine, to the quarter of an hour.
    assert instant(town.window.latest_time) == datetime(2026, 11, 25, 10, 15, tzinfo=UTC)
    assert town.window.date == "2026-11-25"

    reply = await shop.submit(
        "NL-1",
        line("1", "MOK"),
        destination=Destination(country_code="NL", postal_code="1012 AB"),
        promise_time=town.window.latest_time,
        acceptance=IF_SOURCED,
    )
    (shipment,) = reply.decision.plan.shipments
    assert shipment.parcels[0].service_id == "FIETS/TWEE-UUR"


async def test_days_are_those_of_the_country_at_the_confidence_that_is_asked_for(
    shop: House,
) -> None:
    utrecht = ("MOK", "NL", "3511 EP")
    # A day at the warehouse, then the post: one day in 93 of 100 cases, two in 99.
    likely = await promised(shop, *utrecht)
    surely = await promised(shop, *utrecht, confidence_permille=950)

    assert [one.location_id for one in likely.shipments] == ["TILBURG"]
    assert (likely.window.is_in_days, likely.window.date) == (True, "2026-11-27")
    assert instant(likely.window.latest_time) == datetime(2026, 11, 27, 23, tzinfo=UTC)
    assert surely.window.date == "2026-11-28"


async def test_a_promise_across_a_border_is_in_the_currency_of_the_policy(shop: House) -> None:
    ghent = await promised(shop, "KUSSEN", "BE", "9000")

    assert [one.location_id for one in ghent.shipments] == ["ALMERE"]
    # A day at the warehouse; two days on the road are not sure enough.
    assert ghent.window.date == "2026-11-29"
    assert ghent.co2e_grams > 0

    reply = await shop.submit(
        "BE-1",
        line("1", "KUSSEN"),
        destination=Destination(country_code="BE", postal_code="9000"),
        promise_time=ghent.window.latest_time,
        acceptance=IF_SOURCED,
    )
    assert reply.decision.cost.currency_code == "EUR"
    assert [one.location_id for one in reply.decision.plan.shipments] == ["ALMERE"]
