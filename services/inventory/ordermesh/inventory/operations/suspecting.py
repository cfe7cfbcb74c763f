"""Keys whose books are found wrong are put into quarantine, and freed when they are sound."""

from collections.abc import Sequence

from ordermesh.inventory.domain.errors.stock import KeyNotQuarantined
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.suspect import Suspect, refuse_unsound
from ordermesh.inventory.domain.verification import Finding, examine
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.stores import Stores
from ordermesh.inventory.ports.verification import VerificationStore
from ordermesh.runtime.database import Transaction


async def seize_if_unsound(
    stores: Stores, verification: VerificationStore, tx: Transaction, key: StockKey
) -> Sequence[Finding]:
    """Check a key again under the lock of its balance, and put it into quarantine if it is wrong.

    Gives what is wrong; nothing where the key was put there before, or has no balance.
    """
    names = Names()
    await stores.items.look_up(tx, [key.sku], names)
    await stores.locations.look_up(tx, [key.location_id], names)
    pair = names.pair(key)
    books = await stores.ledger.lock(tx, {pair}, names)
    if key not in books.balances or key in books.quarantined:
        return ()
    findings = await _wrong(verification, tx, key, pair[0])
    if findings:
        await stores.suspects.seize(tx, pair, findings, await tx.now())
        await stores.ledger.tell_at(tx, {pair})
    return findings


async def free_key(
    stores: Stores,
    verification: VerificationStore,
    tx: Transaction,
    key: StockKey,
    actor: Actor,
    note: str,
) -> Suspect:
    """Let units of a key move again.

    Raises ``UnknownSku``, ``UnknownLocation``, ``KeyNotQuarantined``, ``KeyUnsound``.
    """
    names = Names()
    await stores.items.resolve(tx, [key.sku], names)
    await stores.locations.resolve(tx, [key.location_id], names)
    pair = names.pair(key)
    books = await stores.ledger.lock(tx, {pair}, names)
    if key not in books.quarantined:
        raise KeyNotQuarantined(key)
    refuse_unsound(key, await _wrong(verification, tx, key, pair[0]))
    freed = await stores.suspects.free(tx, pair, actor, note, await tx.now())
    await stores.ledger.tell_at(tx, {pair})
    return freed


async def _wrong(
    verification: VerificationStore, tx: Transaction, key: StockKey, item_id: int
) -> list[Finding]:
    """What is wrong with a locked key: nobody changes what its books say meanwhile."""
    chunk = await verification.balances(tx, item_id - 1, 1)
    return [finding for facts in chunk.keys if facts.key == key for finding in examine(facts)]
