"""Mails reach the provider: at least once, in order, and whatever the provider does."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from ordermesh.api.notify.v1 import DeliveryAttempt, Notification, NotificationKind
from ordermesh.client.errors import Refusal
from ordermesh.notify.operations.inbox import WORK_KIND
from ordermesh.notify.store.notifications import forget_recipients
from ordermesh.notify.store.tables import notification, recipient
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.tables import work
from tests.dialects import on_sqlite
from tests.eventually import eventually
from tests.notify.office import ADA, Office, Provider
from tests.routing.house import answered

SENT, DEAD = Notification.STATE_SENT, Notification.STATE_DEAD
DROPPED, PENDING = Notification.STATE_DROPPED, Notification.STATE_PENDING


def results(one: Notification) -> list[str]:
    return [
        DeliveryAttempt.Result.Name(attempt.result).removeprefix("RESULT_")
        for attempt in one.attempts
    ]


async def test_a_customer_is_told_once_of_one_thing(office: Office) -> None:
    event = await office.confirm()
    await office.settled()
    # Sourced again, after a location rejected its work: the customer knows already.
    await office.confirm()
    await office.ship()

    found = await office.settled(2)

    assert [one.state for one in found] == [SENT, SENT]
    assert [one.kind for one in found] == [
        NotificationKind.NOTIFICATION_KIND_ORDER_CONFIRMED,
        NotificationKind.NOTIFICATION_KIND_SHIPPED,
    ]
    assert found[0].event_id == event.event_id
    assert list(office.provider.copies().values()) == [1, 1]
    assert "A mail said that goods were shipped." in await office.sentences()


@on_sqlite
@pytest.mark.parametrize(
    ("script", "expected", "copies", "is_flagged"),
    [
        (["451 4.3.0 busy", "421 4.3.2 soon"], ["DEFERRED", "DEFERRED", "SENT"], 1, False),
        (["deaf"], ["DEFERRED", "SENT"], 1, False),
        (["mumbles"], ["DEFERRED", "SENT"], 1, False),
        (["late"], ["SENT"], 1, False),
        (["silent"], ["UNKNOWN", "SENT"], 2, True),
        (["hangs up"], ["UNKNOWN", "SENT"], 2, True),
        (["554 5.7.1 no", "554 5.7.1 no"], ["REFUSED", "REFUSED", "SENT"], 1, False),
        (["refuses"], ["REFUSED", "SENT"], 1, False),
    ],
)
async def test_what_the_provider_does_is_recorded_and_tried_again(
    office: Office, script: list[str], expected: list[str], copies: int, is_flagged: bool
) -> None:
    office.provider.script.extend(script)

    await office.confirm()
    await office.settled()

    one = await office.one()
    assert (one.state, results(one)) == (SENT, expected)
    assert one.possible_duplicate is is_flagged
    assert list(office.provider.copies().values()) == [copies]
    assert office.provider.faults.total() == len(script)
    assert all("@" not in attempt.answer for attempt in one.attempts)


@on_sqlite
async def test_what_is_refused_three_times_is_dead_and_can_be_brought_back(office: Office) -> None:
    office.provider.script.extend(["554 5.7.1 no"] * 3)
    await office.confirm()
    (one,) = await office.settled()
    assert (one.state, one.outcome, one.attempt_count) == (DEAD, "554 5.7.1", 3)
    assert "given up" in (await office.sentences())[-1]

    again = await office.retry(one)

    assert again.state == PENDING
    await office.until(lambda: bool(office.provider.taken))
    (one,) = await office.settled()
    assert (one.state, one.attempt_count) == (SENT, 4)
    refused = await answered(office.retry(one))
    assert isinstance(refused, Refusal)
    assert (refused.reason, refused.metadata["state"]) == ("NOT_DEAD", "SENT")


@on_sqlite
async def test_no_notice_dies_of_a_wrong_password(database_url: str, provider: Provider) -> None:
    provider.password_is_wrong = True
    office = Office(database_url, provider)
    office.settings |= {"smtp_username": "shop", "smtp_password": "of last year"}
    await office.start()
    try:
        await office.confirm()
        # Two ways to log in are tried by each attempt, and three refusals would be the end.
        await office.until(lambda: provider.faults["wrong password"] > 6)
        provider.password_is_wrong = False

        await office.settled()

        one = await office.one()
    finally:
        await office.stop()
    assert one.state == SENT
    assert set(results(one)) == {"DEFERRED", "SENT"}
    assert one.attempts[0].answer == "535 5.7.8"


@on_sqlite
async def test_a_dead_notice_does_not_keep_the_next_one_of_its_order(office: Office) -> None:
    office.provider.script.extend(["refuses"] * 3)

    await office.confirm()
    await office.ship()

    found = await office.settled(2)
    assert [one.state for one in found] == [DEAD, SENT]


@on_sqlite
async def test_notices_of_an_order_keep_their_order_through_retries(office: Office) -> None:
    office.provider.script.extend(["451 4.3.0 busy"] * 3)

    await office.confirm()
    await office.ship()
    await office.settled(2)

    subjects = [str(mail["Subject"]) for mail in office.provider.mails()]
    assert subjects == ["Your order A-1 is confirmed", "Your order A-1 is on its way"]


@on_sqlite
@pytest.mark.parametrize("point", ["begun", "answered"])
async def test_an_attempt_that_was_cut_off_is_made_again_and_marked(
    office: Office, point: str
) -> None:
    async def stop_there() -> None:
        await office.stop()

    crashed = False

    def crash(reached: str) -> None:
        nonlocal crashed
        if reached == point and not crashed:
            crashed = True
            raise RuntimeError("The process is gone.")

    office.at = crash
    await office.confirm()
    await office.until(lambda: crashed)

    await office.settled()

    one = await office.one()
    assert results(one) == ["UNKNOWN", "SENT"]
    assert one.possible_duplicate
    assert one.attempts[0].answer == "cut off"
    assert list(office.provider.copies().values()) == [1 if point == "begun" else 2]


@on_sqlite
async def test_preferences_are_asked_at_the_moment_of_sending(office: Office) -> None:
    confirmed = NotificationKind.NOTIFICATION_KIND_ORDER_CONFIRMED
    await office.prefer(True, address="ADA@Customers.example")
    await office.confirm("A-1")
    await office.settled(1)
    await office.prefer(False, kind=confirmed)
    await office.confirm("A-2")
    await office.ship("A-2")

    found = await office.settled(3)

    assert [(one.state, one.outcome) for one in found] == [
        (DROPPED, "OPTED_OUT"),
        (SENT, ""),
        (DROPPED, "OPTED_OUT"),
    ]
    assert "does not want" in " ".join(await office.sentences("A-1"))


@on_sqlite
async def test_who_opts_out_while_others_of_the_same_batch_are_written_to_is_not(
    office: Office,
) -> None:
    people = [ADA, ADA.__class__(name="Bob", email="bob@customers.example", language="en")]
    opted_out: list[str] = []

    async def opt_out(point: str) -> None:
        if point == "answered" and not opted_out:
            first = str(office.provider.mails()[0]["To"])
            opted_out.extend(one.email for one in people if one.email not in first)
            await office.prefer(True, address=opted_out[0])

    office.at = opt_out
    await asyncio.gather(*(office.confirm(f"A-{n}", one) for n, one in enumerate(people)))

    found = await office.settled(2)

    assert sorted((one.state, one.outcome) for one in found) == [(SENT, ""), (DROPPED, "OPTED_OUT")]
    assert len(office.provider.taken) == 1


@on_sqlite
@pytest.mark.parametrize(
    "email",
    ["", "nobody", "a@b", "a b@customers.example", "ä@x.example", "=?utf-8?q?a?=@x.example"],
)
async def test_who_cannot_be_reached_is_not_written_to(office: Office, email: str) -> None:
    contact = ADA.__class__(name="Ada", email=email)

    await office.confirm(contact=contact)

    (one,) = await office.settled()
    assert (one.state, one.outcome, one.attempt_count) == (DROPPED, "NO_ADDRESS", 0)


@on_sqlite
async def test_what_is_heard_before_whom_it_is_for_waits_and_is_sent(office: Office) -> None:
    # Returns was heard first: routing was behind, or notify had been away.
    await office.refund("A-1")
    await eventually(lambda: was_looked_at(office))
    (early,) = await office.notifications()
    assert (early.state, early.outcome) == (PENDING, "")

    await office.confirm("A-1")

    found = await office.settled(2)
    assert [one.state for one in found] == [SENT, SENT]
    assert len(office.provider.mails()) == 2


@on_sqlite
async def test_a_notice_for_nobody_is_given_up_after_a_day(office: Office) -> None:
    await office.refund("A-1")
    await eventually(lambda: was_looked_at(office))
    database = office.database
    assert database is not None
    long_ago = datetime.now(UTC) - timedelta(hours=25)

    async def age(tx: Transaction) -> None:
        await tx.execute(update(notification).values(create_time=long_ago))

    await database.run(age)

    (one,) = await office.settled()
    assert (one.state, one.outcome, one.attempt_count) == (DROPPED, "NO_ADDRESS", 0)


async def was_looked_at(office: Office) -> bool:
    """Whether a sender has had the only notice and put it off."""
    database = office.database
    assert database is not None
    query = select(work).where(work.c.kind == WORK_KIND)
    found = (await database.read(lambda tx: tx.execute(query))).one()
    return found.fence > 0 and found.lease_until is None


@on_sqlite
async def test_what_is_of_no_use_any_more_is_not_sent(office: Office) -> None:
    await office.confirm(event_time=datetime.now(UTC) - timedelta(days=3, minutes=1))

    (one,) = await office.settled()

    assert (one.state, one.outcome) == (DROPPED, "TOO_LATE")


@on_sqlite
async def test_after_three_days_of_failures_a_notice_is_given_up(office: Office) -> None:
    # Refunds are worth telling for longer than that.
    office.provider.script.extend(["451 4.3.0 busy"] * 1_000)
    await office.confirm("A-1")
    await office.refund("A-1")
    database = office.database
    assert database is not None
    long_ago = datetime.now(UTC) - timedelta(hours=73)

    async def age(tx: Transaction) -> None:
        is_failing = notification.c.first_attempt_time.is_not(None)
        await tx.execute(update(notification).where(is_failing).values(first_attempt_time=long_ago))

    async def is_given_up() -> bool:
        # Time and again, because an attempt that is under way writes what it knew when it began.
        await database.run(age)
        return any(one.state == DEAD for one in await office.notifications())

    await office.until(lambda: office.provider.faults.total() > 2)
    await office.until(is_given_up)

    (given_up,) = [one for one in await office.notifications() if one.state == DEAD]
    assert given_up.order_id == "A-1"
    assert given_up.attempt_count > 2


@on_sqlite
async def test_returns_are_told_to_whom_routing_named(office: Office) -> None:
    await office.confirm(name="#1001", contact=ADA.__class__(**as_dict(language="de-AT")))
    await office.refund(units=1234, nanos=500_000_000)
    await office.settled(2)

    mail = office.provider.mails()[-1]
    assert str(mail["To"]) == "Ada Lovelace <ada@customers.example>"
    assert str(mail["Subject"]) == "Your refund for order #1001"
    text = mail.get_body(("plain",))
    assert text is not None
    assert "1.234,50" in text.get_content().replace("\xa0", " ").replace(" 234", ".234")


@on_sqlite
async def test_whom_an_order_is_for_is_kept_as_long_as_something_is_heard_of_it(
    office: Office,
) -> None:
    await office.confirm("A-1")
    await office.confirm("A-2")
    await office.settled(2)
    database = office.database
    assert database is not None
    now = datetime.now(UTC)

    async def age(tx: Transaction) -> None:
        await tx.execute(update(recipient).values(update_time=now - timedelta(days=179)))

    await database.run(age)
    # Returns tells of it, and knows nobody's name.
    await office.refund("A-1")
    await office.settled(3)

    await database.run(lambda tx: forget_recipients(tx, now - timedelta(days=100)))

    kept = await database.read(lambda tx: tx.execute(select(recipient.c.order_id)))
    assert list(kept.scalars()) == ["A-1"]


def as_dict(**fields: str) -> dict[str, str]:
    return {"name": ADA.name, "email": ADA.email, **fields}
