"""What stands in the way of promising orders: each kind is found, counted and shown."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console

from ordermesh.api.inventory.v1 import Item, Size
from ordermesh.api.routing import v1
from ordermesh.cli.readiness import as_fields, check, print_obstacles
from tests.dialects import on_sqlite
from tests.eventually import eventually
from tests.routing.freight import card, carrier, lane, name, put, rates, row, service, zones
from tests.routing.house import House, entry, item, line, refused
from tests.routing.postal import code, imported

KIND = v1.Obstacle.Kind
ASKED = v1.FindObstaclesRequest.PostalDestination


async def followed(house: House, items: int) -> None:
    """Routing has heard of so many items."""

    async def are_known() -> bool:
        seen = await house.mesh.network.GetNetworkOverview(v1.GetNetworkOverviewRequest())
        return seen.item_count == items

    await eventually(are_known)


async def found(house: House, **fields: Any) -> dict[str, tuple[int, str, str]]:
    request = v1.FindObstaclesRequest(**fields)
    reply = await house.mesh.carriage.FindObstacles(request, timeout=60)
    return {
        KIND.Name(one.kind).removeprefix("KIND_"): (one.count, one.example, one.sentence)
        for one in reply.obstacles
    }


def soon(days: int) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(datetime.now(UTC) + timedelta(days=days))
    return made


def sized(sku: str, **fields: Any) -> Item:
    size = Size(length_millimetres=100, width_millimetres=100, height_millimetres=100)
    return item(sku, size=size, **fields)


async def test_nothing_stands_in_the_way_of_a_house_in_order(house: House) -> None:
    await house.stock({"MUG at NEAR": 1})
    await put(house, zones(), carrier(), card(), lane("L", "NEAR"))

    assert await found(house, destinations=[ASKED(country_code="US", postal_code="60601")]) == {}


@on_sqlite
async def test_an_unknown_policy_is_refused(house: House) -> None:
    refusal = await refused(
        house.mesh.carriage.FindObstacles(v1.FindObstaclesRequest(policy_id="gold"))
    )

    assert refusal.reason == "POLICY_NOT_FOUND"


async def test_items_without_weight_or_size_are_told_where_prices_need_them(house: House) -> None:
    await house.items(
        sized("BAG"), item("CUP", weight_grams=0), item("DISH"), sized("EGG", weight_grams=0)
    )
    await house.receive({"BAG at NEAR": 1, "CUP at NEAR": 1, "DISH at NEAR": 1, "EGG at NEAR": 1})
    await followed(house, 4)
    by_zone = await found(house)
    mine = card(rates(1, 5.0), rates(2, 8.0), cubic_centimetres_per_kilogram=5000)
    await put(house, zones(), carrier(), mine, lane("L", "NEAR"))

    by_lane = await found(house)

    assert {kind: one[:2] for kind, one in by_zone.items()} == {"ITEM_WITHOUT_WEIGHT": (2, "CUP")}
    assert {kind: one[:2] for kind, one in by_lane.items()} == {
        "ITEM_WITHOUT_WEIGHT": (2, "CUP"),
        "ITEM_WITHOUT_SIZE": (2, "CUP"),
    }


async def test_items_and_kits_that_no_shipping_location_has_are_told(house: House) -> None:
    await house.network(entry("EAST", methods=[]))
    await house.items("ANVIL", "BELL", "CUP", item("GIFT", unsellable=True))
    await house.items(item("SET", {"CUP": 1, "BELL": 1}), item("PAIR", {"CUP": 2}))
    await house.receive({"BELL at EAST": 3, "CUP at NEAR": 3})
    await followed(house, 6)

    assert await found(house) == {
        "ITEM_STOCKED_NOWHERE": (
            3,
            "ANVIL",
            "No location that ships has any ANVIL to promise.",
        )
    }
    assert await found(house, without_stock=True) == {}


async def test_lanes_from_nowhere_and_without_prices_are_told(house: House) -> None:
    more = card(
        rates(1, 5.0, currency="SEK"),
        rates(2, 5.0, currency="SEK"),
        rate_card_id="SEK",
        currency_code="SEK",
        service=name("POSTMAN/SLOW"),
    )
    await put(
        house,
        zones(),
        carrier(service(), service("SLOW"), service("AIR")),
        card(),
        more,
        lane("L", "NEAR", "POSTMAN/GROUND", "POSTMAN/SLOW", "POSTMAN/AIR"),
        lane("M", "MOON"),
        lane("N", "MOON", withdrawn=True),
    )

    assert await found(house) == {
        "LANE_WITHOUT_ORIGIN": (
            1,
            "M",
            "No location that ships is called MOON, or is in such a group.",
        ),
        "LANE_WITHOUT_RATES": (
            2,
            "L POSTMAN/SLOW",
            "POSTMAN/SLOW: nobody knows what SEK is in USD.",
        ),
    }


async def test_prices_that_end_within_the_horizon_without_a_successor_are_told(
    house: House,
) -> None:
    await put(house, zones(), carrier(), card(valid_until_time=soon(20)), lane("L", "NEAR"))

    told = await found(house)

    assert (told["RATES_END"][:2], list(told)) == ((1, "CARD"), ["RATES_END"])
    assert await found(house, horizon_days=10) == {}
    end = soon(20)
    await put(
        house,
        card(valid_until_time=end),
        card(rate_card_id="NEXT", valid_from_time=end),
    )
    assert await found(house) == {}


async def test_locations_without_address_and_with_stale_calendars_are_told(house: House) -> None:
    closed = v1.ExceptionDay(date="2025-12-25")
    await house.network(entry("WEST", timetable=v1.Timetable(exceptions=[closed])))
    from_somewhere = zones(row(1, origin=v1.Area(country_code="US")), row(2))
    await put(house, from_somewhere, carrier(), card(), lane("L", "NEAR"))

    assert {kind: one[:2] for kind, one in (await found(house)).items()} == {
        "LOCATION_WITHOUT_ADDRESS": (4, "EAST"),
        "CALENDAR_STALE": (1, "WEST"),
    }


async def test_countries_codes_and_destinations_that_nobody_reaches_are_told(house: House) -> None:
    to = [v1.Area(country_code="US", postal_prefix="606"), v1.Area(country_code="NL")]
    await put(
        house,
        zones(),
        carrier(),
        card(),
        *(lane(place, place, destinations=to) for place in ("NEAR", "EAST", "SOUTH", "WEST")),
    )
    await imported(house, "BE", code("9000", 51.05, 3.7))
    asked = [
        ASKED(country_code="US", postal_code="60601"),
        ASKED(country_code="US", postal_code="99999"),
        ASKED(country_code="NL", postal_code="1012 AB"),
        ASKED(country_code="BE", postal_code="9000"),
    ]

    told = await found(house, destinations=asked)

    assert told["COUNTRY_WITHOUT_POSTAL_CODES"][:2] == (1, "NL")
    assert told["POSTAL_CODE_UNKNOWN"][:2] == (2, "US 99999")
    assert told["DESTINATION_UNREACHED"] == (
        1,
        "BE 9000",
        "From WEST: none of its lanes leads there.",
    )


async def test_orders_that_could_not_be_filled_are_told_with_what_they_lack(house: House) -> None:
    await house.stock({"MUG at NEAR": 1})
    await house.submit("O-1", line("1", "MUG", 5, keep_together=True))
    await house.submit("O-2", line("1", "MUG", 7, keep_together=True))

    told = await found(house)

    assert told["ORDER_UNFILLABLE"] == (2, "O-1", "What it lacks: INSUFFICIENT_STOCK.")


@on_sqlite
async def test_nobody_ships_is_told_first_of_all(house: House) -> None:
    await house.network(*(entry(place, methods=[]) for place in ("NEAR", "EAST", "SOUTH", "WEST")))

    assert list(await found(house)) == ["NOBODY_SHIPS"]


@on_sqlite
async def test_the_command_reads_destinations_from_a_file_and_shows_what_it_found(
    house: House, tmp_path: Path
) -> None:
    await house.items("ANVIL")
    await followed(house, 1)
    orders = tmp_path / "orders.csv"
    orders.write_text(
        "order_id,order_time,country_code,postal_code,sku,quantity,unit_price\n"
        "1,2026-01-01T00:00:00Z,US,60601,ANVIL,1,1\n"
        "2,2026-01-01T00:00:00Z,NL,1012 AB,ANVIL,1,1\n"
    )

    reply = await check(house.targets, orders)

    out = Console(file=io.StringIO(), width=160)
    print_obstacles(reply, out)
    shown = cast("io.StringIO", out.file).getvalue()
    assert "1 items and 0 lanes looked at" in shown
    assert "item stocked nowhere" in shown
    assert "NL 1012 AB" in shown
    fields = cast("dict[str, Any]", as_fields(reply))
    assert [one["kind"] for one in fields["obstacles"]] == [
        "ITEM_STOCKED_NOWHERE",
        "POSTAL_CODE_UNKNOWN",
    ]
    orders.write_text("order_id,order_time,country_code,postal_code,sku,quantity,unit_price\n1\n")
    with pytest.raises(ValueError, match="cells cannot be read"):
        await check(house.targets, orders)
