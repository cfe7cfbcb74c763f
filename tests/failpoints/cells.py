"""The cells of the matrix: which point, in which service, with which action, at which passing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ordermesh.runtime.failpoints import Action
from ordermesh.runtime.points import POINTS

DELAY_SECONDS = 1.5
"""Long against every wait of a worker, short against a lease."""

SERVICES = ("inventory", "routing", "returns", "notify")

_OWNERS: Mapping[str, Sequence[str]] = {
    "server": ("routing", "inventory", "returns", "notify"),
    "database": ("inventory", "routing", "returns", "notify"),
    "mutation": ("routing", "inventory", "returns"),
    "mutations": ("inventory",),
    "batch": ("inventory",),
    "work": ("routing", "returns", "notify"),
    "outbox": ("routing", "returns", "notify"),
    "inbox": ("notify", "returns"),
    "feed": ("routing", "returns", "notify"),
    "sequencer": ("inventory", "routing", "returns", "notify"),
    "ledger": ("inventory",),
    "expiry": ("inventory",),
    "routing": ("routing",),
    "returns": ("returns",),
    "notify": ("notify",),
}
"""The services that pass the points of each group in the story; the first is asked first."""

_OWNERS_OF: Mapping[str, Sequence[str]] = {
    "outbox.delivering": ("routing", "returns"),
    "outbox.delivered": ("routing", "returns"),
    "outbox.marked": ("routing", "returns"),
    # Rows are put off where a step takes long, or a mail was not taken.
    "work.rescheduling": ("routing",),
    # Who follows along watches: routing inventory's items.
    "feed.page": ("inventory",),
}

_OFTEN = ("database.", "work.", "outbox.", "server.", "routing.looked", "routing.committed")
_OFTEN_PASSING = 6
_ONCE = (
    "routing.before_confirm",
    "routing.after_confirm",
    "routing.before_undo",
    "routing.after_undo",
    "routing.after_surplus",
    "routing.after_giving_back",
    "routing.followed",
    "routing.replanned",
    "routing.reassign",
    "routing.before_reassign",
    "routing.after_reassign",
    "work.rescheduling",
    "returns.",
    "expiry.",
    # Where the books are remembered, many orders of a day are granted without a look at them.
    "ledger.",
    "feed.page",
    "batch.",
    "mutations.",
    "inbox.",
)

_WITH: Mapping[str, str] = {
    # A worker that has worked on an order for long gives its row back before the lease ends.
    "work.rescheduling": "routing.before_reserve=delay:4.5@1-8",
}
"""What else must go wrong for a point to be passed."""


@dataclass(frozen=True)
class Cell:
    """One point, with what happens there to which service."""

    point: str
    action: Action
    service: str

    @property
    def name(self) -> str:
        """As people and files call it."""
        return f"{self.point} {self.action} in {self.service}"

    @property
    def faults(self) -> str:
        """The plan that the service follows."""
        seconds = f":{DELAY_SECONDS}" if self.action is Action.DELAY else ""
        fault = f"{self.point}={self.action}{seconds}@{self._passing}"
        return ",".join(filter(None, (fault, _WITH.get(self.point))))

    @property
    def _passing(self) -> int:
        if self.point.startswith(_ONCE):
            return 1
        if self.point.startswith(_OFTEN) and self.service in ("routing", "inventory"):
            return _OFTEN_PASSING
        return 2


def cells(
    points: Sequence[str] = (),
    actions: Sequence[Action] = (),
    services: Sequence[str] = (),
    *,
    everywhere: bool = False,
) -> Iterator[Cell]:
    """The cells of these points and actions; nothing means all.

    ``points`` may be beginnings of names. A point stands for one service that passes it, unless
    ``everywhere``, or unless ``services`` are named.
    """
    for point in POINTS:
        if points and not point.startswith(tuple(points)):
            continue
        owners = _OWNERS_OF.get(point) or _OWNERS[point.partition(".")[0]]
        if services:
            owners = [one for one in owners if one in services]
        for service in owners if everywhere or services else owners[:1]:
            for action in Action:
                if not actions or action in actions:
                    yield Cell(point, action, service)
