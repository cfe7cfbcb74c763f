"""What can come back, on both databases: every unit that left, once."""

from collections.abc import Mapping

import pytest

from ordermesh.kernel.money import Money
from ordermesh.returns.domain.order_return import Price
from ordermesh.returns.domain.paid import Paid
from ordermesh.returns.domain.returnable import Returnable
from ordermesh.returns.operations.inbox import handlers, record_shipment
from ordermesh.returns.store.returns import SqlReturnStore
from ordermesh.runtime.database import Database
from ordermesh.runtime.inbox import Inbox
from ordermesh.runtime.migrate import check
from ordermesh.runtime.validation import InvalidFields
from tests.returns.conftest import MIGRATIONS
from tests.returns.shipments import instead, shipped
from tests.routing.house import usd

STORE = SqlReturnStore()


@pytest.fixture
def inbox(database: Database) -> Inbox:
    """Where events arrive."""
    return Inbox(database, handlers(STORE))


async def returnable(database: Database, order_id: str = "A-1001") -> list[Returnable]:
    return list(await database.read(lambda tx: STORE.returnable(tx, order_id)))


async def paid(database: Database) -> Mapping[tuple[str, str], Paid]:
    return await database.read(lambda tx: STORE.paid(tx, "A-1001"))


async def test_tables_and_migrations_agree(database_url: str) -> None:
    await check(database_url, script_location=MIGRATIONS)


async def test_what_left_in_several_shipments_is_summed_by_line_and_item(
    database: Database, inbox: Inbox
) -> None:
    await inbox.receive([shipped(1, ("2", "MUG-7", 1), ("1", "PLATE-3", 2))])
    await inbox.receive([shipped(2, ("1", "PLATE-3", 3), ("1", "BOWL-1", 1))])

    assert await returnable(database) == [
        Returnable("1", "BOWL-1", 1),
        Returnable("1", "PLATE-3", 5),
        Returnable("2", "MUG-7", 1),
    ]


async def test_a_shipment_that_is_told_twice_counts_once(database: Database, inbox: Inbox) -> None:
    told = shipped(1, ("1", "MUG-7", 2))

    assert await inbox.receive([told, told]) == 1
    assert await inbox.receive([told]) == 0

    assert await returnable(database) == [Returnable("1", "MUG-7", 2)]


async def test_a_shipment_that_the_inbox_has_forgotten_still_counts_once(
    database: Database, inbox: Inbox
) -> None:
    await inbox.receive([shipped(1, ("1", "MUG-7", 2))])

    await database.run(lambda tx: record_shipment(STORE, tx, shipped(1, ("1", "MUG-7", 2))))

    assert await returnable(database) == [Returnable("1", "MUG-7", 2)]


async def test_what_was_paid_for_what_left_instead_is_known_in_the_order_in_which_it_left(
    database: Database, inbox: Inbox
) -> None:
    later = instead("1", "MUG-7", 2, ordered_unit_price=usd(8))
    first = instead("1", "MUG-7", 4, ordered_unit_price=usd(9))
    await inbox.receive([shipped(2, later, ("2", "MUG-7", 1)), shipped(1, first)])

    parts = ((4, Price("USD", Money(90_000), 2)), (2, Price("USD", Money(80_000), 2)))
    assert await paid(database) == {("1", "MUG-7"): Paid("USD", parts)}


async def test_of_what_left_instead_before_its_price_was_told_nothing_is_known(
    database: Database, inbox: Inbox
) -> None:
    await inbox.receive([shipped(1, instead("1", "MUG-7", 2))])

    assert await paid(database) == {}
    assert await returnable(database) == [Returnable("1", "MUG-7", 2)]


async def test_a_type_that_nobody_knows_is_recorded_and_adds_nothing(
    database: Database, inbox: Inbox
) -> None:
    unknown = shipped(1, ("1", "MUG-7", 2))
    unknown.type = "ordermesh.fulfillment_order.shipped.v9"

    assert await inbox.receive([unknown]) == 1
    assert await inbox.receive([unknown]) == 0

    assert await returnable(database) == []


async def test_one_event_that_cannot_be_read_keeps_all_of_its_delivery_out(
    database: Database, inbox: Inbox
) -> None:
    unreadable = shipped(2, ("1", "MUG-7", 2))
    unreadable.payload_type = "ordermesh.api.routing.v1.OrderSourced"

    with pytest.raises(InvalidFields):
        await inbox.receive([shipped(1, ("1", "MUG-7", 1)), unreadable])

    assert await returnable(database) == []


async def test_a_shipment_without_lines_adds_nothing(database: Database, inbox: Inbox) -> None:
    assert await inbox.receive([shipped(1)]) == 1

    assert await returnable(database) == []


async def test_a_shipment_may_have_as_many_lines_as_an_order_of_kits(
    database: Database, inbox: Inbox
) -> None:
    # Each parameter of a statement has a number, and there are no more than 32,767.
    lines = [(str(line), f"PART-{part}", 1) for line in range(140) for part in range(50)]

    await inbox.receive([shipped(1, *lines)])

    assert len(await returnable(database)) == 7_000


async def test_orders_do_not_see_each_other(database: Database, inbox: Inbox) -> None:
    await inbox.receive([shipped(1, ("1", "MUG-7", 1), order_id="A-1")])
    await inbox.receive([shipped(1, ("1", "MUG-7", 9), order_id="a-1")])

    assert await returnable(database, "A-1") == [Returnable("1", "MUG-7", 1)]


async def test_lines_are_sorted_alike_on_both_databases(database: Database, inbox: Inbox) -> None:
    names = ["b", "A", "ä", "a", "10", "9", "_"]

    await inbox.receive([shipped(1, *((name, "MUG-7", 1) for name in names))])

    assert [line.line_id for line in await returnable(database)] == sorted(names)
