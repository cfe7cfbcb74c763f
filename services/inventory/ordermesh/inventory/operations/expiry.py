"""Taking back what was not confirmed in time."""

from datetime import timedelta

from ordermesh.inventory.domain.key import Actor
from ordermesh.inventory.domain.movement import Document, documented
from ordermesh.inventory.domain.verbs import settle
from ordermesh.inventory.operations.writing import write
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.reservations import StoredReservation
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime import failpoints
from ordermesh.runtime.database import Transaction

SWEEP_LINES = 100
"""How many overdue lines one transaction takes back at most."""

TOMBSTONE_AGE = timedelta(days=8)
"""A week in which a late request may still come, and a day more."""

IMPORT_AGE = timedelta(days=8)
"""For so long after its last frame an import can go on, and its frames are known."""

IMPORT_ROWS = 1_000
"""How many rows of an old import one transaction forgets at most."""

SWEEPER = Actor("inventory")
"""Who takes back overdue holds."""


async def expire_overdue(stores: Stores, tx: Transaction) -> int:
    """Expire the lines that have been overdue for longest; gives how many, 0 when none are left."""
    names = Names()
    pairs = await stores.reservations.overdue_pairs(tx, await tx.now(), SWEEP_LINES)
    if not pairs:
        return 0
    books = await stores.ledger.lock(tx, pairs, names)
    pairs -= names.pairs(books.quarantined)
    if failpoints.armed:
        await failpoints.reach(failpoints.points.EXPIRY_LOCKED)
    now = await tx.now()
    overdue = await stores.reservations.overdue(tx, pairs, now, names, SWEEP_LINES)
    ledger = books.opened()
    settled = [StoredReservation(one, settle(ledger, one, now)) for one in overdue]
    documents = documented(ledger, Document(SWEEPER))
    await write(stores, tx, names, ledger, books.terms, documents, settled, now)
    return sum(len(one.open_lines) for one in overdue)


async def forget_tombstones(stores: Stores, tx: Transaction) -> int:
    """Forget reservations that were released before they were made, and never came."""
    return await stores.reservations.forget_tombstones(tx, await tx.now() - TOMBSTONE_AGE)


async def forget_imports(stores: Stores, tx: Transaction) -> int:
    """Forget imports that did not go on for long, a part at a time."""
    return await stores.imports.forget(tx, await tx.now() - IMPORT_AGE, IMPORT_ROWS)
