"""`ordermesh up`: the whole mesh as processes on SQLite files, until it is told to stop."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from rich.console import Console, Group

from ordermesh.cli.mail import MailSink
from ordermesh.cli.place import DIRECTORY, PACKAGES, PORTS, MeshDirectory, MeshRecord
from ordermesh.cli.processes import (
    MeshProcesses,
    end_left_behind,
    free_ports,
    refuse_taken,
)
from ordermesh.cli.receiver import Receiver, SpanStore
from ordermesh.cli.tables import add_row, new_table, titled

T = TypeVar("T")


@asynccontextmanager
async def running_mesh(
    directory: MeshDirectory,
    *,
    on_free_ports: bool,
    tell: Callable[[str], None],
    services: Collection[str] = tuple(PORTS),
    fresh: bool = False,
    trace_sql: bool = False,
    redis_url: str | None = None,
) -> AsyncIterator[MeshProcesses]:
    """A mesh with receiver and mail sink, started and recorded; stopped and forgotten at the end.

    With ``fresh``, what was stored there before is removed. Raises ``MeshRunsAlready``,
    ``PortsTaken`` and ``ServiceFailed``.
    """
    with directory.held():
        await _tidy(directory, tell)
        if fresh:
            directory.clear()
        ports = _ports(services, on_free_ports=on_free_ports)
        receiver = Receiver(SpanStore(directory.traces_file))
        endpoint = await receiver.start()
        sink = MailSink(directory.mail_folder)
        mail_port = await sink.start()
        processes = MeshProcesses(
            directory,
            ports,
            endpoint,
            tell,
            services,
            mail_port=mail_port,
            trace_sql=trace_sql,
            redis_url=redis_url,
        )
        try:
            await processes.start()
            record_mesh(directory, processes)
            watch = asyncio.create_task(processes.watch(lambda: record_mesh(directory, processes)))
            try:
                yield processes
            finally:
                watch.cancel()
                with suppress(asyncio.CancelledError):
                    await watch
        finally:
            await processes.stop()
            await sink.stop()
            await receiver.stop()
            directory.forget()


async def up(
    directory: MeshDirectory,
    *,
    on_free_ports: bool,
    services: Collection[str],
    trace_sql: bool,
    console: Console,
    redis_url: str | None = None,
) -> None:
    """Run the mesh until SIGINT or SIGTERM; with ``redis_url``, inventory keeps a copy there.

    Raises ``MeshRunsAlready``, ``PortsTaken`` and ``ServiceFailed``.
    """

    def tell(sentence: str) -> None:
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)

    async def serve() -> None:
        tell(f"Starting {', '.join(services)} on SQLite files under {directory.path} ...")
        async with running_mesh(
            directory,
            on_free_ports=on_free_ports,
            tell=tell,
            services=services,
            trace_sql=trace_sql,
            redis_url=redis_url,
        ) as processes:
            console.print(service_table(processes))
            tell(f"Mails to customers are sent to nobody: they lie in {directory.mail_folder}.")
            tell(_examples(directory, processes.targets))
            await asyncio.Event().wait()

    await until_told_to_stop(serve(), told=lambda: tell("Stopping ..."))
    tell("Everything has stopped. What was stored stays where it is.")


async def until_told_to_stop(
    work: Coroutine[object, object, T], *, told: Callable[[], None]
) -> T | None:
    """The result of the work; None when SIGINT or SIGTERM came first and it was cancelled.

    Only the first signal counts, so that what is being stopped is stopped in good order.
    """
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    signals = (signal.SIGINT, signal.SIGTERM)

    def stop() -> None:
        for number in signals:
            loop.add_signal_handler(number, lambda: None)
        told()
        task.cancel()

    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        return None
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def record_mesh(directory: MeshDirectory, processes: MeshProcesses) -> None:
    """Write where the mesh is now, for other commands."""
    directory.write(
        MeshRecord(
            command_process_id=os.getpid(),
            receiver=processes.otlp_endpoint or "",
            services=processes.addresses,
        )
    )


def service_table(processes: MeshProcesses) -> Group:
    """The services that were started, with where they answer and what they speak."""
    table = new_table(("service", "address", "contracts", "process", "log"))
    for name in filter(processes.children.__contains__, PORTS):
        child = processes.children[name]
        log = str(processes.directory.log_file(name))
        add_row(table, name, child.target, PACKAGES[name], str(child.process.pid), log)
    return titled("The mesh is up", table)


def place_option(directory: MeshDirectory) -> str:
    """What other commands must be told to find the mesh; empty where it is in the usual place."""
    return "" if directory.path == DIRECTORY else f" --directory {directory.path}"


async def _tidy(directory: MeshDirectory, tell: Callable[[str], None]) -> None:
    record = directory.left_behind()
    if record is None:
        return
    tell(
        f"The mesh that process {record.command_process_id} ran here was not stopped in good order;"
        " its record is replaced."
    )
    ended = await end_left_behind(record)
    if ended:
        tell(f"Its services that were still there have been stopped: {', '.join(ended)}.")
    directory.forget()


def _ports(services: Collection[str], *, on_free_ports: bool) -> dict[str, int]:
    """Those of the started services; the others are expected on their usual ports."""
    started = {name: PORTS[name] for name in services}
    if on_free_ports:
        started = free_ports(services)
    refuse_taken(started)
    return {**PORTS, **started}


def _examples(directory: MeshDirectory, targets: Mapping[str, str]) -> str:
    place = place_option(directory)
    return (
        "For development: the mesh listens on loopback only, and believes what its callers call"
        " themselves.\n\n"
        "In another shell:\n"
        f"  ordermesh load --sample --orders 100{place}\n"
        f"  ordermesh doctor{place}\n"
        f"  grpcurl -plaintext {targets['routing']} list\n"
        f"  grpcurl -plaintext -d '{{\"page_size\": 5}}' {targets['inventory']}"
        " ordermesh.api.inventory.v1.ItemService/ListItems\n\n"
        "Ctrl+C stops everything."
    )
