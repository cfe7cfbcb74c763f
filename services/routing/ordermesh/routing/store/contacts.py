"""Whom to tell about orders, in SQL."""

from collections.abc import Collection

from sqlalchemy import select

from ordermesh.routing.domain.submission import Contact
from ordermesh.routing.store.tables.orders import contact
from ordermesh.runtime.database import Transaction


class SqlContactStore:
    """Reads the one table of contacts; they are written with their orders."""

    async def of(self, tx: Transaction, order_ids: Collection[str]) -> dict[str, Contact]:
        """The contacts that are kept for these orders, by order."""
        found = await tx.execute(select(contact).where(contact.c.order_id.in_(list(order_ids))))
        return {
            row.order_id: Contact(
                name=row.name,
                email=row.email,
                phone=row.phone,
                address_lines=tuple(row.address_lines),
                language=row.language,
            )
            for row in found
        }
