"""What traces tell of work: whose it was, and that it failed."""

from collections.abc import Sequence

from opentelemetry import trace

from ordermesh.runtime.database import Database
from ordermesh.runtime.work import (
    Claimed,
)
from tests.eventually import eventually
from tests.fakes import FakeClock
from tests.shared.working import all_rows, finish, give, has_failed, is_empty, working
from tests.spans import Spans


async def test_a_row_is_handled_in_the_trace_of_whoever_enqueued_it(
    database: Database, clock: FakeClock, spans: Spans
) -> None:
    async def handle(claimed: Sequence[Claimed]) -> None:
        await finish(database, claimed)

    with trace.get_tracer("tests").start_as_current_span("submit") as submit:
        await give(database, "order-1")
    async with working(database, clock, handle):
        await eventually(lambda: is_empty(database))

    (work,) = spans.named("work pack")
    assert work.parent is not None
    assert work.parent.span_id == submit.get_span_context().span_id
    assert work.context.trace_id == submit.get_span_context().trace_id
    assert work.links == ()
    assert dict(work.attributes or {}) == {
        "ordermesh.work.kind": "pack",
        "ordermesh.work.rows": 1,
        "ordermesh.work.attempt": 1,
    }


async def test_a_batch_has_a_trace_of_its_own_with_links_to_all(
    database: Database, clock: FakeClock, spans: Spans
) -> None:
    causes = set()
    for number in range(3):
        with trace.get_tracer("tests").start_as_current_span("submit") as submit:
            causes.add(submit.get_span_context().span_id)
            await give(database, f"order-{number}")
    async with working(database, clock, lambda found: finish(database, found), batch=100):
        await eventually(lambda: is_empty(database))

    (work,) = spans.named("work pack")
    assert work.parent is None
    assert {link.context.span_id for link in work.links} == causes


async def test_a_failure_is_marked_on_the_span_without_its_words(
    database: Database, clock: FakeClock, spans: Spans
) -> None:
    async def fail(_: Sequence[Claimed]) -> None:
        raise KeyError("somebody@example.com")

    async with working(database, clock, fail):
        await give(database, "order-1")
        await eventually(lambda: has_failed(database))

    (work,) = spans.named("work pack")
    assert work.status.status_code is trace.StatusCode.ERROR
    assert "example.com" not in work.to_json()
    (row,) = await all_rows(database)
    assert row.failure == "KeyError"
