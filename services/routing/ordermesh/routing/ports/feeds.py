"""What routing follows: inventory's items and locations."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from ordermesh.routing.domain.item import Item, KnownLocation
from ordermesh.routing.ports.stores import Feed


@dataclass(frozen=True)
class FeedPage:
    """What changed, with every change up to ``revision``; nothing in it is a mark of progress."""

    revision: int
    items: tuple[Item, ...] = ()
    locations: tuple[KnownLocation, ...] = ()


class FeedTooOld(Exception):
    """The revision from which to watch is no longer kept."""


class Feeds(Protocol):
    """Inventory's items and locations, to be followed."""

    def listed(self, feed: Feed) -> AsyncIterator[FeedPage]:
        """All there is, page by page; raises ``Unavailable``."""
        ...

    def watched(self, feed: Feed, start_revision: int) -> AsyncIterator[FeedPage]:
        """Changes from a revision on, for ever; raises ``FeedTooOld`` and ``Unavailable``."""
        ...
