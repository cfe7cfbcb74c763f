"""How a server starts, what it offers of its own, and how it ends."""

import asyncio
import socket
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import (  # type: ignore[import-untyped]  # it ships no types
    health_pb2,
    health_pb2_grpc,
)
from grpc_reflection.v1alpha import (  # type: ignore[import-untyped]  # it ships no types
    reflection_pb2,
    reflection_pb2_grpc,
)

from ordermesh.api.event.v1 import (
    EventServiceStub,
    InboxServiceStub,
    WatchEventsRequest,
)
from ordermesh.client import Mesh
from ordermesh.kernel.clock import SystemClock
from ordermesh.runtime.auth import InsecureServer
from ordermesh.runtime.contract import MissingRules, UnknownService
from ordermesh.runtime.server import Server, ServiceDefinition, Servicer
from tests.eventually import eventually
from tests.shared.echo import (
    DELIVER,
    RULES,
    Context,
    Inbox,
    echo,
    empty_database,
    forever,
    read_all,
    refusal,
    refused,
    request,
    serving_echo,
    settings_of,
)


async def test_a_method_without_a_rule_stops_the_server_and_is_named(tmp_path: Path) -> None:
    database = await empty_database(tmp_path)
    with pytest.raises(MissingRules, match="WatchEvents"):
        Server(echo(database, rules={DELIVER: RULES[DELIVER]}), settings_of(), SystemClock())
    await database.close()


async def test_a_service_without_a_contract_stops_the_server(tmp_path: Path) -> None:
    database = await empty_database(tmp_path)
    definition = ServiceDefinition(
        name="echo",
        servicers=[Servicer(lambda _servicer, _server: None, object(), "test.Nowhere")],
        background=[],
        rules={},
        database=database,
    )
    with pytest.raises(UnknownService, match=r"test\.Nowhere"):
        Server(definition, settings_of(), SystemClock())
    await database.close()


async def test_a_server_that_others_can_reach_refuses_to_believe_its_callers(
    tmp_path: Path,
) -> None:
    database = await empty_database(tmp_path)
    with pytest.raises(InsecureServer):
        Server(echo(database), settings_of(host="0.0.0.0"), SystemClock())
    await database.close()


async def test_health_is_told_for_the_whole_and_for_each_service(tmp_path: Path) -> None:
    async with serving_echo(tmp_path) as mesh:
        check = health_pb2_grpc.HealthStub(mesh.channel("echo")).Check
        for name in ("", "ordermesh.api.event.v1.InboxService"):
            reply = await check(health_pb2.HealthCheckRequest(service=name))
            assert reply.status == health_pb2.HealthCheckResponse.SERVING
        error = await refused(check(health_pb2.HealthCheckRequest(service="nobody")))

    assert error.code() is grpc.StatusCode.NOT_FOUND


async def test_stopping_ends_streams_at_once_and_tells_their_callers_to_come_again(
    tmp_path: Path,
) -> None:
    server = Server(
        echo(await empty_database(tmp_path)), settings_of(grace_seconds=60), SystemClock()
    )
    async with grpc.aio.insecure_channel(f"127.0.0.1:{await server.start()}") as channel:
        call = EventServiceStub(channel).WatchEvents(WatchEventsRequest())
        replies = aiter(call)
        await anext(replies)
        await asyncio.wait_for(server.stop(), 10)
        told = await refusal(read_all(replies))

    assert told.code is grpc.StatusCode.UNAVAILABLE
    assert told.retry_after == pytest.approx(0.1)


async def test_stopping_lets_calls_under_way_finish(tmp_path: Path) -> None:
    may_finish = asyncio.Event()

    async def wait(_context: Context) -> None:
        await may_finish.wait()

    inbox = Inbox(wait)
    server = Server(
        echo(await empty_database(tmp_path), inbox), settings_of(grace_seconds=60), SystemClock()
    )
    async with Mesh({"echo": f"127.0.0.1:{await server.start()}"}) as mesh:
        delivering = asyncio.ensure_future(mesh.inbox("echo").Deliver(request()))
        await inbox.entered.wait()
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0.05)
        assert not stopping.done()
        may_finish.set()
        await stopping

        assert (await delivering).recorded_count == 1


async def test_stopping_cuts_off_calls_whose_grace_is_over_and_answers_them(
    tmp_path: Path,
) -> None:
    inbox = Inbox(forever)
    server = Server(
        echo(await empty_database(tmp_path), inbox), settings_of(grace_seconds=0.05), SystemClock()
    )
    async with grpc.aio.insecure_channel(f"127.0.0.1:{await server.start()}") as channel:
        delivering = asyncio.ensure_future(InboxServiceStub(channel).Deliver(request(), timeout=30))
        await inbox.entered.wait()
        await asyncio.wait_for(server.stop(), 10)
        told = await refusal(delivering)

    assert told.code is grpc.StatusCode.UNAVAILABLE


async def test_a_background_that_fails_runs_again_and_is_stopped_in_the_end(
    tmp_path: Path,
) -> None:
    class Failing:
        runs = 0

        def __init__(self) -> None:
            self.stopped = asyncio.Event()

        async def run(self) -> None:
            self.runs += 1
            if self.runs < 2:
                raise ValueError
            await self.stopped.wait()

        async def stop(self) -> None:
            self.stopped.set()

    failing = Failing()
    async with serving_echo(tmp_path, background=(failing,)):
        await eventually(lambda: failing.runs == 2)

    assert failing.stopped.is_set()


async def test_a_process_that_only_works_serves_nothing_but_health(tmp_path: Path) -> None:
    async with serving_echo(tmp_path, settings=settings_of(roles="work")) as mesh:
        error = await refused(mesh.inbox("echo").Deliver(request()))
        reply = await health_pb2_grpc.HealthStub(mesh.channel("echo")).Check(
            health_pb2.HealthCheckRequest()
        )

    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert reply.status == health_pb2.HealthCheckResponse.SERVING


async def test_probes_without_certificates_have_a_port_of_their_own(tmp_path: Path) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    async with (
        serving_echo(tmp_path, settings=settings_of(health_port=port)),
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        reply = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        error = await refused(InboxServiceStub(channel).Deliver(request()))

    assert reply.status == health_pb2.HealthCheckResponse.SERVING
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_reflection_tells_what_is_served_in_development(tmp_path: Path) -> None:
    ask = reflection_pb2.ServerReflectionRequest(list_services="")
    async with serving_echo(tmp_path) as mesh:
        stub = reflection_pb2_grpc.ServerReflectionStub(mesh.channel("echo"))
        async for reply in stub.ServerReflectionInfo(iter([ask])):
            names = {one.name for one in reply.list_services_response.service}

    assert {"ordermesh.api.event.v1.InboxService", "grpc.health.v1.Health"} <= names


async def test_reflection_is_for_operators_alone(tmp_path: Path) -> None:
    async with serving_echo(tmp_path, caller="notify") as mesh:
        stub = reflection_pb2_grpc.ServerReflectionStub(mesh.channel("echo"))
        told = await refusal(read_all(stub.ServerReflectionInfo(iter([]))))

    assert told.reason == "NOT_PERMITTED"
