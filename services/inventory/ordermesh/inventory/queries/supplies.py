"""What is expected."""

from ordermesh.inventory.domain.belonging import Side, refuse_foreign_supplies
from ordermesh.inventory.domain.errors.supply import SupplyNotFound
from ordermesh.inventory.domain.key import Actor
from ordermesh.inventory.domain.supply import Supply
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.stores import Stores
from ordermesh.inventory.ports.supplies import SupplyFilter
from ordermesh.runtime.database import Transaction


async def get_supply(stores: Stores, tx: Transaction, supply_id: str, actor: Actor) -> Supply:
    """One supply. Raises ``SupplyNotFound``, ``NotYourLocation``."""
    found = await stores.supplies.get(tx, [supply_id], Names())
    if supply_id not in found:
        raise SupplyNotFound([supply_id])
    refuse_foreign_supplies(actor, [found[supply_id]], Side.EITHER)
    return found[supply_id]


async def list_supplies(
    stores: Stores, tx: Transaction, wanted: SupplyFilter, after: str, size: int
) -> tuple[list[Supply], bool]:
    """A page in the order of ids, and whether more follow."""
    rows = await stores.supplies.page(tx, wanted, after, size + 1)
    return rows[:size], len(rows) > size
