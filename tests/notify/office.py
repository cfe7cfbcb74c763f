"""A mail server that does what it is told to, and the notify service beside it."""

import asyncio
import re
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any
from uuid import uuid4

from aiosmtpd.smtp import MISSING, SMTP, AuthResult, Envelope, Session
from google.protobuf.message import Message

from ordermesh.api.event.v1 import DeliverRequest, EventEnvelope
from ordermesh.api.notify.v1 import (
    Channel,
    GetNotificationRequest,
    GetTimelineRequest,
    ListNotificationsRequest,
    Notification,
    NotificationKind,
    RetryNotificationRequest,
    SetPreferenceRequest,
)
from ordermesh.api.order.v1 import Contact
from ordermesh.api.returns import v1 as returns
from ordermesh.api.routing import v1 as routing
from ordermesh.client.mesh import Mesh
from ordermesh.kernel.clock import SystemClock
from ordermesh.notify.__main__ import Seams, assemble
from ordermesh.notify.settings import NotifySettings
from ordermesh.runtime.database import Database
from tests.eventually import eventually
from tests.routing.house import NoJitter
from tests.servers import serving

SMTP_SECONDS = 1.0

EMAIL = Channel.CHANNEL_EMAIL
ADA = Contact(name="Ada Lovelace", email="ada@customers.example", language="en")


