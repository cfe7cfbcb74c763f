"""The errors of the domain: what is wrong, with its facts, and no word of any transport.

::

    DomainError
     ├── NotFound         it is not there
     ├── InvalidRequest   it can never work as asked
     ├── RuleViolated     asking again will not help until the world changes
     ├── Conflict         somebody was first: reread, then retry the whole
     ├── NotAllowed       it is about what is not the caller's
     └── Suspended        it is not decided until somebody has put something in order
    Overloaded            too much at once; ask again later
    Unavailable           a service that is needed is away; ask again later

One table in ``ordermesh.runtime.status`` turns them into statuses.
"""

from collections.abc import Mapping
from typing import ClassVar

Facts = Mapping[str, object]


class DomainError(Exception):
    """A refusal that is part of the contract, with a published reason and its facts.

    ``sentence`` is for people and may change; ``reason`` and the keys of ``facts`` are published
    in the service's ``ErrorReason`` and may not. Several rows of facts (several short lines, say)
    are reported together: the keys of the second row carry the suffix ``-2``, and so on. At most
    ``ROWS_SHOWN`` rows travel, because they must fit into the trailing metadata of a call.
    """

    reason: ClassVar[str]
    ROWS_SHOWN: ClassVar[int] = 20

    def __init__(self, sentence: str, *rows: Facts) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.rows: tuple[Facts, ...] = rows

    def facts(self) -> dict[str, str]:
        """The facts as flat text, in the form in which they travel."""
        flat: dict[str, str] = {}
        for number, row in enumerate(self.rows[: self.ROWS_SHOWN], start=1):
            suffix = "" if number == 1 else f"-{number}"
            flat.update({f"{key}{suffix}": str(value) for key, value in row.items()})
        if len(self.rows) > 1:
            flat["rows"] = str(len(self.rows))
        return flat


class NotFound(DomainError):
    """It is not there."""


class InvalidRequest(DomainError):
    """It can never work as asked."""


class RuleViolated(DomainError):
    """Asking again will not help until the world changes."""


class Conflict(DomainError):
    """Somebody was first: reread, then retry the whole."""


class NotAllowed(DomainError):
    """It is about what is not the caller's."""


class Suspended(DomainError):
    """It is not decided until somebody has put something in order.

    Unlike a rule that is violated it is no decision, and not kept as one: the same request may be
    sent again, and be done then.
    """


class Overloaded(Exception):
    """Too much at once. ``retry_after`` is in seconds."""

    reason: ClassVar[str] = "OVERLOADED"

    def __init__(self, sentence: str, *, retry_after: float) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.retry_after = retry_after


class Unavailable(Exception):
    """A service that is needed is away. ``retry_after`` is in seconds."""

    reason: ClassVar[str] = "UNAVAILABLE"

    def __init__(self, sentence: str, *, service: str, retry_after: float) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.service = service
        self.retry_after = retry_after
