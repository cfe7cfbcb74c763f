import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message
from sqlalchemy import func, select, text, update

from ordermesh.kernel.errors import Conflict, NotFound, RuleViolated, Unavailable
from ordermesh.runtime.batching import LATER
from ordermesh.runtime.call import Call, Identity, calling
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.idempotency import (
    Answer,
    Asked,
    Mutations,
    RequestIdReused,
    prune,
)
from ordermesh.runtime.request_identity import RequestIdMalformed
from ordermesh.runtime.tables import reply as replies


def message_types() -> tuple[type[Message], type[Message]]:
    """A request and a reply of a contract that only these tests know."""
    string = descriptor_pb2.FieldDescriptorProto.TYPE_STRING
    optional = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL
    file = descriptor_pb2.FileDescriptorProto(
        name="tests/count.proto", package="tests", syntax="proto3"
    )
    for name, fields in (("CountRequest", ("request_id", "what")), ("CountResponse", ("count",))):
        kind = file.message_type.add(name=name)
        for number, field in enumerate(fields, start=1):
            kind.field.add(name=field, number=number, type=string, label=optional)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    request, response = (
        message_factory.GetMessageClass(pool.FindMessageTypeByName(f"tests.{name}"))
        for name in ("CountRequest", "CountResponse")
    )
    return request, response


CountRequest, CountResponse = message_types()
CALL = Call("/tests.CountService/Count", Identity("routing", frozenset({"routing"})), None)


class SoldOut(RuleViolated):
    reason: ClassVar[str] = "SOLD_OUT"


class AlreadyThere(Conflict):
    reason: ClassVar[str] = "ALREADY_THERE"


@pytest.fixture(autouse=True)
def call() -> Iterator[Call]:
    with calling(CALL) as current:
        yield current


@pytest.fixture
async def counting(database: Database) -> Database:
    async def make(tx: Transaction) -> None:
        await tx.execute(text("create table counter (count integer not null)"))
        await tx.execute(text("insert into counter values (0)"))

    await database.run(make)
    return database


async def count_up(tx: Transaction) -> Message:
    result = await tx.execute(text("update counter set count = count + 1 returning count"))
    return CountResponse(count=str(result.scalar_one()))


async def count_up_and_refuse(tx: Transaction) -> Message:
    counted = await count_up(tx)
    raise SoldOut(
        "Two keys are short.",
        {"sku": "RETRO-CLOCK", "wanted": 3, "counted": counted.count},  # type: ignore[attr-defined]
        {"sku": "BLUE-VASE", "wanted": 1},
    )


async def counted(database: Database) -> int:
    async def look(tx: Transaction) -> int:
        return int((await tx.execute(text("select count from counter"))).scalar_one())

    return await database.read(look)


async def stored(database: Database) -> int:
    async def look(tx: Transaction) -> int:
        return int((await tx.execute(select(func.count()).select_from(replies))).scalar_one())

    return await database.read(look)


def request(request_id: UUID | None = None, what: str = "clocks") -> Message:
    return CountRequest(request_id=str(request_id or uuid4()), what=what)


async def test_a_retry_gets_the_stored_reply_and_changes_nothing(counting: Database) -> None:
    mutations = Mutations(counting)
    asked = request()

    first = await mutations.run(asked, CountResponse, count_up)
    again = await mutations.run(asked, CountResponse, count_up)

    assert first == again == CountResponse(count="1")
    assert await counted(counting) == 1


async def test_another_id_is_another_effect(counting: Database) -> None:
    mutations = Mutations(counting)

    await mutations.run(request(), CountResponse, count_up)
    await mutations.run(request(), CountResponse, count_up)

    assert await counted(counting) == 2


@pytest.mark.parametrize("twins", [2, 8])
async def test_twins_at_the_same_time_have_one_effect_and_equal_replies(
    counting: Database, twins: int
) -> None:
    mutations = Mutations(counting)
    asked = request()

    answers = await asyncio.gather(
        *(mutations.run(asked, CountResponse, count_up) for _ in range(twins))
    )

    assert answers == [CountResponse(count="1")] * twins
    assert await counted(counting) == 1


async def test_a_twin_that_stumbles_over_the_first_gets_the_reply_of_the_first(
    counting: Database,
) -> None:
    mutations = Mutations(counting)
    asked = request()
    looked = asyncio.Event()

    async def stumble(tx: Transaction) -> Message:
        looked.set()
        if tx.dialect == "postgresql":
            await first
        raise AlreadyThere("The order is there.")

    async def be_first() -> Message:
        if counting.dialect == "postgresql":
            await looked.wait()
        return await mutations.run(asked, CountResponse, count_up)

    first = asyncio.create_task(be_first())
    if counting.dialect == "sqlite":
        await first

    assert await mutations.run(asked, CountResponse, stumble) == CountResponse(count="1")
    assert await counted(counting) == 1


