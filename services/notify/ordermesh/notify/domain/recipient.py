"""Whom an order is for: personal data, which no log, span or reply ever shows."""

import hashlib
import unicodedata
from dataclasses import dataclass, field

NAME_LENGTH_MAX = 80

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class Recipient:
    """Whom to tell about an order. ``order_name`` is what the customer calls the order."""

    order_id: str
    order_name: str = ""
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    language: str = ""


def plain(text: str, most: int = NAME_LENGTH_MAX) -> str:
    """Text that can stand in a line of a mail: one line, and nothing in it that turns text around.

    Control characters become spaces, formatting characters that steer the direction of text are
    left out, runs of spaces become one, and what is longer is cut.
    """
    kept = "".join(
        " " if unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs") else character
        for character in unicodedata.normalize("NFC", text)
        if character not in _BIDI
    )
    line = " ".join(kept.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def digest(channel: str, address: str) -> bytes:
    """What is kept of an address to recognise it again: nobody reads it back."""
    return hashlib.sha256(f"{channel}:{address.casefold()}".encode()).digest()
