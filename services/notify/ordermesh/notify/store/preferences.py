"""What people do not want to be told, in the database, by a digest of their address."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from ordermesh.notify.domain.notice import Channel, NoticeKind
from ordermesh.notify.domain.preference import Preference
from ordermesh.notify.store.tables import preference
from ordermesh.runtime.database import Transaction


class SqlPreferenceStore:
    """Preferences in a table."""

    async def put(self, tx: Transaction, digest: bytes, one: Preference) -> None:
        """Keep what was said last."""
        insert_into = sqlite.insert if tx.dialect == "sqlite" else postgresql.insert
        told = {"opted_out": one.opted_out, "update_time": one.update_time}
        statement = insert_into(preference).values(
            digest=digest, kind=one.kind or "", channel=one.channel, **told
        )
        await tx.execute(
            statement.on_conflict_do_update(index_elements=["digest", "kind"], set_=told)
        )

    async def of(
        self, tx: Transaction, digests: Collection[bytes]
    ) -> dict[bytes, list[Preference]]:
        """What was said of these addresses, all kinds first."""
        rows = await tx.execute(
            select(preference)
            .where(preference.c.digest.in_(list(digests)))
            .order_by(preference.c.kind)
        )
        found: dict[bytes, list[Preference]] = {}
        for row in rows:
            update_time: datetime = row.update_time
            found.setdefault(bytes(row.digest), []).append(
                Preference(
                    NoticeKind(row.kind) if row.kind else None,
                    Channel(row.channel),
                    row.opted_out,
                    update_time,
                )
            )
        return found
