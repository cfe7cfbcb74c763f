"""Noticing that a peer is there again, so that what waits for it need not wait any longer.

Rows that failed while a peer was away wait longer and longer, by chance. When one of them gets
through after nothing had for a while, the others are tried now. A peer that answers some calls and
refuses others was not away: to hasten then would undo the waiting that helps it.
"""

from collections.abc import Collection

from ordermesh.kernel.clock import Clock
from ordermesh.kernel.errors import Unavailable

AWAY_SECONDS = 2.0
"""So long after the last success a peer that does not answer counts as away."""


class Returns:
    """Which kinds of work wait for a peer that is away. At first it is not known: all may."""

    def __init__(self, clock: Clock, kinds: Collection[str]) -> None:
        self._clock = clock
        self._away = set(kinds)
        self._successes: dict[str, float | None] = dict.fromkeys(kinds)

    def note_failure(self, kind: str, error: Exception) -> None:
        """Work of a kind has failed."""
        if kind in self._successes and isinstance(error, Unavailable):
            last = self._successes[kind]
            if last is None or self._clock.monotonic() - last >= AWAY_SECONDS:
                self._away.add(kind)

    def note_success(self, kind: str) -> bool:
        """Work of a kind has succeeded; True when its peer has been away until now."""
        if kind not in self._successes:
            return False
        self._successes[kind] = self._clock.monotonic()
        if kind not in self._away:
            return False
        self._away.discard(kind)
        return True
