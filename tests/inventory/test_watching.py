"""Watching balances: from a revision or from a picture of all, packed or not, chosen or all."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import pytest

from ordermesh.api.inventory.v1 import (
    BalanceChange,
    PackedBalances,
    WatchAvailabilityRequest,
    WatchAvailabilityResponse,
)
from ordermesh.inventory.queries import watching
from ordermesh.inventory.store import ledger
from ordermesh.inventory.store.sale import terms_of
from ordermesh.runtime.feed import RevisionCompacted
from ordermesh.runtime.validation import InvalidFields, validate
from tests.inventory.messages import item, location
from tests.inventory.shop import Shop

Figures = tuple[int, int, int, int]
"""On hand, reserved, available and sequence."""


def watch(shop: Shop, **request: Any) -> AsyncIterator[WatchAvailabilityResponse]:
    return shop.availability_service.WatchAvailability(
        WatchAvailabilityRequest(**request), shop.no_context
    )


def figures(one: BalanceChange) -> Figures:
    return one.on_hand, one.reserved, one.available, one.sequence


def unpacked(packed: PackedBalances) -> list[tuple[str, str, Figures]]:
    skus = [packed.skus[number] for number in packed.sku_numbers]
    places = [packed.location_ids[number] for number in packed.location_numbers]
    told = zip(packed.on_hand, packed.reserved, packed.available, packed.sequences, strict=True)
    return list(zip(skus, places, told, strict=True))


async def until_revision(
    replies: AsyncIterator[WatchAvailabilityResponse],
) -> list[WatchAvailabilityResponse]:
    """The messages up to the first that says a revision."""
    read = []
    async for reply in replies:
        read.append(reply)
        if reply.revision:
            return read
    raise AssertionError("The watch ended.")


def test_a_snapshot_from_a_revision_is_refused() -> None:
    with pytest.raises(InvalidFields):
        validate(WatchAvailabilityRequest(start_revision=3, snapshot=True))


async def test_a_revision_of_another_history_is_refused(shop: Shop) -> None:
    with pytest.raises(RevisionCompacted):
        await anext(watch(shop, start_revision=99, packed=True, kits=True))


async def test_a_snapshot_gives_all_balances_then_what_changes(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10, "MUG at B": 4, "CUP at B": 7})
    await shop.reserve({"MUG at A": 3})
    await shop.stamp()

    async with aclosing(cast("Any", watch(shop, snapshot=True, packed=True))) as replies:
        read = await until_revision(replies)
        told = [row for reply in read for row in unpacked(reply.packed)]
        assert sorted(told) == [
            ("CUP", "B", (7, 0, 7, 1)),
            ("MUG", "A", (10, 3, 7, 2)),
            ("MUG", "B", (4, 0, 4, 1)),
        ]
        assert [reply.revision for reply in read[:-1]] == [0] * (len(read) - 1)
        assert [reply.snapshot_end for reply in read] == [False] * (len(read) - 1) + [True]

        await shop.reserve({"CUP at B": 2})
        await shop.stamp()
        after = [row async for row in changes(replies, 1)]
        assert after == [("CUP", "B", (7, 2, 5, 2))]


async def changes(
    replies: AsyncIterator[WatchAvailabilityResponse], count: int
) -> AsyncIterator[tuple[str, str, Figures]]:
    """The next so many packed changes."""
    async for reply in replies:
        for row in unpacked(reply.packed):
            yield row
            count -= 1
        if count <= 0:
            return


async def test_nothing_is_missing_between_a_snapshot_and_the_changes(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "BALANCES_PAGE", 1)
    await shop.stock({"MUG at A": 10, "MUG at B": 10, "MUG at C": 10})
    await shop.stamp()
    known: dict[str, Figures] = {}

    async with aclosing(cast("Any", watch(shop, snapshot=True, packed=True))) as replies:
        async for reply in replies:
            for _, place, told in unpacked(reply.packed):
                known[place] = max(known.get(place, told), told, key=lambda one: one[3])
            if len(known) == 1 and known["A"][1] == 0:
                # While the snapshot is under way: one that it has given, one that it will give.
                await shop.reserve({"MUG at A": 1})
                await shop.reserve({"MUG at C": 2})
                await shop.stamp()
            if known.get("A", (0, 0))[1] and known.get("C", (0, 0))[1]:
                break

    assert known == {"A": (10, 1, 9, 2), "B": (10, 0, 10, 1), "C": (10, 2, 8, 2)}


async def test_an_empty_ledger_has_an_empty_snapshot(shop: Shop) -> None:
    reply = await anext(watch(shop, snapshot=True, packed=True, kits=True))

    assert (reply.HasField("packed"), list(reply.kits)) == (False, [])
    assert reply.snapshot_end


async def test_only_what_was_chosen_is_told(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1, "MUG at B": 2, "CUP at A": 3})
    await shop.stamp()
    choice: dict[str, Any] = {"skus": ["MUG", "NOBODY"], "location_ids": ["B", "MOON"]}

    pictured = await until_revision(watch(shop, snapshot=True, packed=True, **choice))
    assert [row for reply in pictured for row in unpacked(reply.packed)] == [
        ("MUG", "B", (2, 0, 2, 1))
    ]

    reply = await anext(watch(shop, start_revision=1, **choice))
    assert [(one.key.sku, one.key.location_id) for one in reply.balances] == [("MUG", "B")]


async def test_packed_and_plain_changes_say_the_same(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5, "CUP at A": 3})
    await shop.reserve({"MUG at A": 2, "CUP at A": 1})
    await shop.put_locations(location("A", disabled=True))
    await shop.stamp()

    plain = await anext(watch(shop, start_revision=1))
    packed = await anext(watch(shop, start_revision=1, packed=True))

    rows = [(one.key.sku, one.key.location_id, figures(one)) for one in plain.balances]
    assert rows == unpacked(packed.packed)
    assert len(rows) == 6
    assert plain.revision == packed.revision
    assert (plain.HasField("packed"), list(packed.balances)) == (False, [])


async def test_what_a_switch_does_is_in_the_snapshot(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5, "MUG at B": 3})
    await shop.put_locations(location("A", disabled=True))
    await shop.stamp()

    replies = await until_revision(watch(shop, snapshot=True))

    told = [(one.key.location_id, figures(one)) for reply in replies for one in reply.balances]
    assert sorted(told) == [("A", (5, 0, 0, 1)), ("B", (3, 0, 3, 1))]


async def test_kits_come_with_their_compositions_where_asked_for(shop: Shop) -> None:
    await shop.stock({"POT at A": 5, "CUP at A": 7})
    await shop.put_items(item("TEA-SET", {"POT": 1, "CUP": 2}), item("OFF", {"POT": 1}))
    await shop.stamp()

    async with aclosing(cast("Any", watch(shop, snapshot=True, kits=True))) as replies:
        kits = [kit for reply in await until_revision(replies) for kit in reply.kits]
        assert {kit.sku: {one.sku: one.quantity for one in kit.components} for kit in kits} == {
            "TEA-SET": {"POT": 1, "CUP": 2},
            "OFF": {"POT": 1},
        }

        await shop.put_items(item("TEA-SET", {"POT": 1, "CUP": 1}), item("OFF", unsellable=True))
        await shop.stamp()
        later = [kit for reply in await until_revision(replies) for kit in reply.kits]
        assert [(kit.sku, len(kit.components), kit.unsellable) for kit in later] == [
            ("TEA-SET", 2, False),
            ("OFF", 0, True),
        ]

    unasked = await until_revision(watch(shop, snapshot=True))
    assert [kit.sku for reply in unasked for kit in reply.kits] == []


async def test_what_a_page_of_balances_costs_grows_with_the_page_alone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def counted(rows: Any, table: Any) -> Any:
        asked.append(len(rows))
        return terms_of(rows, table)

    monkeypatch.setattr(ledger, "terms_of", counted)
    await shop.stock({f"SKU-{number} at A": 1 for number in range(50)})
    await shop.stamp()
    asked.clear()

    await until_revision(watch(shop, snapshot=True, packed=True))

    # The terms of all balances are worked out together: once for each page, not for each balance.
    assert asked == [50]
