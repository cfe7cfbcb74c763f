"""What happened in a run, in order: for people who look for a cause, and hashed for machines."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass


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

    @property
    def digest(self) -> str:
        """The same for the same history."""
        return self._digest.hexdigest()

    def about(self, *words: str) -> list[Happening]:
        """What mentions one of the words; faults always do."""
        return [
            one
            for one in self.happenings
            if one.what == "fault" or any(word in one.about for word in words)
        ]
