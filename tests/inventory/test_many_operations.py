"""Very many calls, many at once and some of them twice: afterwards every invariant still holds.

``make model OPERATIONS=200000`` says how many, and prints how fast they went.
"""

import asyncio
import os
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from sqlalchemy import select

from ordermesh.api.inventory.v1 import (
    AdjustmentReason,
    AdjustStockRequest,
    ConfirmRequest,
    ExtendRequest,
    LineReassignment,
    LineSelection,
    ReassignBulkRequest,
    ReassignRequest,
    ReceiveStockRequest,
    ReleaseRequest,
    ReservationMode,
    ReservationReassignment,
    ReserveBulkRequest,
    ReserveBulkResponse,
    ReserveLine,
    ReserveRequest,
    ReserveResponse,
    ShipRequest,
    ShortOutcome,
    ShortRequest,
    StockAdjustment,
    StockLine,
    StockTransfer,
    TransferStockRequest,
)
from ordermesh.inventory.__main__ import assemble
from ordermesh.inventory.domain.ledger import Account
from ordermesh.inventory.store.tables.ledger import balance, entry
from ordermesh.inventory.store.tables.reservations import line, reservation
from ordermesh.kernel.clock import SystemClock
from ordermesh.kernel.errors import Conflict, DomainError, Overloaded
from ordermesh.kernel.ids import RandomIds
from ordermesh.runtime.database import Database, Transaction
from tests.fakes import FakeClock
from tests.inventory.conftest import NOWHERE
from tests.inventory.shop import NO_CONTEXT, Shop, item, key

OPERATIONS = int(os.environ.get("ORDERMESH_MODEL_OPERATIONS", "1500"))
"""How many requests are made."""

AT_ONCE = 24
"""How many callers there are."""

ATTEMPTS = 100
"""How often a caller tries while others are in its way."""

CHECKS = 5
"""How often all is recomputed from the tables."""

SKUS, PLACES = [f"SKU-{number}" for number in range(12)], "ABCD"
KITS = {"SET": {"SKU-0": 1, "SKU-1": 2}, "PAIR": {"SKU-1": 2}}

Send = Callable[[Message], Awaitable[Message]]


