"""Whether everybody who should hear of something has heard of it, once."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from uuid import UUID

from ordermesh.api.event.v1 import EventEnvelope
from tests.simulation.books import Books
from tests.simulation.stories.platforms import Platform

_SHIPPED = "ordermesh.fulfillment_order.shipped.v1"

_COUNT = "select count(*) from feed where topic = 'event'"

WANTED: Mapping[tuple[str, str], Callable[[EventEnvelope], bool]] = {
    ("inventory", "routing"): lambda one: one.aggregate_type in ("reservation", "shortfall"),
    ("routing", "notify"): lambda one: one.aggregate_type == "order",
    ("routing", "returns"): lambda one: one.type == _SHIPPED,
    ("returns", "notify"): lambda one: one.aggregate_type == "return",
}
"""Who tells whom of what."""


def wrong(books: Books, mails: Counter[UUID]) -> Iterator[str]:
    """What was not heard, or heard and never said."""
    told = {name: events_of(books, name) for name in ("inventory", "routing", "returns")}
    for (source, peer), is_wanted in WANTED.items():
        said = {UUID(one.event_id).hex for one in told[source] if is_wanted(one)}
        heard = {
            row["event_id"]
            for row in books.rows(peer, "select event_id from inbox where source = ?", source)
        }
        if said - heard:
            yield f"{peer} never heard of {len(said - heard)} events of {source}."
        if heard - said:
            yield f"{peer} heard of {len(heard - said)} events that {source} never told."
        yield from _disordered(books, source, peer, told[source])
    yield from _timelines(books, told)
    yield from _mails(books, mails)


def followed(books: Books, platforms: Iterable[Platform]) -> Iterator[str]:
    """Who follows a feed from a position has heard each event once, in order."""
    for one in platforms:
        said = [event.event_id for event in events_of(books, one.service)]
        if one.heard != said[: len(one.heard)]:
            yield f"Who followed {one.service} heard its events otherwise than they were told."
        elif len(one.heard) < len(said):
            yield f"Who followed {one.service} heard {len(one.heard)} of {len(said)} events."


def behind(books: Books, platforms: Iterable[Platform]) -> list[str]:
    """Who has not yet heard all that a feed tells."""
    return [
        f"{one.service}'s follower: {left} events"
        for one in platforms
        if (left := books.number(one.service, _COUNT) - len(one.heard)) > 0
    ]


def events_of(books: Books, service: str) -> list[EventEnvelope]:
    """The events of a service in the order of their revisions."""
    rows = books.rows(service, "select payload from feed where topic = 'event' order by revision")
    return [EventEnvelope.FromString(row["payload"]) for row in rows]


def _disordered(
    books: Books, source: str, peer: str, told: Iterable[EventEnvelope]
) -> Iterator[str]:
    """What a peer heard of a thing otherwise than it happened."""
    events = {UUID(one.event_id).hex: one for one in told}
    last: dict[tuple[str, str], int] = {}
    for row in books.rows(
        peer, "select event_id from inbox where source = ? order by rowid", source
    ):
        if (one := events.get(row["event_id"])) is None:
            continue
        thing = (one.aggregate_type, one.aggregate_id)
        if one.sequence < last.get(thing, 0):
            yield f"{peer} heard of {one.type} of {one.aggregate_id} after what followed it."
        last[thing] = one.sequence


def _timelines(books: Books, told: Mapping[str, list[EventEnvelope]]) -> Iterator[str]:
    entries = Counter(
        row["event_id"] for row in books.rows("notify", "select event_id from timeline_entry")
    )
    for one in told["routing"]:
        if entries[UUID(one.event_id).hex] != 1:
            count = entries[UUID(one.event_id).hex]
            yield f"The timeline of {one.order_id} has {one.type} {count} times."


def _mails(books: Books, mails: Counter[UUID]) -> Iterator[str]:
    for row in books.rows("notify", "select * from notification"):
        count = mails[UUID(row["notification_id"])]
        if row["state"] == "SENT" and not count:
            yield f"A {row['kind']} for {row['order_id']} was sent, and nobody got it."
        if count > 1 and not row["possible_duplicate"]:
            yield f"A {row['kind']} for {row['order_id']} came {count} times, and nobody said so."
