"""Who calls which method until when: known everywhere below the edge without being handed down."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

LOCATION = "location"
"""The role of a warehouse, a store or a vendor: it speaks for its own locations alone."""


@dataclass(frozen=True)
class Identity:
    """The authenticated caller.

    ``name`` is a service's or a person's name; the authorization table speaks of ``roles``. A
    caller in the role of a location speaks for ``locations`` and no others; nobody else is so
    confined.
    """

    name: str
    roles: frozenset[str]
    locations: frozenset[str] = frozenset()

    @property
    def own_locations(self) -> frozenset[str] | None:
        """The locations that the caller speaks for; None means any."""
        return self.locations if LOCATION in self.roles else None


@dataclass(frozen=True)
class Call:
    """One call under way.

    ``method`` is the full name ``/package.Service/Method``. ``deadline`` is in UTC; None means that
    the caller waits for ever, as watchers do.
    """

    method: str
    identity: Identity
    deadline: datetime | None


_CALL: ContextVar[Call] = ContextVar("ordermesh_call")


def current_call() -> Call:
    """The call that this task serves; raises ``LookupError`` outside of one."""
    try:
        return _CALL.get()
    except LookupError:
        raise LookupError("No call is under way in this task.") from None


@contextmanager
def calling(call: Call) -> Iterator[Call]:
    """Inside of the block, and in tasks started there, ``call`` is the current call."""
    token = _CALL.set(call)
    try:
        yield call
    finally:
        _CALL.reset(token)