class Callers:
    """Makes requests at random, sends them, and remembers what was answered."""

    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop = shop
        self.random = Random(seed)
        self.promises: deque[str] = deque(maxlen=400)
        self.answered: deque[tuple[str, Message, object]] = deque(maxlen=300)
        self.made: dict[str, int] = {}
        self.counts: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()

    def id(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def place(self) -> str:
        return f"{self.random.choice(SKUS)} at {self.random.choice(PLACES)}"

    def promise(self) -> str:
        known = self.random.random() < 0.98  # the others are unknown
        return self.random.choice(self.promises) if known and self.promises else self.id()

    def selection(self) -> LineSelection:
        return LineSelection(
            line_id=self.random.choice("1112"),
            location_id=self.random.choice([*[""] * 8, *PLACES]),
            quantity=self.random.choice((0, 0, 1, 2)),
        )

    def wish(self) -> ReserveRequest:
        modes = (0, 0, 0, 0, 0, 1, 2, 3)
        asked = [*SKUS, *KITS]
        lines = [
            ReserveLine(
                line_id=line_id,
                key=key(f"{self.random.choice(asked)} at {self.random.choice(PLACES)}"),
                quantity=self.random.randint(1, 3),
                mode=ReservationMode.ValueType(self.random.choice(modes)),
            )
            for line_id in "123"[: self.random.randint(1, 3)]
        ]
        replaces = self.random.random() < 0.1 and self.promises
        return ReserveRequest(
            request_id=self.id(),
            reservation_id=self.id(),
            lines=lines,
            order_id=self.random.choice(("", "X", "Y")),
            confirm=self.random.random() < 0.4,
            best_effort=self.random.random() < 0.3,
            replaces_reservation_ids=[self.promise()] if replaces else [],
            hold_duration=Duration(seconds=self.random.choice((1, 2, 600))),
        )

    def request(self) -> tuple[str, Message]:
        """The next request, and the method that it is for."""
        chosen = self.random.choices(
            ("ReserveBulk", "Reserve", "Confirm", "Extend", "Release", "Ship", "Short", "Reassign",
             "ReassignBulk", "ReceiveStock", "AdjustStock", "TransferStock"),
            (6, 22, 13, 5, 12, 14, 4, 7, 4, 8, 3, 2),
        )[0]  # fmt: skip
        if chosen in ("ReceiveStock", "AdjustStock", "TransferStock"):
            return chosen, self.stock_request(chosen)
        return chosen, self.reservation_request(chosen)

    def stock_request(self, chosen: str) -> Message:
        where, request_id = key(self.place()), self.id()
        if chosen == "ReceiveStock":
            lines = [StockLine(key=where, quantity=self.random.randint(1, 40))]
            return ReceiveStockRequest(request_id=request_id, lines=lines)
        if chosen == "AdjustStock":
            adjustment = StockAdjustment(key=where, delta=self.random.choice((-3, -1, 2)))
            return AdjustStockRequest(
                request_id=request_id,
                adjustments=[adjustment],
                reason=AdjustmentReason.ADJUSTMENT_REASON_COUNTED,
            )
        transfer = StockTransfer(
            from_key=where,
            to_location_id=self.random.choice(PLACES),
            quantity=self.random.randint(1, 4),
        )
        return TransferStockRequest(request_id=request_id, transfers=[transfer])

    def reservation_request(self, chosen: str) -> Message:
        if chosen == "Reserve":
            return self.wish()
        if chosen == "ReserveBulk":
            count = self.random.randint(2, 12)
            return ReserveBulkRequest(requests=[self.wish() for _ in range(count)])
        if chosen == "ReassignBulk":
            ids = dict.fromkeys(self.promise() for _ in range(self.random.randint(2, 4)))
            moved = [
                ReservationReassignment(reservation_id=one, lines=[self.move()]) for one in ids
            ]
            return ReassignBulkRequest(request_id=self.id(), reassignments=moved)
        names: dict[str, Any] = {"request_id": self.id(), "reservation_id": self.promise()}
        if chosen == "Confirm":
            return ConfirmRequest(**names, reserve_again=self.random.random() < 0.5)
        if chosen == "Extend":
            return ExtendRequest(**names, hold_duration=Duration(seconds=2))
        if chosen == "Release":
            lines = [] if self.random.random() < 0.5 else [self.selection()]
            return ReleaseRequest(**names, lines=lines)
        if chosen == "Reassign":
            return ReassignRequest(**names, lines=[self.move()])
        outcome = ShortOutcome.ValueType(self.random.randint(1, 3))
        if chosen == "Short":
            return ShortRequest(**names, lines=[self.selection()], outcome=outcome)
        return ShipRequest(
            **names,
            lines=[self.selection()],
            over_ship=self.random.random() < 0.3,
            rest_outcome=outcome if self.random.random() < 0.2 else ShortOutcome.ValueType(0),
        )

    def move(self) -> LineReassignment:
        return LineReassignment(line=self.selection(), to_location_id=self.random.choice(PLACES))

    async def send(self, method: str, request: Message) -> object:
        """The answer: a reply, or the reason of a refusal."""
        owner = self.shop.ledger if method.endswith("Stock") else self.shop.reservations
        for attempt in range(ATTEMPTS):
            try:
                with self.shop.calling(method):
                    return await getattr(owner, method)(request, NO_CONTEXT)
            except (Conflict, Overloaded):
                # Others are in the way, for a moment.
                self.counts["again"] += 1
                await asyncio.sleep(0.001 * self.random.randint(1, 2 + attempt))
            except DomainError as refusal:
                return refusal.reason
        raise AssertionError(f"{method} was in the way of others {ATTEMPTS} times: {request}")

    async def call(self) -> int:
        """Send something new, or something once more; gives how many requests that were."""
        if self.answered and self.random.random() < 0.06:
            method, request, expected = self.random.choice(self.answered)
            answer = await self.send(method, request)
            assert answer == expected, f"{method} was answered differently when it was sent again"
            self.counts["replay"] += 1
            return 1
        method, request = self.request()
        answer = await self.send(method, request)
        self.note(method, request, answer)
        return len(request.requests) if isinstance(request, ReserveBulkRequest) else 1

    def note(self, method: str, request: Message, answer: object) -> None:
        self.counts[method] += 1
        if isinstance(answer, str):
            self.refusals[answer] += 1
        # Only what is recorded is answered alike: a call that makes no sense is looked at anew.
        if not isinstance(answer, str) or answer in RECORDED:
            self.answered.append((method, request, answer))
        replies = []
        if isinstance(answer, ReserveResponse):
            replies = [answer]
        elif isinstance(answer, ReserveBulkResponse):
            replies = [one.reply for one in answer.verdicts if one.HasField("reply")]
        for reply in replies:
            units = sum(one.quantity for one in reply.reservation.lines)
            self.made[reply.reservation.reservation_id] = units
            self.promises.append(reply.reservation.reservation_id)


RECORDED = {
    "INSUFFICIENT_STOCK",
    "NOT_STOCKED_HERE",
    "ON_HAND_BELOW_RESERVED",
    "RESERVATION_CLOSED",
    "RESERVATION_EXPIRED",
    "RESERVATION_NOT_CONFIRMED",
    "RESERVATION_RELEASED",
    "HOLD_LIMIT",
}
"""Refusals by a rule, which stay the answer to their request."""


async def recompute(database: Database, made: dict[str, int]) -> None:
    """Every balance from its entries and its lines, and every acknowledged reservation."""

    async def check(tx: Transaction) -> None:
        folds: dict[tuple[int, int], Counter[int]] = {}
        numbers: dict[tuple[int, int], list[int]] = {}
        for row in await tx.execute(select(entry)):
            pair = (row.item_id, row.location_id)
            fold = folds.setdefault(pair, Counter())
            fold[row.to_account] += row.quantity
            fold[row.from_account] -= row.quantity
            numbers.setdefault(pair, []).append(row.sequence)
        held: Counter[tuple[int, int]] = Counter()
        granted: Counter[UUID] = Counter()
        for row in await tx.execute(select(line)):
            granted[row.reservation_id] += row.quantity
            if row.state in (1, 2) and row.mode == int(ReservationMode.RESERVATION_MODE_RESERVE):
                held[row.item_id, row.location_id] += row.quantity
        for row in await tx.execute(select(balance)):
            pair = (row.item_id, row.location_id)
            fold = folds.pop(pair, Counter())
            assert row.on_hand - row.reserved + row.short == fold[Account.FREE] >= 0, pair
            assert row.reserved == fold[Account.RESERVED] == held.pop(pair, 0), pair
            assert row.short == -fold[Account.SHORT] == 0, pair
            assert row.missing == fold[Account.MISSING], pair
            assert sorted(numbers.get(pair, [])) == list(range(1, row.sequence + 1)), pair
        assert not folds
        assert not any(held.values())
        for row in await tx.execute(select(reservation)):
            assert row.granted == granted[row.reservation_id], row.reservation_id
            # What was reserved again is granted again; what was acknowledged is never less.
            assert row.granted >= made.get(str(row.reservation_id), 0), row.reservation_id
            made.pop(str(row.reservation_id), None)
        assert not made, "acknowledged reservations are lost"

    await database.read(check)


@pytest.mark.timeout(7200)
async def test_very_many_calls_at_once_keep_every_invariant(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = SystemClock()
    database = await Database.open(database_url, clock=clock)
    shop = Shop(assemble(database, clock, RandomIds(), NOWHERE), FakeClock())
    await shop.put_locations(*PLACES)
    await shop.put_items(*SKUS)
    await shop.put_items(*(item(kit, parts) for kit, parts in KITS.items()))
    await shop.receive({f"{sku} at {place}": 30 for sku in SKUS for place in PLACES[:3]})
    callers = Callers(shop, seed=20261125)
    done, spent = 0, 0.0
    for check in range(1, CHECKS + 1):
        goal = OPERATIONS * check // CHECKS
        started = time.monotonic()

        async def work(goal: int = goal) -> None:
            nonlocal done
            while done < goal:
                count = await callers.call()
                done += count

        async def sweep(goal: int = goal) -> None:
            while done < goal:
                await asyncio.sleep(0.5)
                await shop.sweep()

        await asyncio.gather(sweep(), *(work() for _ in range(AT_ONCE)))
        spent += time.monotonic() - started
        await recompute(database, dict(callers.made))
    assert await shop.is_sound()
    await database.close()
    told = ", ".join(f"{name} {count}" for name, count in callers.counts.most_common())
    refused = ", ".join(f"{name} {count}" for name, count in callers.refusals.most_common())
    with capsys.disabled():
        print(  # noqa: T201 - the rate is what the command is for
            f"\n{done} operations on {database.dialect} in {spent:.0f} s:"
            f" {done / spent:.0f} a second, {AT_ONCE} at once, recomputed {CHECKS} times"
            f"\n  {told}\n  refused: {refused}"
        )
    assert callers.counts["replay"] > 0
    assert callers.counts["Ship"] > callers.refusals["RESERVATION_NOT_CONFIRMED"]
