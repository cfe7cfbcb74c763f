"""Every mutating method and what it refuses: by the right reason, with nothing changed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pool
from google.protobuf.message import Message
from sqlalchemy import select

from ordermesh.api.notify import v1
from ordermesh.client.errors import Refusal
from ordermesh.notify.store.tables import metadata
from ordermesh.runtime.database import Transaction
from tests.impatience import assert_nobody_acts_for_who_has_gone, recorded_count
from tests.notify.office import ADA, EMAIL, Office
from tests.routing.house import answered, new_id, refused

INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
REFUSED = grpc.StatusCode.FAILED_PRECONDITION

UNKNOWN = "33333333-3333-4333-8333-333333333333"
DEAD, SENT = "DEAD", "SENT"
"""Stand for the ids of the notices that a test has prepared."""


@dataclass(frozen=True)
class Wrong:
    """A request that is refused, and how."""

    name: str
    request: Callable[[], Message]
    code: grpc.StatusCode
    reason: str
    facts: dict[str, str] = field(default_factory=dict)


def invalid(name: str, request: Callable[[], Message], path: str) -> Wrong:
    return Wrong(name, request, INVALID, "FIELD_VIOLATION", {"field": path})


def prefer(**fields: Any) -> v1.SetPreferenceRequest:
    return v1.SetPreferenceRequest(
        **{
            "request_id": new_id(),
            "address": ADA.email,
            "channel": EMAIL,
            "kind": v1.NotificationKind.NOTIFICATION_KIND_SHIPPED,
            "opted_out": True,
            **fields,
        }
    )


def retry(notification_id: str = DEAD, **fields: Any) -> v1.RetryNotificationRequest:
    return v1.RetryNotificationRequest(
        **{"request_id": new_id(), "notification_id": notification_id, **fields}
    )


WRONG = [
    invalid("no address", lambda: prefer(address=""), "address"),
    invalid("a second line", lambda: prefer(address="a@b.example\r\nBcc: c@d.example"), "address"),
    invalid("text turned around", lambda: prefer(address="a\u202e@b.example"), "address"),
    invalid("far too long", lambda: prefer(address="a" * 250 + "@b.example"), "address"),
    invalid("no channel", lambda: prefer(channel=0), "channel"),
    invalid("an unknown channel", lambda: prefer(channel=77), "channel"),
    invalid("an unknown kind", lambda: prefer(kind=77), "kind"),
    invalid("a control character", lambda: prefer(on_behalf_of="A\0"), "on_behalf_of"),
    Wrong(
        "what is no address",
        lambda: prefer(address="ada at customers"),
        INVALID,
        "INVALID_ADDRESS",
        {"channel": "EMAIL"},
    ),
    Wrong(
        "two addresses",
        lambda: prefer(address="a@b.example, c@d.example"),
        INVALID,
        "INVALID_ADDRESS",
        {"channel": "EMAIL"},
    ),
    invalid("no notice", lambda: retry(""), "notification_id"),
    invalid("no id of a notice", lambda: retry("1"), "notification_id"),
    invalid("a long name", lambda: retry(on_behalf_of="x" * 129), "on_behalf_of"),
    Wrong(
        "an unknown notice",
        lambda: retry(UNKNOWN),
        NOT_FOUND,
        "NOTIFICATION_NOT_FOUND",
        {"notificationId": UNKNOWN},
    ),
    Wrong("one that was sent", lambda: retry(SENT), REFUSED, "NOT_DEAD", {"state": "SENT"}),
]

VALID: dict[str, Callable[[], Message]] = {"SetPreference": prefer, "RetryNotification": retry}


class Shop:
    """An office with a notice that was given up and one that was sent."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self._ids: dict[str, str] = {}

    async def open(self) -> None:
        self.office.provider.script.extend(["refuses"] * 3)
        await self.office.confirm("A-1")
        await self.office.settled(1)
        await self.office.confirm("A-2")
        found = {one.order_id: one for one in await self.office.settled(2)}
        assert found["A-1"].state == v1.Notification.STATE_DEAD
        assert found["A-2"].state == v1.Notification.STATE_SENT
        self._ids = {DEAD: found["A-1"].notification_id, SENT: found["A-2"].notification_id}

    def call(self, request: Any, **options: Any) -> Any:
        mesh = self.office.mesh
        if isinstance(request, v1.RetryNotificationRequest):
            request.notification_id = self._ids.get(
                request.notification_id, request.notification_id
            )
            return mesh.notifications.RetryNotification(request, **options)
        return mesh.preferences.SetPreference(request, **options)

    async def fingerprint(self) -> tuple[dict[str, list[str]], int]:
        """Everything that notify has stored, and how many requests it has recorded."""
        database = self.office.database
        assert database is not None

        async def read(tx: Transaction) -> dict[str, list[str]]:
            return {
                table.name: sorted(map(repr, await tx.execute(select(table))))
                for table in metadata.sorted_tables
            }

        return await database.read(read), await recorded_count(database)


