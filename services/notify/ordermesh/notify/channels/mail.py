"""Mails as messages: built of what was rendered, with headers that nobody can inject into."""

import re
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from ordermesh.notify.domain.recipient import NAME_LENGTH_MAX, plain
from ordermesh.notify.templates.render import Rendered

SUBJECT_LENGTH_MAX = 150

_FORBIDDEN = re.compile(r"[\r\n\0]")

_ENCODED = "=?"
"""How a word begins that is read as the encoding of something else (RFC 2047)."""


class UnsafeHeader(Exception):
    """Something would have broken out of its header: a defect of ours, and nothing is sent."""


def normal_address(address: str) -> str | None:
    """The address in the form in which it is written to; None when nobody can be reached there."""
    # An address that looks encoded is an address, but none that can be written into a header.
    if _FORBIDDEN.search(address) or _ENCODED in address or len(address) > 254:
        return None
    try:
        found = validate_email(address, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        return None
    return found.ascii_email


def build_mail(
    rendered: Rendered,
    *,
    to_name: str,
    to_address: str,
    sender: Address,
    notification_id: UUID,
    date: datetime,
) -> EmailMessage:
    """The message. Its ``Message-ID`` is that of the notification: twice sent is the same mail.

    Raises ``UnsafeHeader``.
    """
    # Newer Pythons verify generated headers once more by themselves.
    message = EmailMessage(policy=policy.SMTP)
    headers = {
        "From": sender,
        "To": _addressed(_word(to_name), to_address),
        "Subject": _word(rendered.subject, SUBJECT_LENGTH_MAX),
        "Date": format_datetime(date),
        "Message-ID": f"<{notification_id}@{sender.domain}>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
    for name, value in headers.items():
        if _FORBIDDEN.search(str(value)):
            raise UnsafeHeader(f"{name} would have more than one line.")
        message[name] = value
    message.set_content(rendered.text, cte="quoted-printable")
    message.add_alternative(rendered.html, subtype="html", cte="base64")
    return message


def _addressed(name: str, address: str) -> Address:
    """The recipient, without a name that would not stay one.

    The library loses the quotes of a name that it has to put on a line of its own, and what is
    between its commas is read as addresses of others.
    """
    named = Address(display_name=name, addr_spec=address)
    written = policy.SMTP.header_factory("To", named).fold(policy=policy.SMTP)
    unfolded = written.replace("\r\n", "").removeprefix("To:")
    try:
        read = policy.SMTP.header_factory("To", unfolded).addresses
    except IndexError:  # the library's own, where it cannot read what it wrote
        read = ()
    is_one = [one.addr_spec for one in read] == [address]
    return named if is_one else Address(addr_spec=address)


def _word(text: str, most: int = NAME_LENGTH_MAX) -> str:
    """Text for a header: one line, and nothing that is read as the encoding of something else.

    The library decodes words like ``=?utf-8?q?=0D=0A?=`` (RFC 2047) that it finds in what it is
    given, so that a line break could come in by that door.
    """
    return plain(text, most).replace(_ENCODED, "= ?")
