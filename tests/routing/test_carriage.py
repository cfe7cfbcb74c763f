"""Carriage over the wire: all or nothing, versions that never change, and dry runs."""

import asyncio

import grpc
import pytest

from ordermesh.api.routing import v1
from tests.routing.freight import (
    card,
    carrier,
    eur,
    exchange,
    factor,
    lane,
    put,
    putting,
    rates,
    service,
    transit,
    zones,
)
from tests.routing.house import House, refused

CARRIER = v1.CarriageKind.CARRIAGE_KIND_CARRIER
CARD = v1.CarriageKind.CARRIAGE_KIND_RATE_CARD


async def got(
    house: House, kind: "v1.CarriageKind.ValueType", id_: str, version: int = 0
) -> object:
    request = v1.GetCarriageRequest(kind=kind, id=id_, version=version)
    return (await house.mesh.carriage.GetCarriage(request)).entry


async def listed(house: House, kind: "v1.CarriageKind.ValueType", **fields: int) -> list[str]:
    """The names in force, over all pages."""
    names: list[str] = []
    token = ""
    while True:
        request = v1.ListCarriageRequest(kind=kind, page_token=token, **fields)
        page = await house.mesh.carriage.ListCarriage(request)
        names.extend(
            str(one.currency_rate.source or one.carrier.carrier_id) for one in page.entries
        )
        token = page.next_page_token
        if not token:
            return names


async def test_of_entries_of_which_one_is_refused_none_is_kept(house: House) -> None:
    refusal = await refused(put(house, zones(), carrier(), card(rates(1, 5.0, 4.0), rates(2, 6.0))))

    assert refusal.reason == "RATE_FALLS_WITH_WEIGHT"
    assert refusal.metadata["before"] == "5"
    assert await listed(house, CARRIER) == []


async def test_what_is_not_there_is_not_found(house: House) -> None:
    await put(house, zones(), carrier())

    for version in (2, 77):
        refusal = await refused(got(house, CARRIER, "POSTMAN", version))
        assert refusal.code is grpc.StatusCode.NOT_FOUND
        assert (refusal.reason, refusal.metadata) == (
            "CARRIAGE_NOT_FOUND",
            {"kind": "CARRIER", "id": "POSTMAN", "version": str(version)},
        )


async def test_a_dry_run_answers_all_findings_and_keeps_nothing(house: House) -> None:
    reply = await put(
        house,
        zones(),
        carrier(service(transits=[transit(1, 1)])),
        card(rates(1, 5.0, 4.0), rates(3, 6.0)),
        lane("L", "NEAR", "UFO/BEAM"),
        validate_only=True,
    )

    assert [one.reason for one in reply.findings] == [
        "RATE_FALLS_WITH_WEIGHT",
        "RATE_ZONE_MISSING",
        "TRANSIT_MISSING",
        "UNKNOWN_CARRIAGE",
    ]
    assert reply.findings[3].facts["id"] == "UFO/BEAM"
    assert (reply.changed_count, list(reply.versions)) == (4, [])
    assert await listed(house, CARRIER) == []


async def test_a_dry_run_without_findings_says_what_would_change(house: House) -> None:
    await put(house, zones(), carrier())

    reply = await put(house, zones(), card(), validate_only=True)

    assert (reply.changed_count, list(reply.findings)) == (1, [])
    assert (await refused(got(house, CARD, "CARD"))).reason == "CARRIAGE_NOT_FOUND"


async def test_a_version_never_changes_and_what_says_the_same_makes_none(house: House) -> None:
    first = await put(house)
    again = await put(house)
    dearer = await put(house, card(rates(1, 6.0, 7.0), rates(2, 8.0, 9.0)))

    assert (first.changed_count, again.changed_count, dearer.changed_count) == (3, 0, 1)
    assert [one.version for one in again.versions] == [1, 1, 1]
    assert [(one.id, one.version) for one in dearer.versions] == [("CARD", 2)]
    old = await house.mesh.carriage.GetCarriage(
        v1.GetCarriageRequest(kind=CARD, id="CARD", version=1)
    )
    new = await house.mesh.carriage.GetCarriage(v1.GetCarriageRequest(kind=CARD, id="CARD"))
    assert old.entry.rate_card.zones[0].brackets[0].price == eur(5.0, "USD")
    assert new.entry.rate_card.zones[0].brackets[0].price == eur(6.0, "USD")
    assert (old.entry.rate_card.version, new.entry.rate_card.version) == (1, 2)
    assert new.entry.rate_card.HasField("create_time")


