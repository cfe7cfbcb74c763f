"""Reservations: made, extended, confirmed, moved, shipped, not found, and given back."""

from collections import Counter, deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from ordermesh.api.inventory.v1 import (
    ConfirmRequest,
    ExtendRequest,
    GroupedStock,
    LineReassignment,
    LineSelection,
    ReassignBulkRequest,
    ReassignRequest,
    ReleaseRequest,
    Reservation,
    ReservationLine,
    ReservationMode,
    ReservationReassignment,
    ReservationShipment,
    ReserveBulkRequest,
    ReserveLine,
    ReserveRequest,
    ReserveResponse,
    ShipBulkRequest,
    ShipRequest,
    ShortOutcome,
    ShortRequest,
    SupplyWait,
)
from ordermesh.inventory.servicer.reservations import ReservationServicer
from tests.inventory.many.record import Record, Request
from tests.inventory.many.world import GROUPS, KITS, PLACES, SKUS, STORES, World
from tests.inventory.messages import key

HELD, CONFIRMED = ReservationLine.STATE_HELD, ReservationLine.STATE_CONFIRMED
OPEN = (HELD, CONFIRMED)
WANTED = {"Confirm": (HELD,), "Extend": (HELD,), "Ship": (CONFIRMED,), "Short": (CONFIRMED,)}
"""What a line should be for a method to make sense."""

KNOWN = 120
"""So many open reservations are remembered; older ones are released, so that none is forgotten."""

LEAVING = 20
"""While more than these wait to be released, no others are made."""


