"""Postal codes of any country: imported part by part, found however written, or refused."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordermesh.api.order.v1 import Destination
from ordermesh.api.routing import v1
from ordermesh.client.errors import Refusal
from ordermesh.routing.domain.carriage.postal_code import PostalCodeTable, TableState
from tests.routing.house import ALWAYS, House, answered, line, new_id, refused
from tests.routing.postal import beginning, code, completing, imported, part, whereabouts

TABLE = v1.PostalCodeTable
NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def tables(house: House) -> list[tuple[str, int, "TABLE.State.ValueType", int]]:
    found: list[v1.PostalCodeTable] = []
    token = ""
    while not found or token:
        request = v1.ListPostalCodeTablesRequest(page_size=1, page_token=token)
        page = await house.mesh.carriage.ListPostalCodeTables(request)
        found.extend(page.tables)
        token = page.next_page_token
    return [(one.country_code, one.version, one.state, one.postal_code_count) for one in found]


async def test_a_country_that_nobody_imported_is_refused(house: House) -> None:
    refusal = await refused(whereabouts(house, "NL", "1012 AB"))

    assert (refusal.reason, refusal.metadata) == ("UNKNOWN_DESTINATION", {"countryCode": "NL"})


async def test_an_import_is_in_nobodys_way_until_it_is_complete(house: House) -> None:
    import_id = new_id()
    await house.mesh.carriage.BeginPostalCodeImport(beginning(import_id=import_id))
    await house.mesh.carriage.PutPostalCodes(part(import_id=import_id))

    assert (await refused(whereabouts(house, "NL", "1012 AB"))).reason == "UNKNOWN_DESTINATION"
    refusal = await refused(
        house.mesh.carriage.CompletePostalCodeImport(completing(import_id=import_id, part_count=2))
    )
    assert refusal.reason == "POSTAL_CODE_IMPORT_OUT_OF_STEP"
    assert refusal.metadata == {
        "importId": import_id,
        "state": "RECEIVING",
        "expectedPart": "2",
        "givenPart": "3",
    }
    await house.mesh.carriage.CompletePostalCodeImport(completing(import_id=import_id))
    assert (await whereabouts(house, "NL", "1012 AB")).table_version == 1


async def test_parts_come_in_order_and_none_after_the_end(house: House) -> None:
    import_id = new_id()
    carriage = house.mesh.carriage
    await carriage.BeginPostalCodeImport(beginning(import_id=import_id))

    early = await refused(carriage.PutPostalCodes(part(import_id=import_id, part=2)))
    await carriage.PutPostalCodes(part(import_id=import_id))
    again = await refused(carriage.PutPostalCodes(part(code("9"), import_id=import_id)))
    await carriage.CompletePostalCodeImport(completing(import_id=import_id))
    late = await refused(carriage.PutPostalCodes(part(code("9"), import_id=import_id, part=2)))

    assert [one.reason for one in (early, again, late)] == ["POSTAL_CODE_IMPORT_OUT_OF_STEP"] * 3
    assert [one.metadata["expectedPart"] for one in (early, again, late)] == ["1", "2", "2"]
    assert late.metadata["state"] == "IN_USE"


async def test_an_import_goes_on_where_it_broke_off(house: House) -> None:
    import_id = new_id()
    carriage = house.mesh.carriage
    await carriage.BeginPostalCodeImport(beginning(import_id=import_id))
    sent = part(import_id=import_id)
    first = await carriage.PutPostalCodes(sent)

    begun = await carriage.BeginPostalCodeImport(beginning(import_id=import_id))

    assert (begun.table.next_part, begun.table.postal_code_count) == (2, 1)
    assert await carriage.PutPostalCodes(sent) == first
    other = await refused(
        carriage.BeginPostalCodeImport(beginning(import_id=import_id, country_code="BE"))
    )
    assert other.reason == "FIELD_VIOLATION"
    assert await tables(house) == [("NL", 1, TABLE.STATE_RECEIVING, 1)]


@pytest.mark.parametrize(
    ("codes", "named"),
    [(("1012 AB", "1012ab"), "1012ab"), (("1013", "1011 AB"), "1011 AB")],
)
async def test_a_code_that_comes_twice_is_refused_with_the_whole_part(
    house: House, codes: tuple[str, str], named: str
) -> None:
    import_id = new_id()
    carriage = house.mesh.carriage
    await carriage.BeginPostalCodeImport(beginning(import_id=import_id))
    await carriage.PutPostalCodes(part(code("1011-AB"), import_id=import_id))

    refusal = await refused(
        carriage.PutPostalCodes(part(*map(code, codes), import_id=import_id, part=2))
    )

    assert (refusal.reason, refusal.metadata["value"]) == ("DUPLICATE_ENTRY", named)
    assert await tables(house) == [("NL", 1, TABLE.STATE_RECEIVING, 1)]


async def test_codes_are_found_however_they_are_written_and_others_are_refused(
    house: House,
) -> None:
    await imported(
        house,
        "NL",
        code("1012 AB", 52.3731, 4.8926, region="NH", time_zone="Europe/Amsterdam"),
        code("3511AB", 52.09, 5.12),
    )

    for written in ("1012 AB", "1012ab", " 1012-AB "):
        found = await whereabouts(house, "NL", written)
        assert (found.position.latitude, found.position.longitude) == (52.3731, 4.8926)
        assert (found.region, found.time_zone) == ("NH", "Europe/Amsterdam")
    for unknown in ("1012", "1012 AC", "101", "?"):
        assert (await refused(whereabouts(house, "NL", unknown))).reason == "UNKNOWN_DESTINATION"


async def test_a_table_of_areas_is_found_by_the_beginning_of_codes(house: House) -> None:
    await imported(house, "NL", code("1012"), code("3511"), significant_characters=4)

    assert (await whereabouts(house, "NL", "1012 AB")).table_version == 1
    assert (await refused(whereabouts(house, "NL", "1013 AB"))).reason == "UNKNOWN_DESTINATION"


async def test_a_new_table_replaces_the_one_before_and_an_imported_one_the_known_one(
    house: House,
) -> None:
    known = await whereabouts(house, "US", "60601")
    assert known.table_version == 0

    first = await imported(house, "US", code("60601", 41.0, -88.0), code("99999", 1.0, 2.0))
    second = await imported(house, "US", code("60601", 42.0, -89.0))

    assert (first, second) == (1, 2)
    found = await whereabouts(house, "US", "60601")
    assert (found.table_version, found.position.latitude) == (2, 42.0)
    assert isinstance(await answered(whereabouts(house, "US", "99999")), Refusal)
    assert await tables(house) == [
        ("US", 1, TABLE.STATE_REPLACED, 2),
        ("US", 2, TABLE.STATE_IN_USE, 1),
    ]


async def test_an_order_goes_where_the_imported_table_says_and_a_position_wins_over_it(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 9})
    await imported(house, "NL", code("1012 AB", 41.9, -87.6, region="NH"))
    here = Destination(country_code="NL", postal_code="1012ab")
    there = Destination(country_code="NL", postal_code="????")
    there.position.latitude, there.position.longitude = 41.8, -87.5

    near = await house.submit("O-1", line("1", "MUG"), destination=here, acceptance=ALWAYS)
    far = await house.submit("O-2", line("1", "MUG"), destination=there, acceptance=ALWAYS)
    refusal = await refused(
        house.submit(
            "O-3",
            line("1", "MUG"),
            destination=Destination(country_code="NL", postal_code="9999 ZZ"),
        )
    )

    assert near.order.destination.position.latitude == 41.9
    assert near.order.destination.region == "NH"
    assert far.order.destination.position.latitude == 41.8
    assert near.decision.plan.shipments
    assert refusal.reason == "UNKNOWN_DESTINATION"


async def test_twins_of_one_country_get_numbers_of_their_own(house: House) -> None:
    replies = await asyncio.gather(
        *(house.mesh.carriage.BeginPostalCodeImport(beginning()) for _ in range(4))
    )

    assert sorted(reply.table.version for reply in replies) == [1, 2, 3, 4]


@given(
    st.sets(st.text("ABC123 -", min_size=1, max_size=8).filter(lambda one: one.strip(" -"))),
    st.integers(0, 5),
)
def test_every_code_of_a_table_has_a_key_and_its_spellings_have_the_same(
    written: set[str], significant: int
) -> None:
    table = PostalCodeTable(
        "NL",
        1,
        UUID(int=1),
        "",
        significant,
        TableState.IN_USE,
        2,
        1,
        datetime(2026, 1, 1, tzinfo=UTC),
    )

    for one in written:
        assert table.key(one)
        assert table.key(one) == table.key(one.lower()) == table.key(f" {one}-")
        assert not significant or len(table.key(one)) <= significant
