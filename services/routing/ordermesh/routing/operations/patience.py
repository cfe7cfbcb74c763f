"""How long a call waits for a worker, and when it had better answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ordermesh.kernel.clock import Clock
from ordermesh.runtime.call import current_call

DEFAULT = timedelta(seconds=2)
"""How long a caller is waited for who names no deadline."""

_SHARE = 0.15
_MARGIN_MAX = timedelta(milliseconds=400)


@dataclass(frozen=True)
class Patience:
    """The instants of a call, by the application's clock.

    At ``answer_by`` the caller is answered. What is done for nobody else must be done by
    ``finish_by``, so that the answer can still tell of it.
    """

    now: datetime
    finish_by: datetime
    answer_by: datetime

    @property
    def left(self) -> timedelta:
        """How long there is to finish."""
        return self.finish_by - self.now


def patience(clock: Clock) -> Patience:
    """How long the present call may wait."""
    now = clock.now()
    deadline = current_call().deadline or now + DEFAULT
    left = max(deadline - now, timedelta())
    margin = min(left * _SHARE, _MARGIN_MAX)
    return Patience(now, deadline - 2 * margin, deadline - margin)