async def test_a_version_that_somebody_sends_along_means_nothing(house: House) -> None:
    await put(house)

    reply = await put(house, card(version=9))

    assert (reply.changed_count, reply.versions[0].version) == (0, 1)


async def test_a_change_that_leaves_another_entry_wrong_is_refused(house: House) -> None:
    await put(house)
    more = [v1.ZoneTable.Row(zone=1, distance_km_max=9), v1.ZoneTable.Row(zone=7)]

    refusal = await refused(put(house, zones(*more)))

    assert refusal.reason == "RATE_ZONE_MISSING"
    assert refusal.metadata == {"rateCardId": "CARD", "zone": "7", "zoneTableId": "ZONES"}


@pytest.mark.parametrize(
    ("prices", "beyond", "never_dearer"),
    [((5.0, 6.0), 1.0, True), ((5.0, 22.56), 1.0, False), ((5.0, 6.0), None, False)],
)
async def test_a_card_says_whether_merging_parcels_is_never_dearer(
    house: House, prices: tuple[float, ...], beyond: float | None, never_dearer: bool
) -> None:
    mine = card(rates(1, *prices, beyond=beyond), rates(2, *prices, beyond=beyond))
    await put(house, zones(), carrier(), mine)

    reply = await house.mesh.carriage.GetCarriage(v1.GetCarriageRequest(kind=CARD, id="CARD"))

    assert reply.entry.rate_card.merging_is_never_dearer is never_dearer


async def test_entries_are_listed_page_by_page_and_large_ones_fill_a_page(house: House) -> None:
    many = [
        exchange("EUR/USD", 10**9 + number, source=f"{number}", effective_time={"seconds": number})
        for number in range(5)
    ]
    await put(house, factor(), *many)

    kind = v1.CarriageKind.CARRIAGE_KIND_CURRENCY_RATE
    assert await listed(house, kind, page_size=2) == ["0", "1", "2", "3", "4"]
    wide = [
        v1.ZoneTable.Row(zone=1, destination=v1.Area(country_code="NL", postal_prefix=f"{one:06d}"))
        for one in range(12_000)
    ]
    for name in "ABCDEF":
        request = putting(zones(*wide, zone_table_id=name))
        await house.mesh.carriage.PutCarriage(request, timeout=60)
    page = await house.mesh.carriage.ListCarriage(
        v1.ListCarriageRequest(kind=v1.CarriageKind.CARRIAGE_KIND_ZONE_TABLE)
    )
    assert 1 <= len(page.entries) < 6
    assert page.next_page_token


async def test_of_twins_that_put_at_once_each_makes_a_version(house: House) -> None:
    await put(house)

    prices = (11.0, 12.0, 13.0, 14.0)
    replies = await asyncio.gather(
        *(put(house, card(rates(1, one), rates(2, one + 1))) for one in prices)
    )

    assert sorted(reply.versions[0].version for reply in replies) == [2, 3, 4, 5]


async def test_a_retry_is_answered_as_before_even_when_more_has_come(house: House) -> None:
    request = putting()
    first = await house.mesh.carriage.PutCarriage(request)
    await put(house, card(rates(1, 9.0), rates(2, 9.0)))

    assert await house.mesh.carriage.PutCarriage(request) == first


async def test_entries_of_one_name_and_different_kinds_do_not_meet(house: House) -> None:
    reply = await put(
        house,
        zones(),
        carrier(),
        lane("SAME", "NEAR"),
        v1.CarriageEntry(
            transfer_lane=v1.TransferLane(
                lane_id="SAME",
                from_location_id="NEAR",
                to_location_id="EAST",
                cadence_hours=24,
                transit=transit(1, 1),
                fixed_cost=eur(3),
                cost_per_unit=eur(0.1),
            )
        ),
    )

    assert reply.changed_count == 4
    assert (await refused(put(house, lane("SAME", "NEAR"), lane("SAME", "EAST")))).reason == (
        "DUPLICATE_ENTRY"
    )
    assert (await refused(put(house, lane("A", "NEAR"), request_id="no"))).reason == (
        "FIELD_VIOLATION"
    )
