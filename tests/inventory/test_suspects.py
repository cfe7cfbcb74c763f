"""Keys whose books are found wrong: nothing moves there until an operator has freed them."""

import asyncio
import random
from collections.abc import Callable
from contextvars import Context
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint
from sqlalchemy import delete, select, update

from ordermesh.api.inventory.v1 import (
    FreeQuarantinedKeyRequest,
    ListQuarantinedKeysRequest,
    QuarantinedKey,
    QuarantineReason,
    ReserveBulkRequest,
)
from ordermesh.api.order.v1 import StockKey
from ordermesh.inventory.__main__ import assemble
from ordermesh.inventory.background import auditing
from ordermesh.inventory.background.auditing import Auditor
from ordermesh.inventory.domain.errors.stock import (
    KeyNotQuarantined,
    KeyQuarantined,
    KeyUnsound,
)
from ordermesh.inventory.operations.suspecting import seize_if_unsound
from ordermesh.inventory.store import verification
from ordermesh.inventory.store.tables.items import item as items
from ordermesh.inventory.store.tables.ledger import balance, entry
from ordermesh.inventory.store.tables.locations import location as places
from ordermesh.kernel.clock import SystemClock
from ordermesh.kernel.ids import RandomIds
from ordermesh.runtime.database import Database, Transaction
from tests.eventually import eventually
from tests.fakes import FakeClock
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.damaging import damage
from tests.inventory.messages import key, leaving, location, new_id, selection
from tests.inventory.outside import Outside, delta, names
from tests.inventory.shop import Shop
from tests.inventory.test_groups import somewhere
from tests.inventory.test_seals import seal_all
from tests.servers import Served


def at(place: str) -> Any:
    """The condition that a balance, or an entry, is of this key."""
    sku, code = place.split(" at ")
    item_id = select(items.c.item_id).where(items.c.sku == sku).scalar_subquery()
    where = select(places.c.location_id).where(places.c.code == code).scalar_subquery()
    return (balance.c.item_id == item_id) & (balance.c.location_id == where)


async def spoil(shop: Shop, place: str, units: int = 1) -> None:
    """Let the balance say more than its entries."""
    more = {"on_hand": balance.c.on_hand + units}
    await damage(shop, update(balance).where(at(place)).values(**more))


async def mend(shop: Shop, place: str, units: int = 1) -> None:
    await spoil(shop, place, -units)


class Office:
    """An auditor, and what it has counted."""

    def __init__(self, shop: Shop, seed: int = 1) -> None:
        self._reader = InMemoryMetricReader()
        wiring = shop.wiring
        self.auditor = Auditor(
            wiring.database,
            wiring.stores,
            wiring.verification,
            SystemClock(),
            seconds=0.01,
            random=random.Random(seed),
            meter_provider=MeterProvider(metric_readers=[self._reader]),
        )

    def violations(self) -> dict[str, int]:
        read = self._reader.get_metrics_data()
        if read is None:
            return {}
        return {
            str((point.attributes or {})["ordermesh.invariant"]): int(point.value)
            for resource in read.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == "ordermesh.invariant.violations"
            for point in metric.data.data_points
            if isinstance(point, NumberDataPoint)
        }


async def quarantined(shop: Shop, **fields: Any) -> list[QuarantinedKey]:
    reply = await shop.ledger.ListQuarantinedKeys(ListQuarantinedKeysRequest(**fields), NO_CONTEXT)
    return list(reply.keys)


async def free(shop: Shop, place: str, request_id: str = "", **fields: Any) -> QuarantinedKey:
    request = FreeQuarantinedKeyRequest(
        **{
            "request_id": request_id or new_id(),
            "key": key(place),
            "note": "counted twice",
            **fields,
        }
    )
    with shop.calling("FreeQuarantinedKey", "ann"):
        return (await shop.ledger.FreeQuarantinedKey(request, NO_CONTEXT)).key


@pytest.fixture
async def suspect(shop: Shop) -> Shop:
    """Mugs at A, whose books are wrong, a hold and a promise there, and mugs at B."""
    await shop.stock({"MUG at A": 10, "MUG at B": 10, "CUP at A": 10})
    await shop.reserve({"MUG at A": 1}, reservation_id=HELD, hold_seconds=600)
    await shop.reserve({"MUG at A": 2}, reservation_id=PAID, confirm=True)
    await spoil(shop, "MUG at A")
    await Office(shop).auditor.look()
    return shop


HELD, PAID = new_id(), new_id()


