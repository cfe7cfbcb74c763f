"""One count, and pages of counts."""

from ordermesh.inventory.domain.belonging import refuse_foreign
from ordermesh.inventory.domain.count import Count
from ordermesh.inventory.domain.errors.counts import CountNotFound
from ordermesh.inventory.domain.key import Actor
from ordermesh.inventory.ports.counts import CountFilter
from ordermesh.inventory.ports.stores import Stores
from ordermesh.inventory.queries.lists import Page
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.feed import revision


async def get_count(
    stores: Stores, tx: Transaction, count_id: str, actor: Actor
) -> tuple[Count, int]:
    """One count with its lines, and the revision. Raises ``CountNotFound``, ``NotYourLocation``."""
    at = await revision(tx)
    found = await stores.counts.get(tx, count_id, lock=False)
    if found is None:
        raise CountNotFound(count_id)
    refuse_foreign(actor, [found.location_id])
    return found, at


async def list_counts(
    stores: Stores,
    tx: Transaction,
    wanted: CountFilter,
    after: str,
    size: int,
) -> Page[Count]:
    """A page without lines, in the order of ids."""
    at = await revision(tx)
    rows = await stores.counts.page(tx, wanted, after, size + 1)
    return Page(rows[:size], len(rows) > size, at, await tx.now())
