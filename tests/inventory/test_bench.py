"""The benchmark compares fairly, and its checks find what they look for."""

import asyncio
import time
from pathlib import Path

from sqlalchemy import func, select, text

from ordermesh.api.inventory.v1 import ReserveLine, ReserveRequest, ReserveResponse
from ordermesh.api.order.v1 import StockKey
from ordermesh.inventory.bench.books import LOCATION, Books, Demand, new_id, opened, sku_names
from ordermesh.inventory.bench.checks import (
    Answer,
    Findings,
    changed_replays,
    lost_acks,
    sell_out,
    wrong_refusals,
)
from ordermesh.inventory.bench.more import BALANCES
from ordermesh.inventory.bench.picture import availability_milliseconds
from ordermesh.inventory.bench.rates import Passes, rate, run_passes
from ordermesh.inventory.bench.reference import functions
from ordermesh.inventory.bench.report import figures, values, write_json
from ordermesh.inventory.domain.errors.stock import InsufficientStock
from ordermesh.inventory.domain.key import StockKey as Key
from ordermesh.inventory.store.tables.ledger import balance, entry, movement
from ordermesh.inventory.store.tables.reservations import line, reservation
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.tables import feed, reply
from tests.dialects import on_postgresql

FIELDS = [
    "bulk_over_pgbench_batch",
    "batcher_over_pgbench_batch",
    "hot_over_spread",
    "hot_batcher_over_pgbench_hot",
    "coalesced64_over_unary64",
    "unary_over_echo",
    "adaptive_over_single_1",
    "adaptive_over_single_16",
    "adaptive_over_single_128",
    "sqlite_batched_over_single",
    "availability_100x210_ms",
    "oversold",
    "changed_replays",
    "wrong_refusals",
    "lost_acks",
]


def wish(**units: int) -> ReserveRequest:
    return ReserveRequest(
        request_id=new_id(),
        reservation_id=new_id(),
        lines=[
            ReserveLine(line_id=sku, key=StockKey(sku=sku, location_id=LOCATION), quantity=quantity)
            for sku, quantity in units.items()
        ],
    )


def short(**rows: tuple[int, int]) -> InsufficientStock:
    return InsufficientStock({Key(sku, LOCATION): row for sku, row in rows.items()})


@on_postgresql
async def test_the_references_write_the_rows_that_the_product_writes(database_url: str) -> None:
    tables = (movement, entry, reservation, line, reply, feed)

    async def counts(books: Books) -> list[int]:
        async def read(tx: Transaction) -> list[int]:
            found = [await tx.execute(select(func.count()).select_from(one)) for one in tables]
            return [one.scalar_one() for one in found]

        return await books.wiring.database.read(read)

    async with opened(database_url, is_new=False) as books:
        await books.load(sku_names(3), 40)
        start = await counts(books)
        for _ in range(5):
            await books.reserve(Demand(sku_names(1), seed=1).next())
        product = await counts(books)

        async def refer(tx: Transaction) -> tuple[int, int]:
            for statement in functions().split("create function")[1:]:
                await tx.execute(text("create function" + statement.replace(":", "\\:")))
            ones = [(await tx.execute(text("select bench_one(2)"))).scalar_one() for _ in range(5)]
            many = await tx.execute(text("select bench_batch(200, 3)"))
            return sum(ones), many.scalar_one()

        ones, many = await books.wiring.database.run(refer)
        after = await counts(books)

        # Of 120 units ten are gone; the batch cannot sell more than there are.
        assert ones == 5
        assert 0 < many <= 110
        # The feed is told once in a transaction.
        told = [now - then for then, now in zip(product, after, strict=True)]
        assert told == [5 + many] * 5 + [5 + 1]
        assert [now - then for then, now in zip(start, product, strict=True)] == [5] * 6
        assert await books.check() == 0
        assert min((await books.free(sku_names(3))).values()) >= 0


@on_postgresql
async def test_the_large_ledger_has_every_item_everywhere_and_can_be_sold_from(
    database_url: str,
) -> None:
    async with opened(database_url, is_new=False) as books:
        await books.load(sku_names(3), 40)
        await books.put_places([LOCATION, "PLACE-1"])

        async def make(tx: Transaction) -> list[int]:
            await tx.execute(text(BALANCES))
            found = await tx.execute(select(balance.c.on_hand).order_by(balance.c.on_hand))
            return list(found.scalars())

        assert await books.wiring.database.run(make) == [40] * 3 + [1_000] * 3
        await books.reserve(Demand(sku_names(3), 1, "PLACE-1").next())


async def test_selling_out_finds_nothing_wrong_with_the_product(database_url: str) -> None:
    async with opened(database_url, is_new=False) as books:
        found = await sell_out(books, seed=1, requests=600, units=40)

    assert found.is_clean
    assert found.refused > 50
    assert found.asked >= 600
    assert found.replayed == 2 * found.asked


