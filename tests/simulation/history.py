"""What happened in a run, in order: for people who look for a cause, and hashed for machines."""

import hashlib
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Happening:
    """Something that happened: when, to whom, what, and the particulars."""

    seconds: float
    who: str
    what: str
    about: str

    def __str__(self) -> str:
        return f"{self.seconds:11.6f} {self.who:<12} {self.what:<10} {self.about}"


class History:
    """All that happened. Two runs of a seed have one digest."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._digest = hashlib.sha256()
        self.happenings: list[Happening] = []

    def add(self, who: str, what: str, about: str = "") -> None:
        """Something happened now."""
        one = Happening(self._now(), who, what, about)
        self.happenings.append(one)
        self._digest.update(f"{one}\n".encode())

    def end(self) -> None:
        """Nothing happens any more: let go of the loop whose time it was."""
        seconds = self._now()
        self._now = lambda: seconds

    @property
    def digest(self) -> str:
        """The same for the same history."""
        return self._digest.hexdigest()

    def of(self, sentences: Iterable[str]) -> list[Happening]:
        """What concerns the things that are named in these sentences, beside all faults.

        Where they name nothing, all of it.
        """
        names = {name for sentence in sentences for name in _NAMES.findall(sentence)}
        if not names:
            return self.happenings
        calls = {
            number.group()
            for one in self.happenings
            if any(name in one.about for name in names)
            and (number := _CALL.match(one.about)) is not None
        }
        return [one for one in self.happenings if self._concerns(one, names, calls)]

    def _concerns(self, one: Happening, names: Collection[str], calls: Collection[str]) -> bool:
        if one.what in _EVENTFUL or any(name in one.about for name in names):
            return True
        number = _CALL.match(one.about)
        return number is not None and number.group() in calls


_EVENTFUL = frozenset({"fault", "dies", "starts", "serves", "stops"})
_CALL = re.compile(r"#\d+\b")
_NAMES = re.compile(r"\b(?:shop\d+-\d+|desk-\d+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22})\b")
_SAYING = (
    "order_id",
    "fulfillment_order_id",
    "reservation_id",
    "return_id",
    "count_id",
    "checkout_reservation_ids",
    "start_revision",
    "fence",
)
"""Fields that say what a request is about."""


def gist(request: Any) -> str:
    """What a request is about, in a few words."""
    if events := getattr(request, "events", ()):
        return " ".join(
            f"{one.type.removeprefix('ordermesh.')} of {one.aggregate_id}/{one.sequence}"
            for one in events
        )
    fields = request.DESCRIPTOR.fields_by_name
    said = [(name, getattr(request, name)) for name in _SAYING if name in fields]
    return " ".join(f"{name}={_words(value)}" for name, value in said if value) or "-"


def _words(value: Any) -> str:
    return str(value) if isinstance(value, str | int) else ",".join(map(str, value))
