"""Sealing: what has a revision gets its place in the chain."""

from ordermesh.inventory.domain.seal import Head, seal_of
from ordermesh.inventory.ports.seals import SealStore
from ordermesh.runtime.database import Transaction


async def sealed_revision(seals: SealStore, tx: Transaction) -> int:
    """How far the books are sealed."""
    return (await seals.head(tx)).revision


async def seal_next(seals: SealStore, tx: Transaction) -> bool:
    """Seal the next changes; gives whether more may wait. Nothing happens while another seals."""
    head = await seals.claim(tx)
    if head is None:
        return False
    found = await seals.unsealed(tx, head.revision)
    if found.revision == head.revision:
        return False
    made, last = [], head.seal
    for change in found.changes:
        last = seal_of(last, change.covered, change.digest)
        made.append(last)
    await seals.add(tx, found.changes, made, Head(found.revision, last))
    return found.has_more