class Promising:
    """Asks for reservations, and for what becomes of them."""

    shares: Mapping[str, int] = {
        "Reserve": 18, "ReserveBulk": 3, "Confirm": 8, "Extend": 4, "Release": 9, "Ship": 10,
        "ShipBulk": 3, "Short": 3, "Reassign": 5, "ReassignBulk": 3,
    }  # fmt: skip

    def __init__(self, world: World, record: Record) -> None:
        self.servicer = ReservationServicer(world.shop.wiring)
        self.world = world
        self.record = record
        self.known: dict[str, Reservation] = {}
        self.closed: deque[str] = deque(["00000000-0000-4000-8000-000000000000"], maxlen=50)
        self.leaving: deque[str] = deque()
        self.number = 0

    async def ask(self, method: str) -> Request | None:
        if method in ("Reserve", "ReserveBulk") and len(self.leaving) > LEAVING:
            return None
        if method == "Reserve":
            return self.wish()
        if method == "ReserveBulk":
            count = self.world.random.randint(2, 6)
            return ReserveBulkRequest(requests=[self.wish() for _ in range(count)])
        if method == "ReassignBulk":
            chosen = {
                self.world.one(list(self.known) or list(self.closed))
                for _ in range(self.world.random.randint(1, 3))
            }
            rows = [
                ReservationReassignment(reservation_id=one, lines=[self.move(self.known.get(one))])
                for one in sorted(chosen)
            ]
            return ReassignBulkRequest(request_id=self.world.id(), reassignments=rows)
        if method == "ShipBulk":
            return self.shipped_together()
        if method == "Release" and self.leaving:
            return ReleaseRequest(request_id=self.world.id(), reservation_id=self.leaving.popleft())
        return self.verb(method)

    def shipped_together(self) -> ShipBulkRequest:
        """Parts of reservations that leave by one call."""
        chosen = [self.pick((CONFIRMED,)) for _ in range(self.world.random.randint(1, 3))]
        known = {one.reservation_id: one for one in chosen if one is not None}
        outcome = ShortOutcome.ValueType(self.world.random.randint(1, 3))
        return ShipBulkRequest(
            request_id=self.world.id(),
            shipments=[
                ReservationShipment(
                    reservation_id=reservation_id,
                    lines=[self.selection(known.get(reservation_id), (CONFIRMED,))],
                    over_ship=self.world.happens(0.2),
                    rest_outcome=outcome if self.world.happens(0.15) else ShortOutcome.ValueType(0),
                )
                for reservation_id in sorted(known) or [self.world.one(self.closed)]
            ],
        )

    def verb(self, method: str) -> Request:
        """About one reservation."""
        known = self.pick(WANTED.get(method, OPEN))
        reservation_id = known.reservation_id if known else self.world.one(self.closed)
        names: dict[str, Any] = {"request_id": self.world.id(), "reservation_id": reservation_id}
        if method == "Confirm":
            return ConfirmRequest(**names, reserve_again=self.world.happens(0.5))
        if method == "Extend":
            return ExtendRequest(**names, hold_duration=Duration(seconds=self.hold_seconds()))
        if method == "Reassign":
            return ReassignRequest(**names, lines=[self.move(known)])
        selection = self.selection(known, WANTED.get(method, OPEN))
        outcome = ShortOutcome.ValueType(self.world.random.randint(1, 3))
        if method == "Release":
            return ReleaseRequest(**names, lines=[] if self.world.happens(0.5) else [selection])
        if method == "Short":
            return ShortRequest(**names, lines=[selection], outcome=outcome)
        return ShipRequest(
            **names,
            lines=[selection],
            over_ship=self.world.happens(0.2),
            rest_outcome=outcome if self.world.happens(0.15) else ShortOutcome.ValueType(0),
        )

    def pick(self, states: tuple[ReservationLine.State.ValueType, ...]) -> Reservation | None:
        """One with a line in one of the states, where a few looks find one; now and then none."""
        if not self.known or self.world.happens(0.04):
            return None
        ids = list(self.known)
        for _ in range(8):
            one = self.known[self.world.one(ids)]
            if any(line.state in states for line in one.lines):
                return one
        return one

    def selection(
        self,
        known: Reservation | None,
        states: tuple[ReservationLine.State.ValueType, ...],
    ) -> LineSelection:
        """A line, or a part of one."""
        lines = [line for line in known.lines if line.state in states] if known else []
        if not lines or self.world.happens(0.05):
            return LineSelection(line_id=self.world.one("123"))
        line = self.world.one(lines)
        return LineSelection(
            line_id=line.line_id,
            location_id=line.key.location_id if self.world.happens(0.4) else "",
            sku=line.key.sku if self.world.happens(0.2) else "",
            quantity=self.world.one((0, 0, 1)),
        )

    def move(self, known: Reservation | None) -> LineReassignment:
        """A line that goes elsewhere."""
        line = self.selection(known, OPEN)
        others = [place for place in STORES if place != line.location_id]
        return LineReassignment(line=line, to_location_id=self.world.one(others))

    def hold_seconds(self) -> int:
        """Some holds end while others look, most do not."""
        return self.world.one((1, 3, 600, 600, 600))

    def wish(self) -> ReserveRequest:
        """What somebody wants."""
        self.number += 1
        best_effort = self.world.happens(0.2)
        on_supply = self.world.happens(0.25)
        lines = [
            self.line(line_id, best_effort=best_effort, on_supply=on_supply)
            for line_id in "123"[: self.world.random.randint(1, 2 if on_supply else 3)]
        ]
        replaces = self.world.happens(0.06) and self.known
        return ReserveRequest(
            request_id=self.world.id(),
            reservation_id=self.world.id(),
            lines=lines,
            order_id=self.buyer("O"),
            customer=self.buyer("C"),
            channel=self.world.one(("", "web", "web", "market")),
            confirm=self.world.happens(0.4),
            best_effort=best_effort,
            replaces_reservation_ids=[self.world.one(list(self.known))] if replaces else [],
            hold_duration=Duration(seconds=self.hold_seconds()),
        )

    def buyer(self, kind: str) -> str:
        """An order or a customer; several reservations are for the same, but not for ever."""
        number = self.number // 20 + self.world.random.randint(0, 4)
        return f"{kind}-{number}" if self.world.happens(0.7) else ""

    def line(self, line_id: str, *, best_effort: bool, on_supply: bool) -> ReserveLine:
        modes = (0, 0, 0, 0, 0, 0, 1, 2, 3)
        line = ReserveLine(
            line_id=line_id,
            quantity=self.world.random.randint(1, 3),
            mode=ReservationMode.ValueType(self.world.one(modes)),
        )
        sku = self.world.one([*SKUS, *KITS])
        if self.world.happens(0.2):
            group = self.world.one(sorted(set(GROUPS.values())))
            line.grouped.CopyFrom(GroupedStock(sku=sku, location_group=group))
        else:
            place = f"{sku} at {self.world.one(PLACES)}"
            if on_supply and self.world.expected:
                place = self.world.one(list(self.world.expected.values()))
            line.key.CopyFrom(key(place))
        may_wait = not best_effort and not line.HasField("grouped")
        if may_wait and self.world.happens(0.9 if on_supply else 0.1):
            line.wait.CopyFrom(self.wait())
        return line

    def wait(self) -> SupplyWait:
        if self.world.happens(0.5):
            return SupplyWait()
        written = Timestamp()
        days = self.world.random.randint(1, 6)
        written.FromDatetime(datetime.now(UTC) + timedelta(days=days))
        return SupplyWait(needed_by_time=written)

    def hear(self, method: str, request: Any, answer: Any) -> None:
        if method == "Reserve":
            self.note_made(request, answer)
        elif method == "ReserveBulk":
            for one, verdict in zip(request.requests, answer.verdicts, strict=True):
                if verdict.HasField("reply"):
                    self.note_made(one, verdict.reply)
        elif method == "ReassignBulk":
            for reservation in answer.reservations:
                self.note(reservation)
        elif method == "ShipBulk":
            # What is left of them is not told: it is released.
            for one in answer.shipped_reservations:
                self.forget(one.reservation_id)
                self.leaving.append(one.reservation_id)
        elif answer.HasField("reservation"):
            self.note(answer.reservation)

    def note_made(self, request: ReserveRequest, answer: ReserveResponse) -> None:
        """All that was asked for is held; of a best effort what the verdicts say."""
        units: Counter[str] = Counter()
        for held in answer.reservation.lines:
            units[held.line_id] += held.quantity
        granted = {one.line_id: one.granted for one in answer.line_verdicts}
        for wanted in request.lines:
            count = granted[wanted.line_id] if request.best_effort else wanted.quantity
            sku = wanted.grouped.sku or wanted.key.sku
            if wanted.mode == ReservationMode.RESERVATION_MODE_NONE:
                count = 0
            per_unit = sum(KITS[sku].values()) if sku in KITS else 1
            assert units.pop(wanted.line_id, 0) == count * per_unit, (request, answer)
        assert not units, "more is held than was asked for"
        for verdict in answer.line_verdicts:
            assert verdict.granted + verdict.missing == verdict.wanted, answer
        made = UUID(answer.reservation.reservation_id)
        self.record.made[made] = sum(line.quantity for line in answer.reservation.lines)
        for replaced in request.replaces_reservation_ids:
            self.forget(replaced)
        self.note(answer.reservation)

    def note(self, reservation: Reservation) -> None:
        """Remember a reservation while it is open."""
        self.forget(reservation.reservation_id)
        if any(line.state in OPEN for line in reservation.lines):
            self.known[reservation.reservation_id] = reservation
            if len(self.known) > KNOWN:
                self.leaving.append(oldest := next(iter(self.known)))
                del self.known[oldest]

    def forget(self, reservation_id: str) -> None:
        if self.known.pop(reservation_id, None) is not None:
            self.closed.append(reservation_id)