async def test_a_stored_refusal_stays_refused_after_the_world_has_changed(
    counting: Database,
) -> None:
    mutations = Mutations(counting)
    asked = request()
    with pytest.raises(SoldOut) as first:
        await mutations.run(asked, CountResponse, count_up_and_refuse)

    with pytest.raises(RuleViolated) as again:
        await mutations.run(asked, CountResponse, count_up)

    assert again.value.reason == first.value.reason == "SOLD_OUT"
    assert again.value.sentence == first.value.sentence == "Two keys are short."
    assert again.value.facts() == first.value.facts()
    assert again.value.facts()["sku-2"] == "BLUE-VASE"
    assert await counted(counting) == 0


@pytest.mark.parametrize("error", [AlreadyThere("no"), NotFound("no"), ValueError("no")])
async def test_any_other_error_stores_nothing_so_that_a_retry_works(
    counting: Database, error: Exception
) -> None:
    mutations = Mutations(counting)
    asked = request()

    async def fail(tx: Transaction) -> Message:
        await count_up(tx)
        raise error

    with pytest.raises(type(error)):
        await mutations.run(asked, CountResponse, fail)
    assert await stored(counting) == 0

    assert await mutations.run(asked, CountResponse, count_up) == CountResponse(count="1")


async def test_the_same_id_with_another_body_is_refused(counting: Database) -> None:
    mutations = Mutations(counting)
    request_id = uuid4()
    await mutations.run(request(request_id, "clocks"), CountResponse, count_up)

    with pytest.raises(RequestIdReused) as raised:
        await mutations.run(request(request_id, "vases"), CountResponse, count_up)

    assert raised.value.reason == "REQUEST_ID_REUSED"
    assert raised.value.facts() == {"requestId": str(request_id)}
    assert await counted(counting) == 1


@pytest.mark.parametrize(
    "other",
    [
        Call("/tests.CountService/Discount", CALL.identity, None),
        Call(CALL.method, Identity("returns", frozenset()), None),
    ],
)
async def test_the_same_id_for_another_method_or_caller_is_refused(
    counting: Database, other: Call
) -> None:
    mutations = Mutations(counting)
    asked = request()
    await mutations.run(asked, CountResponse, count_up)

    with calling(other), pytest.raises(RequestIdReused):
        await mutations.run(asked, CountResponse, count_up)


async def test_an_id_that_is_no_uuid_is_refused(database: Database) -> None:
    asked = CountRequest(request_id="7", what="clocks")

    with pytest.raises(RequestIdMalformed):
        await Mutations(database).run(asked, CountResponse, count_up)


async def test_a_mutation_needs_a_call(database: Database) -> None:
    async def outside() -> None:
        with pytest.raises(LookupError):
            await Mutations(database).run(request(), CountResponse, count_up)

    await asyncio.create_task(outside(), context=contextvars.Context())


async def test_a_savepoint_of_an_operation_keeps_the_reply(counting: Database) -> None:
    async def lose_a_part(tx: Transaction) -> Message:
        kept = await count_up(tx)
        try:
            async with tx.savepoint():
                await count_up(tx)
                raise SoldOut("not this part")
        except SoldOut:
            return kept

    answer = await Mutations(counting).run(request(), CountResponse, lose_a_part)

    assert answer == CountResponse(count="1")
    assert await counted(counting) == 1
    assert await stored(counting) == 1


async def test_a_refusal_takes_back_what_was_to_follow_the_commit(counting: Database) -> None:
    called = []

    async def refuse(tx: Transaction) -> Message:
        tx.after_commit(lambda: called.append(1))
        return await count_up_and_refuse(tx)

    with pytest.raises(SoldOut):
        await Mutations(counting).run(request(), CountResponse, refuse)

    assert called == []


async def test_a_caller_that_goes_away_finds_its_reply_later(counting: Database) -> None:
    mutations = Mutations(counting)
    asked = request()
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def slow(tx: Transaction) -> Message:
        inside.set()
        await go_on.wait()
        return await count_up(tx)

    caller = asyncio.create_task(mutations.run(asked, CountResponse, slow))
    await inside.wait()
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    go_on.set()

    assert await mutations.run(asked, CountResponse, count_up) == CountResponse(count="1")
    assert await counted(counting) == 1


