"""Editing the books past their guards, which are put back afterwards."""

from sqlalchemy import Executable, text

from ordermesh.inventory.store.verification import HISTORY
from ordermesh.runtime.database import Transaction
from tests.inventory.shop import Shop


async def damage(shop: Shop, *statements: Executable) -> None:
    """Edit history, and leave no trace of how."""

    async def edit(tx: Transaction) -> None:
        put_back = await lift_guards(tx)
        for statement in statements:
            await tx.execute(statement)
        for guard in put_back:
            await tx.execute(text(guard))

    await shop.wiring.database.run(edit)


async def lift_guards(tx: Transaction) -> list[str]:
    """Take the guards of history away; gives the statements that put them back."""
    if tx.dialect == "postgresql":
        for table in HISTORY:
            await tx.execute(text(f"alter table {table} disable trigger {table}_append_only"))
        return [f"alter table {table} enable trigger {table}_append_only" for table in HISTORY]
    found = await tx.execute(text("select name, sql from sqlite_master where type = 'trigger'"))
    triggers = found.all()
    for trigger in triggers:
        await tx.execute(text(f"drop trigger {trigger.name}"))
    return [trigger.sql for trigger in triggers]