async def test_what_is_found_wrong_is_said_and_counted_once(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10, "MUG at B": 10})
    office = Office(shop)
    assert await office.auditor.look() == []
    assert await quarantined(shop) == []
    await spoil(shop, "MUG at A")

    (finding,) = await office.auditor.look()
    assert await office.auditor.look() == []

    assert office.violations() == {"BALANCE_IS_FOLD_OF_ENTRIES": 1}
    (one,) = await quarantined(shop)
    assert one.key == StockKey(sku="MUG", location_id="A")
    assert not one.HasField("free_time")
    assert one.HasField("found_time")
    (told,) = one.findings
    assert (told.invariant, told.recorded, told.expected) == ("BALANCE_IS_FOLD_OF_ENTRIES", 11, 10)
    assert told.sentence == finding.sentence


MOVES: dict[str, Callable[[Shop], Any]] = {
    "reserve": lambda shop: shop.reserve({"MUG at A": 1}),
    "reserve elsewhere, too": lambda shop: shop.reserve({"MUG at B": 1, "MUG at A": 1}),
    "replace": lambda shop: shop.reserve({"MUG at B": 1}, replaces=[HELD]),
    "confirm": lambda shop: shop.confirm(HELD),
    "extend": lambda shop: shop.extend(HELD, 900),
    "release": lambda shop: shop.release(PAID),
    "ship": lambda shop: shop.ship(PAID, selection("1")),
    "ship together": lambda shop: shop.ship_bulk(leaving(PAID, selection("1"))),
    "short": lambda shop: shop.short(PAID, selection("1")),
    "reassign from": lambda shop: shop.reassign(PAID, (selection("1"), "B")),
    "receive": lambda shop: shop.receive({"MUG at B": 1, "MUG at A": 1}),
    "adjust": lambda shop: shop.adjust("MUG at A", delta=-1),
    "adjust to": lambda shop: shop.adjust("MUG at A", on_hand=3),
    "transfer from": lambda shop: shop.transfer(("MUG at A", "B", 1)),
    "transfer to": lambda shop: shop.transfer(("MUG at B", "A", 1)),
}


@pytest.mark.parametrize("name", MOVES)
async def test_nothing_moves_where_the_books_are_wrong(suspect: Shop, name: str) -> None:
    before = await suspect.dump()

    with pytest.raises(KeyQuarantined) as error:
        await MOVES[name](suspect)

    assert error.value.facts() == {"sku": "MUG", "locationId": "A"}
    assert await suspect.dump() == before


async def test_a_promise_is_not_moved_to_where_the_books_are_wrong(suspect: Shop) -> None:
    made = await suspect.reserve({"MUG at B": 1}, confirm=True)

    with pytest.raises(KeyQuarantined):
        await suspect.reassign(made.reservation_id, (selection("1"), "A"))


async def test_other_keys_and_other_requests_of_a_batch_go_on(suspect: Shop) -> None:
    wishes = [suspect.wish({place: 1}) for place in ("MUG at A", "MUG at B", "CUP at A")]
    with suspect.calling("ReserveBulk"):
        reply = await suspect.reservations.ReserveBulk(
            ReserveBulkRequest(requests=wishes), NO_CONTEXT
        )

    assert [one.WhichOneof("verdict") for one in reply.verdicts] == ["refusal", "reply", "reply"]
    await suspect.receive({"MUG at B": 1})


async def test_nothing_of_it_can_be_promised_and_who_can_goes_elsewhere(suspect: Shop) -> None:
    assert await suspect.available("MUG at A") == 0
    assert await suspect.available("MUG at B") == 10
    assert (await suspect.balance("MUG at A")).available == 0

    await suspect.put_locations(*(location(name, groups=["NORTH"]) for name in "AB"))
    made = (await suspect.ask(suspect.wish([somewhere("1", "MUG", 2)]))).reservation

    assert {line.key.location_id for line in made.lines} == {"B"}
    with pytest.raises(KeyQuarantined):
        await suspect.ask(suspect.wish({"MUG at A": 1}, best_effort=True))


async def test_watchers_are_told_when_a_key_is_taken_off_sale_and_put_on_again(
    suspect: Shop,
) -> None:
    async def latest() -> int:
        rows = (await suspect.dump())["feed"]
        return len(rows)

    before = await latest()
    await mend(suspect, "MUG at A")
    await free(suspect, "MUG at A")

    assert await latest() == before + 1
    assert await suspect.available("MUG at A") == 7


