"""What an address does not want to be told."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ordermesh.notify.domain.notice import Channel, NoticeKind


@dataclass(frozen=True, slots=True)
class Preference:
    """Whether a kind of notice is not wanted; ``kind`` None is all of them."""

    kind: NoticeKind | None
    channel: Channel
    opted_out: bool
    update_time: datetime


def is_wanted(preferences: Iterable[Preference], kind: NoticeKind) -> bool:
    """Whether a notice is wanted: what was said of its kind goes before what was said of all."""
    said = {one.kind: one.opted_out for one in preferences}
    return not said.get(kind, said.get(None, False))
