"""Ten policies of one season with windows that overlap, weather and events: nobody touches them."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from ordermesh.api.order.v1 import FulfillmentMethod
from ordermesh.api.routing import v1
from ordermesh.kernel.clock import SystemClock
from tests.dialects import on_sqlite
from tests.routing.conftest import INVENTORY, ROUTING
from tests.routing.house import House, line, new_id
from tests.routing.policing import rule, save, sent, text

DAYS = 40
HOUR = timedelta(hours=1)


class Calendar(SystemClock):
    """The clock of this machine, and the days by which a test is ahead of it."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
async def shop(migrated_url: Callable[[str], str], calendar: Calendar) -> AsyncIterator[House]:
    opened = House(migrated_url(INVENTORY), migrated_url(ROUTING), calendar)
    await opened.open()
    await opened.stock({f"MUG at {place}": 200 for place in ("NEAR", "EAST", "WEST")})
    yield opened
    await opened.close()


def stamp(at: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(at)
    return message


def window(start: datetime, first: int, last: int) -> v1.TimeWindow:
    """From one day until another, counted from the start of the season."""
    return v1.TimeWindow(
        start_time=stamp(start + timedelta(days=first)),
        end_time=stamp(start + timedelta(days=last)),
    )


SEASON = [
    # policy, first day, last day, priority, the tag that chooses it ("" for a version of default)
    ("default", 2, 30, 0, ""),
    ("default", 10, 20, 5, ""),
    ("default", 18, 25, 1, ""),
    ("gifts", 0, 15, 10, "gift"),
    ("gifts", 12, 28, 10, "gift"),
    ("vip", 5, 35, 20, "vip"),
    ("express", 8, 22, 15, "gift"),
    ("clearance", 25, 40, 3, "sale"),
    ("flash", 13, 14, 99, "sale"),
    ("returns-week", 30, 37, 8, "vip"),
]
"""Ten policies of one season, whose windows overlap in every way."""


def expected(day: float, tags: set[str]) -> tuple[str, int]:
    """The policy and version that must decide, by a reckoning of its own: versions count from 2
    for ``default``, which has one already, and from 1 for the others.
    """
    counts = {"default": 1}
    best: dict[str, tuple[int, int, str]] = {"default": (0, 1, "")}
    for name, first, last, priority, tag in SEASON:
        counts[name] = counts.get(name, 0) + 1
        here = (priority, counts[name], tag)
        if first <= day < last and (name not in best or here[:2] > best[name][:2]):
            best[name] = here
    fitting = [(-p, name, v) for name, (p, v, tag) in best.items() if tag in tags]
    if fitting:
        _, name, version = min(fitting)
        return name, version
    return "default", best["default"][1]


@on_sqlite
async def test_a_season_comes_and_goes_by_itself_and_every_decision_names_what_decided(
    shop: House, calendar: Calendar
) -> None:
    start = calendar.now() + HOUR
    before = await overview(shop)
    for name, first, last, priority, tag in SEASON:
        await save(
            shop,
            name,
            priority=priority,
            windows=[window(start, first, last)],
            chosen_when=[text("ORDER_TAG", tag)] if tag else [],
            # While stores host an event nothing is sent from the west.
            rules=[rule("event", text("LOCATION_ID", "WEST"), windows=[window(start, 10, 12)])],
        )
    # Snow closes the nearest location for two days.
    await shop.mesh.network.SwitchLocation(
        v1.SwitchLocationRequest(
            request_id=new_id(),
            location_id="NEAR",
            methods=[FulfillmentMethod.FULFILLMENT_METHOD_SHIP],
            reason="snow",
            start_time=stamp(start + timedelta(days=10)),
            end_time=stamp(start + timedelta(days=12)),
        )
    )

    decided: set[tuple[str, int]] = set()
    for number, day in enumerate([-0.02, 1, 3, 6, 9, 11, 13.5, 16, 19, 23, 27, 31, 36, 39, 45]):
        calendar.ahead = start - datetime.now(UTC) + timedelta(days=day)
        for tags in ([], ["gift"], ["vip", "gift"], ["sale"]):
            answer = await shop.submit(
                f"O-{number}-{'-'.join(tags)}",
                line("1", "MUG"),
                traits=v1.OrderTraits(tags=tags),
            )
            decision = answer.decision
            which = (decision.policy_id, decision.policy_version)
            assert which == expected(day, set(tags)), (day, tags, decision.policy_reason)
            assert decision.policy_reason
            assert decision.outcome == v1.Outcome.OUTCOME_OPTIMAL
            assert list(sent(decision)) == (["EAST"] if 10 <= day < 12 else ["NEAR"])
            decided.add(which)

    assert len(decided) >= 10
    after = await overview(shop)
    assert after["default"] == before["default"]
    request = v1.PreviewPoliciesRequest(policy_id="default")
    preview = await shop.mesh.policies.PreviewPolicies(request)
    assert [(one.version, list(one.rule_ids)) for one in preview.periods] == [(1, [])]
    assert not preview.changes


async def overview(shop: House) -> dict[str, v1.Policy]:
    """What is shown of each policy now."""
    reply = await shop.mesh.policies.ListPolicies(v1.ListPoliciesRequest())
    return {one.policy_id: one for one in reply.policies}
