"""A provider that fails, is silent and answers late, with the service killed in between.

Nothing is lost. What a customer has twice was in the open when the process died, or was taken by
the provider without an answer; all of it is marked.
"""

import asyncio
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest

from ordermesh.api.event.v1 import DeliverRequest, EventEnvelope
from ordermesh.api.notify.v1 import (
    CountNotificationsRequest,
    ListNotificationsRequest,
    Notification,
)
from ordermesh.api.order.v1 import Contact
from ordermesh.api.routing.v1 import Order, OrderLine, OrderSourced
from ordermesh.client.mesh import Mesh
from tests.dialects import on_sqlite
from tests.eventually import eventually
from tests.notify.office import Provider

pytestmark = [pytest.mark.integration]

SECONDS = 0.4
STEPS = {
    "451 4.3.0 busy": 0.04,
    "deaf": 0.005,
    "late": 0.01,
    "silent": 0.005,
    "hangs up": 0.005,
}
"""What the provider does instead of taking a mail, and how often."""


class Moody(Provider):
    """A provider whose moods are drawn from a seed."""

    def __init__(self, seed: int) -> None:
        super().__init__(late_seconds=SECONDS / 2)
        self._chance = random.Random(seed)

    async def handle_MAIL(self, *arguments: Any) -> str:  # noqa: N802
        drawn = self._chance.random()
        for step, share in STEPS.items():
            drawn -= share
            if drawn < 0:
                self.script.append(step)
                break
        return await super().handle_MAIL(*arguments)


def told(number: int) -> EventEnvelope:
    order = Order(
        order_id=f"O-{number}",
        lines=[OrderLine(line_id="1", sku="MUG", quantity=1, sourced_quantity=1)],
    )
    payload = OrderSourced(order=order)
    event = EventEnvelope(
        event_id=str(uuid4()),
        type="ordermesh.order.sourced.v1",
        source="routing",
        aggregate_type="order",
        aggregate_id=f"O-{number}",
        sequence=1,
        payload_type=payload.DESCRIPTOR.full_name,
        payload=payload.SerializeToString(),
        order_id=f"O-{number}",
        contact=Contact(name="Ada", email=f"ada-{number}@customers.example"),
    )
    event.event_time.FromDatetime(datetime.now(UTC))
    return event


@asynccontextmanager
async def running(
    database_url: str, provider: Provider, log: Path
) -> AsyncIterator[tuple[asyncio.subprocess.Process, Mesh]]:
    """The service as a process; whoever leaves kills it, as the power does."""
    prefix = "ORDERMESH_NOTIFY_"
    environment = {
        "PATH": "/usr/bin:/bin",
        f"{prefix}PORT": "0",
        f"{prefix}DATABASE_URL": database_url,
        f"{prefix}SMTP_HOST": "127.0.0.1",
        f"{prefix}SMTP_PORT": str(provider.port),
        f"{prefix}SMTP_SECURITY": "none",
        f"{prefix}SMTP_SECONDS": str(SECONDS),
        f"{prefix}SMTP_CONNECTIONS": "1",
    }
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ordermesh.notify",
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env=environment,
        )
    assert process.stdout is not None
    target = ""
    while not target:
        line = (await process.stdout.readline()).decode()
        assert line, written(log)
        target = line.rpartition("listening on ")[2].strip() if "listening on" in line else ""
    try:
        async with Mesh({"notify": target}) as mesh:
            yield process, mesh
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


def written(log: Path) -> str:
    """The end of what the service wrote."""
    return log.read_text()[-2_000:]


async def sent(mesh: Mesh) -> int:
    reply = await mesh.notifications.CountNotifications(CountNotificationsRequest(), timeout=20)
    return sum(one.count for one in reply.counts if one.state == Notification.STATE_SENT)


async def has_sent(mesh: Mesh, count: int) -> bool:
    return await sent(mesh) >= count


async def patiently(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """As ``eventually``, for as long as the test may take."""
    while True:
        with suppress(AssertionError):
            await eventually(condition)
            return


async def everything(mesh: Mesh) -> list[Notification]:
    found: list[Notification] = []
    token = ""
    while True:
        request = ListNotificationsRequest(page_size=1_000, page_token=token)
        page = await mesh.notifications.ListNotifications(request, timeout=20)
        found.extend(page.notifications)
        token = page.next_page_token
        if not token:
            return found


@on_sqlite
@pytest.mark.parametrize(
    ("count", "kills"),
    [
        (200, 2),
        pytest.param(2_000, 10, marks=[pytest.mark.slow, pytest.mark.timeout(900)]),
    ],
)
async def test_none_is_lost_and_what_came_twice_is_marked(
    migrated_url: Callable[[str], str], tmp_path: Path, count: int, kills: int
) -> None:
    database_url = migrated_url("ordermesh.notify:migrations")
    provider, log = Moody(count), tmp_path / "notify.log"
    await provider.start()
    chance = random.Random(count)
    try:
        async with running(database_url, provider, log) as (_, mesh):
            events = [told(number) for number in range(count)]
            for start in range(0, count, 100):
                request = DeliverRequest(events=events[start : start + 100])
                await mesh.inbox("notify").Deliver(request, timeout=20)
        for number in range(1, kills):
            async with running(database_url, provider, log) as (_, mesh):
                # Killed in the middle of it: when its share was taken, and a moment later.
                share = count * number // (kills + 1)
                await patiently(lambda share=share: len(provider.taken) >= share)  # type: ignore[misc]
                await asyncio.sleep(chance.uniform(0, 0.05))
        async with running(database_url, provider, log) as (_, mesh):
            await patiently(lambda: has_sent(mesh, count))
            found = await everything(mesh)
    except grpc.aio.AioRpcError as error:
        raise AssertionError(written(log)) from error
    finally:
        await provider.stop()

    assert len(found) == count
    assert {one.state for one in found} == {Notification.STATE_SENT}
    copies = provider.copies()
    assert {f"<{one.notification_id}@shop.example>" for one in found} == copies.keys()
    twice = {name for name, number in copies.items() if number > 1}
    marked = {f"<{one.notification_id}@shop.example>" for one in found if one.possible_duplicate}
    assert twice <= marked
    # One connection: at most one mail is in the open when the process dies.
    unanswered = provider.faults["silent"] + provider.faults["hangs up"]
    surplus = sum(copies.values()) - count
    assert surplus <= kills + unanswered
    assert {"451", "late"} <= provider.faults.keys()
    assert unanswered > 0
    print(  # noqa: T201 - the figures of a proof
        f"{count} notices, {kills} kills, {dict(provider.faults)}: {surplus} copies too many,"
        f" {len(marked)} marked"
    )