class Provider:
    """Takes mails. ``script`` holds what it does with the next ones; after that it takes them.

    A step is a reply to the message (``"451 4.3.0 busy"``), ``late`` (takes it, and answers after a
    while), ``silent`` (takes it, and never answers), ``hangs up`` (takes it, and is gone), ``deaf``
    (does not answer to the sender's name), ``mumbles`` (answers to it with what is no reply), or
    ``refuses`` (does not want the recipient). It lets in whoever has a password, but for the times
    when ``password_is_wrong``.
    """

    def __init__(self, late_seconds: float = SMTP_SECONDS / 2) -> None:
        self._late_seconds = late_seconds
        self.script: deque[str] = deque()
        self.taken: list[bytes] = []
        self.faults: Counter[str] = Counter()
        self.port = 0
        self.password_is_wrong = False
        self._server: asyncio.Server | None = None
        self._silence = asyncio.Event()

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._silence.set()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    # Methods, because the library reads every attribute of this object for each connection.
    def mails(self) -> list[EmailMessage]:
        parser = BytesParser(policy=policy.default)
        return [parser.parsebytes(one) for one in self.taken]

    def copies(self) -> Counter[str]:
        """How often each mail was taken."""
        found = (re.search(rb"(?im)^message-id: *(<[^>]*>)", one) for one in self.taken)
        return Counter(one.group(1).decode() if one else "" for one in found)

    def _protocol(self) -> SMTP:
        return SMTP(
            self,
            hostname="mail.test",
            loop=asyncio.get_running_loop(),
            auth_require_tls=False,
            authenticator=lambda *_: AuthResult(success=True),
        )

    def _is(self, *steps: str) -> str:
        if self.script and self.script[0] in steps:
            step = self.script.popleft()
            self.faults[step] += 1
            return step
        return ""

    async def handle_AUTH(  # noqa: N802
        self, server: Any, session: Any, envelope: Envelope, arguments: list[str]
    ) -> Any:
        if not self.password_is_wrong:
            return MISSING
        self.faults["wrong password"] += 1
        return "535 5.7.8 wrong password"

    async def handle_MAIL(  # noqa: N802
        self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._is("deaf"):
            await self._silence.wait()
        if self._is("mumbles"):
            return "what?"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._is("refuses"):
            return f"550 5.1.1 {address} is nobody here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        if self.script and self.script[0][:1].isdigit():
            reply = self.script.popleft()
            self.faults[reply[:3]] += 1
            return reply
        step = self._is("late", "silent", "hangs up")
        self.taken.append(content)
        if step == "late":
            await asyncio.sleep(self._late_seconds)
        elif step == "silent":
            await self._silence.wait()
        elif step == "hangs up":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 2.0.0 taken"


class Office:
    """The service with its mail server. ``at`` is called at the points where it could crash."""

    def __init__(self, database_url: str, provider: Provider) -> None:
        self._database_url = database_url
        self.provider = provider
        self.at: Callable[[str], Awaitable[None] | None] = lambda _point: None
        self.settings: dict[str, Any] = {"smtp_connections": 1}
        self.database: Database | None = None
        self.mesh: Mesh
        self.routing: Mesh
        self._stack = AsyncExitStack()
        self._sequence = 0

    async def start(self) -> None:
        clock = SystemClock()
        self.database = await Database.open(self._database_url, clock=clock)
        settings = NotifySettings(
            smtp_host="127.0.0.1",
            smtp_port=self.provider.port,
            smtp_security="none",
            smtp_seconds=SMTP_SECONDS,
            shop_name="Mugs & more",
            **self.settings,
        )
        seams = Seams(self.database, clock, NoJitter(7), self._reach)
        served = await self._stack.enter_async_context(serving(assemble(seams, settings)))
        self.mesh = served.mesh
        self.routing = await self._stack.enter_async_context(served.as_caller("routing"))

    async def stop(self) -> None:
        await self._stack.aclose()

    async def _reach(self, point: str) -> None:
        waiting = self.at(point)
        if waiting is not None:
            await waiting

    async def tell(
        self, kind: str, payload: Message, order_id: str, contact: Contact | None = None, **at: Any
    ) -> EventEnvelope:
        """Deliver an event about an order."""
        self._sequence += 1
        event = EventEnvelope(
            event_id=str(uuid4()),
            type=f"ordermesh.{kind}.v1",
            source="routing",
            aggregate_type="order",
            aggregate_id=order_id,
            sequence=self._sequence,
            payload_type=payload.DESCRIPTOR.full_name,
            payload=payload.SerializeToString(),
            order_id=order_id,
            contact=contact,
        )
        event.event_time.FromDatetime(at.get("event_time", datetime.now(UTC)))
        await self.routing.inbox("notify").Deliver(DeliverRequest(events=[event]))
        return event

    async def confirm(
        self,
        order_id: str = "A-1",
        contact: Contact | None = ADA,
        *,
        name: str = "",
        sku: str = "MUG-7",
        **at: Any,
    ) -> EventEnvelope:
        """An order was sourced: its customer is told that it is confirmed."""
        line = routing.OrderLine(line_id="1", sku=sku, quantity=3, sourced_quantity=2)
        line.unfilled_quantity = 1
        order = routing.Order(order_id=order_id, channel_order_id=name, lines=[line])
        work = [routing.FulfillmentOrder(order_id=order_id)] * 2
        payload = routing.OrderSourced(order=order, fulfillment_orders=work)
        return await self.tell("order.sourced", payload, order_id, contact, **at)

    async def ship(self, order_id: str = "A-1", contact: Contact | None = ADA) -> EventEnvelope:
        work = routing.FulfillmentOrder(
            order_id=order_id,
            fulfillment_order_id=f"F-{order_id}",
            lines=[routing.FulfillmentLine(line_id="1", sku="MUG-7", quantity=2)],
            parcels=[routing.Parcel(carrier="UPS", tracking_number="1Z999")],
        )
        payload = routing.FulfillmentOrderShipped(fulfillment_order=work)
        return await self.tell("fulfillment_order.shipped", payload, order_id, contact)

    async def refund(self, order_id: str = "A-1", units: int = 9, nanos: int = 0) -> EventEnvelope:
        one = returns.Return(order_id=order_id, return_id="R-1")
        due = returns.Refund(refund_id=str(uuid4()))
        due.amount.currency_code, due.amount.units, due.amount.nanos = "EUR", units, nanos
        payload = returns.RefundDue(order_return=one, refund=due)
        return await self.tell("refund.due", payload, order_id)

    async def notifications(self, **filters: Any) -> list[Notification]:
        reply = await self.mesh.notifications.ListNotifications(ListNotificationsRequest(**filters))
        return list(reply.notifications)

    async def one(self) -> Notification:
        """The only notification, with its attempts."""
        (found,) = await self.notifications()
        request = GetNotificationRequest(notification_id=found.notification_id)
        return (await self.mesh.notifications.GetNotification(request)).notification

    async def settled(self, count: int = 1) -> list[Notification]:
        """All notifications, when so many are in a final state."""
        final = (Notification.STATE_SENT, Notification.STATE_DEAD, Notification.STATE_DROPPED)

        async def are_final() -> bool:
            states = [one.state for one in await self.notifications()]
            return sum(state in final for state in states) >= count

        await eventually(are_final)
        return await self.notifications()

    async def prefer(
        self,
        opted_out: bool,
        kind: NotificationKind.ValueType = NotificationKind.NOTIFICATION_KIND_UNSPECIFIED,
        address: str = ADA.email,
    ) -> None:
        await self.mesh.preferences.SetPreference(
            SetPreferenceRequest(
                request_id=str(uuid4()),
                address=address,
                channel=EMAIL,
                kind=kind,
                opted_out=opted_out,
            )
        )

    async def retry(self, one: Notification) -> Notification:
        request = RetryNotificationRequest(
            request_id=str(uuid4()), notification_id=one.notification_id
        )
        return (await self.mesh.notifications.RetryNotification(request)).notification

    async def sentences(self, order_id: str = "A-1") -> list[str]:
        reply = await self.mesh.timeline.GetTimeline(GetTimelineRequest(order_id=order_id))
        return [entry.sentence for entry in reply.entries]

    async def until(self, condition: Callable[[], bool | Awaitable[bool]]) -> None:
        await eventually(condition)
