"""How often network, known items and locations, policies, carriage, prices and facts have changed.

Whoever changes one of them counts it in the same transaction; the row makes them take turns. So a
copy in memory is known to be fresh by one look at a few numbers.
"""

from sqlalchemy import select, update

from ordermesh.routing.ports.carriage import CARRIAGE as CARRIAGE
from ordermesh.routing.store.tables.copies import knowledge
from ordermesh.runtime.database import Transaction

ITEMS = "items"
NETWORK = "network"
LOCATIONS = "locations"
POLICIES = "policies"
FACTS = "facts"


async def changed(tx: Transaction, name: str) -> None:
    """Count a change."""
    await tx.execute(
        update(knowledge).where(knowledge.c.name == name).values(version=knowledge.c.version + 1)
    )


async def versions(tx: Transaction) -> tuple[tuple[str, int], ...]:
    """All counts, by name."""
    rows = await tx.execute(select(knowledge).order_by(knowledge.c.name))
    return tuple((row.name, row.version) for row in rows)
