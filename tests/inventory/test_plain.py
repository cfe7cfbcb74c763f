"""A plain reservation leaves the rows and the reply that any other would, on either way."""

import json
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.duration_pb2 import Duration
from sqlalchemy import Table, select

from ordermesh.api.inventory.v1 import (
    ReservationMode,
    ReserveBulkRequest,
    ReserveLine,
    ReserveRequest,
    ReserveResponse,
    ReserveVerdict,
)
from ordermesh.inventory.__main__ import assemble
from ordermesh.inventory.domain.key import Actor
from ordermesh.inventory.servicer import reserving
from ordermesh.inventory.store.sale import TOPIC
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.ledger import balance, entry, movement
from ordermesh.inventory.store.tables.locations import location
from ordermesh.inventory.store.tables.reservations import line, reservation
from ordermesh.inventory.wire.plain import plain_ask
from ordermesh.kernel.clock import Clock, SystemClock
from ordermesh.kernel.ids import RandomIds
from ordermesh.runtime.call import current_call
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.idempotency import Asked
from ordermesh.runtime.migrate import migrate
from ordermesh.runtime.packing import NewChange, unpack
from ordermesh.runtime.tables import feed, reply
from tests.conftest import Fill
from tests.fakes import FakeClock
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.conftest import MIGRATIONS, NOWHERE
from tests.inventory.messages import control, key
from tests.inventory.shop import Shop
from tests.inventory.test_seals import seal_all

PLAIN_MODES = (
    ReservationMode.RESERVATION_MODE_UNSPECIFIED,
    ReservationMode.RESERVATION_MODE_RESERVE,
)
PLACES = [f"{sku} at {place}" for sku in ("MUG", "CUP", "JUG") for place in ("A", "B")]


@pytest.fixture
async def twins(
    filled_url: Callable[[str, Fill], str], clock: FakeClock
) -> AsyncIterator[tuple[Shop, Shop]]:
    """Two shops that have the same."""
    async with AsyncExitStack() as stack:
        urls = [filled_url(name, _migrated) for name in ("twin", "other-twin")]
        shops = [await _opened(url, clock, stack) for url in urls]
        yield shops[0], shops[1]


def _migrated(url: str) -> Coroutine[Any, Any, None]:
    return migrate(url, script_location=MIGRATIONS)


async def _opened(url: str, clock: FakeClock, stack: AsyncExitStack) -> Shop:
    of_url: Clock = clock if url.startswith("sqlite") else SystemClock()
    database = await Database.open(url, clock=of_url)
    stack.push_async_callback(database.close)
    shop = Shop(assemble(database, of_url, RandomIds(), NOWHERE), clock)
    await shop.put_locations("A", "B")
    await shop.stock(dict.fromkeys(PLACES, 30))
    await shop.put_controls(
        control("floor", "buffer_units", 4, sku="CUP", channel="web"),
        control("not here", "exclude", 1, sku="JUG", channel="market"),
    )
    # From here on PostgreSQL decides on what is remembered; it is remembered by having been asked.
    await shop.reserve(dict.fromkeys(PLACES, 1), reservation_id=str(UUID(int=1, version=4)))
    return shop


def some_request(draw: random.Random) -> ReserveRequest:
    """Anything that is plain, and sometimes more than there is."""
    lines = [
        ReserveLine(
            line_id=str(draw.randint(1, 3)),
            key=key(draw.choice(PLACES)),
            quantity=draw.choice([1, 1, 1, 2, 3, 9]),
            mode=draw.choice(PLAIN_MODES),
        )
        for _ in range(draw.choice([1, 1, 2, 3]))
    ]
    request = ReserveRequest(
        request_id=str(UUID(int=draw.getrandbits(128), version=4)),
        reservation_id=str(UUID(int=draw.getrandbits(128), version=4)),
        order_id=draw.choice(["", f"O-{draw.randint(1, 99)}"]),
        on_behalf_of=draw.choice(["", "Ada"]),
        lines=lines,
        confirm=draw.random() < 0.3,
        fence=draw.choice([0, 3]),
        channel=draw.choice(["", "web", "market"]),
        customer=draw.choice(["", "C-1"]),
    )
    if draw.random() < 0.5:
        request.hold_duration.CopyFrom(Duration(seconds=draw.randint(60, 900)))
    return request


async def told(shop: Shop, requests: Sequence[ReserveRequest]) -> Sequence[ReserveVerdict]:
    with shop.calling("ReserveBulk", "storefront"):
        answered = await shop.reservations.ReserveBulk(
            ReserveBulkRequest(requests=requests), NO_CONTEXT
        )
    return answered.verdicts


def timeless(message: ReserveResponse) -> tuple[str, list[float | None]]:
    """A reply without its instants, and how long its lines hold."""
    found = ReserveResponse()
    found.CopyFrom(message)
    made = found.reservation
    start = made.create_time.ToDatetime()
    holds = [
        (one.expire_time.ToDatetime() - start).total_seconds()
        if one.HasField("expire_time")
        else None
        for one in made.lines
    ]
    made.ClearField("create_time")
    for one in made.lines:
        one.ClearField("expire_time")
    return str(found), holds


