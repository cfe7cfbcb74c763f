"""Mails to an SMTP server, over connections that last.

What an attempt came to is known only by the answer to the whole message. An error before it, or an
answer that refuses, is certain: nothing was delivered. Silence after the message was handed over is
not: RFC 5321, 4.5.3.2.6, asks to wait long there, because whoever gives up early sends twice.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from email.message import EmailMessage
from typing import Literal

import aiosmtplib

from ordermesh.notify.domain.notification import Answer, Result

PERMANENT = 500
"""Reply codes from here on are refusals for good."""

_ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")


@dataclass(frozen=True)
class SmtpAccess:
    """How to reach the server.

    ``seconds`` is how long it may take until it wants the message, and to answer to the message.
    """

    host: str
    port: int
    security: Literal["none", "starttls", "tls"]
    username: str
    password: str
    seconds: float


class SmtpChannel:
    """Hands mails over, on as many connections as there are senders at a time."""

    def __init__(self, access: SmtpAccess) -> None:
        self._access = access
        self._idle: list[aiosmtplib.SMTP] = []

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["SmtpConnection"]:
        """A connection for one sender; it is kept for the next one while it works."""
        connection = SmtpConnection(self._access, self._idle.pop() if self._idle else None)
        try:
            yield connection
        finally:
            client = connection.release()
            if client is not None:
                self._idle.append(client)

    async def close(self) -> None:
        """Say goodbye on all connections."""
        while self._idle:
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                await self._idle.pop().quit()


class SmtpConnection:
    """One connection, made when it is needed and made again when it broke."""

    def __init__(self, access: SmtpAccess, client: aiosmtplib.SMTP | None) -> None:
        self._access = access
        self._client = client

    def release(self) -> aiosmtplib.SMTP | None:
        """The connection if it still works; None otherwise."""
        client, self._client = self._client, None
        return client if client is not None and client.is_connected else None

    async def send(self, message: EmailMessage, sender: str, recipient: str) -> Answer:
        """Hand a message over; what came of it is the answer, whatever happens."""
        is_let_in = False
        try:
            async with asyncio.timeout(self._access.seconds):
                client = await self._ready()
                is_let_in = True
                await client.mail(sender)
                await client.rcpt(recipient)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            self._drop()
            answer = _before(error)
            # A server that lets nobody in, or not with this password, has refused no mail.
            return answer if is_let_in else replace(answer, result=Result.DEFERRED)
        try:
            reply = await client.data(message.as_bytes())
        except aiosmtplib.SMTPDataError as error:
            self._drop()
            return _answer(error.code, error.message)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            self._drop()
            return Answer(Result.UNKNOWN, _name(error))
        return Answer(Result.SENT, str(reply.code))

    async def _ready(self) -> aiosmtplib.SMTP:
        client = self._client
        if client is not None and client.is_connected:
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                await client.rset()
                return client
        self._drop()
        access = self._access
        client = aiosmtplib.SMTP(
            hostname=access.host,
            port=access.port,
            use_tls=access.security == "tls",
            start_tls=access.security == "starttls",
            username=access.username or None,
            password=access.password or None,
            timeout=access.seconds,
        )
        await client.connect()
        self._client = client
        return client

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()


def _before(error: Exception) -> Answer:
    """Of an error before the message was handed over: nothing can have been delivered."""
    code = getattr(error, "code", None)
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        code = error.recipients[0].code
    if isinstance(code, int) and isinstance(error, aiosmtplib.SMTPResponseException):
        # No number is a server that said what is no reply.
        return _answer(code, error.message) if code > 0 else Answer(Result.DEFERRED, "no reply")
    return Answer(Result.DEFERRED, _name(error))


def _answer(code: int, words: str) -> Answer:
    # Of the words only the enhanced code: the rest may hold addresses.
    enhanced = _ENHANCED.search(words or "")
    told = f"{code} {enhanced.group(1)}" if enhanced else str(code)
    # No number is a server that hung up in the middle of the conversation.
    if code < 0:
        return Answer(Result.UNKNOWN, "disconnected")
    return Answer(Result.REFUSED if code >= PERMANENT else Result.DEFERRED, told)


def _name(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, aiosmtplib.SMTPServerDisconnected):
        return "disconnected"
    return type(error).__name__
