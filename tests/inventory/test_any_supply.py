"""Any sequence of calls about supplies keeps every promise it can, and tells of each it cannot."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from ordermesh.api.inventory.v1 import BrokenPromise, ReservationLine, SupplyReceipt
from ordermesh.inventory.__main__ import assemble
from ordermesh.kernel.errors import DomainError
from ordermesh.kernel.ids import RandomIds
from ordermesh.runtime.database import Database
from tests.dialects import on_postgresql, on_sqlite
from tests.fakes import FakeClock
from tests.inventory.conftest import MIGRATIONS, NOWHERE
from tests.inventory.expecting import Expecting
from tests.inventory.reference import Refused
from tests.inventory.shop import Shop

SUPPLIES = ("S1", "S2", "S3")
PLACE = "MUG at A"

supplies = st.sampled_from(SUPPLIES)
days, units = st.integers(1, 5), st.integers(1, 6)
deadlines = st.one_of(st.none(), days)


@dataclass
class Coming:
    """What is expected: so many in all, by which day, and what has come of it."""

    quantity: int
    day: int
    received: int = 0
    is_closed: bool = False
    is_cancelled: bool = False

    @property
    def to_come(self) -> int:
        return 0 if self.is_closed else max(0, self.quantity - self.received)


@dataclass
class Promised:
    """A reservation: units on hand, units of supplies, and units that nothing will come for."""

    deadline: int | None
    on_hand: int = 0
    waiting: Counter[str] = field(default_factory=Counter)
    broken: int = 0


@dataclass
class Model:
    """Supplies of one item at one place, as simply as it can be said."""

    on_hand: int = 0
    coming: dict[str, Coming] = field(default_factory=dict)
    promises: dict[str, Promised] = field(default_factory=dict)  # the oldest first

    def promised(self, supply: str) -> int:
        return sum(one.waiting[supply] for one in self.promises.values())

    def put(self, supply: str, quantity: int, day: int) -> Counter[str]:
        known = self.coming.get(supply)
        if known is None:
            self.coming[supply] = Coming(quantity, day)
        elif not known.is_closed:
            known.quantity, known.day = quantity, day
            known.is_closed = known.received > 0 and known.to_come == 0
            return self.lapse(supply)
        return Counter()

    def cancel(self, supply: str) -> Counter[str]:
        known = self.find(supply)
        if known.is_closed and not known.is_cancelled:
            raise Refused("SUPPLY_STATE_REFUSED")
        known.is_closed = known.is_cancelled = True
        return self.lapse(supply)

    def receive(self, supply: str, count: int, *, complete: bool) -> Counter[str]:
        known = self.find(supply)
        if known.is_closed:
            raise Refused("SUPPLY_STATE_REFUSED")
        if count > known.to_come:
            raise Refused("MORE_THAN_EXPECTED")
        known.received += count
        self.on_hand += count
        rest = count
        for one in self.promises.values():
            kept = min(rest, one.waiting[supply])
            one.waiting[supply] -= kept
            one.on_hand += kept
            rest -= kept
        known.is_closed = complete or known.to_come == 0
        return self.lapse(supply)

    def lapse(self, supply: str) -> Counter[str]:
        known, broken = self.coming[supply], Counter[str]()
        for name, one in self.promises.items():
            if one.deadline is not None and one.deadline < known.day:
                broken[name] += one.waiting[supply]
                one.waiting[supply] = 0
        excess = self.promised(supply) - known.to_come
        for name, one in reversed(self.promises.items()):
            lost = min(max(0, excess), one.waiting[supply])
            one.waiting[supply] -= lost
            broken[name] += lost
            excess -= lost
        for name, count in broken.items():
            self.promises[name].broken += count
        return +broken

    def reserve(self, name: str, count: int, deadline: int | None) -> None:
        made = Promised(deadline)
        made.on_hand = min(count, self.on_hand - sum(o.on_hand for o in self.promises.values()))
        rest = count - made.on_hand
        for supply in sorted(self.coming, key=lambda one: (self.coming[one].day, one)):
            if deadline is None or self.coming[supply].day <= deadline:
                made.waiting[supply] = min(
                    rest, self.coming[supply].to_come - self.promised(supply)
                )
                rest -= made.waiting[supply]
        if rest:
            raise Refused("INSUFFICIENT_STOCK" if self.coming else "NOT_STOCKED_HERE")
        self.promises[name] = made

    def release(self, name: str) -> None:
        del self.promises[name]

    def find(self, supply: str) -> Coming:
        if supply not in self.coming:
            raise Refused("SUPPLY_NOT_FOUND")
        return self.coming[supply]


class Life(RuleBasedStateMachine):
    """A life of supplies in the service, beside the model."""

    make_shop: Callable[[], Awaitable[Expecting]]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.model = Model()
        self.numbers = itertools.count(1)
        self.ids: dict[str, str] = {}

    @initialize()
    def open_the_shop(self) -> None:
        async def opening() -> Expecting:
            return await type(self).make_shop()

        self.expecting = self.runner.run(opening())

    def teardown(self) -> None:
        if hasattr(self, "expecting"):
            self.runner.run(self.expecting.shop.wiring.database.close())
        self.runner.close()

    def both(
        self,
        model: Callable[[], Counter[str]],
        service: Callable[[], Awaitable[Iterable[BrokenPromise]]],
    ) -> None:
        """Both refuse for one reason, or break the same promises."""

        async def answered() -> tuple[str, Counter[str]]:
            try:
                reply = await service()
            except DomainError as refusal:
                return refusal.reason, Counter()
            broken: Counter[str] = Counter()
            for one in reply:
                broken[one.order_id] += one.quantity
            # So that the one that was made first is the older one.
            await self.expecting.shop.let_pass(1)
            return "", broken

        expected: tuple[str, Counter[str]]
        try:
            expected = "", model()
        except Refused as refused:
            expected = refused.reason, Counter()
        assert self.runner.run(answered()) == expected

    @rule(supply=supplies, quantity=units, day=days)
    def put(self, supply: str, quantity: int, day: int) -> None:
        async def calling() -> Iterable[BrokenPromise]:
            return (await self.expecting.expect(supply, PLACE, quantity, day)).broken_promises

        self.both(lambda: self.model.put(supply, quantity, day), calling)

    @rule(supply=supplies)
    def cancel(self, supply: str) -> None:
        async def calling() -> Iterable[BrokenPromise]:
            return (await self.expecting.cancel(supply)).broken_promises

        self.both(lambda: self.model.cancel(supply), calling)

    @rule(supply=supplies, count=units, complete=st.booleans())
    def receive(self, supply: str, count: int, complete: bool) -> None:
        receipt = SupplyReceipt(supply_id=supply, quantity=count, complete=complete)

        async def calling() -> Iterable[BrokenPromise]:
            return (await self.expecting.receive(receipt)).broken_promises

        self.both(lambda: self.model.receive(supply, count, complete=complete), calling)

    @rule(count=units, deadline=deadlines)
    def reserve(self, count: int, deadline: int | None) -> None:
        name = f"O-{next(self.numbers)}"

        def modelled() -> Counter[str]:
            self.model.reserve(name, count, deadline)
            return Counter()

        async def calling() -> Iterable[BrokenPromise]:
            made = await self.expecting.reserve({PLACE: count}, needed_by=deadline, order_id=name)
            self.ids[name] = made.reservation_id
            return ()

        self.both(modelled, calling)

    @rule(place=st.integers(0, 20))
    def release(self, place: int) -> None:
        if not self.model.promises:
            return
        name = list(self.model.promises)[place % len(self.model.promises)]

        def modelled() -> Counter[str]:
            self.model.release(name)
            return Counter()

        async def calling() -> Iterable[BrokenPromise]:
            await self.expecting.shop.release(self.ids.pop(name))
            return ()

        self.both(modelled, calling)

    @invariant()
    def both_agree(self) -> None:
        if hasattr(self, "expecting"):
            self.runner.run(self.compare())

    async def compare(self) -> None:
        shop = self.expecting.shop
        stored = {one.supply_id: one for one in await self.expecting.all()}
        assert {
            name: (one.received_quantity, one.promised_quantity) for name, one in stored.items()
        } == {
            name: (one.received, self.model.promised(name))
            for name, one in self.model.coming.items()
        }
        for name, reservation_id in self.ids.items():
            promised, found = self.model.promises[name], Promised(None)
            for line in (await shop.reservation(reservation_id)).lines:
                assert line.state == ReservationLine.STATE_CONFIRMED
                if line.HasField("broken_time"):
                    found.broken += line.quantity
                elif line.supply_id:
                    found.waiting[line.supply_id] += line.quantity
                else:
                    found.on_hand += line.quantity
            assert (found.on_hand, found.broken) == (promised.on_hand, promised.broken)
            assert found.waiting == +promised.waiting
        assert (await shop.balance(PLACE)).on_hand == self.model.on_hand
        assert await shop.is_sound()


def live(make: Callable[[], Awaitable[Expecting]], lives: int, steps: int) -> None:
    machine = type("ThisLife", (Life,), {"make_shop": staticmethod(make)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=lives,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


async def open_shop(url: str) -> Expecting:
    clock = FakeClock()
    database = await Database.open(url, clock=clock)
    shop = Shop(assemble(database, clock, RandomIds(), NOWHERE), clock)
    await shop.put_locations("A")
    return await Expecting.open(shop, "MUG")


def copies(template_url: str, folder: Path) -> Callable[[], Awaitable[Expecting]]:
    """Each life gets a file of its own."""
    template = Path(template_url.removeprefix("sqlite+aiosqlite:///")).read_bytes()
    numbers = itertools.count()

    async def make() -> Expecting:
        copied = folder / f"life-{next(numbers)}.db"
        copied.write_bytes(template)
        return await open_shop(f"sqlite+aiosqlite:///{copied}")

    return make


@on_sqlite
def test_any_life_of_supplies_agrees_with_the_model(
    migrated_url: Callable[[str], str], tmp_path: Path
) -> None:
    live(copies(migrated_url(MIGRATIONS), tmp_path), lives=15, steps=25)


@on_postgresql
def test_any_life_of_supplies_on_postgresql_agrees_with_the_model(
    migrated_url: Callable[[str], str],
) -> None:
    live(lambda: open_shop(migrated_url(MIGRATIONS)), lives=5, steps=20)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@on_sqlite
def test_many_lives_of_supplies_agree(migrated_url: Callable[[str], str], tmp_path: Path) -> None:
    live(copies(migrated_url(MIGRATIONS), tmp_path), lives=150, steps=50)


def test_the_model_is_shown_to_notice_a_promise_that_was_broken() -> None:
    model = Model()
    model.put("S1", 3, 2)
    model.reserve("O-1", 2, 2)
    model.reserve("O-2", 1, None)

    assert model.put("S1", 2, 2) == {"O-2": 1}
    assert model.put("S1", 2, 3) == {"O-1": 2}
    with pytest.raises(Refused, match="INSUFFICIENT_STOCK"):
        model.reserve("O-3", 3, None)
