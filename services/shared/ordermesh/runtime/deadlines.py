"""Until when a call may take: what its caller gave, within what we allow."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ordermesh.kernel.clock import Clock
from ordermesh.runtime.call import current_call

MARGIN_SECONDS = 0.01
"""What a call onward gets less than is left, so that we can still answer when it fails."""

_TOLERANCE_SECONDS = 0.025


@dataclass(frozen=True)
class Deadlines:
    """How many seconds unary calls of one server may take. Streams may take for ever.

    ``methods`` has the default of methods that need longer than the others.
    """

    default_seconds: float = 2.0
    seconds_max: float = 30.0
    methods: Mapping[str, float] = field(default_factory=dict)

    def seconds(self, method: str, given: float | None) -> float:
        """How long a call of this method may take; ``given`` is what its caller allows."""
        if given is None:
            return min(self.methods.get(method, self.default_seconds), self.seconds_max)
        return min(given, self.seconds_max)


def seconds_left(clock: Clock) -> Callable[[], float | None]:
    """Asks how much time is left for calls onward; None outside of calls and in endless ones."""

    def left() -> float | None:
        try:
            deadline = current_call().deadline
        except LookupError:
            return None
        if deadline is None:
            return None
        return (deadline - clock.now()).total_seconds() - MARGIN_SECONDS

    return left


def is_over(left: float | None, given: float) -> bool:
    """Whether a call that was cancelled with ``left`` seconds to go was cancelled by its deadline.

    A caller's clock rings a little before ours, because what it sends is rounded up by up to a
    hundredth.
    """
    return left is not None and left <= _TOLERANCE_SECONDS + given / 100
