"""The call under way: who is answerable for it, and how long it waits for a worker."""

from datetime import datetime, timedelta

from ordermesh.kernel.clock import Clock
from ordermesh.returns.domain.order_return import Actor
from ordermesh.runtime.call import current_call

DEFAULT = timedelta(seconds=2)
"""How long a caller is waited for who names no deadline."""

_SHARE = 0.15
_MARGIN_MAX = timedelta(milliseconds=400)


def answer_by(clock: Clock) -> datetime:
    """When the caller is answered, by the application's clock: a little before its deadline."""
    now = clock.now()
    deadline = current_call().deadline or now + DEFAULT
    left = max(deadline - now, timedelta())
    return deadline - min(left * _SHARE, _MARGIN_MAX)


def acting(on_behalf_of: str) -> Actor:
    """Who is answerable for the call."""
    return Actor(current_call().identity.name, on_behalf_of)
