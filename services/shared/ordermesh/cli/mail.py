"""A mail server that delivers to nobody: what the mesh would send lies in a folder as files.

It speaks SMTP with whoever reaches it on loopback, writes each mail as an ``.eml`` file that any
mail program opens, and answers only when the file is there.
"""

import asyncio
import re
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

MAIL_BYTES_MAX = 10_000_000
_TAKEN = "250 OK"
_NAME_LENGTH_MAX = 120


class MailSink:
    """Mails into ``folder``, one file for each, in the order of their arrival."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: asyncio.Server | None = None
        self._last_number = 0

    async def start(self) -> int:
        """Listen on a free port of loopback; gives the port."""
        self._folder.mkdir(parents=True, exist_ok=True)
        numbers = [int(file.name[:6]) for file in self._folder.glob("[0-9]" * 6 + "-*.eml")]
        self._last_number = max(numbers, default=0)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Take no more mails."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    # The library calls it by this name.
    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Write the mail; the answer is given when it is written."""
        content = envelope.content
        written = content if isinstance(content, bytes) else (content or "").encode()
        self._last_number += 1
        name = f"{self._last_number:06d}-{_message_name(written)}.eml"
        # A file on the disk of this machine: faster than to hand it to a thread.
        (self._folder / name).write_bytes(written)
        return _TAKEN

    def _protocol(self) -> SMTP:
        return SMTP(
            self,
            hostname="localhost",
            ident="Ordermesh mail sink",
            data_size_limit=MAIL_BYTES_MAX,
            enable_SMTPUTF8=True,
            decode_data=False,
            loop=asyncio.get_running_loop(),
        )


def read_mail(file: Path) -> dict[str, Any]:
    """A mail as it lies there: ``message_id``, ``to``, ``subject``, ``text`` and ``html``."""
    with file.open("rb") as mail:
        message = BytesParser(policy=policy.default).parse(mail)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    return {
        "message_id": str(message["Message-ID"]),
        "to": str(message["To"]),
        "subject": str(message["Subject"]),
        "text": text.get_content() if text is not None else "",
        "html": html.get_content() if html is not None else "",
    }


def _message_name(written: bytes) -> str:
    """The left part of the ``Message-ID``, as far as it can be part of a file's name."""
    found = re.search(rb"(?im)^message-id:\s*<([^@>\r\n]*)", written)
    name = found.group(1).decode("ascii", "replace") if found else "mail"
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)[:_NAME_LENGTH_MAX]