async def test_a_key_is_freed_when_it_is_sound_and_it_is_said_by_whom_and_why(
    suspect: Shop,
) -> None:
    with pytest.raises(KeyUnsound) as error:
        await free(suspect, "MUG at A")
    assert error.value.facts() == {
        "sku": "MUG",
        "locationId": "A",
        "invariant": "BALANCE_IS_FOLD_OF_ENTRIES",
        "recorded": "8",
        "expected": "7",
    }
    await mend(suspect, "MUG at A")

    freed = await free(suspect, "MUG at A", on_behalf_of="bob")

    assert (freed.freed_by.caller, freed.freed_by.on_behalf_of) == ("ann", "bob")
    assert freed.note == "counted twice"
    assert await quarantined(suspect) == []
    assert await quarantined(suspect, include_freed=True) == [freed]
    await suspect.reserve({"MUG at A": 7})
    assert await suspect.is_sound()


async def test_a_sound_key_is_freed_while_its_last_entries_are_being_sealed(
    suspect: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await mend(suspect, "MUG at A")
    await suspect.stamp()
    add_seals = verification._add_seals

    async def seal_meanwhile(tx: Transaction, *where: Any) -> None:
        await add_seals(tx, *where)
        # SQLite has one writer, which is who frees.
        if tx.dialect == "postgresql":
            await asyncio.create_task(seal_all(suspect), context=Context())

    monkeypatch.setattr(verification, "_add_seals", seal_meanwhile)

    await free(suspect, "MUG at A")

    assert await quarantined(suspect) == []


async def test_only_what_is_in_quarantine_is_freed(suspect: Shop) -> None:
    with pytest.raises(KeyNotQuarantined) as error:
        await free(suspect, "MUG at B")

    assert error.value.facts() == {"sku": "MUG", "locationId": "B"}


async def test_a_key_may_be_wrong_again(suspect: Shop) -> None:
    await mend(suspect, "MUG at A")
    await free(suspect, "MUG at A")
    await spoil(suspect, "MUG at A", 2)

    await Office(suspect).auditor.look()

    assert len(await quarantined(suspect)) == 1
    assert len(await quarantined(suspect, include_freed=True)) == 2


async def test_what_was_refused_meanwhile_is_done_when_it_is_sent_again(suspect: Shop) -> None:
    wish = suspect.wish({"MUG at A": 1})
    with pytest.raises(KeyQuarantined):
        await suspect.ask(wish)
    await mend(suspect, "MUG at A")
    await free(suspect, "MUG at A")

    reply = await suspect.ask(wish)

    assert reply.reservation.lines[0].quantity == 1


async def test_a_hold_ends_when_the_key_is_free_and_others_end_before(suspect: Shop) -> None:
    other = await suspect.reserve({"MUG at B": 4}, hold_seconds=600)
    await suspect.let_pass(601)

    await suspect.sweep()

    assert (await suspect.balance("MUG at B")).reserved == 0
    assert (await suspect.balance("MUG at A")).reserved == 3
    assert {line.quantity for line in other.lines} == {4}
    await mend(suspect, "MUG at A")
    await free(suspect, "MUG at A")
    await suspect.sweep()
    assert (await suspect.balance("MUG at A")).reserved == 2


async def test_what_a_source_tells_of_the_key_waits_and_the_rest_is_applied(
    suspect: Shop,
) -> None:
    outside = Outside(suspect)
    await outside.put_source()

    reply = await outside.tell(delta(1, "MUG at A", 1), delta(2, "MUG at B", 1))

    assert names(reply.outcomes) == ["QUARANTINED", "APPLIED"]
    (row,) = await outside.quarantined()
    assert row.reason == QuarantineReason.QUARANTINE_REASON_KEY_QUARANTINED
    await mend(suspect, "MUG at A")
    await free(suspect, "MUG at A")
    await outside.retry(row.quarantine_id)
    assert (await suspect.balance("MUG at A")).on_hand == 9


async def test_keys_are_looked_at_in_turn_and_at_random(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditing, "KEYS", 2)
    skus = [f"SKU-{number}" for number in range(5)]
    await shop.stock({f"{sku} at A": 1 for sku in skus})
    seen: list[set[str]] = []
    verification = shop.wiring.verification
    read = verification.balances

    async def noting(tx: Transaction, after: int, size: int) -> Any:
        chunk = await read(tx, after, size)
        seen.append({facts.key.sku for facts in chunk.keys})
        return chunk

    monkeypatch.setattr(verification, "balances", noting)
    office = Office(shop)
    for _ in range(20):
        await office.auditor.look()

    at_random, in_turn = seen[0::2], seen[1::2]
    assert {sku for keys in in_turn[:3] for sku in keys} == set(skus)
    assert in_turn[3:6] == in_turn[:3]
    assert {sku for keys in at_random for sku in keys} == set(skus)
    assert at_random != sorted(at_random, key=sorted)


async def test_what_has_changed_since_it_was_looked_at_is_not_held_against_a_key(
    shop: Shop,
) -> None:
    await shop.stock({"MUG at A": 10})
    wiring = shop.wiring
    await spoil(shop, "MUG at A")
    await mend(shop, "MUG at A")

    (mug,) = [facts.key for facts in (await wiring.database.read(_all(shop))).keys]
    found = await wiring.database.run(
        lambda tx: seize_if_unsound(wiring.stores, wiring.verification, tx, mug)
    )

    assert list(found) == []
    assert await quarantined(shop) == []


def _all(shop: Shop) -> Any:
    return lambda tx: shop.wiring.verification.balances(tx, 0, 100)


async def test_who_waited_for_the_lock_is_refused_by_what_was_found_meanwhile(
    shop: Shop,
) -> None:
    await shop.stock({"MUG at A": 10})
    await spoil(shop, "MUG at A")
    wiring = shop.wiring
    (mug,) = [facts.key for facts in (await wiring.database.read(_all(shop))).keys]
    seized, go_on = asyncio.Event(), asyncio.Event()

    async def seize(tx: Transaction) -> None:
        await seize_if_unsound(wiring.stores, wiring.verification, tx, mug)
        seized.set()
        await go_on.wait()

    auditing_task = asyncio.ensure_future(wiring.database.run(seize))
    await seized.wait()
    buying = asyncio.ensure_future(shop.reserve({"MUG at A": 1}))
    await asyncio.sleep(0.05)
    go_on.set()
    await auditing_task

    with pytest.raises(KeyQuarantined):
        await buying


async def test_entries_without_a_balance_are_counted_and_nothing_can_be_seized(
    shop: Shop,
) -> None:
    await shop.stock({"MUG at A": 10, "CUP at A": 1})
    await damage(shop, delete(balance).where(at("MUG at A")))
    office = Office(shop)

    found = await office.auditor.look()

    assert {one.invariant for one in found} == {
        "BALANCE_IS_FOLD_OF_ENTRIES",
        "ENTRIES_HAVE_NO_GAPS",
    }
    assert office.violations()["ENTRIES_HAVE_NO_GAPS"] >= 1
    assert await quarantined(shop) == []


async def test_every_kind_of_violation_is_a_reason(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    is_first = entry.c.sequence == 1
    await damage(shop, update(entry).where(is_first).values(quantity=9))

    await Office(shop).auditor.look()

    (one,) = await quarantined(shop)
    assert [finding.invariant for finding in one.findings] == ["BALANCE_IS_FOLD_OF_ENTRIES"]


async def test_auditors_take_turns_and_go_on_after_a_failure(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditing, "REST_SHARE", 0.0)
    await shop.stock({"MUG at A": 10})
    first, second = Office(shop), Office(shop)
    looks: list[Auditor] = []
    look = Auditor.look

    async def noting(auditor: Auditor) -> Any:
        looks.append(auditor)
        if len(looks) == 1:
            raise ConnectionError("the database went away")
        return await look(auditor)

    monkeypatch.setattr(Auditor, "look", noting)
    running = [asyncio.create_task(one.auditor.run()) for one in (first, second)]
    await eventually(lambda: len(looks) > 3)
    leader = looks[0]
    assert set(looks) == {leader}
    await leader.stop()
    await eventually(lambda: looks[-1] is not leader)
    for office in (first, second):
        await office.auditor.stop()
    await asyncio.gather(*running)


async def test_keys_are_listed_page_by_page(shop: Shop) -> None:
    skus = [f"SKU-{number}" for number in range(5)]
    await shop.stock({f"{sku} at A": 1 for sku in skus})
    for sku in skus:
        await spoil(shop, f"{sku} at A")
    await Office(shop).auditor.look()

    listed: list[str] = []
    token = ""
    while True:
        request = ListQuarantinedKeysRequest(page_size=2, page_token=token)
        reply = await shop.ledger.ListQuarantinedKeys(request, NO_CONTEXT)
        listed += [one.key.sku for one in reply.keys]
        token = reply.next_page_token
        if not token:
            break

    assert sorted(listed) == skus


async def test_a_server_finds_what_is_wrong_by_itself(
    inventory_database: Database,
    served: Served,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(auditing, "REST_SHARE", 0.0)
    front = Shop(assemble(inventory_database, SystemClock(), RandomIds(), {}), clock)
    await front.put_locations("A")
    await front.stock({"MUG at A": 10})
    await spoil(front, "MUG at A")

    async def is_found() -> bool:
        reply = await served.mesh.ledger.ListQuarantinedKeys(ListQuarantinedKeysRequest())
        return len(reply.keys) == 1

    await eventually(is_found)
