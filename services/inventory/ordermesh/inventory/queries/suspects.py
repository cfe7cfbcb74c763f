"""Keys whose books were found wrong, page by page."""

from datetime import datetime
from uuid import UUID

from ordermesh.inventory.domain.suspect import Suspect
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction


async def list_suspects(
    stores: Stores,
    tx: Transaction,
    after: tuple[datetime, UUID] | None,
    size: int,
    *,
    include_freed: bool,
) -> tuple[list[Suspect], bool]:
    """A page, the oldest first, and whether more follow."""
    rows = await stores.suspects.page(tx, after, size + 1, include_freed=include_freed)
    return rows[:size], len(rows) > size