def as_told(verdict: ReserveVerdict) -> Any:
    if verdict.HasField("reply"):
        return timeless(verdict.reply)
    # What is missing is looked at when those beside it have been served.
    return verdict.refusal.code


async def rows_of(shop: Shop, table: Table) -> list[dict[str, Any]]:
    async def read(tx: Transaction) -> list[dict[str, Any]]:
        names = {
            row.item_id: row.sku for row in await tx.execute(select(item.c.item_id, item.c.sku))
        }
        places = {
            row.location_id: row.code
            for row in await tx.execute(select(location.c.location_id, location.c.code))
        }
        found = [dict(row._mapping) for row in await tx.execute(select(table))]
        for row in found:
            if "item_id" in row:
                row["item_id"] = names[row["item_id"]]
                row["location_id"] = places[row["location_id"]]
        return found

    return await shop.wiring.database.read(read)


def _told(rows: Iterable[Mapping[str, Any]]) -> list[NewChange]:
    return [change for row in rows for change in unpack(row["payload"])]


async def books(shop: Shop) -> dict[str, list[str]]:
    """Everything that is written about reservations, without what is new each time."""
    movements = {
        row["movement_id"]: (row["reservation_id"], row["kind"], row["order_id"])
        for row in await rows_of(shop, movement)
    }
    headers = {row["reservation_id"]: row for row in await rows_of(shop, reservation)}
    dump: dict[str, list[str]] = {}
    for table in (movement, entry, reservation, line, balance, reply, feed):
        rows = [row for row in await rows_of(shop, table) if row.get("topic", TOPIC) == TOPIC]
        for row in rows:
            if isinstance(row.get("expire_time"), datetime):
                start = headers[row["reservation_id"]]["create_time"]
                row["expire_time"] = row["expire_time"] - start
            if "movement_id" in row:
                row["movement_id"] = movements[row["movement_id"]]
            if row.get("reply"):
                is_ours = row["method"] == reserving.RESERVE
                row["reply"] = timeless(ReserveResponse.FromString(row["reply"])) if is_ours else 0
            if row.get("refusal"):
                row["refusal"] = json.loads(row["refusal"])["reason"]
            if "request_digest" in row:
                row["request_digest"] = row["request_digest"] is None
            for name in ("create_time", "change_id", "request_id"):
                row.pop(name, None)
        if table is reply:
            rows = [row for row in rows if row["method"] == reserving.RESERVE]
        if table is feed:
            # What is decided in two transactions is told twice.
            changes = sorted(_told(rows), key=attrgetter("sequence"))
            rows = list({one.key: one._asdict() | {"memo": b""} for one in changes}.values())
        dump[table.name] = sorted(str(row) for row in rows)
    return dump


@pytest.mark.parametrize("seed", range(3))
async def test_rows_and_replies_are_those_of_the_long_way(
    twins: tuple[Shop, Shop], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    short, long = twins
    draw = random.Random(seed)
    plain: list[bool] = []
    as_it_is = reserving._plain_wish

    for size in (1, 20, 20, 1, 10):
        requests = [some_request(draw) for _ in range(size)]
        plain += [as_it_is(asked) is not None for asked in _asked(short, requests)]
        monkeypatch.setattr(reserving, "_plain_wish", as_it_is)
        first = [as_told(one) for one in await told(short, requests)]
        monkeypatch.setattr(reserving, "_plain_wish", lambda _asked: None)
        second = [as_told(one) for one in await told(long, requests)]
        assert first == second

    assert all(plain)
    assert await books(short) == await books(long)
    for shop in twins:
        # The seals were made of what the short way said that it writes.
        await seal_all(shop)
        told_last = (await shop.verify())[-1]
        assert told_last.balanced
        assert told_last.sealed_revision
    assert (await short.verify())[-1].balanced


def _asked(shop: Shop, requests: Sequence[ReserveRequest]) -> list[Any]:
    with shop.calling("Reserve", "storefront"):
        return [Asked(current_call(), one) for one in requests]


@pytest.mark.parametrize(
    "more",
    [
        {"best_effort": True},
        {"replaces_reservation_ids": [str(UUID(int=7))]},
        {"wait": {}},
        {"lines": [{"line_id": "1", "key": key("MUG at A"), "quantity": 1, "lot_id": "L"}]},
        {"lines": [{"line_id": "1", "key": key("MUG at A"), "quantity": 1, "wait": {}}]},
        {"lines": [{"line_id": "1", "key": key("MUG at A"), "quantity": 1, "mode": 2}]},
        {
            "lines": [
                {"line_id": "1", "key": key("MUG at A"), "quantity": 1, "serial_numbers": ["S"]}
            ]
        },
        {"lines": [{"line_id": "1", "grouped": {"sku": "MUG", "location_group": "w"}}]},
    ],
    ids=["effort", "replaces", "waits", "lot", "line waits", "tracked", "serials", "group"],
)
def test_what_asks_for_more_is_not_plain(more: dict[str, Any]) -> None:
    usual = some_request(random.Random(1))
    assert plain_ask(Actor("shop"), usual) is not None
    asked = ReserveRequest(**more)
    if "lines" not in more:
        asked.lines.extend(usual.lines)
    asked.request_id, asked.reservation_id = usual.request_id, usual.reservation_id

    assert plain_ask(Actor("shop"), asked) is None
