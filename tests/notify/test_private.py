"""Whose mail it is stays where it must be: one deletable table, and the mail itself."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from ordermesh.api.event.v1 import WatchEventsRequest
from ordermesh.api.notify.v1 import NotificationKind, SetPreferenceRequest
from ordermesh.api.order.v1 import Contact
from ordermesh.notify.store.tables import metadata
from ordermesh.runtime import tables as runtime_tables
from ordermesh.runtime.database import Transaction
from tests.dialects import on_sqlite
from tests.notify.office import EMAIL, Office
from tests.routing.house import answered
from tests.spans import Spans, record

SECRET = "lovelace4711"

CUSTOMER = Contact(
    name=f"Ada {SECRET}", email=f"{SECRET}@customers.example", phone=f"+1{SECRET}", language="en"
)


@pytest.fixture
def spans() -> Spans:
    return record()


async def live_through_every_fault(office: Office) -> None:
    """Mails that are taken, put off, refused, cut off, given up, opted out of and sent again."""
    office.provider.script.extend(
        ["refuses", "451 4.3.0 busy", "silent", "hangs up", f"554 5.7.1 <{SECRET}@x> no", "late"]
    )
    for number in range(4):
        await office.confirm(f"A-{number}", CUSTOMER)
        await office.ship(f"A-{number}", CUSTOMER)
    await office.settled(8)
    dead = f"{SECRET}@nowhere.invalid"
    await office.confirm("A-8", Contact(name=SECRET, email=dead, language=SECRET))
    await office.confirm("A-9", Contact(name=SECRET, email=f"no address {SECRET}"))
    await office.prefer(True, NotificationKind.NOTIFICATION_KIND_SHIPPED, CUSTOMER.email)
    await office.ship("A-1", CUSTOMER)
    await office.settled(10)
    await answered(
        office.mesh.preferences.SetPreference(
            SetPreferenceRequest(
                request_id=str(uuid4()), address=f"bad {SECRET}", channel=EMAIL, opted_out=True
            )
        )
    )


async def told(office: Office) -> str:
    """All that anybody can read of notifications, timelines and events."""
    found = [repr(one) for one in await office.notifications()]
    for number in range(10):
        found.extend(await office.sentences(f"A-{number}"))
    watching = office.mesh.events("notify").WatchEvents(WatchEventsRequest(start_revision=1))
    async for page in watching:
        found.append(page.SerializeToString().decode("latin-1"))
        if page.events and len(found) > 20:
            break
    watching.cancel()
    return "\n".join(found)


@on_sqlite
async def test_a_customer_is_known_to_one_table_and_to_nobody_who_reads_along(
    office: Office, spans: Spans, capfd: pytest.CaptureFixture[str]
) -> None:
    await live_through_every_fault(office)
    database = office.database
    assert database is not None

    async def read(tx: Transaction) -> dict[str, str]:
        tables = [*metadata.sorted_tables, *runtime_tables.metadata.sorted_tables]
        return {
            table.name: repr([tuple(row) for row in await tx.execute(select(table))])
            for table in tables
        }

    written = await database.read(read)

    assert {name for name, rows in written.items() if SECRET in rows} == {"recipient"}
    assert any(SECRET.encode() in mail for mail in office.provider.taken)
    assert SECRET not in await told(office)
    shown = [
        (span.name, span.attributes, span.events, span.status.description) for span in spans.all()
    ]
    assert shown
    assert SECRET not in repr(
        [
            (
                one[0],
                dict(one[1] or {}),
                [(e.name, dict(e.attributes or {})) for e in one[2]],
                one[3],
            )
            for one in shown
        ]
    )
    captured = capfd.readouterr()
    assert SECRET not in captured.out + captured.err