async def test_old_replies_are_pruned_and_others_kept(counting: Database) -> None:
    mutations = Mutations(counting)
    old, new = request(), request()
    for asked in (old, new):
        await mutations.run(asked, CountResponse, count_up)

    async def age(tx: Transaction) -> int:
        a_week_ago = await tx.now() - timedelta(days=7, hours=1)
        old_id: Any = old
        await tx.execute(
            update(replies)
            .where(replies.c.request_id == UUID(old_id.request_id))
            .values(create_time=a_week_ago)
        )
        return await prune(tx, await tx.now() - timedelta(days=7))

    assert await counting.run(age) == 1
    assert await mutations.run(new, CountResponse, count_up) == CountResponse(count="2")
    assert await mutations.run(old, CountResponse, count_up) == CountResponse(count="3")


async def test_an_error_that_is_no_refusal_comes_through_whole(counting: Database) -> None:
    async def fail(_: Transaction) -> Message:
        raise Unavailable("Inventory is away.", service="inventory", retry_after=0.5)

    with pytest.raises(Unavailable) as raised:
        await Mutations(counting).run(request(), CountResponse, fail)

    assert raised.value.retry_after == 0.5


async def count_each_up(
    tx: Transaction, asked: Sequence[Asked[Message]]
) -> Sequence[Answer[Message]]:
    return [await count_up(tx) for _ in asked]


async def run_together(
    database: Database,
    *requests: Message,
    operation: Callable[
        [Transaction, Sequence[Asked[Message]]], Awaitable[Sequence[Answer[Message]]]
    ] = count_each_up,
) -> list[Answer[Message]]:
    asked = [Asked(CALL, one) for one in requests]
    return await Mutations(database).run_many(asked, CountResponse, operation)


@pytest.mark.parametrize("first", ["vases", "clocks"])
async def test_a_retry_beside_another_request_with_its_id_gets_the_stored_reply(
    counting: Database, first: str
) -> None:
    request_id = uuid4()
    await run_together(counting, request(request_id, "clocks"))
    second = "clocks" if first == "vases" else "vases"
    answers = dict(
        zip(
            (first, second),
            await run_together(counting, request(request_id, first), request(request_id, second)),
            strict=True,
        )
    )
    assert answers["clocks"] == CountResponse(count="1")
    assert isinstance(answers["vases"], RequestIdReused)
    assert await counted(counting) == 1


async def test_of_two_new_requests_with_one_id_the_first_is_done_and_the_other_refused(
    counting: Database,
) -> None:
    request_id = uuid4()
    answers = await run_together(
        counting, request(request_id, "vases"), request(request_id, "clocks"), request()
    )
    assert answers[0] == CountResponse(count="1")
    assert isinstance(answers[1], RequestIdReused)
    assert answers[2] == CountResponse(count="2")
    assert await stored(counting) == 2


@pytest.mark.parametrize("outcome", [LATER, AlreadyThere("It is there.")])
async def test_an_id_that_the_first_of_two_has_not_used_is_put_off_for_the_other(
    counting: Database, outcome: Answer[Message]
) -> None:
    async def decide(_: Transaction, asked: Sequence[Asked[Message]]) -> list[Answer[Message]]:
        return [outcome for _ in asked]

    request_id = uuid4()
    answers = await run_together(
        counting,
        request(request_id, "vases"),
        request(request_id, "clocks"),
        request(request_id, "vases"),
        operation=decide,
    )
    assert answers == [outcome, LATER, outcome]
    assert await stored(counting) == 0


async def test_a_request_of_many_that_stumbles_over_its_twin_gets_the_reply_of_the_twin(
    counting: Database,
) -> None:
    one, other = request(), request()

    async def stumble(
        tx: Transaction, asked: Sequence[Asked[Message]]
    ) -> Sequence[Answer[Message]]:
        # The twin commits between the look at the stored replies and the decision.
        if counting.dialect == "postgresql":
            alone = contextvars.Context()
            await asyncio.create_task(run_together(counting, other), context=alone)
        return [await count_up(tx), AlreadyThere("It is there.")]

    answers = await run_together(counting, one, other, operation=stumble)
    if counting.dialect == "postgresql":
        assert answers == [CountResponse(count="2"), CountResponse(count="1")]
    else:
        assert answers[0] == CountResponse(count="1")
        assert isinstance(answers[1], AlreadyThere)
