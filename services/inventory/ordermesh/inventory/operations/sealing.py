"""Sealing: what has a revision gets its place in the chain."""

from ordermesh.inventory.domain.seal import Head, Sealed, seal_of, uncovered
from ordermesh.inventory.ports.seals import SealStore
from ordermesh.runtime.database import Transaction

SEAL_ROWS = 2_000
"""How many changes one transaction seals at most."""


async def seal_next(seals: SealStore, tx: Transaction) -> bool:
    """Seal the next changes; gives whether more may wait. Nothing happens while another seals."""
    head = await seals.claim(tx)
    if head is None:
        return False
    changes = await seals.changes(tx, head.revision, SEAL_ROWS)
    if changes.revision == head.revision:
        return False
    keys = {key for _, key, _ in changes.rows}
    covered = uncovered(changes.rows, await seals.sealed(tx, keys) if keys else {})
    sealed = []
    last = head.seal
    for one, entries in zip(covered, await seals.entries(tx, covered), strict=True):
        last = seal_of(last, one, entries)
        sealed.append(Sealed(one, last))
    await seals.add(tx, sealed, Head(changes.revision, last))
    return len(changes.rows) == SEAL_ROWS