def test_a_refusal_of_what_fitted_is_found() -> None:
    right: tuple[ReserveRequest, Answer] = (wish(A=3, B=1), short(A=(3, 2)))
    fitted: tuple[ReserveRequest, Answer] = (wish(A=2), short(A=(2, 1)))
    senseless: tuple[ReserveRequest, Answer] = (wish(A=9), short(A=(9, 9)))

    assert wrong_refusals([right], {"A": 2, "B": 5}) == 0
    assert wrong_refusals([right, fitted], {"A": 2, "B": 5}) == 1
    assert wrong_refusals([senseless], {"A": 0}) == 1


def test_an_acknowledged_reservation_that_is_not_there_whole_is_found() -> None:
    kept, cut, gone, refused = (wish(A=2, B=1) for _ in range(4))
    answers: list[tuple[ReserveRequest, Answer]] = [
        (kept, ReserveResponse()),
        (cut, ReserveResponse()),
        (gone, ReserveResponse()),
        (refused, short(A=(2, 0))),
    ]

    assert lost_acks(answers, {kept.reservation_id: 3, cut.reservation_id: 2}) == 2


def test_an_answer_that_changes_is_found() -> None:
    yes, other = ReserveResponse(), ReserveResponse()
    other.reservation.order_id = "X"

    assert changed_replays([yes, short(A=(2, 0))], [ReserveResponse(), short(A=(2, 0))]) == 0
    assert changed_replays([yes, short(A=(2, 0))], [other, short(A=(2, 1))]) == 2
    assert changed_replays([yes], [short(A=(1, 0))]) == 1


def test_what_was_found_is_counted_together() -> None:
    found = Findings(asked=2)
    found.add(Findings(asked=3, lost_acks=1))

    assert (found.asked, found.is_clean) == (5, False)


async def test_every_case_runs_in_every_pass_and_the_order_rotates() -> None:
    ran: list[str] = []
    checked: list[str] = []

    def case(name: str, reached: float) -> object:
        async def run(seconds: float) -> float:
            ran.append(name)
            return reached * seconds

        return run

    async def check(name: str) -> None:
        checked.append(name)

    cases = {"a": case("a", 1.0), "b": case("b", 2.0), "c": case("c", 4.0)}
    passes = await run_passes(cases, 3, 2.0, lambda _: None, check)  # type: ignore[arg-type]

    assert ran == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]
    assert checked == ran
    assert passes.ratio("c", "b") == 2.0
    assert passes.median("a") == 2.0


def test_a_ratio_is_the_median_of_the_ratios_of_the_passes() -> None:
    passes = Passes({"ours": [10.0, 30.0, 9.0], "theirs": [10.0, 10.0, 3.0]})

    assert passes.ratio("ours", "theirs") == 3.0


async def test_a_rate_counts_what_was_done_by_all() -> None:
    done = 0

    async def call() -> int:
        nonlocal done
        await asyncio.sleep(0.001)
        done += 2
        return 2

    started = time.perf_counter()
    reached = await rate(call, 8, 0.05)
    passed = time.perf_counter() - started

    assert done > 16
    assert done / passed <= reached <= done / 0.05


def test_the_figures_have_the_published_names_in_their_order(tmp_path: Path) -> None:
    assert [figure.name for figure in figures()] == FIELDS
    everything = {case: [1.0] for case in CASES}
    measured = values(Passes(everything), 0.5, Findings())
    write_json(tmp_path / "figures.json", measured)

    assert list(measured) == FIELDS
    assert all(figure.meaning for figure in figures())
    assert '"oversold": 0' in (tmp_path / "figures.json").read_text()


def test_the_picture_of_a_reader_is_read_and_encoded() -> None:
    assert availability_milliseconds() > 0.0


CASES = (
    "batcher, 128 callers",
    "batcher hot, 128 callers",
    "batcher, 16 callers",
    "batcher, 1 caller",
    "SQLite, 256 callers",
    "SQLite, 1 caller",
    "pgbench, batch of 256",
    "pgbench hot, 128 clients",
    "function, 128 callers",
    "function, 16 callers",
    "function, 1 caller",
    "bulk of 1,000",
    "unary, 64 callers",
    "empty call, 64 callers",
    "coalesced, 64 callers",
)


def test_what_is_worse_than_it_must_be_is_missed() -> None:
    by_name = {figure.name: figure for figure in figures()}

    assert by_name["hot_over_spread"].is_met(1.0)
    assert not by_name["hot_over_spread"].is_met(0.9)
    assert not by_name["availability_100x210_ms"].is_met(1.5)
    assert not by_name["lost_acks"].is_met(1)


def test_the_cost_of_stored_replies_is_that_of_a_batch_without_them() -> None:
    batches = [
        functions(with_replies=kept).split("create function bench_batch")[1]
        for kept in (True, False)
    ]

    assert ["insert into reply " in batch for batch in batches] == [True, False]
    assert all("insert into reservation_line " in batch for batch in batches)