@pytest.fixture
async def shop(office: Office) -> Shop:
    opened = Shop(office)
    await opened.open()
    return opened


def is_as_told(case: Wrong, refusal: object) -> bool:
    if not isinstance(refusal, Refusal):
        return False
    if (refusal.code, refusal.reason) != (case.code, case.reason):
        return False
    if case.reason == "FIELD_VIOLATION":
        return case.facts["field"] in refusal.violations
    return case.facts.items() <= refusal.metadata.items()


async def test_every_wrong_request_is_refused_as_the_contract_says_and_changes_nothing(
    shop: Shop,
) -> None:
    tables, recorded = await shop.fingerprint()
    found = []

    for case in WRONG:
        refusal = await answered(shop.call(case.request()))
        if not is_as_told(case, refusal):
            found.append((case.name, refusal))

    assert found == []
    # A refusal by a rule is recorded, so that a retry gets the same one; nothing else is.
    by_rule = sum(case.code is REFUSED for case in WRONG)
    assert await shop.fingerprint() == (tables, recorded + by_rule)


@pytest.mark.parametrize("method", VALID)
async def test_a_request_without_a_proper_id_is_refused_and_changes_nothing(
    shop: Shop, method: str
) -> None:
    before = await shop.fingerprint()

    for request_id in ("", "1", "not-a-uuid"):
        request: Any = VALID[method]()
        request.request_id = request_id
        refusal = await refused(shop.call(request))
        assert (refusal.code, refusal.reason) == (INVALID, "FIELD_VIOLATION")
        assert "request_id" in refusal.violations

    assert await shop.fingerprint() == before


@pytest.mark.parametrize("method", VALID)
async def test_a_request_is_answered_once_and_a_reused_id_is_refused(
    shop: Shop, method: str
) -> None:
    request: Any = VALID[method]()
    first = await shop.call(request)
    await shop.office.settled(2)
    after = await shop.fingerprint()

    assert await shop.call(request) == first
    request.on_behalf_of = "somebody else"
    other = await refused(shop.call(request))

    assert (other.reason, other.code) == ("REQUEST_ID_REUSED", INVALID)
    assert await shop.fingerprint() == after


@pytest.mark.parametrize("method", VALID)
async def test_a_call_whose_time_is_over_and_one_that_was_cancelled_change_nothing(
    shop: Shop, method: str
) -> None:
    assert shop.office.database is not None

    def calling(**options: Any) -> Any:
        return shop.call(VALID[method](), **options)

    await assert_nobody_acts_for_who_has_gone(shop.office.database, calling, shop.fingerprint)


def test_every_mutating_method_is_listed() -> None:
    pool = descriptor_pool.Default()
    mutating = {
        method.name
        for service in ("NotificationService", "PreferenceService", "TimelineService")
        for method in pool.FindServiceByName(f"ordermesh.api.notify.v1.{service}").methods
        if "request_id" in method.input_type.fields_by_name
    }

    assert mutating == VALID.keys()
    assert mutating == {type(case.request()).__name__.removesuffix("Request") for case in WRONG}
