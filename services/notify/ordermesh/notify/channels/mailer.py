"""The way of mails: rendered, built, and handed to the SMTP server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.headerregistry import Address

from ordermesh.kernel.clock import Clock
from ordermesh.notify.channels.mail import UnsafeHeader, build_mail, normal_address
from ordermesh.notify.channels.smtp import SmtpChannel, SmtpConnection
from ordermesh.notify.domain.notification import Answer, Notification, Result
from ordermesh.notify.domain.recipient import Recipient
from ordermesh.notify.templates.render import Renderer


class SmtpMailer:
    """Sends mails; beside the calls it only waits to say goodbye to the server at the end."""

    def __init__(
        self, channel: SmtpChannel, renderer: Renderer, sender: Address, clock: Clock
    ) -> None:
        self._channel = channel
        self._renderer = renderer
        self._sender = sender
        self._clock = clock
        self._has_ended = asyncio.Event()

    async def run(self) -> None:
        """Wait until stopped."""
        await self._has_ended.wait()
        await self._channel.close()

    async def stop(self) -> None:
        """Close the connections that are idle."""
        self._has_ended.set()

    def address_of(self, recipient: Recipient) -> str | None:
        """The mail address in normal form; None when there is none that can be reached."""
        return normal_address(recipient.email) if recipient.email else None

    @asynccontextmanager
    async def line(self) -> AsyncIterator["MailSender"]:
        """A connection for one sender at a time."""
        async with self._channel.connection() as connection:
            yield MailSender(self, connection)

    async def send(
        self, connection: SmtpConnection, one: Notification, recipient: Recipient, address: str
    ) -> Answer:
        """Render, build and hand over."""
        try:
            message = build_mail(
                self._renderer.render(one.kind, one.facts, recipient),
                to_name=recipient.name,
                to_address=address,
                sender=self._sender,
                notification_id=one.notification_id,
                date=self._clock.now(),
            )
        except UnsafeHeader:
            return Answer(Result.REFUSED, "unsafe header")
        return await connection.send(message, self._sender.addr_spec, address)


class MailSender:
    """One sender on its connection."""

    def __init__(self, mailer: SmtpMailer, connection: SmtpConnection) -> None:
        self._mailer = mailer
        self._connection = connection

    async def send(self, one: Notification, recipient: Recipient, address: str) -> Answer:
        """Hand it over; what came of it is the answer, whatever happens."""
        return await self._mailer.send(self._connection, one, recipient, address)
