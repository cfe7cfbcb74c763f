"""Any sequence of calls keeps every invariant, and the plain model agrees with each answer."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from ordermesh.inventory.__main__ import assemble
from ordermesh.inventory.domain.reservation import Selection
from ordermesh.kernel.errors import DomainError
from ordermesh.kernel.ids import RandomIds
from ordermesh.runtime.database import Database
from tests.dialects import on_postgresql, on_sqlite
from tests.fakes import FakeClock
from tests.inventory.conftest import MIGRATIONS, NOWHERE
from tests.inventory.messages import item
from tests.inventory.reference import Model, Move, Promise, Refused, Wish
from tests.inventory.shop import Shop
from tests.inventory.worlds import PureWorld, ServiceWorld, World

T = TypeVar("T")

SKUS, PLACES = ("MUG", "CUP", "POT"), ("A", "B", "C")
KEYS = [(sku, place) for sku in SKUS for place in PLACES]
KITS = {"SET": {"POT": 1, "CUP": 2}, "PAIR": {"CUP": 2}}

skus, asked = st.sampled_from(SKUS), st.sampled_from((*SKUS, *KITS))
places = st.sampled_from(PLACES)
line_ids = st.sampled_from(("1", "2", "3"))
few, some = st.integers(1, 4), st.integers(0, 6)
holds = st.sampled_from((0, 60, 600))
modes = st.sampled_from(("RESERVE", "RESERVE", "RESERVE", "TRACK_ONLY", "NONE"))


def alike(rows: list[Wish]) -> list[Wish]:
    """All rows of a line want what the first of them wants, each at a place of its own."""
    firsts: dict[str, Wish] = {}
    for row in rows:
        firsts.setdefault(row[0], row)
    return [(row[0], firsts[row[0]][1], row[2], row[3], firsts[row[0]][4]) for row in rows]


wishes = st.lists(
    st.tuples(line_ids, asked, places, few, modes),
    min_size=1,
    max_size=4,
    unique_by=lambda row: (row[0], row[2]),
).map(alike)


class Life(RuleBasedStateMachine):
    """One life of a shop, in the world that ``make_world`` makes, beside the plain model."""

    make_world: Callable[[], Awaitable[World]]
    promises = Bundle("promises")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.model = Model(KITS)
        self.numbers = itertools.count(1)

    @initialize()
    def open_the_shop(self) -> None:
        async def opening() -> World:
            return await type(self).make_world()

        self.world = self.runner.run(opening())
        for sku, place, count in (("MUG", "A", 5), ("CUP", "A", 9), ("POT", "B", 4)):
            self.receive(sku, place, count)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.runner.run(_awaited(self.world.close()))
        self.runner.close()

    def both(self, model: Callable[[], object], world: Awaitable[object]) -> None:
        """Do it in both worlds: both succeed with one answer, or both refuse for one reason."""
        expected: object
        told: object
        try:
            expected = model()
        except Refused as refused:
            expected = refused.reason
        try:
            told = self.runner.run(_awaited(world))
        except DomainError as refusal:
            told = refusal.reason
        assert told == expected

    @rule(sku=skus, place=places, count=few)
    def receive(self, sku: str, place: str, count: int) -> None:
        key = (sku, place)
        self.both(lambda: self.model.receive({key: count}), self.world.receive(key, count))

    @rule(sku=skus, place=places, count=some)
    def set_on_hand(self, sku: str, place: str, count: int) -> None:
        key = (sku, place)
        self.both(lambda: self.model.adjust(key, count), self.world.set_on_hand(key, count))

    @rule(sku=skus, place=places, delta=st.integers(-4, 4).filter(bool))
    def adjust(self, sku: str, place: str, delta: int) -> None:
        key = (sku, place)
        after = self.model.on_hand.get(key, 0) + delta
        self.both(lambda: self.model.adjust(key, after), self.world.adjust(key, delta))

    @rule(sku=skus, route=st.permutations(PLACES), count=few)
    def transfer(self, sku: str, route: list[str], count: int) -> None:
        key = (sku, route[0])
        self.both(
            lambda: self.model.transfer(key, route[1], count),
            self.world.transfer(key, route[1], count),
        )

    @rule(target=promises, wanted=wishes, hold=holds, best_effort=st.booleans())
    def reserve(self, wanted: list[Wish], hold: int, best_effort: bool) -> str:
        return self.make(wanted, hold, [], best_effort=best_effort)

    @rule(
        target=promises,
        wanted=wishes,
        hold=holds,
        replaces=st.lists(promises, min_size=1, max_size=2, unique=True),
        best_effort=st.booleans(),
    )
    def replace(self, wanted: list[Wish], hold: int, replaces: list[str], best_effort: bool) -> str:
        return self.make(wanted, hold, replaces, best_effort=best_effort)

    def make(
        self,
        wanted: list[Wish],
        hold: int,
        replaces: list[str],
        promise: str = "",
        *,
        best_effort: bool = False,
    ) -> str:
        promise = promise or str(UUID(int=next(self.numbers)))
        self.both(
            lambda: self.model.reserve(promise, wanted, hold, replaces, best_effort=best_effort),
            self.world.reserve(promise, wanted, hold, replaces, best_effort=best_effort),
        )
        return promise

    @rule(promise=promises)
    def reserve_again(self, promise: str) -> None:
        self.make([("1", "MUG", "A", 1, "RESERVE")], 60, [], promise)

    @rule(promise=promises, again=st.booleans())
    def confirm(self, promise: str, again: bool) -> None:
        self.both(
            lambda: self.model.confirm(promise, again=again),
            self.world.confirm(promise, again=again),
        )

    @rule(promise=consumes(promises))
    def release(self, promise: str) -> None:
        self.both(lambda: self.model.release(promise, None), self.world.release(promise, None))

    @rule(promise=promises, line_id=line_ids, place=places, count=some)
    def release_a_part(self, promise: str, line_id: str, place: str, count: int) -> None:
        self.both(
            lambda: self.model.release(promise, (line_id, place, count)),
            self.world.release(promise, Selection(line_id, place, "", count)),
        )

    @rule(promise=promises, line_id=line_ids, place=places, count=some, exceed=st.booleans())
    def ship(self, promise: str, line_id: str, place: str, count: int, exceed: bool) -> None:
        self.both(
            lambda: self.model.ship(promise, line_id, place, count, exceed=exceed),
            self.world.ship(promise, Selection(line_id, place, "", count), exceed=exceed),
        )

    @rule(
        moves=st.lists(
            st.tuples(promises, line_ids, places, places, some),
            min_size=1,
            max_size=3,
            unique_by=lambda move: move[0],
        )
    )
    def reassign(self, moves: list[Move]) -> None:
        self.both(lambda: self.model.reassign(moves), self.world.reassign(moves))

    @rule(seconds=st.sampled_from((30, 61, 601)))
    def let_pass(self, seconds: int) -> None:
        self.both(lambda: self.model.let_pass(seconds), self.world.let_pass(seconds))

    @rule()
    def sweep(self) -> None:
        self.both(lambda: None, self.world.sweep())

    @rule(place=places, is_off=st.booleans())
    def switch(self, place: str, is_off: bool) -> None:
        self.both(
            lambda: self.model.switch(place, is_off=is_off), self.world.switch(place, is_off=is_off)
        )

    @invariant()
    def both_worlds_agree(self) -> None:
        if hasattr(self, "world"):
            self.runner.run(self.compare())

    async def compare(self) -> None:
        model = self.model
        assert await self.world.figures(KEYS) == [
            (model.available(key), model.on_hand.get(key, 0)) for key in KEYS
        ]
        assert await self.world.promises() == {
            promise_id: promise.units for promise_id, promise in model.promises.items()
        }
        assert await self.world.is_sound()


async def _awaited(reply: Awaitable[T]) -> T:
    return await reply


def live(make: Callable[[], Awaitable[World]], lives: int, steps: int) -> None:
    machine = type("ThisLife", (Life,), {"make_world": staticmethod(make)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=lives,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


async def open_service(url: str) -> World:
    clock = FakeClock()
    database = await Database.open(url, clock=clock)
    shop = Shop(assemble(database, clock, RandomIds(), NOWHERE), clock)
    await shop.put_items(*SKUS)
    await shop.put_items(*(item(kit, parts) for kit, parts in KITS.items()))
    await shop.put_locations(*PLACES)
    return ServiceWorld(shop)


async def open_domain() -> World:
    return PureWorld(KITS)


def copies(template_url: str, folder: Path) -> Callable[[], Awaitable[World]]:
    """Each life gets a file of its own."""
    template = Path(template_url.removeprefix("sqlite+aiosqlite:///")).read_bytes()
    numbers = itertools.count()

    async def make() -> World:
        copied = folder / f"life-{next(numbers)}.db"
        copied.write_bytes(template)
        return await open_service(f"sqlite+aiosqlite:///{copied}")

    return make


def test_any_life_by_the_domain_alone_agrees_with_the_model() -> None:
    live(open_domain, lives=200, steps=50)


def test_what_has_no_record_does_not_hide_what_an_overdue_hold_would_give() -> None:
    life = type("ThisLife", (Life,), {"make_world": staticmethod(open_domain)})()
    life.open_the_shop()
    life.set_on_hand(sku="CUP", place="A", count=2)
    life.reserve([("1", "CUP", "A", 3, "RESERVE")], 60, best_effort=True)
    life.let_pass(seconds=61)

    # What is only tracked at B has no record there, and no expiry gives it one.
    wanted = [("1", "CUP", "A", 1, "RESERVE"), ("2", "PAIR", "B", 1, "TRACK_ONLY")]
    life.reserve(wanted, 0, best_effort=True)

    life.both_worlds_agree()
    life.teardown()


@on_sqlite
def test_any_life_of_the_service_agrees_with_the_model(
    migrated_url: Callable[[str], str], tmp_path: Path
) -> None:
    live(copies(migrated_url(MIGRATIONS), tmp_path), lives=12, steps=25)


@on_postgresql
def test_any_life_on_postgresql_agrees_with_the_model(
    migrated_url: Callable[[str], str],
) -> None:
    live(lambda: open_service(migrated_url(MIGRATIONS)), lives=6, steps=20)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_very_many_lives_by_the_domain_alone_agree() -> None:
    live(open_domain, lives=4_000, steps=50)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@on_sqlite
def test_many_lives_of_the_service_agree(
    migrated_url: Callable[[str], str], tmp_path: Path
) -> None:
    live(copies(migrated_url(MIGRATIONS), tmp_path), lives=200, steps=50)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@on_postgresql
def test_many_lives_on_postgresql_agree(migrated_url: Callable[[str], str]) -> None:
    live(lambda: open_service(migrated_url(MIGRATIONS)), lives=60, steps=50)


def test_the_comparison_is_shown_to_notice_a_promise_that_was_forgotten() -> None:
    model = Model(KITS)
    model.receive({("MUG", "A"): 1})
    wish = ("1", "MUG", "A", 1, "RESERVE")
    model.reserve("X", [wish], 60, [])

    with pytest.raises(Refused, match="INSUFFICIENT_STOCK"):
        model.reserve("Y", [wish], 60, [])
    model.promises["X"] = Promise(0)
    model.reserve("Y", [wish], 60, [])
